"""Who wrote each image, and what would other writers change?"""

import numpy as np

from digitlib import files


def writers(digits, part="test"):
    """Who wrote each image of a `Digits`' "train" or "test" set: a number, shape (n,), int.

    MNIST's are those traced by Yadav and Bottou (2019) and published with QMNIST: 539 writers of
    the training set, 297 of the test set, none of both; held-out images are of the training set.
    Nobody knows the sample's, so there each image counts as another writer's.
    """
    if not digits.name.startswith("mnist"):
        return np.arange(len(getattr(digits, f"y_{part}")))
    with np.load(files.packaged("results/writers.npz")) as known:
        if digits.name == "mnist":
            return known[part].astype(int)
        parts = np.split(known["train"].astype(int), [len(digits.y_train)])
        return parts[part == "test"]


def interval(right, writers, confidence=0.95, draws=2000, seed=0):
    """The interval of an accuracy for other writers: low and high, numbers from 0 to 1.

    Whoever writes one digit illegibly writes more of them so; images of one writer are not
    independent. So this draws whole writers, as many as there are and with replacement, and takes
    the percentiles of the accuracy (the bootstrap of clusters; Davison and Hinkley 1997, 3.8).

    Parameters
    ----------
    right : array of shape (n,), bool, or the share of runs that are right, float
    writers : array of shape (n,), int

    Raises
    ------
    ValueError
        If the arrays are empty or differ in length.
    """
    right, writers = np.asarray(right, float), np.asarray(writers)
    if right.ndim != 1 or not len(right) or right.shape != writers.shape:
        raise ValueError(
            "expected for each image whether it was read right, and its writer, shape (n,), n > 0; "
            f"got shapes {right.shape} and {writers.shape}"
        )
    _, writers = np.unique(writers, return_inverse=True)
    images, read = np.bincount(writers), np.bincount(writers, right)
    each = np.full(len(images), 1 / len(images))
    drawn = np.random.default_rng(seed).multinomial(len(images), each, draws)
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn @ read / (drawn @ images), [tail, 100 - tail])
    return float(low), float(high)
