"""Is an answer to an exercise right, and if not, what is wrong with it?"""

import sys

import numpy as np

from digitlib.answers import CHECKS

TOLERANCE = {"rtol": 1e-3, "atol": 1e-6}


def check(number, answer):
    """Print whether an answer to an exercise is right and, if not, what may be wrong with it.

    Parameters
    ----------
    number : str
        Chapter and exercise, such as "5.2".
    answer
        What the exercise says; lists count as arrays. Numbers may differ by a thousandth.

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
        answer, right = (np.asarray(one, float) for one in next(ways))
    except KeyError as error:
        return f"The name {error} is missing: run the cells of the chapter first."
    except (TypeError, ValueError, AttributeError):
        return f"This is of another kind than what is asked for: {type(answer).__name__}."
    if answer.shape != right.shape:
        return f"Expected is the shape {right.shape}, () for a number; this is {answer.shape}."
    if _same(answer, right):
        return None
    for text, mistake in ways:
        if _same(answer, mistake):
            return text
    if _same(answer, 100 * right):
        return "Asked for is a share from 0 to 1, and this is a percentage."
    if answer.size == 1:
        return "It is another number. The hint may help."
    agree = np.isclose(answer, right, **TOLERANCE)
    return f"{agree.sum():,} of {agree.size:,} numbers are right."


def _same(one, other):
    return one.shape == np.shape(other) and np.allclose(one, other, **TOLERANCE)
