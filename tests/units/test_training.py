"""`digitlib.training` and `digitlib.quiet`: every recipe learns, repeatably, and says no more
than it is asked to.
"""

import builtins
import importlib.util
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support import sample

from digitlib import models, quiet, recipes, training
from digitlib.quiet import keras
from digitlib.recipes import RECIPES

DIGITS = sample()
X, Y = training.scale(DIGITS.x_train), DIGITS.y_train
X_TEST, Y_TEST = training.scale(DIGITS.x_test), DIGITS.y_test
FEW = slice(0, 200)


def same(model, other):
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


# --- Every recipe -----------------------------------------------------------------------------


# of the others, test_recipes says what they are, and chapters train some
KINDS = ("dropout",)
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in RECIPES if name not in KINDS]


@pytest.mark.parametrize("name", [*KINDS, *OTHERS])
def test_every_recipe_learns(name, tmp_path):
    """Something, soon: in batches so small that a few epochs have many steps."""
    recipe = replace(RECIPES[name], batch_size=32)
    few = slice(600 if recipe.distort else None)
    model, history = training.train(recipe, X[few], Y[few], seed=0, epochs=3)
    assert len(history.history["loss"]) == 3
    assert type(model.optimizer).__name__ == "Adam"
    assert model.optimizer.iterations == 3 * -(-len(X[few]) // recipe.batch_size)
    assert history.history["loss"][-1] < history.history["loss"][0] / 2
    if not recipe.distort:  # see below
        assert np.mean(np.argmax(model(X_TEST), axis=1) == Y_TEST) > 0.8
    models.save(model, tmp_path / "m.keras")
    loaded = models.load(tmp_path / "m.keras")
    assert same(model, loaded)
    # The last bit may differ: it depends on where the weights lie in memory.
    np.testing.assert_allclose(model(X_TEST[:20]), loaded(X_TEST[:20]), rtol=1e-5, atol=1e-6)


# --- Repeatable -------------------------------------------------------------------------------


@pytest.mark.slow  # that it does is seen where validation data change no weight
def test_the_same_seed_gives_the_same_weights():
    first, again = (
        training.train("dropout", x, y, seed=seed, epochs=1)[0]
        for x, y, seed in [
            (X[FEW], Y[FEW], 7),
            (X[FEW].tolist(), Y[FEW].tolist(), np.int64(7)),  # makes no difference
        ]
    )
    assert same(first, again)


def test_the_seed_decides_the_first_weights():
    first, again, other = (training.compiled(RECIPES["steps"], seed=seed) for seed in (7, 7, 8))
    assert same(first, again)
    assert not same(first, other)


def test_a_step_is_traced_once():
    """Variables that its first call makes would have TensorFlow trace it again: seconds, for nothing."""
    model = training.compiled(RECIPES["steps"], seed=3)
    step, traced = model.train_step, []
    model.train_step = lambda data: traced.append(data) or step(data)
    model.fit(X[FEW], Y[FEW], batch_size=100, epochs=2, verbose=0)
    assert len(traced) == 1
    share = np.mean(model.predict(X[FEW], verbose=0).argmax(axis=1) == Y[FEW])
    assert model.evaluate(X[FEW], Y[FEW], verbose=0)[1] == pytest.approx(share)


@pytest.mark.slow
def test_steps_per_execution_change_no_weight():
    models = []
    for steps in (1, 100):
        model = training.compiled(RECIPES["dropout"], seed=3, steps_per_execution=steps)
        assert model.steps_per_execution == steps
        model.fit(X[FEW], Y[FEW], batch_size=8, epochs=2, verbose=0)
        models.append(model)
    assert same(*models)


@pytest.mark.slow
def test_schedules_and_distortions_can_be_repeated():
    recipe = replace(RECIPES["steps"], schedule=True, distort=("affine",))
    first, again = (training.train(recipe, X[FEW], Y[FEW], seed=7, epochs=1)[0] for _ in range(2))
    assert same(first, again)


def test_distorted_batches_are_new_in_every_epoch_and_keep_their_labels():
    batches = training.distorted(X[FEW], Y[FEW], 128, seed=5)
    epochs = [list(batches) for _ in range(2)]
    for epoch in epochs:
        assert [len(images) for images, _ in epoch] == [128, 72]
        labels = np.concatenate([labels for _, labels in epoch])
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(Y[FEW]))
    (first, labels), (second, other) = epochs[0][0], epochs[1][0]
    assert not np.array_equal(labels, other), "shuffled anew"
    assert 0 <= np.min(first) < np.max(first) <= 1 + 1e-6
    assert not np.array_equal(first, second)


