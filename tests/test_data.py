"""`digitlib.data`: it gives MNIST or an error, whatever files, mirrors and caches do.

MNIST itself is not needed: the module is told that a few random images are MNIST, and a server
on this machine plays the mirrors.
"""

import errno
import gzip
import hashlib
import io
import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from digitlib import data
from digitlib.data import DataError, load, read_idx, read_npz

KEYS = ("x_train", "y_train", "x_test", "y_test")
REAL = {name: getattr(data, name) for name in ("SHAPES", "SHA256", "MIRRORS", "ANSWER")}
rng = np.random.default_rng(0)
TINY = {
    "x_train": rng.integers(0, 256, (6, 28, 28), np.uint8),
    "y_train": np.arange(6, dtype=np.uint8),
    "x_test": rng.integers(0, 256, (4, 28, 28), np.uint8),
    "y_test": np.arange(6, 10, dtype=np.uint8),
}


def idx(array):
    magic = {3: 2051, 1: 2049}[array.ndim]
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def npz(arrays, save=np.savez_compressed):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def write_idx(folder, arrays=TINY, spelling=str, pack=bytes):
    folder.mkdir(exist_ok=True)
    for key, name in data.IDX_FILES.items():
        (folder / spelling(name)).write_bytes(pack(idx(arrays[key])))
    return folder


NPZ = npz(TINY)
GZ = {f"/{name}.gz": gzip.compress(idx(TINY[key]), mtime=0) for key, name in data.IDX_FILES.items()}
HTML = b"\n<!DOCTYPE html><html><body>Please log in to this network.</body></html>"
OTHER = npz(TINY | {"x_test": TINY["x_test"][::-1]})


