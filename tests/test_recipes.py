"""`digitlib.recipes`: the five networks are the ones that were found, to the layer."""

import re
from itertools import pairwise

import numpy as np
import pytest
from conftest import ROOT

from digitlib import recipes
from digitlib.quiet import keras
from digitlib.recipes import RECIPES

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


def test_there_are_five_and_each_is_found_by_name_and_by_number():
    assert list(RECIPES) == [name for name, *_ in FOUND.values()]
    for number, (name, *_) in FOUND.items():
        assert recipes.get(name) is recipes.get(number) is RECIPES[name]


@pytest.mark.parametrize("name", ["mlp", "Dropout", 0, 6, None])
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


# --- The page of each recipe ------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_the_code_on_its_page_is_the_recipe(recipe, monkeypatch):
    page = ROOT / "book" / "recipes" / f"{recipe.number}_{recipe.name.replace('-', '_')}.md"
    (code,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    fitted = {}

    def fit(model, x, y, **how):
        fitted.update(how, x=x, y=y)

    monkeypatch.setattr(keras.Sequential, "fit", fit)
    names = {"keras": keras, "layers": keras.layers, "x_train": "x", "y_train": np.array([3, 9])}
    exec(code, names)  # noqa: S102 (our own page)
    model, ours = names["model"], recipe.build()

    def kinds(network):
        return [
            (type(layer), *(layer.get_config().get(key) for key in ("units", "activation", "rate")))
            for layer in network.layers
        ]

    assert kinds(model) == kinds(ours)
    assert model.input_shape == ours.input_shape
    assert (type(model.optimizer).__name__, model.loss) == ("Adam", recipe.loss)
    assert (fitted["epochs"], fitted["batch_size"]) == (recipe.epochs, recipe.batch_size)
    np.testing.assert_array_equal(fitted["y"], recipe.labels([3, 9]))