def test_the_last_epochs_of_a_record_are_calm(monkeypatch):
    """Whatever is distorted is white here, so that training shows when it was."""
    recipe = replace(recipes.get("record"), hidden=lambda: [keras.layers.Flatten()], calm=0.5)
    monkeypatch.setattr(training.distortion, "distort", lambda images, *_, **__: 0 * images)
    seen = []

    class See(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.layers[-1].get_weights()[0])

    training.train(recipe, X[FEW], Y[FEW], seed=0, epochs=4, callbacks=[See()])
    moved = [not np.array_equal(*pair) for pair in pairwise(seen)]
    assert moved == [False, True, True], "without ink no weight can move"


def test_the_schedule_rises_to_its_peak_and_falls_to_zero():
    recipe = RECIPES["fast"]
    rate = training.learning_rate(recipe, 1000)
    assert float(rate(0)) == pytest.approx(recipe.learning_rate / 10)
    assert float(rate(100)) == pytest.approx(recipe.learning_rate)
    assert float(rate(550)) == pytest.approx(recipe.learning_rate / 2)
    assert float(rate(1000)) == pytest.approx(0, abs=1e-9)
    assert training.learning_rate(RECIPES["dropout"]) == 0.001


@pytest.mark.parametrize("name", ["sprint", "fast"])
def test_adam_remembers_as_long_as_the_recipe_says(name):
    recipe = recipes.get(name)
    adam = training.compiled(recipe, seed=0, steps=10).optimizer
    assert (adam.beta_1, adam.beta_2) == recipe.betas
    assert (recipe.betas == (0.9, 0.999)) == (name == "fast"), "Keras's default"
    with pytest.raises(ValueError, match="how many steps"):
        training.compiled(recipe, seed=0)


# --- What train reports, and what it takes ----------------------------------------------------


def test_validation_data_are_measured_and_never_trained_on(capfd):
    class Seen(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1

    seen, held_out = Seen(), (X_TEST[FEW], Y_TEST[FEW])
    alone, _ = training.train(4, X[FEW], Y[FEW], seed=0, epochs=1)
    watched, history = training.train(
        4, X[FEW], Y[FEW], seed=0, epochs=1, validation_data=held_out, callbacks=[seen]
    )
    assert same(alone, watched)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert seen.epochs == 1
    assert capfd.readouterr().out == "", "silent"


def test_the_recipes_own_epochs():
    _, history = training.train("steps", X[:32], Y[:32], seed=0)
    assert len(history.history["loss"]) == RECIPES["steps"].epochs == 5


def test_scale():
    scaled = training.scale(np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(1, 28, 28))
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (0, 1)
    assert scaled[0, 0, 5] == np.float32(5 / 255)


# --- Refusals ---------------------------------------------------------------------------------

NAN = np.where(np.eye(28), np.nan, X[:3])


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (X[:3], "float32"),
        (DIGITS.x_test[0], r"\(28, 28\)"),
        (DIGITS.x_test[:2, :27], r"\(2, 27, 28\)"),
        (DIGITS.x_test.astype(int), "int64"),
    ],
)
def test_scale_refuses(images, found):
    with pytest.raises(ValueError, match=found) as caught:
        training.scale(images)
    assert "expected images of shape (n, 28, 28), uint8" in str(caught.value)


BAD_DATA = [
    (X[0], Y[:1], r"got shape \(28, 28\).*x\[None\]"),
    (X[:3].reshape(3, 784), Y[:3], r"\(3, 784\)"),
    (X[:0], Y[:0], r"shape \(0,"),
    (DIGITS.x_train[:3], Y[:3], r"uint8.*scale"),
    (255 * X[:3], Y[:3], "from 0 to 1; found 0.0 to 255"),
    (X[:3] - 1, Y[:3], "found -1.0 to 0.0"),
    (NAN, Y[:3], "nan"),
    (X[:3], Y[:2], "each of 3 images; got 2"),
    (X[:3], Y[:3] / 255, "float64.*never scaled"),
    (X[:3], np.eye(10)[:3], r"\(3, 10\).*one-hot"),
    (X[:3], np.array([1, 2, 10]), "found 1 to 10"),
    (X[:3], np.array([1, 2, -1]), "found -1 to 2"),
]


