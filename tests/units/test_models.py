"""`digitlib.models`: what is saved is read back; networks of others are read, or refused in a line.

Files of other versions of Keras are made from those of this one, by editing what they say.
"""

import hashlib
import json
import logging
import re
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from support import few, sample

from digitlib import files, models, recipes, stored, training
from digitlib.quiet import keras

DIGITS = sample()
X = DIGITS.x_test[:20]
SCALED = training.scale(X)
SUFFIXES = [".keras", ".h5"]
layers = keras.layers


def network(*hidden, shape=(28, 28), **options):
    """A network with random weights."""
    return keras.Sequential(
        [keras.Input(shape, **options), *hidden, layers.Flatten(), layers.Dense(10)]
    )


def written(model, path):
    """A file as Keras itself writes it, with what Keras says about formats not heard."""
    logging.disable(logging.WARNING)
    model.save(path)
    logging.disable(logging.NOTSET)
    return path


def edited(path, edit, version="3.99.0"):
    """The same file with other layers in it, written by another version of Keras."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            file.attrs["keras_version"] = version
            file.attrs["model_config"] = json.dumps(edit(config) or config)
        return path
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    content["config.json"] = json.dumps(edit(config) or config)
    content["metadata.json"] = json.dumps({"keras_version": version})
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
    return path


def refusal(path):
    """The one line with which a file is refused."""
    with pytest.raises(ValueError, match=path.name) as caught:
        models.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def agree(model, other):
    """That two networks give the same, called without the graph that takes time to make."""
    images = SCALED.reshape(-1, *model.input_shape[1:])
    np.testing.assert_allclose(model(images), other(images), rtol=1e-5, atol=1e-5)


# --- Saved and read back ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*models.SUFFIXES, ".H5", ".KERAS"])
def test_what_is_saved_is_read_back(suffix, tmp_path):
    model = recipes.get("steps").build()
    path = tmp_path / f"model{suffix}"
    assert models.save(model, path) == hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = models.load(path)
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    agree(model, loaded)
    assert path.stat().st_size < 1.1 * 4 * model.count_params()


def test_a_network_is_not_replaced_unless_asked_to(tmp_path):
    model, path = recipes.get("steps").build(), tmp_path / "m.keras"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        models.save(model, path, replace=False)
    assert path.read_text() == "precious"
    models.save(model, path)
    agree(model, models.load(path))
    with pytest.raises(ValueError, match=r"m.pt: the name of a network ends in .keras, "):
        models.save(model, tmp_path / "m.pt")


def test_the_network_that_comes_with_the_package():
    path = files.packaged("results/reader.weights.h5")
    run = json.loads(path.with_name(f"{path.name}.history.json").read_text(encoding="utf-8"))
    assert run["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    said = {key: run[key] for key in ("recipe", "seed", "epochs", "data")}
    recipe = recipes.get("reader")
    assert said == {"recipe": "reader", "seed": 0, "epochs": recipe.epochs, "data": "mnist"}
    assert len(run["history"]["accuracy"]) == recipe.epochs
    assert path.stat().st_size < 1_000_000
    reader = models.reader()
    assert reader.count_params() == recipe.build().count_params()
    ratings = models.ratings(reader, DIGITS.x_test)
    assert ratings.shape == (len(DIGITS.x_test), 11)
    np.testing.assert_allclose(ratings.sum(axis=1), 1, atol=1e-5)
    assert np.mean(ratings.argmax(axis=1) == DIGITS.y_test) >= 0.94, "digits it never saw"
    answers = models.answers(reader, DIGITS.x_test)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(
        answers, ratings[:, :10] / ratings[:, :10].sum(axis=1, keepdims=True), atol=1e-5
    )


def test_loading_leaves_the_callers_logging_alone(tmp_path):
    path = tmp_path / "m.h5"
    before = logging.root.manager.disable
    try:
        logging.disable(logging.ERROR)
        models.save(recipes.get("steps").build(), path)
        models.load(path)
        assert logging.root.manager.disable == logging.ERROR
    finally:
        logging.disable(before)


# --- Weights alone ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["matrix", "convnet"])
def test_weights_alone_are_read_if_a_recipe_has_such(name, tmp_path):
    model = training.compiled(recipes.get(name), seed=0)
    model.optimizer.build(model.trainable_variables)  # Keras saves its state among the weights
    model.save_weights(tmp_path / "m.weights.h5")
    agree(model, models.load(tmp_path / "m.weights.h5"))


def test_weights_of_another_network_of_the_same_shapes_are_not_read(tmp_path):
    recipes.get("sprint").build().save_weights(tmp_path / "m.weights.h5")  # fast, and a rescaling
    assert "they fit no recipe" in refusal(tmp_path / "m.weights.h5")


def test_the_record_names_the_recipe_of_weights(tmp_path):
    model, path = recipes.get("fast-without-batch-normalization").build(), tmp_path / "m.weights.h5"
    models.save(model, path)
    assert "holds weights alone, and they fit no recipe; load them where" in refusal(path)
    record = {"recipe": "fast-without-batch-normalization"}
    Path(f"{path}.history.json").write_text(json.dumps(record))
    agree(model, models.load(path))


# --- Networks of others -----------------------------------------------------------------------

READ = {
    "784 numbers": lambda: network(shape=(784,)),
    "an axis for the color": lambda: network(layers.Conv2D(4, 3), shape=(28, 28, 1)),
    "color first": lambda: network(
        layers.AveragePooling2D(2, data_format="channels_first"), shape=(1, 28, 28)
    ),
    "images of any size": lambda: keras.Sequential(
        [keras.Input((None, None, 1)), layers.Conv2D(10, 3), layers.GlobalMaxPooling2D()]
    ),
    "sequences": lambda: network(layers.LSTM(4), shape=(None, 28)),
    "batches of 32": lambda: network(batch_size=32),
    "distortions": lambda: network(layers.RandomRotation(0.1), shape=(28, 28, 1)),
    "normalized batches": lambda: network(layers.BatchNormalization()),
    "64 bits": lambda: network(layers.Dense(4, dtype="float64")),
    "16 bits": lambda: network(layers.Dense(4, dtype="mixed_float16")),
}


def direct(model, images):
    """What Keras gives for images in a network's shape, not by way of our code."""
    shape = [28 if side is None else side for side in model.input_shape[1:]]
    batch = np.zeros((32, *shape), images.dtype)
    batch[: len(images)] = images.reshape(-1, *shape)
    return np.asarray(model(batch, training=False))[: len(images)]


