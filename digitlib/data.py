"""Where do the images come from, and how do we know that they are MNIST?

`load` takes them from a file, from Keras's cache or from a mirror. Whatever the container,
the four arrays inside are compared with their known SHA-256 hashes before anybody sees them.
"""

import contextlib
import gzip
import hashlib
import io
import math
import os
import secrets
import sys
import threading
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import requests
from tqdm import tqdm

from digitlib.frame import to_frame

# MNIST: the shapes of its uint8 arrays, the SHA-256 of their bytes in C order, their IDX files.
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
# Limits of a download in seconds: to connect to one address; until the answer begins, name
# look-up and every address of the host included; without a byte; for a whole file.
CONNECT, ANSWER, STALL, DEADLINE = 5, 8, 10, 120
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
        for key in SHAPES:
            getattr(self, key).flags.writeable = False


def recorded(name):
    """The path of a file that the book keeps in book/results and installs with the package."""
    here = Path(__file__).resolve().parent
    installed, working_copy = here / "results", here.parent / "book" / "results"
    return (installed if installed.is_dir() else working_copy) / name


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
    words = {"auto": _auto, "mnist": _mnist, "sample": _sample}
    if source in words:
        return words[source]()
    path = os.path.expanduser(source)
    if not os.path.exists(path):
        raise DataError(
            f"The source of the data (the argument, or else DIGITLIB_DATA) is {source!r}: expected "
            "'auto', 'mnist', 'sample', or the path to a file or folder that exists."
        )
    return Digits(**_read_mnist(path), name="mnist", origin=path)


def asked_for(source=None):
    """The source that `load` would take: the argument, else DIGITLIB_DATA, else "auto"."""
    return str(source or os.environ.get("DIGITLIB_DATA") or "auto")


def fingerprint(array):
    """The SHA-256 of an array's bytes in C order, as 64 hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def is_mnist(digits):
    """Whether the four arrays of a `Digits` are exactly those of MNIST."""
    arrays = [getattr(digits, key) for key in SHAPES]
    return [(a.shape, fingerprint(a)) for a in arrays] == [(SHAPES[k], SHA256[k]) for k in SHAPES]


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
        with open(path, "rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise _wrong(path, "a readable file", f"none ({error.strerror})") from error


def _parse_idx(raw, file):
    if raw.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(raw)) as unpacked:
                raw = unpacked.read(MAX_BYTES)
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


def _proved_npz(raw, file):
    return {key: _proved(key, array, file) for key, array in _parse_npz(raw, file).items()}


def _read_mnist(path):
    """The arrays of MNIST from an .npz file or a folder of IDX files."""
    if not os.path.isdir(path):
        return _proved_npz(_read(path), path)
    files = {key: _find(path, name) for key, name in IDX_FILES.items()}
    return {key: _proved(key, read_idx(file), file) for key, file in files.items()}


def _find(folder, name):
    for spelling in (name, name.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            if os.path.isfile(file := os.path.join(folder, spelling + suffix)):
                return file
    raise _wrong(folder, f"a file {name} or {name}.gz in this folder", "none")


def _mnist():
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    cache = os.path.expanduser(os.path.join(home, "datasets", "mnist.npz"))
    try:
        return Digits(**_read_mnist(cache), name="mnist", origin=f"Keras's cache, {cache}")
    except DataError as error:
        tried = [error]
    for mirror in MIRRORS:
        try:
            arrays, npz = _fetch_mnist(mirror)
        except DataError as error:
            tried.append(error)
            continue
        try:
            write_whole(npz, cache)
            note = f"kept in {cache}"
        except OSError as error:  # A read-only folder, a full disk: the data is good all the same.
            note = f"not kept in {cache} ({error.strerror})"
        return Digits(**arrays, name="mnist", origin=f"{mirror}, {note}")
    trail = "".join(f"\n- {str(error).removesuffix(ADVICE).strip()}" for error in tried)
    raise DataError(f"MNIST cannot be had. Tried in turn:{trail}\n{ADVICE}")


def _fetch_mnist(mirror):
    """The arrays of MNIST, and the bytes of an .npz file that holds them, from one mirror."""
    if mirror.endswith(".npz"):
        npz = _download(mirror)
        return _proved_npz(npz, mirror), npz
    arrays = {}
    for key, name in IDX_FILES.items():
        url = f"{mirror}{name}.gz"
        arrays[key] = _proved(key, _parse_idx(_download(url), url), url)
    npz = io.BytesIO()
    np.savez_compressed(npz, **arrays)
    return arrays, npz.getvalue()


def _download(url):
    """The bytes at a web address. Raises DataError if they do not come, or not in time.

    The timeouts of requests bind neither the name look-up, nor a host with many addresses, nor
    a server that trickles. So a thread waits for the server, and we wait for the thread.
    """
    raw, failed = bytearray(), []
    answered, stop = threading.Event(), threading.Event()

    def receive():
        try:
            with requests.get(url, stream=True, timeout=(CONNECT, STALL)) as answer:
                answer.raise_for_status()
                answered.set()
                bar = {"unit": "B", "unit_scale": True, "disable": None}  # None: only on a terminal
                total = int(answer.headers.get("Content-Length", 0)) or None
                with tqdm(desc=url.rsplit("/", 1)[-1], total=total, **bar) as progress:
                    for chunk in answer.iter_content(2**16):
                        raw.extend(chunk)
                        progress.update(len(chunk))
                        if stop.is_set() or len(raw) > MAX_BYTES:
                            raise ValueError(f"longer than {MAX_BYTES:,} bytes")
        except Exception as error:  # noqa: BLE001 (a thread has nobody to raise it to)
            failed.append(error)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    try:
        thread.join(ANSWER)
        if answered.is_set():
            thread.join(DEADLINE - ANSWER)
        if thread.is_alive():
            raise DataError(f"{url}: too slow; given up after {len(raw):,} bytes")
    finally:
        stop.set()
    if failed:
        reason = getattr(failed[0].args[0] if failed[0].args else None, "reason", failed[0])
        raise DataError(f"{url}: {str(reason).split('): ', 1)[-1]}") from failed[0]
    return bytes(raw)


def write_whole(raw, path):
    """Write bytes to a file so that it is there as a whole or not at all, even if we are killed.

    Folders on the way are made. Raises OSError if it cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


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
