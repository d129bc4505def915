"""`digitlib.data`: it gives MNIST or an error, whatever sources, mirrors and caches do.

MNIST itself is not needed: the package is told that a few random images are MNIST, and a server
on this machine plays the mirrors.
"""

import errno
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_mnist import (
    GZ,
    HTML,
    KEYS,
    NPZ,
    OTHER,
    TINY,
    Patient,
    hush,
    is_tiny,
    pretended,
    put,
    refusal,
    send,
    serving,
)

from digitlib import data, download, mnist
from digitlib.data import DataError, load


@pytest.fixture(scope="module", autouse=True)
def tiny_mnist():
    with pretended():
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Where Keras would keep mnist.npz. There is nothing there yet, and no mirror."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DIGITLIB_DATA", raising=False)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    return tmp_path / "keras" / "datasets" / "mnist.npz"


@pytest.fixture
def mirror(monkeypatch):
    """A context in which a server plays the mirrors; it takes the path of each in turn."""
    threads = SimpleNamespace(Thread=Patient, Event=threading.Event)
    monkeypatch.setattr(download, "threading", threads)

    @contextmanager
    def serve(answers, *paths):
        with serving(answers) as server:
            server.urls = [server.base + path for path in paths or ["mnist.npz"]]
            monkeypatch.setattr(mnist, "MIRRORS", server.urls)
            yield server
        monkeypatch.setattr(mnist, "MIRRORS", ())

    return serve


# --- What is loaded ---------------------------------------------------------------------------


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
    def digits(array):
        return data.Digits(**TINY | {key: array}, name="mnist", origin="")

    changed = TINY[key].copy()
    changed.flat[-1] ^= 1
    assert data.is_mnist(digits(TINY[key]))
    assert not data.is_mnist(digits(changed))
    assert not data.is_mnist(digits(TINY[key].ravel()[None]))


def test_sample():
    digits = load("sample")
    assert digits.name == "sample"
    assert (digits.x_train.shape, digits.x_test.shape) == ((1297, 28, 28), (500, 28, 28))
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


@pytest.fixture
def sample(monkeypatch):
    """The sample without scikit-learn, of which one test is enough."""
    digits = data.Digits(**TINY, name="sample", origin="here")
    monkeypatch.setitem(data._WORDS, "sample", lambda: digits)
    monkeypatch.setattr(data, "_sample", lambda: digits)


def test_the_environment_variable_is_used_when_there_is_no_argument(tmp_path, monkeypatch, sample):
    path = put(tmp_path / "mnist.npz", NPZ)
    monkeypatch.setenv("DIGITLIB_DATA", str(path))
    assert load().origin == str(path)
    assert load("sample").name == "sample"
    monkeypatch.setenv("DIGITLIB_DATA", "sample")
    assert load().name == "sample"
    assert is_tiny(load(path))


@pytest.mark.parametrize("source", ["minst", "/no/such/file.npz", Path("nowhere"), "~/none", 5])
def test_unknown_source(source):
    with pytest.raises(DataError, match="'auto', 'mnist', 'sample'") as caught:
        load(source)
    assert f"is {str(source)!r}: expected" in str(caught.value), "as it was written"


def home(monkeypatch, folder):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))


def test_a_path_is_the_same_in_every_folder(tmp_path, monkeypatch):
    home(monkeypatch, tmp_path)
    path = put(tmp_path / "here" / "mnist.npz", NPZ)
    monkeypatch.chdir(path.parent)
    written = ["mnist.npz", Path("mnist.npz"), "~/here/mnist.npz", "../here/mnist.npz", path]
    asked = [data.asked_for(source) for source in written]
    monkeypatch.setenv("DIGITLIB_DATA", "~/here/mnist.npz")
    asked.append(data.asked_for())
    monkeypatch.chdir(tmp_path)
    assert asked == [str(path)] * 6
    assert is_tiny(load(asked[0]))
    assert load("~/here/mnist.npz").origin == str(path)


def test_words_and_nonsense_are_asked_for_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "sample", NPZ)
    for source in ("auto", "mnist", "sample", "minst", "~/none"):
        assert data.asked_for(source) == source
    assert data.asked_for("./sample") == str(tmp_path / "sample")
    assert data.asked_for() == data.asked_for("") == "auto"


# --- Keras's cache ----------------------------------------------------------------------------


@pytest.mark.parametrize("keras_home", ["~/elsewhere", None, ""])
def test_keras_home(tmp_path, monkeypatch, keras_home):
    home(monkeypatch, tmp_path)
    if keras_home is None:
        monkeypatch.delenv("KERAS_HOME")
    else:
        monkeypatch.setenv("KERAS_HOME", keras_home)
    file = tmp_path / ("elsewhere" if keras_home else ".keras") / "datasets" / "mnist.npz"
    digits = load(put(file, NPZ) and "mnist")
    assert is_tiny(digits)
    assert digits.origin == f"Keras's cache, {file}"