@pytest.mark.parametrize("name", few(READ, 5))
def test_networks_for_28_by_28_pixels_are_read(name, tmp_path):
    model = READ[name]()
    found = models.answers(models.load(written(model, tmp_path / "m.keras")), X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, direct(model, SCALED), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_network_that_was_made_without_an_input(suffix, tmp_path):
    model = keras.Sequential([layers.Flatten(), layers.Dense(10)])
    expected = np.asarray(model(SCALED))
    found = models.answers(models.load(written(model, tmp_path / f"m{suffix}")), X)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def adapted(to):
    layer = layers.Normalization(axis=None)
    layer.adapt(to.astype("float32"))
    return network(layer)


def functional(scale):
    image = keras.Input((28, 28))
    return keras.Model(image, layers.Dense(10)(layers.Flatten()(scale(image))))


BYTES = {
    "rescaled": lambda: network(layers.Rescaling(1 / 255)),
    "rescaled to -1": lambda: network(layers.Rescaling(1 / 127.5, offset=-1)),
    "rescaled within": lambda: network(keras.Sequential([layers.Rescaling(1 / 255)])),
    "whole numbers": lambda: network(layers.Rescaling(1.0), dtype="uint8"),
    "adapted": lambda: adapted(DIGITS.x_train),
    "divided": lambda: functional(lambda image: image / 255),
    "multiplied": lambda: functional(lambda image: image * (1 / 255)),
}
NO_BYTES = {
    "rescaled": lambda: network(layers.Rescaling(2.0, offset=-1)),
    "adapted": lambda: adapted(SCALED),
    "divided": lambda: functional(lambda image: image / 0.3),
    "divided by each other": lambda: functional(lambda image: image / (1 + image)),
    "plain": network,
}


@pytest.mark.parametrize("name", few(BYTES, 3))
def test_a_network_that_scales_pixels_itself_gets_bytes(name, tmp_path):
    model = BYTES[name]()
    expected = np.asarray(model(X if name == "whole numbers" else X.astype("float32")))
    found = models.answers(models.load(written(model, tmp_path / "m.keras")), X)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NO_BYTES)
