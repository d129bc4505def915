"""Run the chapters by papermill, those that are out of date, two at a time.

The last good run of a chapter is kept, and believed as long as the chapter, the modules of digitlib
that it reaches by import, the recorded files that those name, the data, the parameters and the
versions are the same.
"""

import base64
import contextlib
import datetime
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from chapters import ROOT, BuildError, chapters, digest, plain, read, tags, tidy, write
from depends import closure, versions
from kernels import NAME, kernels
from PIL import Image
from tqdm import tqdm

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": NAME},
    "language_info": {"name": "python"},
}
RUNNING = set()  # processes of papermill
PATIENCE = 900  # seconds that a cell may take where nobody watches, as in CI


def execute(name, nb, parameters, environment):
    """A chapter run by papermill in an empty folder, and the seconds it took.

    The environment is that of `kernels.kernels`.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "given.json").write_text(json.dumps(parameters))  # JSON is YAML
        nbformat.write(nb, folder / "in.ipynb")
        (folder / "cwd").mkdir()
        command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--cwd", "cwd"]
        command += ["-k", NAME, "-l", "python", "--no-progress-bar"]
        command += ["--no-request-save-on-cell-execute", "--autosave-cell-every", "0"]
        command += ["-f", "given.json"] if parameters else []
        command += ["--execution-timeout", str(PATIENCE)] if os.environ.get("CI") else []
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            RUNNING.add(process)
            said = process.communicate()[1]
            RUNNING.discard(process)
        out = folder / "out.ipynb"
        run = nbformat.read(out, as_version=4) if out.exists() else nbformat.v4.new_notebook()
    if process.returncode:
        raise BuildError(failure(name, run, said))
    return run, time.monotonic() - start


def failure(name, run, said):
    """What went wrong in a run, in a few lines."""
    cells = [cell for cell in run.cells if "papermill-error-cell-tag" not in tags(cell)]
    shown = [cell for cell in cells if "injected-parameters" not in tags(cell)]
    for cell in cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                line = cell.source.strip().partition("\n")[0]
                trace = plain("\n".join(output.traceback)).strip().splitlines()[-12:]
                number = shown.index(cell) + 1 if cell in shown else 0
                where = f"{name}, cell {number} (In [{cell.execution_count}])"
                head = f"{where}: {output.ename}: {output.evalue}"
                return f"{head}\n" + "\n  | ".join([f"  {line}", *trace])
    if late := re.search(r"CellTimeoutError: .*after (\d+) seconds(?:.*\n)+?-+\n(.*)", said):
        return f"{name}: a cell had not ended after {late[1]} s:\n  {late[2]}"
    # such as a kernel killed for want of memory
    return f"{name}: {(plain(said).strip() or 'papermill died').splitlines()[-1]}"


def together(outputs):
    """Outputs in which what was printed in pieces stands in one, as where it came in one."""
    joined = []
    for output in outputs:
        stream = joined and output.output_type == joined[-1].output_type == "stream"
        if stream and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def lighter(png):
    """A picture, base64 of a PNG, in the 256 colors that come nearest: less than half the bytes."""
    image, made = Image.open(io.BytesIO(base64.b64decode(png))), io.BytesIO()
    if len(image.getbands()) == 4 and image.getextrema()[3][0] < 255:
        return png  # partly transparent
    nearest = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=0)
    nearest.save(made, "PNG", optimize=True)
    return base64.b64encode(made.getvalue()).decode()


def stamped(nb, run):
    """A run without noise and of light weight, with the record of how it was made."""
    for cell in nb.cells:
        cell.metadata = tidy(cell.metadata)
        if cell.cell_type == "code":
            cell.outputs = together(cell.outputs)
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = lighter(output.data["image/png"])
    nb.metadata = {"digitlib": run, **KERNEL}
    return nbformat.from_dict(nb)


def retold(nb, run):
    """A chapter with the outputs of a run of the same code; its text may be another since."""
    old = {cell.id: cell for cell in run.cells if cell.cell_type == "code"}
    told = nbformat.from_dict({**nb, "cells": [], "metadata": run.metadata})
    for cell in nb.cells:
        told.cells.append(cell)
        if cell.cell_type == "code":
            cell.metadata = tidy(cell.metadata)
            cell.outputs, cell.execution_count = old[cell.id].outputs, old[cell.id].execution_count
        if "parameters" in tags(cell):
            told.cells += [one for one in run.cells if "injected-parameters" in tags(one)]
    return told


def run_chapters(folder, given, data, data_hash, names=None):
    """Execute the chapters, or those named, whose last good run in a folder is out of date.

    A change of their text alone asks for no new run.

    `given` has the parameters of each chapter, {name: {parameter: value}}. Returns the runs,
    {name: notebook} in reading order, and the names of those executed now.
    """
    sources, used = chapters(), versions()
    sources = {name: nb for name, nb in sources.items() if names is None or name in names}
    done, waiting = dict.fromkeys(sources), {}
    for name, nb in sources.items():
        cells = [[cell.id, cell.source] for cell in nb.cells if cell.cell_type == "code"]
        files = [[str(path.relative_to(ROOT)), digest(path.read_bytes())] for path in closure(nb)]
        key = digest(data, data_hash, used, cells, files, given[name])
        path = folder / f"{name}.ipynb"
        old = read(path) if path.exists() else None
        if old and old.metadata["digitlib"]["key"] == key:
            done[name] = retold(nb, old)
        else:
            waiting[name] = key

    def run(name):
        if failed:  # the others under way are finished, no more are begun
            return
        print(f"  {name} is running", flush=True)
        try:
            nb, seconds = execute(name, sources[name], given[name], environment)
            date = datetime.date.today().isoformat()
            record = {"data": data, "date": date, "versions": used, "seconds": round(seconds, 1)}
            record |= {"parameters": given[name]} if given[name] else {}
            done[name] = stamped(nb, record | {"key": waiting[name]})
            write(folder / f"{name}.ipynb", done[name])
        except Exception as error:
            failed.append(error)
            raise
        bar.update()

    def length(name):
        return sources[name].metadata.get("digitlib", {}).get("seconds", 0)

    failed = []
    shown = len(waiting) > 1 and sys.stderr.isatty()
    with (
        kernels(path=ROOT) if waiting else contextlib.nullcontext() as environment,
        tqdm(total=len(waiting), unit="chapter", disable=not shown) as bar,
        ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool,
    ):
        # the longest first, so that none is left alone at the end
        runs = [pool.submit(run, name) for name in sorted(waiting, key=length, reverse=True)]
        try:
            for one in runs:
                one.result()
        except KeyboardInterrupt:
            failed.append(KeyboardInterrupt())
            for process in [*RUNNING]:
                process.send_signal(signal.SIGINT)
            raise
    return done, set(waiting)
