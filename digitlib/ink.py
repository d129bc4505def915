"""How much ink lies on each pixel of a picture, whatever its color, the paper's, and the light?

In the picture of a desk the sheet is found first. Ink is what is darker than the paper around it,
as a share of the paper's brightness, which shadows leave as it is.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

SMOOTH = 1  # pixels, by which a picture that was enlarged is blurred
STROKE = 1 / 12  # of the longer side, how wide a stroke may be; what is wider is paper in shadow
BROAD = 1 / 3  # the same in a small picture, which a digit may fill
FEW = 5  # one pixel in so many is enough for statistics
NOISE = 5  # times the spread of the paper's brightness, which ink stands out by
FAINT = 0.06  # of the paper's brightness, the least contrast of ink
WEAK = 0.25  # of the contrast of strong ink, that weak ink has at least
STRENGTH = 0.35  # of the strongest ink of a stroke, where its edge is
EDGE, SOFT = 0.3, 1.4  # of that edge: where 0 begins, and how far it is from there to 1

# a sheet of paper in the picture
SHEET = (0.05, 0.85)  # of the picture
GRAIN = 0.005  # of the picture's longer side, up to which what shines on a desk is no sheet
OTHER = 0.4  # of the rest of the picture, that may be as bright
TOUCHED = 0.3  # of a side of the picture; it does so to no more than two of them
RECTANGLE = 0.85  # of the smallest rectangle around it, that a sheet fills
STEP = 0.2  # of the range from black to white, by which it is brighter than the desk
MARGIN = 0.015  # of the picture's longer side, how far from its edge ink begins
RIM = 6  # pixels to either side of its edge, where that is measured

# ruled and squared paper
TILT = 0.12  # pixels down for each to the right, up to which its lines are found
SLOPES = 4  # so many times lines are looked for, at another slope each time
GAP = 3  # pixels to either side, over which a line goes on
ACROSS = 0.3  # of the picture's width, from which ink in one row is a line
POINTS = 10_000  # of ink, that tell at which slope the lines run


class Sheet(NamedTuple):
    """A sheet of paper in a picture."""

    mask: np.ndarray  # shape (height, width), bool
    degrees: float  # by which it is turned clockwise, -45 to 45


def brightness(pixels):
    """One number a pixel, larger where it is brighter: array of shape (height, width).

    It is the direction in the space of colors in which the picture has most contrast, so that red
    ink on green paper is seen as well. `pixels` has shape (height, width, 3), 0–1.
    """
    side = max(pixels.shape) // 4 | 1
    local = pixels - ndimage.uniform_filter(pixels, (side, side, 0))
    axis = np.linalg.eigh(np.tensordot(local, local, [(0, 1), (0, 1)]))[1][:, -1]
    axis = axis * np.sign(axis[abs(axis).argmax()])
    if axis.min() > 0:
        return pixels @ (axis / axis.sum())
    gray = pixels @ axis
    return (gray - gray.min()) / max(np.ptp(gray), 1e-6)


def sheet(gray):
    """The sheet of paper in the picture of a desk, or None if paper is all around.

    The largest bright area is a sheet if it has the shape of a rectangle and its edge is sharp.
    `gray` has shape (height, width), 0–1.
    """
    bright = gray > otsu(gray.ravel())
    grain = max(2, round(GRAIN * max(gray.shape)))
    labels, n = ndimage.label(ndimage.maximum_filter(_shrunk(bright, grain), 2 * grain + 1))
    if not n:
        return None
    mask = ndimage.binary_fill_holes(labels == np.bincount(labels.ravel())[1:].argmax() + 1)
    if not SHEET[0] < mask.mean() < SHEET[1] or bright[~mask].mean() > OTHER:
        return None
    sides = [side.mean() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])]
    if sum(side > TOUCHED for side in sides) > 2:  # the light part of a sheet all around
        return None
    y, x = np.nonzero(mask & ~_shrunk(mask, 1))
    degrees = np.arange(-45, 45)
    angle = np.radians(degrees)[:, None]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    area = (np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)
    if mask.sum() < RECTANGLE * area.min():
        return None
    within = _shrunk(mask, 2) & ~_shrunk(mask, RIM)
    outside = _shrunk(~mask, 2) & ~_shrunk(~mask, RIM)
    if np.median(gray[within]) - np.median(gray[outside]) < STEP:
        return None
    mask = _shrunk(mask, max(4, round(MARGIN * max(mask.shape))))
    return Sheet(mask, float(degrees[area.argmin()])) if mask.any() else None


def _shrunk(mask, pixels):
    return ndimage.minimum_filter(mask, 2 * pixels + 1)


def bright_ink(gray):
    """Whether the ink is brighter than the paper: it covers less, and stands out more.

    `gray` has shape (height, width), 0–1.
    """
    local = gray - ndimage.uniform_filter(gray, max(gray.shape) // 4 | 1)
    return np.mean(local**3) > 0


def ink(gray, mask=None, *, small=False):
    """How much ink lies on each pixel: array of shape (height, width), 0–1.

    0.5 is where a stroke ends. `gray` is the brightness, 0–1, of a picture in which ink is darker
    than the paper. With a mask, only what is in it is paper. A small picture may be filled by one
    digit, so that strokes are broad and cover half of it.
    """
    side = max(15, round(max(gray.shape) * (BROAD if small else STROKE))) | 1
    paper = gray if mask is None else gray * mask
    light = ndimage.uniform_filter(ndimage.grey_closing(paper, side), side // 2 | 1)
    amount = np.clip(1 - gray / np.maximum(light, 0.02), 0, 1)
    if mask is not None:
        amount *= mask
    values = (amount.ravel() if mask is None else amount[mask])[::FEW]
    half = 25 if small else 50  # percent of the pixels, so that these are paper
    low, middle = np.percentile(values, [half / 5, half])
    least = max(middle + NOISE * (middle - low), FAINT)
    if not (values > least).any():
        return np.zeros_like(amount)
    least = max(least, WEAK * np.percentile(values[values > least], 80))
    labels, n = ndimage.label(amount > least, np.ones((3, 3)))
    if not n:
        return np.zeros_like(amount)
    # each stroke by its own strength
    strength, inked = np.full(n + 1, least), labels > 0
    np.maximum.at(strength, labels[inked], amount[inked])
    edge = np.maximum(STRENGTH * strength[labels], least)
    return np.clip((amount / edge - EDGE) / SOFT, 0, 1) * inked


def without_lines(amount):
    """The ink without the lines of ruled or squared paper: the amount, or None if it has none.

    A line runs straight along the picture, tilted a little or not.
    """
    rest = amount
    for _ in range(SLOPES):  # a photo's lines are not parallel
        before = rest
        rest = _without_rows(_without_rows(rest).T).T
        if (rest == before).all():
            break
    return None if (rest == amount).all() else rest


def _without_rows(amount):
    """Without those lines that run across the picture at the slope at which most do."""
    mask = amount > 0.5
    y, x = np.nonzero(mask)
    if not len(y):
        return amount
    height, width = mask.shape
    some = slice(None, None, 1 + len(y) // POINTS)
    t = slope(y[some], x[some], np.ones(len(y[some])), 1, TILT, max(3, round(TILT * width)))
    row = np.round(y - t * (x - width / 2)).astype(int).clip(0, height - 1)
    level = np.zeros_like(mask)
    level[row, x] = True
    level = ndimage.maximum_filter(level, (3, 2 * GAP + 1))
    runs = ndimage.label(level, [[0, 0, 0], [1, 1, 1], [0, 0, 0]])[0]
    long = np.flatnonzero(np.bincount(runs.ravel())[1:] > ACROSS * width) + 1
    lined = np.isin(runs, long).any(axis=1)
    if not lined.any():
        return amount
    lines = ndimage.label(ndimage.binary_dilation(lined))[0]
    thick = np.bincount(lines)[1:].max()
    tall = {"size": 2 * thick + 1, "axis": 0, "mode": "constant"}
    crossing = ndimage.maximum_filter1d(ndimage.minimum_filter1d(mask, **tall), **tall)
    gone = np.zeros_like(mask)
    gone[y, x] = (lines[row] > 0) & ~crossing[y, x]
    return amount * ~ndimage.maximum_filter1d(gone, 3, axis=0)


def slope(y, x, weight, grain, most, n):
    """The slope at which points lie in rows: the one that gathers their weight in the fewest rows.

    Parameters
    ----------
    y, x, weight : arrays of shape (m,)
    grain : float, the height of a row
    most : float, the steepest slope that is tried
    n : int, how many to either side of 0 are tried

    Returns
    -------
    float, pixels down for each to the right
    """
    best = None
    for t in sorted(np.linspace(-most, most, 2 * n + 1), key=abs):
        row = np.floor((y - t * x) / grain).astype(int)
        filled = np.bincount(row - row.min(), weight)
        score = ((filled[1:] + filled[:-1]) ** 2).sum() if len(filled) > 1 else filled[0] ** 2
        if best is None or score > 1.01 * best[0]:
            best = score, t
    return best[1]


def otsu(values):
    """The threshold that parts values into two groups, each as uniform as can be (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    centers = (edges[1:] + edges[:-1]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * centers) / np.maximum(below, 1)
    mean_above = (np.cumsum((counts * centers)[::-1]) / np.maximum(above[::-1], 1))[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return centers[np.argmax(between)]
