"""`digitlib.distortion`: each distortion does what its name says, and can be drawn again."""

import numpy as np
import pytest
from scipy import ndimage
from support import sample

from digitlib import distortion
from digitlib.quiet import keras

IMAGES = sample().x_test[:40].astype("float32") / 255
STILL = {"rotation": 0.0, "width": 1.0, "height": 1.0, "shear": 0.0, "right": 0.0, "down": 0.0}


def moved(images, **changes):
    numbers = {key: np.full(len(images), value) for key, value in (STILL | changes).items()}
    new = keras.ops.image.affine_transform(images[..., None], distortion.affine(**numbers))
    return np.array(new)[..., 0]


def test_nothing_asked_nothing_done():
    np.testing.assert_array_equal(moved(IMAGES), IMAGES)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"right": 3.0}, lambda x: np.roll(x, 3, axis=2)),
        ({"down": 2.0}, lambda x: np.roll(x, 2, axis=1)),
        ({"rotation": 90.0}, lambda x: np.rot90(x, -1, axes=(1, 2))),
        ({"rotation": 180.0}, lambda x: x[:, ::-1, ::-1]),
        ({"width": -1.0}, lambda x: x[:, :, ::-1]),
    ],
)
def test_what_can_be_done_without_interpolation(changes, same):
    images = np.pad(IMAGES[:, 4:-4, 4:-4], ((0, 0), (4, 4), (4, 4)))  # nothing leaves the frame
    np.testing.assert_allclose(moved(images, **changes), same(images), atol=1e-4)


def test_a_dot_goes_where_the_formula_says():
    dot = np.zeros((1, 28, 28), "float32")
    dot[0, 9, 17] = 1  # 3.5 to the right of the center and 4.5 above it
    spread = np.array(keras.ops.image.affine_transform(
        ndimage.gaussian_filter(dot, (0, 1, 1))[..., None],
        distortion.affine(*np.array([[30.0], [1.2], [0.9], [0.1], [1.0], [-2.0]])),
    ))[0, ..., 0]  # fmt: skip
    y, x = ndimage.center_of_mass(spread)
    turn = np.radians(30)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ [[1, 0.1], [0, 1]] @ np.diag([1.2, 0.9])
    expected = matrix @ [3.5, -4.5] + [13.5 + 1, 13.5 - 2]
    np.testing.assert_allclose([x, y], expected, atol=0.02)


def test_thicken_and_blur_as_scipy_does():
    x = IMAGES[..., None]
    size = (1, 3, 3, 1)
    for share, expected in [
        (1.0, ndimage.grey_dilation(x, size)),
        (-1.0, ndimage.grey_erosion(x, size)),
        (0.5, (x + ndimage.grey_dilation(x, size)) / 2),
        (0.0, x),
    ]:
        shares = np.full(len(x), share, "float32")
        np.testing.assert_allclose(distortion.thicken(x, shares), expected, atol=1e-6)
    weights = np.outer(distortion.BINOMIAL, distortion.BINOMIAL)[None, :, :, None]
    ones = np.ones(len(x), "float32")
    smooth = ndimage.convolve(x, weights, mode="constant")
    np.testing.assert_allclose(distortion.blur(x, ones), smooth, atol=1e-5)
    np.testing.assert_array_equal(distortion.blur(x, 0 * ones), x)


def test_distort_stays_in_range_and_can_be_repeated():
    first, again = (np.array(distortion.distort(IMAGES, (1, 5))) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == IMAGES.shape
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1 + 1e-6
    for seed in [(1, 6), (2, 5)]:
        assert np.abs(np.array(distortion.distort(IMAGES, seed)) - first).mean() > 0.01


def test_kinds_are_independent_of_each_other():
    """Nothing happens without any; the same things happen with others and alone, one after the other."""
    seed = (3, 1)
    np.testing.assert_array_equal(distortion.distort(IMAGES, seed, ()), IMAGES)
    step = IMAGES
    for kind in distortion.KINDS:
        step = distortion.distort(step, seed, (kind,))
    np.testing.assert_allclose(step, distortion.distort(IMAGES, seed), atol=1e-6)


def test_every_image_is_distorted_in_its_own_way():
    same = np.repeat(IMAGES[:1], 20, axis=0)
    distorted = np.array(distortion.distort(same, (0, 0)))
    assert len(np.unique(distorted.round(3), axis=0)) == 20
    # ink is neither lost nor doubled, but for thicker and thinner strokes
    share = distorted.sum(axis=(1, 2)) / IMAGES[0].sum()
    assert 0.4 < share.min() < 1 < share.max() < 2.2
