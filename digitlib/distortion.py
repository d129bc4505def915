"""How may a digit be distorted, and stay the digit that it is?"""

import numpy as np

from digitlib.quiet import keras, tensorflow

ROTATION = 12  # degrees, to either side
SCALE = 0.12  # a side becomes up to so much longer or shorter, each for itself
SHEAR = 0.15  # pixels to the side for each pixel down
SHIFT = 2  # pixels, up to which in each direction
THICKNESS = 0.6  # see `thicken`
BLUR = 1  # see `blur`; half of the images stay sharp
CENTER = 13.5  # of the 28 pixels 0 to 27
BINOMIAL = np.array([1, 4, 6, 4, 1], "float32") / 16


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


def distort(images, seed):
    """Each image distorted in its own way: moved, turned, stretched, slanted, thickened, blurred.

    Parameters
    ----------
    images : tensor of shape (n, 28, 28), float, 0–1, digits in MNIST's frame
    seed : pair of int
        The same pair gives the same distortions.

    Returns
    -------
    tensor of shape (n, 28, 28), float32, 0–1
    """
    images = keras.ops.convert_to_tensor(images, "float32")
    shape = (8, tensorflow.shape(images)[0])
    draw = tensorflow.random.stateless_uniform(shape, seed, minval=-1)
    rotation, width, height, shear, right, down, thickness, spread = tensorflow.unstack(draw)
    transform = affine(
        rotation * ROTATION,
        1 + width * SCALE,
        1 + height * SCALE,
        shear * SHEAR,
        right * SHIFT,
        down * SHIFT,
    )
    images = keras.ops.image.affine_transform(images[..., None], transform)
    images = thicken(images, thickness * THICKNESS)
    return blur(images, keras.ops.maximum(spread, 0) * BLUR)[..., 0]


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
    spread = images
    for shape in (5, 1, 1, 1), (1, 5, 1, 1):
        spread = keras.ops.conv(spread, BINOMIAL.reshape(shape), padding="same")
    return images + share * (spread - images)
