"""What does each recipe give, and each classical recognizer, under many seeds?

A study is a file with one JSON object a line and a line a run. Rows are only ever added, each at
once, so a study that is killed loses at most the runs under way, and goes on where it was.

    recipe, seed, epochs   what was run; epochs is null for the classics
    data                   "mnist" or "sample"; "mnist-validation" or "sample-validation" if the
                           last sixth of the training images took the test set's place
    parameters             numbers learned, where they can be counted
    seconds, cpu_seconds   of training, by the clock and of the process
    predict_seconds        to answer the test set
    n, correct, accuracy   on the test set
    mistakes               {index of a test image: the wrong answer}
    unsure                 {index of a test image: ten probabilities} where none of them is above
                           0.99; only if they were asked for
    digest                 SHA-256 of the answers as uint8
    versions, machine      on what it ran
"""

import functools
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

from digitlib import data, evaluation, recipes, training
from digitlib.baselines import BASELINES

FIELDS = {
    *("recipe", "seed", "epochs", "data", "parameters", "seconds", "cpu_seconds"),
    *("predict_seconds", "n", "correct", "accuracy", "mistakes", "digest", "versions", "machine"),
}
GROUPS = {
    "dense": [*recipes.DENSE],
    "convolutional": [*recipes.CONVOLUTIONAL],
    "ingredients": [name for name in recipes.VARIANTS if name.startswith("fast-")],
    "baselines": [*BASELINES],
    "all": [*recipes.RECIPES, *BASELINES],
}
KNOWN = recipes.RECIPES | recipes.VARIANTS
SURE = 0.99
PACKAGES = ("digitlib", "tensorflow", "keras", "numpy", "scikit-learn")
_CUT_OFF = re.compile(rb'\{"recipe":"[a-z0-9-]+","seed":\d')  # what a row begins with
# joblib replaces a process whose memory has grown; no run is lost by that
warnings.filterwarnings("ignore", "A worker stopped while some jobs")
_load = functools.cache(data.load)


def plan(names="all", seeds=10, epochs=None):
    """The runs of a study, a list of (recipe, seed, epochs).

    Parameters
    ----------
    names : a name, or a sequence of names: of recipes, their variants, baselines, or `GROUPS`
    seeds : int
        Seeds 0 to seeds - 1; a baseline on which the seed has no effect runs once.
    epochs : int, optional
        Of every network; its recipe's own number if not given.

    Raises
    ------
    ValueError
        If a name is unknown, or a number is below 1.
    """
    for name, number in [("seeds", seeds), ("epochs", epochs)]:
        if number is not None and number < 1:
            raise ValueError(f"expected {name} to be 1 or more; got {number}")
    runs = []
    asked = [names] if isinstance(names, str) else names
    for name in dict.fromkeys(name for one in asked for name in GROUPS.get(one, [one])):
        if name in BASELINES:
            runs += [(name, seed, None) for seed in range(seeds if BASELINES[name].seeded else 1)]
        elif name in KNOWN:
            own = KNOWN[name].epochs
            runs += [(name, seed, epochs or own) for seed in range(seeds)]
        else:
            known = ", ".join([*KNOWN, *BASELINES, *GROUPS])
            raise ValueError(f"no recipe {name!r}; there are {known}")
    return runs


def run(path, runs, *, source=None, validate=False, unsure=False, jobs=1, dask=None):
    """Make the runs that the file does not hold yet, adding a row to it for each.

    Yields a row for each of the runs: first those that are there, then the others as they come.

    Parameters
    ----------
    path : str or path-like
        The study's file; made if it is not there.
    runs : list of (recipe, seed, epochs), as from `plan`
    source : str, optional
        As for `data.load`; workers on other machines look for it there.
    validate : bool
        Leave the test set alone: train without the last sixth of the training images, and test on
        that. This is how to choose between recipes.
    unsure : bool
        Keep the probabilities of unsure answers, see `probabilities`.
    jobs : int
        Processes at once.
    dask : str, optional
        The address of a Dask scheduler, which then does the work instead of processes here.

    Raises
    ------
    ValueError
        If the file holds something else than a study; the message names the line.
    OSError
        If it cannot be written, or another study is writing to it (BlockingIOError).
    """
    source = data.asked_for(source)
    digits = _load(source)
    source = digits.name if source == "auto" else source  # the same for every worker
    name = _held_out(digits).name if validate else digits.name
    how = {"backend": "dask", "scheduler_host": dask} if dask else {"n_jobs": jobs}
    with parallel_config(**how):
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
    fresh = not os.path.exists(path)
    try:
        with open(path, "ab", buffering=0) as file:
            _lock(file, path)
            rows, whole = _parse(path)
            file.truncate(whole)  # a line cut off by a kill or a full disk is no row
            if whole and not Path(path).read_bytes().endswith(b"\n"):
                _append(file, path, b"\n")
            there = {key(row): row for row in rows}
            asked = [(*one, name) for one in runs]
            yield from (there[one] for one in asked if one in there)
            calls = (
                delayed(one_run)(*one[:3], source, validate, unsure)
                for one in asked
                if one not in there
            )
            for row in parallel(calls):  # as soon as it is there, whichever comes first
                _append(file, path, json.dumps(row, separators=(",", ":")).encode() + b"\n")
                yield row
    finally:
        if fresh and os.path.exists(path) and not os.path.getsize(path):
            os.unlink(path)


