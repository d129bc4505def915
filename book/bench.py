"""Measure the book against what a reader would use instead; `make bench` is the usual door.

Every ratio is of two things measured in turn in the same run, each in a process of its own.
Writes book/results/bench.json, all that was measured, and the table of the colophon from it.
Needs MNIST, and a machine that does nothing else meanwhile.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "book" / "results" / "bench.json"
PARTS = ("race", "epoch", "loading", "book")
GOAL, MOST_EPOCHS = 0.99, 15
EPOCHS = 3  # of recipe 1; with building and tracing, as a reader has to wait for these too
NOISY = 1.25  # the slowest fixed task over the quickest, from which on the machine is called noisy


# What is measured; each of these functions runs in a process of its own


def stopwatch():
    """A function that gives the seconds since now: by the clock, and of the processors."""
    start = time.perf_counter(), time.process_time()
    return lambda: (time.perf_counter() - start[0], time.process_time() - start[1])


def race_keras(seed):
    """Keras's mnist_convnet as published, until an epoch ends at the goal."""
    import keras
    from keras import layers

    x_train, y_train, x_test, y_test = arrays()
    x_train, x_test = (x.astype("float32")[..., None] / 255 for x in (x_train, x_test))
    labels = keras.utils.to_categorical(y_train, 10)
    keras.utils.set_random_seed(seed)
    seconds = cpu = 0
    curve, watch = [], stopwatch()
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    while len(curve) < MOST_EPOCHS and (not curve or curve[-1][2] < GOAL):
        model.fit(x_train, labels, batch_size=128, epochs=1, validation_split=0.1, verbose=0)
        wall, used = watch()
        seconds, cpu = seconds + wall, cpu + used
        curve.append((seconds, cpu, right(model, x_test, y_test)))
        watch = stopwatch()  # testing takes no part in the race
    return {"parameters": model.count_params(), "curve": curve}


def race_ours(seed):
    """The recipe fast. A run that misses the goal is followed by one with another seed."""
    from digitlib import training

    x_train, y_train, x_test, y_test = arrays()
    x_train, x_test = training.scale(x_train), training.scale(x_test)
    seconds = cpu = 0
    curve = []
    while len(curve) < MOST_EPOCHS and (not curve or curve[-1][2] < GOAL):
        watch = stopwatch()
        model, _ = training.train("fast", x_train, y_train, seed=seed + 1000 * len(curve))
        wall, used = watch()
        seconds, cpu = seconds + wall, cpu + used
        curve.append((seconds, cpu, right(model, x_test, y_test)))
    return {"parameters": model.count_params(), "curve": curve}


def epoch_plain(seed):
    """Some epochs of recipe 1 as it is written everywhere, made repeatable as Keras advises."""
    import keras
    import tensorflow
    from keras import layers

    x_train, y_train, _, _ = arrays()
    x_train = x_train.astype("float32") / 255
    watch = stopwatch()
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()  # else the last bits differ
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=EPOCHS, batch_size=32, verbose=0)
    return timed(watch, model)


def epoch_ours(seed):
    """The same epochs by `digitlib.training`."""
    from digitlib import training

    x_train, y_train, _, _ = arrays()
    x_train = training.scale(x_train)
    watch = stopwatch()
    model, _ = training.train("dropout", x_train, y_train, seed=seed, epochs=EPOCHS)
    return timed(watch, model)


def timed(watch, model):
    from digitlib import data

    wall, cpu = watch()
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()])
    return {"seconds": wall / EPOCHS, "cpu": cpu / EPOCHS, "weights": data.fingerprint(weights)}


def loading(_):
    """MNIST from a file, five times: by Keras, which checks nothing here, and by us."""
    from unittest.mock import patch

    import keras

    from digitlib import data

    path = os.environ["BENCH_MNIST"]
    # a copy of MNIST in another container fails Keras's check of the file, so it is left out
    with patch(f"{keras.datasets.mnist.load_data.__module__}.get_file", lambda *_, **__: path):
        pairs = []
        for _ in range(6):
            watch = stopwatch()
            keras.datasets.mnist.load_data()
            theirs, watch = watch()[0], stopwatch()
            data.load(path)
            pairs.append((theirs, watch()[0]))
    return {"pairs": pairs[1:]}


