"""Build the book. `make` is the usual door to the three commands:

book       execute the chapters that changed, then render _build/html
site       render the outputs stored in notebooks/, executing nothing
notebooks  run every chapter on MNIST and store its outputs in notebooks/

_build/executed holds the last good run of each chapter, _build/source what jupyter-book is given.
"""

import argparse
import ast
import datetime
import hashlib
import json
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
HTML = BUILD / "html"
DATA = {"mnist": "MNIST", "sample": "the small sample, not MNIST"}
BANNER = (
    "This copy was built on a small sample of other digits, not on MNIST: "
    "its numbers are not the book's."
)
# what papermill and editors leave in a cell's metadata
NOISE = {"ExecuteTime", "execution", "executionInfo", "outputId", "papermill"}
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class BuildError(Exception):
    """The build cannot go on; the message says why and what to do."""


def digest(*parts):
    """SHA-256 over parts, each bytes or something that JSON can write."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()


def contents(folder, pattern):
    """Names and bytes of the files under a folder, for `digest`."""
    paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    return [part for path in paths for part in (str(path.relative_to(folder)), path.read_bytes())]


def write(path, content):
    """Write text or a notebook, at once or not at all; equal notebooks make equal files."""
    if not isinstance(content, str):
        content = nbformat.writes(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(content, encoding="utf-8")
    os.replace(part, path)


def plain(text):
    """Text without a terminal's color codes."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def tags(cell):
    return cell.metadata.get("tags", [])


def tidy(metadata):
    """A cell's metadata without noise, and without an empty list of tags."""
    return {k: v for k, v in metadata.items() if k not in NOISE and (k, v) != ("tags", [])}


def chapters():
    """The chapters in notebooks/, {name: notebook} in reading order."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


# Execute


def load_data():
    """Name and hash of the data; the chapters, run in other folders, will get the same."""
    sys.path.insert(0, str(ROOT))
    from digitlib import data

    asked = os.environ.get("DIGITLIB_DATA") or "auto"
    try:
        digits = data.load()
    except ValueError as error:
        raise BuildError(str(error)) from error
    named = digits.name == "sample" or asked in ("auto", "mnist")
    os.environ["DIGITLIB_DATA"] = digits.name if named else os.path.abspath(asked)
    arrays = (digits.x_train, digits.y_train, digits.x_test, digits.y_test)
    return digits.name, digest(*(array.tobytes() for array in arrays))


def declared(nb):
    """The names that a chapter's `parameters` cell assigns."""
    source = "\n".join(cell.source for cell in nb.cells if "parameters" in tags(cell))
    assigned = [line for line in ast.parse(source).body if isinstance(line, ast.Assign)]
    return {target.id for line in assigned for target in line.targets}


def execute(name, nb, parameters):
    """A chapter run by papermill in an empty folder, and the seconds it took."""
    import papermill

    bar = {
        "desc": f"  {name:<16}",
        "bar_format": "{desc} {bar} {n_fmt}/{total_fmt} cells, {elapsed}",
        "disable": not sys.stderr.isatty(),
        "dynamic_ncols": True,
    }
    options = {
        "kernel_name": "python3",
        "language": "python",
        "progress_bar": bar,
        "coalesce_streams": True,
        "extra_arguments": ["--log-level=CRITICAL"],  # the kernel's own log, not the chapter's
    }
    start = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            nb = papermill.execute_notebook(nb, None, parameters, cwd=folder, **options)
    except papermill.PapermillExecutionError as error:
        number = error.cell_index + (0 if parameters else 1)  # papermill put one in front
        line = error.source.strip().partition("\n")[0]
        trace = plain("\n".join(error.traceback)).strip().splitlines()[-12:]
        raise BuildError(
            f"{name}, cell {number} (In [{error.exec_count}]): {error.ename}: {error.evalue}\n"
            + "\n  | ".join([f"  {line}", *trace])
        ) from error
    except Exception as error:  # such as a kernel killed for want of memory
        raise BuildError(f"{name}: {type(error).__name__}: {error}") from error
    return nb, time.monotonic() - start


