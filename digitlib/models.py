"""How is a trained network kept in a file, and read back?"""

import contextlib
import hashlib
import logging
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np

from digitlib import data, evaluation, training
from digitlib.quiet import keras

SUFFIXES = (".keras", ".h5")


def save(model, path):
    """Save a network in the format of the suffix, .keras or .h5, as a whole or not at all.

    What the optimizer remembers, twice the size of the network, is left out. Returns the SHA-256
    of the file. Raises OSError if it cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / f"model{Path(path).suffix}"
        with _hushed():  # Keras calls .h5 legacy; who asks for it knows
            bare = type(model).from_config(model.get_config())  # without the optimizer
            bare.set_weights(model.get_weights())
            bare.save(part)
        raw = part.read_bytes()
    data.write_whole(raw, path)
    return hashlib.sha256(raw).hexdigest()


def load(path):
    """A network that reads images of 28×28 pixels and gives ten numbers for each.

    Code stored in the file is not run (Keras's `safe_mode`).

    Raises
    ------
    ValueError
        If there is no such file, Keras cannot load it, or it is another sort of network.
    """
    path = Path(path)
    if not path.is_file():
        what = "is no ordinary file" if path.exists() else "no such file"
        raise ValueError(f"{path}: {what}; `digitlib train` makes a network")
    with path.open("rb") as file:
        start = file.read(4)
    kind = {b"PK\x03\x04": ".keras", b"\x89HDF": ".h5"}.get(start)
    if kind != path.suffix:
        found = f"its content is {kind}: rename it" if kind else "it is neither"
        raise ValueError(f"{path}: expected a network in a .keras or .h5 file; {found}")
    try:
        with _hushed():
            model = keras.models.load_model(path, compile=False)
        shapes = model.input_shape, model.output_shape
    except Exception as error:  # a foreign file can make Keras raise almost anything
        reason = str(error).strip().partition("\n")[0][:160]
        raise ValueError(
            f"{path}: not a network that Keras can load ({reason}); train it again"
        ) from error
    if _pixels(shapes[0]) != 28 * 28 or shapes[1] != (None, evaluation.CLASSES):
        raise ValueError(
            f"{path}: reads {shapes[0]} and gives {shapes[1]}; expected a network that reads "
            "images of 28×28 pixels and gives ten numbers"
        )
    return model


def reader():
    """The network that comes with the package: the recipe accurate, trained on all of MNIST.

    Beside its file stands the record of its training, with the file's SHA-256.
    """
    return load(data.recorded("reader.keras"))


def answers(model, images):
    """What a network gives for images of bytes, shape (n, 28, 28): floats of shape (n, 10).

    Raises
    ------
    ValueError
        If it gives anything else, NaN or infinity included.
    """
    images = training.scale(images).reshape(len(images), *model.input_shape[1:])
    if not len(images):
        return np.zeros((0, evaluation.CLASSES), "float32")
    outputs = model.predict(images, batch_size=1000, verbose=0)
    if not isinstance(outputs, np.ndarray) or outputs.shape != (len(images), evaluation.CLASSES):
        raise ValueError("expected a network with one output of ten numbers an image")
    if not np.isfinite(outputs).all():
        raise ValueError("the network gives NaN or infinity; train it again")
    return outputs


def _pixels(shape):
    """How many pixels an image has for a network, or None if it cannot be told."""
    plain = isinstance(shape, tuple) and all(isinstance(side, int) for side in shape[1:])
    return math.prod(shape[1:]) if plain else None


@contextlib.contextmanager
def _hushed():
    """Without the warnings of Keras and h5py about formats."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(logging.NOTSET)
