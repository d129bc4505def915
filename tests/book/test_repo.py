"""Do the project's files agree with each other?"""

import ast
import json
import re
import socket
import subprocess
import sys
import tomllib
from importlib.metadata import version

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from render import heading
from support import ROOT

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
URL, BRANCH = CONFIG["repository"]["url"], CONFIG["repository"]["branch"]
OWNER, NAME = URL.split("/")[-2:]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
PYTHONS = ["3.11", "3.12", "3.13"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def git_files(*options):
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *options]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in output.split("\0") if name and (ROOT / name).exists()]


def texts():
    """Path and text of every file of the project, new ones included, that people write."""
    for path in git_files("--cached", "--others", "--exclude-standard"):
        if path.suffix not in {".png", ".h5", ".npz"} and path.name not in {
            "litert.js",
            "network.js",
        }:
            yield path, path.read_text(encoding="utf-8")


def cells(path, kind):
    return [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def lock():
    """{name: [(version, marker or None)]} of requirements.lock; every pin has its hashes."""
    pins = {}
    for entry in (ROOT / "requirements.lock").read_text().replace("\\\n", "").splitlines():
        line, *hashes = re.split(r"\s+--hash=sha256:", entry.strip())
        match = re.fullmatch(r"([a-z0-9-]+)(?:\[[\w,-]+\])?==([\w.]+)(?: ; (.+))?", line)
        assert match, f"not a plain pin: {line}"
        assert hashes, f"no hash: {line}"
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes)
        name, pin, marker = match.groups()
        pins.setdefault(name, []).append((pin, marker and Marker(marker)))
    return pins


# Environments


def declared():
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [Requirement(line) for lines in lists for line in lines]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("platform", "processor"),
    [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")],
)
def test_the_lock_covers_what_is_declared(python, platform, processor):
    pins = lock()
    machine = {"sys_platform": platform, "python_version": python, "platform_machine": processor}
    machine |= {"python_full_version": f"{python}.0", "extra": ""}
    for requirement in declared():
        if requirement.name == "digitlib":  # one extra takes in another
            continue
        if requirement.marker and not requirement.marker.evaluate(machine):
            continue
        found = [p for p, m in pins[requirement.name] if m is None or m.evaluate(machine)]
        assert len(found) == 1, f"{requirement.name}: {found}"
        assert found[0] in requirement.specifier, f"{requirement}: {found[0]} is locked"


def test_the_lock_is_what_is_installed():
    for name, pins in lock().items():
        for pin, marker in pins:
            if marker is None or marker.evaluate():
                assert version(name) == pin, name


def test_no_tensorflow_comes_with_the_package():
    """Beside another build of it, such as tensorflow-cpu, it would break both."""
    names = [Requirement(line).name for line in PROJECT["dependencies"]]
    assert "keras" in names
    assert not [name for name in names if "tensorflow" in name]
    for extra in PROJECT["optional-dependencies"].values():
        builds = [Requirement(line) for line in extra if "tensorflow" in Requirement(line).name]
        for machine in (
            {"sys_platform": "linux", "platform_machine": "x86_64"},
            {"sys_platform": "darwin"},
        ):
            wanted = [r for r in builds if r.marker.evaluate(machine)]
            assert len(wanted) == bool(builds)


def test_jupyter_book_stays_below_2():
    allowed = {r.name: r.specifier for r in declared()}["jupyter-book"]
    assert "1.0.4" in allowed
    assert "2.0.0" not in allowed
    assert all(int(pin.split(".")[0]) < 2 for pin, _ in lock()["jupyter-book"])


def test_everybody_supports_the_same_pythons():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert conda == ["python>=3.11,<3.14", "make", "pip"]
    assert pip == {"pip": ["-r requirements.lock"]}  # so that conda's versions are the lock's
    ranges = [conda[0].removeprefix("python"), PROJECT["requires-python"]]
    for python in PYTHONS:
        assert all(python in SpecifierSet(text) for text in ranges)
    assert "3.10" not in SpecifierSet(PROJECT["requires-python"])
    makefile = (ROOT / "Makefile").read_text()
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in makefile
    assert "python3.12 python3.13 python3.11 python3" in makefile
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"] == PYTHONS
    # what is published has passed everything
    assert {"publish", *ci["jobs"]["publish"]["needs"]} == set(ci["jobs"])
    parts = re.search(r"^check: (test .*)$", makefile, re.MULTILINE)[1].split()
    assert ["test", *ci["jobs"]["check"]["strategy"]["matrix"]["part"]] == parts


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path):
    mine = tmp_path / "mine.txt"
    mine.touch()
    command = ["make", "setup", f"VENV={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{tmp_path} is no environment of Python: ")
    (tmp_path / "conda-meta").mkdir()  # one of conda's, without a Python
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"{tmp_path} has no Python ")
    assert mine.exists()


