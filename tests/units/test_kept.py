"""`digitlib.live`: what the pages of the book get."""

import base64
import gzip

import numpy as np
import pytest
from support import sample

from digitlib import live

DIGITS = sample()


def unpacked(text):
    return np.frombuffer(gzip.decompress(base64.b64decode(text)), np.uint8)


def test_digits_are_rounded_to_four_shades_and_the_last_are_held_out():
    kept = live.digits(DIGITS.x_train, DIGITS.y_train)
    held_out = len(DIGITS.x_train) // 4
    assert kept["learn"] == len(DIGITS.x_train) - held_out
    four = unpacked(kept["images"])
    shades = np.stack([four >> 6, four >> 4 & 3, four >> 2 & 3, four & 3], axis=1)
    images = 85 * shades.reshape(DIGITS.x_train.shape)
    assert abs(images.astype(int) - DIGITS.x_train).max() <= 43
    assert kept["labels"] == "".join(map(str, DIGITS.y_train))
    np.testing.assert_array_equal(live.held_out(DIGITS.y_train), DIGITS.y_train[-held_out:])


def test_of_many_digits_the_pages_get_a_part():
    images, labels = np.zeros((9000, 28, 28), np.uint8), np.arange(9000) % 10
    kept = live.digits(images, labels)
    assert (kept["learn"], len(kept["labels"])) == (3000, 4000)
    assert kept["labels"][3000:] == "".join(map(str, labels[8000:]))
    assert len(live.held_out(images)) == 1000


def test_a_training_comes_back_from_its_differences():
    rng = np.random.default_rng(0)
    weights = [[rng.normal(size=(784, 4)), rng.normal(size=4)] for _ in range(5)]
    answers = rng.integers(0, 10, (5, 20))
    kept = live.replay(range(5), [1.5] * 4, weights, answers)
    assert (kept["shapes"], kept["steps"]) == ([[784, 4], [4]], [0, 1, 2, 3, 4])
    changes = unpacked(kept["weights"]).reshape(5, -1)
    rounded = np.cumsum(changes, axis=0, dtype=np.uint8).astype(np.int8)
    for now, (first, _) in zip(rounded, weights, strict=True):
        error = abs(now[: first.size] * kept["scales"][0] - first.ravel())
        assert error.max() == pytest.approx(kept["scales"][0] / 2, rel=0.05)
    np.testing.assert_array_equal(unpacked(kept["answers"]).reshape(5, 20), answers)
