"""How does a good picture of a digit become a bad one?

Each of `CONDITIONS` makes images worse in one way, in five strengths. The same images and strength
give the same pictures.
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from digitlib.frame import BOX, images_of_bytes, to_frame

SEED = 0  # of what is drawn: noise, the place of a hole, the side to which a digit is turned


def blurred(images, pixels):
    """Spread by a Gaussian with this standard deviation in pixels."""
    return ndimage.gaussian_filter(images, (0, pixels, pixels), output="float32")


def noisy(images, share):
    """Each pixel changed by normal noise; its standard deviation is a share of the brightest ink."""
    noise = np.random.default_rng(SEED).standard_normal(images.shape, "float32")
    return images + 255 * share * noise


def faint(images, share):
    """Ink with this share of its brightness."""
    return images * np.float32(share)


def thick(images, steps):
    """Strokes grown by so many steps; a step is a pixel to each side, diagonals included."""
    return _steps(images, steps, ndimage.grey_dilation)


def thin(images, steps):
    """Strokes eaten away by so many steps, see `thick`."""
    return _steps(images, steps, ndimage.grey_erosion)


def covered(images, side):
    """A square of this side in pixels, anywhere in the middle 20×20, without its ink."""
    first = (images.shape[1] - BOX) // 2
    corners = np.random.default_rng(SEED).integers(first, first + BOX - side + 1, (2, len(images)))
    down, right = corners[:, :, None]
    line = np.arange(images.shape[1])
    rows, columns = ((line >= start) & (line < start + side) for start in (down, right))
    return np.where(rows[:, :, None] & columns[:, None, :], 0, images)


def turned(images, degrees):
    """Turned about the middle, half of them to the left and half to the right."""
    left = np.random.default_rng(SEED).random(len(images)) < 0.5
    result = np.empty(images.shape, "float32")
    for rows, angle in (left, degrees), (~left, -degrees):
        result[rows] = ndimage.rotate(images[rows], angle, (2, 1), False, "float32", order=1)
    return result


def coarse(images, pixels):
    """Reduced until the longer side of the digit has so many pixels, and put into the frame again."""
    return np.array([_coarse(image, pixels) for image in images])


CONDITIONS = {
    "blurred": (blurred, (0.5, 1, 1.5, 2, 2.5)),
    "noisy": (noisy, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "faint": (faint, (0.8, 0.6, 0.4, 0.2, 0.1)),
    "thick": (thick, (0.4, 0.8, 1.2, 1.6, 2)),
    "thin": (thin, (0.2, 0.4, 0.6, 0.8, 1)),
    "covered": (covered, (4, 6, 8, 10, 12)),
    "turned": (turned, (15, 30, 45, 60, 75)),
    "coarse": (coarse, (14, 10, 8, 6, 5)),
}


def worse(images, condition, strength):
    """The images under a condition.

    Parameters
    ----------
    images : array of shape (n, 28, 28), uint8
    condition : str, one of `CONDITIONS`
    strength : int, 0–5
        0 leaves them as they are.

    Returns
    -------
    array of shape (n, 28, 28), uint8

    Raises
    ------
    ValueError
        If there is no such condition or strength, or the images are none.
    """
    images = images_of_bytes(images)
    if condition not in CONDITIONS:
        raise ValueError(f"no condition {condition!r}; there are {', '.join(CONDITIONS)}")
    make, strengths = CONDITIONS[condition]
    if strength not in range(len(strengths) + 1):
        raise ValueError(f"expected a strength from 0 to {len(strengths)}; got {strength!r}")
    if strength == 0:
        return images
    return make(images, strengths[int(strength) - 1]).clip(0, 255).round().astype(np.uint8)


def _steps(images, steps, step):
    """So many steps of a morphological filter, and a share of the one after."""
    images = images.astype("float32")
    while steps > 0:
        images += min(steps, 1) * (step(images, (1, 3, 3)) - images)
        steps -= 1
    return images


def _coarse(image, pixels):
    if not image.any():
        return image
    rows, columns = np.nonzero(image)
    ink = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(pixels * side / max(ink.shape))) for side in ink.shape)
    few = Image.fromarray(ink).resize((width, height), Image.Resampling.BOX)
    return to_frame(np.pad(few, 1))  # the darkest pixel is taken for the ground
