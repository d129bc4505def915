"""How are the results of an experiment kept, so that others can make them again?"""

import itertools
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "book/tools")]

from depends import versions

from digitlib import data, files, training

RESULTS = ROOT / "book/results"


def mnist(held_out=False):
    """MNIST as digitlib's `Digits`; or an end, since nothing else is to be recorded.

    With `held_out`, the last sixth of the training images is the test set, as in a study.
    """
    digits = data.load()
    if digits.name != "mnist":
        sys.exit("This needs MNIST: set DIGITLIB_DATA to a copy of it.")
    return digits.held_out() if held_out else digits


def tested(recipe, seed, digits):
    """Train a recipe on `Digits`, and test it; what its row says of that."""
    start = time.process_time()
    model, _ = training.train(recipe, training.scale(digits.x_train), digits.y_train, seed=seed)
    seconds = time.process_time() - start
    x_test = training.scale(digits.x_test)
    read = model.predict(x_test, batch_size=1000, verbose=0).argmax(axis=1)
    return {
        "seed": seed,
        "epochs": recipe.epochs,
        "parameters": model.count_params(),
        "n": len(read),
        "right": int((read == digits.y_test).sum()),
        "cpu_seconds": round(seconds, 1),
    }


def keep(rows, path, command, **more):
    """Write a line a row, after a line that says how they were made."""
    how = {
        "command": f"python book/experiments/{command}",
        **more,
        "versions": versions(),
    }
    lines = [f"{json.dumps(row)}\n" for row in itertools.chain([how], rows)]
    files.write_whole("".join(lines).encode(), path)  # a failed run spoils no record
