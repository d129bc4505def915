"""`book/web/net.js`: does the network that learns in a page learn as in Keras?"""

import base64
import re

import numpy as np
import pytest
from support import WEB, few, sample

from digitlib import training
from digitlib.quiet import keras, tensorflow

SOURCE = (WEB / "net.js").read_text("utf-8")
DIGITS = sample()
BATCH, STEPS, SHARE = 32, 50, 0.4
ORDER = np.random.default_rng(1).permutation(len(DIGITS.x_train))
ROWS = np.resize(ORDER, (STEPS, BATCH))  # which images each step takes

RATES = {"sgd": 0.1, "adam": 0.001}
NETWORKS = {
    "relu": "N.dense(784, 16, r), N.relu(), N.dense(16, 10, r)",
    "sigmoid": "N.dense(784, 16, r), N.sigmoid(), N.dense(16, 10, r)",
    "dropout": f"N.dense(784, 16, r), N.relu(), N.dropout({SHARE}, digitlib.random(5)), N.dense(16, 10, r)",
    "convolution": "N.convolution(28, 4, 5, 2, r), N.relu(), N.dense(576, 10, r)",
}
LEARN = """
([bytes, labels, rows, layers, optimizer, weights]) => {
  const N = digitlib.net, all = Float64Array.from(digitlib.bytes(bytes), (v) => v / 255);
  const network = new Function("N", "r", `return N.network(${layers})`)(N, digitlib.random(3));
  network.parameters.forEach(({value}, i) => value.set(weights[i]));
  const step = new Function("N", `return N.${optimizer}`)(N);
  return rows.map((batch) => {
    const x = new Float64Array(batch.length * 784);
    batch.forEach((i, k) => x.set(all.subarray(i * 784, (i + 1) * 784), k * 784));
    return N.step(network, step, x, batch.map((i) => labels[i]));
  });
}
"""


def opened(browser, source=SOURCE):
    page = browser.new_page()
    page.add_script_tag(path=WEB / "digit.js")
    page.add_script_tag(path=WEB / "random.js")
    page.add_script_tag(content=source)
    return page


@pytest.fixture
def page(browser):
    with opened(browser) as page:
        yield page


def images(rows):
    return base64.b64encode(DIGITS.x_train[rows].tobytes()).decode()


def randoms(seed):
    """The numbers that `random` of random.js gives."""
    state = (seed + 1) * 0x9E3779B1 & 0xFFFFFFFF or 1
    while True:
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        yield state / 2**32


def keras_network(name):
    """The same network in Keras; what dropout leaves of the hidden layer is a second input."""
    keras.utils.set_random_seed(0)
    x, left = keras.Input((28, 28)), keras.Input((16,))
    flat = keras.layers.Flatten()
    if name == "convolution":
        y = keras.layers.Conv2D(4, 5, strides=2, activation="relu")(x[..., None])
        y = flat(y)
    else:
        y = keras.layers.Dense(16, "relu" if name == "dropout" else name)(flat(x))
    if name == "dropout":
        y = y * left
    return keras.Model([x, left], keras.layers.Dense(10)(y))


