"""`digitlib.download`: slow lines are waited for, dead ones are left, nothing is asked for twice.

A server on this machine plays the mirrors; it says when nothing more will come, so that no test
waits for seconds.
"""

import io
import socket
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_mnist import Patient, hush, send, serving

from digitlib import download as module
from digitlib.download import ANSWER, ENOUGH, SILENCE, download

FILE = np.random.default_rng(0).bytes(5 * ENOUGH)
CUT = 2 * ENOUGH  # where lines break here
LONGEST = 2 * len(FILE)


class Seen(module.tqdm):
    """A progress bar that lets the server know how much has come."""

    came, changed = 0, threading.Condition()

    def update(self, n=1):
        with Seen.changed:
            Seen.came += n
            Seen.changed.notify_all()
        return super().update(n)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Nothing here takes a time; see `Patient`."""
    threads = SimpleNamespace(Thread=Patient, Event=threading.Event)
    monkeypatch.setattr(module, "threading", threads)
    monkeypatch.setattr(module, "tqdm", Seen)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def part(tmp_path):
    return tmp_path / "folder" / "file.part"


def rest(answer):
    """Send what was asked for, as a server does that knows ranges."""
    send(answer, FILE[answer.begin :], status=206 if answer.begin else 200)


def broken(answer, status=200):
    """Send some of it, and hang up."""
    raw = FILE[answer.begin :]
    send(answer, raw[:CUT], len(raw), status=206 if answer.begin else status)


def silent(answer):
    """Send some of it, and when that has come, no more."""
    expected = Seen.came + min(CUT, len(FILE) - answer.begin)
    broken(answer)
    with Seen.changed:
        assert Seen.changed.wait_for(lambda: Seen.came >= expected, timeout=30)
    hush(answer)


def once(first, then):
    """Answer the first question in one way and all others in another."""
    answers = iter([first])
    return lambda answer: next(answers, then)(answer)


def failure(url, part=None, longest=LONGEST):
    with pytest.raises(OSError) as caught:
        download(url, longest, part)
    message = str(caught.value)
    assert message.startswith(f"{url}: ")
    assert "\n" not in message
    return message.removeprefix(f"{url}: ")


def test_a_file_comes_whole(part):
    with serving({"/file": FILE}) as server:
        assert download(server.base + "file", LONGEST, part) == FILE
        assert download(server.base + "file", len(FILE)) == FILE
    assert server.asked == ["/file"] * 2
    assert not part.parent.exists()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(monkeypatch, is_terminal):
    screen = io.StringIO()
    screen.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", screen)
    with serving({"/file": once(broken, rest)}) as server:
        download(server.base + "file", LONGEST)
    shown = screen.getvalue()
    assert ("file: 100%" in shown and "164k/164k" in shown) if is_terminal else shown == ""


# --- Slow and broken lines --------------------------------------------------------------------


def test_a_steady_slow_line_is_waited_for(monkeypatch):
    # For each wait of so many seconds the server sends just enough, and no more.
    more, came, waits = threading.Semaphore(0), threading.Semaphore(0), []

    class Slow(threading.Thread):
        def join(self, timeout):
            waits.append(timeout)
            more.release()
            if len(waits) > pieces:
                super().join()
            else:
                assert came.acquire(timeout=30)

    class Counting(module.tqdm):
        got = 0

        def update(self, n):
            self.got += n
            if self.got >= ENOUGH:
                self.got -= ENOUGH
                came.release()

    def slowly(answer):
        send(answer, b"", len(FILE) * 4)
        for i in range(pieces):
            assert more.acquire(timeout=30)
            answer.wfile.write((FILE * 4)[i * ENOUGH : (i + 1) * ENOUGH])

    pieces = 20
    monkeypatch.setattr(module, "threading", SimpleNamespace(Thread=Slow, Event=threading.Event))
    monkeypatch.setattr(module, "tqdm", Counting)
    with serving({"/file": slowly}) as server:
        assert download(server.base + "file", LONGEST * 2) == FILE * 4
    assert server.asked == ["/file"]
    assert sum(waits) > 240, "in seconds, had they been waited for"


@pytest.mark.parametrize("first", [broken, silent])
def test_what_came_is_not_asked_for_again(first):
    with serving({"/file": once(first, rest)}) as server:
        assert download(server.base + "file", LONGEST) == FILE
    assert server.begins[0] == 0
    assert ENOUGH <= server.begins[1] <= CUT


def test_it_goes_on_as_long_as_each_attempt_brings_some():
    with serving({"/file": broken}) as server:
        assert download(server.base + "file", LONGEST) == FILE
    assert len(server.begins) == 3
    assert server.begins == sorted(server.begins)


def test_a_mirror_that_knows_no_ranges_begins_again():
    with serving({"/file": once(broken, lambda answer: send(answer, FILE))}) as server:
        assert download(server.base + "file", LONGEST) == FILE
    assert len(server.asked) == 2
    with serving({"/file": lambda answer: send(answer, FILE[:CUT], len(FILE))}) as server:
        assert "more expected" in failure(server.base + "file")
    assert len(server.asked) == 2, "the second attempt brought nothing new"


def test_a_line_that_brings_too_little_is_left(part):
    def drop(answer):
        send(answer, FILE[answer.begin :][: ENOUGH // 2], len(FILE))

    with serving({"/file": drop}) as server:
        failure(server.base + "file", part)
    assert len(server.asked) == 1
    assert not part.exists()


# --- What one call leaves to the next ---------------------------------------------------------


def gone(answer):
    answer.send_error(503)


def test_the_next_call_goes_on(part):
    with serving({"/file": once(broken, gone)}) as server:
        url = server.base + "file"
        assert "503" in failure(url, part)
        kept = part.read_bytes()
        assert kept.startswith(url.encode() + b"\n" + FILE[:ENOUGH])
        assert "503" in failure(url, part)
        assert part.read_bytes() == kept, "an answer that brings nothing takes nothing away"
    with serving({"/file": rest}) as server:
        part.write_bytes(kept.replace(url.encode(), (server.base + "file").encode()))
        assert download(server.base + "file", LONGEST, part) == FILE
    assert ENOUGH <= server.begins[0] <= CUT
    assert not part.exists()


def test_an_interrupt_loses_nothing(part, monkeypatch):
    class Interrupted(Patient):
        def join(self, timeout=None):
            super().join()
            raise KeyboardInterrupt

    threads = SimpleNamespace(Thread=Interrupted, Event=threading.Event)
    monkeypatch.setattr(module, "threading", threads)
    with serving({"/file": silent}) as server, pytest.raises(KeyboardInterrupt):
        download(server.base + "file", LONGEST, part)
    assert FILE.startswith(part.read_bytes().partition(b"\n")[2])


@pytest.mark.parametrize("kept", [b"http://elsewhere/file\n" + FILE[:CUT], b"", b"\xff"])
def test_the_part_of_another_file_is_left_alone(part, kept):
    part.parent.mkdir()
    part.write_bytes(kept)
    with serving({"/file": rest}) as server:
        assert download(server.base + "file", LONGEST, part) == FILE
    assert server.begins == [0]
    assert part.read_bytes() == kept


def test_a_part_that_the_mirror_refuses_is_not_kept(part):
    part.parent.mkdir()
    with serving({"/file": lambda answer: answer.send_error(416)}) as server:
        part.write_bytes((server.base + "file\n").encode() + FILE)
        assert "416" in failure(server.base + "file", part)
    assert not part.exists()


def test_a_folder_that_cannot_be_written(part):
    part.parent.write_bytes(b"in the way")
    with serving({"/file": once(broken, gone)}) as server:
        assert "503" in failure(server.base + "file", part)


# --- Mirrors that give no file ----------------------------------------------------------------


def test_too_long_is_neither_tried_again_nor_kept(part):
    with serving({"/file": FILE}) as server:
        message = failure(server.base + "file", part, longest=len(FILE) - 1)
    assert message == f"longer than {len(FILE) - 1:,} bytes"
    assert len(server.asked) == 1
    assert not part.exists()


def test_a_download_that_is_given_up_ends():
    hung_up = threading.Event()

    def drip(answer):
        send(answer, b"?", 2**40)
        Patient.hushed.set()
        try:
            while not answer.server.over.wait(0.005):
                answer.wfile.write(bytes(100))
        except OSError:
            hung_up.set()

    with serving({"/file": drip}) as server:
        assert "too slow; given up after" in failure(server.base + "file", longest=2**40)
        assert hung_up.wait(30)


def test_the_reason_is_the_innermost_one(monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        reason = failure("http://mirror.invalid/mnist.npz")
        assert reason.startswith("ProxyError: [")
        assert reason[-1].isalpha(), "no stray brackets"
        assert failure(f"http://127.0.0.1:{port}/").startswith("ConnectionError: [")
    assert failure("nonsense").startswith("Invalid URL 'nonsense'")


# --- Real seconds, only few of them -----------------------------------------------------------


def test_a_name_that_is_looked_up_for_ever(monkeypatch):
    # as behind some firewalls; such a look-up has no time limit of its own
    over = threading.Event()
    monkeypatch.setattr(module, "threading", threading)
    monkeypatch.setattr(module, "ANSWER", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(60))
    assert failure("http://127.0.0.1/file") == "too slow; given up after 0 bytes"
    over.set()


def test_silence_has_an_end(monkeypatch):
    monkeypatch.setattr(module, "threading", threading)
    monkeypatch.setattr(module, "SILENCE", 0.05)

    def stall(answer):
        send(answer, FILE[:100], len(FILE))
        answer.server.over.wait(60)

    with serving({"/file": stall}) as server:
        reason = failure(server.base + "file")
    assert "too slow" in reason or "timed out" in reason, "whichever limit comes first"


def test_offline_is_noticed_in_seconds():
    assert ANSWER <= 10
    assert SILENCE <= 20
