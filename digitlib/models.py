"""How is a trained network kept in a file, read back, and asked?"""

import contextlib
import hashlib
import json
import logging
import math
import tempfile
import textwrap
import warnings
from pathlib import Path

import numpy as np

from digitlib import evaluation, files, recipes, stored, training
from digitlib.quiet import keras, tensorflow

SUFFIXES = (".keras", ".weights.h5", ".h5")
FRAMES = ((28, 28), (784,), (28, 28, 1), (1, 28, 28))  # in which a network may want an image
BATCH = 1000  # images that are answered at once
ANSWERS = (evaluation.CLASSES, evaluation.CLASSES + 1)  # the digits, and perhaps *no digit*
SMALL = 0.02  # who multiplies pixels by less than this expects them to reach 255


def save(model, path, *, replace=True):
    """Save a network in the format of the suffix, as a whole or not at all.

    The suffix is .keras, .h5, or .weights.h5, which is without the layers. What the optimizer
    remembers, twice the size of the network, is left out. Returns the SHA-256 of the file.

    Raises
    ------
    ValueError
        If it is another suffix.
    FileExistsError
        If the file is there already, and is not to be replaced.
    OSError
        If it cannot be written.
    """
    suffix = next((one for one in SUFFIXES if str(path).lower().endswith(one)), None)
    if suffix is None:
        raise ValueError(f"{path}: the name of a network ends in {', '.join(SUFFIXES)}")
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / f"model{suffix}"
        with _hushed():  # Keras calls .h5 legacy; who asks for it knows
            bare = type(model).from_config(model.get_config())  # without the optimizer
            bare.set_weights(model.get_weights())
            (bare.save_weights if suffix == ".weights.h5" else bare.save)(part)
        raw = part.read_bytes()
    files.write_whole(raw, path, replace=replace)
    return hashlib.sha256(raw).hexdigest()