def arrays():
    with np.load(os.environ["BENCH_MNIST"]) as file:
        return [file[name] for name in ("x_train", "y_train", "x_test", "y_test")]


def right(model, x, y):
    return float(np.mean(model.predict(x, batch_size=1000, verbose=0).argmax(axis=1) == y))


TASKS = {task.__name__: task for task in (race_keras, race_ours, epoch_plain, epoch_ours, loading)}


# How it is measured


class Bench:
    """Runs things one after the other, and a fixed task between them to see the machine's mood."""

    def __init__(self):
        self.moods = []

    def mood(self):
        matrix = np.ones((600, 600), "float32")
        start = time.perf_counter()
        for _ in range(60):
            matrix @ matrix
        self.moods.append(time.perf_counter() - start)

    def task(self, name, seed=0):
        self.mood()
        command = [sys.executable, __file__, "--task", name, "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name}, seed {seed} failed:\n{done.stderr[-2000:]}")
        result = json.loads(done.stdout.splitlines()[-1])
        print(f"  {name}, seed {seed}: {brief(result)}", flush=True)
        return result

    def pairs(self, instead, here, seeds):
        """Both tasks in turn, {what the name ends in: results}."""
        results = {name.split("_")[1]: [] for name in (instead, here)}
        for seed in range(seeds):
            for name in (instead, here):
                results[name.split("_")[1]].append(self.task(name, seed))
        return results

    def build(self, folder, command):
        """Seconds and peak memory, in bytes, of a door of the project and all its processes."""
        self.mood()
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "book/build.py", command], cwd=folder, stdout=subprocess.DEVNULL
        )
        peak, stop = [0], threading.Event()
        watcher = threading.Thread(target=watch_memory, args=(process.pid, peak, stop))
        watcher.start()
        failed = process.wait()
        seconds = time.perf_counter() - start
        stop.set()
        watcher.join()
        if failed:
            sys.exit(f"`{command}` failed; see above")
        print(f"  {command}: {seconds:.0f} s, {peak[0] / 2**30:.1f} GiB", flush=True)
        return seconds, peak[0]


def watch_memory(pid, peak, stop):
    """Keep the largest sum of the memory of a process and its descendants in peak[0]."""
    while not stop.wait(0.25):
        total = 0
        try:
            parent = psutil.Process(pid)
            for process in [parent, *parent.children(recursive=True)]:
                total += process.memory_info().rss
        except psutil.Error:  # it ended while we looked
            continue
        peak[0] = max(peak[0], total)


def brief(result):
    if "curve" in result:
        seconds, _, accuracy = result["curve"][-1]
        return f"{accuracy:.2%} after {seconds:.1f} s"
    if "seconds" in result:
        return f"{result['seconds']:.1f} s"
    return ", ".join(f"{ours / theirs:.2f}" for theirs, ours in result["pairs"])


def measure(parts, result):
    """Measure these parts anew, and keep what is measured after each."""
    from digitlib import data

    for part in parts:
        bench = Bench()
        if part == "race":
            result["race"] = bench.pairs("race_keras", "race_ours", seeds=5)
        elif part == "epoch":
            result["epoch"] = bench.pairs("epoch_plain", "epoch_ours", seeds=5)
        elif part == "loading":
            result["loading"] = bench.task("loading")["pairs"]
        else:
            result |= whole_book(bench, result)
        bench.mood()
        result["moods"] = result.get("moods", {}) | {part: bench.moods}
        data.write_whole(json.dumps(result, indent=1).encode() + b"\n", RESULT)  # so far
    result["machine"] = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    result["versions"] = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
    return result


def whole_book(bench, so_far):
    """Time the doors `book`, with every chapter executed, and `site`, in a copy of the project."""
    with tempfile.TemporaryDirectory() as folder:
        for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        read_by_a_chapter = Path(folder) / RESULT.relative_to(ROOT)
        read_by_a_chapter.write_text(json.dumps(so_far))
        read_by_a_chapter.with_suffix(".md").touch()
        seconds, peak = bench.build(folder, "book")
        runs = sorted((Path(folder) / "_build" / "executed").glob("*.ipynb"))
        chapters = {
            run.stem: json.loads(run.read_text())["metadata"]["digitlib"]["seconds"] for run in runs
        }
        for run in runs:
            shutil.copy(run, Path(folder) / "notebooks")
        shutil.rmtree(Path(folder) / "_build" / "html")
        site, _ = bench.build(folder, "site")
    return {"book": seconds, "peak": peak, "chapters": chapters, "site": site}


