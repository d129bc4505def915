"""What is no digit?

Examples for an eleventh class: what a reader of photos meets beside digits and between them. All is
drawn, or made of MNIST's training digits.
"""

import numpy as np

from digitlib.frame import SIDE
from digitlib.strokes import FIELD, curve, drawn, framed, stacked

NOTHING = 10  # the label of what is no digit
REFUSED = 0.55  # the probability from which a reader says that it is none
# What is no digit, and how often it is taken.
KINDS = {"letter": 55, "scribble": 18, "half": 9, "pair": 9, "turned": 5, "mirrored": 2, "speck": 2}
TREMBLE = 0.05  # the standard deviation of a letter's points, in its height
WIDTH = (0.55, 1.1)  # of a letter, in its height
HEIGHT = 36  # pixels
PEN = (2, 6.4)  # pixels
HALVED = (0, 2, 3, 4, 5)  # digits whose halves are none
CUT = 3  # pixels from the middle, up to which a digit is cut
APART = (13, 19)  # pixels between the middles of two digits
ANY = tuple(range(10))
TURNED = (2, 3, 4, 5, 6, 7, 9)  # digits that are none any more, turned by a quarter
MIRRORED = (4, 7)  # digits that are none in a mirror

# Letters that look like no digit. Each is strokes parted by commas, a stroke is points, and a point
# two digits: how far to the right, and how far down. The curved strokes begin with ~.
LETTERS = [
    [
        (stroke.startswith("~"), np.array([[int(x), int(y)] for x, y in stroke.strip("~").split()]))
        for stroke in letter.strip().split(", ")
    ]
    for letter in """
    ~72 31 14 39 67 72, 71 79; ~12 40 72 79, ~74 44 17 49 77; ~82 40 14 49 98; 10 19, 80 15 89
    ~92 40 13 16 49 97; ~75 44 16 49 77, 70 79; 10 19, ~10 61 94 68 19; 80 10 19 89, 14 74
    ~14 84 50 12 17 59 98; ~81 50 43 49, 14 74; 80 10 19, 14 74; ~81 40 14 49 87, 89 85 55
    ~40 22 44 72 40, ~44 25 76 88 49 18 36, 71 90; 10 19, ~15 44 75 79; 10 19, 80 89, 14 84
    43 49, 40 41; 20 70, 40 49, 29 79; ~53 57 49 18, 50 51; ~70 76 49 17; 10 19, 73 16 89
    10 19 89; 02 09, ~04 22 44 49, ~44 62 94 99; 09 10 46 80 99; 11 19, ~14 41 84 89
    19 10 89 80; 11 19, ~12 51 73 55 15; 10 19, ~10 60 83 64 15; ~40 04 48 94 40, 56 98
    ~40 14 48 84 40, 46 98; 21 29, ~24 41 81; 10 19, ~10 60 82 64 15, 45 99; 00 90, 40 49
    ~40 47 59 88, 13 73; ~11 16 49 86 81, 81 89; ~10 16 49 86 80; 11 49 81; 00 49 90; 00 99, 90 09
    01 29 42 79 91; 00 29 42 79 90; 11 89, 81 19; 10 45, 80 29; 00 44 90, 44 49; 09 40 99, 26 76
    """.replace("\n", ";").split(";")
    if letter.strip()
]


def nothing(x, y, n, *, seed):
    """Examples of what is no digit, in MNIST's frame.

    Letters and scribbles are drawn. Halves, pairs of digits, and digits turned by a quarter or seen
    in a mirror are made of `x` and `y`. Specks and dashes are short strokes.

    Parameters
    ----------
    x, y : arrays as in `with_strokes`
    n : int, how many
    seed : int

    Returns
    -------
    array of shape (n, 28, 28), float32, 0–1
    """
    rng = np.random.default_rng(seed)
    where = {
        digits: np.flatnonzero(np.isin(y, digits)) for digits in (ANY, HALVED, TURNED, MIRRORED)
    }

    if not all(map(len, where.values())):
        raise ValueError("expected images of all ten digits, to make of them what is no digit")

    def pick(digits=ANY):
        return x[rng.choice(where[digits])]

    share = np.array([*KINDS.values()]) / sum(KINDS.values())
    kinds = rng.choice([*KINDS], n, p=share)
    return stacked([framed(_NOTHING[kind](pick, rng)) for kind in kinds])


# `pick` gives an image of any digit, or of one of those named


def _letter(pick, rng):
    letter = LETTERS[rng.integers(len(LETTERS))]
    size = HEIGHT * np.array([rng.uniform(*WIDTH), 1])
    lines = []
    for curved, points in letter:
        points = ((points - 4.5) / 9 + rng.normal(0, TREMBLE, points.shape)) * size + FIELD / 2
        lines.append(curve(points) if curved and len(points) > 2 else points)
    return drawn(lines, rng.uniform(*PEN))


def _scribble(pick, rng):
    size = HEIGHT * np.array([rng.uniform(*WIDTH), 1])

    def points(n):
        return (rng.random((n, 2)) - 0.5) * size + FIELD / 2

    curved = rng.random() < 0.7
    lines = (
        [curve(points(rng.integers(5, 13)))]
        if curved
        else [points(2) for _ in range(rng.integers(3, 7))]
    )
    return drawn(lines, rng.uniform(*PEN))


def _half(pick, rng):
    cut = SIDE // 2 + rng.integers(-CUT, CUT + 1)
    return np.rot90(pick(HALVED), rng.integers(4))[:cut]


def _pair(pick, rng):
    field = np.zeros((SIDE, FIELD))
    apart = rng.integers(*APART)
    for left in (0, apart):
        place = field[:, left : left + SIDE]
        np.maximum(place, pick(), out=place)
    return field


def _turned(pick, rng):
    return np.rot90(pick(TURNED), rng.choice([1, 3]))


def _mirrored(pick, rng):
    return np.flip(pick(MIRRORED), rng.integers(2))


def _speck(pick, rng):
    angle = np.radians(rng.uniform(-40, 40))
    half = rng.uniform(0, 8) * np.array([np.cos(angle), np.sin(angle)])
    return drawn([np.stack([FIELD / 2 - half, FIELD / 2 + half])], rng.uniform(3, 6))


_NOTHING = {
    "letter": _letter, "scribble": _scribble, "half": _half, "pair": _pair,
    "turned": _turned, "mirrored": _mirrored, "speck": _speck,
}  # fmt: skip