def run_chapters(given, data, data_hash):
    """Execute the chapters whose last good run is out of date: {name: notebook}, names run."""
    sources = chapters()
    unknown = set(given) - {name for nb in sources.values() for name in declared(nb)}
    if unknown:
        raise BuildError(f"No chapter has a parameter {', '.join(sorted(unknown))}.")
    versions = {package: version(package) for package in ("tensorflow", "keras", "numpy")}
    versions["python"] = platform.python_version()
    common = [data, data_hash, versions, *contents(ROOT / "digitlib", "**/*.py")]
    common += contents(ROOT / "book" / "results", "*")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a warning of the kernel's debugger

    done, ran = {}, set()
    for name, nb in sources.items():
        parameters = {k: v for k, v in given.items() if k in declared(nb)}
        cells = [[cell.cell_type, cell.source, tidy(cell.metadata)] for cell in nb.cells]
        key = digest(*common, cells, parameters)
        path = BUILD / "executed" / f"{name}.ipynb"
        if path.exists():
            done[name] = nbformat.read(path, as_version=4)
            if done[name].metadata["digitlib"]["key"] == key:
                continue
        if not sys.stderr.isatty():
            print(f"  {name} is running", flush=True)
        nb, seconds = execute(name, nb, parameters or None)
        for cell in nb.cells:
            cell.metadata = tidy(cell.metadata)
        run = {"data": data, "date": datetime.date.today().isoformat(), "versions": versions}
        run |= {"seconds": round(seconds, 1), "key": key}
        if parameters:
            run["parameters"] = parameters
        nb.metadata = {"digitlib": run, **KERNEL}
        write(path, nb)
        done[name] = nbformat.from_dict(nb)
        ran.add(name)
    return done, ran


# Stage and render


def in_words(run):
    """What a run was, for readers: data set, date, versions, parameters."""
    names = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}
    uses = [f"{name} {run['versions'][key]}" for key, name in names.items()]
    uses += [f"{key} = {value!r}" for key, value in run.get("parameters", {}).items()]
    return f"Run on {DATA[run['data']]}, {run['date']}, with {', '.join(uses)}"


def stage(notebooks):
    """Lay out _build/source: the pages, the chapters with their stamps, the table of runs."""
    source = BUILD / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "book", source / "book", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_toc.yml", source)
    table = ["| Chapter | Data | Seconds | Date |", "|---|---|--:|---|"]
    for name, nb in notebooks.items():
        run = nb.metadata["digitlib"]
        title = re.match("#? ?([^:\n]*)", nb.cells[0].source)[1]
        link = f"[{title}](../notebooks/{name}.ipynb)"
        table.append(f"| {link} | {DATA[run['data']]} | {run['seconds']:.0f} | {run['date']} |")
        page = nbformat.from_dict(nb)
        for cell in page.cells:
            if "injected-parameters" in tags(cell):
                cell.metadata.tags.append("remove-cell")
        stamp = f":::{{div}} run-stamp\n{in_words(run)}; {run['seconds']:.0f} s.\n:::"
        page.cells.append(nbformat.v4.new_markdown_cell(stamp, id="run-stamp"))
        write(source / "notebooks" / f"{name}.ipynb", page)

    runs = [nb.metadata["digitlib"] for nb in notebooks.values()]
    last = in_words(max(runs, key=lambda run: run["date"])) + "."
    write(source / "book" / "_run.md", "\n".join([*table, "", last, ""]))
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["html"]["extra_footer"] += " " + last
    if any(run["data"] != "mnist" for run in runs):
        config["html"]["announcement"] = BANNER
    write(source / "_config.yml", yaml.safe_dump(config))
    return source