@pytest.mark.parametrize(("x", "y", "found"), BAD_DATA)
def test_train_refuses(x, y, found):
    for call in (
        lambda: training.train(1, x, y, seed=0, epochs=1),
        lambda: training.train(3, X[:3], Y[:3], seed=0, epochs=1, validation_data=(x, y)),
    ):
        with pytest.raises(ValueError, match=found) as caught:
            call()
        assert "expected" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"epochs": 0}, "epochs .* 1 up; got 0"),
        ({"epochs": -1}, "got -1"),
        ({"epochs": 2.5}, "got 2.5"),
        ({"seed": -1}, "0 up; got -1"),
        ({"seed": 0.5}, "seed .* got 0.5"),
        ({"recipe": "mlp"}, "no recipe 'mlp'"),
    ],
)
def test_train_refuses_options(options, found):
    with pytest.raises(ValueError, match=found):
        training.train(**{"recipe": 1, "x": X[:3], "y": Y[:3], "seed": 0, "epochs": 1} | options)


# --- Quiet ------------------------------------------------------------------------------------


def python(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout, run.stderr


@pytest.mark.slow
def test_tensorflow_says_nothing_and_others_still_can():
    # Training makes TensorFlow look at the machine's devices, which it reports as well. It would
    # warn of the sixth network in a row, as it does with such a line.
    code = """
import os
from digitlib import data, training
from digitlib.quiet import tensorflow
digits = data.load("sample")
training.train(2, training.scale(digits.x_test), digits.y_test, seed=0, epochs=1)
tensorflow.get_logger().warning("6 out of the last 6 calls triggered retracing")
os.write(2, b"heard")
"""
    assert python(code) == ("", "heard")


@pytest.mark.slow
def test_modules_that_need_no_tensorflow_do_not_load_it():
    code = (
        "import sys, digitlib; from digitlib import baselines, cli, data, evaluation, frame, notebook\n"
        "from digitlib import plots\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    assert python(code) == ("set()\n", "")


def loaded_again():
    """The names of `digitlib.quiet`, run once more as if by the first import."""
    return runpy.run_path(quiet.__file__)


def test_without_tensorflow_one_line_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find(name)
    )
    with pytest.raises(ImportError, match="^digitlib needs TensorFlow: pip install tensorflow"):
        loaded_again()


def test_keras_on_another_backend_is_noticed(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="^Keras was imported before digitlib and runs on jax"):
        loaded_again()


def test_what_keras_json_says_changes_no_network():
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float64")
    assert loaded_again()["keras"] is keras
    assert keras.config.image_data_format() == "channels_last"
    assert keras.config.floatx() == "float32"


def test_what_a_failing_import_says_is_shown(monkeypatch, capfd):
    plain = builtins.__import__

    def failing(name, *args):
        if name == "tensorflow":
            os.write(2, b"why it failed\n")
            raise ImportError("no such symbol")
        return plain(name, *args)

    monkeypatch.setattr(builtins, "__import__", failing)
    with pytest.raises(ImportError, match="no such symbol"):
        loaded_again()
    assert capfd.readouterr().err == "why it failed\n"


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse avx2 avx\n", False),
        ("processor\t: 0\nflags\t\t: fpu sse avx2x\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd\n", False),  # ARM
        (None, False),  # not Linux
    ],
)
def test_without_avx_tensorflow_may_say_so_before_it_ends_the_process(text, lacks, tmp_path):
    cpu = tmp_path / "cpuinfo"
    if text:
        cpu.write_text(text)
    assert quiet.lacks_avx(cpu) == lacks


@pytest.mark.parametrize("flags", ["avx", "fpu"])
def test_without_avx_nothing_is_silenced(flags, monkeypatch):
    stderr, plain, heard = os.fstat(2), builtins.__import__, []

    def watching(name, *args):
        if name == "tensorflow":
            heard.append(os.path.samestat(os.fstat(2), stderr))
        return plain(name, *args)

    monkeypatch.setattr(builtins, "__import__", watching)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"\nflags\t: {flags}\n")
    loaded_again()
    assert heard[0] == (flags == "fpu")


def test_silence_ends_and_leaves_a_closed_stderr_closed_to_files(capfd, tmp_path):
    with quiet.silence():
        os.write(2, b"not heard")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
    kept = os.dup(2)
    os.close(2)
    try:
        with quiet.silence():
            os.write(2, b"not heard")
        with (tmp_path / "file").open("wb") as file:
            os.write(2, b"not in the file")
            file.write(b"whole")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert capfd.readouterr().err == ""
