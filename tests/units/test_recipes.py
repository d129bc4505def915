"""`digitlib.recipes`: the networks are the ones that were found, to the layer."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from support import ROOT, few

from digitlib import distortion, recipes, training
from digitlib.quiet import keras
from digitlib.recipes import RECIPES, RECORDS

RELU = "relu"
# number: name, units and activations with dropout between, loss, epochs if stated, parameters
FOUND = {
    1: ("dropout", [(128, RELU), 0.2, (10, "softmax")], "sparse_", 25, 101_770),
    2: ("sigmoid", [(100, RELU), (10, "sigmoid")], "sparse_", 10, 79_510),
    3: ("one-hot", [(512, RELU), (512, RELU), (10, "softmax")], "", None, 669_706),
    4: ("matrix", [(128, RELU), (128, RELU), (10, "softmax")], "sparse_", None, 118_282),
    5: ("steps", [(256, RELU), (10, "softmax")], "sparse_", None, 203_530),
}


@pytest.mark.parametrize("number", FOUND)
def test_exactly_as_found(number):
    name, found, loss, epochs, parameters = FOUND[number]
    recipe = recipes.get(number)
    flatten, *layers = recipe.build().layers
    assert recipe.name == name
    assert recipe.epochs == epochs or (epochs is None and "epochs" in recipe.chosen)
    assert recipe.loss == f"{loss}categorical_crossentropy"
    assert recipe.one_hot == (loss == "")
    assert type(flatten).__name__ == "Flatten"
    for layer, expected in zip(layers, found, strict=True):
        if isinstance(expected, float):
            assert (type(layer).__name__, layer.rate) == ("Dropout", expected)
        else:
            assert type(layer).__name__ == "Dense"
            assert (layer.units, layer.activation.__name__) == expected
    sizes = [784] + [units for units, _ in filter(lambda layer: layer != 0.2, found)]
    by_hand = sum(n_in * n_out + n_out for n_in, n_out in pairwise(sizes))
    assert recipe.build().count_params() == by_hand == parameters


def test_choices_are_said_to_be_choices():
    assert "widths" in recipes.get(3).chosen
    assert "whole network" in recipes.get(5).chosen


def test_each_is_found_by_name_and_by_number():
    assert list(recipes.DENSE) == [name for name, *_ in FOUND.values()]
    assert list(RECIPES) == [*recipes.DENSE, "convnet", "fast", "accurate"]
    for number, name in enumerate(RECIPES, 1):
        assert recipes.get(name) is recipes.get(number) is recipes.get(str(number)) is RECIPES[name]


# By hand: weights and biases of each convolution; four numbers a normalized map; the dense layer.
PARAMETERS = {
    "convnet": (9 + 1) * 32 + (9 * 32 + 1) * 64 + (5 * 5 * 64 + 1) * 10,
    "fast": (25 + 1) * 16 + (9 * 16 + 4) * 32 + (9 * 32 + 4) * 64 + (3 * 3 * 64 + 1) * 10,
    "accurate": (9 + 1) * 24
    + (9 * 24 + 4) * 48
    + (9 * 48 + 4) * 64
    + (9 * 64 + 4) * 96
    + (9 * 96 + 4) * 128
    + (2 * 2 * 128 + 1) * 10,
}


@pytest.mark.parametrize("name", recipes.CONVOLUTIONAL)
def test_parameters_of_the_convolutional_networks(name):
    assert recipes.get(name).build().count_params() == PARAMETERS[name]
    assert PARAMETERS["convnet"] == 34_826, "as on Keras's page"
    assert PARAMETERS["fast"] < 30_000
    assert 4 * PARAMETERS["accurate"] < 1_000_000, "bytes of weights"


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("record", 250_000),
        ("record-100k", 99_999),
        ("record-10k", 9_999),
        ("sprint", 29_999),
        ("mile", 65_000),
    ],
)
def test_records_are_as_small_as_their_names_say(name, most):
    record = recipes.get(name).build()
    assert record.count_params() <= most
    assert record.output_shape == (None, 10)
    assert set(recipes.RECORDS) == {"record", "record-100k", "record-10k", "sprint", "mile"}


@pytest.mark.parametrize("name", recipes.VARIANTS)
def test_a_variant_differs_from_its_recipe_in_one_thing(name):
    variant = recipes.get(name)
    whole = recipes.get(name.partition("-without-")[0])
    differ = {key for key, value in vars(variant).items() if value != vars(whole)[key]}
    one = differ - {"name"}
    assert one == {"schedule", "learning_rate"} or len(one) == 1
    kinds = [type(layer).__name__ for layer in variant.build().layers]
    if name.endswith("batch-normalization"):
        assert "BatchNormalization" not in kinds
    if name.endswith("strides"):
        assert variant.build().count_params() == whole.build().count_params()
        shapes = [[layer.output.shape for layer in one.build().layers] for one in (variant, whole)]
        assert set(shapes[1]) <= set(shapes[0])


@pytest.mark.parametrize("name", ["mlp", "Dropout", 0, 9, None, "None", "fast-without-kernels"])
def test_no_such_recipe(name):
    with pytest.raises(ValueError, match="no recipe .*; there are dropout, sigmoid, one-hot"):
        recipes.get(name)


def test_two_builds_share_no_weights():
    first, second = (recipes.get(4).build() for _ in range(2))
    first.layers[1].kernel.assign(np.zeros((784, 128)))
    assert np.any(second.layers[1].kernel.numpy())


@pytest.mark.parametrize("name", RECIPES)
def test_labels(name):
    y = np.array([7, 0, 9], np.uint8)
    labels = RECIPES[name].labels(y)
    if RECIPES[name].one_hot:
        assert labels.dtype == np.float32
        np.testing.assert_array_equal(labels, np.eye(10)[[7, 0, 9]])
    else:
        np.testing.assert_array_equal(labels, y)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("y", "found"),
    [
        ([1, 10], "found 1 to 10"),
        ([-1, 1], "found -1 to 1"),
        ([1.0, 2.0], "float64"),
        (np.eye(10, dtype=int), r"\(10, 10\)"),
        (np.zeros(0, int), r"\(0,\)"),
    ],
)
def test_labels_that_are_no_digits(number, y, found):
    with pytest.raises(ValueError, match=found) as caught:
        recipes.get(number).labels(np.array(y))
    assert "expected" in str(caught.value)


# --- The page of the recipes ------------------------------------------------------------------


def on_its_page(recipe):
    """The code that the page of the recipes shows of it."""
    page = (ROOT / "book" / "recipes.md").read_text()
    if recipe.name in RECORDS:
        part = page.split(f"\n:::{{dropdown}} *{recipe.name}*: its code\n")[1]
    else:
        part = page.split(f"\n## {recipe.name}\n")[1].partition("\n## ")[0]
        assert f"Recipe {[*RECIPES].index(recipe.name) + 1}:" in part
    (code,) = re.findall(
        r"^```python\n(.*?)^```", part.partition("\n:::\n")[0], re.MULTILINE | re.DOTALL
    )
    return code


def kinds(network):
    told_apart = {"name", "dtype", "build_config", "seed", "batch_shape"}
    return [
        (type(layer), {k: v for k, v in layer.get_config().items() if k not in told_apart})
        for layer in network.layers
    ]


@pytest.mark.parametrize(
    "recipe",
    few([*RECIPES.values(), *RECORDS.values()], 3),
    ids=lambda recipe: recipe.name,
)
def test_the_code_on_its_page_is_the_recipe(recipe, monkeypatch):
    fits = []

    def fit(model, x, y=None, epochs=None, batch_size=None):
        distorted = isinstance(x, dict)
        given = x if distorted else {"x": x, "y": y, "batch_size": batch_size}
        fits.append(given | {"epochs": epochs, "distorted": distorted})

    monkeypatch.setattr(keras.Sequential, "fit", fit)

    class Stub:
        @staticmethod
        def distorted(x, y, batch_size, seed, kinds=distortion.KINDS):
            return {"x": x, "y": y, "batch_size": batch_size, "kinds": tuple(kinds)}

    y_train = np.array([3, 9])
    names = {"keras": keras, "layers": keras.layers, "training": Stub}
    names |= {"x_train": "x", "y_train": y_train}
    exec(on_its_page(recipe), names)  # noqa: S102 (our own page)
    model, ours = names["model"], recipe.build()
    assert kinds(model) == kinds(ours)
    assert model.input_shape == ours.input_shape
    if recipe.name in ("record-100k", "record-10k"):  # trained like record, the page says
        record = replace(RECORDS["record"], name=recipe.name, hidden=recipe.hidden)
        assert recipe == replace(record, epochs=recipe.epochs)
        return
    assert type(model.optimizer).__name__ == "Adam"
    assert (model.optimizer.beta_1, model.optimizer.beta_2) == recipe.betas
    if recipe.smoothing:
        assert model.loss.get_config() == recipe.loss.get_config()
    else:
        assert model.loss == recipe.loss
    calm = round(recipe.calm * recipe.epochs)
    shares = [(recipe.epochs - calm, bool(recipe.distort)), (calm, False)]
    assert [(one["epochs"], one["distorted"]) for one in fits] == shares[: 1 + bool(calm)]
    for one in fits:
        assert (one["x"], one["batch_size"]) == ("x", recipe.batch_size)
        assert one.get("kinds", recipe.distort) == recipe.distort
        np.testing.assert_array_equal(one["y"], recipe.labels(y_train))
    steps = recipe.epochs * -(-60_000 // recipe.batch_size)
    rate = training.learning_rate(recipe, steps)
    theirs = model.optimizer.get_config()["learning_rate"]
    if recipe.schedule:
        assert theirs["config"] == rate.get_config()
    else:
        assert theirs == pytest.approx(rate)
