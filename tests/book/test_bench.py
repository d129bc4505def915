"""`make bench`: it refuses what it cannot measure, and the colophon's table is what it measured."""

import contextlib
import itertools
import json
import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT

BENCH = ROOT / "book" / "bench"
sys.path.insert(0, str(BENCH))
import epoch
import figure
import loading
import measuring
import predict
import race
import table

import book

RESULT = json.loads(measuring.RESULT.read_text(encoding="utf-8"))
PARTS = ("race", "epoch", "loading", "engine", "predict", "book")


@pytest.fixture
def no_mood(monkeypatch):
    """The small task between the measurements is not run, and takes a second."""
    monkeypatch.setattr(measuring, "moods", [])
    monkeypatch.setattr(measuring, "mood", lambda: measuring.moods.append(1.0))


def digits(name):
    return measuring.data.Digits(*(np.zeros(1) for _ in range(4)), name=name, origin="a test")


# What it refuses


@pytest.mark.parametrize("part", PARTS)
def test_without_mnist_each_script_says_what_to_do(part, monkeypatch):
    monkeypatch.setattr(measuring.data, "load", lambda: digits("sample"))
    with pytest.raises(SystemExit, match="^bench needs MNIST: set DIGITLIB_DATA to mnist, or to a"):
        runpy.run_path(str(BENCH / f"{part}.py"), run_name="__main__")


@pytest.mark.parametrize(
    ("arguments", "parts", "fails", "status"),
    [
        ([], PARTS, None, None),
        ([], PARTS[:2], "epoch", 7),
        (["--only", "book", "--only", "race"], ("book", "race"), None, None),
        (["--only", "lunch"], (), None, 2),
    ],
)
def test_make_bench_runs_the_scripts_until_one_fails(
    arguments, parts, fails, status, monkeypatch, capsys
):
    ran = []

    def call(command):
        ran.append(command[1])
        return 7 * (command[1].stem == fails)

    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) if status else contextlib.nullcontext() as end:
        runpy.run_path(str(BENCH), run_name="__main__")
    assert end is None or end.value.code == status
    assert ran == [BENCH / f"{part}.py" for part in parts]
    assert all(path.exists() for path in ran)
    if status == 2:
        assert "invalid choice: 'lunch'" in capsys.readouterr().err


def test_a_copy_that_is_not_there_is_told_in_one_line(monkeypatch):
    monkeypatch.setenv("DIGITLIB_DATA", "nowhere/mnist.npz")
    with pytest.raises(SystemExit, match=r"'nowhere/mnist.npz': expected"):
        measuring.need_mnist()


def test_a_copy_named_from_here_is_found_from_elsewhere(monkeypatch):
    monkeypatch.setenv("DIGITLIB_DATA", "mnist.npz")
    monkeypatch.setattr(measuring.data, "load", lambda: digits("mnist"))
    assert measuring.need_mnist().name == "mnist"
    assert os.environ["DIGITLIB_DATA"] == os.path.abspath("mnist.npz")


# How it measures


def test_the_two_take_turns_in_processes_of_their_own(monkeypatch, no_mood):
    assert measuring.alone(table.spread, [1, 3]) == [2**0.5]
    with pytest.raises(SystemExit, match=r"table.spread\('xy'\) failed:\n[\s\S]*TypeError"):
        measuring.alone(table.spread, "xy")
    assert measuring.moods == [1, 1], "the machine is looked at before each"
    turns = []
    monkeypatch.setattr(measuring, "alone", lambda *turn: turns.append(turn) or len(turns))
    assert measuring.in_turn(2, keras="k", ours="o") == {"keras": [1, 3], "ours": [2, 4]}
    assert turns == [("k", 0), ("o", 0), ("k", 1), ("o", 1)]


def test_memory_is_that_of_all_descendants():
    code = "raw = bytearray(10**8); raw[::4096] = raw[::4096].replace(b'\\0', b'1'); input(1)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.read(1)
        both, one = book.memory(os.getpid()), book.memory(child.pid)
        child.communicate(b"\n")
    assert one > 10**8
    assert both > one
    assert book.memory(child.pid) == 0


def test_a_build_that_fails_is_not_timed(tmp_path, no_mood):
    (tmp_path / "book" / "tools").mkdir(parents=True)
    (tmp_path / "book" / "tools" / "build.py").write_text("raise SystemExit(3)")
    with pytest.raises(SystemExit, match="`site` failed"):
        book.build(tmp_path, "site")


