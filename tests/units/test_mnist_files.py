"""`digitlib.mnist`: a file is exactly MNIST, or it is refused with a word.

MNIST itself is not needed: the module is told that a few random images are MNIST.
"""

import gzip
import hashlib
import io
import os
import pickle
import struct
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tiny_mnist import (
    HTML,
    KEYS,
    NPZ,
    TINY,
    idx,
    is_tiny,
    npz,
    pretended,
    put,
    refusal,
    write_idx,
)

from digitlib import mnist
from digitlib.data import load
from digitlib.mnist import DataError, read_idx, read_npz

REAL = {name: getattr(mnist, name) for name in ("SHAPES", "SHA256", "MIRRORS")}


@pytest.fixture(scope="module", autouse=True)
def tiny_mnist():
    with pretended():
        yield


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


def test_fingerprint_ignores_the_memory_layout():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    expected = hashlib.sha256(bytes([0, 1, 2, 3, 4, 5])).hexdigest()
    assert mnist.fingerprint(array) == mnist.fingerprint(np.asfortranarray(array)) == expected


# --- Whole files ------------------------------------------------------------------------------


def test_npz_by_content_not_by_suffix(tmp_path):
    assert is_tiny(load(put(tmp_path / "digits.bin", NPZ)))
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
    refusal(folder, folder / mnist.IDX_FILES[words[0]], *words)
    file = put(tmp_path / "mnist.npz", npz(arrays))
    refusal(file, file, *words)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, bool])
def test_arrays_of_another_type(tmp_path, dtype):
    file = put(tmp_path / "mnist.npz", npz(TINY | {"y_train": TINY["y_train"].astype(dtype)}))
    refusal(file, file, "y_train", "uint8", np.dtype(dtype).name)


# --- Files that are not what they should be ---------------------------------------------------

WHOLE = idx(TINY["x_test"])
PACKED = gzip.compress(WHOLE, mtime=0)


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
        (PACKED[:-1], ["a whole gzip file"]),
        (PACKED[:10] + b"\xff" * 9, ["a whole gzip file", "invalid block type"]),
        (PACKED[:40], ["a whole gzip file"]),
        (PACKED + b"more", ["a whole gzip file"]),
        (PACKED[:-5] + b"?" + PACKED[-4:], ["CRC check failed"]),
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
        (PACKED, ["a gzip file"]),
        (WHOLE, ["an IDX file of images"]),
        (idx(TINY["y_test"]), ["an IDX file of labels"]),
        (pickle.dumps(TINY), ["a pickle, which is never loaded"]),
        (NPZ[:-30], ["BadZipFile"]),
        (NPZ[: len(NPZ) // 2], ["BadZipFile"]),
        (STORED[:HOLE] + b"\0" * 9 + STORED[HOLE + 9 :], ["Bad CRC-32", "x_test"]),
        (npz({key: TINY[key] for key in KEYS[:3]}), ["no item named 'y_test.npy'"]),
        (npz({}), ["begins with the bytes 50 4b 05 06"]),
        (zipped({"photo.jpg": b"..."}), ["no item named 'x_train.npy'"]),
        (zipped(MEMBERS | {"x_test.npy": HTML}), ["the magic string is not correct"]),
        (zipped(MEMBERS | {"x_test.npy": b""}), ["EOF"]),
        (zipped(MEMBERS | {"x_test.npy": MEMBERS["x_test.npy"] + b"!"}), ["longer than its head"]),
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


def test_no_pickle_is_ever_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = npy(np.array([Bomb()], dtype=object))
    file = put(tmp_path / "mnist.npz", zipped(MEMBERS | {"x_test.npy": objects}))
    refusal(file, "Object arrays cannot be loaded")
    refusal(put(file, pickle.dumps(Bomb())), "a pickle, which is never loaded")
    # In a member that nobody asks for, it is never looked at.
    assert is_tiny(load(put(file, zipped(MEMBERS | {"extra.npy": objects}))))
    assert not (tmp_path / "exploded").exists()


def test_nothing_huge_is_read_or_unpacked(tmp_path, monkeypatch):
    large = np.zeros((100, 28, 28), np.uint8)
    packed = put(tmp_path / "packed.gz", gzip.compress(idx(large)))
    plain = put(tmp_path / "plain", idx(large))
    stored = put(tmp_path / "stored.npz", npz(TINY | {"x_train": large}, np.savez))
    bomb = put(tmp_path / "bomb.npz", npz(TINY | {"x_train": large}))
    monkeypatch.setattr(mnist, "MAX_BYTES", 50_000)
    with pytest.raises(DataError, match="expected at most 50,000 bytes unpacked"):
        read_idx(packed)
    for read, file in ((read_idx, plain), (read_npz, stored), (load, stored)):
        with pytest.raises(DataError, match=r"expected at most 50,000 bytes \(.*; found more"):
            read(file)
    with pytest.raises(DataError, match="x_train claims to have 78,528 bytes"):
        read_npz(bomb)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_longest_file_that_is_read(tmp_path, monkeypatch, pack):
    blank = np.zeros((4, 28, 28), np.uint8)
    monkeypatch.setattr(mnist, "MAX_BYTES", len(idx(blank)))
    found = read_idx(put(tmp_path / "file", pack(idx(blank))))
    np.testing.assert_array_equal(found, blank, strict=True)


def test_a_file_that_cannot_be_read(tmp_path):
    for reader in (read_idx, read_npz):
        with pytest.raises(DataError, match="none .(Is a directory|Permission denied)."):
            reader(tmp_path)
        with pytest.raises(DataError, match="none .No such file or directory."):
            reader(tmp_path / "gone")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(mnist, "open", lambda *_: pytest.fail("it would wait"), raising=False)
    for path in (tmp_path / "pipe", "/dev/null"):
        message = refusal(path, path, "a pipe or a device")
        assert "\n" not in message
    folder = write_idx(tmp_path / "raw")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    os.mkfifo(folder / "t10k-labels-idx1-ubyte")
    monkeypatch.undo()
    refusal(folder, "a file t10k-labels-idx1-ubyte")


def test_messages_can_be_printed_whatever_a_file_is_called():
    error = DataError(os.fsdecode(b"caf\xc3\xa9 ") + "\udcff.npz: gone")
    assert str(error) == "café \\udcff.npz: gone"
    assert str(pickle.loads(pickle.dumps(error))) == str(error), "as a worker sends it"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode here")
def test_a_name_that_is_not_utf8(tmp_path):
    file = put(tmp_path / os.fsdecode(b"\xff.npz"), NPZ)
    digits = load(file)
    assert is_tiny(digits)
    assert digits.origin == str(tmp_path / "\\udcff.npz")
    message = refusal(put(file, b"?"), "an .npz file")
    assert message.startswith(str(tmp_path / "\\udcff.npz"))
    with pytest.raises(DataError, match=r"/\\udcfe': expected"):
        load(tmp_path / os.fsdecode(b"\xfe"))
    refusal(write_idx(tmp_path / os.fsdecode(b"\xfd"), swapped("x_test", "x_train")), "\\udcfd")


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


def examples(number):
    return settings(max_examples=number)


images = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9))
labels = arrays(np.uint8, st.integers(1, 99), elements=st.integers(0, 9))
packings = st.sampled_from([bytes, gzip.compress])


