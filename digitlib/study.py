"""What does each recipe give, and each classical recognizer, under many seeds?

A study makes its runs one by one, keeps a row of each in a file (see `rows`), and goes on where it
was if it is started again.
"""

import contextlib
import functools
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
import warnings
from importlib.metadata import version

import numpy as np
from threadpoolctl import threadpool_limits

from digitlib import data, evaluation, models, recipes, rows, training, workers
from digitlib.baselines import BASELINES
from digitlib.quiet import tensorflow
from digitlib.rows import (  # noqa: F401, study.key etc.
    experiment,
    key,
    mistakes,
    probabilities,
    read,
    recorded,
)

GROUPS = {
    "dense": [*recipes.DENSE],
    "convolutional": [*recipes.CONVOLUTIONAL],
    "ingredients": [name for name in recipes.VARIANTS if name.startswith("fast-")],
    "records": [*recipes.RECORDS],
    "baselines": [*BASELINES],
    "all": [*recipes.RECIPES, *BASELINES],
}
PACKAGES = ("digitlib", "keras", "numpy", "scikit-learn")
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
        elif name in recipes.ALL:
            own = recipes.ALL[name].epochs
            runs += [(name, seed, epochs or own) for seed in range(seeds)]
        else:
            known = ", ".join([*recipes.ALL, *BASELINES, *GROUPS])
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
        Keep the probabilities of unsure answers, see `rows.probabilities`.
    jobs : int
        Processes at once.
    dask : str, optional
        The address of a Dask scheduler, which then does the work instead of processes here.

    Raises
    ------
    ValueError
        If the file holds something else than a study; the message names the line.
    OSError
        If the file cannot be written, or another study is writing to it (BlockingIOError); if no
        scheduler answers, or it is lost (ConnectionError); if the process of a run is killed
        (ChildProcessError). The rows made so far are kept.
    """
    with contextlib.nullcontext() if dask is None else workers.connected(dask) as client:
        source = data.asked_for(source)
        digits = _load(source)
        source = digits.name if source == "auto" else source  # the same for every worker
        name = digits.held_out().name if validate else digits.name
        with rows.adding(path) as (there, add):
            there = {key(row): row for row in there}
            asked = [*dict.fromkeys((*one, name) for one in runs)]
            for one in asked if unsure else ():
                if "unsure" not in there.get(one, "unsure") and one[0] not in BASELINES:
                    raise ValueError(
                        f"{path}: {one[0]}, seed {one[1]}, was run without keeping what it is "
                        "unsure of; name another file"
                    )
            yield from (there[one] for one in asked if one in there)
            calls = [(*one[:3], source, validate, unsure) for one in asked if one not in there]
            if client is None:
                made = workers.in_processes(one_run, calls, jobs)
            else:
                made = workers.on_cluster(one_run, calls, client)
            for row in made:
                add(row)
                yield row


def one_run(name, seed, epochs, source=None, validate=False, unsure=False):
    """Train and test once; gives the row."""
    if threading.current_thread() is not threading.main_thread():
        return _elsewhere(name, seed, epochs, source, validate, unsure)
    digits = _load(data.asked_for(source))
    if validate:
        digits = digits.held_out()
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
        start, doubts = time.perf_counter(), None
        if name in BASELINES:
            y_pred = model.predict(x_test)
            learned = [getattr(model, part).size for part in BASELINES[name].learned]
            parameters = sum(learned) or None
        else:
            outputs = models.of_digits(model.predict(x_test, batch_size=1000, verbose=0))
            y_pred = outputs.argmax(axis=1)
            if unsure:
                doubts = rows.doubts(outputs, rows.SURE - 2 * recipes.ALL[name].smoothing)
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
        **({} if doubts is None else {"unsure": doubts}),
        "digest": data.fingerprint(y_pred.astype(np.uint8)),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tensorflow.__version__,  # of whatever name its package is
            **{package: version(package) for package in PACKAGES},
        },
        "machine": f"{machine()}, {os.environ['TF_NUM_INTRAOP_THREADS']} thread used",
    }


def machine():
    """On what TensorFlow runs here: the system, its cores, its GPUs."""
    gpus = tensorflow.config.list_physical_devices("GPU")
    details = map(tensorflow.config.experimental.get_device_details, gpus)
    names = [one.get("device_name", "a GPU") for one in details]
    system = f"{platform.system()} {platform.machine()}"
    return ", ".join([system, f"{os.cpu_count()} cores", *names])


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
    if done.returncode < 0:
        number = -done.returncode
        why = f"killed by signal {number} ({signal.strsignal(number)}); {workers.AGAIN}"
    elif done.returncode:
        why = [f"exit status {done.returncode}", *done.stderr.strip().splitlines()][-1]
    else:
        return json.loads(done.stdout)
    raise ChildProcessError(f"{run[0]}, seed {run[1]}: {why}")
