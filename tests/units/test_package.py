"""What the package brings when it is installed: made from the tree as it lies here, edits and all."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from support import ROOT

NAMED = [
    *(f"digitlib/{name}" for name in ("quiet.py", "study.py", "rows.py", "cli/__init__.py")),
    *(f"digitlib/results/{name}.jsonl" for name in ("study", "five_epochs", "convolutions")),
    *(f"digitlib/results/{name}" for name in ("accurate.jsonl", "choices.jsonl", "bench.json")),
    *(f"digitlib/results/reader.weights.h5{suffix}" for suffix in ("", ".history.json")),
    *(f"digitlib/web/{name}" for name in ("digit.js", "matrix.js", "matrix.css", "palette.css")),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The folder that a wheel of the working tree unpacks to."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.split("\0"):
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / "source" / name)
    alone = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    command = [sys.executable, "-m", "pip", "wheel", *alone, str(folder), str(folder / "source")]
    subprocess.run(command, check=True)
    (made,) = folder.glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.mark.slow
def test_all_of_it_is_there_byte_for_byte(wheel):
    sources = {path.relative_to(ROOT) for path in (ROOT / "digitlib").rglob("*.py")}
    found = {path.relative_to(wheel) for path in (wheel / "digitlib").rglob("*") if path.is_file()}
    assert sources <= found
    assert {*NAMED} <= {path.as_posix() for path in found}
    for path in found:
        kept = path.parts[1] in ("results", "web")
        here = ROOT / "book" / path.relative_to("digitlib") if kept else ROOT / path
        assert (wheel / path).read_bytes() == here.read_bytes(), path


@pytest.mark.slow
def test_what_is_installed_is_found_where_it_is(wheel, tmp_path):
    code = (
        "from digitlib import files, rows; print(files.packaged('results/study.jsonl')); "
        "print(len(rows.recorded('accurate')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(wheel)},
    )  # fmt: skip
    path = wheel / "digitlib" / "results" / "study.jsonl"
    assert done.stdout.splitlines() == [str(path), "5"]
