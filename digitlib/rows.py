"""What does a study's file hold, and how do rows get into it so that no kill can spoil it?

A study is a file with one JSON object a line and a line a run. Rows are only ever added, each at
once, so a study that is killed loses at most the runs under way. A row has::

    recipe, seed, epochs   what was run; epochs is null for the classics
    data                   "mnist" or "sample"; "mnist-validation" or "sample-validation" if the
                           last sixth of the training images took the test set's place
    parameters             numbers learned, where they can be counted
    seconds, cpu_seconds   of training, by the clock and of the process
    predict_seconds        to answer the test set
    n, correct, accuracy   on the test set
    mistakes               {index of a test image: the wrong answer}
    unsure                 {index of a test image: ten probabilities} where none of them is above
                           0.99, less twice the smoothing of the labels; only if they were asked for
    digest                 SHA-256 of the answers as uint8
    versions, machine      on what it ran
"""

import contextlib
import errno
import json
import os
import re
from pathlib import Path

import numpy as np

from digitlib import evaluation, files

FIELDS = {
    *("recipe", "seed", "epochs", "data", "parameters", "seconds", "cpu_seconds"),
    *("predict_seconds", "n", "correct", "accuracy", "mistakes", "digest", "versions", "machine"),
}
SURE = 0.99
_OPENING, _NEXT = b'{"recipe":"', b'","seed":'  # what a row begins with, around the name
_BEGINNING = re.compile(re.escape(_OPENING) + rb"[a-z0-9-]*(.{0,%d})" % len(_NEXT), re.DOTALL)
_OPENINGS = 100  # of a file that others remove each time: more than ever happens


def read(path):
    """The rows of a study, and whether a last line that was cut off had to be left out.

    Raises
    ------
    ValueError
        If the file holds something else; the message names the line.
    """
    raw = Path(path).read_bytes()
    rows, whole = _parse(raw, path)
    return rows, whole < len(raw)


def recorded(name="study", data="mnist"):
    """The rows of one of the book's own studies, whose files come with the package.

    "study" holds the dense recipes under ten seeds and the baselines; "five_epochs" the recipe
    dropout cut short; "convolutions" the recipes convnet and fast, and fast without one thing after
    another; "accurate" that recipe, and "records" those that came after it; "choices" what was
    tried on held-out images.
    On the data "sample" there are smaller ones, without "convolutions".
    """
    folder = "results" if data == "mnist" else f"results/{data}"
    return read(files.packaged(f"{folder}/{name}.jsonl"))[0]


def experiment(name):
    """What one of the scripts in book/experiments found, a list of dict; each says what is in it."""
    text = files.packaged(f"results/{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()[1:]]  # the first: how they were made


def key(row):
    """What makes a row's run that run: (recipe, seed, epochs, data)."""
    return row["recipe"], row["seed"], row["epochs"], row["data"]


def mistakes(row):
    """Which test images a run got wrong, shape (n,), bool."""
    wrong = np.zeros(row["n"], bool)
    wrong[[int(index) for index in row["mistakes"]]] = True
    return wrong


def probabilities(row, y):
    """What a run's network answered, shape (n, 10), given the true labels of shape (n,).

    Where it was sure, and the row holds no more than the answer, that answer gets 1.
    """
    y_pred = np.array(y)
    for index, answer in row["mistakes"].items():
        y_pred[int(index)] = answer
    outputs = np.eye(evaluation.CLASSES)[y_pred]
    for index, ten in row.get("unsure", {}).items():
        outputs[int(index)] = ten
    return outputs


def doubts(outputs, sure=SURE):
    """The probabilities of the answers below `sure`, {index: ten numbers}, as a row keeps them."""
    outputs = evaluation.as_probabilities(outputs)
    doubtful = np.flatnonzero(outputs.max(axis=1) < sure)
    return {str(i): [round(float(p), 4) for p in outputs[i]] for i in doubtful}


@contextlib.contextmanager
def adding(path):
    """The rows of a study's file, and a function that adds one, while nobody else can.

    A file that is not there is made, and removed again if no row came.

    Raises
    ------
    ValueError
        If the file holds something else than a study; the message names the line.
    OSError
        If it cannot be written, or another study is writing to it (BlockingIOError).
    """
    file, made = _locked(path)
    with file:
        try:
            file.seek(0)
            raw = file.read()
            rows, whole = _parse(raw, path)
            file.truncate(whole)  # a line cut off by a kill or a full disk is no row
            if raw[:whole] and not raw[:whole].endswith(b"\n"):
                _append(b"\n", file, path)

            def add(row):
                line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
                _append(line, file, path)

            yield rows, add
        finally:
            # We still hold the lock: without it, this could be another study's file.
            if made and _is_at(file, path) and not os.fstat(file.fileno()).st_size:
                with contextlib.suppress(PermissionError):  # Windows removes no open file
                    os.unlink(path)


def _locked(path):
    """A study's file, open and locked, and whether it was made just now."""
    for _ in range(_OPENINGS):
        made = not os.path.exists(path)
        file = open(path, "a+b", buffering=0)  # noqa: SIM115, the caller closes it
        try:
            files.lock(file)
        except BlockingIOError:
            file.close()
            break
        except OSError:
            file.close()
            raise
        # Who had it before us may have removed it after we opened it, and what is written to such
        # a file is lost.
        if _is_at(file, path):
            return file, made
        file.close()
    advice = "another study is writing to it; wait for that one, or name another"
    raise BlockingIOError(errno.EAGAIN, advice, str(path))


def _is_at(file, path):
    """Whether an open file is the one that the path names now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _append(raw, file, path):
    """Write bytes to the end of a file, down to the disk."""
    try:
        while raw:
            raw = raw[file.write(raw) :]
        os.fsync(file.fileno())
    except OSError as error:
        advice = f"{error.strerror}; make room, then run the same command again"
        raise OSError(error.errno, advice, str(path)) from error


def _parse(raw, path):
    """The rows that a study's bytes hold, and the length of the lines that hold them."""
    rows, end = {}, raw.rfind(b"\n") + 1
    rest, lines = raw[end:], raw[:end].splitlines()
    if _row(rest):  # whole, but for the end of the line
        lines, end = [*lines, rest], len(raw)
    elif rest and not _cut_off(rest, lines):
        lines = [*lines, rest]  # nothing that a study was writing
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if not row:
            raise ValueError(
                f"{path}, line {number}: expected a row of a study; delete the line, or name "
                "another file"
            )
        if key(row) in rows:
            raise ValueError(f"{path}, line {number}: repeats an earlier run; delete one of them")
        rows[key(row)] = row
    return list(rows.values()), end


def _cut_off(rest, lines):
    """Whether a last line is the beginning of a row; a brace may be that of any file."""
    begun = _BEGINNING.match(rest)
    return _NEXT.startswith(begun[1]) if begun else bool(lines) and _OPENING.startswith(rest)


def _row(line):
    """The row on a line, or None if it holds something else."""
    try:
        row = json.loads(line)
        known = row.keys() >= FIELDS and {key(row): row}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None
    return row if known else None
