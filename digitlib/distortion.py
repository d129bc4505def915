"""How may a digit be distorted, and stay the digit that it is?"""

import numpy as np

from digitlib.quiet import keras, tensorflow

KINDS = ("affine", "thickness", "blur")
ROTATION = 12  # degrees, to either side
SCALE = 0.12  # a side becomes up to so much longer or shorter, each for itself
SHEAR = 0.15  # pixels to the side for each pixel down
SHIFT = 2  # pixels, up to which in each direction
THICKNESS = 0.6  # see `thicken`
BLUR = 1  # see `blur`; half of the images stay sharp
THIN = 0.5  # the share of images that are drawn anew with a thin pen, where that is asked for
CONTRAST = 0.5  # see `contrast`
CENTER = 13.5  # of the 28 pixels 0 to 27
BINOMIAL = np.array([1, 4, 6, 4, 1], "float32") / 16
GAUSSIAN = np.exp(-(np.arange(-4, 5, dtype="float32") ** 2) / 2)  # of one pixel
GAUSSIAN /= GAUSSIAN.sum()
RIDGE = 2  # by which a ridge is made stronger, so that its middle is as dark as a stroke


def affine(rotation, width, height, shear, right, down):
    """The eight numbers by which Keras looks up where each pixel comes from.

    Parameters
    ----------
    rotation : degrees, clockwise
    width, height : factors by which the digit becomes wider and taller
    shear : pixels to the right for each pixel down
    right, down : pixels by which it moves
        All numbers, or all arrays of shape (n,).

    Returns
    -------
    array of shape (8,) or (n, 8), float32, as `keras.ops.image.affine_transform` wants it: row by
    row the matrix from a pixel (x, y) of the result to the place in the original, without its
    last 1. The digit is scaled, then sheared, then rotated about the middle of the frame, then
    moved; so the inverse of each is taken in the opposite order.
    """
    angle = rotation * np.pi / 180
    cos, sin = keras.ops.cos(angle), keras.ops.sin(angle)
    a, b = (cos + shear * sin) / width, (sin - shear * cos) / width
    c, d = -sin / height, cos / height
    x, y = CENTER + right, CENTER + down
    rows = [a, b, CENTER - a * x - b * y, c, d, CENTER - c * x - d * y, 0 * a, 0 * a]
    return keras.ops.cast(keras.ops.stack(rows, axis=-1), "float32")


def distort(images, seed, kinds=KINDS, *, pens=False):
    """Each image distorted in its own way: moved, turned, stretched, slanted, thickened, blurred.

    The first four are together the kind *affine*. Each kind draws the same numbers with the others
    as without them.

    With `pens`, half of them are drawn anew with a thin pen, and all are made harder or softer.

    Parameters
    ----------
    images : tensor of shape (n, 28, 28), float, 0–1, digits in MNIST's frame
    seed : pair of int
        The same pair gives the same distortions.
    kinds : sequence of some of `KINDS`
    pens : bool

    Returns
    -------
    tensor of shape (n, 28, 28), float32, 0–1
    """
    images = keras.ops.convert_to_tensor(images, "float32")
    shape = (10 if pens else 8, tensorflow.shape(images)[0])
    draw = tensorflow.random.stateless_uniform(shape, seed, minval=-1)
    rotation, width, height, shear, right, down, thickness, spread, *rest = tensorflow.unstack(draw)
    images = images[..., None]
    if "affine" in kinds:
        transform = affine(
            rotation * ROTATION,
            1 + width * SCALE,
            1 + height * SCALE,
            shear * SHEAR,
            right * SHIFT,
            down * SHIFT,
        )
        images = keras.ops.image.affine_transform(images, transform)
    thick = thicken(images, thickness * THICKNESS) if "thickness" in kinds else images
    if pens:
        thin = keras.ops.reshape(rest[0] < 2 * THIN - 1, (-1, 1, 1, 1))
        thick = keras.ops.where(thin, ridges(images), thick)
    images = blur(thick, keras.ops.maximum(spread, 0) * BLUR) if "blur" in kinds else thick
    return (contrast(images, rest[1] * CONTRAST) if pens else images)[..., 0]


def thicken(images, share):
    """Strokes made thicker, or thinner where the share is negative.

    Each pixel goes so much of the way, from 0 to 1, to the largest (or smallest) value among itself
    and its eight neighbors. `images` has shape (n, 28, 28, 1), `share` shape (n,).
    """
    share = keras.ops.reshape(share, (-1, 1, 1, 1))
    fat = keras.ops.max_pool(images, 3, strides=1, padding="same")
    images = images + keras.ops.maximum(share, 0) * (fat - images)
    thin = -keras.ops.max_pool(-images, 3, strides=1, padding="same")
    return images + keras.ops.maximum(-share, 0) * (thin - images)


def blur(images, share):
    """The ink spread over 5×5 pixels, as in a picture that was small once.

    Each pixel goes so much of the way, from 0 to 1, to the average of its surroundings with
    binomial weights. `images` has shape (n, 28, 28, 1), `share` shape (n,).
    """
    share = keras.ops.reshape(share, (-1, 1, 1, 1))
    return images + share * (_spread(images, BINOMIAL) - images)


def ridges(images):
    """The middle lines of the strokes, as a thin pen would draw them.

    Along a stroke the brightness, blurred a little, is bent most strongly across: the smallest
    eigenvalue of its second derivatives, where that is negative (a ridge as Lindeberg has it, 1998).
    `images` has shape (n, 28, 28, 1).
    """
    smooth = keras.ops.pad(_spread(images, GAUSSIAN), ((0, 0), (1, 1), (1, 1), (0, 0)))
    middle = smooth[:, 1:-1, 1:-1]
    across = smooth[:, 1:-1, 2:] + smooth[:, 1:-1, :-2] - 2 * middle
    down = smooth[:, 2:, 1:-1] + smooth[:, :-2, 1:-1] - 2 * middle
    both = smooth[:, 2:, 2:] + smooth[:, :-2, :-2] - smooth[:, 2:, :-2] - smooth[:, :-2, 2:]
    bend = (across + down) / 2 - keras.ops.sqrt((across - down) ** 2 / 4 + both**2 / 16 + 1e-12)
    ridge = keras.ops.maximum(-bend, 0)
    return keras.ops.minimum(RIDGE * ridge / _most(ridge), 1)


def contrast(images, power):
    """Strokes with harder edges, or softer ones where the power is positive.

    Each pixel, as a share of the brightest, is raised to e to the power of `power`. `images` has
    shape (n, 28, 28, 1), `power` shape (n,).
    """
    power = keras.ops.exp(keras.ops.reshape(power, (-1, 1, 1, 1)))
    return keras.ops.clip(images / _most(images), 0, 1) ** power


def _spread(images, weights):
    """Blurred with these weights down and across."""
    for shape in (-1, 1, 1, 1), (1, -1, 1, 1):
        images = keras.ops.conv(images, weights.reshape(shape), padding="same")
    return images


def _most(images):
    """The largest value of each image, or nearly 0: a tensor of shape (n, 1, 1, 1)."""
    return keras.ops.maximum(keras.ops.max(images, axis=(1, 2, 3), keepdims=True), 1e-3)