@examples(50)
@given(st.one_of(images, labels), packings)
def test_idx_round_trip(file, array, pack):
    found = outcome(read_idx, file, pack(idx(array)))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array, strict=True)


@examples(20)
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


@examples(60)
@given(heads, st.binary(max_size=200), packings)
def test_random_bytes_are_refused_or_read(file, head, tail, pack):
    assert outcome(read_npz, file, head + tail) is None
    found = outcome(read_idx, file, pack(head + tail))
    assert found is None or idx(found) == head + tail


rng = np.random.default_rng(0)
SMALL = {key: array[:2, :3, :3] if array.ndim == 3 else array for key, array in TINY.items()}
NPZS = [npz(SMALL), npz(SMALL, np.savez)]


def flips(raw, step=1):
    """Copies of a file with one byte changed, and where: each byte, or each so many."""
    for place in range(0, len(raw), step):
        bits = int(rng.integers(1, 256))
        yield raw[:place] + bytes([raw[place] ^ bits]) + raw[place + 1 :], place


@pytest.mark.parametrize("raw", NPZS)
def test_a_truncated_npz_is_refused(file, raw):
    for end in range(0, len(raw), 9):
        assert outcome(read_npz, file, raw[:end]) is None


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("array", [SMALL["x_test"], SMALL["y_test"]])
def test_a_truncated_idx_is_refused(file, array, pack):
    raw = pack(idx(array))
    for end in range(len(raw)):
        assert outcome(read_idx, file, raw[:end]) is None


@pytest.mark.parametrize("raw", NPZS)
def test_a_flipped_byte_in_an_npz_is_harmless_or_noticed(file, raw):
    for changed, _ in flips(raw, step=5):
        found = outcome(read_npz, file, changed)
        if found is not None:
            for key in KEYS:
                np.testing.assert_array_equal(found[key], SMALL[key], strict=True)


@pytest.mark.parametrize("array", [SMALL["x_test"], SMALL["y_test"]])
def test_a_flipped_byte_in_a_gzipped_idx_is_harmless_or_noticed(file, array):
    for changed, _ in flips(gzip.compress(idx(array), mtime=0)):
        found = outcome(read_idx, file, changed)
        if found is not None:
            np.testing.assert_array_equal(found, array, strict=True)


@pytest.mark.parametrize("key", KEYS)
def test_a_flipped_byte_in_a_plain_idx_is_noticed(tmp_path, key):
    # In the header the reader notices it, among the values only the hash can.
    folder, header = write_idx(tmp_path / "raw"), 4 + 4 * TINY[key].ndim
    file = folder / mnist.IDX_FILES[key]
    for changed, place in flips(idx(TINY[key]), step=1 if TINY[key].ndim == 1 else 31):
        found = outcome(read_idx, file, changed)
        assert (found is None) == (place < header)
        with pytest.raises(DataError, match=mnist.IDX_FILES[key]):
            load(folder)