def render(source):
    """Render the staged book and put it in the last site's place; False if it is that site."""
    tools = [version(p) for p in ("jupyter-book", "myst-nb", "sphinx", "sphinx-book-theme")]
    key = digest(tools, *contents(source, "**/*"))
    old = BUILD / "html.old"
    if old.exists() and not HTML.exists():  # a swap was killed halfway
        os.replace(old, HTML)
    if (HTML / ".key").exists() and (HTML / ".key").read_text() == key:
        return False
    print("  rendering", flush=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
        command += ["build", str(source), "--path-output", folder, "-W", "-n", "--keep-going"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        output = plain(result.stdout + result.stderr).replace(f"{source}{os.sep}", "")
        if result.returncode:
            lines = output.splitlines()
            told = [line for line in lines if re.search("WARNING|ERROR|CRITICAL", line)]
            raise BuildError("jupyter-book failed:\n" + "\n".join(told or lines[-30:]))
        fresh = Path(folder) / "_build" / "html"
        toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
        pages = [page["file"] for part in toc["parts"] for page in part["chapters"]]
        missing = [page for page in [toc["root"], *pages] if not (fresh / f"{page}.html").exists()]
        if missing:
            raise BuildError(f"jupyter-book made no page of {', '.join(missing)}.\n{output}")
        (fresh / ".key").write_text(key)
        shutil.rmtree(old, ignore_errors=True)
        if HTML.exists():
            os.replace(HTML, old)
        os.replace(fresh, HTML)
    shutil.rmtree(old, ignore_errors=True)
    return True


# The commands


def publish(notebooks, ran):
    """Stage and render the chapters, then say where the site is and what it shows."""
    rendered = render(stage(notebooks))
    for name, nb in notebooks.items():
        run = nb.metadata["digitlib"]
        when = "executed now" if name in ran else f"executed before, {run['date']}"
        print(f"  {name:<16} {run['seconds']:6.1f} s  {when}")
    data = " and ".join({DATA[nb.metadata["digitlib"]["data"]]: 0 for nb in notebooks.values()})
    state = "rendered now" if rendered else "unchanged"
    print(f"The book, on {data}: {os.path.relpath(HTML / 'index.html')} ({state})")


def stored():
    """The chapters in notebooks/, each of them run."""
    for name, nb in chapters().items():
        unrun = [
            number
            for number, cell in enumerate(nb.cells, 1)
            if cell.cell_type == "code" and cell.source and not cell.execution_count
        ]
        if unrun or "digitlib" not in nb.metadata:
            what = f"cell {unrun[0]} was never run" if unrun else "holds no record of its run"
            raise BuildError(f"notebooks/{name}.ipynb: {what}; `make notebooks` runs all chapters.")
    return chapters()


def store(notebooks, ran):
    """Write the runs back into notebooks/, none of them if one is not fit for it."""
    for name, nb in notebooks.items():
        for number, cell in enumerate(nb.cells, 1):
            for output in cell.get("outputs", []):
                if output.get("name") == "stderr":
                    raise BuildError(f"{name}, cell {number} wrote to stderr:\n{output.text}")
    for name, nb in notebooks.items():
        del nb.metadata["digitlib"]["key"]
        write(ROOT / "notebooks" / f"{name}.ipynb", nb)
    print(f"{len(notebooks)} chapters stored in notebooks/, {len(ran)} of them executed now.")


def literal(text):
    """A parameter's value: a Python literal, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def main():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("command", choices=["book", "site", "notebooks"])
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="parameters",
        help="book only: set a chapter's parameter",
    )  # fmt: skip
    args = parser.parse_args()
    if args.parameters and args.command != "book":
        parser.error("only `book` takes parameters")
    try:
        if args.command == "site":
            publish(stored(), ran=())
            return 0
        data, data_hash = load_data()
        given = {name: literal(text) for name, text in args.parameters}
        if args.command == "notebooks" and data != "mnist":
            raise BuildError("Only runs on MNIST are stored: set DIGITLIB_DATA to mnist or a file.")
        finish = publish if args.command == "book" else store
        finish(*run_chapters(given, data, data_hash))
    except BuildError as error:
        print(f"\nThe build stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # where the kernel answers before it ends, asyncio says that nobody took its answer
        logging.getLogger("asyncio").disabled = True
        print("\nInterrupted; the last good site and all finished runs are kept.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
