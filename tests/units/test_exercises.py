"""`digitlib.notebook.check`: an answer is right, or one is told what is wrong, and never the answer."""

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from support import ROOT

from digitlib import evaluation
from digitlib.more_answers import CHECKS
from digitlib.notebook import check

rng = np.random.default_rng(0)
TRAIN, TEST = (rng.integers(0, 3, (n, 28, 28)).astype("uint8") for n in (6, 5))
OUTPUTS = rng.dirichlet(np.ones(10), 40)
SCORES = {"a": np.array([0.98, 0.97, 0.99]), "b": np.array([0.96, 0.98, 0.97])}
CHAPTER = {
    "digits": SimpleNamespace(x_train=TRAIN, x_test=TEST),
    "logits": np.array([3.0, 1.0, -2.0, 0.5]),
    "x_fit": np.zeros(1000),
    "x_val": np.zeros(200),
    "runs": {
        "one": {"val_accuracy": [[0.1, 0.5, 0.4, 0.3, 0.2, 0.9], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]}
    },
    "matrix": np.diag(np.arange(10, 20)) + rng.integers(0, 3, (10, 10)),
    "probabilities": OUTPUTS,
    "y_test": rng.permutation(40) % 10,
    "names": ["a", "b"],
    "pairs": [("a", "b")],
    "accuracy": SCORES,
    "RECIPE": "a",
    "right": {"apart": 0, ("apart", "path"): 0.9, **{k: rng.random((3, 40)) < 0.9 for k in "ab"}},
    "doubts": {"no digit": (rng.random(50) * 0.6, rng.random(50))},
    "answers": {"dense": OUTPUTS, "other": np.roll(OUTPUTS, 1, axis=1)},
    "wrong": {"dense": rng.random(40) < 0.5},
    "tempered_test": [OUTPUTS],
    "held_out": [OUTPUTS],
    "y_val": np.arange(40) % 10,
    "networks": [0],
    "scores": lambda images, _: {"energy": images},
    "test": np.array([3, 6, 8]),
    "letters": {"one": np.array([1, 4]), "other": np.array([5, 7])},
    "dense": [0],
    "x_test": TEST,
    "tensorflow": SimpleNamespace(constant=np.asarray),
    "gradient": lambda *_: np.array([3.0, -1.0, 0.0]),
    "labels": np.zeros(6, int),
    "unseen": np.array([[1, 9], [2, 3], [3, 4], [4, 7], [5, 8], [6, 2]]) / 10,
    "changed": np.array([1, 0, 0, 1, 1, 0], bool),
    "drops": np.array([[0.1, 0.3, 0.2]]),
    "drawn": [0] * 101,
}
LOST = np.array([1, -1, 0, 1, -1, 1, 1, 0, 1, 1])  # by digit, where the second map is removed
CHAPTER["lost"] = LOST[CHAPTER["y_test"]] * np.array([[[0], [1], [0]]])
ONE = evaluation.per_class(CHAPTER["matrix"])
SURE = np.sort(OUTPUTS)
MISREAD = OUTPUTS.argmax(axis=1) != CHAPTER["y_test"]
KEPT, LEFT = zip(
    *(
        (MISREAD[by >= np.sort(by)[2]].sum(), MISREAD[by < np.sort(by)[2]].sum())
        for by in (SURE[:, -1], SURE[:, -1] - SURE[:, -2])
    )
)
LIMITS = [np.quantile(1 - OUTPUTS[digit::10, digit], 0.99) for digit in range(10)]


@pytest.fixture(autouse=True)
def chapter(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(**CHAPTER))


def said(capsys, number, answer):
    check(number, answer)
    return capsys.readouterr().out.strip().removeprefix(f"{number}: ")


