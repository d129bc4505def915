"""What does a run depend on, and what holds of its numbers? The functions that the build asks."""

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import build
import claims
import depends
import execute
import kernels
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import render
from chapters import BuildError, chapters
from papers import TEXT, on_white, page
from PIL import Image
from support import ROOT

from digitlib import data, plots, study


def test_what_a_chapter_depends_on(tmp_path, monkeypatch):
    monkeypatch.setattr(depends, "ROOT", tmp_path)
    for name, text in {
        "digitlib/__init__.py": "",
        "digitlib/a.py": "from digitlib import files\nfrom digitlib.sub import part\n",
        "digitlib/files.py": "",
        "digitlib/sub/__init__.py": "from digitlib.sub.deep import x\n",
        "digitlib/sub/deep.py": "SCRIPT = packaged('web/page.js')\n",
        "digitlib/other.py": "OTHER = packaged('web/other.js')\n",
        "book/web/page.js": "",
        "book/web/other.js": "",
        "book/results/study.jsonl": "",
        "book/results/more.jsonl": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    source = "try:\n    import digitlib\nexcept ModuleNotFoundError:\n    %pip install it\n"
    cells = [source + "from digitlib import a", "rows = recorded('study')"]
    found = depends.closure(
        nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
    )
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "book/results/study.jsonl", "book/web/page.js", "digitlib/__init__.py", "digitlib/a.py",
        "digitlib/files.py", "digitlib/sub/__init__.py", "digitlib/sub/deep.py",
    ]  # fmt: skip


def test_every_chapter_of_the_book_depends_on_what_it_names():
    found = {name: depends.closure(nb) for name, nb in chapters().items()}
    names = {name: {str(path.relative_to(ROOT)) for path in of} for name, of in found.items()}
    assert {"book/results/study.jsonl", "digitlib/rows.py"} <= names["06_comparing"]
    assert "book/results/bench.json" in names["07_convolutions"]
    assert "book/results/reader.weights.h5" in names["13_your_own_digits"]
    assert {"book/web/matrix.js", "book/web/matrix.css"} <= names["05_evaluating"]
    for of in names.values():
        assert not any(name.startswith("digitlib/cli/") for name in of)


@pytest.mark.parametrize(
    ("value", "claim", "right"),
    [
        (26, 26, True), (26, 27, False), (0.5, [0.5, 1], True), (0.49, [0.5, 1], False),
        ("4 read as 9", ["4 read as 9", "9 read as 4"], True), ("5 read as 3", ["4 read as 9"], False),
        ("svm", "svm", True), ("svm", [0, 1], False),
    ],
)  # fmt: skip
def test_claims(value, claim, right):
    assert claims.holds(value, claim) == right


def test_numbers_without_a_claim_and_claims_without_a_number(monkeypatch):
    def recorded(*pairs):
        outputs = [
            nbformat.v4.new_output(
                "display_data", {claims.RECORD: repr(value)}, metadata={"scrapbook": {"name": name}}
            )
            for name, value in pairs
        ]
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])

    ranges = {"a": [0, 1], "b": ["x"]}
    monkeypatch.setattr(
        claims, "read", lambda _: {key: {"ranges": ranges} for key in ["mnist", "sample"]}
    )
    assert claims.check("c", recorded(("a", 0.5), ("b", "x")), "mnist") == []
    assert claims.check("c", recorded(("a", 2), ("b", "y")), "mnist") == [
        "c: a is 2, claimed is 0 to 1", "c: b is y, claimed is x",
    ]  # fmt: skip
    assert claims.check("c", recorded(("a", 1), ("a", 1), ("new", 3)), "mnist") == [
        "c: a is recorded twice", "c: new is 3, and has no claim",
        "c: b is claimed and not recorded",
    ]  # fmt: skip
    assert claims.check("c", recorded(("a", 1), ("b", "x"), ("new", 3)), "sample") == []


def test_a_run_depends_on_the_version_of_whatever_makes_numbers():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    others = {"h5py", "ipython", "joblib", "requests", "threadpoolctl", "tqdm"}  # make none
    assert packages - others == {*depends.PACKAGES}
    assert {*depends.PACKAGES, "python", "tensorflow"} == depends.versions().keys()


def test_the_chapters_get_a_path_that_holds_in_their_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITLIB_DATA", "mine.npz")
    (tmp_path / "mine.npz").touch()
    arrays = dict.fromkeys(["x_train", "y_train", "x_test", "y_test"], np.zeros(1))
    monkeypatch.setattr(data, "load", lambda _: SimpleNamespace(name="mnist", **arrays))
    assert build.load_data()[0] == "mnist"
    assert os.environ["DIGITLIB_DATA"] == str(tmp_path / "mine.npz")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_link_check_that_fails_is_told(tmp_path, monkeypatch):
    said = {"(line 3) broken    https://a.b/": 1, "No module named x": 1, "all is well": 0}
    for line, status in said.items():
        monkeypatch.setattr(render, "jupyter_book", lambda *_, s=(line, bool(status)): s)
        if line.startswith("No"):
            with pytest.raises(BuildError, match="not asked for:\nNo module named x"):
                render.broken_links(tmp_path)
        else:
            assert render.broken_links(tmp_path) == [line] * status


