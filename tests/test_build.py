"""Does the build execute what it must, no more, and leave nothing half done?

All tests but the last build a book of two tiny chapters with the project's script and settings.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
import yaml
from conftest import PARAMETERS, ROOT, run_build

# stands in for digitlib: no TensorFlow, no scikit-learn
DATA = """
import os
from types import SimpleNamespace

def load():
    name = "mnist" if os.environ.get("DIGITLIB_DATA") == "mnist" else "sample"
    content = memoryview(os.environ.get("CONTENT", "some").encode())
    arrays = dict.fromkeys(["x_train", "y_train", "x_test", "y_test"], content)
    return SimpleNamespace(name=name, **arrays)
"""


def code(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


def save(tree, name, *cells):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), *cells])
    nbformat.write(nb, tree / "notebooks" / f"{name}.ipynb")


def runs(tree):
    """What happened in each run of a chapter, in order: the chapters leave a line in a file."""
    path = tree / "log"
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def page(tree, name):
    return (tree / "_build" / "html" / "notebooks" / f"{name}.html").read_text()


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def executed(tree, name):
    return nbformat.read(tree / "_build" / "executed" / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small book, built once."""
    tree = tmp_path_factory.mktemp("small") / "project"
    for folder in ("book", "notebooks", "digitlib"):
        (tree / folder).mkdir(parents=True)
    for name in ("build.py", "mathml.py"):
        shutil.copy(ROOT / "book" / name, tree / "book")
    shutil.copytree(ROOT / "book" / "_static", tree / "book" / "_static")
    (tree / "book" / "extra").mkdir()
    shutil.copy(ROOT / "_config.yml", tree)
    (tree / "book" / "references.bib").touch()
    (tree / "book" / "index.md").write_text("# Front\n\n```{include} _run.md\n```\n")
    toc = {"format": "jb-book", "root": "book/index"}
    toc["parts"] = [{"chapters": [{"file": "notebooks/one"}, {"file": "notebooks/two"}]}]
    (tree / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False))
    (tree / "digitlib" / "__init__.py").touch()
    (tree / "digitlib" / "data.py").write_text(DATA)
    for name in ("one", "two"):
        log = f"with open({str(tree / 'log')!r}, 'a') as log:\n    print({name!r}, file=log)"
        save(tree, name, code(log), code("SIZE = 1", "parameters"), code("print('size', SIZE)"))
    status, out, err = run_build(tree, "book", DIGITLIB_DATA="mnist")
    assert status == 0, out + err
    assert runs(tree) == ["one", "two"]
    return tree


@pytest.fixture
def tree(built):
    """The small book as it was after its first build; what a test changes is put back."""
    kept = built.with_name("kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(built, kept)
    yield built
    shutil.rmtree(built)
    kept.rename(built)


@pytest.fixture(autouse=True)
def on_mnist(monkeypatch):
    """What the stand-in for digitlib takes for MNIST."""
    monkeypatch.setenv("DIGITLIB_DATA", "mnist")


def edit(tree, name, old, new):
    path = tree / "notebooks" / f"{name}.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_changed_nothing_runs(tree):
    before = files(tree)
    start = time.monotonic()
    status, out, _ = run_build(tree, "book")
    assert status == 0
    assert time.monotonic() - start < 10
    assert runs(tree) == []
    assert out.count("executed before") == 2
    assert files(tree / "_build" / "html") == {
        path: data for path, data in before.items() if "html" in path.parts
    }


def test_a_changed_chapter_runs_alone(tree):
    edit(tree, "two", "'size'", "'width'")
    status, out, _ = run_build(tree, "book")
    assert status == 0
    assert runs(tree) == ["two"]
    assert re.search(r"one .* executed before", out)
    assert re.search(r"two .* executed now", out)
    assert "The book, on MNIST: _build/html/index.html" in out
    assert "width 1" in page(tree, "two")


def test_a_change_in_digitlib_or_in_the_data_runs_every_chapter(tree):
    (tree / "digitlib" / "__init__.py").write_text("x = 1\n")
    status, _, err = run_build(tree, "notebooks")
    assert status == 0, err
    assert runs(tree) == ["one", "two"]
    assert run_build(tree, "notebooks", CONTENT="other")[0] == 0
    assert runs(tree) == ["one", "two"]


def test_the_sample_is_announced_on_every_page(tree):
    assert "not on MNIST" not in page(tree, "one")
    status, out, err = run_build(tree, "book", DIGITLIB_DATA="sample")
    assert status == 0, err
    assert runs(tree) == ["one", "two"]
    assert "the small sample, not MNIST" in out
    for path in ("book/index.html", "notebooks/one.html", "search.html", "genindex.html"):
        assert "not on MNIST" in (tree / "_build" / "html" / path).read_text()


def test_parameters_reach_the_chapters_that_declare_them(tree):
    edit(tree, "one", "SIZE = 1", "SIZE = 1\\nCOLOR = 'red'")
    status, _, err = run_build(tree, "book", "-p", "COLOR", "blue", "-p", "SIZE", "2")
    assert status == 0, err
    assert runs(tree) == ["one", "two"]
    assert executed(tree, "one").metadata.digitlib.parameters == {"COLOR": "blue", "SIZE": 2}
    assert executed(tree, "two").metadata.digitlib.parameters == {"SIZE": 2}
    assert "size 2" in page(tree, "two")
    assert "# Parameters" not in page(tree, "two")  # papermill's cell is not shown
    assert "SIZE = 2" in page(tree, "two").split("run-stamp")[1]


def test_an_unknown_parameter_is_refused_before_anything_runs(tree):
    status, _, err = run_build(tree, "book", "-p", "SIZES", "2")
    assert status == 1
    assert "SIZES" in err
    assert runs(tree) == []


def test_a_failing_chapter_is_named_and_the_last_site_stays(tree):
    before = files(tree / "_build")
    edit(tree, "two", "print('size', SIZE)", "size = SIZE\\nsize / 0")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert "two, cell 4 (In [3]): ZeroDivisionError: division by zero" in err
    assert "size = SIZE" in err
    assert files(tree / "_build") == before


def test_a_warning_of_the_renderer_stops_the_build_and_the_last_site_stays(tree):
    before = files(tree / "_build" / "html")
    with (tree / "book" / "index.md").open("a") as index:
        index.write(r"See [nothing](nowhere.md) and $\wrongcommand x$.")
    with (tree / "_toc.yml").open("a") as toc:
        toc.write("  - file: notebooks/three\n")
    status, _, err = run_build(tree, "book")
    assert status == 1
    assert "nowhere.md" in err
    assert r"\wrongcommand" in err
    assert "notebooks/three" in err
    assert str(tree) not in err  # the place is given as in the project, not in _build
    assert files(tree / "_build" / "html") == before


def test_an_interrupted_build_says_so_in_a_line_and_leaves_nothing_half_done(tree):
    edit(tree, "two", "print('size', SIZE)", "import time; time.sleep(60)")
    before = files(tree / "_build")
    # a test run in the background ignores SIGINT, and its children would inherit that
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, str(tree / "book" / "build.py"), "book"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, ours)
    while not (tree / "log").exists():
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert len(err.split("\n")) == 3, err  # an empty line, one line, its end
    assert files(tree / "_build") == before