@pytest.mark.parametrize(
    ("number", "right", "mistakes"),
    [
        ("1.1", ~TRAIN.any(axis=0), {"other way round": TRAIN.any(axis=0), "shape": 3}),
        ("3.1", 266_610, {"a bias": 266_200, "no bias": 267_394, "another kind": "many"}),
        ("4.1", [63, 32, 2], {"not full": [62, 31, 1], "held out": [75, 38, 3]}),
        ("4.3", [2, 6], {"from 1": [1, 5], "stops before": [6, 6], "1 of 2": [2, 1]}),
        (
            "5.1",
            [ONE.precision, ONE.recall, ONE.f1],
            {"swapped": [ONE.recall, ONE.precision, ONE.f1]},
        ),
        ("5.4", [0.92865, 1], {"claims certainty": [1, 1]}),
        ("6.1", [1600, 1600], {"same unit": [1, 1]}),
        ("6.2", [1 / 9], {"tie": [3 / 9], "percentage": [100 / 9], "better mean": [6 / 9]}),
        ("7.1", 34_826, {"a bias": 34_720, "each map": 16_970, "smaller": 50_186}),
        ("8.1", 14, {"So many fewer": 6, "just above": 15}),
        ("9.1", [1] * 10, {"new image": LIMITS}),  # of four scores none is a limit of 99%
        ("9.2", KEPT, {"least sure": LEFT}),
        ("10.1", 8 / 12, {"other way": 4 / 12, "their share": 8}),
        ("10.2", 0.004, {"Multiply": 4, "add the sizes": 0.002}),
        ("11.1", [1 / 3] * 2, {"largest": [2 / 3] * 2, "of the answer": [0] * 2}),
        ("11.2", 0.81 + 0.01 / 9, {"agree": 0.81, "one of nine": 0.82, "Some": 0.8}),
        ("12.1", [1, 2], {"or better": [1, 4], "worse": [1, 6], "least": [0, 2]}),
        ("12.2", 0.1, {"its own": 10 / 101, "their share": 1}),
        ("14.1", 0.5, {"stands alone": 2.0, "Every piece": 0.3}),
        ("14.3", [0.9**10, 0.99**0.1], {"of numbers": [0.9**10, 0.99]}),
    ],
)
def test_right_and_wrong_answers(capsys, number, right, mistakes):
    assert said(capsys, number, right) == "right."
    for word, answer in mistakes.items():
        text = said(capsys, number, answer)
        assert text.startswith("not yet. ")
        assert word in text
        assert str(right) not in text


@pytest.mark.parametrize("number", ["1.3", "5.2", "6.4", "14.4"])
def test_a_chapter_that_was_not_run_is_named_as_the_reason(capsys, monkeypatch, number):
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace())
    assert "run the cells of the chapter first" in said(capsys, number, 0.5)


def test_a_chapter_that_was_run_in_part(capsys, monkeypatch):
    names = dict.fromkeys(("x_train", "x_test"), np.zeros((3, 28, 28)))
    names |= dict.fromkeys(("y_train", "y_test"), np.zeros(3, int))
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(**names))
    assert "'y_pred' is missing: run the cells" in said(capsys, "1.3", 0.5)


def test_counts_are_right_to_the_last(capsys):
    assert said(capsys, "3.1", 266_600).startswith("not yet.")
    assert said(capsys, "3.1", 266_610.0) == "right."


def test_a_network_that_trained_on(capsys, monkeypatch):
    names = {"EPOCHS": 2, "x_train": np.zeros((70, 28, 28))}  # three steps an epoch
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(**names))

    def network(steps):
        return SimpleNamespace(optimizer=SimpleNamespace(iterations=steps))

    assert said(capsys, "0.1", network(18)) == "right."
    assert "trained before" in said(capsys, "0.1", network(24))
    assert "as long as the first" in said(capsys, "0.1", network(6))
    assert "another kind" in said(capsys, "0.1", 0.97)


def test_an_exercise_without_a_check():
    with pytest.raises(ValueError, match="no check for '1.9'.*14.4"):
        check("1.9", 1)


def test_every_check_is_offered_and_its_solution_is_right():
    """In the text of the exercise; and each solution that was run has passed."""
    offered, passed = set(), set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                for number in re.findall(r'`check\("([\d.]+)"', source):
                    assert number.startswith(f"{int(path.stem[:2])}.")
                    assert f"**{number.partition('.')[2]}. " in source
                    offered.add(number)
            for output in cell.get("outputs", []):
                passed.update(
                    re.findall(
                        r"^([\d.]+): right\.$", "".join(output.get("text", "")), re.MULTILINE
                    )
                )
    assert offered == passed == set(CHECKS)
