"""`digitlib.export`: a LiteRT file gives what the network gives, whatever the network is made of."""

import os
import sys
import types

import numpy as np
import pytest
from support import sample

from digitlib import export, models
from digitlib.quiet import keras, tensorflow

DIGITS = sample()
X = DIGITS.x_test[:20]
layers = keras.layers


def network(*hidden, shape=(28, 28, 1), **options):
    return keras.Sequential(
        [keras.Input(shape, **options), *hidden, layers.Flatten(), layers.Dense(10)]
    )


def adapted():
    layer = layers.Normalization(axis=None)
    layer.adapt(DIGITS.x_train.astype("float32"))
    return layer


def divided():
    image = keras.Input((28, 28))
    return keras.Model(image, layers.Dense(10)(layers.Flatten()(image / 255)))


NETWORKS = {
    "64 bits, distortions": lambda: network(
        layers.RandomRotation(0.2), layers.RandomZoom(0.2), layers.Conv2D(4, 3, dtype="float64")
    ),
    "16 bits, whole numbers": lambda: network(
        layers.Rescaling(1 / 255), layers.Conv2D(4, 3, dtype="mixed_float16"), dtype="uint8"
    ),
    "its own scale, from within": lambda: network(keras.Sequential([adapted()])),
    "an operation": divided,
    "any size": lambda: keras.Sequential(
        [keras.Input((None, None, 1)), layers.Conv2D(10, 3), layers.GlobalMaxPooling2D()]
    ),
}


FEW = ("64 bits, distortions", "its own scale, from within")  # the rest is slow


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in NETWORKS],
)
def test_the_file_gives_what_the_network_gives(name):
    model = NETWORKS[name]()
    found = export.run(export.litert(model), X)
    np.testing.assert_allclose(found, models.answers(model, X), rtol=0.01, atol=0.01)


@pytest.mark.slow
def test_maps_come_beside_the_answer():
    model = network(layers.Conv2D(4, 3, activation="relu"), layers.Conv2D(2, 5), layers.ReLU())
    content = export.litert(model, maps=True)
    np.testing.assert_allclose(
        export.run(content, X), models.answers(model, X), rtol=0.01, atol=0.01
    )
    runtime = tensorflow.lite.Interpreter(model_content=content)
    shapes = sorted(tuple(one["shape"]) for one in runtime.get_output_details())
    assert shapes == [(1, 10), (1, 22, 22, 2), (1, 26, 26, 4)]


@pytest.mark.slow
def test_maps_of_a_network_that_scales_for_itself():
    model = network(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(16, "relu"))
    runtime = tensorflow.lite.Interpreter(model_content=export.litert(model, maps=True))
    shapes = sorted(tuple(one["shape"]) for one in runtime.get_output_details())
    assert shapes == [(1, 10), (1, 16)]


@pytest.mark.slow
def test_a_map_of_ten_numbers_is_not_the_answer():
    model = network(layers.Flatten(), layers.Dense(10, activation="relu"))
    found = export.run(export.litert(model, maps=True), X)
    np.testing.assert_allclose(found, models.answers(model, X), rtol=0.01, atol=0.01)


class Unfit(layers.Layer):
    def call(self, images):
        return tensorflow.raw_ops.Erfinv(x=images)  # LiteRT has no such operation


@pytest.mark.slow
def test_what_cannot_be_converted_is_one_line():
    with pytest.raises(ValueError, match=r"^expected images of shape \(n, 28, 28\), uint8"):
        export.litert(network(layers.Flatten()), "int8", X / 255)
    with pytest.raises(ValueError, match=r"^the network cannot be converted \(") as caught:
        export.litert(network(Unfit()))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="expected a network that reads 28×28 pixels, not"):
        export.litert(network(shape=(28, 27)))


class Chatty(layers.Layer):
    def call(self, images):
        print("exporting")
        return images


@pytest.mark.slow
def test_it_says_nothing_even_with_stderr_closed(capfd):
    model = network(Chatty())
    capfd.readouterr()
    kept = os.dup(2)
    os.close(2)
    try:
        content = export.litert(model)
        assert capfd.readouterr().out == ""
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert export.run(content, X).shape == (20, 10)


@pytest.mark.slow
def test_the_package_of_litert_is_used_where_it_is(monkeypatch):
    used = []

    class Interpreter(tensorflow.lite.Interpreter):
        def __init__(self, **options):
            used.append(self)
            super().__init__(**options)

    package = types.ModuleType("ai_edge_litert.interpreter")
    package.Interpreter = Interpreter
    content = export.litert(network())
    monkeypatch.setitem(sys.modules, "ai_edge_litert", types.ModuleType("ai_edge_litert"))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", package)
    assert export.run(content, X).shape == (20, 10)
    assert used
    assert not export.run(content, X[:0]).size
