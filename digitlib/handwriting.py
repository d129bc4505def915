"""Where are the digits in a photo?

In three steps: how much ink lies on each pixel, whatever its color and the paper's; which pixels
make one digit; and each digit in MNIST's frame, in reading order.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from digitlib.frame import to_frame
from digitlib.ink import WIDTH, border_contact, bounds, grayscale, ink, without_lines
from digitlib.pictures import checked, load, resized, working_scale

__all__ = ["Found", "find", "ink", "load", "strokes"]  # `ink` and `load` for the chapters

WIDEST = (0.5, 0.25, 0.12, 0.06)  # of the longer side, how wide a stroke may be; tried in turn
LEAST = 8  # pixels of the size of a digit where the work is done
MANY = 1000  # pieces of ink; where there are more, it is texture
ENOUGH = 0.9  # of the ink in digits, with which no narrower strokes are tried
BETTER = 0.1  # more of the ink in digits, for which narrower strokes are believed
# in sizes of the usual digit
SPECK = 0.1  # up to which a piece is none of a digit
LARGEST_PIECE = 0.35  # which the largest piece of a digit exceeds
SHORTEST, TALLEST = 0.4, 2.2
SMALL_PIECE = 0.75  # in height, below which a piece may belong to another
REACH, ASIDE, FLAT_ASIDE = 0.35, 0.15, 0.2  # between pieces: one above the other, or beside
FLAT = 0.4  # in height, below which a piece may be a bar
JOINED = 1.5  # in height, that pieces put together may have
# in parts of other sides
LINE = 3  # heights, from which it is a line
AT_BORDER, CUT_OFF = 0.25, 0.6  # of height and width, that lie at the border of the picture
SAME_LINE = 0.4  # of the lower digit's height, that two digits of a line share


class Found(NamedTuple):
    """The digits of a picture in reading order."""

    frames: np.ndarray  # shape (n, 28, 28), uint8, as MNIST has them
    boxes: np.ndarray  # shape (n, 4), int: top, left, bottom, right in pixels of the picture


def find(picture):
    """The digits of a picture.

    Parameters
    ----------
    picture : array of shape (height, width) or (height, width, 3), integers 0–255 or floats 0–1
        Ink of any color on a ground of any other.

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
    amount, labels = _best(resized(pixels, scale))
    boxes = [bounds(part) for part in ndimage.find_objects(labels)]
    order = _reading_order(boxes)
    frames = [_framed(amount, labels, number + 1, boxes[number]) for number in order]
    boxes = np.array([boxes[number] for number in order]).reshape(-1, 4) / scale
    most = np.array([*pixels.shape[:2], *pixels.shape[:2]])
    return Found(
        np.array(frames, np.uint8).reshape(-1, 28, 28),
        np.clip(boxes.round(), 0, most).astype(int),
    )


def strokes(mask):
    """Which digit each pixel belongs to, and the share of the ink that the digits explain.

    Lines of the paper are taken away, pieces of a digit put together, specks and dashes dropped.

    Returns
    -------
    (array of shape (height, width), int, 0 where there is no digit; float)
    """
    labels, n = ndimage.label(mask)
    if n > 10 * MANY:
        return np.zeros_like(labels), 0
    mask = without_lines(without_lines(mask).T).T
    labels, n = ndimage.label(mask, np.ones((3, 3)))
    if not n:
        return labels, 0
    boxes = np.array([bounds(part) for part in ndimage.find_objects(labels)])
    areas = np.bincount(labels.ravel())[1:]
    contact = border_contact(labels, n)
    usual = _usual(labels, boxes, areas, contact)
    pieces = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) > SPECK * usual
    if usual < LEAST or pieces.sum() > MANY:
        return np.zeros_like(labels), 0
    labels = np.concatenate([[0], np.cumsum(pieces) * pieces])[labels]
    boxes, contact = boxes[pieces], contact[pieces]
    group = _joined(labels, boxes, usual)
    inside, cut = [], []
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        tall, wide = boxes[members, 2:].max(axis=0) - boxes[members, :2].min(axis=0)
        largest = (boxes[members, 2:] - boxes[members, :2]).max()
        at_border = contact[members].sum() / (tall + wide)
        fits = SHORTEST * usual < tall < TALLEST * usual and wide < WIDTH * tall
        if fits and largest > LARGEST_PIECE * usual:
            if at_border < AT_BORDER:
                inside.append(members)
            elif at_border < CUT_OFF:
                cut.append(members)
    numbers = np.zeros(len(boxes) + 1, int)
    for number, members in enumerate(inside or cut, 1):  # a digit cut off, if there are no others
        numbers[members + 1] = number
    share = (numbers[labels] > 0).sum() / mask.sum()
    return numbers[labels], share if inside else share / 2


