"""Where do the images come from?

`load` takes them from a file, from Keras's cache or from a mirror; `mnist` proves that they are
MNIST to the byte.
"""

import contextlib
import os
import sys
from dataclasses import dataclass, field, replace

import numpy as np

from digitlib import files, mnist
from digitlib.frame import to_frame
from digitlib.mnist import (  # noqa: F401 (chapters and commands have some of them from here)
    ADVICE,
    REJECTED_LABELS,
    SHAPES,
    DataError,
    fingerprint,
    printable,
)


@dataclass(frozen=True, eq=False)
class Digits:
    """Images of handwritten digits and their labels, split into a training and a test set.

    `x_train` and `x_test` are uint8 arrays of shape (n, 28, 28), 0 = background, 255 = ink;
    `y_train` and `y_test` are uint8 arrays of shape (n,), labels 0 to 9. All are read-only.
    `name` is "mnist" or "sample"; `origin` says where this copy came from.
    """

    x_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    x_test: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    name: str
    origin: str = field(repr=False)

    def __post_init__(self):
        for key in mnist.SHAPES:
            getattr(self, key).flags.writeable = False

    def held_out(self):
        """The training images alone, split: the last sixth of them are the test set.

        So it is possible to choose between recipes without the test set. The name says it, for
        example "mnist-validation".
        """
        n = len(self.x_train) // 6
        x, y = self.x_train, self.y_train
        return replace(
            self, x_train=x[:-n], y_train=y[:-n], x_test=x[-n:], y_test=y[-n:],
            name=f"{self.name}-validation",
        )  # fmt: skip


def load(source=None):
    """Load MNIST, or the sample, as a `Digits`.

    `source`, or else the environment variable DIGITLIB_DATA, or else "auto", is one of
    - "mnist": Keras's cache, then the mirrors; what a mirror gives is kept in that cache;
    - "sample": the 1,797 digits of scikit-learn in MNIST's frame, without any download;
    - "auto": MNIST if it can be had, else the sample and a notice on stderr;
    - the path to an .npz file of MNIST, or to a folder of its IDX files, gzipped or not.

    Raises DataError if the source is unknown, or does not give exactly MNIST where it should.
    """
    source = asked_for(source)
    if source in _WORDS:
        return _WORDS[source]()
    if not os.path.exists(source):
        raise DataError(
            f"The source of the data (the argument, or else DIGITLIB_DATA) is {source!r}: expected "
            "'auto', 'mnist', 'sample', or the path to a file or folder that exists."
        )
    return _proved(mnist.read(source), source)


def asked_for(source=None):
    """The source that `load` would take: the argument, else DIGITLIB_DATA, else "auto".

    A path that leads somewhere is made absolute, ~ included, so that processes that run in other
    folders can be given it. Any other is left as it was written.
    """
    source = str(source or os.environ.get("DIGITLIB_DATA") or "auto")
    path = os.path.abspath(os.path.expanduser(source))
    return path if source not in _WORDS and os.path.exists(path) else source


def is_mnist(digits):
    """Whether the four arrays of a `Digits` are exactly those of MNIST."""
    found = {key: getattr(digits, key) for key in mnist.SHAPES}
    shapes = {key: array.shape for key, array in found.items()}
    hashes = {key: fingerprint(array) for key, array in found.items()}
    return (shapes, hashes) == (mnist.SHAPES, mnist.SHA256)


def _proved(arrays, origin):
    return Digits(**arrays, name="mnist", origin=printable(origin))


def _mnist():
    cache = _cache()
    try:
        if not cache:
            raise DataError("Keras's cache: there is no home folder to have it in.")
        return _proved(mnist.read(cache), f"Keras's cache, {cache}")
    except DataError as error:
        tried = [error]
    part = f"{cache}.part" if cache else None
    for mirror in mnist.MIRRORS:
        try:
            arrays, npz = mnist.fetch(mirror, part)
        except DataError as error:
            tried.append(error)
            continue
        return _proved(arrays, f"{mirror}, {_keep(npz, cache, part)}")
    trail = "".join(f"\n- {str(error).removesuffix(ADVICE).strip()}" for error in tried)
    raise DataError(f"MNIST cannot be had. Tried in turn:{trail}\n{ADVICE}")


def _cache():
    """Where Keras keeps mnist.npz; None if nobody knows the user's home folder."""
    home = os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras")
    return None if home.startswith("~") else os.path.join(home, "datasets", "mnist.npz")


def _keep(npz, cache, part):
    """Keep a file where Keras would, and say in words whether that was possible."""
    if not cache:
        return "not kept (there is no home folder)"
    try:
        files.write_whole(npz, cache)
    except OSError as error:  # A read-only folder, a full disk: the data is good all the same.
        return f"not kept in {cache} ({error.strerror})"
    with contextlib.suppress(OSError):
        os.unlink(part)  # what an earlier call left of another mirror's
    return f"kept in {cache}"


def _sample():
    from sklearn.datasets import load_digits  # slow to import, and only needed here
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = np.stack([to_frame(image) for image in digits.images])
    labels = digits.target.astype(np.uint8)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=500, random_state=0, stratify=labels
    )
    return Digits(x_train, y_train, x_test, y_test, "sample", "scikit-learn's load_digits")


def _auto():
    try:
        return _mnist()
    except DataError as error:
        digits, line = _sample(), "=" * 88
        sizes = f"{len(digits.x_train):,} training and {len(digits.x_test):,} test images"
        notice = f"THIS IS NOT MNIST. It is the sample, {sizes} (MNIST: 60,000 and 10,000)."
        print(f"{line}\n{notice}\n\n{error}\n{line}", file=sys.stderr, flush=True)
        return digits


_WORDS = {"auto": _auto, "mnist": _mnist, "sample": _sample}