def test_after_any_failure_no_chapter_is_begun(tmp_path, monkeypatch):
    begun, five = [], {f"c{i}": nbformat.v4.new_notebook() for i in range(5)}
    monkeypatch.setattr(execute, "chapters", lambda: five)
    monkeypatch.setattr(execute, "kernels", lambda **_: contextlib.nullcontext({}))
    monkeypatch.setattr(execute, "execute", lambda name, *_: begun.append(name) or (five[name], 1))

    def full(*_):
        raise OSError("No space left")

    monkeypatch.setattr(execute, "write", full)
    with pytest.raises(OSError, match="No space left"):
        execute.run_chapters(tmp_path, {name: {} for name in five}, "sample", "0")
    assert len(begun) <= 2  # two at a time


def test_trials_are_made_from_the_rows_of_a_search():
    how, *trials = map(
        json.loads, (ROOT / "book/results/trials.jsonl").read_text("utf-8").splitlines()
    )
    averaged = {name: one for one in trials if (name := one["trial"]).startswith("averaged ")}
    rows = [
        {**trial, "fold": int(fold), "seed": int(seed), "right": right, "n": how["n"]}
        | {"device": how["device"]}
        | {
            "averaged": {
                k.split()[1]: v["right"].get(fold, {}).get(seed) for k, v in averaged.items()
            }
        }
        for trial in trials
        if trial["trial"] not in averaged
        for fold, seeds in trial["right"].items()
        for seed, right in seeds.items()
    ]
    searched = runpy.run_path(str(ROOT / "book/experiments/searched.py"))["searched"]
    assert [*searched(rows, how["command"].split()[4:])] == [how, *trials]


@pytest.mark.slow
def test_rows_of_other_peoples_digits(tmp_path):
    (tmp_path / "rows").mkdir()
    Image.fromarray(on_white(page())).save(tmp_path / "rows" / "one.png")
    Image.new("L", (60, 60), 255).save(tmp_path / "rows" / "none.png")
    labels = tmp_path / "labels.csv"
    labels.write_text(f"file,digits,note\nrows/one.png,{'/'.join(TEXT)},\nrows/none.png,7,\n")
    out = tmp_path / "rows.jsonl"
    command = [sys.executable, ROOT / "book/experiments/hands.py", labels, "--out", out]
    subprocess.run(command, check=True, capture_output=True)
    how, one, none = map(json.loads, out.read_text().splitlines())
    assert how["network"] == digest(ROOT / "book/results/reader.weights.h5")
    assert one["digits"] == one["answer"] == "/".join(TEXT)
    assert (one["kind"], one["writer"], len(one["confidence"])) == ("rows", None, 15)
    assert one["digest"] == digest(tmp_path / "rows/one.png")
    assert (none["digits"], none["answer"], none["confidence"]) == ("7", "", [])


@pytest.mark.parametrize("name", ["conditions", "handwriting", "lessons", "readers"])
def test_recorded_rows_say_how_they_were_made(name):
    lines = (ROOT / f"book/results/{name}.jsonl").read_text().splitlines()
    how, *rows = map(json.loads, lines)
    command, script, *_ = how["command"].split()
    assert command == "python"
    assert (ROOT / script).exists()
    if name != "conditions":  # trained and forgotten
        network = digest(ROOT / "book/results/reader.weights.h5")
        assert how["network"] == network, "made with another network"
    assert len({json.dumps(row) for row in rows}) == len(rows)
    assert study.experiment(name) == rows


def test_pictures_of_runs_are_light_and_look_the_same():
    assert plots.BLUE in str(plt.rcParams["axes.prop_cycle"]), "the book's style"
    fig, ax = plt.subplots()
    for k in range(20):
        ax.plot(np.sin(np.arange(40) / (k + 1)), alpha=0.7)
    made = io.BytesIO()
    fig.savefig(made)
    before = base64.b64encode(made.getvalue()).decode()

    def opened(text):
        return Image.open(io.BytesIO(base64.b64decode(text)))

    after = execute.lighter(before)
    assert len(after) < 0.7 * len(before)
    old, new = (np.asarray(opened(one).convert("RGB")).astype(int) for one in (before, after))
    assert abs(old - new).max() < 16
    made = io.BytesIO()
    Image.new("RGBA", (9, 9), (1, 2, 3, 40)).save(made, "PNG")
    clear = base64.b64encode(made.getvalue()).decode()
    assert execute.lighter(clear) == clear


def test_a_cell_without_end_is_named_where_nobody_watches(monkeypatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(execute, "PATIENCE", 3)
    cells = ["1", "while True:\n    pass"]
    endless = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
    with (
        kernels.kernels() as environment,
        pytest.raises(execute.BuildError, match=r"^two: .* not ended after 3 s:\n  while True:$"),
    ):
        execute.execute("two", endless, {}, environment)


@pytest.mark.skipif(sys.platform != "linux", reason="asked of kernels that are forked")
def test_kernels_are_forked_from_a_process_with_one_thread():
    source = "import os\nlen(os.listdir(f'/proc/{os.getppid()}/task'))"
    cell = nbformat.v4.new_code_cell(source)
    with kernels.kernels(path=ROOT) as environment:
        run, _ = execute.execute("one", nbformat.v4.new_notebook(cells=[cell]), {}, environment)
    assert run.cells[0].outputs[0].data["text/plain"] == "1"
