"""`digitlib.handwriting`: pages of real digits, on paper of all sorts, are taken apart again."""

import numpy as np
import pytest
from papers import DIGITS, PAPER, TEXT, enlarged, on_white, page, rate, readable
from PIL import Image, ImageDraw
from scipy import ndimage
from support import few

from digitlib import handwriting


def find(picture):
    return handwriting.find(picture, rate)


def lines(picture):
    """What stands in a picture, a text for each line."""
    found = find(picture)
    n = len(found.frames)
    assert found.frames.shape == (n, 28, 28)
    assert found.frames.dtype == np.uint8
    assert found.corners.shape == (n, 4, 2)
    assert found.boxes.shape == (n, 4)
    assert found.ratings.shape == (n, 11)
    assert found.lines.shape == (n,)
    assert (np.diff(found.lines) >= 0).all()
    digits = found.ratings[:, :10].argmax(axis=1)
    return ["".join(map(str, digits[found.lines == line])) for line in np.unique(found.lines)]


def read(picture):
    return "".join(lines(picture))


def wrong(answer, expected):
    """How many digits must be changed, added, or left out (Levenshtein 1966)."""
    row = range(len(expected) + 1)
    for i, one in enumerate(answer, 1):
        before, row = row, [i]
        for j, other in enumerate(expected, 1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (one != other)))
    return row[-1]


@pytest.mark.parametrize("name", few(PAPER, 6))
def test_a_page_is_read_on_any_paper(name):
    picture = np.clip(PAPER[name](page()), 0, 255).astype(np.uint8)
    assert wrong(read(picture), "".join(TEXT)) <= 1


@pytest.mark.parametrize("height", [24, 40, 150, pytest.param(400, marks=pytest.mark.slow)])
def test_size_does_not_matter(height):
    assert wrong(read(on_white(page(height=height))), "".join(TEXT)) <= 1


@pytest.mark.parametrize("pen", [-3, -1, 2])
def test_the_pen_does_not_matter(pen):
    ink = page(height=80)
    grow = ndimage.grey_dilation if pen > 0 else ndimage.grey_erosion
    ink = grow(ink, size=2 * abs(pen) + 1)
    assert wrong(read(on_white(ink)), "".join(TEXT)) <= 2


@pytest.mark.parametrize("side", [100, 280, 380])
def test_a_bold_digit_is_no_shadow(side):
    """A stroke as wide as a quarter of the picture is ink within, not only where it varies."""
    rng, image = np.random.default_rng(0), np.zeros((28, 28), np.uint8)
    for row in range(4, 24):
        left = 13 - row // 6
        image[row, left : left + 8] = [100, *rng.integers(225, 256, 6), 100]
    large = Image.fromarray(255 - image).resize((side, side), Image.Resampling.BICUBIC)
    (frame,) = handwriting.find(np.asarray(large), rate).frames
    assert frame[10:18, 13:15].min() > 150


@pytest.mark.slow
def test_single_digits_cut_close():
    pictures = []
    for digit in range(10):
        ink = ndimage.grey_erosion(page(seed=3, lines=(str(digit),)), 3)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        pictures += [on_white(ink), 255 - on_white(np.pad(ink, 4))]
    answers = [read(picture) for picture in pictures]
    assert sum(a != str(i // 2) for i, a in enumerate(answers)) <= 3, answers


def test_boxes_lie_around_the_digits_in_reading_order():
    ink = page()
    boxes = find(on_white(ink)).boxes
    assert len(boxes) == 15
    for row in boxes.reshape(3, 5, 4):
        assert (np.diff(row[:, 1]) > 0).all()
    assert (np.diff(boxes.reshape(3, 5, 4)[:, :, 0].mean(axis=1)) > 0).all()
    covered = np.zeros(ink.shape, bool)
    for top, left, bottom, right in boxes:
        part = ink[top:bottom, left:right]
        assert part.max() > 0.9
        assert (part > 0.2).any(axis=1)[[0, -1]].all()
        covered[top:bottom, left:right] = True
    assert not (ink[~covered] > 0.7).any()


def test_two_strokes_that_do_not_touch_are_one_digit():
    image = Image.new("L", (200, 240), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(70, 60), (70, 110)], fill=0, width=12)  # a five and its bar
    draw.arc([45, 100, 140, 200], 220, 490, fill=0, width=12)
    draw.line([(86, 58), (150, 58)], fill=0, width=12)
    found = find(np.asarray(image))
    assert len(found.boxes) == 1
    np.testing.assert_allclose(found.boxes[0], [53, 56, 201, 151], atol=4)


def test_a_small_digit_beside_a_large_one_is_a_digit_of_its_own():
    found = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        ink, x = np.zeros((150, 600)), 20
        for height in rng.permutation([50, 60, 75, 90, 100]):
            pick = rng.choice(np.flatnonzero(readable() & (DIGITS.y_test != 1)))
            one = enlarged(DIGITS.x_test[pick], height)
            one = one[:, (one > 0.5).any(axis=0)]
            ink[125 - len(one) : 125, x : x + one.shape[1]] = one
            x += one.shape[1] + 10
        found += len(find(on_white(ink)).boxes)
    assert 28 <= found <= 30


def test_two_halves_are_one_digit_and_two_digits_are_two():
    image = Image.new("L", (200, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.arc([50, 40, 140, 140], 200, 450, fill=0, width=14)  # a three cut across
    draw.arc([30, 155, 160, 255], 270, 520, fill=0, width=14)
    assert len(find(np.asarray(image)).boxes) == 1
    draw.rectangle([0, 0, 200, 300], fill=255)
    for top in (20, 170):  # two zeros, one above the other
        draw.ellipse([60, top, 130, top + 110], outline=0, width=14)
    assert len(find(np.asarray(image)).boxes) == 2


def test_a_strip_of_paper_too_narrow_for_its_own_edge():
    strip = np.full((25, 950), 235, np.uint8)
    assert len(find(np.pad(strip, (38, 25), constant_values=40)).boxes) <= 1


@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 400), 200, np.uint8),
        np.zeros((50, 50), np.uint8),
        np.ones((1, 1)),
        np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8),
        (np.random.default_rng(0).random((900, 900)) < 0.2).astype(float),
        np.tile(np.linspace(0, 1, 500), (300, 1)),
        np.clip(np.random.default_rng(0).normal(180, 10, (300, 300, 3)), 0, 255).astype(np.uint8),
    ],
    ids=["gray", "black", "one pixel", "noise", "dots", "ramp", "paper"],
)
def test_no_digit(picture):
    assert read(picture) == ""


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((3, 28, 28)), np.zeros(5), np.zeros((0, 4)), np.full((9, 9), np.nan),
        np.full((9, 9), 256), np.full((9, 9), -1), np.full((9, 9), 1.5), np.full((9, 9), "a"),
    ],
)  # fmt: skip
def test_no_picture(picture):
    with pytest.raises(ValueError, match="expected"):
        find(picture)
