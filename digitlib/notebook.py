"""How does a chapter record a number and say a computed sentence?

The outputs are ordinary Markdown, so they read the same in Jupyter, in Colab and in the book.
"""

import math
import re

from IPython.display import Markdown, display

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
