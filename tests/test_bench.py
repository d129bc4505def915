"""`make bench`: it refuses what it cannot measure, and the colophon's table is what it measured."""

import json
import re
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "book"))
import bench

RESULT = json.loads(bench.RESULT.read_text())


def test_without_mnist_it_says_what_to_do():
    command = [sys.executable, str(ROOT / "book" / "bench.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr == "bench needs MNIST: set DIGITLIB_DATA to mnist, or to a copy of it\n"


def test_the_table_is_of_what_was_measured():
    assert bench.RESULT.with_suffix(".md").read_text() == bench.table(RESULT)


def test_the_measured_ratios():
    race = RESULT["race"]
    ends = {name: [run["curve"][-1] for run in race[name]] for name in race}
    assert len(race["keras"]) == len(race["ours"]) == 5
    assert all(accuracy >= bench.GOAL for of in ends.values() for *_, accuracy in of)
    for column in (0, 1):
        theirs, ours = (sum(end[column] for end in ends[name]) for name in ("keras", "ours"))
        assert theirs / ours >= 8
    assert all(run["parameters"] < 30_000 for run in race["ours"])
    epoch = RESULT["epoch"]
    pairs = list(zip(epoch["plain"], epoch["ours"], strict=True))
    assert all(plain["weights"] == ours["weights"] for plain, ours in pairs)
    assert sum(p["seconds"] for p, _ in pairs) >= 2 * sum(o["seconds"] for _, o in pairs)
    ratios = sorted(ours / theirs for theirs, ours in RESULT["loading"])
    assert ratios[len(ratios) // 2] <= 1.3
    assert RESULT["book"] < 15 * 60


def test_noise_is_told():
    quiet, noisy = (
        bench.table(RESULT | {"moods": {"race": [1, 1, 1.1], "book": moods}})
        for moods in ([1, 1, 1], [1, 2, 1])
    )
    assert "1.10 times its usual time meanwhile, quiet enough" in quiet
    assert "2.00 times its usual time meanwhile, too much to tell" in noisy


@pytest.mark.parametrize("which", ["ours", "plain"])
def test_other_weights_would_be_told(which):
    broken = json.loads(json.dumps(RESULT))
    broken["epoch"][which][0]["weights"] = "0"
    assert "the weights are other" in bench.table(broken)
    assert "the same bit for bit" in bench.table(RESULT)


def test_every_chapter_is_in_it():
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert list(RESULT["chapters"]) == names
    (listed,) = re.findall(r"in turn ([\d, ]+) s", bench.table(RESULT))
    assert listed.split(", ") == [f"{seconds:.0f}" for seconds in RESULT["chapters"].values()]
