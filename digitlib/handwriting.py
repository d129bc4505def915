"""Which digits stand in a picture, and where?

The picture becomes ink (see `ink`), ink becomes digits (see `reading`), and where that gives nothing
sure, the picture is looked at in another way: without ruled lines, with bright ink, turned.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from digitlib import ink as inks
from digitlib.ink import ink
from digitlib.nothing import NOTHING
from digitlib.pictures import checked, load, resized, working_scale
from digitlib.pieces import usual_size
from digitlib.reading import read

__all__ = ["Found", "find", "ink", "load"]  # `ink` and `load` for the chapters

LINE = 2  # sizes of a digit, from which a straight line is none of its strokes
FILLED = 400  # pixels of the longer side, up to which one digit may fill a picture
BETTER = 0.8  # of the cost, that another way may have to be taken


class Found(NamedTuple):
    """The digits of a picture in reading order."""

    frames: np.ndarray  # shape (n, 28, 28), uint8, as MNIST has them
    corners: np.ndarray  # shape (n, 4, 2), float: x and y of each corner, in pixels of the picture
    lines: np.ndarray  # shape (n,), int: in which line a digit stands, from 0
    ratings: np.ndarray  # shape (n, 11): probabilities of the ten digits and of no digit

    @property
    def boxes(self):
        """Array of shape (n, 4), int: top, left, bottom, right in pixels of the picture."""
        low, high = self.corners.min(axis=1), self.corners.max(axis=1)
        return np.concatenate([low[:, ::-1], high[:, ::-1]], axis=1).round().astype(int)


def find(picture, rate):
    """The digits of a picture.

    Parameters
    ----------
    picture : array of shape (height, width) or (height, width, 3), integers 0–255 or floats 0–1
        Ink of any color on a ground of any other.
    rate : function
        From images of shape (n, 28, 28), uint8, to probabilities of shape (n, 11), of the ten
        digits and of no digit, as `models.ratings` gives them for the packaged reader.

    Returns
    -------
    Found
        Empty if there is nothing that could be a digit.

    Raises
    ------
    ValueError
        If it is no such array.
    """
    pixels = checked(picture)
    scale = working_scale(pixels.shape)
    gray = inks.brightness(resized(pixels, scale))
    best, back = _best(gray, max(1, scale), rate)
    corners = [
        back(np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)) / scale
        for top, left, bottom, right in (one.box for one in best.digits)
    ]
    most = np.array(pixels.shape[1::-1])
    return Found(
        np.array([one.frame for one in best.digits], np.uint8).reshape(-1, 28, 28),
        np.clip(np.array(corners).reshape(-1, 4, 2), 0, most),
        np.array([one.line for one in best.digits], int),
        np.array([one.rating for one in best.digits]).reshape(-1, NOTHING + 1),
    )


def _best(gray, scale, rate):
    """The cheapest reading of the picture, and the way from its places to the picture's.

    It is looked at as it is first; if that gives nothing sure, without ruled lines, with bright ink
    on a dark ground, and turned by quarters.
    """
    best = first = None
    for turned, amount, back in _ways(gray, scale):
        if turned and best[0].single:  # any digit is some other one, turned
            break
        reading = read(amount, rate)
        first = first or reading
        if best is None or (
            reading.digits and (not best[0].digits or reading.cost < BETTER * best[0].cost)
        ):
            best = reading, back
        parts = first.single and len(reading.digits) > 1  # of one digit, perhaps
        if reading.sure and not turned and not parts:  # upside down, digits may look like others
            break
    return best


def _ways(gray, scale):
    """Ways to look at a picture: whether turned, the ink, the function that takes places back."""
    paper = inks.sheet(gray)
    small = max(gray.shape) <= FILLED
    if scale > 1:
        gray = ndimage.gaussian_filter(gray, inks.SMOOTH)
    if paper is None and inks.bright_ink(gray):
        gray = 1 - gray
    amount, back = _upright(gray, paper, small)
    lineless = inks.without_lines(amount)
    if lineless is None:
        yield False, amount, back
    elif inks.ACROSS * min(amount.shape) > LINE * usual_size(amount):
        yield False, lineless, back
        yield False, amount, back
        amount = lineless
    else:  # a picture of one digit has a line as long, which belongs to it
        yield False, amount, back
        yield False, lineless, back
    if paper is None:
        yield False, *_upright(1 - gray, None, small)
    for quarters in (1, 3, 2):
        yield True, np.rot90(amount, quarters), _turned(back, amount.shape, quarters)


def _upright(gray, paper, small):
    """The ink on the paper, turned upright, and the function that takes places back."""
    if paper is None:
        return ink(gray, small=small), lambda places: places
    cos, sin = np.cos(np.radians(paper.degrees)), np.sin(np.radians(paper.degrees))
    matrix = np.array([[cos, sin], [-sin, cos]])  # from a place upright to one in the picture: y, x
    upright = np.argwhere(paper.mask) @ matrix
    start, shape = upright.min(axis=0), np.ptp(upright, axis=0).astype(int) + 1
    amount = ndimage.affine_transform(
        ink(gray, paper.mask, small=small), matrix, matrix @ start, tuple(shape), order=1
    )
    return amount, lambda places: ((places[:, ::-1] + start) @ matrix.T)[:, ::-1]


def _turned(back, shape, quarters):
    """From a picture turned counterclockwise by quarters, back to the one before, and on."""
    height, width = shape

    def places(turned):
        x, y = turned.T
        x, y = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarters]
        return back(np.stack([x, y], axis=-1))

    return places
