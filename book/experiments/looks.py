"""Does a network read better if it looks five times, each time at the image moved by a pixel?

    python book/experiments/looks.py --held-out    a quarter of an hour
    python book/experiments/looks.py               three quarters of an hour

trains record and record-100k. The first command does so without the last sixth of the training images
of MNIST, and tests on it: that was there to decide. The second tests on the test images. A line for
each network, for each pair of both, and for all together goes into book/results/looks.jsonl or
looks_held_out.jsonl.
"""

import argparse
import os

import numpy as np
from keeping import RESULTS, keep, mnist

from digitlib import training, workers

NETWORKS = ("record", "record-100k")
LOOKS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]  # moved down and to the right


def looked(model, x_test):
    """What a network answers at each look, shape (looks, n, 10)."""
    moved = (np.roll(x_test, look, axis=(1, 2)) for look in LOOKS)
    return np.array([model.predict(images, batch_size=1000, verbose=0) for images in moved])


def one(name, seed, held_out):
    """Train one network; gives which, and its outputs for each look, shape (looks, n, 10)."""
    digits = mnist(held_out)
    x, x_test = training.scale(digits.x_train), training.scale(digits.x_test)
    model, _ = training.train(name, x, digits.y_train, seed=seed)
    return (name, seed), looked(model, x_test)


def rows(made, labels):
    """A row a network, then a pair, then one of all; `made` is {(name, seed): outputs}."""
    seeds = sorted({seed for _, seed in made})
    teams = [[(name, seed)] for name in NETWORKS for seed in seeds]
    teams += [[(name, seed) for name in NETWORKS] for seed in seeds] + [[*made]]
    for team in teams:
        looks = np.mean([made[run] for run in team], axis=0)
        right = {
            what: int((outputs.argmax(axis=1) == labels).sum())
            for what, outputs in [("once", looks[0]), ("five times", looks.mean(axis=0))]
        }
        yield {"team": team, "n": len(labels), "right": right}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--held-out", action="store_true")
    held_out = parser.parse_args().held_out
    calls = [(name, seed, held_out) for seed in range(2 if held_out else 5) for name in NETWORKS]
    done = workers.in_processes(one, calls, os.cpu_count())
    made = dict(done)
    made = {call[:2]: made[call[:2]] for call in calls}  # in their order
    name, option = ("looks_held_out", " --held-out") if held_out else ("looks", "")
    keep(rows(made, mnist(held_out).y_test), RESULTS / f"{name}.jsonl", f"looks.py{option}")
