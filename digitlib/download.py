"""How does a file come over a line that is slow, breaks, or is dead?

A slow line is waited for, however long it takes; silence is not. What came before a break is kept,
and a mirror that can is asked for the rest only.
"""

import contextlib
import os
import threading
from pathlib import Path

import requests
from tqdm import tqdm

from digitlib import files

# Seconds to connect to one address; until the answer begins, name look-up and every address of
# the host included; and the bytes without which so many seconds count as silence.
CONNECT, ANSWER, SILENCE = 5, 8, 15
ENOUGH = 2**15


def download(url, longest, part=None):
    """The bytes at a web address, with a progress bar on a terminal.

    Parameters
    ----------
    url : str
    longest : int
        Bytes above which an answer is given up.
    part : str or path-like, optional
        A file for what came before the line broke or we were interrupted. The next call for the
        same address takes it away again, and goes on from there.

    Raises
    ------
    OSError
        If the server cannot be reached, falls silent, or gives something else than a file.
    """
    came = _take(url, part) if part else b""
    try:
        while True:
            before, raw = len(came), bytearray(came)  # each attempt has its own, see _attempt
            try:
                _attempt(url, raw, longest)
                return bytes(raw)
            except OSError:
                if len(raw) < before + ENOUGH or len(raw) > longest:
                    raise
            finally:
                came = bytes(raw)
    except BaseException:
        if part and ENOUGH <= len(came) <= longest:
            with contextlib.suppress(OSError):
                files.write_whole(_head(url) + came, part)
        raise


def _head(url):
    return url.encode() + b"\n"


def _take(url, part):
    """What a file keeps of an address. Should it be bad, it must not come back: it is deleted."""
    with contextlib.suppress(OSError):
        raw = Path(part).read_bytes()
        if raw.startswith(_head(url)):
            os.unlink(part)
            return raw.removeprefix(_head(url))
    return b""


def _attempt(url, raw, longest):
    """Ask once for what is missing, and add to `raw` what comes.

    The timeouts of requests bind neither the name look-up, nor a host with many addresses, nor
    a server that trickles. So a thread waits for the server, and we wait for the thread.
    """
    failed, answered, stop = [], threading.Event(), threading.Event()

    def receive():
        headers = {"Accept-Encoding": "identity"}  # so that bytes can be counted
        if raw:
            headers["Range"] = f"bytes={len(raw)}-"
        # the second limit only ends a thread that nobody waits for any more
        options = {"headers": headers, "stream": True, "timeout": (CONNECT, 2 * SILENCE)}
        try:
            with requests.get(url, **options) as answer:
                if answer.status_code in (200, 416):  # no part to be had: from the beginning
                    raw.clear()
                answer.raise_for_status()
                answered.set()
                rest = int(answer.headers.get("Content-Length", 0))
                bar = {"unit": "B", "unit_scale": True, "disable": None}  # None: on a terminal
                bar |= {"initial": len(raw), "total": len(raw) + rest if rest else None}
                with tqdm(desc=url.rsplit("/", 1)[-1], **bar) as progress:
                    for chunk in answer.iter_content(2**12):
                        raw.extend(chunk)
                        progress.update(len(chunk))
                        if stop.is_set() or len(raw) > longest:
                            raise ValueError(f"longer than {longest:,} bytes")
        except Exception as error:  # noqa: BLE001 (a thread has nobody to raise it to)
            failed.append(error)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    try:
        thread.join(ANSWER)
        enough = answered.is_set()
        while thread.is_alive() and enough:
            before = len(raw)
            thread.join(SILENCE)
            enough = len(raw) >= before + ENOUGH
        if thread.is_alive():
            raise OSError(f"{url}: too slow; given up after {len(raw):,} bytes")
    finally:
        stop.set()
    if failed:
        raise OSError(f"{url}: {_reason(failed[0])}") from failed[0]


def _reason(error):
    """The innermost cause of an error, in one line: those around it only repeat it."""
    cause, kind = error, type(error).__name__
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text if cause is error else f"{kind}: {text}"
