"""What the tests share: where the project lies, how a folder is served, a sample; and for pages, what
a phone is, how a button is pressed, and what axe finds.
"""

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
# adds up how far a page moves what it shows, in window.moved
SHIFTS = """
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.moved = (window.moved ?? 0) + one.value;
}).observe({type: 'layout-shift', buffered: true});
"""


def painted(tab):
    """Wait until a page has handled and shown what just happened to it."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))"
    tab.evaluate(f"new Promise((done) => {frames})")


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


def press(where, name):
    """A button of a page, or of a part of one."""
    where.get_by_role("button", name=name, exact=True).click()


def example(where, digit):
    where.get_by_label("Put an example on the paper").select_option(str(digit))


def findings(tab, context=None, **options):
    """What axe finds, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    tab.mouse.move(0, 0)  # off the button just clicked, whose tooltip goes away
    return [
        f"{rule['impact']}: {rule['id']}: {rule['help']}: {node['html'][:160]}"
        for rule in Axe().run(tab, context, options=AXE | options).response["violations"]
        for node in rule["nodes"]
    ]
