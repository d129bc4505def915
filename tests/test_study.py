"""Studies: what a row says, that killing costs nothing but time, that a cluster gives the same."""

import contextlib
import hashlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from conftest import ROOT
from test_notebooks import Chapter
from threadpoolctl import threadpool_limits

from digitlib import baselines, cli, data, evaluation, models, recipes, study, training

COMMAND = str(Path(sys.executable).with_name("digitlib"))


def asked(path, names="steps", seeds=3, epochs=2, jobs=1):
    return [
        COMMAND, "study", "--recipes", names, "--seeds", str(seeds), "--epochs", str(epochs),
        "--jobs", str(jobs), "--out", str(path),
    ]  # fmt: skip


def outcome(rows):
    """What must be the same wherever and in whatever order the runs are made."""
    keys = ("recipe", "seed", "epochs", "data", "parameters", "correct", "mistakes", "digest")
    return sorted(([row[key] for key in keys] for row in rows), key=lambda row: row[:2])


def lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The rows of a small study made in this process, one run after the other."""
    path = tmp_path_factory.mktemp("study") / "alone.jsonl"
    return list(study.run(path, study.plan(["steps"], 3, 2)))


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
    every = {*recipes.CONVOLUTIONAL, *recipes.VARIANTS}
    assert set(several) == every - {"accurate-without-distortions"}
    with pytest.raises(ValueError, match="no recipe 'networks'; there are dropout,.*fast-without"):
        study.plan(["networks"])
    for wrong in ({"seeds": 0}, {"epochs": 0}):
        with pytest.raises(ValueError, match="1 or more; got 0"):
            study.plan(**wrong)


def test_a_row_says_what_was_run_and_what_came_out(alone):
    row, digits = alone[0], data.load()
    model, _ = training.train(
        "steps", training.scale(digits.x_train), digits.y_train, seed=0, epochs=2
    )
    y_pred = model.predict(training.scale(digits.x_test), verbose=0).argmax(axis=1)
    assert study.key(row) == ("steps", 0, 2, "sample")
    assert row.keys() == study.FIELDS
    assert row["parameters"] == model.count_params()
    assert row["digest"] == data.fingerprint(y_pred.astype(np.uint8))
    np.testing.assert_array_equal(study.mistakes(row), y_pred != digits.y_test)
    assert {int(i): answer for i, answer in row["mistakes"].items()} == {
        i: y_pred[i] for i in np.flatnonzero(y_pred != digits.y_test)
    }
    assert row["correct"] == (y_pred == digits.y_test).sum() == 500 * row["accuracy"]
    assert 0 < row["cpu_seconds"] < 60
    assert row["versions"]["keras"]


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
    assert lines(tmp_path / "s.jsonl") == 2


@pytest.mark.parametrize("name", ["steps", "sigmoid"])
def test_probabilities_of_a_row(name, tmp_path):
    digits = data.load()
    (row,) = study.run(tmp_path / "s.jsonl", study.plan(name, 1, 10), unsure=True)
    (read,), _ = study.read(tmp_path / "s.jsonl")
    model, _ = training.train(
        name, training.scale(digits.x_train), digits.y_train, seed=0, epochs=10
    )
    outputs = model.predict(training.scale(digits.x_test), verbose=0)
    expected = evaluation.as_probabilities(outputs)
    found = study.probabilities(read, digits.y_test)
    assert row == read
    np.testing.assert_allclose(found, expected, atol=1.01 - study.SURE)
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    clear = first - second > 1e-3  # closer than that, four decimals cannot tell
    np.testing.assert_array_equal(found.argmax(axis=1)[clear], expected.argmax(axis=1)[clear])
    unsure = expected.max(axis=1) < study.SURE
    assert 0 < unsure.sum() < len(unsure)
    np.testing.assert_allclose(found[unsure], expected[unsure], atol=1e-4)
    assert set(np.flatnonzero(unsure)) == {int(i) for i in read["unsure"]}


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_baselines_learn_and_the_seed_matters_only_where_it_is_said(name):
    digits = data.load()
    x, x_test = (set_[:, ::2, ::2].reshape(-1, 196) for set_ in (digits.x_train, digits.x_test))
    with threadpool_limits(1):
        answers = [
            baselines.BASELINES[name].make(seed).fit(x[:150], digits.y_train[:150]).predict(x_test)
            for seed in (0, 1)
        ]
    assert np.mean(answers[0] == digits.y_test) > (0.05 if name == "commonest" else 0.5)
    assert np.array_equal(*answers) != baselines.BASELINES[name].seeded


@pytest.mark.parametrize(("name", "learned"), [("nearest-mean", 7840), ("svm", None)])
def test_a_row_of_a_baseline(name, learned):
    row = study.one_run(name, 0)
    assert row["accuracy"] > 0.85
    assert row["parameters"] == learned
    assert row["epochs"] is None


# Resuming


def test_killed_twice_and_resumed_there_is_one_row_a_run(alone, tmp_path):
    """In two processes and in one, which give the same rows."""
    path, luck = tmp_path / "s", random.Random(os.getpid())
    for least, jobs in ((1, 2), (2, 1)):
        with subprocess.Popen(asked(path, jobs=jobs), start_new_session=True) as process:
            wait_for(lambda least=least: lines(path) >= least)
            time.sleep(luck.random() / 4)
            os.killpg(process.pid, signal.SIGKILL)
        assert lines(path) < 3, "killed too late to show anything"
    subprocess.run(asked(path), check=True, capture_output=True)
    rows, cut_off = study.read(path)
    assert not cut_off
    assert lines(path) == 3
    assert outcome(rows) == outcome(alone)


def test_two_studies_do_not_write_to_one_file(tmp_path):
    path = tmp_path / "s"
    running = study.run(path, study.plan(["steps"], 2, 1))
    next(running)
    with pytest.raises(BlockingIOError, match="another study is writing to it"):
        next(study.run(path, study.plan(["steps"], 2, 1)))
    assert len(list(running)) == 1


def test_a_repeated_row_is_refused(alone, tmp_path):
    path = tmp_path / "s"
    path.write_text(2 * (json.dumps(alone[0]) + "\n"))
    with pytest.raises(ValueError, match="line 2: repeats an earlier run"):
        study.read(path)


# On a cluster


@contextlib.contextmanager
def cluster(folder):
    """A Dask scheduler and two workers, each in a process of its own: (address, workers)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    dask, alike = [sys.executable, "-m", "dask"], ["--no-dashboard"]
    worker = [*dask, "worker", address, "--no-nanny", "--nthreads", "1", *alike]
    scheduler = [*dask, "scheduler", "--host", address, *alike]
    processes = [subprocess.Popen(scheduler, **quiet)]
    try:
        processes += [subprocess.Popen(worker, **quiet) for _ in range(2)]
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_gives_the_same_rows_though_a_worker_is_killed(alone, tmp_path):
    path = tmp_path / "s"
    with cluster(tmp_path) as (address, workers):
        with subprocess.Popen([*asked(path), "--dask", address]) as process:
            wait_for(lambda: lines(path) >= 1, 120)
            workers[0].kill()
            assert lines(path) < 3, "killed too late to show anything"
            assert process.wait(120) == 0
        assert workers[0].poll() == -signal.SIGKILL
    assert lines(path) == 3
    assert outcome(study.read(path)[0]) == outcome(alone)


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path, capsys):
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        status = cli.main([*asked(tmp_path / "s")[1:], "--dask", "tcp://127.0.0.1:9"])
    error = capsys.readouterr().err
    assert status == 1
    assert error.startswith("digitlib: ")
    assert error.count("\n") == 1
    assert "tcp://127.0.0.1:9" in error


