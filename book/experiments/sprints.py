"""How were the recipes sprint and mile chosen? Each, and what changes one thing about it.

    python book/experiments/sprints.py

trains all of them without the last sixth of the training images of MNIST, and tests on that. A line
a network goes into book/results/sprints.jsonl.
"""

import os
from dataclasses import replace

from keeping import RESULTS, keep, mnist, tested

from digitlib import distortion, recipes, workers
from digitlib.blocks import accurate, fast

SEEDS = {"sprint": 5, "mile": 3}
SLOWER = {"batch_size": 64, "betas": (0.9, 0.999), "hidden": fast}
CHANGES = {
    "sprint": {
        "": {},
        "as it was first": SLOWER,
        "usual memory": {"betas": (0.9, 0.999)},
        "memory 0.85, 0.98": {"betas": (0.85, 0.98)},
        "memory 0.7, 0.95": {"betas": (0.7, 0.95)},
        "memory 0.8, 0.9": {"betas": (0.8, 0.9)},
        "pixels from 0 to 1": {"hidden": fast},
        "no smoothing": {"smoothing": 0},
        "smoothing 0.05": {"smoothing": 0.05},
        "batches of 64": {"batch_size": 64},
        "batches of 128": {"batch_size": 128},
        "batches of 128, rate 0.04": {"batch_size": 128, "learning_rate": 0.04},
        "rate 0.01": {"learning_rate": 0.01},
        "rate 0.03": {"learning_rate": 0.03},
        "12 maps": {"hidden": lambda: fast(12, standard=True)},
        "24 maps": {"hidden": lambda: fast(24, standard=True)},
    },
    "mile": {
        "": {},
        "no distortions": {"distort": ()},
        "all distortions": {"distort": distortion.KINDS},
        "no calm": {"calm": 0},
        "usual memory": {"betas": (0.9, 0.999)},
        "rate 0.02": {"learning_rate": 0.02},
        "16 maps, 6 epochs": {"hidden": lambda: fast(16, standard=True), "epochs": 6},
        "8 epochs": {"epochs": 8},
        "five convolutions, 3 epochs": {"hidden": lambda: accurate(0), "epochs": 3},
    },
}


def one(name, change, seed):
    """Train one network of a changed recipe; gives its row."""
    recipe = replace(recipes.get(name), **CHANGES[name][change])
    return {"recipe": name, "change": change, **tested(recipe, seed, mnist(held_out=True))}


if __name__ == "__main__":
    calls = [(k, change, i) for k, of in CHANGES.items() for change in of for i in range(SEEDS[k])]
    made = {(row["recipe"], row["change"], row["seed"]): row
            for row in workers.in_processes(one, calls, os.cpu_count())}  # fmt: skip
    keep([made[call] for call in calls], RESULTS / "sprints.jsonl", "sprints.py")
