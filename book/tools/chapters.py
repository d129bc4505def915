"""The chapters as files, and what the tools of the build share."""

import ast
import hashlib
import json
import os
import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
# what papermill and editors leave in a cell's metadata
NOISE = {"ExecuteTime", "execution", "executionInfo", "outputId", "papermill"}


class BuildError(Exception):
    """The build cannot go on; the message says why and what to do."""


def digest(*parts):
    """SHA-256 over parts, each bytes or something that JSON can write."""
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()


def write(path, content):
    """Write text or a notebook, at once or not at all; equal notebooks make equal files."""
    from digitlib import files

    if not isinstance(content, str):
        content = nbformat.writes(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    files.write_whole(content.encode(), path)


def read(path):
    """A notebook from a file."""
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat's errors have no base in common
        place = os.path.relpath(path, ROOT)
        raise BuildError(f"{place} is no notebook any more: delete it, or restore it") from error


def tags(cell):
    return cell.metadata.get("tags", [])


def tidy(metadata):
    """A cell's metadata without noise, and without an empty list of tags."""
    return {k: v for k, v in metadata.items() if k not in NOISE and (k, v) != ("tags", [])}


def chapters():
    """The chapters in notebooks/, {name: notebook} in reading order."""
    return {path.stem: read(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}


def declared(nb):
    """The names that a chapter's `parameters` cell assigns."""
    source = "\n".join(cell.source for cell in nb.cells if "parameters" in tags(cell))
    assigned = [line for line in ast.parse(source).body if isinstance(line, ast.Assign)]
    return {target.id for line in assigned for target in line.targets}


def plain(text):
    """Text without a terminal's color codes."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)
