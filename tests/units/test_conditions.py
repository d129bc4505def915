"""`digitlib.conditions`: each makes pictures worse in one way, and more so with its strength."""

import numpy as np
import pytest
from scipy import ndimage

from digitlib import conditions, data

IMAGES = data.load("sample").x_test[:40]


@pytest.fixture(params=conditions.CONDITIONS)
def name(request):
    return request.param


def test_pictures_stay_pictures_and_the_same_call_gives_the_same(name):
    for strength in range(6):
        worse = conditions.worse(IMAGES, name, strength)
        assert worse.shape == IMAGES.shape
        assert worse.dtype == np.uint8
        assert (worse == conditions.worse(IMAGES, name, strength)).all()


def test_nothing_changes_at_0_and_more_changes_with_the_strength(name):
    assert (conditions.worse(IMAGES, name, 0) == IMAGES).all()
    changed = [
        np.abs(conditions.worse(IMAGES, name, strength) - IMAGES.astype(float)).mean()
        for strength in range(6)
    ]
    assert (np.diff(changed) > 0).all()


def test_what_each_does_to_the_ink():
    def ink(name, strength):
        return conditions.worse(IMAGES, name, strength).astype(float)

    total = IMAGES.sum()
    assert ink("blurred", 2).sum() == pytest.approx(total, rel=0.02)
    assert ink("faint", 3) == pytest.approx(IMAGES * 0.4, abs=0.5)
    assert (ink("thick", 3) >= IMAGES).all()
    assert (ink("thin", 3) <= IMAGES).all()
    assert ((ink("covered", 3) == IMAGES) | (ink("covered", 3) == 0)).all()
    gone = IMAGES[ink("covered", 5) != IMAGES]
    assert 0.1 * total < gone.sum() < 0.9 * total
    clear = (IMAGES > 100) & (IMAGES < 150)  # where noise meets no end of the scale
    assert (ink("noisy", 1) - IMAGES)[clear].std() == pytest.approx(25.5, rel=0.2)


def test_turned_to_either_side_about_the_middle():
    turned = conditions.worse(IMAGES, "turned", 4).astype(float)
    ways = [ndimage.rotate(IMAGES.astype(float), a, (2, 1), False, order=1) for a in (60, -60)]
    near = [np.abs(turned - way).max(axis=(1, 2)) < 1 for way in ways]
    assert (near[0] ^ near[1]).all()
    assert near[0].any()
    assert near[1].any()


def test_coarse_takes_no_ink_for_the_ground():
    """Where it fills all of the pixels that are left, as that of a bar, none is without."""
    bar, blank = np.zeros((2, 28, 28), np.uint8)
    bar[4:24, 12:16] = 255
    coarse, still = conditions.worse(np.array([bar, blank]), "coarse", 5)
    assert coarse.any(axis=1).sum() == 20
    assert not still.any()


def test_coarse_keeps_no_more_strokes_than_its_pixels():
    stripes = np.zeros((1, 28, 28), np.uint8)
    stripes[:, 4:24, 4:24:2] = 255

    def strokes(image):
        slopes = np.sign(np.diff(image[14].astype(float)))
        return int((np.diff(slopes[slopes != 0]) < 0).sum())

    assert strokes(stripes[0]) == 10
    assert strokes(conditions.worse(stripes, "coarse", 5)[0]) <= 5


@pytest.mark.parametrize(
    ("name", "strength", "message"),
    [("wet", 1, "no condition 'wet'; there are blurred"), ("noisy", 6, "from 0 to 5; got 6")],
)
def test_what_is_not_there(name, strength, message):
    with pytest.raises(ValueError, match=message):
        conditions.worse(IMAGES, name, strength)


def test_what_is_no_image():
    with pytest.raises(ValueError, match=r"uint8, pixels 0–255; got shape .*float64"):
        conditions.worse(IMAGES / 255, "blurred", 1)
    same = (conditions.worse(IMAGES, "blurred", strength) for strength in (1, 1.0))
    np.testing.assert_array_equal(*same)
