"""How do MNIST's digits look on paper, written with a thin pen and photographed?"""

import numpy as np
from scipy import ndimage

SOFT = 0.4  # pixels of MNIST, by which a digit is blurred before it is drawn with an edge
THIN, EDGE = 0.45, 0.2  # the brightness at which ink begins, and how far it is from there to full
MARGIN = 20  # pixels around a line
OVERLAP = 12  # pixels of ink that two digits share where they touch
LINES = 40  # pixels between two lines of the paper
PAPER, RULE, BLUE = (0.96, 0.95, 0.9), (0.7, 0.8, 0.93), (0.13, 0.16, 0.42)  # colors, 0–1
DARK = 0.55  # how much the shadow takes away at the right
STEPS = 64  # of brightness, few enough to keep the files of figures small


def written(image, height):
    """The ink of a digit as a thin pen writes it, with sharp edges.

    Parameters
    ----------
    image : array of shape (28, 28), uint8, with ink
    height : int, pixels

    Returns
    -------
    array of shape (about height, width), float, 0–1, with ink in its outer rows and columns
    """
    ink = np.pad(_cropped(image) / image.max(), 1)
    scale = height / (len(ink) - 2)
    large = ndimage.gaussian_filter(ndimage.zoom(ink, scale, order=1), SOFT * scale)
    return _cropped(((large - THIN) / EDGE).clip(0, 1))


def line(images, rng, *, height=60, gap=14, touching=False):
    """The ink of digits written one after the other: array of shape (height + 40, width), 0–1.

    Parameters
    ----------
    images : sequence of arrays of shape (28, 28), uint8
    rng : numpy.random.Generator
        Of their heights, which differ by up to a tenth of `height`, and of their places.
    height, gap : int, pixels
    touching : bool
        Whether each digit is moved to the left until it touches the one before.
    """
    inks = [written(image, round(height * rng.uniform(0.9, 1))) for image in images]
    field = np.zeros((height + 2 * MARGIN, sum(ink.shape[1] + gap for ink in inks) + 2 * MARGIN))
    left = right = MARGIN  # of the digit before
    for number, ink in enumerate(inks):
        x = right + gap if number else right
        y = MARGIN + height - len(ink) + rng.integers(-3, 4)
        if touching and number:
            while x > left and _shared(field, ink, y, x) < OVERLAP:
                x -= 1
        place = _place(field, ink, y, x)
        np.maximum(place, ink, out=place)
        left, right = x + 1, x + ink.shape[1]
    return field[:, : right + MARGIN]


def photo(ink):
    """A photo of ink on ruled paper, in a shadow from the right: (height, width, 3), uint8.

    `ink` has shape (height, width), 0–1.
    """
    paper = np.ones((*ink.shape, 3)) * PAPER
    paper[LINES - 10 :: LINES] = paper[LINES - 9 :: LINES] = RULE
    picture = paper * (1 - ink[..., None]) + np.array(BLUE) * ink[..., None]
    light = 1 - DARK * np.linspace(0, 1, ink.shape[1])[None, :, None] ** 2
    return (STEPS * picture * light).astype(np.uint8) * (256 // STEPS)


def _cropped(ink):
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _place(field, ink, y, x):
    """The part of a field that the ink would cover there."""
    return field[y : y + ink.shape[0], x : x + ink.shape[1]]


def _shared(field, ink, y, x):
    return ((_place(field, ink, y, x) > 0.5) & (ink > 0.5)).sum()
