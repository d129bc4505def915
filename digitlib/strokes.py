"""What do other hands add to a digit?

Strokes on MNIST's training digits, as they are written elsewhere: a flag on a 1, a bar across a 7,
a curled tail on a 9.
"""

import numpy as np
from PIL import Image, ImageDraw

from digitlib.frame import SIDE, to_frame

FIELD = 2 * SIDE  # pixels, the side of the paper that is drawn on
FINER = 4  # pixels that a pixel is drawn with
ROOM = SIDE // 2  # pixels of paper around a digit, for its new stroke
INK = 0.4  # from which a pixel belongs to a stroke
# Added strokes, as ranges; lengths in heights of the digit, angles in degrees.
FLAG, FLAG_ANGLE = (0.2, 0.85), (15, 65)  # from the top of a 1, to the left of straight down
FOOT, FOOTED = (0.15, 0.35), 0.25  # half of its length, and the share of ones that have it
BAR, BAR_AT = (0.15, 0.35), (0.4, 0.6)  # half of the length of a 7's bar, and how far down
CURL, CURL_TURN = (0.12, 0.3), (60, 170)  # the radius of a 9's tail, and how far it goes around
WITH_STROKES = (1, 7, 9)


def with_strokes(x, y, *, seed):
    """Ones, sevens and nines as they are written elsewhere.

    A 1 gets a flag and, now and then, a foot, a 7 a bar, a 9 a curled tail, drawn with the pen of
    the digit.

    Parameters
    ----------
    x : array of shape (n, 28, 28), float, 0–1, digits in MNIST's frame
    y : array of shape (n,), int
    seed : int

    Returns
    -------
    (array of shape (m, 28, 28), float32, 0–1, digits in MNIST's frame; array of shape (m,), int)
        One for each of the m digits that are a 1, a 7 or a 9.
    """
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(np.isin(y, WITH_STROKES))
    images = [framed(np.maximum(_on_paper(x[i]), _stroke(x[i], y[i], rng))) for i in chosen]
    return stacked(images), np.asarray(y)[chosen]


# Strokes on a field of paper: x to the right, y down


def drawn(strokes, pen):
    """Ink along broken lines, with round ends.

    Parameters
    ----------
    strokes : list of arrays of shape (k, 2), float, the corners of a line, x and y in pixels
    pen : float, the width of the pen in pixels

    Returns
    -------
    array of shape (56, 56), float, 0–1
    """
    image = Image.new("L", (FIELD * FINER, FIELD * FINER))
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        corners = (np.asarray(stroke) + 0.5) * FINER
        draw.line([*map(tuple, corners)], fill=255, width=max(1, round(pen * FINER)), joint="curve")
        for end in corners[[0, -1]]:
            half = pen * FINER / 2
            draw.ellipse([*(end - half), *(end + half)], fill=255)
    return np.asarray(image.reduce(FINER)) / 255


def curve(points, steps=8):
    """A smooth line through points, as Catmull and Rom (1974) draw it: array of shape (m, 2)."""
    ends = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p0, p1, p2, p3 = (np.stack([ends[0], *points, ends[1]])[i : i - 3 or None] for i in range(4))
    t = np.arange(steps)[:, None, None] / steps
    inner = p1 + t / 2 * (
        p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * p1 - p0 - 3 * p2 + p3))
    )
    return np.concatenate([inner.swapaxes(0, 1).reshape(-1, 2), points[-1:]])


def _on_paper(image):
    return np.pad(image, ROOM)


def framed(field):
    """What is on a field of paper, in MNIST's frame: array of shape (28, 28), float32, 0–1."""
    return to_frame(field) / np.float32(255)


def stacked(images):
    """A list of images as an array of shape (n, 28, 28), float32."""
    return np.array(images, "float32").reshape(-1, SIDE, SIDE)


# A stroke more


def _stroke(image, digit, rng):
    """The stroke that this digit has elsewhere, on a field of paper with the digit in its middle."""
    field = _on_paper(image)
    rows = np.flatnonzero((field > INK).any(axis=1))
    if not len(rows):
        raise ValueError(f"expected digits with ink above {INK:g}; this one is fainter")
    top, bottom = rows[0], rows[-1]
    height, pen = bottom - top, _pen(image)
    return _STROKES[digit](field, top, bottom, height, pen, rng)


def _pen(image):
    """The width of a pen in pixels: twice the area of the ink over the length of its outline."""
    down, right = np.gradient(np.pad(image, 1))
    return float(np.clip(2 * image.sum() / np.hypot(down, right).sum(), 1, 4))


def _middle(field, row):
    """The column in the middle of the ink of a row."""
    return np.flatnonzero(field[row] > INK).mean() if (field[row] > INK).any() else FIELD / 2


def _flag(field, top, bottom, height, pen, rng):
    angle, length = np.radians(rng.uniform(*FLAG_ANGLE)), height * rng.uniform(*FLAG)
    tip = np.array([_middle(field, top), top + pen / 2])
    lines = [np.stack([tip, tip + length * np.array([-np.sin(angle), np.cos(angle)])])]
    if rng.random() < FOOTED:
        lines.append(
            _across(_middle(field, bottom), bottom - pen / 2, height * rng.uniform(*FOOT), rng)
        )
    return drawn(lines, pen)


def _bar(field, top, bottom, height, pen, rng):
    row = top + height * rng.uniform(*BAR_AT)
    return drawn([_across(_middle(field, round(row)), row, height * rng.uniform(*BAR), rng)], pen)


def _across(x, y, half, rng):
    """A level line, nearly."""
    tilt = rng.uniform(-0.15, 0.15) * half
    return np.array([[x - half, y + tilt], [x + half, y - tilt]])


def _curl(field, top, bottom, height, pen, rng):
    radius, turn = height * rng.uniform(*CURL), np.radians(rng.uniform(*CURL_TURN))
    angle = turn * np.linspace(0, 1, 8)
    x = _middle(field, bottom) - radius * (1 - np.cos(angle))
    y = bottom - pen / 2 + 0.7 * radius * np.sin(angle)
    return drawn([np.stack([x, y], axis=-1)], pen)


_STROKES = {1: _flag, 7: _bar, 9: _curl}
