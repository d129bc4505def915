"""Where are the digits in a photo?

In three steps: how much ink lies on each pixel, whatever its color and the paper's; which pixels
make one digit; and each digit in MNIST's frame, in reading order.
"""

import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from digitlib.frame import to_frame

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
MOST = 40_000_000  # pixels that a picture may have
LARGE, SMALL = 1200, 300  # pixels of the longer side, between which the work is done
NOISE = 6  # times the spread of the paper's brightness, which ink stands out by
FAINT = 0.06  # of the range from black to white, the least contrast of ink
WIDEST = (0.5, 0.25, 0.12, 0.06)  # of the longer side, how wide a stroke may be; tried in turn
LEAST = 8  # pixels of the size of a digit where the work is done
MANY = 1000  # pieces of ink; where there are more, it is texture
TILT = 0.12  # pixels down for each pixel to the right, up to which a line on the paper is found


class Found(NamedTuple):
    """The digits of a picture in reading order."""

    frames: np.ndarray  # shape (n, 28, 28), uint8, as MNIST has them
    boxes: np.ndarray  # shape (n, 4), int: top, left, bottom, right in pixels of the picture


def load(path):
    """The pixels of a picture file, turned upright as its EXIF data say.

    Returns
    -------
    array of shape (height, width, 3), uint8
        What is transparent is filled with black or white, whichever the ink is not.

    Raises
    ------
    ValueError
        If it is no picture of a known format, too large, broken, or cut off.
    """
    path = Path(path)
    if not path.is_file():
        what = "is no ordinary file" if path.exists() else "no such file"
        raise ValueError(f"{path}: {what}; expected a picture, such as photo.jpg")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            few = math.prod(image.size) <= MOST
            pixels = _rgb(ImageOps.exif_transpose(image)) if few else None
    except Image.DecompressionBombError:
        pixels = None
    except Exception as error:  # a hostile file can make Pillow raise almost anything
        raise ValueError(
            f"{path}: not a picture that can be read; expected {', '.join(FORMATS)}, whole"
        ) from error
    if pixels is None:
        raise ValueError(f"{path}: too large; make it smaller than {MOST // 1_000_000} megapixels")
    return pixels


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
    pixels = _checked(picture)
    scale = _scale(pixels.shape)
    amount, labels = _best(_resized(pixels, scale))
    boxes = [_box(part) for part in ndimage.find_objects(labels)]
    order = _reading_order(boxes)
    frames = [_framed(amount, labels, number + 1, boxes[number]) for number in order]
    boxes = np.array([boxes[number] for number in order]).reshape(-1, 4) / scale
    most = np.array([*pixels.shape[:2], *pixels.shape[:2]])
    return Found(
        np.array(frames, np.uint8).reshape(-1, 28, 28),
        np.clip(boxes.round(), 0, most).astype(int),
    )


def ink(pixels, gray, side):
    """How much ink lies on each pixel: array of shape (height, width), 0–1.

    0.5 is where a stroke ends. `pixels` are colors 0–1; in `gray`, ink is brighter than the paper
    next to it. What is wider than `side` pixels is no stroke but paper in another light, or the
    table below it.
    """
    amount = np.maximum(gray - ndimage.grey_opening(ndimage.median_filter(gray, 3), side), 0)
    light = ndimage.grey_closing(ndimage.median_filter(pixels.mean(axis=2), 3), side)
    if np.mean(light) > 0.4:  # on paper, a shadow takes the same share from ink and ground
        amount *= np.clip(light.max() / np.maximum(light, 0.01), 1, 3)
    low, middle = np.percentile(amount, [5, 25])  # of paper: ink may cover half of a picture
    strong = amount[amount > middle + max(NOISE * (middle - low), FAINT)]
    if not len(strong):
        return np.zeros_like(amount)
    edge = _otsu(strong)
    return np.clip((amount / edge - 0.3) / 1.4, 0, 1)


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
    mask = _without_lines(_without_lines(mask).T).T
    labels, n = ndimage.label(mask, np.ones((3, 3)))
    if not n:
        return labels, 0
    boxes = np.array([_box(part) for part in ndimage.find_objects(labels)])
    areas = np.bincount(labels.ravel())[1:]
    contact = _contact(labels, n)
    usual = _usual(labels, boxes, areas, contact)
    pieces = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) > 0.1 * usual  # the rest are specks
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
        if largest > 0.35 * usual and 0.4 * usual < tall < 2.2 * usual and wide < 1.6 * tall:
            if at_border < 0.25:
                inside.append(members)
            elif at_border < 0.6:
                cut.append(members)
    numbers = np.zeros(len(boxes) + 1, int)
    for number, members in enumerate(inside or cut, 1):  # a digit cut off, if there are no others
        numbers[members + 1] = number
    share = (numbers[labels] > 0).sum() / mask.sum()
    return numbers[labels], share if inside else share / 2


