"""`digitlib.evaluation`, held to formulas by hand, to scikit-learn and to published figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from digitlib import evaluation

rng = np.random.default_rng(0)
Y_TRUE = rng.integers(0, 10, 500)
Y_PRED = np.where(rng.random(500) < 0.8, Y_TRUE, rng.integers(0, 10, 500))
MATRIX = metrics.confusion_matrix(Y_TRUE, Y_PRED)
digits = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=200)


def published():
    """The matrix that the book takes apart: 974 zeros right, 6 missed, 58 others taken for 0."""
    matrix = np.diag([974, 1077, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    matrix[0, 6], matrix[1, 0] = 6, 58
    return matrix


def wrong(n, n_wrong, first=0):
    """True labels, and answers of which `n_wrong` are wrong, beginning with the first-th."""
    y_true = np.zeros(n, int)
    return y_true, np.where((np.arange(n) >= first) & (np.arange(n) < first + n_wrong), 1, 0)


# --- Accuracy ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "percent", "low", "high"),
    [
        (10_000, 98, 97.71, 98.26),
        (10_000, 99, 98.79, 99.18),
        (10_000, 99.5, 99.34, 99.62),
        (980, 98, 96.9, 98.7),
    ],
)
def test_intervals_of_the_book(n, percent, low, high):
    n_wrong = round(n * (100 - percent) / 100)
    result = evaluation.accuracy(*wrong(n, n_wrong))
    assert (result.correct, result.n, result.value) == (n - n_wrong, n, (n - n_wrong) / n)
    decimals = len(str(low).split(".")[1])
    assert [round(100 * result.low, decimals), round(100 * result.high, decimals)] == [low, high]


@given(digits)
def test_accuracy_is_wilsons(pairs):
    y_true, y_pred = np.array(pairs).T
    result = evaluation.accuracy(y_true, y_pred)
    p, n, z = np.mean(y_true == y_pred), len(y_true), 1.959964
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert result.value == p
    assert [result.low, result.high] == pytest.approx([center - half, center + half], abs=1e-6)


def test_more_confidence_is_a_wider_interval():
    narrow, usual = (evaluation.accuracy(Y_TRUE, Y_PRED, confidence=c) for c in (0.5, 0.95))
    assert usual == evaluation.accuracy(Y_TRUE, Y_PRED)
    assert usual.low < narrow.low < narrow.value < narrow.high < usual.high


# --- The confusion matrix ---------------------------------------------------------------------


def test_counts_of_few_bits_do_not_overflow():
    small = np.where(np.eye(10, dtype=bool), 200, 3).astype(np.uint8)
    same = map(evaluation.per_class, (small, small.astype(int)))
    np.testing.assert_equal(*same)


@pytest.mark.parametrize("bits", ["float16", "bfloat16"])
def test_a_softmax_of_few_bits_is_one(bits):
    logits = np.random.default_rng(0).normal(0, 3, (2000, 10))
    p = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype("float32")
    if bits == "float16":
        p = p.astype("float16")
    else:
        p = (p.view("uint32") + 0x8000 & 0xFFFF0000).view("float32")
    assert evaluation.as_probabilities(p) is p


def test_per_class_agrees_with_scikit_learn():
    result = evaluation.per_class(MATRIX)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(Y_TRUE, Y_PRED)
    np.testing.assert_allclose(result.precision, precision)
    np.testing.assert_allclose(result.recall, recall)
    np.testing.assert_allclose(result.f1, f1)
    np.testing.assert_array_equal(result.tp + result.fn, support)
    counts = np.stack([result.tn, result.fp, result.fn, result.tp], axis=1).reshape(10, 2, 2)
    np.testing.assert_array_equal(counts, metrics.multilabel_confusion_matrix(Y_TRUE, Y_PRED))


@given(arrays(np.int64, (10, 10), elements=st.integers(0, 3)))
def test_every_image_is_counted_once_for_every_digit(matrix):
    result = evaluation.per_class(matrix)
    assert (result.tp + result.fp + result.fn + result.tn == matrix.sum()).all()
    for name, share in result._asdict().items():
        if name in ("precision", "recall", "f1"):
            assert (np.isnan(share) | ((share >= 0) & (share <= 1))).all()


def test_a_share_of_nothing_is_nan():
    matrix = np.zeros((10, 10), int)
    matrix[0, 1] = 5  # zeros all read as 1; nothing is a 1, nothing is read as 0
    result = evaluation.per_class(matrix)
    np.testing.assert_array_equal(result.recall, [0, *[np.nan] * 9])
    np.testing.assert_array_equal(result.precision, [np.nan, 0, *[np.nan] * 8])
    np.testing.assert_array_equal(result.f1, [0, 0, *[np.nan] * 8])
    assert "recall is 0.0%" in evaluation.read_matrix(matrix, 0)
    assert "precision is undefined" in evaluation.read_matrix(matrix, 0)
    assert "recall is undefined" in evaluation.read_matrix(matrix, 1)


def test_the_published_zero():
    result = evaluation.per_class(published())
    counts = result.tp[0], result.fn[0], result.fp[0], result.tn[0]
    assert counts == (974, 6, 58, 10_000 - 974 - 6 - 58)
    assert result.precision[0] == pytest.approx(974 / 1032)
    assert result.recall[0] == pytest.approx(974 / 980)
    assert result.f1[0] == pytest.approx(2 / (1032 / 974 + 980 / 974))
    assert evaluation.read_matrix(published(), 0) == (
        "Of 980 images of a 0, 974 were read as 0 (true positives) and 6 as something else (false "
        "negatives), so the recall is 99.4%. Of 1,032 images read as 0, 58 were another digit "
        "(false positives), so the precision is 94.4%. The other 8,962 were neither (true negatives)."
    )


def test_confusions_come_commonest_first():
    matrix = np.diag([9] * 10)
    matrix[4, 9], matrix[9, 4], matrix[2, 7], matrix[2, 1] = 3, 7, 3, 1
    assert evaluation.confusions(matrix) == [(9, 4, 7), (2, 7, 3), (4, 9, 3), (2, 1, 1)]
    assert evaluation.confusions(np.diag([9] * 10)) == []
    assert sum(count for *_, count in evaluation.confusions(MATRIX)) == (Y_TRUE != Y_PRED).sum()


def test_mistakes_come_most_confident_first():
    answers = rng.integers(0, 10, 200)
    confidence = rng.choice([0.5, 0.75, 0.9], 200)
    probabilities = np.repeat((1 - confidence[:, None]) / 9, 10, axis=1)
    probabilities[np.arange(200), answers] = confidence
    y_true = rng.integers(0, 10, 200)
    wrong = [i for i in range(200) if answers[i] != y_true[i]]
    expected = sorted(wrong, key=lambda i: -confidence[i])  # equals stay in order
    assert evaluation.mistakes(y_true, probabilities).tolist() == expected
    assert evaluation.mistakes(answers, probabilities.astype("float32")).tolist() == []


# --- Two networks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "p_value"), [(40, 20, 0.013), (30, 20, 0.20), (25, 15, 0.15), (0, 0, 1), (7, 7, 1)]
)
def test_mcnemar(a, b, p_value):
    # Both are wrong on ten more images, which say nothing.
    y_true, wrong_a = wrong(1000, a + 10)
    _, wrong_b = wrong(1000, b + 10, first=a)
    result = evaluation.compare(y_true, wrong_a, wrong_b)
    assert (result.only_a_wrong, result.only_b_wrong) == (a, b)
    assert result.p_value == pytest.approx(p_value, abs=0.005 if p_value > 0.1 else 0.0005)
    swapped = evaluation.compare(y_true, wrong_b, wrong_a)
    assert swapped == (b, a, pytest.approx(result.p_value))


# --- Refusals ---------------------------------------------------------------------------------

THREE = np.array([1, 2, 3])
EVEN = np.full((3, 10), 0.1)

BAD_DIGITS = [
    (THREE.astype(float), r"float64"),
    (THREE > 1, "bool"),
    (["1", "2", "3"], "<U1"),
    (np.eye(10, dtype=int)[:3], r"\(3, 10\).*argmax"),
    (3, r"shape \(\)"),
    (np.zeros(0, int), r"shape \(0,\)"),
    ([1, 2, 10], "0–9 in .*found 1 to 10"),
    ([1, -2, 3], "found -2 to 3"),
    ([1, 2], "one length; got .*2 in "),
]


@pytest.mark.parametrize(("bad", "found"), BAD_DIGITS)
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: evaluation.accuracy(bad, THREE),
        lambda bad: evaluation.accuracy(THREE, bad),
        lambda bad: evaluation.compare(bad, THREE, THREE),
        lambda bad: evaluation.compare(THREE, bad, THREE),
        lambda bad: evaluation.compare(THREE, THREE, bad),
    ],
)
def test_bad_digits(call, bad, found):
    with pytest.raises(ValueError, match=found) as caught:
        call(np.array(bad))
    assert "expected" in str(caught.value)


@pytest.mark.parametrize(("bad", "found"), BAD_DIGITS[:-1])
def test_mistakes_with_bad_digits(bad, found):
    with pytest.raises(ValueError, match=found):
        evaluation.mistakes(bad, EVEN)


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (EVEN[:2], r"shape \(3, 10\).*got shape \(2, 10\)"),
        (EVEN[:, :9], r"\(3, 9\)"),
        (EVEN[0], r"\(10,\)"),
        (np.eye(10, dtype=int)[:3], "int"),
        (EVEN + 1e-3, "row 0 sums to 1.0100.*softmax"),
        (EVEN * [[1], [0.5], [1]], "row 1 sums to 0.5000"),
        (np.where(np.eye(3, 10), np.nan, EVEN), "NaN"),
        (np.tile([2, -1, *[0.0] * 8], (3, 1)), "from 0 to 1"),
    ],
)
def test_bad_probabilities(bad, found):
    with pytest.raises(ValueError, match=found) as caught:
        evaluation.mistakes(THREE, bad)
    assert "expected" in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [evaluation.per_class, evaluation.confusions, lambda bad: evaluation.read_matrix(bad, 0)],
)
@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (MATRIX[:9], r"\(9, 10\)"),
        (MATRIX.ravel(), r"\(100,\)"),
        (MATRIX / MATRIX.sum(), "float64"),
        (MATRIX - MATRIX.max(), "0 and above"),
    ],
)
def test_bad_matrix(call, bad, found):
    with pytest.raises(ValueError, match=found) as caught:
        call(bad)
    assert r"shape (10, 10), integers" in str(caught.value)


@pytest.mark.parametrize("digit", [-1, 10, 0.0, "0", [0]])
def test_read_matrix_of_no_digit(digit):
    with pytest.raises(ValueError, match="expected .*digit"):
        evaluation.read_matrix(MATRIX, digit)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, float("nan")])
def test_bad_confidence(confidence):
    with pytest.raises(ValueError, match=f"between 0 and 1.*got {confidence}"):
        evaluation.accuracy(THREE, THREE, confidence)


# --- By another implementation ----------------------------------------------------------------


@given(digits)
def test_accuracy_and_comparison_agree_with_statsmodels(pairs):
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.proportion import proportion_confint

    y_true, y_pred = np.array(pairs).T
    score = evaluation.accuracy(y_true, y_pred, 0.9)
    low, high = proportion_confint(score.correct, score.n, 0.1, "wilson")
    assert (score.low, score.high) == pytest.approx((low, high), abs=1e-9)
    other = np.roll(y_pred, 1)
    a, b = y_pred == y_true, other == y_true
    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(b & ~a), np.sum(~a & ~b)]]
    found = evaluation.compare(y_true, y_pred, other)
    if found.only_a_wrong + found.only_b_wrong:
        assert found.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)


# --- Outputs of any network -------------------------------------------------------------------


def test_outputs_become_probabilities():
    logits = rng.normal(0, 3, (50, 10)).astype("float32")
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert evaluation.as_probabilities(softmax) is softmax
    for outputs in (logits, 1 / (1 + np.exp(-logits))):
        np.testing.assert_allclose(evaluation.as_probabilities(outputs), softmax, atol=1e-4)
    sure = np.zeros((1, 10), "float32")
    sure[0, [3, 4]] = 1  # two sigmoids rounded to one
    np.testing.assert_allclose(evaluation.as_probabilities(sure)[0, [3, 4]], 0.5)


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        (np.zeros((3, 9)), r"\(3, 9\)"),
        (np.zeros((3, 10), int), "int64"),
        (np.full((1, 10), np.nan), "NaN"),
    ],
)
def test_what_is_no_output_of_a_network(outputs, found):
    with pytest.raises(ValueError, match=found):
        evaluation.as_probabilities(outputs)