def test_without_a_home_folder(tmp_path, mirror, monkeypatch):
    # expanduser leaves ~ as it is where nobody knows the user, as in some containers
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "~" / ".keras" / "datasets" / "mnist.npz", OTHER)
    refusal("mnist", "there is no home folder")
    with mirror({"/mnist.npz": NPZ}) as server:
        digits = load("mnist")
    assert is_tiny(digits)
    assert digits.origin == f"{server.urls[0]}, not kept (there is no home folder)"
    [file] = (path for path in tmp_path.rglob("*") if path.is_file())
    assert file.read_bytes() == OTHER


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode here")
def test_a_cache_whose_name_is_not_utf8(tmp_path, mirror, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / os.fsdecode(b"\xff")))
    refusal("mnist", "\\udcff").encode()
    with mirror({"/mnist.npz": NPZ}):
        assert load("mnist").origin.endswith("\\udcff/datasets/mnist.npz")
    assert "\\udcff" in load("mnist").origin, "now from the cache"


@pytest.mark.parametrize("raw", [b"", HTML, NPZ[:-9], OTHER], ids=["empty", "html", "cut", "other"])
def test_a_cached_file_that_is_not_mnist(cache, mirror, raw):
    refusal("mnist", put(cache, raw), "expected")
    assert cache.read_bytes() == raw, "it is replaced by MNIST, or left alone"
    with mirror({"/mnist.npz": NPZ}):
        assert is_tiny(load("mnist"))
    assert cache.read_bytes() == NPZ


def test_what_a_mirror_gives_is_kept(cache, mirror):
    put(cache.parent / ".0123.part", OTHER)  # left by one who was killed while writing
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


def test_two_at_once(cache, mirror):
    both_are_here = threading.Barrier(2, timeout=30)

    def when_both_ask(answer):
        both_are_here.wait()
        send(answer, NPZ)

    with mirror({"/mnist.npz": when_both_ask}) as server, ThreadPoolExecutor(2) as pool:
        both = list(pool.map(load, ["mnist", "mnist"]))
    assert all(map(is_tiny, both))
    assert [digits.origin for digits in both] == [f"{server.urls[0]}, kept in {cache}"] * 2
    assert cache.read_bytes() == NPZ
    assert os.listdir(cache.parent) == ["mnist.npz"]


# --- Mirrors ----------------------------------------------------------------------------------


def trickle(answer, first):
    answer.wfile.write(first)
    Patient.hushed.set()
    while not answer.server.over.wait(0.005):
        answer.wfile.write(b"1")


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
    "silent": (hush, "too slow; given up after 0 bytes"),
    "slow start": (lambda answer: trickle(answer, b"HTTP/1.0 200 OK\r\nX: "), "too slow"),
    "slow": (lambda answer: trickle(answer, b"HTTP/1.0 200 OK\r\n\r\nPK"), "too slow"),
    "endless": (flood, "longer than 100,000 bytes"),
    "bad length": (lambda answer: send(answer, NPZ, "many"), "invalid literal"),
}


@pytest.mark.parametrize("answer, reason", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_mirror_is_named_and_the_next_one_works(cache, mirror, monkeypatch, answer, reason):
    monkeypatch.setattr(mnist, "MAX_BYTES", 100_000)
    with mirror({"/mnist.npz": answer}) as server:
        refusal("mnist", "Tried in turn", cache, f"- {server.urls[0]}", reason)
    assert not cache.exists()
    with mirror({"/mnist.npz": answer} | GZ, "mnist.npz", "") as server:
        digits = load("mnist")
    assert is_tiny(digits)
    assert digits.origin.startswith(server.urls[1])
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


def test_a_call_goes_on_where_the_last_one_was(cache, mirror):
    with mirror({"/mnist.npz": lambda answer: send(answer, NPZ[answer.begin :], status=206)}) as s:
        put(Path(f"{cache}.part"), s.urls[0].encode() + b"\n" + NPZ[:1000])
        assert is_tiny(load("mnist"))
    assert s.begins == [1000]
    assert os.listdir(cache.parent) == ["mnist.npz"]


def test_what_was_kept_of_a_bad_file_does_not_come_back(cache, mirror):
    with mirror({"/mnist.npz": lambda answer: send(answer, NPZ[answer.begin :], status=206)}) as s:
        put(Path(f"{cache}.part"), s.urls[0].encode() + b"\n" + HTML)
        refusal("mnist", "a web page")
        assert is_tiny(load("mnist"))
    assert s.begins == [len(HTML), 0]


def test_what_was_kept_of_another_mirror_is_cleared_away(cache, mirror):
    put(Path(f"{cache}.part"), b"http://elsewhere/mnist.npz\n" + NPZ[:1000])
    with mirror({"/mnist.npz": NPZ}):
        assert is_tiny(load("mnist"))
    assert os.listdir(cache.parent) == ["mnist.npz"]


# --- auto -------------------------------------------------------------------------------------


def test_auto_is_the_default_and_gives_mnist_silently(cache, mirror, capsys):
    with mirror({"/mnist.npz": NPZ}):
        assert is_tiny(load())
    assert is_tiny(load("auto"))
    assert capsys.readouterr() == ("", "")


def test_auto_says_loudly_that_it_is_the_sample(cache, mirror, capsys, sample):
    with mirror({}) as server:
        digits = load("auto")
    assert digits.name == "sample"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("=" * 88 + "\nTHIS IS NOT MNIST. It is the sample, 6 training and 4")
    for word in ("test images", str(cache), f"{server.urls[0]}: 404", "set DIGITLIB_DATA"):
        assert word in err
