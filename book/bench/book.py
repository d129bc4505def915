"""How long do `make book`, with every chapter executed, and `make site` take, and how much memory?

Both run in a copy of the project: nothing is executed yet there, and nothing here is touched.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import measuring
import psutil


def build(folder, command):
    """Seconds that a command of the build took, and the most memory, in bytes, that it used."""
    measuring.mood()
    watch, peak = measuring.stopwatch(), 0
    process = subprocess.Popen([sys.executable, "book/tools/build.py", command], cwd=folder)
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)  # to look takes a tenth of a second
    if process.returncode:
        sys.exit(f"`{command}` failed; see above")
    return watch()[0], peak


def memory(pid):
    """The memory, in bytes, of a process and its descendants together."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        # what several of them share counts once, where the system can tell
        sizes = [process.memory_full_info() for process in family]
        return sum(getattr(size, "pss", size.rss) for size in sizes)
    except psutil.Error:  # one of them ended while we looked
        return 0


def copy_project(folder):
    """Copy what git keeps, or would keep, into a folder."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(listing, cwd=measuring.ROOT).decode().split("\0")
    for name in filter(None, names):
        if (measuring.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(measuring.ROOT / name, folder / name)


if __name__ == "__main__":
    measuring.need_mnist()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        copy_project(folder)
        book, peak = build(folder, "book")
        chapters = {}
        for run in sorted((folder / "_build" / "executed").glob("*.ipynb")):
            made = json.loads(run.read_text(encoding="utf-8"))["metadata"]["digitlib"]
            chapters[run.stem] = made["seconds"]
            shutil.copy(run, folder / "notebooks")
        shutil.rmtree(folder / "_build")
        site, _ = build(folder, "site")
    measuring.keep("book", {"seconds": book, "peak": peak, "chapters": chapters, "site": site})
