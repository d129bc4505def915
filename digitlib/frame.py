"""How does any picture of a digit get into MNIST's 28×28 frame?

The recipe is the one on the MNIST page (LeCun, Cortes, Burges): fit the digit into a 20×20 box,
keep its aspect ratio, smooth the edges, and put its center of mass into the middle of a 28×28 field.
A picture smaller than the box, which the page does not speak of, is first made finer by linear
interpolation.
"""

import functools

import numpy as np

SIDE = 28  # pixels, the frame
BOX = 20  # pixels, the longer side of the digit in it
FINER = 4  # pixels that each one becomes in a picture smaller than that


def images_of_bytes(images):
    """The images as an array of shape (n, 28, 28), uint8, or a ValueError.

    Scaled before or after its time is a mistake that nothing else would notice.
    """
    images = np.asarray(images)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise ValueError(
            "expected images of shape (n, 28, 28), uint8, pixels 0–255; "
            f"got shape {images.shape}, dtype {images.dtype}"
        )
    return images


def to_frame(image):
    """Put a picture of one digit into MNIST's frame.

    Parameters
    ----------
    image : array of shape (height, width), any real dtype
        Bright ink on a dark ground; the darkest value is taken for the ground.

    Returns
    -------
    array of shape (28, 28), uint8
        0 is ground and 255 the brightest ink.

    Raises
    ------
    ValueError
        If the image is not two-dimensional, holds NaN or infinity, or has no ink (one value only).
    """
    image = np.asarray(image)
    if image.ndim != 2 or 0 in image.shape or image.dtype.kind not in "biuf":
        raise ValueError(
            "expected one image, a real array of shape (height, width); "
            f"got shape {image.shape}, dtype {image.dtype}"
        )
    ink = image.astype(float)
    if not np.isfinite(ink).all():
        raise ValueError("expected an image of finite numbers; it holds NaN or infinity")
    ink -= ink.min()
    if ink.max() == 0:
        raise ValueError("expected a digit; all pixels of the image have the same value")
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if max(ink.shape) < BOX:  # enlarged as blocks, pixels would have corners that nobody drew
        ink = _between(ink.shape[0]) @ ink @ _between(ink.shape[1]).T
    height, width = (max(1, round(side * BOX / max(ink.shape))) for side in ink.shape)
    ink = _averages(ink.shape[0], height) @ ink @ _averages(ink.shape[1], width).T
    ink = (ink * (255 / ink.max())).round(6).round()  # a half stays one at any brightness
    top, left = (
        int(np.clip(round(SIDE / 2 - center), 0, SIDE - side))
        for center, side in zip(_center_of_mass(ink), ink.shape, strict=True)
    )
    framed = np.zeros((SIDE, SIDE), np.uint8)
    framed[top : top + height, left : left + width] = ink
    return framed


@functools.lru_cache(64)
def _averages(n_in, n_out):
    """The (n_out, n_in) matrix that averages n_in pixels into n_out: an exact box filter."""
    edges = np.arange(n_out + 1) * n_in / n_out
    start, stop = edges[:-1, None], edges[1:, None]
    pixel = np.arange(n_in)
    overlap = np.minimum(stop, pixel + 1) - np.maximum(start, pixel)
    return overlap.clip(0) * n_out / n_in


@functools.lru_cache(64)
def _between(n):
    """The (FINER * (n + 1), n) matrix that interpolates linearly between n pixels.

    To either side the ink fades out over half a pixel.
    """
    place = (np.arange(FINER * (n + 1)) + 0.5) / FINER - 1
    return (1 - abs(place[:, None] - np.arange(n))).clip(0)


def _center_of_mass(ink):
    """Row and column of the center of mass in pixel indices, as MNIST has it."""
    return (
        (ink.sum(axis=1) @ np.arange(ink.shape[0])) / ink.sum(),
        (ink.sum(axis=0) @ np.arange(ink.shape[1])) / ink.sum(),
    )
