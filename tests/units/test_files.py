"""`digitlib.files`: a file is there as a whole or not at all, and has one writer at a time."""

import ast
import importlib.util
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from support import ROOT

from digitlib import files
from digitlib.files import lock, packaged, write_whole

OLD, NEW = b"old", b"new" * 1000


def python(code, *args):
    """Code in a process of its own, with `files` at hand; its exit status and what it printed."""
    command = [sys.executable, "-c", "import os, signal, sys\nfrom digitlib import files\n" + code]
    run = subprocess.run(
        [*command, *map(str, args)], stdout=subprocess.PIPE, text=True, check=False
    )
    return run.returncode, run.stdout.strip()


# --- Written as a whole -----------------------------------------------------------------------


@pytest.mark.parametrize("replace", [True, False])
def test_a_new_file_in_a_new_folder(tmp_path, replace):
    path = tmp_path / "one" / "two" / "file"
    write_whole(NEW, path, replace=replace)
    assert path.read_bytes() == NEW
    assert os.listdir(path.parent) == ["file"]


def test_in_the_folder_where_one_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole(NEW, "file")
    assert (tmp_path / "file").read_bytes() == NEW


def test_an_old_file_is_replaced_only_if_it_may_be(tmp_path):
    path = tmp_path / "file"
    write_whole(OLD, path)
    with pytest.raises(FileExistsError):
        write_whole(NEW, path, replace=False)
    assert path.read_bytes() == OLD
    write_whole(NEW, path)
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["file"]


def test_of_two_writers_exactly_one_succeeds(tmp_path, monkeypatch):
    both_are_ready = threading.Barrier(2, timeout=30)

    def together(function):
        def wait(*args):
            both_are_ready.wait()
            function(*args)

        return wait

    def write(raw):
        try:
            write_whole(raw, path, replace=False)
        except FileExistsError:
            return None
        return raw

    for name in ("link", "rename", "replace"):  # whichever gives a file its name
        monkeypatch.setattr(os, name, together(getattr(os, name)))
    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            path = tmp_path / str(number) / "file"
            [written] = filter(None, pool.map(write, [OLD, NEW]))
            assert path.read_bytes() == written
            assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, function):
    def full(*args):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(OLD)
    monkeypatch.setattr(os, function, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(NEW, path)
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_while_writing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    code = (
        "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_whole(b'half of it', sys.argv[1])"
    )
    assert python(code, path)[0] == -9
    assert path.read_bytes() == OLD
    [left] = set(os.listdir(tmp_path)) - {"file"}
    assert left.endswith(".part")
    write_whole(NEW, path)
    assert path.read_bytes() == NEW


# --- One writer -------------------------------------------------------------------------------

TRY = """
with open(sys.argv[1], "ab") as file:
    try:
        files.lock(file)
        print("locked")
    except BlockingIOError:
        print("refused")
"""


def test_a_lock_has_one_holder(tmp_path):
    path = tmp_path / "file"
    with open(path, "ab") as first, open(path, "ab") as second:
        lock(first)
        with pytest.raises(BlockingIOError):
            lock(second)
        assert python(TRY, path) == (0, "refused")
    assert python(TRY, path) == (0, "locked"), "once it is closed"


# --- As Windows has it ------------------------------------------------------------------------


@pytest.fixture
def windows(monkeypatch):
    """`files` as it is without fcntl, on a rename that replaces nothing and locks of a byte."""
    locked = set()

    def locking(descriptor, mode, number):
        facts = os.fstat(descriptor)
        place = (facts.st_ino, os.lseek(descriptor, 0, os.SEEK_CUR))
        assert place[1] > facts.st_size, "locked bytes cannot be read"
        if (mode, number) != (2, 1) or place in locked:
            raise PermissionError(13, "Permission denied")
        locked.add(place)

    def rename(old, new):
        if os.path.exists(new):
            raise FileExistsError(183, "Cannot create a file when that file already exists")
        os.replace(old, new)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.delattr(os, "link")
    spec = importlib.util.spec_from_file_location("files_on_windows", files.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.fcntl is None
    return module


def test_windows_writes_as_a_whole(tmp_path, windows):
    path = tmp_path / "file"
    windows.write_whole(OLD, path, replace=False)
    with pytest.raises(FileExistsError):
        windows.write_whole(NEW, path, replace=False)
    assert path.read_bytes() == OLD
    windows.write_whole(NEW, path)
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["file"]


def test_windows_locks(tmp_path, windows):
    path = tmp_path / "file"
    path.write_bytes(b"a row\n")
    with open(path, "ab", buffering=0) as first, open(path, "ab", buffering=0) as second:
        windows.lock(first)
        with pytest.raises(BlockingIOError):
            windows.lock(second)
        first.write(b"another\n")
    assert path.read_bytes() == b"a row\nanother\n"


def test_on_a_disk_without_links(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "file"
    write_whole(OLD, path, replace=False)
    with pytest.raises(FileExistsError):
        write_whole(NEW, path, replace=False)
    assert path.read_bytes() == OLD
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_whole(NEW, tmp_path / "another", replace=False)
    assert os.listdir(tmp_path) == ["file"]


# --- Found in the package ---------------------------------------------------------------------


def test_the_book_lends_its_files():
    assert packaged("results/study.jsonl") == ROOT / "book" / "results" / "study.jsonl"
    assert packaged("web/matrix.js").is_file()


def test_what_is_installed_comes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "__file__", str(tmp_path / "digitlib" / "files.py"))
    assert packaged("results/a") == tmp_path / "book" / "results" / "a"
    write_whole(NEW, tmp_path / "digitlib" / "results" / "a")
    assert packaged("results/a") == tmp_path / "digitlib" / "results" / "a"


# --- No module needs what Windows lacks -------------------------------------------------------

POSIX = {"fcntl", "resource", "termios", "tty", "pwd", "grp", "pty", "syslog", "posix"}


def needed(code):
    """The POSIX-only modules that a module needs in order to be imported."""
    found, waiting = set(), [*ast.parse(code).body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif isinstance(node, ast.Try) and any(
            name in ast.unparse(handler.type or ast.Name("ImportError"))
            for handler in node.handlers
            for name in ("ImportError", "ModuleNotFoundError")
        ):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
        else:
            waiting += ast.iter_child_nodes(node)
    return found & POSIX


@pytest.mark.parametrize(
    "code, expected",
    [
        ("import fcntl", {"fcntl"}),
        ("import os, pwd as users", {"pwd"}),
        ("from resource import getrusage", {"resource"}),
        ("if True:\n with a:\n  class B:\n   import grp", {"grp"}),
        ("try:\n import fcntl\nexcept OSError:\n pass", {"fcntl"}),
        ("try:\n import os\nexcept ImportError:\n import pty", {"pty"}),
        ("try:\n import fcntl\nexcept ImportError:\n pass", set()),
        ("try:\n import fcntl\nexcept (OSError, ModuleNotFoundError):\n fcntl = None", set()),
        ("def f():\n import fcntl", set()),
        ("from . import pwd", set()),
    ],
)
def test_how_it_is_seen_what_a_module_needs(code, expected):
    assert needed(code) == expected


def test_every_module_can_be_imported_on_windows():
    modules = sorted((ROOT / "digitlib").rglob("*.py"))
    assert len(modules) > 10
    bad = {str(path): needed(path.read_text(encoding="utf-8")) for path in modules}
    assert {path: names for path, names in bad.items() if names} == {}
