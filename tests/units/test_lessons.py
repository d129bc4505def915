"""`digitlib.strokes`, `digitlib.nothing`: what the reader learns beside MNIST's digits."""

from dataclasses import replace

import numpy as np
import pytest
from support import sample

from digitlib import nothing, recipes, strokes, training

DIGITS = sample()
X, Y = training.scale(DIGITS.x_train), DIGITS.y_train


def test_ones_sevens_and_nines_get_a_stroke_more():
    more, labels = strokes.with_strokes(X, Y, seed=3)
    chosen = np.isin(Y, [1, 7, 9])
    np.testing.assert_array_equal(labels, Y[chosen])
    assert more.shape == (chosen.sum(), 28, 28)
    assert (more.dtype, more.min(), more.max()) == ("float32", 0, 1)
    again, _ = strokes.with_strokes(X, Y, seed=3)
    np.testing.assert_array_equal(more, again)
    other, _ = strokes.with_strokes(X, Y, seed=4)
    assert (abs(more - other).max(axis=(1, 2)) > 0.2).mean() > 0.9
    wider = {digit: more[labels == digit].sum(axis=0).any(axis=0).sum() for digit in (1, 7, 9)}
    assert min(wider.values()) > 15


def test_a_flag_comes_down_from_the_top_of_a_one_and_a_bar_crosses_a_seven():
    one = np.zeros((1, 28, 28), "float32")
    one[0, 4:24, 13:15] = 1
    flagged, _ = strokes.with_strokes(np.repeat(one, 40, axis=0), np.full(40, 1), seed=0)
    columns = flagged.any(axis=1)
    left = [14 - np.flatnonzero(row)[0] for row in columns]
    assert min(left) >= 2, "each has a flag to the left"
    upper, lower = flagged[:, 4:12].sum(axis=(1, 2)), flagged[:, 18:24].sum(axis=(1, 2))
    assert (upper > 1.2 * lower).mean() > 0.6, "and few have a foot"
    seven = np.zeros((1, 28, 28), "float32")
    seven[0, 4:6, 8:20] = seven[0, 4:24, 18:20] = 1
    barred, _ = strokes.with_strokes(np.repeat(seven, 20, axis=0), np.full(20, 7), seed=0)
    wide = (barred > 0.3).sum(axis=2)
    assert (wide[:, 11:21].max(axis=1) >= 5).all()


def test_examples_of_nothing_are_of_every_kind_and_can_be_repeated():
    images = nothing.nothing(X, Y, 300, seed=1)
    assert images.shape == (300, 28, 28)
    assert (images.dtype, images.min(), images.max()) == ("float32", 0, 1)
    assert (images.max(axis=(1, 2)) == 1).all()
    np.testing.assert_array_equal(images, nothing.nothing(X, Y, 300, seed=1))
    assert len(np.unique(images.reshape(300, -1), axis=0)) > 290
    assert nothing.nothing(X, Y, 0, seed=1).shape == (0, 28, 28)


@pytest.mark.parametrize("kind", nothing.KINDS)
def test_nothing_of_one_kind_is_in_the_frame(kind, monkeypatch):
    monkeypatch.setattr(nothing, "KINDS", {kind: 1})
    images = nothing.nothing(X, Y, 30, seed=2)
    rows, columns = images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)
    assert np.median(np.maximum(rows, columns)) == 20
    assert np.maximum(rows, columns).max() == 20


def test_a_recipe_is_taught_its_lessons():
    reader = recipes.get("reader")
    x, y = X[:200], reader.labels(Y[:200])
    assert y.shape == (200, 11)
    images, labels = training.taught(reader, x, y, seed=0)
    added = np.isin(Y[:200], [1, 7, 9]).sum()
    assert len(images) == len(labels) == 200 + added + 100
    assert labels.sum(axis=0)[10] == 100
    np.testing.assert_array_equal(images[:200], x)
    plain = recipes.get("accurate")
    assert training.taught(plain, x, Y[:200], seed=0)[0] is x
    without = recipes.get("reader-without-nothing")
    images, labels = training.taught(without, x, without.labels(Y[:200]), seed=0)
    assert labels.shape == (200 + added, 10)


@pytest.mark.slow
def test_a_reader_learns_digits_and_what_is_none():
    reader = replace(recipes.get("reader"), batch_size=32)  # there are few images
    model, _ = training.train(reader, X, Y, seed=0, epochs=6)
    outputs = model.predict(training.scale(DIGITS.x_test), verbose=0)
    assert outputs.shape[1] == 11
    assert (outputs.argmax(axis=1) == DIGITS.y_test).mean() > 0.8
    other = nothing.nothing(X, Y, 200, seed=5)
    assert (model.predict(other, verbose=0).argmax(axis=1) == 10).mean() > 0.6


def test_what_cannot_be_taught():
    with pytest.raises(
        ValueError, match=r"expected digits with ink above 0\.4; this one is fainter"
    ):
        strokes.with_strokes(X * np.float32(0.3), Y, seed=0)
    with pytest.raises(ValueError, match="expected images of all ten digits"):
        nothing.nothing(X[Y == 1], Y[Y == 1], 9, seed=0)
