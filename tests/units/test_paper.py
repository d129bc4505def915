"""`digitlib.paper`: MNIST's digits on paper."""

import numpy as np
import pytest
from papers import DIGITS, rate
from scipy import ndimage

from digitlib import handwriting, paper
from digitlib.frame import to_frame

SOME = DIGITS.x_test[:40]
EIGHT = np.ones((3, 3))


@pytest.mark.parametrize("height", [20, 60, 200])
def test_a_written_digit_is_ink_with_edges_from_border_to_border(height):
    for image in SOME:
        ink = paper.written(image, height)
        assert abs(len(ink) - height) <= 0.2 * height
        assert 0 <= ink.min() <= ink.max() == 1
        assert all(side.any() for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def test_the_reader_reads_what_is_written():
    frames = np.array([to_frame(paper.written(image, 60)) for image in DIGITS.x_test[:200]])
    assert np.mean(rate(frames)[:, :10].argmax(axis=1) == DIGITS.y_test[:200]) > 0.85


def test_even_faint_ink_is_written():
    assert paper.written(SOME[0] // 40, 60).max() == 1


def connected(ink):
    return ndimage.label(ink > 0.5, EIGHT)[1]


def test_a_line_of_digits_apart_or_touching():
    rng = np.random.default_rng(0)
    whole = [image for image in SOME if connected(paper.written(image, 60)) == 1][:5]
    apart = paper.line(whole, rng)
    assert connected(apart) == 5
    assert len(apart) == 60 + 2 * paper.MARGIN
    for side in (apart[0], apart[-1], apart[:, 0], apart[:, -1]):
        assert not side.any()
    touching = paper.line(whole, rng, touching=True)
    assert connected(touching) == 1
    assert touching.shape[1] < apart.shape[1]


def test_a_photo_is_read_as_what_was_written():
    rng = np.random.default_rng(1)
    line = paper.line(DIGITS.x_test[6:12], rng, height=70, gap=40)
    photo = paper.photo(line)
    assert photo.shape == (*line.shape, 3)
    assert photo.dtype == np.uint8
    assert photo[:, -10:].mean() < photo[:, :10].mean()  # the shadow
    found = handwriting.find(photo, rate)
    answers = found.ratings[:, :10].argmax(axis=1)
    assert len(answers) == 6
    assert (answers == DIGITS.y_test[6:12]).sum() >= 5
