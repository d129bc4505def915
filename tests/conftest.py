"""For every test: the sample as data, an empty Keras cache, and no network beyond this machine."""

import contextlib
import functools
import http.server
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLOSED = "http://127.0.0.1:9"  # nothing listens there
PARAMETERS = {"EPOCHS": 2, "INDEX": 3, "RUNS": 2, "SEED": 7}  # none is a chapter's own value
PHONE = {"width": 360, "height": 740}
LAPTOP = {"width": 1280, "height": 800}
# preload makes axe fetch the style sheets again, one of them from a wrong place
AXE = {"preload": False, "resultTypes": ["violations"]}
BROWSERS = [
    os.environ.get("CHROMIUM", ""),
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]


def is_local(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in (None, "", "localhost")


def guarded(function):
    """A socket method that refuses any address but the loopback ones."""

    def connect(self, address):
        if self.family != socket.AF_UNIX and not is_local(address[0]):
            raise ConnectionRefusedError(f"tests use no network: {address}")
        return function(self, address)

    return connect


def guarded_lookup(host, *args, lookup=socket.getaddrinfo, **kwargs):
    if not is_local(host.decode() if isinstance(host, bytes) else host):
        raise socket.gaierror(f"tests use no network: {host}")
    return lookup(host, *args, **kwargs)


def pytest_configure(config):
    """Before any test module is imported; kernels and other child processes inherit it."""
    config.scratch = tempfile.mkdtemp(prefix="digits-")
    # of the first process, for all of them
    config.shared = Path(os.environ.setdefault("DIGITS_SHARED", config.scratch))
    if config.option.markexpr != "mnist":
        os.environ["DIGITLIB_DATA"] = "sample"
        os.environ["KERAS_HOME"] = str(Path(config.scratch) / "keras")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = CLOSED
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    socket.socket.connect = guarded(socket.socket.connect)
    socket.socket.connect_ex = guarded(socket.socket.connect_ex)
    socket.getaddrinfo = guarded_lookup


def worker(config):
    """The name of this process among those of pytest-xdist; None if it is the only one."""
    return getattr(config, "workerinput", {}).get("workerid")


def pytest_collection_modifyitems(items):
    """What looks at the built site comes last."""
    items.sort(key=lambda item: "build" in item.fixturenames)


def pytest_collection_finish(session):
    """Start `make book` in a copy of the project, beside the tests: it takes a minute or two."""
    config = session.config
    wanted = any("build" in item.fixturenames for item in session.items)
    if config.option.collectonly or not wanted or worker(config) not in (None, "gw0"):
        return
    tree = config.shared / "project"
    for name in ("book", "notebooks", "digitlib"):
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, tree / name, ignore=ignore)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, tree)
    given = [part for name, value in PARAMETERS.items() for part in ("-p", name, str(value))]
    command = [sys.executable, str(tree / "book" / "build.py"), "book", *given]
    script = '"$@" >said 2>&1; echo $? >status.part; mv status.part status'
    building = subprocess.Popen(
        ["sh", "-c", script, "sh", *command], cwd=config.shared, start_new_session=True
    )
    (config.shared / "pid").write_text(str(building.pid))


def pytest_unconfigure(config):
    shared = getattr(config, "shared", None)
    if shared and worker(config) is None and (shared / "pid").exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int((shared / "pid").read_text()), signal.SIGINT)
    shutil.rmtree(getattr(config, "scratch", ""), ignore_errors=True)


def wait_for(path):
    while not path.exists():
        time.sleep(0.2)


def run_build(tree, *args, **environment):
    """`build.py` of a copy of the project; (exit status, stdout, stderr)."""
    command = [sys.executable, str(tree / "book" / "build.py"), *args]
    result = subprocess.run(
        command, cwd=tree, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return result.returncode, result.stdout, result.stderr


@pytest.fixture(scope="session")
def build(pytestconfig):
    """The build of the whole book: (folder, exit status, what it said)."""
    shared = pytestconfig.shared
    wait_for(shared / "status")
    return shared / "project", int((shared / "status").read_text()), (shared / "said").read_text()


@pytest.fixture(scope="session")
def site(build):
    """The folder in which the whole book was built."""
    tree, status, _ = build
    if status:
        pytest.fail("the book cannot be built; test_build.py tells why", pytrace=False)
    return tree


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, filter(None, BROWSERS))), None)
    with sync_playwright() as playwright:
        path = path or playwright.chromium.executable_path
        if not os.path.exists(path):
            pytest.fail(
                "These tests need Chromium or Chrome: install one (apt-get install chromium, "
                "brew install --cask chromium), or set CHROMIUM to where it is."
            )
        chromium = playwright.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


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
