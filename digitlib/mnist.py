"""What is MNIST to the byte, and how is it read from a file or fetched from a mirror?

Whatever the container, `read` and `fetch` compare the four arrays inside with their known
SHA-256 hashes before anybody sees them.
"""

import errno
import gzip
import hashlib
import io
import math
import os
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from digitlib import download

# The shapes of its uint8 arrays, the SHA-256 of their bytes in C order, their IDX files.
SHAPES = {
    "x_train": (60_000, 28, 28),
    "y_train": (60_000,),
    "x_test": (10_000, 28, 28),
    "y_test": (10_000,),
}
SHA256 = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
# Indices of test images whose label people rejected: Northcutt, Athalye, Mueller 2021.
REJECTED_LABELS = (
    *(947, 1621, 1901, 2130, 2462, 2597, 2654, 3520),
    *(3558, 5937, 6651, 6783, 8527, 9679, 9729),
)
MIRRORS = (  # Keras's file, then two folders with the four IDX files, gzipped
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MAX_BYTES = 64 * 2**20  # All of MNIST is 55 MB. Nothing longer than this is read or unpacked.
ADVICE = (
    "What to do: set DIGITLIB_DATA to an intact copy of MNIST (an .npz file, or a folder with "
    "the four IDX files), or to 'sample' for the small set that comes with scikit-learn."
)
_MAGIC = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\x93NUMPY": "a .npy file with a single array",
    b"\x00\x00\x08\x03": "an IDX file of images",
    b"\x00\x00\x08\x01": "an IDX file of labels",
    b"\x80": "a pickle, which is never loaded",
}


class DataError(ValueError):
    """The data cannot be had, or is not what it should be. The message says what to do."""

    def __init__(self, message):
        super().__init__(printable(message))


def printable(text):
    """Text, such as a path, as every terminal and notebook takes it.

    A file's name may hold bytes that are not UTF-8. Python keeps them as lone surrogates, which
    cannot be printed; here they are shown as escapes.
    """
    return os.fspath(text).encode("utf-8", "backslashreplace").decode()


def read(path):
    """Read MNIST from an .npz file, or from a folder of its IDX files, gzipped or not.

    Returns {"x_train": array, ...}, uint8 arrays of `SHAPES` with the hashes `SHA256`.
    Raises DataError if the files give anything else.
    """
    if not os.path.isdir(path):
        return _proved_npz(read_npz(path), path)
    files = {key: _find(path, name) for key, name in IDX_FILES.items()}
    return {key: _proved(key, read_idx(file), file) for key, file in files.items()}


def fetch(mirror, part=None):
    """Fetch MNIST from the address of an .npz file, or of a folder of its gzipped IDX files.

    Returns the arrays as `read` does, and the bytes of an .npz file that holds them. `part` is
    the path of a file for what came before a line broke, see `download.download`.
    Raises DataError if the mirror gives anything else, or nothing.
    """
    if mirror.endswith(".npz"):
        npz = _download(mirror, part)
        return _proved_npz(_parse_npz(npz, mirror), mirror), npz
    arrays = {}
    for key, name in IDX_FILES.items():
        url = f"{mirror}{name}.gz"
        arrays[key] = _proved(key, _parse_idx(_download(url, part), url), url)
    npz = io.BytesIO()
    np.savez_compressed(npz, **arrays)
    return arrays, npz.getvalue()