def test_site_renders_what_is_stored_without_running_or_tensorflow(tree):
    for path in (tree / "_build" / "executed").glob("*.ipynb"):
        shutil.copy(path, tree / "notebooks")
    shutil.rmtree(tree / "_build")
    (tree / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    (tree / "digitlib" / "data.py").write_text("raise SystemExit('digitlib was imported')")
    status, out, err = run_build(tree, "site", PYTHONPATH=str(tree))
    assert status == 0, err
    assert runs(tree) == []
    assert out.count("executed before") == 2
    assert "size 1" in page(tree, "one")


def test_site_refuses_a_chapter_with_a_cell_that_never_ran(tree):
    for path in (tree / "_build" / "executed").glob("*.ipynb"):
        shutil.copy(path, tree / "notebooks")
    edit(tree, "two", '"execution_count": 2', '"execution_count": null')
    status, _, err = run_build(tree, "site")
    assert status == 1
    assert "notebooks/two.ipynb: cell 3 was never run; `make notebooks`" in err


def test_notebooks_stores_clean_runs_on_mnist(tree):
    status, _, err = run_build(tree, "notebooks")
    assert status == 0, err
    stored = files(tree / "notebooks")
    text = stored[tree / "notebooks" / "one.ipynb"].decode()
    assert text.endswith("}\n")
    nb = json.loads(text)
    assert "key" not in nb["metadata"]["digitlib"]
    assert set(nb["metadata"]) == {"digitlib", "kernelspec", "language_info"}
    assert [cell["metadata"] for cell in nb["cells"]] == [{}, {}, {"tags": ["parameters"]}, {}]
    assert nb["cells"][3]["outputs"][0]["text"] == ["size 1\n"]
    # the stored chapters count as run: nothing is executed again, and nothing in them changes
    assert run_build(tree, "notebooks")[0] == 0
    assert runs(tree) == []
    assert files(tree / "notebooks") == stored


@pytest.mark.parametrize(
    ("data", "cell", "message"),
    [
        ("sample", "print(1)", "Only runs on MNIST"),
        ("mnist", "import sys; print('hot', file=sys.stderr)", "two, cell 4 wrote to stderr"),
    ],
)
def test_notebooks_stores_all_or_nothing(tree, data, cell, message):
    edit(tree, "two", "print('size', SIZE)", cell)
    before = files(tree / "notebooks")
    status, _, err = run_build(tree, "notebooks", DIGITLIB_DATA=data)
    assert status == 1
    assert message in err
    assert files(tree / "notebooks") == before


def test_every_chapter_runs_with_other_parameters(build):
    tree, status, said = build
    assert status == 0, said
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        run = executed(tree, path.stem).metadata.digitlib
        assert run.data == "sample"
        assert run.parameters.items() <= PARAMETERS.items()
        assert "SEED" in run.parameters, f"{path.stem} declares no SEED"
