"""From one dense layer to the recipe mile, one change a step: what does each bring?

    python book/experiments/stairs.py

trains each stair, which keeps all changes of those before it, on the training images of MNIST, and
reads the test images; nothing was chosen by them. A line a network goes into
book/results/stairs.jsonl.
"""

import os
from dataclasses import replace

from keeping import RESULTS, keep, mnist, tested

from digitlib import recipes, workers
from digitlib.blocks import fast, image

SEEDS = 5
STAIRS = {
    "one dense layer": {"epochs": 4},  # of the recipe steps
    "convolutions": {"first": image, "hidden": lambda: fast(24, norm=False)},
    "batch normalization": {"hidden": lambda: fast(24)},
    "large batches": {"batch_size": 128},
    "a rate that rises and falls": {"schedule": True, "learning_rate": 0.01},
    "a short memory": {"betas": (0.8, 0.95)},
    "smoothed labels": {"one_hot": True, "smoothing": 0.1},
    "standardized pixels": {"hidden": lambda: fast(24, standard=True)},
    "distortions": {"distort": ("affine",)},
    "calm at the end": {"calm": 0.25},
    "four times the epochs": {"epochs": 16},
}


def one(stair, seed):
    """Train one network of a stair; gives its row."""
    recipe = recipes.get("steps")
    for name, change in STAIRS.items():
        recipe = replace(recipe, **change)
        if name == stair:
            break
    return {"stair": stair, **tested(recipe, seed, mnist())}


if __name__ == "__main__":
    calls = [(stair, seed) for stair in STAIRS for seed in range(SEEDS)]
    rows = workers.in_processes(one, calls, os.cpu_count())
    order = [*STAIRS]
    kept = sorted(rows, key=lambda row: (order.index(row["stair"]), row["seed"]))
    keep(kept, RESULTS / "stairs.jsonl", "stairs.py")