def test_a_port_that_is_taken_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        # -o: as the environment is, it serves
        command = ["make", "-o", f"{sys.prefix}/.ready", f"VENV={sys.prefix}", f"PORT={port}"]
        done = subprocess.run(
            [*command, "serve"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"Port {port} is taken: make serve PORT=...\n")


# The repository's address


def test_every_use_of_the_address_is_the_one_in_config():
    github = re.compile(r"github\.com[:/]([\w.-]+)/([\w.-]+)(?:/(?:blob|tree|raw)/([\w.-]+))?")
    colab = re.compile(r"colab\.research\.google\.com/github/([\w-]+)/([\w-]+)/blob/([\w.-]+)")
    pages = re.compile(r"([\w-]+)\.github\.io/([\w-]+)()")
    installs = re.compile(r"github\.com/([\w-]+)/([\w-]+?)(?:\.git)?@([\w.-]+)")
    for path, text in texts():
        for owner, name, branch in (
            m for p in (github, colab, pages, installs) for m in p.findall(text)
        ):
            name = name.removesuffix(".git").rstrip(".")
            if owner == OWNER or name == NAME or "digits" in owner + name:
                assert (owner, name) == (OWNER, NAME), path
                assert branch in ("", BRANCH), path


@pytest.mark.parametrize("file", ["CITATION.cff", "pyproject.toml"])
def test_the_address_stands_where_people_look_for_it(file):
    assert URL in (ROOT / file).read_text()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_installs_from_the_address(path):
    assert re.search(rf"git\+{re.escape(URL)}(\.git)?@{BRANCH}\b", cells(path, "code")[0])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_can_be_launched_and_downloaded_and_says_how_it_ran(site, path):
    page = site / "html" / "notebooks" / f"{path.stem}.html"
    soup = BeautifulSoup(page.read_text(), "html.parser")
    launch = {a["href"] for a in soup.select("a[href^='https://colab.research.google.com/']")}
    assert {address.partition("/github/")[2] for address in launch} == {
        f"{OWNER}/{NAME}/blob/{BRANCH}/notebooks/{path.name}"
    }
    assert path in git_files(), f"{path.name} is not in git"
    source = page.parent / soup.select_one("a.btn-download-source-button")["href"]
    assert json.loads(source.read_text())["nbformat"] == 4
    stamp = soup.select_one(".run-stamp").text
    for word in ("the small sample", "Python 3.", "TensorFlow 2.", "Keras 3.", "NumPy ", " s."):
        assert word in stamp
    for other in soup.select("article :is(pre, code, script, math)"):
        other.decompose()
    assert "$" not in soup.select_one("article").text, "a formula that was not set"


# What is tracked


def test_no_path_of_a_machine_and_no_address_of_a_registry():
    parts = [
        r"/(home|Users)/\w", r"/root/", r"/tmp/ipykernel", r"[A-Z]:\\Users", r"\.venv/lib/",
        r"\bpy(pi|thonhosted)\.", r"\bnpm(js)?\.(org|com)", r"\b(deb|security)\.debian\.",
    ]  # fmt: skip
    forbidden = re.compile("|".join(parts))
    for path, text in texts():
        if path.name != "test_repo.py":
            assert not (found := forbidden.search(text)), f"{path}: {found and found[0]}"


def test_links_and_pictures_lead_to_files_that_exist():
    link = re.compile(r"\]\(([^)\s]+)|(?:src|href)=\"([^\"]+)\"|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
    paths = git_files("--cached", "--others", "--exclude-standard")
    pages = [(path, [path.read_text()]) for path in paths if path.suffix == ".md"]
    pages += [(path, cells(path, "markdown")) for path in NOTEBOOKS]
    for path, parts in pages:
        text = re.sub(
            r"^(```+).*?^\1|`[^`\n]*`", "", "\n\n".join(parts), flags=re.MULTILINE | re.DOTALL
        )
        for target in ("".join(groups).strip("<>") for groups in link.findall(text)):
            file = target.partition("#")[0]
            if file and not re.match(r"[a-z]+:", file):
                place = (path.parent / file).resolve()
                parts = place.relative_to(ROOT).parts
                if parts[0] == "draw":  # where the site has book/web
                    place = ROOT.joinpath("book", "web", *parts[1:])
                if parts[0] == "train":
                    place = ROOT / "book" / "web" / "train.html"
                made = place.name.startswith("_")
                assert place.exists() or made, f"{path.relative_to(ROOT)}: {target}"


def test_the_chapters_of_the_readme_are_those_of_the_book():
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| \[(.+)\]\((notebooks/.+)\) \| (.+) \|$", text, re.MULTILINE)
    chapters = [(*heading(nbformat.read(path, as_version=4)), path) for path in NOTEBOOKS]
    assert [(name, question, ROOT / file) for name, file, question in rows] == chapters


def modules_in_order():
    """The modules as the page of digitlib lists them, from the bottom up."""
    text = (ROOT / "book" / "api.md").read_text()
    return re.findall(r"^## digitlib\.(\w+)$", text, re.MULTILINE)


def test_every_module_is_on_the_page_of_digitlib():
    modules = {path.stem for path in (ROOT / "digitlib").glob("*.py")} - {"__init__", "__main__"}
    assert sorted(modules_in_order()) == sorted(modules)


def test_modules_are_small_and_no_import_runs_in_a_circle():
    """None over 250 lines; and each may import only those that stand before it on their page."""
    order = modules_in_order()
    paths = [
        *ROOT.glob("digitlib/**/*.py"),
        *ROOT.glob("book/tools/*.py"),
        *ROOT.glob("book/bench/*.py"),
    ]
    for path in paths:
        assert len(path.read_text().splitlines()) <= 250, path
    for place, name in enumerate(order):
        for node in ast.walk(ast.parse((ROOT / "digitlib" / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "digitlib":
                used = [*node.module.split(".")[1:], *(alias.name for alias in node.names)]
                above = set(used) & set(order[place:])
                assert not above, f"{name} imports {above}, which stand above it"


def test_workflows_pass_a_linter():
    zizmor = [str(ROOT.joinpath(sys.executable).with_name("zizmor")), "--offline", "--no-progress"]
    result = subprocess.run([*zizmor, str(ROOT)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