# What is said of it


def table(result):
    """The measurements as Markdown, each beside what a reader would use instead."""
    ends = {name: [run["curve"][-1] for run in runs] for name, runs in result["race"].items()}
    sizes = {name: runs[0]["parameters"] for name, runs in result["race"].items()}
    rows = []
    for column, what in enumerate(("Seconds", "Seconds of CPU")):
        theirs, ours = ([end[column] for end in ends[name]] for name in ("keras", "ours"))
        rows.append(
            [
                f"{what} to {GOAL:.0%} on the test set, mean ± standard deviation of {len(ours)} seeds",
                f"Keras's example, {sizes['keras']:,} parameters: {spread(theirs)}",
                f"recipe fast, {sizes['ours']:,} parameters: {spread(ours)}",
                ratio(mean(ours) / mean(theirs)),
            ]
        )
    plain, ours = ([run["seconds"] for run in result["epoch"][n]] for n in ("plain", "ours"))
    pairs = zip(*result["epoch"].values(), strict=True)
    same = all(one["weights"] == other["weights"] for one, other in pairs)
    rows.append(
        [
            f"Seconds an epoch of recipe 1, likewise; the weights are {'the same bit for bit' if same else 'other'}",
            f"as written everywhere, repeatable: {spread(plain)}",
            f"`digitlib.training`: {spread(ours)}",
            ratio(mean(ours) / mean(plain)),
        ]
    )
    theirs, ours = zip(*result["loading"], strict=True)
    rows.append(
        [
            "Loading MNIST from a file, seconds",
            f"`load_data()`, nothing verified: {median(theirs):.2f}",
            f"`digitlib.data`, every byte verified: {median(ours):.2f}",
            ratio(median(b / a for a, b in result["loading"])),
        ]
    )
    lines = ["| | instead | here | ratio |", "|:---|:---|:---|--:|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    chapters = ", ".join(f"{seconds:.0f}" for seconds in result["chapters"].values())
    used = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    slowest = max(max(moods) / median(moods) for moods in result["moods"].values())
    noise = f"The same small task took up to {slowest:.2f} times its usual time meanwhile"
    advice = (
        "too much to tell small differences apart: measure again on a quieter machine"
        if slowest > NOISY
        else "quiet enough"
    )
    text = (
        f"`make book` took {result['book']:.0f} s with every chapter executed (in turn {chapters} "
        f"s), and {result['peak'] / 2**30:.1f} GiB of memory at most; `make site` took "
        f"{result['site']:.0f} s. {noise}, {advice}. Measured on {result['machine']}, with {used}."
    )
    return "\n".join([*lines, "", text, ""])


def spread(values):
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def ratio(value):
    return f"{value:.2f}" if value > 0.2 else f"1/{1 / value:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", choices=PARTS, action="append", metavar="PART",
        help=f"measure one part anew and keep the others: {', '.join(PARTS)}",
    )  # fmt: skip
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if args.task:
        print(json.dumps(TASKS[args.task](args.seed)))
        return
    from digitlib import data

    digits = data.load()
    if not data.is_mnist(digits):
        sys.exit("bench needs MNIST: set DIGITLIB_DATA to mnist, or to a copy of it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mnist.npz"
        np.savez_compressed(path, **{name: getattr(digits, name) for name in data.SHAPES})
        os.environ["BENCH_MNIST"] = str(path)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        before = json.loads(RESULT.read_text()) if args.only else {}
        result = measure(args.only or PARTS, before)
    data.write_whole(json.dumps(result, indent=1).encode() + b"\n", RESULT)
    data.write_whole(table(result).encode(), RESULT.with_suffix(".md"))
    print("\n" + table(result))


if __name__ == "__main__":
    main()