@pytest.fixture(scope="module", autouse=True)
def tiny_mnist():
    """For this module, MNIST is TINY."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SHAPES", {key: array.shape for key, array in TINY.items()})
        hashes = {key: hashlib.sha256(array.tobytes()).hexdigest() for key, array in TINY.items()}
        patch.setattr(data, "SHA256", hashes)
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Where Keras would keep mnist.npz. There is nothing there yet, and no mirror."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DIGITLIB_DATA", raising=False)
    monkeypatch.setattr(data, "MIRRORS", ())
    return tmp_path / "keras" / "datasets" / "mnist.npz"


def put(path, raw):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def is_tiny(digits):
    same = all(np.array_equal(getattr(digits, key), TINY[key]) for key in KEYS)
    return same and digits.name == "mnist"


def refusal(source, *words):
    """The message with which load refuses a source. It always says what to do."""
    with pytest.raises(DataError) as caught:
        load(source)
    message = str(caught.value)
    for word in ("What to do: set DIGITLIB_DATA", *map(str, words)):
        assert word in message
    return message


# --- What is loaded ---------------------------------------------------------------------------


def test_constants_of_mnist():
    # The hashes were measured on MNIST itself. This only notices a slip of the keyboard.
    pinned = hashlib.sha256("".join(REAL["SHA256"][key] for key in KEYS).encode()).hexdigest()
    assert pinned == "c473ce9de4170e6fe7638543697b7512b19cc4b2c68279feabf4a085461033dd"
    assert REAL["SHAPES"] == {
        "x_train": (60000, 28, 28),
        "y_train": (60000,),
        "x_test": (10000, 28, 28),
        "y_test": (10000,),
    }
    assert all(url.startswith("https://") for url in REAL["MIRRORS"])


def test_arrays_are_read_only_and_known_to_be_mnist(tmp_path):
    digits = load(put(tmp_path / "mnist.npz", NPZ))
    assert data.is_mnist(digits)
    assert repr(digits) == "Digits(name='mnist')"
    for key in KEYS:
        array = getattr(digits, key)
        assert array.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        digits.x_train = TINY["x_test"]


@pytest.mark.parametrize("key", KEYS)
def test_is_mnist_sees_any_change(key):
    changed = TINY[key].copy()
    changed.flat[-1] ^= 1
    assert data.is_mnist(data.Digits(**TINY, name="mnist", origin=""))
    assert not data.is_mnist(data.Digits(**TINY | {key: changed}, name="mnist", origin=""))
    assert not data.is_mnist(
        data.Digits(**TINY | {key: TINY[key].ravel()[None]}, name="", origin="")
    )


def test_fingerprint_ignores_the_memory_layout():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    expected = hashlib.sha256(bytes([0, 1, 2, 3, 4, 5])).hexdigest()
    assert data.fingerprint(array) == data.fingerprint(np.asfortranarray(array)) == expected


def test_sample():
    digits = load("sample")
    assert (digits.name, digits.x_train.shape, digits.x_test.shape) == (
        "sample",
        (1297, 28, 28),
        (500, 28, 28),
    )
    assert not data.is_mnist(digits)
    assert digits.x_train.dtype == digits.y_train.dtype == np.uint8
    assert digits.x_train.max(axis=(1, 2)).min() == 255
    counts = np.bincount(digits.y_train) / 1297 - np.bincount(digits.y_test) / 500
    assert abs(counts).max() < 0.002, "stratified by label"
    split = "cd136f7242bb54909a9b190fe61365155060395998821bded0cacf13a87df589"
    assert data.fingerprint(digits.y_test) == split, "the same split in every run"
    pixels = [array.reshape(len(array), -1) for array in (digits.x_train, digits.x_test)]
    assert not {bytes(row) for row in pixels[0]} & {bytes(row) for row in pixels[1]}
    assert not digits.x_train.flags.writeable


def test_importing_it_loads_no_large_library():
    code = "import sys, digitlib.data; print({'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


# --- Sources ----------------------------------------------------------------------------------


def test_the_environment_variable_is_used_when_there_is_no_argument(tmp_path, monkeypatch):
    path = put(tmp_path / "mnist.npz", NPZ)
    monkeypatch.setenv("DIGITLIB_DATA", str(path))
    assert load().origin == str(path)
    assert load("sample").name == "sample"
    monkeypatch.setenv("DIGITLIB_DATA", "sample")
    assert load().name == "sample"
    assert is_tiny(load(path))


@pytest.mark.parametrize("source", ["minst", "/no/such/file.npz", Path("nowhere"), 5])
def test_unknown_source(source):
    with pytest.raises(DataError, match="'auto', 'mnist', 'sample'") as caught:
        load(source)
    assert str(source) in str(caught.value)


def test_npz_by_content_not_by_suffix(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path / "digits.bin", NPZ)
    assert is_tiny(load(tmp_path / "digits.bin"))
    assert is_tiny(load("~/digits.bin"))
    assert is_tiny(load(put(tmp_path / "plain.npz", npz(TINY, np.savez))))


@pytest.mark.parametrize("suffix, pack", [("", bytes), (".gz", gzip.compress)])
@pytest.mark.parametrize("old, new", [("", ""), ("-idx", ".idx")])
def test_idx_folder(tmp_path, old, new, suffix, pack):
    folder = write_idx(tmp_path / "raw", TINY, lambda name: name.replace(old, new) + suffix, pack)
    digits = load(folder)
    assert is_tiny(digits)
    assert digits.origin == str(folder)
    assert not digits.x_train.flags.writeable


def test_idx_folder_with_a_file_missing(tmp_path):
    folder = write_idx(tmp_path / "raw")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    refusal(folder, folder, "a file t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz")


def swapped(one, two):
    return TINY | {one: TINY[two], two: TINY[one]}


@pytest.mark.parametrize(
    "arrays, words",
    [
        (swapped("x_train", "y_train"), ["x_train", "shape (6, 28, 28)", "shape (6,)"]),
        (swapped("x_train", "x_test"), ["x_train", "shape (6, 28, 28)", "shape (4, 28, 28)"]),
        (swapped("y_train", "y_test"), ["y_train", "shape (6,)", "shape (4,)"]),
        (TINY | {"x_test": TINY["x_test"][:3]}, ["x_test", "(4, 28, 28)", "(3, 28, 28)"]),
        (TINY | {"x_test": TINY["x_test"].reshape(4, 784, 1)}, ["x_test", "(4, 784, 1)"]),
        (TINY | {"y_test": np.full(4, 10, np.uint8)}, ["y_test", "labels from 0 to 9", "label 10"]),
        (TINY | {"y_test": TINY["y_test"][::-1]}, ["y_test", "the values of MNIST", "SHA-256"]),
        (TINY | {"x_train": 255 - TINY["x_train"]}, ["x_train", "another data set"]),
    ],
)
def test_arrays_that_are_not_mnist(tmp_path, arrays, words):
    folder = write_idx(tmp_path / "raw", arrays)
    refusal(folder, folder / data.IDX_FILES[words[0]], *words)
    file = put(tmp_path / "mnist.npz", npz(arrays))
    refusal(file, file, *words)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, bool])
def test_arrays_of_another_type(tmp_path, dtype):
    file = put(tmp_path / "mnist.npz", npz(TINY | {"y_train": TINY["y_train"].astype(dtype)}))
    refusal(file, file, "y_train", "uint8", np.dtype(dtype).name)


# --- Files that are not what they should be ---------------------------------------------------

WHOLE = idx(TINY["x_test"])


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", ["an empty file"]),
        (HTML, ["a web page"]),
        (gzip.compress(HTML, mtime=0), ["a web page"]),
        (gzip.compress(b"", mtime=0), ["an empty file"]),
        (NPZ, ["a zip archive"]),
        (pickle.dumps(TINY), ["a pickle, which is never loaded"]),
        (b"\x00\x00\x0d\x03" + WHOLE[4:], ["magic number 2051 or 2049", "00 00 0d 03"]),
        (WHOLE[:3], ["00 00 08"]),
        (WHOLE[:6], ["0 bytes after"]),
        (WHOLE[:-1], ["(4, 28, 28) = 3,136", "3,135 bytes"]),
        (WHOLE + b"\n", ["(4, 28, 28) = 3,136", "3,137 bytes"]),
        (idx(TINY["x_test"][:0]), ["at least one value"]),
        (struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1), ["= 79,228,162"]),
        (gzip.compress(WHOLE, mtime=0)[:-1], ["a whole gzip file"]),
        (
            gzip.compress(WHOLE, mtime=0)[:10] + b"\xff" * 9,
            ["a whole gzip file", "invalid block type"],
        ),
        (gzip.compress(WHOLE, mtime=0)[:40], ["a whole gzip file"]),
        (gzip.compress(WHOLE, mtime=0) + b"more", ["a whole gzip file"]),
        (
            gzip.compress(WHOLE, mtime=0)[:-5] + b"?" + gzip.compress(WHOLE, mtime=0)[-4:],
            ["CRC check failed"],
        ),
        (gzip.compress(WHOLE[:-9], mtime=0), ["3,127 bytes"]),
    ],
)
def test_bad_idx(tmp_path, raw, words):
    folder = write_idx(tmp_path / "raw")
    file = put(folder / "t10k-images-idx3-ubyte", raw)
    with pytest.raises(DataError) as caught:
        read_idx(file)
    assert all(word in str(caught.value) for word in [str(file), "expected", "found", *words])
    refusal(folder, file, *words)


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


MEMBERS = {f"{key}.npy": npy(array) for key, array in TINY.items()}
STORED = zipped(MEMBERS)
HOLE = STORED.index(TINY["x_test"].tobytes())


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", ["an empty file"]),
        (HTML, ["a web page"]),
        (npy(TINY["x_train"]), ["a .npy file with a single array"]),
        (gzip.compress(WHOLE, mtime=0), ["a gzip file"]),
        (WHOLE, ["an IDX file of images"]),
        (idx(TINY["y_test"]), ["an IDX file of labels"]),
        (pickle.dumps(TINY), ["a pickle, which is never loaded"]),
        (NPZ[:-30], ["BadZipFile"]),
        (NPZ[: len(NPZ) // 2], ["BadZipFile"]),
        (STORED[:HOLE] + b"\0" * 9 + STORED[HOLE + 9 :], ["Bad CRC-32", "x_test"]),
        (npz({key: TINY[key] for key in KEYS[:3]}), ["no item named 'y_test.npy'"]),
        (npz({}) or b"", ["begins with the bytes 50 4b 05 06"]),
        (zipped({"photo.jpg": b"..."}), ["no item named 'x_train.npy'"]),
        (zipped(MEMBERS | {"x_test.npy": HTML}), ["the magic string is not correct"]),
        (zipped(MEMBERS | {"x_test.npy": b""}), ["EOF"]),
        (
            zipped(MEMBERS | {"x_test.npy": MEMBERS["x_test.npy"] + b"!"}),
            ["longer than its header"],
        ),
    ],
)
def test_bad_npz(tmp_path, raw, words):
    file = put(tmp_path / "mnist.npz", raw)
    with pytest.raises(DataError) as caught:
        read_npz(file)
    assert all(word in str(caught.value) for word in [str(file), "expected", "found", *words])
    refusal(file, file, *words)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_no_pickle_is_ever_loaded(tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = npy(np.array([Bomb()], dtype=object))
    file = put(tmp_path / "mnist.npz", zipped(MEMBERS | {"x_test.npy": objects}))
    refusal(file, "Object arrays cannot be loaded")
    refusal("mnist", put(cache, file.read_bytes()), "Object arrays cannot be loaded")
    refusal(put(file, pickle.dumps(Bomb())), "a pickle, which is never loaded")
    # In a member that nobody asks for, it is never looked at.
    assert is_tiny(load(put(file, zipped(MEMBERS | {"extra.npy": objects}))))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_nothing_huge_is_unpacked(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(data, "MAX_BYTES", 50_000)
    large = np.zeros((100, 28, 28), np.uint8)
    with pytest.raises(DataError, match="= 78,400; found 49,984 bytes"):
        read_idx(put(tmp_path / "large", pack(idx(large))))
    with pytest.raises(DataError, match="x_train claims to have 78,528 bytes"):
        read_npz(put(tmp_path / "large.npz", npz(TINY | {"x_train": large})))


def test_a_file_that_cannot_be_read(tmp_path):
    for reader in (read_idx, read_npz):
        with pytest.raises(DataError, match="none .Is a directory."):
            reader(tmp_path)
        with pytest.raises(DataError, match="none .No such file or directory."):
            reader(tmp_path / "gone")


# --- Properties of the readers ----------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("files") / "file"


def outcome(read, file, raw):
    """What a reader makes of some bytes: arrays, or None for a DataError. Nothing else."""
    file.write_bytes(raw)
    try:
        return read(file)
    except DataError as error:
        assert str(file) in str(error)


no_deadline = settings(deadline=None)  # The machine may be busy.
images = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9))
labels = arrays(np.uint8, st.integers(1, 99), elements=st.integers(0, 9))
packings = st.sampled_from([bytes, gzip.compress])


@no_deadline
@given(st.one_of(images, labels), packings)
def test_idx_round_trip(file, array, pack):
    found = outcome(read_idx, file, pack(idx(array)))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array, strict=True)


@settings(max_examples=30, deadline=None)
@given(images, labels, images, labels, st.sampled_from([np.savez, np.savez_compressed]))
def test_npz_round_trip(file, x_train, y_train, x_test, y_test, save):
    given_arrays = dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True))
    found = outcome(read_npz, file, npz(given_arrays, save))
    assert list(found) == list(KEYS)
    for key in KEYS:
        np.testing.assert_array_equal(found[key], given_arrays[key], strict=True)


heads = st.sampled_from(
    [b"", WHOLE[:4], WHOLE[:16], idx(TINY["y_test"])[:4], b"\x1f\x8b\x08\0", NPZ[:4], NPZ[:60]]
)


@no_deadline
@given(heads, st.binary(max_size=200), packings)
def test_random_bytes_are_refused_or_read(file, head, tail, pack):
    assert outcome(read_npz, file, head + tail) is None
    found = outcome(read_idx, file, pack(head + tail))
    assert found is None or idx(found) == head + tail


SMALL = {key: array[:2, :3, :3] if array.ndim == 3 else array for key, array in TINY.items()}
NPZS = [npz(SMALL), npz(SMALL, np.savez)]


@no_deadline
@given(st.sampled_from(NPZS), st.data())
def test_a_truncated_npz_is_refused(file, raw, draw):
    assert outcome(read_npz, file, raw[: draw.draw(st.integers(0, len(raw) - 1))]) is None


@no_deadline
@given(st.sampled_from([TINY["x_test"], TINY["y_test"]]), packings, st.data())
def test_a_truncated_idx_is_refused(file, array, pack, draw):
    raw = pack(idx(array))
    assert outcome(read_idx, file, raw[: draw.draw(st.integers(0, len(raw) - 1))]) is None


def flipped(raw, draw):
    place, bits = draw.draw(st.integers(0, len(raw) - 1)), draw.draw(st.integers(1, 255))
    return raw[:place] + bytes([raw[place] ^ bits]) + raw[place + 1 :], place


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NPZS), st.data())
def test_a_flipped_byte_in_an_npz_is_harmless_or_noticed(file, raw, draw):
    found = outcome(read_npz, file, flipped(raw, draw)[0])
    if found is not None:
        for key in KEYS:
            np.testing.assert_array_equal(found[key], SMALL[key], strict=True)


@no_deadline
@given(st.sampled_from([TINY["x_test"][:1, :5, :5], TINY["y_test"]]), st.data())
def test_a_flipped_byte_in_a_gzipped_idx_is_harmless_or_noticed(file, array, draw):
    found = outcome(read_idx, file, flipped(gzip.compress(idx(array), mtime=0), draw)[0])
    if found is not None:
        np.testing.assert_array_equal(found, array, strict=True)


@no_deadline
@given(st.sampled_from(KEYS), st.data())
def test_a_flipped_byte_in_a_plain_idx_is_noticed(file, key, draw):
    # In the header the reader notices it, among the values only the hash can.
    raw, place = flipped(idx(TINY[key]), draw)
    found = outcome(read_idx, file, raw)
    assert (found is None) == (place < 4 + 4 * TINY[key].ndim)
    folder = write_idx(file.parent / "raw")
    (folder / data.IDX_FILES[key]).write_bytes(raw)
    with pytest.raises(DataError, match=data.IDX_FILES[key]):
        load(folder)


# --- Keras's cache ----------------------------------------------------------------------------


@pytest.mark.parametrize("keras_home", ["~/elsewhere", None, ""])
def test_keras_home(tmp_path, monkeypatch, keras_home):
    monkeypatch.setenv("HOME", str(tmp_path))
    if keras_home is None:
        monkeypatch.delenv("KERAS_HOME")
    else:
        monkeypatch.setenv("KERAS_HOME", keras_home)
    file = tmp_path / ("elsewhere" if keras_home else ".keras") / "datasets" / "mnist.npz"
    digits = load(put(file, NPZ) and "mnist")
    assert is_tiny(digits)
    assert digits.origin == f"Keras's cache, {file}"


@pytest.mark.parametrize("raw", [b"", HTML, NPZ[:-9], OTHER], ids=["empty", "html", "cut", "other"])
def test_a_cached_file_that_is_not_mnist(cache, mirror, raw):
    refusal("mnist", put(cache, raw), "expected")
    assert cache.read_bytes() == raw, "it is replaced by MNIST, or left alone"
    with mirror({"/mnist.npz": NPZ}):
        assert is_tiny(load("mnist"))
    assert cache.read_bytes() == NPZ


def test_what_a_mirror_gives_is_kept(cache, mirror):
    with mirror({"/mnist.npz": NPZ}) as server:
        digits = load("mnist")
    assert is_tiny(digits)
    assert digits.origin == f"{server.urls[0]}, kept in {cache}"
    assert cache.read_bytes() == NPZ
    assert is_tiny(load("mnist")), "now without a mirror"


def test_idx_mirror_is_kept_as_keras_has_it(cache, mirror):
    with mirror(GZ, "") as server:
        assert is_tiny(load("mnist"))
    assert server.asked == list(GZ)
    with np.load(cache) as kept:
        assert sorted(kept) == sorted(KEYS)
    assert load("mnist").origin == f"Keras's cache, {cache}"
    assert os.listdir(cache.parent) == ["mnist.npz"]


@pytest.mark.parametrize("function", ["makedirs", "fsync", "replace"])
def test_full_disk(cache, mirror, monkeypatch, function):
    put(cache, OTHER)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, function, full)
    with mirror({"/mnist.npz": NPZ}):
        digits = load("mnist")
    assert is_tiny(digits)
    assert digits.origin.endswith(f"not kept in {cache} (No space left on device)")
    assert os.listdir(cache.parent) == ["mnist.npz"]
    assert cache.read_bytes() == OTHER


def test_a_cache_folder_that_cannot_be_made(tmp_path, mirror, monkeypatch):
    # The tests may run as root, whom no permission stops; a file in the way stops everybody.
    monkeypatch.setenv("KERAS_HOME", str(put(tmp_path / "a file", b"")))
    with mirror({"/mnist.npz": NPZ}):
        digits = load("mnist")
    assert is_tiny(digits)
    assert "not kept in" in digits.origin


SCRIPT = """
import json, os, signal, sys
from digitlib import data
for name, value in json.loads(sys.argv[1]).items():
    setattr(data, name, value)
