"""What the tests share: where the project lies, what a phone is, how a folder is served, a sample."""

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "book" / "tools"
WEB = ROOT / "book" / "web"
PHONE = {"width": 360, "height": 740}
LAPTOP = {"width": 1280, "height": 800}
# preload makes axe fetch the style sheets again, one of them from a wrong place
AXE = {"preload": False, "resultTypes": ["violations"]}


def few(cases, quick):
    """The cases of a test; all but the quick ones, or so many of the first, are slow."""
    cases = list(cases)
    quick = cases[:quick] if isinstance(quick, int) else quick
    return [pytest.param(case, marks=() if case in quick else pytest.mark.slow) for case in cases]


@functools.cache
def sample():
    """The sample of `digitlib.data`, loaded once."""
    from digitlib import data

    return data.load("sample")


def run_build(tree, *args, **environment):
    """`build.py` of a copy of the project; (exit status, stdout, stderr)."""
    command = [sys.executable, str(tree / "book" / "tools" / "build.py"), *args]
    result = subprocess.run(
        command, cwd=tree, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return result.returncode, result.stdout, result.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(folder):
    """The address of a folder while it is served on this machine, with a slash at its end."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