def test_the_book_is_built_in_a_copy_without_what_was_built_here(tmp_path):
    book.copy_project(tmp_path)
    for name in ("notebooks", "book/tools/build.py", "book/results/bench.json", "_toc.yml"):
        assert (tmp_path / name).exists()
    assert not {".git", ".venv", "_build"} & set(os.listdir(tmp_path))


def test_a_part_takes_its_place_among_what_was_measured_before(tmp_path, no_mood, capsys):
    path = tmp_path / "bench.json"
    measuring.moods.append(2)
    measuring.keep("loading", [[1, 2]], path)
    measuring.keep("epoch", RESULT["epoch"], path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert (kept["loading"], kept["epoch"]) == ([[1, 2]], RESULT["epoch"])
    assert kept["on"]["loading"]["moods"] == [2, 1], "the machine is looked at after the last, too"
    assert set(kept["on"]) == {"loading", "epoch"}
    assert set(kept["on"]["epoch"]["versions"]) == {"tensorflow", "keras", "numpy"}
    assert f"{os.cpu_count()} cores" in kept["on"]["epoch"]["machine"]
    told = path.with_suffix(".md").read_text(encoding="utf-8")
    assert told == table.table(kept)
    assert "all verified: 2.0 | 0.50 |" in told
    assert "make book" not in told, "which was not measured yet"
    assert told in capsys.readouterr().out
    drawn = path.with_suffix(".svg").read_bytes()
    assert drawn == figure.figure(kept), "the same findings give the same figure"
    assert [pair.name for pair in table.pairs(kept)] == [
        "an epoch of recipe 1",
        "loading, verified",
    ]


def test_a_race_ends_at_the_goal_or_is_given_up():
    class Model:
        def __init__(self, errors):
            self.errors = errors

        def predict(self, x, **_):
            return np.eye(10)[np.where(np.arange(len(x)) < self.errors, 1, 0)]

        def count_params(self):
            return 12

    x_test, y_test = np.zeros((100, 28, 28)), np.zeros(100)
    run = race.run(map(Model, [5, 2, 1, 0]), x_test, y_test, race.GOAL)
    assert run["parameters"] == 12
    assert [accuracy for *_, accuracy in run["curve"]] == [0.95, 0.98, 0.99]
    assert np.all(np.diff(np.array(run["curve"])[:, :2], axis=0) >= 0), "seconds add up"
    run = race.run(map(Model, [5] * 99), x_test, y_test, race.GOAL)
    assert len(run["curve"]) == race.MOST


@pytest.fixture
def one_thread():
    """TensorFlow as digitlib sets it: with more threads, on some processors, other last bits."""
    from digitlib import quiet  # noqa: F401


@pytest.mark.slow
def test_the_pairs_run_on_the_sample(one_thread):
    for task, parameters in [
        (race.keras_example, 34_826),
        (race.fast, 29_610),
        (race.sprint, 29_610),
        (race.mile, 61_690),
    ]:
        run = json.loads(json.dumps(task(0, goal=0)))
        assert (run["parameters"], len(run["curve"])) == (parameters, 1)
    runs = {task.__name__: [json.loads(json.dumps(task(0)))] for task in (epoch.plain, epoch.ours)}
    assert "the same bit for bit" in next(table.epoch(runs)).what
    label = int(measuring.data.load().y_test[1])
    assert predict.plain(1)["digit"] == predict.ours(1)["digit"] == label


@pytest.mark.slow
def test_loading_is_of_the_same_file_by_both(tmp_path, monkeypatch, one_thread):
    path = tmp_path / "tiny.npz"
    tiny = {"x_train": np.ones((2, 28, 28)), "y_train": np.zeros(2)}
    np.savez_compressed(path, **tiny, x_test=tiny["x_train"], y_test=tiny["y_train"])
    (x_train, _), _ = loading.keras_loads(str(path))
    assert np.array_equal(x_train, tiny["x_train"])
    with pytest.raises(ValueError, match="expected uint8"):
        loading.ours(path)
    opened = []
    monkeypatch.setattr(measuring.data, "load", opened.append)
    pairs = loading.pairs(str(path))
    assert len(pairs) == loading.TIMES
    assert opened == [str(path)] * (1 + loading.TIMES)


# What it says


def test_the_table_is_of_what_was_measured():
    told = measuring.RESULT.with_suffix(".md").read_text(encoding="utf-8")
    assert told == table.table(RESULT)
    assert f"Seconds to {race.GOAL:.0%} on the test set" in told


def test_the_measured_ratios():
    """What the book claims: ratios, not seconds, which depend on the machine."""
    ends = {name: [run["curve"][-1] for run in runs] for name, runs in RESULT["race"].items()}
    assert {name: len(of) for name, of in ends.items()} == dict.fromkeys(
        ("keras", "fast", "sprint", "mile"), race.SEEDS
    )
    for name, of in ends.items():
        goal = race.NEXT_GOAL if name == "mile" else race.GOAL
        assert all(accuracy >= goal for *_, accuracy in of)
    for column, (name, times) in itertools.product((0, 1), [("fast", 8), ("sprint", 18)]):
        theirs, ours = (sum(end[column] for end in ends[one]) for one in ("keras", name))
        assert theirs / ours >= times
        assert all(run["parameters"] < 30_000 for run in RESULT["race"][name])
    pairs = list(zip(RESULT["epoch"]["plain"], RESULT["epoch"]["ours"], strict=True))
    assert len(pairs) == epoch.SEEDS
    assert sum(p["seconds"] for p, _ in pairs) >= 2 * sum(o["seconds"] for _, o in pairs)
    assert np.median([ours / theirs for theirs, ours in RESULT["loading"]]) <= 1.3


def test_a_pair_tells_how_much_faster_the_book_was():
    seconds = table.Pair("", "what", "theirs", [8, 12], "ours", [4, 1])
    assert seconds.gains == [2, 12]
    assert seconds.row() == "| what | theirs: 10.0 ± 2.8 | ours: 2.5 ± 2.1 | 4.00 |"
    rate = table.Pair("", "what", "theirs", [1000, 2000], "ours", [3000, 1500], rate=True)
    assert rate.gains == [3, 0.75]
    assert rate.row() == "| what | theirs: 1,500 ± 707 | ours: 2,250 ± 1,061 | 1.50 |"
    alone = table.Pair("", "what", "nobody", [], "ours", [0.5])
    assert alone.row() == "| what | nobody | ours: 0.50 |  |"


def test_the_figure_shows_each_pair():
    import matplotlib.pyplot as plt

    shown = [pair.name for pair in table.pairs(RESULT) if pair.theirs]
    assert len(shown) == len(table.pairs(RESULT)) - 1, "mile has nobody beside it"
    for drawn in figure.figure(RESULT), measuring.RESULT.with_suffix(".svg").read_bytes():
        assert all(f"<!-- {name} -->".encode() in drawn for name in shown)
    assert not plt.get_fignums()


def test_noise_and_machines_are_told_by_part():
    def told(**moods):
        one = {"machine": "a PC", "versions": {"keras": "3"}}
        return table.conditions({part: one | {"moods": times} for part, times in moods.items()})

    quiet = told(race=[1, 1, 1.1], book=[2, 2, 2])
    assert "up to 1.10 times its usual time meanwhile, so it was quiet." in quiet
    assert quiet.endswith("Measured on a PC, with keras 3.")
    assert "2.00 times its usual time meanwhile, so small differences in book mean little" in told(
        race=[1, 1, 1.1], book=[1, 2, 1]
    )
    part = {"moods": [1], "versions": {"keras": "3"}}
    both = table.conditions(
        {k: part | {"machine": v} for k, v in [("race", "a PC"), ("book", "a Mac")]}
    )
    assert both.endswith("Measured race on a PC, with keras 3; book on a Mac, with keras 3.")


@pytest.mark.parametrize("which", ["ours", "plain"])
def test_other_weights_would_be_told(which):
    other = json.loads(json.dumps(RESULT))
    other["epoch"][which][0]["weights"] = "0"
    assert "the weights are other" in table.table(other)
    assert "the same bit for bit" in table.table(RESULT)


def test_its_chapters_are_there():
    """A new one may wait until somebody measures again."""
    assert set(RESULT["book"]["chapters"]) <= {
        path.stem for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    (listed,) = re.findall(r"to the last: ([\d, ]+) s", table.table(RESULT))
    assert listed.split(", ") == [
        f"{seconds:.0f}" for seconds in RESULT["book"]["chapters"].values()
    ]
