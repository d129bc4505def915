"""What may the chapters record? book/claims holds the ranges, a file a chapter.

    [mnist]                   the data set
    runs = 6                  from so many runs the ranges come
    parameters = {EPOCHS = 2} the settings they hold for, if not the chapter's own
    [mnist.ranges]
    accuracy = [0.97, 0.98]   both ends included
    errors = 26               exactly this
    worst = ["4 read as 9"]   one of these
    [typed]
    "Past 99.5%]" = "a title" why the prose types this percentage, which no run measures

On the data of the tests, the sample, a number that says nothing there is left out.
"""

import ast
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "claims"
RECORD = "application/papermill.record/text/plain"


def read(name):
    """The claims of a chapter: {"mnist": {"runs": …, "ranges": …}, …}; empty if it has none."""
    path = FOLDER / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def settings(name, data):
    """The parameters for which a chapter's claims on these data hold."""
    return read(name).get(data, {}).get("parameters", {})


def recorded(nb):
    """Every (name, value) that a run of a chapter recorded, in order."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get(RECORD)
            if text is not None:
                yield output.metadata["scrapbook"]["name"], ast.literal_eval(text)


def holds(value, claim):
    """Whether a recorded value is what was claimed."""
    if not isinstance(claim, list):
        return value == claim
    if isinstance(claim[0], str):
        return value in claim
    low, high = claim
    return not isinstance(value, str) and low <= value <= high


def check(name, nb, data):
    """What is wrong with what a run recorded, a line each: chapter, number, value, range."""
    claims = read(name).get(data, {}).get("ranges", {})
    wrong, seen = [], set()
    for key, value in recorded(nb):
        if key in seen:
            wrong.append(f"{name}: {key} is recorded twice")
        seen.add(key)
        if key in claims and not holds(value, claims[key]):
            expected = claims[key]
            if isinstance(expected, list):
                names = isinstance(expected[0], str)
                expected = (" or " if names else " to ").join(map(str, expected))
            wrong.append(f"{name}: {key} is {value}, claimed is {expected}")
        if key not in claims and data == "mnist":
            wrong.append(f"{name}: {key} is {value}, and has no claim")
    missing = sorted(claims.keys() - seen)
    return wrong + [f"{name}: {key} is claimed and not recorded" for key in missing]
