"""What do the live pages of the book get from a chapter's run?

A chapter keeps data as an output that notebooks do not show. The build takes them out of the run and
puts them where the pages find them.
"""

import numpy as np
from IPython.display import display

from digitlib import files

MIME = "application/vnd.digitlib.live+json"
LEARN, HELD_OUT = 3000, 1000  # digits in the pages
SHADES = 4  # of gray, four pixels a byte


def keep(name, content):
    """Keep data for the pages of the book.

    Parameters
    ----------
    name : str
        Unique in the book.
    content : dict or list
        What JSON can hold.
    """
    shown = f"(for the pages of the book: {name})"
    display({MIME: {"name": name, "content": content}, "text/plain": shown}, raw=True)


def packed(array):
    """The bytes of an array, gzipped, in base64."""
    return files.packed(np.ascontiguousarray(array).tobytes())


def digits(images, labels):
    """Digits for the pages: to learn from, the first 3,000; to be examined on, the last 1,000.

    Parameters
    ----------
    images : array of shape (n, 28, 28), uint8
        Rounded to four shades of gray. Where there are fewer than 4,000, a quarter is held out.
    labels : array of shape (n,), int

    Returns
    -------
    dict
    """
    held_out = min(HELD_OUT, len(images) // 4)
    learn = min(LEARN, len(images) - held_out)
    rows = np.r_[:learn, len(images) - held_out : len(images)]
    shades = np.round(images[rows].reshape(len(rows), -1, 4) / 255 * (SHADES - 1)).astype(np.uint8)
    return {
        "learn": learn,
        "labels": "".join(map(str, labels[rows])),
        "images": packed(shades @ np.array([64, 16, 4, 1], np.uint8)),
    }


def held_out(array):
    """The part of an array, images or labels, that `digits` holds out."""
    return array[len(array) - min(HELD_OUT, len(array) // 4) :]


def replay(steps, losses, weights, answers):
    """A training as a page can show it: its network on the way, and what that read.

    Parameters
    ----------
    steps : sequence of int
        After how many steps the network was looked at, n times.
    losses : sequence of float
        Of each batch.
    weights : sequence of n lists of arrays
        As Keras's `get_weights` gives them. They are rounded to 255 values for each array.
    answers : sequence of n arrays of int
        What the network answered to the images that `digits` holds out.

    Returns
    -------
    dict
    """
    scales, differences = [], []
    for one in zip(*weights, strict=True):
        values = np.stack([np.ravel(array) for array in one])
        scales.append(float(abs(values).max()) / 127 or 1.0)
        rounded = np.round(values / scales[-1]).astype(np.int16)
        differences.append(np.diff(rounded, axis=0, prepend=np.int16(0)))
    return {
        "steps": [int(step) for step in steps],
        "losses": [round(float(np.squeeze(loss)), 4) for loss in losses],
        "shapes": [list(array.shape) for array in weights[0]],
        "scales": scales,
        # from one time to the next, modulo 256
        "weights": packed(np.concatenate(differences, axis=1).astype(np.uint8)),
        "answers": packed(np.array(answers, np.uint8)),
    }
