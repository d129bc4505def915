"""Pages of real digits, on paper of all sorts, to be read in Python and in browsers."""

import functools
import io

import numpy as np
from PIL import Image
from scipy import ndimage
from support import sample

from digitlib import models
from digitlib.frame import to_frame

DIGITS = sample()  # scikit-learn's digits, which the network was not trained on
TEXT = ["31415", "92653", "58979"]


network = functools.cache(models.reader)  # the packaged network, loaded once for all


def rate(frames):
    return models.ratings(network(), frames)


def enlarged(image, height):
    """A digit of the sample as a pen would have drawn it, 0–1, with edges."""
    ink = ndimage.zoom(image[3:25, 3:25] / 255, height / 20, order=1)
    return (ndimage.gaussian_filter(ink, height / 40).clip(0.4, 0.75) - 0.4) / 0.35


@functools.cache
def readable():
    """Which digits of the sample the packaged network reads surely when they are drawn like that."""
    frames = np.stack([to_frame(enlarged(image, 60)) for image in DIGITS.x_test])
    return rate(frames)[np.arange(len(frames)), DIGITS.y_test] > 0.9


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
