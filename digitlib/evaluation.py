"""How good is a set of predictions, how sure are we, and how do two compare?

Throughout, `y_true` and `y_pred` are integer arrays of shape (n,) with digits 0–9, `probabilities`
is a float array of shape (n, 10) whose rows sum to one, and a confusion matrix follows
scikit-learn: `matrix[i, j]` counts the images of digit i that were read as j.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logit, softmax
from scipy.stats import binomtest

CLASSES = 10
TOLERANCE = 9e-3  # how far from 1 ten probabilities may sum; bfloat16 rounds coarsely


class Accuracy(NamedTuple):
    """A share of right answers, with the interval that goes with it."""

    correct: int
    n: int
    value: float
    low: float
    high: float


class PerClass(NamedTuple):
    """Counts and ratios for each digit, arrays of shape (10,); 0/0 is given as NaN."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


class Comparison(NamedTuple):
    """Two sets of answers to the same questions."""

    only_a_wrong: int
    only_b_wrong: int
    p_value: float


def accuracy(y_true, y_pred, confidence=0.95):
    """The accuracy, a number from 0 to 1, and its Wilson score interval.

    The interval (Wilson 1927, as in SciPy) says which true accuracies are compatible with this
    many right answers out of n, if the n images were drawn independently.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length, or hold anything but digits 0–9, or if the
        confidence is not between 0 and 1.
    """
    y_true, y_pred = _digits_pair(y_true=y_true, y_pred=y_pred)
    if not 0 < confidence < 1:
        raise ValueError(f"expected a confidence between 0 and 1, such as 0.95; got {confidence}")
    correct, n = int((y_true == y_pred).sum()), len(y_true)
    interval = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return Accuracy(correct, n, correct / n, float(interval.low), float(interval.high))


def per_class(matrix):
    """Read true and false positives and negatives of every digit off a confusion matrix.

    Returns a `PerClass`. For digit k, FP is column k less the diagonal and FN is row k less the
    diagonal; precision = TP / (TP + FP), recall = TP / (TP + FN), F1 is their harmonic mean,
    2 TP / (2 TP + FP + FN).

    Raises
    ------
    ValueError
        If the matrix is not a (10, 10) array of counts.
    """
    matrix = _matrix(matrix)
    tp = matrix.diagonal()
    fp, fn = matrix.sum(axis=0) - tp, matrix.sum(axis=1) - tp
    tn = matrix.sum() - tp - fp - fn
    with np.errstate(invalid="ignore"):
        return PerClass(tp, fp, fn, tn, tp / (tp + fp), tp / (tp + fn), 2 * tp / (2 * tp + fp + fn))


def read_matrix(matrix, digit):
    """The sentence that says what a confusion matrix has to say about one digit.

    Raises
    ------
    ValueError
        If the matrix is not a (10, 10) array of counts, or the digit is not 0–9.
    """
    one = per_class(matrix)
    ((digit,),) = checked_digits(digit=[digit])
    tp, fp, fn, tn = (int(count[digit]) for count in one[:4])
    precision, recall = (
        "undefined" if np.isnan(share[digit]) else f"{share[digit]:.1%}"
        for share in (one.precision, one.recall)
    )
    return (
        f"Of {tp + fn:,} images of a {digit}, {tp:,} were read as {digit} (true positives) and "
        f"{fn:,} as something else (false negatives), so the recall is {recall}. "
        f"Of {tp + fp:,} images read as {digit}, {fp:,} were another digit (false positives), so "
        f"the precision is {precision}. The other {tn:,} were neither (true negatives)."
    )


def confusions(matrix):
    """The mistakes of a confusion matrix, commonest first.

    Returns a list of (true digit, answer, count), without the diagonal and the zeros; equal counts
    stay in reading order.

    Raises
    ------
    ValueError
        If the matrix is not a (10, 10) array of counts.
    """
    matrix = _matrix(matrix)
    off = [(i, j, int(matrix[i, j])) for i, j in np.argwhere(matrix).tolist() if i != j]
    return sorted(off, key=lambda mistake: -mistake[2])


