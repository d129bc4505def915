"""What the commands share: arguments, networks, files to write, and how results are shown."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

from digitlib import files

READER = "reader"  # the word for the packaged network; ./reader is a file of that name


class Problem(Exception):
    """What was asked cannot be done; the message is one line and says what to do."""


# Arguments


def add_data(parser):
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="auto, mnist, sample, or a path to MNIST (default: $DIGITLIB_DATA, else auto)",
    )


def add_model(parser):
    parser.add_argument(
        "model",
        metavar="MODEL",
        help=f"a .keras or .h5 file, or the word {READER} for the network of this package",
    )


def add_force(parser):
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def number(least, most):
    """A type for arguments: whole numbers in a range."""

    def read(text):
        if not text.isdecimal() or len(text) > 12 or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


count = number(1, 100_000)


# Networks


def network(name):
    """The network of a file, or the one of this package."""
    from digitlib import models

    return models.reader() if name == READER else models.load(name)


def answers(args):
    """The data, and what a network gives for its test set: floats of shape (n, 10)."""
    from digitlib import data, models

    model, digits = network(args.model), data.load(args.data)
    try:
        return digits, models.answers(model, digits.x_test)
    except ValueError as error:
        raise Problem(f"{args.model}: {error}") from error


def history_of(model):
    """Where the record of a network's training is kept: beside its file."""
    return Path(f"{model}.history.json")


# Files


def output(path, *, force=False):
    """A path that can be written to, tried before any work is done."""
    path = Path(path)
    if path.is_dir():
        raise Problem(f"{path}: is a folder; name a file")
    if os.path.lexists(path) and not force:
        raise _exists(path)
    if os.path.lexists(path) and not path.is_file():
        raise Problem(f"{path}: is no ordinary file; name another")
    if not path.parent.is_dir():
        raise Problem(f"{path}: there is no folder {path.parent}; make it first")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise Problem(
            f"{path}: cannot be written ({error.strerror}); name another place"
        ) from error
    return path


@contextlib.contextmanager
def writing(path):
    """Turn a disk that refuses, and a file that another process made meanwhile, into one line."""
    try:
        yield
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise Problem(
            f"{path}: cannot be written ({reason}); make room, or name another place"
        ) from error


def write(raw, path, *, force):
    """Write bytes to a file, as a whole or not at all; over another one only if forced."""
    with writing(path):
        files.write_whole(raw, path, replace=force)


def _exists(path):
    return Problem(f"{path}: exists; name another file, or overwrite it with --force")


# What is shown


def complain(text):
    """A line on stderr; nobody hears it if that is closed."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr)


def dump(**facts):
    print(json.dumps(facts))


def columns(header, rows):
    """A table as text; columns of numbers are aligned to the right."""
    rows = [[str(cell) for cell in row] for row in [header, *rows]]
    shown = []
    for column in zip(*rows, strict=True):
        numbers = all(cell.replace(".", "", 1).isdigit() or cell == "nan" for cell in column[1:])
        width = max(map(len, column))
        shown.append([f"{cell:>{width}}" if numbers else f"{cell:{width}}" for cell in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*shown, strict=True))


def progress(**what):
    from tqdm import tqdm

    return tqdm(**what, disable=None)  # None: only on a terminal
