"""For every test: the sample as data, an empty Keras cache, and no network beyond this machine.

pytest-socket keeps this process from other machines; processes started by a test meet a proxy
that is not there.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import browsers
import hypothesis
import pytest
from support import LAPTOP, ROOT, run_build, serving

CLOSED = "http://127.0.0.1:9"  # nothing listens there


def pytest_configure(config):
    """Before any test module is imported; kernels and other child processes inherit it."""
    config.scratch = tempfile.mkdtemp(prefix="digits-")
    hypothesis.settings.register_profile("busy", deadline=None)  # the machine may be busy
    hypothesis.settings.load_profile("busy")
    if not re.search(r"(?<!not )(mnist|records)", config.option.markexpr):
        os.environ["DIGITLIB_DATA"] = "sample"
        os.environ["KERAS_HOME"] = str(Path(config.scratch) / "keras")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = CLOSED
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def pytest_unconfigure(config):
    shutil.rmtree(getattr(config, "scratch", ""), ignore_errors=True)


def pytest_collection_modifyitems(items):
    """What needs the book comes first: while one worker waits for it, the other does the rest."""
    items.sort(key=lambda item: "site" not in item.fixturenames)


@pytest.fixture(autouse=True)
def close_figures():
    """No test meets the figures of another, whichever ran before it."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """The command in this process, in an empty folder: (exit status, stdout, stderr)."""
    from digitlib import cli

    monkeypatch.chdir(tmp_path)

    def call(*args):
        capsys.readouterr()
        status = cli.main([*map(str, args)])
        return status, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def site():
    """The folder of the whole book on the sample; the first test that asks has it built."""
    status, _, err = run_build(ROOT, "test")
    if status:
        pytest.fail(f"the book cannot be built on the sample: {err.strip()}", pytrace=False)
    return ROOT / "_build" / "test"


@pytest.fixture(scope="session")
def served(site):
    """The site's address while it is served on this machine."""
    with serving(site / "html") as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    path = browsers.chromium()
    if not path:
        left_out = pytest.fail if os.environ.get("CI") else pytest.skip
        left_out("no Chromium or Chrome here: `make test` gets one, or set CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


@pytest.fixture
def new_tab(browser):
    """A function that opens a fresh tab; at the end nothing may have gone wrong in any of them."""
    tabs = []

    def opened(viewport=LAPTOP, **options):
        tab = browser.new_page(viewport=viewport, **options)
        tab.trouble = []
        note, local = tab.trouble.append, ("file:", "data:", "blob:", "http://127.0.0.1:")

        def heard(line):  # how fast a canvas is read is no trouble
            if line.type in ("error", "warning") and "Canvas2D" not in line.text:
                note(f"console: {line.text}")

        tab.on("request", lambda r: r.url.startswith(local) or note(f"asks {r.url}"))
        # what a reload breaks off has not failed
        tab.on("requestfailed", lambda r: "ERR_ABORTED" in r.failure or note(f"failed: {r.url}"))
        tab.on("response", lambda r: r.status >= 400 and note(f"{r.status}: {r.url}"))
        tab.on("console", heard)
        tab.on("pageerror", lambda error: note(f"script: {error}"))
        tabs.append(tab)
        return tab

    yield opened
    trouble = [line for tab in tabs for line in tab.trouble]
    for tab in tabs:
        tab.close()
    assert not trouble


def pytest_terminal_summary(terminalreporter):
    """One line for all that was left out for want of a browser."""
    skipped = terminalreporter.stats.get("skipped", [])
    for name in ("Chromium", "Firefox"):
        if number := sum(f"no {name}" in str(report.longrepr) for report in skipped):
            terminalreporter.write_line(f"Left out, for there is no {name}: {number} tests")
