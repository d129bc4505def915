"""How does a chapter record a number, say a computed sentence, and check an answer?

The outputs are ordinary Markdown, so they read the same in Jupyter, in Colab and in the book.
"""

import math
import re
import sys

import numpy as np
from IPython.display import Markdown, display

from digitlib.more_answers import CHECKS

_RECORD = "application/papermill.record/"


def say(text):
    """Show a computed sentence, Markdown allowed."""
    display(Markdown(text))


def table(header, rows):
    """Show a Markdown table; numbers are aligned to the right.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of rows, each with one cell (anything that prints) per column

    Raises
    ------
    ValueError
        If a row has more or fewer cells than the header.
    """
    rows = [list(row) for row in rows]
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(
                f"expected {len(header)} cells a row as in the header; row {number} has {len(row)}"
            )
    numeric = [
        bool(rows) and all(re.match(r"[-+−]?[\d.]", str(row[i])) for row in rows)
        for i in range(len(header))
    ]
    lines = [header, ["---:" if right else ":---" for right in numeric], *rows]
    display(Markdown("\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)))


def record(name, value):
    """Keep a number for other pages to quote, without showing it here.

    The output is what MyST-NB's `glue` writes, so a page can quote it with the role of that name;
    papermill's users read it as a scrapbook record.

    Parameters
    ----------
    name : str
        Lower-case words joined by underscores; unique within the chapter.
    value : int, float or str, NumPy scalars included

    Raises
    ------
    ValueError
        If the name is not of that form, or the value is another type, NaN or infinite.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"expected a name such as test_accuracy; got {name!r}")
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number or a string for {name}; got {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number for {name}; got {value}")
    display(
        {_RECORD + "text/plain": repr(value)},
        metadata={"scrapbook": {"name": name, "mime_prefix": _RECORD}},
        raw=True,
    )


def check(number, answer):
    """Print whether an answer to an exercise is right and, if not, what may be wrong with it.

    Parameters
    ----------
    number : str
        Chapter and exercise, such as "5.2".
    answer
        What the exercise says; lists count as arrays. Numbers may differ by a thousandth, but for
        counts, which may not.

    Raises
    ------
    ValueError
        If there is no such exercise, or one without a check.
    """
    if number not in CHECKS:
        raise ValueError(f"no check for {number!r}; there are checks for {', '.join(CHECKS)}")
    said = _said(number, answer, vars(sys.modules["__main__"]))
    print(f"{number}: {'right.' if said is None else f'not yet. {said}'}")


def _said(number, answer, names):
    """What is wrong with an answer, or None, given the names of the chapter."""
    ways = CHECKS[number](names, answer)
    try:
        answer, right = map(np.asarray, next(ways))
        near = {"rtol": 0 if right.dtype.kind in "iu" else 1e-3, "atol": 1e-6}
        answer, right = answer.astype(float), right.astype(float)
        if answer.shape != right.shape:
            return f"Expected is the shape {right.shape}, () for a number; this is {answer.shape}."
        if _same(answer, right, near):
            return None
        for text, mistake in ways:
            if _same(answer, mistake, near):
                return text
    except KeyError as error:
        return f"The name {error} is missing: run the cells of the chapter first."
    except (TypeError, ValueError, AttributeError):
        return f"This is of another kind than what is asked for: {type(answer).__name__}."
    if _same(answer, 100 * right, near):
        return "Asked for is a share from 0 to 1, and this is a percentage."
    if answer.size == 1:
        return "It is another number. The hint may help."
    agree = np.isclose(answer, right, **near)
    return f"{agree.sum():,} of {agree.size:,} numbers are right."


def _same(one, other, near):
    return one.shape == np.shape(other) and np.allclose(one, other, **near)