def fingerprint(array):
    """The SHA-256 of an array's bytes in C order, as 64 hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def read_idx(path):
    """Read an IDX file, gzipped or not: uint8 images (n, rows, columns) or labels (n,).

    The format, as the MNIST page of LeCun, Cortes and Burges describes it: a magic number
    (2051 = images, 2049 = labels) and the sizes, 4 bytes each, big-endian; then one byte a value.
    Raises DataError if the file is anything else, or not whole.
    """
    return _parse_idx(_read(path), path)


def read_npz(path):
    """Read x_train, y_train, x_test and y_test from an .npz file, as a dict of arrays.

    Other members are ignored; objects (pickles) are refused.
    Raises DataError if the file is anything else, or not whole.
    """
    return _parse_npz(_read(path), path)


def _wrong(file, expected, found):
    return DataError(f"{os.fspath(file)}: expected {expected}; found {found}. {ADVICE}")


def _kind(raw):
    """What the first bytes of a file show it to be, in words."""
    if not raw:
        return "an empty file"
    if raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "a web page (HTML or XML)"
    unknown = f"a file that begins with the bytes {raw[:4].hex(' ')}"
    return next((kind for magic, kind in _MAGIC.items() if raw.startswith(magic)), unknown)


def _read(path):
    try:
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise OSError(errno.EINVAL, "a pipe or a device")  # to open it may wait for ever
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(path, "a readable file", f"none ({error.strerror or error})") from error
    return _bounded(raw, path)


def _bounded(raw, file, packed=""):
    if len(raw) > MAX_BYTES:
        raise _wrong(file, f"at most {MAX_BYTES:,} bytes{packed} (MNIST is smaller)", "more")
    return raw


def _parse_idx(raw, file):
    if raw.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(raw)) as unpacked:
                raw = _bounded(unpacked.read(MAX_BYTES + 1), file, " unpacked")
        except (OSError, EOFError, zlib.error) as error:
            raise _wrong(file, "a whole gzip file", f"a damaged one ({error})") from error
    axes = {2051: 3, 2049: 1}.get(int.from_bytes(raw[:4], "big"))
    if axes is None:
        raise _wrong(file, "an IDX file (magic number 2051 or 2049)", _kind(raw))
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4))
    size, found = math.prod(shape), len(raw) - start
    if found != size or not size:
        expected = f"at least one value, and as many as its header says, {shape} = {size:,}"
        raise _wrong(file, expected, f"{max(0, found):,} bytes after the header")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _parse_npz(raw, file):
    if not raw.startswith(b"PK\x03\x04"):
        raise _wrong(file, "an .npz file (a zip archive of arrays)", _kind(raw))

    def member(key):
        # np.load would neither limit the size nor notice bytes that are left over.
        info = archive.getinfo(f"{key}.npy")
        if info.file_size > MAX_BYTES:
            raise ValueError(f"{key} claims to have {info.file_size:,} bytes")
        with archive.open(info) as stream:
            array = np.lib.format.read_array(stream, allow_pickle=False)
            if stream.read(1):
                raise ValueError(f"{key} is longer than its header says")
        return array

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive, ThreadPoolExecutor() as pool:
            return dict(zip(SHAPES, pool.map(member, SHAPES), strict=True))
    except Exception as error:  # A damaged zip can make zipfile raise almost anything.
        expected = f"an undamaged .npz file with the arrays {', '.join(SHAPES)}"
        raise _wrong(file, expected, f"one that fails with {error!r}") from error


def _proved(key, array, file):
    """The array, if it is MNIST's array of that name; if not, a DataError that says why not."""
    file, shape = f"{os.fspath(file)} ({key})", SHAPES[key]
    if array.dtype != np.uint8 or array.shape != shape:
        found = f"{array.dtype} of shape {array.shape}"
        raise _wrong(file, f"uint8 of shape {shape}, as MNIST has", found)
    if array.ndim == 1 and array.max() > 9:
        raise _wrong(file, "labels from 0 to 9", f"the label {array.max()}")
    found = fingerprint(array)
    if found != SHA256[key]:
        found = f"another data set or a damaged copy (SHA-256 {found})"
        raise _wrong(file, f"exactly the values of MNIST (SHA-256 {SHA256[key]})", found)
    return array


def _proved_npz(arrays, file):
    return {key: _proved(key, array, file) for key, array in arrays.items()}


def _find(folder, name):
    for spelling in (name, name.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            if os.path.isfile(file := os.path.join(folder, spelling + suffix)):
                return file
    raise _wrong(folder, f"a file {name} or {name}.gz in this folder", "none")


def _download(url, part):
    try:
        return download.download(url, MAX_BYTES, part)
    except OSError as error:
        raise DataError(str(error)) from error