def _best(pixels):
    """Ink and strokes: with the widest strokes by which nearly all of the ink makes digits."""
    best, gray = (-1,), grayscale(pixels)
    for part in WIDEST if np.ptp(gray) else WIDEST[:1]:  # an empty picture is empty at once
        amount = ink(pixels, gray, max(3, round(max(gray.shape) * part)) | 1)
        labels, share = strokes(amount > 0.5)
        if share > best[0] + BETTER:
            best = share, amount, labels
        if share > ENOUGH:
            break
    return best[1:]


# Strokes


def _usual(labels, boxes, areas, contact):
    """The size of a digit in this picture: of the component that the typical pixel belongs to."""
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    inside = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < labels.shape).all(axis=1)
    tall, wide = (boxes[:, 2:] - boxes[:, :2]).T
    # the table around the paper could not be one, nor a line
    could = (contact < CUT_OFF * sum(labels.shape)) & (wide < LINE * tall)
    if (inside & could).any() and sizes[inside & could].max() > 0.25 * sizes[could].max():
        could &= inside
    if could.any():
        could &= sizes > 0.5 * sizes[could].max()
    else:
        could[:] = True
    order = np.argsort(sizes[could])
    share = np.cumsum(areas[could][order]) / areas[could].sum()
    return sizes[could][order][np.searchsorted(share, 0.5)]


def _joined(labels, boxes, usual):
    """For each component, the number of the digit it is a piece of: array of shape (n,)."""
    group = np.arange(len(boxes))
    height = boxes[:, 2] - boxes[:, 0]
    width = boxes[:, 3] - boxes[:, 1]
    # where there are only two, one that is wider than tall is half of a digit cut across
    half = (width > height) if len(boxes) == 2 else np.zeros(len(boxes), bool)
    small = (height < SMALL_PIECE * usual) & (height >= 2) & (width < 1.2 * usual)
    pieces = np.flatnonzero(small | half)
    reach = max(2, round(REACH * usual))
    tallest = (TALLEST if half.any() else JOINED) * usual
    for piece in pieces[np.argsort(height[pieces])]:
        top, left, bottom, right = boxes[piece]
        window = (
            slice(max(0, top - reach), bottom + reach), slice(max(0, left - reach), right + reach)
        )  # fmt: skip
        near = labels[window]
        distance = ndimage.distance_transform_edt(near != piece + 1)
        best = None
        for other in np.unique(near[near > 0]) - 1:
            if group[other] == group[piece]:
                continue
            gap = distance[near == other + 1].min()
            across = min(right, boxes[other, 3]) - max(left, boxes[other, 1])
            down = min(bottom, boxes[other, 2]) - max(top, boxes[other, 0])
            wide = max(right, boxes[other, 3]) - min(left, boxes[other, 1])
            tall = max(bottom, boxes[other, 2]) - min(top, boxes[other, 0])
            above = across > 0.3 * min(width[piece], width[other]) and down < 0.8 * height[piece]
            flat = height[piece] < FLAT * usual
            far = reach if above else (FLAT_ASIDE if flat else ASIDE) * usual
            # a small digit beside a large one is no piece of it: together they are wide
            if gap <= far and tall <= tallest and (above or flat or wide < 0.85 * tall):
                best = min(best or (gap, other), (gap, other))
        if best:
            group[group == group[piece]] = group[best[1]]
    return group


def _reading_order(boxes):
    """Indices line by line, each from left to right; a line may be tilted."""
    lines = []
    for number in sorted(range(len(boxes)), key=lambda number: boxes[number][1]):
        top, _, bottom, _ = boxes[number]
        fits = []
        for line in lines:
            above, _, below, _ = boxes[line[-1]]
            shared = min(bottom, below) - max(top, above)
            fits.append(shared / min(bottom - top, below - above))
        if fits and max(fits) > SAME_LINE:
            lines[int(np.argmax(fits))].append(number)
        else:
            lines.append([number])
    lines.sort(key=lambda line: np.mean([boxes[number][0] + boxes[number][2] for number in line]))
    return [number for line in lines for number in line]


def _framed(amount, labels, number, box):
    """One digit in MNIST's frame: its ink, and none of its neighbors'."""
    top, left, bottom, right = box
    window = slice(max(0, top - 2), bottom + 2), slice(max(0, left - 2), right + 2)
    own = ndimage.binary_dilation(labels[window] == number, np.ones((3, 3)), iterations=2)
    return to_frame(np.pad(amount[window] * own, 1))
