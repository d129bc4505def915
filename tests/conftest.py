"""For every test: the sample as data, an empty Keras cache, and no network beyond this machine."""

import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLOSED = "http://127.0.0.1:9"  # nothing listens there
PARAMETERS = {"EPOCHS": 2, "SEED": 7}


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
    if config.option.markexpr != "mnist":
        os.environ["DIGITLIB_DATA"] = "sample"
        os.environ["KERAS_HOME"] = config.keras_home = tempfile.mkdtemp(prefix="keras-")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        os.environ[name] = os.environ[name.upper()] = CLOSED
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    socket.socket.connect = guarded(socket.socket.connect)
    socket.socket.connect_ex = guarded(socket.socket.connect_ex)
    socket.getaddrinfo = guarded_lookup


def pytest_unconfigure(config):
    shutil.rmtree(getattr(config, "keras_home", ""), ignore_errors=True)


def run_build(tree, *args, **environment):
    """`build.py` of a copy of the project; (exit status, stdout, stderr)."""
    command = [sys.executable, str(tree / "book" / "build.py"), *args]
    result = subprocess.run(
        command, cwd=tree, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return result.returncode, result.stdout, result.stderr


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The whole book, executed on the sample with parameters of its own; a copy of the project."""
    tree = tmp_path_factory.mktemp("site") / "project"
    for name in ("book", "notebooks", "digitlib"):
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, tree / name, ignore=ignore)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, tree)
    given = [part for name, value in PARAMETERS.items() for part in ("-p", name, str(value))]
    status, out, err = run_build(tree, "book", *given)
    assert status == 0, out + err
    return tree