def one_run(name, seed, epochs=None, source=None, validate=False, unsure=False):
    """Train and test once; gives the row."""
    if threading.current_thread() is not threading.main_thread():
        return _elsewhere(name, seed, epochs, source, validate, unsure)
    digits = _load(data.asked_for(source))
    if validate:
        digits = _held_out(digits)
    x, x_test = training.scale(digits.x_train), training.scale(digits.x_test)
    with threadpool_limits(1):
        start, cpu = time.perf_counter(), time.process_time()
        if name in BASELINES:
            x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
            with warnings.catch_warnings(action="ignore"):  # of pixels that are never inked
                model = BASELINES[name].make(seed).fit(x, digits.y_train)
        else:
            model, _ = training.train(name, x, digits.y_train, seed=seed, epochs=epochs)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        start, doubts = time.perf_counter(), {}
        if name in BASELINES:
            y_pred = model.predict(x_test)
            learned = [getattr(model, part).size for part in BASELINES[name].learned]
            parameters = sum(learned) or None
        else:
            outputs = model.predict(x_test, batch_size=1000, verbose=0)
            y_pred = outputs.argmax(axis=1)
            if unsure:
                doubts = _doubts(outputs)
            parameters = model.count_params()
        predict_seconds = time.perf_counter() - start
    score = evaluation.accuracy(digits.y_test, y_pred)
    wrong = np.flatnonzero(y_pred != digits.y_test)
    return {
        "recipe": name,
        "seed": seed,
        "epochs": epochs,
        "data": digits.name,
        "parameters": parameters,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "predict_seconds": round(predict_seconds, 2),
        "n": score.n,
        "correct": score.correct,
        "accuracy": score.value,
        "mistakes": {str(i): int(y_pred[i]) for i in wrong},
        **({"unsure": doubts} if doubts else {}),
        "digest": data.fingerprint(y_pred.astype(np.uint8)),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{os.environ['TF_NUM_INTRAOP_THREADS']} used",
    }


def _elsewhere(*run):
    """`one_run` in a process of its own.

    The threads beside a Dask worker's draw from Python's random numbers too, and Keras starts
    from these: now and then a seed would give other weights.
    """
    code = (
        "import json, sys; from digitlib import study; "
        "print(json.dumps(study.one_run(*json.loads(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, json.dumps(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildProcessError(f"{run[0]}, seed {run[1]}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def read(path):
    """The rows of a study, and whether a last line that was cut off had to be left out.

    Raises
    ------
    ValueError
        If the file holds something else; the message names the line.
    """
    rows, whole = _parse(path)
    return rows, whole < os.path.getsize(path)


def recorded(name="study"):
    """The rows of one of the book's own studies on MNIST; their files come with the package.

    "study" holds the dense recipes under ten seeds and the baselines; "five_epochs" the recipe
    dropout cut short; "convolutions" the recipes convnet and fast, and fast without one thing after
    another; "accurate" the most accurate recipe; "choices" what was tried on held-out images.
    """
    return read(data.recorded(f"{name}.jsonl"))[0]


def key(row):
    """What makes a row's run that run: (recipe, seed, epochs, data)."""
    return row["recipe"], row["seed"], row["epochs"], row["data"]


def mistakes(row):
    """Which test images a run got wrong, shape (n,), bool."""
    wrong = np.zeros(row["n"], bool)
    wrong[[int(index) for index in row["mistakes"]]] = True
    return wrong


def probabilities(row, y):
    """What a run's network answered, shape (n, 10), given the true labels of shape (n,).

    Where it was sure, and the row holds no more than the answer, that answer gets 1.
    """
    y_pred = np.array(y)
    for index, answer in row["mistakes"].items():
        y_pred[int(index)] = answer
    outputs = np.eye(evaluation.CLASSES)[y_pred]
    for index, ten in row.get("unsure", {}).items():
        outputs[int(index)] = ten
    return outputs


def _doubts(outputs):
    """The probabilities of the answers below `SURE`, {index: ten numbers}, as a row keeps them."""
    outputs = evaluation.as_probabilities(outputs)
    doubtful = np.flatnonzero(outputs.max(axis=1) < SURE)
    return {str(i): [round(float(p), 4) for p in outputs[i]] for i in doubtful}


def _held_out(digits):
    """The training images, with the last sixth of them as the test set."""
    n = len(digits.x_train) // 6
    return data.Digits(
        digits.x_train[:-n], digits.y_train[:-n], digits.x_train[-n:], digits.y_train[-n:],
        name=f"{digits.name}-validation", origin=digits.origin,
    )  # fmt: skip


def _parse(path):
    """The rows of a study, and the length in bytes of the lines that hold them."""
    text, rows = Path(path).read_bytes(), {}
    end = text.rfind(b"\n") + 1
    rest, lines = text[end:], text[:end].splitlines()
    if _row(rest):  # whole, but for the end of the line
        lines, end = [*lines, rest], len(text)
    elif rest and not (_CUT_OFF.match(rest) or (lines and rest in b'{"recipe":"')):
        lines = [*lines, rest]  # nothing that a study was writing
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if not row:
            raise ValueError(
                f"{path}, line {number}: expected a row of a study; delete the line, or name "
                "another file"
            )
        if key(row) in rows:
            raise ValueError(f"{path}, line {number}: repeats an earlier run; delete one of them")
        rows[key(row)] = row
    return list(rows.values()), end


def _row(line):
    """The row on a line, or None if it holds something else."""
    try:
        row = json.loads(line)
        known = row.keys() >= FIELDS and {key(row): row}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None
    return row if known else None


def _append(file, path, raw):
    """Write bytes to the end of a file, down to the disk."""
    try:
        while raw:
            raw = raw[file.write(raw) :]
        os.fsync(file.fileno())
    except OSError as error:
        advice = f"{error.strerror}; make room, then run the same command again"
        raise OSError(error.errno, advice, str(path)) from error


def _lock(file, path):
    """Keep other studies from writing to the file until it is closed."""
    import fcntl  # not on Windows, where only this one function needs it

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BlockingIOError(
            error.errno, "another study is writing to it; wait for that one, or name another", path
        ) from error
