"""A stand-in for MNIST, a few random images, and a server on this machine that plays mirrors."""

import gzip
import hashlib
import io
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from digitlib import mnist
from digitlib.data import DataError, load

KEYS = ("x_train", "y_train", "x_test", "y_test")
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
    for key, name in mnist.IDX_FILES.items():
        (folder / spelling(name)).write_bytes(pack(idx(arrays[key])))
    return folder


def put(path, raw):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


NPZ = npz(TINY)
GZ = {
    f"/{name}.gz": gzip.compress(idx(TINY[key]), mtime=0) for key, name in mnist.IDX_FILES.items()
}
HTML = b"\n<!DOCTYPE html><html><body>Please log in to this network.</body></html>"
OTHER = npz(TINY | {"x_test": TINY["x_test"][::-1]})  # a whole .npz, but not MNIST


@contextmanager
def pretended():
    """MNIST is TINY."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "SHAPES", {key: array.shape for key, array in TINY.items()})
        hashes = {key: hashlib.sha256(array.tobytes()).hexdigest() for key, array in TINY.items()}
        patch.setattr(mnist, "SHA256", hashes)
        yield


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


class Patient(threading.Thread):
    """A thread that is waited for until the server says that nothing more will come.

    It takes the place of those in `digitlib.download`, which are waited for so many seconds.
    """

    hushed = threading.Event()

    def start(self):
        self.hushed.clear()
        super().start()

    def join(self, timeout=None):
        while self.is_alive() and not self.hushed.is_set():
            super().join(0.005)


def send(answer, raw, length=None, status=200):
    answer.send_response(status)
    answer.send_header("Content-Length", str(len(raw) if length is None else length))
    answer.end_headers()
    answer.wfile.write(raw)


def hush(answer):
    """Leave the client waiting, as a line that is dead does."""
    Patient.hushed.set()
    answer.server.over.wait(30)


@contextmanager
def serving(answers):
    """A server on this machine, with what it was `asked`: paths and where to begin.

    `answers` is {path: bytes, or a function of the request}; any other path is not found.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            begin = int((self.headers.get("Range") or "bytes=0-").removesuffix("-")[6:])
            self.begin = begin
            self.server.asked.append(self.path)
            self.server.begins.append(begin)
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
    server.base = f"http://127.0.0.1:{server.server_port}/"
    server.asked, server.begins, server.over = [], [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
