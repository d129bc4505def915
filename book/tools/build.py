"""Build the book. `make` is the usual door to these commands:

book       execute the chapters that changed, then render _build/html
site       render the outputs stored in notebooks/, executing nothing
notebooks  run every chapter on MNIST and store its outputs in notebooks/
test       the book on the sample, with the settings of the tests, in _build/test
links      ask whether the links to other sites lead somewhere; needs the network

Nothing is rendered, and nothing stored, when a number leaves the range that book/claims gives it.
"""

import argparse
import ast
import contextlib
import os
import shutil
import sys
import time
from pathlib import Path


def said(kind, error, trace):
    """What ends the build and is not caught: an interrupt, even of an import, in one line."""
    if kind is not KeyboardInterrupt:
        sys.__excepthook__(kind, error, trace)
        return
    sys.stdout.flush()  # what was said before, which `_exit` would lose
    line = "\nInterrupted; the last good site and all finished runs are kept."
    print(line, file=sys.stderr, flush=True)
    os._exit(130)


sys.excepthook = said
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import claims
from chapters import ROOT, BuildError, chapters, declared, digest, write
from execute import run_chapters
from render import DATA, broken_links, render, stage, stored

BUILD = ROOT / "_build"


def load_data():
    """Name and hash of the data; the chapters, run in other folders, will get the same."""
    from digitlib import data

    asked = data.asked_for()
    try:
        digits = data.load(asked)
    except ValueError as error:
        raise BuildError(str(error)) from error
    named = digits.name == "sample" or asked in ("auto", "mnist")
    os.environ["DIGITLIB_DATA"] = digits.name if named else asked
    arrays = (digits.x_train, digits.y_train, digits.x_test, digits.y_test)
    return digits.name, digest(*(array.tobytes() for array in arrays))


def parameters(given):
    """What is given, {parameter: value}, sorted to the chapters that declare it."""
    known = {name: declared(nb) for name, nb in chapters().items()}
    unknown = given.keys() - set().union(*known.values())
    if unknown:
        raise BuildError(f"No chapter has a parameter {', '.join(sorted(unknown))}.")
    return {name: {k: v for k, v in given.items() if k in names} for name, names in known.items()}


def held_to_their_word(notebooks):
    """Refuse runs whose numbers are not what is claimed; say where nothing is claimed."""
    wrong, free = [], []
    for name, nb in notebooks.items():
        run = nb.metadata["digitlib"]
        if run.get("parameters", {}) == claims.settings(name, run["data"]):
            wrong += claims.check(name, nb, run["data"])
        else:
            free.append(name)
    if wrong:
        lines = "\n  ".join(wrong)
        raise BuildError(f"these numbers are not what is claimed in book/claims:\n  {lines}")
    if free:
        print(f"  no claims for these data and settings: {', '.join(free)}")


def publish(folder, notebooks, ran=()):
    """Stage and render the chapters, then say where the site is and what it shows."""
    held_to_their_word(notebooks)
    stage(notebooks, folder / "source")
    rendered = render(folder)
    for name, nb in notebooks.items():
        run = nb.metadata["digitlib"]
        when = "executed now" if name in ran else f"executed before, {run['date']}"
        print(f"  {name:<18} {run['seconds']:6.1f} s  {when}")
    data = " and ".join({DATA[nb.metadata["digitlib"]["data"]]: 0 for nb in notebooks.values()})
    state = "rendered now" if rendered else "unchanged"
    page = os.path.relpath(folder / "html" / "index.html")
    print(f"The book, on {data}: {page} ({state})")


def store(notebooks, ran):
    """Write the runs back into notebooks/, none of them if one is not fit for it."""
    held_to_their_word(notebooks)
    for name, nb in notebooks.items():
        for number, cell in enumerate(nb.cells, 1):
            for output in cell.get("outputs", []):
                if output.get("name") == "stderr":
                    raise BuildError(f"{name}, cell {number} wrote to stderr:\n{output.text}")
    for name, nb in notebooks.items():
        del nb.metadata["digitlib"]["key"]
        write(ROOT / "notebooks" / f"{name}.ipynb", nb)
    print(f"{len(notebooks)} chapters stored in notebooks/, {len(ran)} of them executed now.")


@contextlib.contextmanager
def alone(folder):
    """Wait until no other build uses the folder."""
    from digitlib import files

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        told = False
        while True:
            try:
                files.lock(lock)
                break
            except BlockingIOError:
                if not told:
                    print("Another build is under way; waiting for its end.", file=sys.stderr)
                told = True
                time.sleep(0.2)
        yield


def run(command, given):
    """One of the commands."""
    folder = BUILD / "test" if command == "test" else BUILD
    if command == "test":
        os.environ["DIGITLIB_DATA"] = "sample"
    with alone(folder):
        if command == "site":
            publish(folder, stored())
            return
        if command == "links":
            stage(stored(), folder / "source")
            if broken := broken_links(folder):
                raise BuildError("these links lead nowhere:\n  " + "\n  ".join(broken))
            return
        data, data_hash = load_data()
        if command == "notebooks" and data != "mnist":
            raise BuildError("Only runs on MNIST are stored: set DIGITLIB_DATA to mnist or a file.")
        if command == "test":
            settings = {name: claims.settings(name, "sample") for name in chapters()}
        else:
            settings = parameters(given)
        notebooks, ran = run_chapters(folder / "executed", settings, data, data_hash)
        if command == "notebooks":
            store(notebooks, ran)
        else:
            publish(folder, notebooks, ran)


def literal(text):
    """A parameter's value: a Python literal, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def main():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("command", choices=["book", "site", "notebooks", "test", "links"])
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="parameters",
        help="book only: set a chapter's parameter",
    )  # fmt: skip
    args = parser.parse_args()
    if args.parameters and args.command != "book":
        parser.error("only `book` takes parameters")
    try:
        run(args.command, {name: literal(text) for name, text in args.parameters})
    except BuildError as error:
        print(f"\nThe build stopped: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # such as a full disk
        where, why = error.filename, error.strerror or error
        if isinstance(error, shutil.Error):  # of a folder: a list of all that could not be copied
            _, where, why = error.args[0][0]
        print(f"\nThe build stopped: {f'{where}: ' if where else ''}{why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