# The book's own study


@pytest.fixture(scope="module")
def recorded():
    return study.recorded()


RECORDED = {
    "study": study.plan(["dense", "baselines"], 10),
    "five_epochs": study.plan("dropout", 10, 5),
    "convolutions": study.plan(["fast", "ingredients"], 5) + study.plan("convnet", 2),
    "accurate": study.plan("accurate", 5),
    "choices": study.plan(["accurate", "accurate-without-distortions"], 2, 6),
}


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_studies_are_whole(name):
    rows, source = study.recorded(name), "mnist-validation" if name == "choices" else "mnist"
    assert {study.key(row) for row in rows} == {(*run, source) for run in RECORDED[name]}
    assert len(rows) == len(RECORDED[name])
    for row in rows:
        assert row["n"] == 10_000
        assert row["correct"] == 10_000 - len(row["mistakes"])
        assert row["accuracy"] == row["correct"] / row["n"]
        assert re.fullmatch("[0-9a-f]{64}", row["digest"])


def test_the_chapter_states_what_another_implementation_finds(recorded):
    """Comparing uses SciPy; here are statsmodels, and random halves where that has no formula."""
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.oneway import anova_oneway
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    said = dict(Chapter(ROOT / "notebooks", "06_comparing").recorded)
    right = {name: [] for name in recipes.DENSE}
    for row in recorded:
        if row["recipe"] in right:
            right[row["recipe"]].append(~study.mistakes(row))
    scores = {name: np.mean(of, axis=1) for name, of in right.items()}
    league = sorted(scores, key=lambda name: -scores[name].mean())

    for name, values in scores.items():
        key = name.replace("-", "_")
        assert said[f"{key}_mean"] == pytest.approx(values.mean())
        interval = DescrStatsW(values).tconfint_mean(0.05)
        assert (said[f"{key}_low"], said[f"{key}_high"]) == pytest.approx(interval)

    pairs = [(a, b) for i, a in enumerate(league) for b in league[i + 1 :]]
    compared = {
        (a, b): CompareMeans(DescrStatsW(scores[a]), DescrStatsW(scores[b])) for a, b in pairs
    }
    p_values = [test.ttest_ind(usevar="unequal")[1] for test in compared.values()]
    assert said["welch_p_first_two"] == pytest.approx(p_values[0])
    assert said["differences_over_seeds"] == sum(multipletests(p_values, 0.05, "bonferroni")[0])
    low, high = compared[pairs[0]].tconfint_diff(0.005, usevar="unequal")
    assert 2 * said["seeds_half_width_first_two"] == pytest.approx(100 * (high - low))

    def differ(a, b):
        table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(b & ~a), np.sum(~a & ~b)]]
        return mcnemar(table, exact=True).pvalue < 0.05

    top, second = league[:2]
    won = [np.sign(a.sum() - b.sum()) * differ(a, b) for a in right[top] for b in right[second]]
    assert said["mcnemar_top_wins"] == won.count(1)
    assert said["mcnemar_second_wins"] == won.count(-1)
    within = [sum(differ(a, b) for i, a in enumerate(of) for b in of[:i]) for of in right.values()]
    assert said["mcnemar_within_most"] == max(within)
    assert said["mcnemar_within_least"] == min(within)

    # Levene's test is an analysis of variance of the distances from the medians
    distances = [np.abs(values - np.median(values)) for values in scores.values()]
    assert said["levene_p"] == pytest.approx(anova_oneway(distances, use_var="equal").pvalue)

    # the images' own share of the variance: what two halves of the seeds have in common
    rng, shared = np.random.default_rng(1), []
    for _ in range(200):
        halves = np.array_split(rng.permutation(10), 2)
        gaps = [np.mean([right[top][seed] for seed in half], axis=0)
                - np.mean([right[second][seed] for seed in half], axis=0) for half in halves]  # fmt: skip
        shared.append(np.cov(*gaps)[0, 1])
    half_width = 100 * NormalDist().inv_cdf(0.9975) * np.sqrt(np.mean(shared) / 10_000)
    assert said["images_half_width_first_two"] == pytest.approx(half_width, rel=0.03)


def test_what_is_recorded_comes_with_the_package(tmp_path):
    """As installed from the repository, without the repository around it."""
    build = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    subprocess.run([*build, "--target", str(tmp_path / "there"), str(source)], check=True)
    there = tmp_path / "there" / "digitlib" / "results"
    for name in ["study.jsonl", "accurate.jsonl", "bench.json", "reader.keras"]:
        assert (there / name).read_bytes() == (source / "book" / "results" / name).read_bytes()


def test_the_network_that_comes_with_the_package():
    path = data.recorded("reader.keras")
    run = json.loads(data.recorded("reader.keras.history.json").read_text())
    assert run["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    said = {key: run[key] for key in ("recipe", "seed", "epochs", "data")}
    accurate = recipes.get("accurate")
    assert said == {"recipe": "accurate", "seed": 0, "epochs": accurate.epochs, "data": "mnist"}
    assert path.stat().st_size < 1_000_000
    digits, reader = data.load("sample"), models.reader()
    assert reader.count_params() == accurate.build().count_params()
    y_pred = models.answers(reader, digits.x_test).argmax(axis=1)
    assert np.mean(y_pred == digits.y_test) > 0.9, "digits it was never trained on"
