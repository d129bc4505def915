"""What the chapters on trust compute by hand is what other implementations compute."""

import ast
import json

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss, roc_auc_score
from support import ROOT

from digitlib.quiet import keras, tensorflow

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 10, 3000)
LOGITS = 3 * rng.standard_normal((3000, 10)) + 6 * np.eye(10)[LABELS]
OUTPUTS = special.softmax(LOGITS, axis=1)


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose inputs are the probabilities that it gives."""

    def fit(self, x, y):
        self.classes_ = np.arange(10)
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(axis=1)


def taught(chapter):
    """The functions of a chapter, as a reader sees them: {name: function}."""
    cells = json.loads((ROOT / f"notebooks/{chapter}.ipynb").read_text("utf-8"))["cells"]
    names = {"np": np, "optimize": optimize, "special": special, "tensorflow": tensorflow}
    for cell in cells:
        code = "".join(cell["source"])
        if cell["cell_type"] == "code" and "def " in code and "%pip" not in code:
            body = [one for one in ast.parse(code).body if isinstance(one, ast.FunctionDef)]
            exec(compile(ast.Module(body, []), chapter, "exec"), names)  # noqa: S102
    return names


ANSWER = taught("09_when_to_answer")
OTHER = taught("10_other_conditions")
LABEL = taught("11_wrong_labels")


@pytest.mark.parametrize("bins", [1, 7, 15, 100])
def test_the_calibration_error_is_scikit_learns_curve_weighted(bins):
    sure, right = ANSWER["sureness"](OUTPUTS, LABELS)
    share, mean = calibration_curve(right, sure, n_bins=bins)
    counts = np.histogram(sure, np.linspace(0, 1, bins + 1))[0]
    counts = counts[counts > 0]
    error = counts @ abs(share - mean) / len(sure)
    assert ANSWER["calibration_error"](sure, right, bins) == pytest.approx(error)


def test_the_log_loss_and_the_temperature_are_scikit_learns():
    assert ANSWER["log_loss"](OUTPUTS, LABELS) == pytest.approx(log_loss(LABELS, OUTPUTS))
    temperature = ANSWER["temperature_for"](OUTPUTS, LABELS)
    assert temperature > 1.1  # it has something to do
    model = CalibratedClassifierCV(
        FrozenEstimator(Given().fit(OUTPUTS, LABELS)), method="temperature"
    )
    theirs = model.fit(OUTPUTS, LABELS).predict_proba(OUTPUTS)
    ours = ANSWER["tempered"](OUTPUTS, temperature)
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert (ours.argmax(axis=1) == OUTPUTS.argmax(axis=1)).all()


@pytest.mark.parametrize("miss", [0.01, 0.05, 0.2])
def test_the_sets_are_those_of_mapie(miss):
    from mapie.classification import SplitConformalClassifier

    half = len(LABELS) // 2
    model = SplitConformalClassifier(
        Given().fit(OUTPUTS, LABELS), 1 - miss, prefit=True, conformity_score="lac"
    )
    model.conformalize(OUTPUTS[:half], LABELS[:half])
    theirs = model.predict_set(OUTPUTS[half:])[1][:, :, 0]
    limit = ANSWER["limit"](OUTPUTS[:half], LABELS[:half], miss)
    assert (ANSWER["sets"](OUTPUTS[half:], limit) == theirs).all()


def test_the_sets_keep_their_promise_where_images_come_from_one_source():
    held = []
    for _ in range(300):
        order = rng.permutation(len(LABELS))
        here, there = order[:99], order[99:]
        limit = ANSWER["limit"](OUTPUTS[here], LABELS[here], 0.1)
        given = ANSWER["sets"](OUTPUTS[there], limit)
        held.append(given[np.arange(len(there)), LABELS[there]].mean())
    assert np.mean(held) == pytest.approx(0.9, abs=0.006)  # five standard errors
    few = ANSWER["limit"](OUTPUTS[:50], LABELS[:50], 0.01)
    assert ANSWER["sets"](OUTPUTS, few).all(), "too few to promise so much: every digit"


def test_the_auroc_is_scikit_learns():
    digits, others = rng.normal(1, 1, 300).round(1), rng.normal(0, 1, 200).round(1)  # with ties
    scores, which = np.r_[digits, others], np.r_[np.ones(300), np.zeros(200)]
    assert OTHER["auroc"](digits, others) == pytest.approx(roc_auc_score(which, scores))


@pytest.fixture(scope="module")
def lines():
    """A network whose loss has the same gradient everywhere, but for its size."""
    network = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(reduction="sum")
    OTHER["cross_entropy"] = cross_entropy  # which the chapter makes beside its functions
    return network


def loss(network, images, labels):
    return log_loss(labels, network.predict(images, verbose=0), labels=range(10))


@pytest.mark.parametrize("steps", [1, 20])
def test_an_attack_keeps_within_its_size_and_does_more_than_chance(lines, steps):
    images, labels = rng.random((20, 28, 28)).astype("float32"), rng.integers(0, 10, 20)
    changed = OTHER["attacked"](lines, images, labels, 0.1, steps)
    assert np.abs(changed - images).max() <= 0.1 + 1e-6
    assert 0 <= changed.min() <= changed.max() <= 1
    chance = (images + 0.1 * rng.choice([-1, 1], images.shape)).clip(0, 1)
    assert loss(lines, changed, labels) > loss(lines, chance, labels) + 0.1
    toward = OTHER["attacked"](lines, images, labels, 0.1, steps, toward=labels)
    assert loss(lines, toward, labels) < loss(lines, images, labels) - 0.1


def test_one_step_follows_the_sign_of_the_gradient(lines):
    images, labels = np.full((1, 28, 28), 0.5, "float32"), np.array([3])
    weights = lines.layers[-1].get_weights()[0]
    slope = weights @ (lines.predict(images, verbose=0)[0] - np.eye(10)[3])
    changed = OTHER["attacked"](lines, images, labels, 0.1)
    assert (changed - images).ravel() == pytest.approx(0.1 * np.sign(slope), abs=1e-6)


@pytest.mark.parametrize("wrong", [0.01, 0.2])
def test_the_suspects_are_those_of_cleanlab(wrong):
    from cleanlab.count import compute_confident_joint

    rows = rng.random(len(LABELS)) < wrong
    given = np.where(rows, (LABELS + rng.integers(1, 10, len(LABELS))) % 10, LABELS)
    theirs = compute_confident_joint(given, OUTPUTS, return_indices_of_off_diagonals=True)[1]
    ours = np.flatnonzero(LABEL["suspects"](OUTPUTS, given))
    assert len(ours) > rows.sum() / 2
    assert ours.tolist() == sorted(theirs)


def test_the_experiment_searches_as_the_chapter_does():
    lines = (ROOT / "book/experiments/labels.py").read_text("utf-8").split("\n\n\n")
    (code,) = (one for one in lines if one.startswith("def suspects"))
    names = {"np": np}
    exec(code, names)  # noqa: S102
    given = np.where(rng.random(len(LABELS)) < 0.1, (LABELS + 1) % 10, LABELS)
    ours = LABEL["suspects"](OUTPUTS, given)
    assert (names["suspects"](OUTPUTS, given) == ours).all()
