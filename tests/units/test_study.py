"""Studies: what a row says, that killing costs nothing but time, that a cluster gives the same."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import distributed
import numpy as np
import pytest
from support import ROOT, few
from test_workers import dask
from threadpoolctl import threadpool_limits

from digitlib import baselines, data, evaluation, recipes, rows, study, training

COMMAND = str(Path(sys.executable).with_name("digitlib"))
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def outcome(rows):
    """What must be the same wherever and in whatever order the runs are made."""
    keys = ("recipe", "seed", "epochs", "data", "parameters", "correct", "mistakes", "digest")
    return sorted(([row[key] for key in keys] for row in rows), key=lambda row: row[:2])


# What is run


def test_plan():
    assert study.plan(["steps", "svm", "forest", "steps"], 2) == [
        ("steps", 0, 5), ("steps", 1, 5), ("svm", 0, None), ("forest", 0, None), ("forest", 1, None),
    ]  # fmt: skip
    assert study.plan("dense", 1, 7) == [(name, 0, 7) for name in recipes.DENSE]
    assert [run[0] for run in study.plan("all", 1)] == [*recipes.RECIPES, *baselines.BASELINES]
    several = [run[0] for run in study.plan(["fast", "ingredients", "convolutional"], 1)]
    assert several[0] == "fast"
    assert len(several) == len(set(several))
    every = {name for name in recipes.VARIANTS if name.startswith("fast-")}
    assert set(several) == every | {*recipes.CONVOLUTIONAL}
    with pytest.raises(ValueError, match="no recipe 'networks'; there are dropout,.*fast-without"):
        study.plan(["networks"])
    for wrong in ({"seeds": 0}, {"epochs": 0}):
        with pytest.raises(ValueError, match="1 or more; got 0"):
            study.plan(**wrong)


def test_a_row_says_what_was_run_and_what_came_out(monkeypatch):
    made, train = [], training.train

    def kept(*args, **how):
        model, history = train(*args, **how)
        made.append(((args[0], how), model))
        return model, history

    monkeypatch.setattr(training, "train", kept)
    row, digits = study.one_run("steps", 3, 2), data.load()
    ((asked, model),) = made
    y_pred = model.predict(training.scale(digits.x_test), verbose=0).argmax(axis=1)
    assert asked == ("steps", {"seed": 3, "epochs": 2})
    assert study.key(row) == ("steps", 3, 2, "sample")
    assert row.keys() == rows.FIELDS
    assert row["parameters"] == model.count_params()
    assert row["digest"] == data.fingerprint(y_pred.astype(np.uint8))
    np.testing.assert_array_equal(study.mistakes(row), y_pred != digits.y_test)
    assert {int(i): answer for i, answer in row["mistakes"].items()} == {
        i: y_pred[i] for i in np.flatnonzero(y_pred != digits.y_test)
    }
    assert row["correct"] == (y_pred == digits.y_test).sum() == 500 * row["accuracy"]
    assert row["cpu_seconds"] > 0
    versions = {"python", "digitlib", "tensorflow", "keras", "numpy", "scikit-learn"}
    assert row["versions"].keys() == versions
    assert all(re.match(r"\d+\.\d+", version) for version in row["versions"].values())


def test_a_run_asked_for_twice_is_made_once(tmp_path):
    path = tmp_path / "s.jsonl"
    assert len([*study.run(path, 2 * [*study.plan("nearest-mean", 1)])]) == 1
    assert len(path.read_text().splitlines()) == 1


def test_a_study_that_leaves_the_test_set_alone(tmp_path):
    digits = data.load()
    (row,) = study.run(tmp_path / "s.jsonl", study.plan("nearest-mean", 1), validate=True)
    assert study.key(row) == ("nearest-mean", 0, None, "sample-validation")
    assert row["n"] == len(digits.x_train) // 6 == 216
    x = digits.x_train.reshape(-1, 784)
    model = baselines.BASELINES["nearest-mean"].make(0).fit(x[:-216], digits.y_train[:-216])
    assert row["correct"] == np.sum(model.predict(x[-216:]) == digits.y_train[-216:])
    tested = list(study.run(tmp_path / "s.jsonl", study.plan("nearest-mean", 1)))
    assert [study.key(row)[3] for row in tested] == ["sample"], "another run, in the same file"
    assert len(study.read(tmp_path / "s.jsonl")[0]) == 2


class Answering:
    """A network that was trained already, with these outputs of shape (n, 10)."""

    def __init__(self, outputs):
        self.outputs = outputs

    def predict(self, images, **_):
        return self.outputs

    def count_params(self):
        return 0


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_probabilities_of_a_row(kind, tmp_path, monkeypatch):
    rng, y = np.random.default_rng(0), data.load().y_test
    outputs = rng.dirichlet(np.full(10, 0.05), len(y))  # some are sure, and many of them wrong
    if kind == "sigmoid":
        outputs *= rng.uniform(0.2, 1, (len(y), 1))
    monkeypatch.setattr(training, "train", lambda *_, **__: (Answering(outputs), {}))
    (row,) = study.run(tmp_path / "s.jsonl", study.plan("steps", 1), unsure=True)
    (read,), _ = study.read(tmp_path / "s.jsonl")
    expected = evaluation.as_probabilities(outputs)
    found = study.probabilities(read, y)
    assert row == read
    np.testing.assert_allclose(found, expected, atol=1.01 - rows.SURE)
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    clear = first - second > 1e-3  # closer than that, four decimals cannot tell
    np.testing.assert_array_equal(found.argmax(axis=1)[clear], expected.argmax(axis=1)[clear])
    unsure = expected.max(axis=1) < rows.SURE
    assert 0 < unsure.sum() < len(unsure)
    np.testing.assert_allclose(found[unsure], expected[unsure], atol=1e-4)
    assert set(np.flatnonzero(unsure)) == {int(i) for i in read["unsure"]}


def test_of_a_network_that_knows_no_digit_the_digits_count(tmp_path, monkeypatch):
    y = data.load().y_test
    outputs = np.full((len(y), 11), 0.3 / 11)
    outputs[:, 10] += 0.4
    outputs[np.arange(len(y)), y] += 0.3
    monkeypatch.setattr(training, "train", lambda *_, **__: (Answering(outputs), {}))
    (row,) = study.run(tmp_path / "s.jsonl", study.plan("reader", 1), unsure=True)
    assert row["correct"] == len(y)
    ten = np.array([*row["unsure"].values()])
    np.testing.assert_allclose(ten.sum(axis=1), 1, atol=1e-3)


def test_doubts_that_were_not_kept_are_missed(tmp_path, monkeypatch):
    y = data.load().y_test
    monkeypatch.setattr(training, "train", lambda *_, **__: (Answering(np.eye(10)[y]), {}))
    path, plan = tmp_path / "s.jsonl", study.plan(["steps", "nearest-mean"], 1)
    list(study.run(path, plan))
    with pytest.raises(ValueError, match="steps, seed 0, was run without .*; name another file"):
        list(study.run(path, plan, unsure=True))
    sure = list(study.run(tmp_path / "t.jsonl", plan, unsure=True))
    assert [row.get("unsure") for row in sure] == [{}, None]
    assert list(study.run(tmp_path / "t.jsonl", plan, unsure=True)) == sure


@pytest.mark.parametrize("name", few(baselines.BASELINES, 4))
def test_baselines_learn_and_the_seed_matters_only_where_it_is_said(name):
    digits = data.load()
    x, x_test = (set_[:, 2::4, 2::4].reshape(-1, 49) for set_ in (digits.x_train, digits.x_test))
    with threadpool_limits(1):
        answers = [
            baselines.BASELINES[name].make(seed).fit(x[:100], digits.y_train[:100]).predict(x_test)
            for seed in (0, 1)
        ]
    assert np.mean(answers[0] == digits.y_test) > (0.05 if name == "commonest" else 0.5)
    assert np.array_equal(*answers) != baselines.BASELINES[name].seeded


@pytest.mark.parametrize(("name", "learned"), [("nearest-mean", 7840), ("svm", None)])
def test_a_row_of_a_baseline(name, learned):
    row = study.one_run(name, 0, None)
    assert row["accuracy"] > 0.85
    assert row["parameters"] == learned
    assert row["epochs"] is None


# Resuming


def test_what_is_there_is_not_made_again(tmp_path, monkeypatch):
    path, made, one_run = tmp_path / "s", [], study.one_run

    def counted(*run):
        made.append(run[:2])
        return one_run(*run)

    monkeypatch.setattr(study, "one_run", counted)
    runs = study.plan(["nearest-mean", "commonest"], 1)
    first = study.run(path, runs)
    next(first)
    first.close()  # as by Ctrl-C
    found = list(study.run(path, runs))
    assert made == [("nearest-mean", 0), ("commonest", 0)]
    assert [study.key(row)[0] for row in found] == ["nearest-mean", "commonest"]
    assert study.read(path) == (found, False)


def test_two_studies_do_not_write_to_one_file(tmp_path):
    path, runs = tmp_path / "s", study.plan(["nearest-mean", "commonest"], 1)
    running = study.run(path, runs)
    next(running)
    with pytest.raises(BlockingIOError, match="another study is writing to it"):
        next(study.run(path, runs))
    assert len(list(running)) == 1
    assert len(study.read(path)[0]) == 2


@contextlib.contextmanager
def running(*arguments):
    """The command `study`, with the processes that it starts, all of which can be killed."""
    with subprocess.Popen([COMMAND, "study", *arguments], start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_rows(path, least, process):
    while not path.exists() or path.read_bytes().count(b"\n") < least:
        assert process.poll() is None, "it ended too soon"
        time.sleep(0.02)


@POSIX
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_and_resumed_in_whatever_way_there_is_one_row_a_run(tmp_path):
    """Killed in two processes, then finished on a cluster of which a worker is killed."""
    path, runs = tmp_path / "s", study.plan("steps", 3, 2)
    asked = ["--recipes", "steps", "--seeds", "3", "--epochs", "2", "--out", str(path)]
    with running(*asked, "--jobs", "2") as process:
        wait_for_rows(path, 1, process)
    assert process.returncode == -signal.SIGKILL
    there = path.read_bytes().count(b"\n")
    assert there < len(runs)
    with dask(tmp_path, 2) as (address, _, workers), running(*asked, "--dask", address) as process:
        wait_for_rows(path, there + 1, process)
        workers[0].kill()
        assert process.wait() == 0
    found, cut_off = study.read(path)
    assert not cut_off
    assert outcome(found) == outcome(study.run(tmp_path / "alone", runs))


# On a cluster


def in_a_thread(function, *args):
    """What it raises where a Dask worker would call it."""
    raised = []

    def call():
        with pytest.raises(ChildProcessError) as error:
            function(*args)
        raised.append(error.value)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    return raised[0]


@POSIX
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -9 $$", [f"killed by signal 9 ({signal.strsignal(9)})", "fewer at once"]),
        ("exit 3", ["exit status 3"]),
        ("echo Traceback >&2; echo MemoryError >&2; exit 1", ["MemoryError"]),
    ],
)
def test_a_process_of_a_run_that_fails_is_one_line(script, words, tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    error = in_a_thread(study.one_run, "convnet", 7, 2)
    assert str(error).startswith("convnet, seed 7: ")
    assert not [word for word in [*words] if word not in str(error)]
    assert "\n" not in str(error)


def test_a_cluster_makes_the_rows(tmp_path, monkeypatch):
    made = {name: study.one_run(name, 0, None) for name in ("nearest-mean", "commonest")}
    # what a worker calls: in this process it is a thread, which would start another Python
    monkeypatch.setattr(study, "one_run", lambda name, *_: made[name])
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "protocol": "tcp"}
    with distributed.LocalCluster(**how, host="127.0.0.1", dashboard_address="127.0.0.1:0") as here:
        found = list(study.run(tmp_path / "s", study.plan([*made], 1), dask=here.scheduler_address))
    assert outcome(found) == outcome(made.values()) == outcome(study.read(tmp_path / "s")[0])


def test_a_scheduler_that_is_not_there_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_load", lambda _: pytest.fail("data was loaded for nothing"))
    with pytest.raises(ConnectionError, match="no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        next(study.run(tmp_path / "s", study.plan("steps", 1), dask="tcp://127.0.0.1:9"))
    assert not os.listdir(tmp_path)


# The book's own studies


def commands():
    """{file: runs} of each study that CONTRIBUTING gives a command for."""
    made, text = {}, (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for block in re.findall(r"^cd (book/results\S*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^digitlib study .*", block[1], re.MULTILINE):
            words = dict(re.findall(r"--(recipes|seeds|epochs|out) (\S+)", line))
            epochs = int(words["epochs"]) if "epochs" in words else None
            runs = study.plan(words["recipes"].split(","), int(words["seeds"]), epochs)
            source = "sample" if block[0].endswith("sample") else "mnist"
            source += "-validation" if "--validate" in line else ""
            there = made.setdefault(f"{block[0]}/{words['out']}", {})
            there.update({(*run, source): "--unsure" in line for run in runs})
    return made


COMMANDS = commands()


def test_every_recorded_study_has_a_command():
    rows = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "book" / "results").rglob("*.jsonl")
        if path.read_text("utf-8").startswith('{"recipe"')
    }
    assert rows == set(COMMANDS)


def test_every_recorded_experiment_has_a_command():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    made = [
        path.read_text("utf-8").partition("\n")[0] for path in ROOT.glob("book/results/*.jsonl")
    ]
    made = [json.loads(line)["command"] for line in made if line.startswith('{"command"')]
    assert len(made) == len(set(made)) > 5
    for command in made:  # the search on a GPU is described, and has no command here
        assert (
            re.search(rf"^{re.escape(command)}(  |$)", text, re.MULTILINE) or "search.py" in command
        )


def test_one_look_reads_what_the_records_read():
    correct = {(row["recipe"], row["seed"]): row["correct"] for row in study.recorded("records")}
    once = {
        tuple(map(tuple, row["team"])): row["right"]["once"] for row in study.experiment("looks")
    }
    alone = {team[0]: right for team, right in once.items() if len(team) == 1}
    assert len(alone) == 10
    assert alone == {run: correct[run] for run in alone}


@pytest.mark.parametrize("file", COMMANDS)
def test_the_recorded_studies_are_whole(file):
    found, _ = study.read(ROOT / file)
    assert {study.key(row): "unsure" in row for row in found} == COMMANDS[file]
    assert len(found) == len(COMMANDS[file])
    for row in found:
        assert row["n"] == 10_000 or "sample" in row["data"]
        assert row["correct"] == row["n"] - study.mistakes(row).sum()
        assert row["accuracy"] == row["correct"] / row["n"]
        assert re.fullmatch("[0-9a-f]{64}", row["digest"])