def test_another_network_gets_the_0_to_1_scale(name):
    model = NO_BYTES[name]()
    np.testing.assert_allclose(models.answers(model, X), model(SCALED), rtol=1e-4, atol=1e-5)


# --- Of other versions of Keras ---------------------------------------------------------------


def every(config, class_name):
    for layer in config["config"]["layers"]:
        if layer["class_name"] == class_name:
            yield layer["config"]


def newer(config):
    """Arguments of a later Keras that are switched off, in a layer and what starts its weights."""
    for layer in every(config, "Dense"):
        layer |= {"sparsity": None, "fused": False, "fused_limit": 0.5}
        layer["kernel_initializer"]["config"]["spread"] = 3


def older(config):
    """As Keras 2 described a network."""
    for layer in every(config, "InputLayer"):
        layer["batch_input_shape"] = layer.pop("batch_shape")
        layer.pop("optional", None)
    for layer in every(config, "BatchNormalization"):
        layer["axis"] = [2]
    for layer in config["config"]["layers"]:
        layer["config"]["dtype"] = "float32"
        layer.pop("build_config", None)


def oldest(config):
    """As Keras did before version 2.3: no layer for the input, and a list of layers."""
    older(config)
    first, second, *_ = config["config"]["layers"]
    second["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
    config["config"] = config["config"]["layers"][1:]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("edit", [newer, older, oldest])
def test_a_network_of_another_keras_is_read(edit, suffix, tmp_path):
    model = network(layers.BatchNormalization(), layers.Dropout(0.1))
    path = edited(written(model, tmp_path / f"m{suffix}"), edit)
    agree(model, models.load(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_this_keras_does_not_know_is_not_left_out(suffix, tmp_path):
    def edit(config):
        for layer in every(config, "Dense"):
            layer["sparsity"] = 0.5

    error = refusal(edited(written(network(), tmp_path / f"m{suffix}"), edit))
    assert f"not a network that Keras {keras.__version__} can load (" in error
    assert "sparsity" in error
    assert error.endswith("Keras 3.99.0 wrote it, and `pip install keras==3.99.0` reads it")


def test_a_long_reason_is_cut_between_words(tmp_path, monkeypatch):
    path = written(network(), tmp_path / "m.keras")

    def failing(*_, **__):
        raise TypeError("word " * 100)

    monkeypatch.setattr(stored.Stored, "network", failing)
    assert re.search(r"can load \((word )+…\)", refusal(path))


# --- Refused ----------------------------------------------------------------------------------


def replaced(**layer):
    """Another layer in the place of the one that flattens."""

    def edit(config):
        place = config["config"]["layers"]
        index = [one["class_name"] for one in place].index("Flatten")
        place[index] = {"config": {}, **layer}

    return edit


def called(config):
    """A function of Keras where an activation should be, which old ones would call."""
    for layer in every(config, "Dense"):
        layer["activation"] = {
            "module": "keras.utils", "class_name": "get_file", "config": {}, "registered_name": None,
        }  # fmt: skip


LAMBDA = {"class_name": "__lambda__", "config": {"code": "", "defaults": None, "closure": None}}
FUNCTION = {"module": "builtins", "class_name": "function", "config": "mine"}
FOREIGN = {
    "code": (
        replaced(module="keras.layers", class_name="Lambda", config={"function": LAMBDA}),
        "holds Lambda, which is code, and code from files is not run",
    ),
    "code of Keras 2": (replaced(class_name="Lambda"), "holds Lambda, which is code"),
    "a class": (
        replaced(module="custom", class_name="Mine", registered_name="custom>Mine"),
        "holds Mine, which is none of Keras's own layers",
    ),
    "a module": (replaced(module="os", class_name="system"), "holds system, which is none"),
    "another file": (
        replaced(module="keras.layers", class_name="StringLookup", config={"vocabulary": "/x"}),
        "holds StringLookup, which is none",
    ),
    "a function": (
        replaced(module="keras.layers", class_name="Activation", config={"activation": FUNCTION}),
        "holds mine, which is none",
    ),
    "a call": (called, "holds get_file, which is none"),
    "no name": (replaced(module="keras.layers", class_name=["Dense"]), "holds ['Dense'], which"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", FOREIGN)
def test_code_is_refused_before_keras_sees_it(name, suffix, tmp_path, monkeypatch):
    edit, expected = FOREIGN[name]
    path = edited(written(network(), tmp_path / f"m{suffix}"), edit)

    def never(*_):
        raise AssertionError("Keras was given what it may run")

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", never)
    error = refusal(path)
    assert expected in error
    assert "build the network of Keras's own layers, and save it again" in error


def test_a_network_of_another_class(tmp_path):
    class Mine(keras.Model):
        def call(self, images):
            return images

    model = Mine()
    model(SCALED)
    assert "holds Mine, which is none" in refusal(written(model, tmp_path / "m.keras"))


def test_a_saved_model_is_a_program(tmp_path):
    (tmp_path / "saved" / "variables").mkdir(parents=True)
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    error = refusal(tmp_path / "saved")
    assert "is a SavedModel, a program, and programs from files are not run; where it" in error


def two_inputs():
    first, second = keras.Input((28, 28)), keras.Input((28, 28))
    return keras.Model([first, second], layers.Dense(10)(layers.Flatten()(first + second)))


OTHERS = {
    "(None, 28, 27)": lambda: network(shape=(28, 27)),
    "(None, None, 27)": lambda: network(layers.LSTM(4), shape=(None, 27)),
    "(None, 28, 28, 3)": lambda: network(shape=(28, 28, 3)),
    "[(None, 28, 28), (None, 28, 28)]": two_inputs,
    "gives (None, 9)": lambda: keras.Sequential([network(), layers.Dense(9)]),
}


@pytest.mark.parametrize("found", OTHERS)
def test_a_network_for_something_else(found, tmp_path):
    model = OTHERS[found]()
    error = refusal(written(model, tmp_path / "m.keras"))
    assert found in error
    assert "expected a network that reads images of 28×28 pixels and gives ten numbers" in error
    with pytest.raises(ValueError, match="expected a network"):
        models.answers(model, X)


def test_answers_are_ten_finite_numbers_an_image():
    model = network()
    assert models.answers(model, X[:0]).shape == (0, 10)
    model.set_weights([np.full(weight.shape, np.nan) for weight in model.get_weights()])
    with pytest.raises(ValueError, match="gives NaN or infinity; train it again"):
        models.answers(model, X)


def test_eleven_outputs_may_be_logits():
    model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(11)])
    logits = np.array([0, 4, 0, 5, 0, 0, 0, -30, 0, 0, 3], "float32")
    model.set_weights([np.zeros((784, 11)), logits])
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(models.ratings(model, X)[0], expected, atol=1e-6)
    of_digits = expected[:10] / expected[:10].sum()
    np.testing.assert_allclose(models.answers(model, X)[0], of_digits, atol=1e-6)


@pytest.mark.parametrize("n", [1, 1001])
def test_a_network_that_fails_on_images_is_one_line(n):
    model = keras.Sequential([
        keras.Input((784,), dtype="int32"), layers.Embedding(16, 2), layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    with pytest.raises(ValueError, match=r"the network fails on images \(.*train another"):
        models.answers(model, np.full((n, 28, 28), 200, np.uint8))


@pytest.mark.parametrize("recipe", ["svm", "matrix", ["dropout"]])
def test_a_record_of_other_weights_is_passed_over(recipe, tmp_path):
    model, path = recipes.get("convnet").build(), tmp_path / "m.weights.h5"
    models.save(model, path)
    Path(f"{path}.history.json").write_text(json.dumps({"recipe": recipe}))
    agree(model, models.load(path))


def test_files_that_hold_no_network(tmp_path):
    model = written(network(), tmp_path / "m.keras")
    whole = model.read_bytes()
    for name, raw, what in [
        ("text.keras", b"no network", "expected a network in a .keras or .h5 file; it is neither"),
        ("empty.h5", b"", "it is neither"),
        ("cut.keras", whole[: len(whole) // 2], "train it again"),
        ("cut.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "train it again"),
    ]:
        (tmp_path / name).write_bytes(raw)
        assert what in refusal(tmp_path / name)
    assert "no such file; `digitlib train` makes" in refusal(tmp_path / "none.keras")
    assert "is no ordinary file" in refusal(tmp_path)
    shutil.copy(model, tmp_path / "m.h5")
    agree(models.load(tmp_path / "m.h5"), models.load(model))