def load(path):
    """A network that reads images of 28×28 pixels and gives ten numbers for each, or eleven.

    The content decides what a file is, not its suffix. Code stored in it is not run. A file with
    weights alone is read if they fit a recipe: the one that the record of the training names, or
    the one whose weights have these shapes.

    Raises
    ------
    ValueError
        If there is no such file, Keras cannot load it, or it is another sort of network.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    if (path / "saved_model.pb").exists():
        raise ValueError(
            f"{path}: is a SavedModel, a program, and programs from files are not run; where it "
            "was made, save the network as .keras or .h5"
        )
    if not path.is_file():
        what = "is no ordinary file" if path.exists() else "no such file"
        raise ValueError(f"{path}: {what}; `digitlib train` makes a network")
    raw = path.read_bytes()
    if not raw.startswith((b"PK\x03\x04", b"\x89HDF")):
        raise ValueError(f"{path}: expected a network in a .keras or .h5 file; it is neither")
    version = None
    try:
        with _hushed():
            content = stored.Stored(raw)
            version = content.version
            model = content.network(_recipes(path))
            reads, gives = model.input_shape, model.output_shape
    except stored.Refused as error:
        raise ValueError(f"{path}: {error}") from error
    except Exception as error:  # a foreign file can make Keras raise almost anything
        reason = str(error).rpartition("Exception encountered: ")[2].strip().partition("\n")[0]
        reason = textwrap.shorten(reason or type(error).__name__, 160, placeholder=" …")
        cure = "train it again"
        if version not in (None, keras.__version__):
            cure = f"Keras {version} wrote it, and `pip install keras=={version}` reads it"
        raise ValueError(
            f"{path}: not a network that Keras {keras.__version__} can load ({reason}); {cure}"
        ) from error
    if frame(model) is None or gives not in [(None, n) for n in ANSWERS]:
        raise ValueError(
            f"{path}: reads {reads} and gives {gives}; expected a network that reads images of "
            "28×28 pixels and gives ten numbers, or eleven"
        )
    return model


def reader():
    """The network that comes with the package: the recipe reader, trained on all of MNIST.

    Its file holds weights alone, which every Keras reads alike. Beside it stands the record of its
    training, with the file's SHA-256.
    """
    return load(files.packaged("results/reader.weights.h5"))


def answers(model, images):
    """What a network gives for images of bytes, shape (n, 28, 28): floats of shape (n, 10).

    Of a network that knows *no digit* as well, the probabilities of the digits if it is one.

    Raises
    ------
    ValueError
        If it gives anything else, NaN or infinity included.
    """
    return of_digits(_outputs(model, images))


def of_digits(outputs):
    """Outputs of shape (n, 10) as they are; of (n, 11), the probabilities of the digits: (n, 10)."""
    if outputs.shape[1] == evaluation.CLASSES:
        return outputs
    digits = evaluation.as_probabilities(outputs)[:, : evaluation.CLASSES]
    return digits / np.maximum(digits.sum(axis=1, keepdims=True), np.finfo("float32").tiny)


def ratings(model, images):
    """The probabilities that images show each digit, or none: floats of shape (n, 11).

    A network of ten answers never says that it is none. Images and errors as for `answers`.
    """
    outputs = evaluation.as_probabilities(_outputs(model, images))
    return np.pad(outputs, ((0, 0), (0, max(ANSWERS) - outputs.shape[1])))


def _outputs(model, images):
    """What a network gives for images of bytes: floats of shape (n, 10) or (n, 11)."""
    scaled, shape = training.scale(images), frame(model)
    if shape is None:
        raise ValueError(f"expected a network that reads 28×28 pixels, not {model.input_shape}")
    if not len(scaled):
        return np.zeros((0, model.output_shape[-1]), "float32")
    pixels = np.asarray(images, model.inputs[0].dtype) if reads_bytes(model) else scaled
    pixels = pixels.reshape(-1, *shape)
    try:
        if len(pixels) > BATCH:
            outputs = model.predict(pixels, batch_size=BATCH, verbose=0)
        else:  # `predict` needs longer to set out than a few images take
            outputs = model(pixels, training=False)
    except tensorflow.errors.OpError as error:
        reason = textwrap.shorten(error.message, 160, placeholder=" …")
        raise ValueError(f"the network fails on images ({reason}); train another") from error
    shapes = [(len(pixels), n) for n in ANSWERS]
    if isinstance(outputs, list | tuple | dict) or tuple(outputs.shape) not in shapes:
        raise ValueError("expected a network with one output of ten numbers an image, or eleven")
    outputs = np.asarray(outputs)
    if not np.isfinite(outputs).all():
        raise ValueError("the network gives NaN or infinity; train it again")
    return outputs.astype("float32")


def frame(model):
    """The shape in which a network wants an image of 28×28 pixels, or None if it wants others."""
    shape = model.input_shape
    if not isinstance(shape, tuple):
        return None  # several inputs
    if None not in shape[1:]:
        return shape[1:] if math.prod(shape[1:]) == 28 * 28 else None
    fits = (
        one for one in FRAMES
        if len(one) == len(shape) - 1
        and all(side in (None, pixels) for side, pixels in zip(shape[1:], one, strict=True))
    )  # fmt: skip
    return next(fits, None)


def reads_bytes(model):
    """Whether a network wants pixels from 0 to 255, since it scales them itself."""
    if np.issubdtype(model.inputs[0].dtype, np.integer):
        return True
    for part in _parts(model.get_config()):
        kind, nodes = part.get("class_name"), part.get("inbound_nodes", ())
        given = [one for node in nodes if "args" in node for one in node["args"]]
        numbers = [one for one in given if isinstance(one, int | float)]  # as in x / 255
        if kind == "Rescaling":
            kind, numbers = "Multiply", [np.max(np.abs(part["config"]["scale"]))]
        if (kind == "Multiply" and min(numbers, default=1) < SMALL) or (
            kind in ("Divide", "TrueDivide") and max(numbers, default=1) > 1 / SMALL
        ):
            return True
    adapted = (one for one in layers(model) if isinstance(one, keras.layers.Normalization))
    return any(np.max(one.variance) > 1 for one in adapted)


def _recipes(path):
    """The names of the recipes that weights in this file may belong to."""
    known = [*recipes.RECIPES, recipes.READER.name]
    try:
        name = json.loads(Path(f"{path}.history.json").read_text(encoding="utf-8"))["recipe"]
        return [name, *known] if name in recipes.ALL else known
    except (OSError, ValueError, LookupError, TypeError):
        return known


def layers(model):
    """The layers of a network, and those of networks within it."""
    for layer in model.layers:
        yield from layers(layer) if hasattr(layer, "layers") else [layer]


def _parts(config):
    """Everything with a name within a stored network, however deep."""
    if isinstance(config, dict):
        yield config
        config = [*config.values()]
    for part in config if isinstance(config, list | tuple) else ():
        yield from _parts(part)


@contextlib.contextmanager
def _hushed():
    """Without the warnings of Keras and h5py about formats."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)
