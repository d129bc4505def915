"""Which digits stand in ink, line by line?

More cuts than needed, every group of neighboring pieces rated by a reader that knows *no digit* as
well, and the best path through each line: LeCun, Bottou, Bengio, Haffner 1998, sections V to VII.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from digitlib.frame import to_frame
from digitlib.nothing import NOTHING, REFUSED
from digitlib.pieces import EIGHT, inside, pieces, sides

# a group of pieces that may be a digit
GROUP = 5  # pieces, at most
SHORT, TALL = 0.45, 1.7  # sizes of a digit, between which its height lies
WIDE = 1.6  # heights, up to which it is wide
AROUND = 2  # pixels around a piece, whose ink belongs to it
# costs, as the negative logarithm of a probability
CERTAIN = 1e-4  # below which no probability counts
UNREAD = 2  # of a piece as tall as a digit that is left out
SPECK = 0.45  # sizes of a digit, below which a piece costs less than its share
# a picture of one digit
PART = 0.04  # of the largest piece, from which a piece belongs to it
ONE = 1.5  # by which one digit may cost more than a path
FAR = 2.2  # sizes of its largest piece, up to which it reaches
PARTS = 2  # digits, up to which they may be parts of one
# a line
LEAST = 1 / 3  # of it is read, or it is no line of digits
SURE = 0.7  # cost of a digit, below which no other way of looking at a picture is tried


class Candidate(NamedTuple):
    """What may be a digit."""

    line: int
    start: int  # of its pieces in the line
    stop: int
    box: tuple  # top, left, bottom, right
    frame: np.ndarray  # shape (28, 28), uint8
    rating: np.ndarray = None  # shape (11,): probabilities of the ten digits, and of no digit

    @property
    def cost(self):
        """What it costs to take it for a digit."""
        return _cost(self.rating[:NOTHING].max())


class Reading(NamedTuple):
    """What a reader makes of the ink in a picture."""

    digits: list  # of Candidate, in reading order
    cost: float
    single: bool = False  # whether the picture may show one digit alone

    @property
    def sure(self):
        """Whether no other way of looking at the picture needs to be tried."""
        return bool(self.digits) and self.cost < SURE * len(self.digits)


def read(amount, rate):
    """The digits in ink that stands upright: a Reading.

    `amount` has shape (height, width), 0–1; `rate` is as in `handwriting.find`.
    """
    found = pieces(amount)
    all_ink = _whole(amount)
    candidates = [*all_ink, *groups(amount, found)]
    if not candidates:
        return Reading([], 0)
    ratings = rate(np.array([one.frame for one in candidates]))
    candidates = [
        one._replace(rating=rating) for one, rating in zip(candidates, ratings, strict=True)
    ]
    digits, cost = [], 0
    for line, members in enumerate(found.lines):
        own = [one for one in candidates[len(all_ink) :] if one.line == line]
        path, least = _path(found, members, own)
        digits += path
        cost += least
    if all_ink:
        alone = candidates[0]
        if alone.rating[NOTHING] < REFUSED and alone.cost < cost + ONE:
            return Reading([alone], alone.cost, single=True)
    return Reading(digits, cost, single=bool(all_ink) and len(digits) <= PARTS)


def _cost(probability):
    return float(-np.log(probability + CERTAIN))


def groups(amount, found):
    """Neighboring pieces of a line that may be a digit: Candidates, not rated yet.

    `found` are the `pieces.Pieces` of the ink.
    """
    for line, members in enumerate(found.lines):
        for start in range(len(members)):
            for stop in range(start + 1, min(start + GROUP, len(members)) + 1):
                group = members[start:stop]
                top, left = found.boxes[group, :2].min(axis=0)
                bottom, right = found.boxes[group, 2:].max(axis=0)
                tall, wide = bottom - top, right - left
                if SHORT * found.size < tall < TALL * found.size and wide < WIDE * tall:
                    box = (top, left, bottom, right)
                    frame = _framed(amount, found.labels, np.array(group) + 1, box)
                    yield Candidate(line, start, stop, box, frame)


def _framed(amount, labels, own, box):
    """The ink of some labels in MNIST's frame, and none of other labels."""
    top, left, bottom, right = box
    part = (
        slice(max(0, top - AROUND), bottom + AROUND),
        slice(max(0, left - AROUND), right + AROUND),
    )
    mine = np.isin(labels[part], own)
    near = ndimage.maximum_filter(mine, 2 * AROUND + 1) & (mine | (labels[part] == 0))
    return to_frame(np.pad(amount[part] * near, 1))


def _whole(amount):
    """All ink as one Candidate, in a list that is empty if it is too wide or lies too far apart."""
    mask = amount > 0.5
    labels, boxes = inside(ndimage.label(ndimage.maximum_filter(mask, 2 * AROUND + 1), EIGHT)[0])
    if not len(boxes):
        return []
    areas = np.bincount(labels[mask], minlength=len(boxes) + 1)[1:]
    own = np.flatnonzero(areas > PART * areas.max()) + 1
    inked = mask & np.isin(labels, own)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    tall, wide = bottom - top, right - left
    if wide > WIDE * tall or max(tall, wide) > FAR * sides(boxes)[areas.argmax()].max():
        return []
    box = (top, left, bottom, right)
    return [Candidate(0, 0, 1, box, _framed(amount, inked.astype(int), [1], box))]


def _path(found, members, candidates):
    """The cheapest way through a line: its digits, and what it costs.

    Each piece belongs to one digit, or is left out, which costs the more the larger it is, and
    less where the reader takes it for nothing.
    """
    extent = sides(found.boxes[members]).max(axis=1) / found.size
    unread = np.where(extent < SPECK, extent**2, UNREAD * extent)
    for one in candidates:
        if one.stop == one.start + 1 and extent[one.start] >= SPECK:
            unread[one.start] = min(unread[one.start], _cost(one.rating[NOTHING] / 2))
    costs, before = [0.0], [None]
    for end in range(1, len(members) + 1):
        ways = [(costs[end - 1] + unread[end - 1], end - 1, None)]
        ways += [
            (costs[one.start] + one.cost, one.start, one) for one in candidates if one.stop == end
        ]
        least, *last = min(ways, key=lambda way: way[0])
        costs.append(least)
        before.append(last)
    path, end, covered = [], len(members), 0
    while end:
        start, digit = before[end]
        if digit:
            path.append(digit)
            covered += extent[start:end].sum()
        end = start
    if covered < LEAST * extent.sum():
        return [], float(unread.sum())
    return path[::-1], float(costs[-1])
