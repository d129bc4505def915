"""`digitlib.handwriting`: pages of real digits, on paper of all sorts, are taken apart again."""

import functools
import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage
from support import few, sample

from digitlib import handwriting, models
from digitlib.frame import to_frame

DIGITS = sample()  # scikit-learn's digits, which the network was not trained on
TEXT = ["31415", "92653", "58979"]


@functools.cache
def network():
    return models.reader()


def enlarged(image, height):
    """A digit of the sample as a pen would have drawn it, 0–1, with edges."""
    ink = ndimage.zoom(image[3:25, 3:25] / 255, height / 20, order=1)
    return (ndimage.gaussian_filter(ink, height / 40).clip(0.25, 0.6) - 0.25) / 0.35


@functools.cache
def readable():
    """Which digits of the sample the packaged network reads when they are drawn like that."""
    frames = np.stack([to_frame(enlarged(image, 60)) for image in DIGITS.x_test])
    return models.answers(network(), frames).argmax(axis=1) == DIGITS.y_test


@functools.cache
def page(seed=0, height=70, gap=0.45, lines=tuple(TEXT)):
    """Ink from 0 to 1: lines of readable digits."""
    rng = np.random.default_rng(seed)
    tall, wide = round(height * 1.6), round(height * (1.2 + gap))
    ink = np.zeros((tall * len(lines) + height // 2, wide * max(map(len, lines)) + height // 2))
    for row, line in enumerate(lines):
        for column, digit in enumerate(line):
            pick = rng.choice(np.flatnonzero(readable() & (DIGITS.y_test == int(digit))))
            one = enlarged(DIGITS.x_test[pick], height)
            y = row * tall + height // 3 + rng.integers(-3, 4)
            x = column * wide + height // 3
            ink[y : y + one.shape[0], x : x + one.shape[1]] = one
    return ink


def colored(ink, paper, pen):
    share = ink[..., None]
    return ((np.array(paper) * (1 - share) + np.array(pen) * share) * 255).clip(0, 255)


def on_white(ink):
    return colored(ink, (1, 1, 1), (0.1, 0.1, 0.2)).astype(np.uint8)


def shadow(ink):
    y, x = np.indices(ink.shape) / max(ink.shape)
    return colored(ink, (0.9, 0.9, 0.85), (0.1, 0.1, 0.2)) * (1 - 0.65 * (x + y) / 1.5)[..., None]


def shadow_edge(ink):
    y, x = np.indices(ink.shape)
    dark = ndimage.gaussian_filter((x + y / 3 > 0.6 * ink.shape[1]).astype(float), 3)
    return colored(ink, (0.9, 0.9, 0.9), (0.1, 0.1, 0.1)) * (1 - 0.5 * dark)[..., None]


def ruled(ink):
    pixels = colored(ink, (1, 1, 1), (0.1, 0.1, 0.3))
    for y in range(20, len(ink), 37):
        pixels[y : y + 2] = np.minimum(pixels[y : y + 2], [150, 180, 230])
    return pixels


def squared(ink):
    pixels = ruled(ink)
    for x in range(12, ink.shape[1], 37):
        pixels[:, x : x + 2] = np.minimum(pixels[:, x : x + 2], [150, 180, 230])
    return pixels


def noisy(ink):
    noise = np.random.default_rng(1).normal(0, 20, (*ink.shape, 3))
    return colored(ink, (0.8, 0.8, 0.8), (0.1, 0.1, 0.1)) + noise


def specks(ink):
    rng = np.random.default_rng(2)
    dots = np.zeros(ink.shape)
    dots[rng.integers(0, ink.shape[0], 60), rng.integers(0, ink.shape[1], 60)] = 1
    return colored(np.maximum(ink, ndimage.maximum_filter(dots, 3)), (1, 1, 1), (0, 0, 0))


def on_a_table(ink):
    pixels = colored(ink, (0.85, 0.85, 0.85), (0.1, 0.1, 0.15)).astype(np.uint8)
    image = Image.fromarray(np.pad(pixels, ((50, 50), (50, 50), (0, 0))))
    return np.asarray(image.rotate(2, Image.Resampling.BILINEAR, fillcolor=(0, 0, 0)))


def tilted(ink):
    image = Image.fromarray(on_white(ink))
    return np.asarray(
        image.rotate(5, Image.Resampling.BILINEAR, expand=True, fillcolor=(255, 255, 255))
    )


def compressed(ink):
    buffer = io.BytesIO()
    Image.fromarray(on_white(ink)).save(buffer, "JPEG", quality=20)
    return np.asarray(Image.open(buffer))


PAPER = {
    "black on white": on_white,
    "white on black": lambda ink: 255 - on_white(ink),
    "gray on gray": lambda ink: colored(ink, (0.6, 0.6, 0.6), (0.45, 0.45, 0.45)),
    "red on green": lambda ink: colored(ink, (0.3, 0.5, 0.3), (0.75, 0.2, 0.2)),
    "yellow on blue": lambda ink: colored(ink, (0.1, 0.2, 0.6), (1, 0.9, 0.2)),
    "shadow": shadow,
    "shadow with an edge": shadow_edge,
    "ruled": ruled,
    "squared": squared,
    "noise": noisy,
    "specks": specks,
    "on a table": on_a_table,
    "tilted": tilted,
    "compressed": compressed,
}


def read(*pictures):
    """What stands in each picture: a text of digits each; one text for one picture."""
    found = [handwriting.find(picture) for picture in pictures]
    for frames, boxes in found:
        assert frames.dtype == np.uint8
        assert frames.shape[1:] == (28, 28)
        assert boxes.shape == (len(frames), 4)
    frames = np.concatenate([one.frames for one in found])
    answers = models.answers(network(), frames).argmax(axis=1) if len(frames) else []
    digits = iter(map(str, answers))
    texts = ["".join(itertools.islice(digits, len(one.frames))) for one in found]
    return texts if len(texts) > 1 else texts[0]


def wrong(answer, expected):
    """How many digits are wrong; all of them if their number is."""
    if len(answer) != len(expected):
        return len(expected)
    return sum(a != b for a, b in zip(answer, expected, strict=True))


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


@pytest.mark.slow
def test_single_digits_cut_close():
    pictures = []
    for digit in range(10):
        ink = ndimage.grey_erosion(page(seed=3, lines=(str(digit),)), 5)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        pictures += [on_white(ink), 255 - on_white(np.pad(ink, 4))]
    answers = read(*pictures)
    assert sum(a != str(i // 2) for i, a in enumerate(answers)) <= 2, answers


def test_boxes_lie_around_the_digits_in_reading_order():
    ink = page()
    _, boxes = handwriting.find(on_white(ink))
    assert len(boxes) == 15
    for row in boxes.reshape(3, 5, 4):
        assert (np.diff(row[:, 1]) > 0).all()
    assert (np.diff(boxes.reshape(3, 5, 4)[:, :, 0].mean(axis=1)) > 0).all()
    covered = np.zeros(ink.shape, bool)
    for top, left, bottom, right in boxes:
        part = ink[top:bottom, left:right]
        assert part.max() > 0.9
        assert (part > 0.5).any(axis=1)[[0, -1]].all()
        covered[top:bottom, left:right] = True
    assert not (ink[~covered] > 0.7).any()


def test_two_strokes_that_do_not_touch_are_one_digit():
    image = Image.new("L", (200, 240), 255)
    draw = ImageDraw.Draw(image)
    draw.line([(70, 60), (70, 110)], fill=0, width=12)  # a five and its bar
    draw.arc([45, 100, 140, 200], 220, 490, fill=0, width=12)
    draw.line([(86, 58), (150, 58)], fill=0, width=12)
    found = handwriting.find(np.asarray(image))
    assert len(found.boxes) == 1
    np.testing.assert_allclose(found.boxes[0], [53, 56, 201, 151], atol=4)


def test_a_small_digit_beside_a_large_one_is_a_digit_of_its_own():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        ink, x = np.zeros((150, 600)), 20
        for height in rng.permutation([50, 60, 75, 90, 100]):
            pick = rng.choice(np.flatnonzero(readable() & (DIGITS.y_test != 1)))
            one = enlarged(DIGITS.x_test[pick], height)
            one = one[:, (one > 0.5).any(axis=0)]
            ink[125 - len(one) : 125, x : x + one.shape[1]] = one
            x += one.shape[1] + 10
        assert len(handwriting.find(on_white(ink)).boxes) == 5


def test_two_halves_are_one_digit_and_two_digits_are_two():
    image = Image.new("L", (200, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.arc([50, 40, 140, 140], 200, 450, fill=0, width=14)  # a three cut across
    draw.arc([30, 155, 160, 255], 270, 520, fill=0, width=14)
    assert len(handwriting.find(np.asarray(image)).boxes) == 1
    draw.rectangle([0, 0, 200, 300], fill=255)
    for top in (20, 170):  # two zeros, one above the other
        draw.ellipse([60, top, 130, top + 110], outline=0, width=14)
    assert len(handwriting.find(np.asarray(image)).boxes) == 2


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
    frames, boxes = handwriting.find(picture)
    assert frames.shape == (0, 28, 28)
    assert boxes.shape == (0, 4)


def test_an_empty_picture_is_looked_at_once(monkeypatch):
    looks = []

    def counted(*args):
        looks.append(args)
        return ink(*args)

    ink = handwriting.ink
    monkeypatch.setattr(handwriting, "ink", counted)
    assert len(handwriting.find(np.full((900, 1300), 250, np.uint8)).boxes) == 0
    assert len(looks) == 1


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((3, 28, 28)), np.zeros(5), np.zeros((0, 4)), np.full((9, 9), np.nan),
        np.full((9, 9), 256), np.full((9, 9), -1), np.full((9, 9), 1.5), np.full((9, 9), "a"),
    ],
)  # fmt: skip
def test_no_picture(picture):
    with pytest.raises(ValueError, match="expected"):
        handwriting.find(picture)
