"""How much ink lies on each pixel, whatever its color and the paper's?

And which of it are the paper's own lines.
"""

import numpy as np
from scipy import ndimage

NOISE = 6  # times the spread of the paper's brightness, which ink stands out by
FAINT = 0.06  # of the range from black to white, the least contrast of ink
EDGE, SOFT = 0.3, 1.4  # of the ink's threshold: where 0 begins, and how far it is from there to 1
PAPER = 0.4  # of the range from black to white, above which the ground is paper and no blackboard
DARKEST = 3  # times darker than the light, a shadow whose ink is made as strong as the rest
ALONE, FILLING = 0.9, 0.85  # of all ink, and of the picture's height: one digit cut close
WIDTH = 1.6  # heights, up to which a digit is wide
ACROSS = 0.5  # of the picture's width, from which ink in a row is a line
TILT = 0.12  # pixels down for each pixel to the right, up to which a line on the paper is found


def ink(pixels, gray, side):
    """How much ink lies on each pixel: array of shape (height, width), 0–1.

    0.5 is where a stroke ends. `pixels` are colors 0–1; in `gray`, ink is brighter than the paper
    next to it. What is wider than `side` pixels is no stroke but paper in another light, or the
    table below it.
    """
    amount = np.maximum(gray - ndimage.grey_opening(ndimage.median_filter(gray, 3), side), 0)
    light = ndimage.grey_closing(ndimage.median_filter(pixels.mean(axis=2), 3), side)
    if np.mean(light) > PAPER:  # on paper, a shadow takes the same share from ink and ground
        amount *= np.clip(light.max() / np.maximum(light, 0.01), 1, DARKEST)
    low, middle = np.percentile(amount, [5, 25])  # of paper: ink may cover half of a picture
    strong = amount[amount > middle + max(NOISE * (middle - low), FAINT)]
    if not len(strong):
        return np.zeros_like(amount)
    edge = _otsu(strong)
    return np.clip((amount / edge - EDGE) / SOFT, 0, 1)


def grayscale(pixels):
    """The picture along the color of most contrast, with the ink brighter than the paper."""
    side = max(3, max(pixels.shape) // 4) | 1
    local = pixels - ndimage.uniform_filter(pixels, (side, side, 0))
    axis = np.linalg.eigh(np.tensordot(local, local, [(0, 1), (0, 1)]))[1][:, -1]
    gray, contrast = pixels @ axis, local @ axis
    # ink covers less than the paper does
    gray *= 1 if np.mean(contrast**3) > 0 else -1
    # but not where a single digit is cut close
    return -gray if _single(gray < _otsu(gray.ravel())) else gray


def _single(mask):
    """Whether it is one thing that fills the picture and is no sheet of paper."""
    labels, n = ndimage.label(mask)
    if not n:
        return False
    areas = np.bincount(labels.ravel(), minlength=2)[1:]
    largest = areas.argmax()
    part = ndimage.find_objects(labels)[largest]
    top, left, bottom, right = bounds(part)
    tall, wide = bottom - top, right - left
    filled = ndimage.binary_fill_holes(labels[part] == largest + 1).mean()
    return (
        areas[largest] > ALONE * areas.sum()
        and tall > FILLING * len(mask)
        and border_contact(labels, n)[largest] < 0.4 * (tall + wide)
        and wide < WIDTH * tall
        and (filled < 0.8 or wide < 0.6 * tall)
    )


def _otsu(values):
    """The threshold that parts values into two groups, each as uniform as can be (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    centers = (edges[1:] + edges[:-1]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * centers) / np.maximum(below, 1)
    mean_above = (np.cumsum((counts * centers)[::-1]) / np.maximum(above[::-1], 1))[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return centers[np.argmax(between)]


def without_lines(mask):
    """The mask without ruled lines that run across the picture, a little tilted or not."""
    height, width = mask.shape
    y, x = np.nonzero(mask)
    if not len(y):
        return mask
    best = None
    for slope in np.linspace(-TILT, TILT, 2 * round(TILT * width / 2) + 1):
        row = np.round(y - slope * (x - width / 2)).astype(int).clip(0, height - 1)
        covered = np.bincount(row, minlength=height) / width
        score = (covered**2).sum()
        if best is None or score > best[0]:
            best = score, row, covered
    _, row, covered = best
    lines, n = ndimage.label(ndimage.binary_dilation(covered > ACROSS))
    if not n:
        return mask
    thickness = np.median([np.ptp(np.flatnonzero(lines == i + 1)) for i in range(n)])
    tall = ndimage.binary_opening(mask, np.ones((int(2 * thickness + 3), 1)))
    rest = mask.copy()
    on_line = lines[row] > 0
    rest[y[on_line], x[on_line]] = tall[y[on_line], x[on_line]]
    pieces = ndimage.label(mask, np.ones((3, 3)))[1]
    others = _thickness(rest)
    if (
        (n >= 3 and pieces > 1 and thickness < 0.1 * height / n)
        or n >= 5
        or (others and thickness <= 0.7 * others)
    ):
        return rest
    return mask


def _thickness(mask):
    """How thick the strokes are, in pixels; 0 if there are none."""
    inner = ndimage.distance_transform_edt(np.pad(mask, 1))
    ridge = inner[(inner == ndimage.maximum_filter(inner, 3)) & (inner > 0)]
    return 2 * np.median(ridge) - 1 if len(ridge) else 0


def bounds(part):
    """Top, left, bottom, right of a pair of slices."""
    rows, columns = part
    return rows.start, columns.start, rows.stop, columns.stop


def border_contact(labels, n):
    """How many pixels of each component lie at the border of the picture."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(edge, minlength=n + 1)[1:]
