"""How long does it take to load MNIST from a file: by Keras, and by digitlib.data?"""

import tempfile
from pathlib import Path
from unittest.mock import patch

import measuring
import numpy as np

TIMES = 5


def keras_loads(path):
    """Keras's load_data. Of the file it checks nothing here: a copy of MNIST in another container
    would not pass."""
    from keras.datasets import mnist

    with patch(f"{mnist.load_data.__module__}.get_file", lambda *_, **__: path):
        return mnist.load_data()


def ours(path):
    """The same by `digitlib.data`, which verifies every byte."""
    return measuring.data.load(path)


def pairs(path):
    """Seconds of both in turn, some times, in one process. A first time does not count."""
    found = []
    for _ in range(1 + TIMES):
        pair = []
        for load in (keras_loads, ours):
            watch = measuring.stopwatch()
            load(path)
            pair.append(watch()[0])
        found.append(pair)
    return found[1:]


if __name__ == "__main__":
    digits = vars(measuring.need_mnist())
    arrays = {name: array for name, array in digits.items() if name.startswith(("x_", "y_"))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mnist.npz"
        np.savez_compressed(path, **arrays)
        measuring.keep("loading", measuring.alone(pairs, str(path)))