data.SHAPES = {key: tuple(shape) for key, shape in data.SHAPES.items()}
if sys.argv[2] == "be killed":
    os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
print(data.load("mnist").origin)
"""


def start(what):
    """Load "mnist" in a process of its own, in the world of this test."""
    world = {name: getattr(data, name) for name in ("SHAPES", "SHA256", "MIRRORS")}
    command = [sys.executable, "-c", SCRIPT, json.dumps(world), what]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once(cache, mirror):
    both_are_here = threading.Barrier(2, timeout=30)

    def when_both_ask(answer):
        both_are_here.wait()
        send(answer, NPZ)

    with mirror({"/mnist.npz": when_both_ask}) as server:
        processes = [start("finish"), start("finish")]
        results = [process.communicate(timeout=30) for process in processes]
    assert results == [(f"{server.urls[0]}, kept in {cache}\n", "")] * 2
    assert cache.read_bytes() == NPZ
    assert os.listdir(cache.parent) == ["mnist.npz"]


def test_killed_while_writing(cache, mirror):
    with mirror({"/mnist.npz": NPZ}):
        process = start("be killed")
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        [left] = os.listdir(cache.parent)
        assert left.endswith(".part")
        (cache.parent / left).write_bytes(OTHER)
        assert is_tiny(load("mnist"))
    assert cache.read_bytes() == NPZ


# --- Mirrors ----------------------------------------------------------------------------------


def send(answer, raw, length=None):
    answer.send_response(200)
    answer.send_header("Content-Length", str(len(raw) if length is None else length))
    answer.end_headers()
    answer.wfile.write(raw)


@pytest.fixture
def mirror(monkeypatch):
    """A context in which a server on this machine is the mirrors.

    It takes the answers, {path: bytes or function}, and the path of each mirror in turn.
    """

    @contextmanager
    def serve(answers, *paths):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked.append(self.path)
                answer = answers.get(self.path)
                if callable(answer):
                    answer(self)
                elif answer is None:
                    self.send_error(404)
                else:
                    send(self, answer)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):  # Clients that hang up are part of the game.
                pass

        server = Server(("127.0.0.1", 0), Answer)
        base = f"http://127.0.0.1:{server.server_port}/"
        server.urls = [base + path for path in paths or ["mnist.npz"]]
        server.asked, server.over = [], threading.Event()
        monkeypatch.setattr(data, "MIRRORS", server.urls)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
            server.server_close()
            monkeypatch.setattr(data, "MIRRORS", ())

    return serve


def trickle(answer, first):
    answer.wfile.write(first)
    for _ in range(200):
        answer.wfile.write(b"1")
        if answer.server.over.wait(0.05):
            break


def flood(answer):
    answer.send_response(200)
    answer.end_headers()
    while True:
        answer.wfile.write(bytes(2**16))


BAD_ANSWERS = {
    "not found": (None, "404"),
    "web page": (HTML, "a web page"),
    "empty": (b"", "an empty file"),
    "cut short": (NPZ[:-100], "BadZipFile"),
    "connection lost": (lambda answer: send(answer, NPZ[:-100], len(NPZ)), "100 more expected"),
    "no answer": (lambda answer: answer.connection.close(), "onnection"),
    "not MNIST": (OTHER, "exactly the values of MNIST"),
    "pickle": (pickle.dumps(TINY), "a pickle, which is never loaded"),
    "silent": (lambda answer: answer.server.over.wait(20), "too slow; given up after 0 bytes"),
    "slow start": (lambda answer: trickle(answer, b"HTTP/1.0 200 OK\r\nX: "), "too slow"),
    "slow": (lambda answer: trickle(answer, b"HTTP/1.0 200 OK\r\n\r\nPK"), "too slow"),
    "endless": (flood, "longer than 100,000 bytes"),
    "bad length": (lambda answer: send(answer, NPZ, "many"), "invalid literal"),
}


@pytest.mark.parametrize("answer, reason", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_mirror_is_named_and_the_next_one_works(cache, mirror, monkeypatch, answer, reason):
    monkeypatch.setattr(data, "ANSWER", 0.6)
    monkeypatch.setattr(data, "DEADLINE", 1)
    monkeypatch.setattr(data, "MAX_BYTES", 100_000)
    begin = time.monotonic()
    with mirror({"/mnist.npz": answer}) as server:
        refusal("mnist", "Tried in turn", cache, f"- {server.urls[0]}", reason)
    assert not cache.exists()
    with mirror({"/mnist.npz": answer} | GZ, "mnist.npz", "") as server:
        digits = load("mnist")
    assert is_tiny(digits)
    assert digits.origin.startswith(server.urls[1])
    assert time.monotonic() - begin < 5
    assert os.listdir(cache.parent) == ["mnist.npz"]


def test_a_mirror_is_left_at_its_first_bad_file(mirror):
    names = list(GZ)
    with mirror({}, "", "one/", "two/") as server:
        refusal("mnist", *server.urls)
    assert server.asked == [names[0], "/one" + names[0], "/two" + names[0]]
    with mirror(GZ | {names[1]: GZ[names[3]]}, "") as server:
        refusal("mnist", names[1], "y_train", "found uint8 of shape (4,)")
    assert server.asked == names[:2]


def test_a_mirror_that_unpacks_on_the_way(mirror):
    def packed_for_transfer(answer):
        answer.send_response(200)
        answer.send_header("Content-Encoding", "gzip")
        answer.end_headers()
        answer.wfile.write(GZ[answer.path])

    with mirror(dict.fromkeys(GZ, packed_for_transfer), ""):
        assert is_tiny(load("mnist"))


def test_a_mirror_that_stalls_is_left_before_the_deadline(mirror, monkeypatch):
    monkeypatch.setattr(data, "STALL", 0.2)

    def stall(answer):
        send(answer, NPZ[:100], len(NPZ))
        answer.server.over.wait(5)

    with mirror({"/mnist.npz": stall}):
        refusal("mnist", "Read timed out")


def test_a_download_that_is_given_up_ends(mirror, monkeypatch):
    monkeypatch.setattr(data, "ANSWER", 0.2)
    monkeypatch.setattr(data, "DEADLINE", 0.3)
    hung_up = threading.Event()

    def slowly(answer):
        answer.send_response(200)
        answer.end_headers()
        try:
            for _ in range(100):
                answer.wfile.write(bytes(2**16))
                time.sleep(0.05)
        except OSError:
            hung_up.set()

    with mirror({"/mnist.npz": slowly}):
        refusal("mnist", "too slow")
        assert hung_up.wait(3)


def test_offline_is_noticed_fast(monkeypatch):
    # A name look-up that hangs, as behind some firewalls, has no time limit of its own.
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(20))
    monkeypatch.setattr(data, "ANSWER", 0.2)
    monkeypatch.setattr(data, "MIRRORS", REAL["MIRRORS"])
    begin = time.monotonic()
    message = refusal("mnist", "too slow")
    assert time.monotonic() - begin < 2
    over.set()
    assert all(url in message for url in REAL["MIRRORS"])
    assert REAL["ANSWER"] <= 10


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(mirror, monkeypatch, is_terminal):
    screen = io.StringIO()
    screen.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", screen)
    with mirror({"/mnist.npz": NPZ}):
        load("mnist")
    shown = screen.getvalue()
    assert ("mnist.npz: 100%" in shown) if is_terminal else (shown == "")


# --- auto -------------------------------------------------------------------------------------


def test_auto_is_the_default_and_gives_mnist_silently(cache, mirror, capsys):
    with mirror({"/mnist.npz": NPZ}):
        assert is_tiny(load())
    assert is_tiny(load("auto"))
    assert capsys.readouterr() == ("", "")


def test_auto_says_loudly_that_it_is_the_sample(cache, mirror, capsys):
    with mirror({}) as server:
        digits = load("auto")
    assert digits.name == "sample"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("=" * 88 + "\nTHIS IS NOT MNIST. It is the sample, 1,297")
    for word in ("500 test images", str(cache), f"{server.urls[0]}: 404", "set DIGITLIB_DATA"):
        assert word in err
