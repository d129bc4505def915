"""Which pieces of ink does a picture hold, how large is a digit in it, and which lie in one line?

A piece is at most one digit: what could be two that touch is cut into more pieces than needed.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from digitlib.ink import slope

EIGHT = np.ones((3, 3))  # neighbors of a pixel, and itself
MANY = 1500  # pieces; where there are more, it is texture
SPECK = 0.12  # sizes of a digit, up to which a piece is nothing
HUGE = 4  # sizes of a digit, from which a piece is too tall to be one
LONG, FLAT = 4, 0.5  # a piece that is so long and so flat is a line
CONTACT = 0.25  # of its height and width, from which a piece at the picture's border is no digit
FULL = 0.9  # of its box; where there is no other piece, only what fills so much of it is left out
# print
FINE = 0.4  # sizes of a digit, up to which letters and words are thin
CROWD, NEAR = 5, 0.5  # so many others within so many sizes of a digit
# cutting
WIDE = 0.9  # heights, from which a piece may be two digits
CUTTABLE = (0.5, 2)  # sizes of a digit, between which the height of such a piece lies
LOW = 0.8  # of the most ink in a column, below which a piece may be cut there
BETWEEN = 1 / 12  # sizes of a digit to either side, within which a cut has the least ink
# lines
STEEP = 1.0  # pixels down for each to the right, up to which lines are found
TALL = 0.5  # sizes of a digit, from which a piece says where a line is
APART = 0.65  # sizes of a digit, by which lines are apart


class Pieces(NamedTuple):
    """The pieces of ink in a picture."""

    labels: np.ndarray  # shape (height, width), int: 0, or the number of a piece and 1
    boxes: np.ndarray  # shape (n, 4), int: top, left, bottom, right
    size: int  # of a digit, in pixels: its height
    lines: list  # of lists of numbers of pieces, from left to right; from top to bottom


def pieces(amount):
    """The pieces of ink in a picture, in lines.

    `amount` has shape (height, width), 0–1, with ink above 0.5.
    """
    labels, n = ndimage.label(amount > 0.5, EIGHT)
    if n > 10 * MANY:
        labels[:] = 0
    labels, boxes = inside(labels)
    size = _usual(labels, boxes)
    tall, wide = sides(boxes).T
    dash = (wide > LONG * size) & (tall < FLAT * size)
    fits = (np.maximum(tall, wide) > SPECK * size) & (tall < HUGE * size)
    labels, boxes = _kept(labels, boxes, fits & ~dash)
    if not 0 < len(boxes) <= MANY:
        return Pieces(np.zeros_like(labels), np.zeros((0, 4), int), 0, [])
    labels, boxes = _kept(labels, boxes, ~_print(boxes, size))
    labels, boxes = _cut(labels, boxes, size)
    return Pieces(labels, boxes, size, _lines(boxes, size))


def inside(labels):
    """The pieces without those that lie along the border, as shadows do and the edges of sheets.

    Pieces are labels, 1 to n, of shape (height, width); so is what is returned, and then come the
    boxes, shape (n, 4).
    """
    labels, boxes = _numbered(labels)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    contact = np.bincount(edge, minlength=len(boxes) + 1)[1:]
    keep = contact < CONTACT * sides(boxes).sum(axis=1)
    if not keep.any():  # a digit may be cut close
        areas = np.bincount(labels.ravel(), minlength=len(boxes) + 1)[1:]
        keep = areas < FULL * sides(boxes).prod(axis=1)
    return _kept(labels, boxes, keep)


def usual_size(amount):
    """The size of a digit in pixels, roughly: of the piece that the typical pixel belongs to.

    0 if there is no ink. `amount` has shape (height, width), 0–1.
    """
    return _usual(*_numbered(ndimage.label(amount > 0.5, EIGHT)[0]))


def sides(boxes):
    """Heights and widths: array of shape (n, 2)."""
    return boxes[:, 2:] - boxes[:, :2]


def _numbered(labels):
    """Labels without gaps in their numbers, and the box of each."""
    numbers = np.flatnonzero(np.bincount(labels.ravel()))
    numbers = numbers[numbers > 0]
    order = np.zeros(labels.max() + 1, int)
    order[numbers] = np.arange(len(numbers)) + 1
    labels = order[labels]
    boxes = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)]
    return labels, np.array(boxes, int).reshape(-1, 4)


def _kept(labels, boxes, keep):
    """Only those pieces that are to be kept."""
    return np.concatenate([[0], np.cumsum(keep) * keep])[labels], boxes[keep]


def _usual(labels, boxes):
    if not len(boxes):
        return 0
    sizes = sides(boxes)[:, 0]
    areas = np.bincount(labels.ravel(), minlength=len(boxes) + 1)[1:]
    order = np.argsort(sizes, kind="stable")
    share = np.cumsum(areas[order]) / areas.sum()
    return int(sizes[order][np.searchsorted(share, 0.5)])


def _print(boxes, size):
    """Which pieces are printed: thin, as letters and words are, and close to many such.

    Array of shape (n,), bool.
    """
    thin = sides(boxes).min(axis=1) < FINE * size
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    gap = np.maximum(low - boxes[:, 2:], boxes[:, :2] - high).max(axis=-1)
    return thin & (((gap < NEAR * size) & thin).sum(axis=1) > CROWD)


def _cut(labels, boxes, size):
    """Pieces that may be several digits, cut where they have little ink above each other."""
    labels, last = labels.copy(), len(boxes)
    for number, (top, left, bottom, right) in enumerate(boxes, 1):
        tall, wide = bottom - top, right - left
        if wide <= WIDE * tall or not CUTTABLE[0] * size < tall < CUTTABLE[1] * size:
            continue
        part = labels[top:bottom, left:right]
        own = part == number
        for column in _columns(own, max(2, round(BETWEEN * size))):
            last += 1
            part[:, column:][own[:, column:]] = last
    return _numbered(labels)


def _columns(own, reach):
    """Where a piece may be cut: columns with less ink than those within reach, and little of it."""
    filled = ndimage.gaussian_filter1d(own.sum(axis=0).astype(float), 1)
    least = ndimage.minimum_filter1d(filled, 2 * reach + 1)
    low = (filled == least) & (filled < LOW * filled.max())
    low[:3] = low[-3:] = False
    return [(run.start + run.stop) // 2 for (run,) in ndimage.find_objects(ndimage.label(low)[0])]


def _lines(boxes, size):
    """Numbers of pieces, line by line, each from left to right."""
    tall = boxes[:, 2] - boxes[:, 0]
    y, x = boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)
    large = tall > TALL * size if (tall > TALL * size).any() else tall > 0
    t = slope(y[large], x[large], np.minimum(tall[large], 1.2 * size), size / 4, STEEP, 50)
    place = y - t * x
    lines = []  # of places
    for one in np.sort(place[large]):
        if lines and one - np.mean(lines[-1]) < APART * size:
            lines[-1].append(one)
        else:
            lines.append([one])
    middles = np.array([np.mean(line) for line in lines])
    nearest = abs(place[:, None] - middles).argmin(axis=1)
    found = (np.flatnonzero(nearest == line) for line in range(len(lines)))
    return [list(line[np.argsort(x[line], kind="stable")]) for line in found]