def keras_losses(name, model, optimizer):
    scaled, kept = training.scale(DIGITS.x_train), randoms(5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    for rows in ROWS:
        drawn = np.array([next(kept) for _ in range(BATCH * 16)]).reshape(BATCH, 16)
        left = (drawn >= SHARE) / (1 - SHARE)
        yield float(model.train_on_batch([scaled[rows], left], DIGITS.y_train[rows]))


def learned(page, name, optimizer, model):
    """The losses of the network in the page, from the weights that the one in Keras has."""
    weights = [one.ravel().tolist() for one in model.get_weights()]
    asked = [images(slice(None)), DIGITS.y_train.tolist(), ROWS.tolist(), NETWORKS[name]]
    return page.evaluate(LEARN, [*asked, f"{optimizer}({RATES[optimizer]})", weights])


@pytest.mark.parametrize("optimizer", RATES)
@pytest.mark.parametrize("name", few(NETWORKS, ["dropout", "convolution"]))
def test_losses_are_those_of_keras(page, name, optimizer):
    model = keras_network(name)
    found = learned(page, name, optimizer, model)
    kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[optimizer]
    expected = [*keras_losses(name, model, kind(RATES[optimizer]))]
    assert expected[-1] < 0.9 * expected[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


CHECK = """
([bytes, labels, layers]) => {
  const N = digitlib.net, x = Float64Array.from(digitlib.bytes(bytes), (v) => v / 255);
  const network = new Function("N", "r", `return N.network(${layers})`)(N, digitlib.random(3));
  const next = digitlib.random(4); // with biases of 0, blank windows lie where relu has no slope
  for (const {value} of network.parameters) value.forEach((v, i) => (value[i] ||= next() - 0.5));
  return N.check(network, x, labels, digitlib.random(2), 60).map(({by, measured}) => [by, measured]);
}
"""


def checked(page, name):
    """Is the gradient, of weights that it says something of, what is measured?"""
    asked = [images(slice(8)), DIGITS.y_train[:8].tolist(), NETWORKS[name]]
    by, measured = np.array(page.evaluate(CHECK, asked)).T
    assert (abs(by) > 1e-4).sum() > 15
    return abs(by - measured).max() < 1e-7


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_what_is_measured(page, name):
    assert checked(page, name)


SIGNS = [
    ("gradient, row, v,", "gradient, row, -v,"),
    ("biases.gradient, 0, 1,", "biases.gradient, 0, -1,"),
    ("+= dot(", "-= dot("),
    ("(v - (labels", "(v + (labels"),
    ("y * (1 - y)", "y * (1 + y)"),
    ("(y > 0 ? 1 : 0)", "(y > 0 ? -1 : 0)"),
]


@pytest.mark.parametrize(("right", "wrong"), SIGNS, ids=[right for right, _ in SIGNS])
def test_a_turned_sign_of_a_gradient_is_noticed(browser, right, wrong):
    assert SOURCE.count(right) == 1
    with opened(browser, SOURCE.replace(right, wrong)) as page:
        assert not all(checked(page, name) for name in ("sigmoid", "convolution"))


@pytest.mark.parametrize(("name", "right"), [("sgd", "-rate"), ("adam", "-= (length")])
def test_a_turned_sign_of_an_optimizer_is_noticed(browser, name, right):
    assert SOURCE.count(right) == 1
    wrong = SOURCE.replace(right, right.replace("-", "+"))
    with opened(browser, wrong) as page:
        losses = learned(page, "relu", name, keras_network("relu"))
    assert losses[-1] > losses[0]


TO_IMAGE = """
([bytes, label, layers, weights]) => {
  const N = digitlib.net, x = Float64Array.from(digitlib.bytes(bytes), (v) => v / 255);
  const network = new Function("N", "r", `return N.network(${layers})`)(N, digitlib.random(3));
  network.parameters.forEach(({value}, i) => value.set(weights[i]));
  const [outputs, back] = network.run(x, 1);
  return [...back(N.crossEntropy(outputs, [label])[1](), true)];
}
"""


@pytest.mark.parametrize("name", ["relu", "convolution"])
def test_the_gradient_to_the_image_is_that_of_keras(page, name):
    model = keras_network(name)
    image = tensorflow.constant(training.scale(DIGITS.x_train[:1]))
    all_left = tensorflow.ones((1, 16))
    with tensorflow.GradientTape() as tape:
        tape.watch(image)
        loss = keras.losses.sparse_categorical_crossentropy(
            DIGITS.y_train[:1], model([image, all_left]), from_logits=True
        )
    expected = tape.gradient(loss, image).numpy().ravel()
    weights = [one.ravel().tolist() for one in model.get_weights()]
    asked = [images(slice(1)), int(DIGITS.y_train[0]), NETWORKS[name], weights]
    found = np.array(page.evaluate(TO_IMAGE, asked))
    assert abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_it_is_short_enough_to_be_read():
    assert len(SOURCE.splitlines()) <= 200
    assert not re.search("import|require|fetch", SOURCE)