def mistakes(y_true, probabilities):
    """Indices of the images that were read wrong, most confident answer first, shape (m,), int.

    Raises
    ------
    ValueError
        If the labels are not digits 0–9, the probabilities have another shape than (n, 10), are
        outside 0–1, or do not sum to one.
    """
    (y_true,) = checked_digits(y_true=y_true)
    probabilities = _probabilities(probabilities, len(y_true))
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != y_true)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def compare(y_true, y_pred_a, y_pred_b):
    """McNemar's exact test: do two trained networks differ on the same images?

    Only the images on which exactly one of the two is wrong can tell. If the networks were equally
    good, these would fall to either side like a fair coin (McNemar 1947; for its use on
    classifiers, Dietterich 1998). The p-value is two-sided; it is 1 when there is no such image.

    Raises
    ------
    ValueError
        If the arrays are empty, differ in length, or hold anything but digits 0–9.
    """
    y_true, a, b = _digits_pair(y_true=y_true, y_pred_a=y_pred_a, y_pred_b=y_pred_b)
    only_a = int(((a != y_true) & (b == y_true)).sum())
    only_b = int(((a == y_true) & (b != y_true)).sum())
    n = only_a + only_b
    return Comparison(only_a, only_b, float(binomtest(only_a, n).pvalue) if n else 1.0)


def as_probabilities(outputs):
    """The outputs of a network for each image, shape (n, 10) or (n, 11), as probabilities.

    Softmax outputs are given back as they are. Sigmoid outputs p are softmax outputs whose logits
    are ln(p / (1 - p)); outputs outside 0–1 are taken for logits. The largest stays the largest.
    Which they are is decided for all images together.

    Raises
    ------
    ValueError
        If the outputs are not finite floats of such a shape.
    """
    outputs = np.asarray(outputs)
    if outputs.ndim != 2 or outputs.shape[1] - CLASSES not in (0, 1) or outputs.dtype.kind != "f":
        raise ValueError(
            "expected ten outputs an image, or eleven, floats of shape (n, 10) or (n, 11); "
            f"got shape {outputs.shape}, dtype {outputs.dtype}"
        )
    if not np.isfinite(outputs).all():
        raise ValueError("expected finite outputs; found NaN or infinity")
    if not len(outputs):
        return outputs
    if outputs.min() < 0 or outputs.max() > 1:
        return softmax(outputs, axis=1)
    if np.abs(outputs.sum(axis=1) - 1).max() <= TOLERANCE:
        return outputs
    return softmax(logit(np.clip(outputs.astype(float), 1e-12, 1 - 1e-12)), axis=1)


def checked_digits(hint="for one-hot labels or probabilities take argmax(axis=1)", **arrays):
    """The arrays, given by name, as integer digits of shape (n,), n > 0; one after the other.

    Raises
    ------
    ValueError
        If one is anything else; the message names it, and gives the hint.
    """
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
            raise ValueError(
                f"expected {name}: integer digits of shape (n,), n > 0; "
                f"got shape {array.shape}, dtype {array.dtype}; {hint}"
            )
        if array.min() < 0 or array.max() >= CLASSES:
            raise ValueError(f"expected digits 0–9 in {name}; found {array.min()} to {array.max()}")
        yield array.astype(int)


def _digits_pair(**arrays):
    arrays = dict(zip(arrays, checked_digits(**arrays), strict=True))
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{len(array)} in {name}" for name, array in arrays.items())
        raise ValueError(f"expected arrays of one length; got {lengths}")
    return arrays.values()


def _matrix(matrix):
    matrix = np.asarray(matrix)
    if matrix.shape != (CLASSES, CLASSES) or matrix.dtype.kind not in "iu" or matrix.min() < 0:
        raise ValueError(
            "expected a confusion matrix of counts, shape (10, 10), integers of 0 and above; "
            f"got shape {matrix.shape}, dtype {matrix.dtype}"
        )
    return matrix.astype(int)  # sums of few bits would overflow


def _probabilities(probabilities, n):
    probabilities = np.asarray(probabilities)
    if probabilities.shape != (n, CLASSES) or probabilities.dtype.kind != "f":
        raise ValueError(
            f"expected probabilities of shape ({n}, 10), one row an image, as floats; "
            f"got shape {probabilities.shape}, dtype {probabilities.dtype}"
        )
    # written so that NaN fails as well
    if not (probabilities.min() >= 0 and probabilities.max() <= 1):
        raise ValueError("expected probabilities from 0 to 1; found others, or NaN")
    sums = probabilities.sum(axis=1)
    if np.abs(sums - 1).max() > TOLERANCE:
        worst = int(np.abs(sums - 1).argmax())
        raise ValueError(
            f"expected the ten probabilities of an image to sum to 1; row {worst} sums to "
            f"{sums[worst]:.4f}. Logits and sigmoid outputs are no probabilities: apply softmax"
        )
    return probabilities
