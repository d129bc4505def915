"""`digitlib.frame`: any picture of a digit ends up where MNIST has its digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from digitlib import data
from digitlib.frame import to_frame

shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
bilevel = arrays(bool, shapes).filter(lambda image: image.any() and not image.all())
gray = arrays(np.uint8, shapes).filter(lambda image: np.ptp(image) > 0)
# the same examples each time; a slow machine is no fault
repeatable = settings(max_examples=50, derandomize=True)


def box(image):
    """Top, left, height and width of the ink."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return rows[0], columns[0], np.ptp(rows) + 1, np.ptp(columns) + 1


def center_of_mass(image):
    return [(np.indices(image.shape)[axis] * image).sum() / image.sum() for axis in (0, 1)]


@repeatable
@given(gray)
def test_any_picture_becomes_28_by_28_bytes(image):
    framed = to_frame(image)
    assert framed.shape == (28, 28)
    assert framed.dtype == np.uint8
    assert framed.max() == 255
    assert max(box(framed)[2:]) <= 20


@repeatable
@given(bilevel)
def test_ink_fills_the_box_and_keeps_its_proportions(image):
    _, _, height, width = box(image)
    if max(height, width) < 20:  # interpolated, ink fades out over half a pixel on either side
        height, width = height + 1, width + 1
    _, _, new_height, new_width = box(to_frame(image))
    assert max(new_height, new_width) == 20
    scale = 20 / max(height, width)
    assert new_height == pytest.approx(max(1, height * scale), abs=0.5)
    assert new_width == pytest.approx(max(1, width * scale), abs=0.5)


@repeatable
@given(bilevel)
def test_center_of_mass_is_at_pixel_14(image):
    framed = to_frame(image)
    top, left, height, width = box(framed)
    for center, start, size in zip(
        center_of_mass(framed), (top, left), (height, width), strict=True
    ):
        # unless the digit would then stick out of the frame
        assert abs(center - 14) <= 0.5 or start == 0 or start + size == 28


@repeatable
@given(gray, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_where_the_digit_was_does_not_matter(image, above, below, before, behind):
    moved = np.pad(image, ((above, below), (before, behind)), constant_values=image.min())
    np.testing.assert_array_equal(to_frame(moved), to_frame(image))


@repeatable
@given(bilevel, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_brightness_and_ground_do_not_matter(image, contrast, ground):
    same = to_frame(image).astype(int) - to_frame(contrast * image + ground)
    assert abs(same).max() <= 1


@pytest.mark.parametrize("thickness", [1, 2, 3, 4])
@pytest.mark.parametrize("contrast", [0.1, 0.7, 1 / 3, 1, 3, 255])
def test_a_tie_is_decided_the_same_way_at_any_brightness(thickness, contrast):
    # The center of a symmetric ring lies exactly between two pixels.
    ring = np.ones((20, 20))
    ring[thickness:-thickness, thickness:-thickness] = 0
    assert box(to_frame(contrast * ring)) == (4, 4, 20, 20)


def test_framed_digits_stay_as_they_are():
    for image in data.load("sample").x_test:
        np.testing.assert_allclose(to_frame(image).astype(int), image, atol=1)


def test_shrinking_averages_exactly():
    image = np.zeros((50, 30))
    image[5:45, 4:24] = 1  # 40 by 20 pixels become 20 by 10, each the average of four
    image[5:45, 4] = 0.5
    framed = to_frame(image)
    top, left, height, width = box(framed)
    assert (height, width) == (20, 10)
    assert (framed[top : top + 20, left] == round(0.75 * 255)).all()
    assert (framed[top : top + 20, left + 1 : left + 10] == 255).all()


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((2, 28, 28)), r"\(2, 28, 28\)"),
        (np.zeros(28), r"\(28,\)"),
        (np.zeros((0, 28)), r"\(0, 28\)"),
        (np.full((28, 28), 1j), "complex"),
        (np.full((28, 28), "7"), "<U1"),
        (np.full((28, 28), None), "object"),
        (np.zeros((28, 28)), "same value"),
        (np.full((28, 28), 255, np.uint8), "same value"),
        (np.where(np.eye(28), np.nan, 0), "NaN"),
        (np.where(np.eye(28), -np.inf, 0), "infinity"),
    ],
)
def test_refused(image, found):
    with pytest.raises(ValueError, match=found) as caught:
        to_frame(image)
    assert "expected" in str(caught.value)