# Pictures


def _rgb(image):
    """Three bytes a pixel, whatever the mode; what is transparent is paper."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        values = np.nan_to_num(np.asarray(image, "float32"), posinf=0, neginf=0)
        span = max(values.max() - values.min(), 1e-6)
        image = Image.fromarray(((values - values.min()) * (255 / span)).astype("uint8"))
    if "transparency" in image.info or "A" in image.getbands():
        image = image.convert("RGBA")
        small = np.asarray(image.reduce(max(1, max(image.size) // 500)), float)
        color, alpha = small[..., :3].mean(axis=2), small[..., 3]
        bright = (color * alpha).sum() > 127 * alpha.sum()
        ground = Image.new("RGBA", image.size, "black" if bright else "white")
        image = Image.alpha_composite(ground, image)
    return np.asarray(image.convert("RGB"))


def _checked(picture):
    """An array of shape (height, width, 3), uint8; or a ValueError."""
    pixels = np.asarray(picture)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(
            "expected one picture of shape (height, width) or (height, width, 3); "
            f"got shape {np.shape(picture)}"
        )
    top = {"u": 255, "i": 255, "f": 1, "b": 1}.get(pixels.dtype.kind)
    if top is None or not (pixels.min() >= 0 and pixels.max() <= top):  # NaN fails as well
        raise ValueError("expected integers from 0 to 255, or floats from 0 to 1")
    return (pixels * (255 / top)).astype("uint8") if top != 255 else pixels.astype("uint8")


def _scale(shape):
    """The factor that brings the longer side between SMALL and LARGE."""
    longer = max(shape[:2])
    return min(LARGE / longer, max(1, round(SMALL / longer)))


def _resized(pixels, scale):
    """Colors 0–1, float32; a large picture averaged, a small one interpolated."""
    if scale < 1:
        size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    pixels = pixels.astype("float32") / 255
    if scale > 1:
        pixels = ndimage.zoom(pixels, (scale, scale, 1), order=1, mode="nearest", grid_mode=True)
    return pixels


# Ink


def _best(pixels):
    """Ink and strokes: with the widest strokes by which nearly all of the ink makes digits."""
    best, gray = (-1,), _gray(pixels)
    for part in WIDEST:
        amount = ink(pixels, gray, max(3, round(max(gray.shape) * part)) | 1)
        labels, share = strokes(amount > 0.5)
        if share > best[0] + 0.1:
            best = share, amount, labels
        if share > 0.9:
            break
    return best[1:]


def _gray(pixels):
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
    top, left, bottom, right = _box(part)
    tall, wide = bottom - top, right - left
    filled = ndimage.binary_fill_holes(labels[part] == largest + 1).mean()
    return (
        areas[largest] > 0.9 * areas.sum()
        and tall > 0.85 * len(mask)
        and _contact(labels, n)[largest] < 0.4 * (tall + wide)
        and wide < 1.6 * tall
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


# Strokes


def _box(part):
    """Top, left, bottom, right of a pair of slices."""
    rows, columns = part
    return rows.start, columns.start, rows.stop, columns.stop


def _without_lines(mask):
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
    lines, n = ndimage.label(ndimage.binary_dilation(covered > 0.5))
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


def _contact(labels, n):
    """How many pixels of each component lie at the border of the picture."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(edge, minlength=n + 1)[1:]


def _usual(labels, boxes, areas, contact):
    """The size of a digit in this picture: of the component that the typical pixel belongs to."""
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    inside = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < labels.shape).all(axis=1)
    tall, wide = (boxes[:, 2:] - boxes[:, :2]).T
    # the table around the paper could not be one, nor a line
    could = (contact < 0.6 * sum(labels.shape)) & (wide < 3 * tall)
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
    small = (height < 0.75 * usual) & (height >= 2) & (width < 1.2 * usual)
    pieces = np.flatnonzero(small | half)
    reach, tallest = max(2, round(0.35 * usual)), (2.2 if half.any() else 1.5) * usual
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
            flat = height[piece] < 0.4 * usual
            far = reach if above else (0.2 if flat else 0.15) * usual
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
        if fits and max(fits) > 0.4:
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
