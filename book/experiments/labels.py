"""Are wrong labels found, what do they do, and what do more labels bring?

    python book/experiments/labels.py

trains the recipe *fast* for two epochs of 60,000 images each time; where there are fewer, they come
again. A line each goes into book/results/labels.jsonl:

- "search": a hundredth of MNIST's training labels is changed, to any other digit or to the one that
  looks most like it. Three networks, each trained on two thirds, give probabilities for the last
  third, and for what they know; which labels are suspects, and how many of them were changed?
- "noise": a share of the labels is changed, to any other digit; how many test images are read right,
  and how many if the suspects are left out first?
- "curve": how many are read right after training with so many images?
- "next": a thousand images are added to two thousand, drawn at random, or those of which a network
  trained on the two thousand is least sure, or most.
"""

import itertools

import numpy as np
from keeping import RESULTS, keep, mnist

from digitlib import models, training

SEEDS, FOLDS, EPOCHS = 5, 3, 2
CHANGED = 0.01
ALIKE = np.array([6, 7, 7, 5, 9, 3, 0, 1, 3, 4])  # the digit that looks most like 0, 1, …
SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.4)
SIZES = (100, 300, 1000, 3000, 10000, 30000, 60000)
START, MORE = 2000, 1000
DIGITS = mnist()
X, Y = DIGITS.x_train, DIGITS.y_train
SCALED, N = training.scale(X), len(Y)


def trained(rows, labels, seed):
    """A network, from these images, which come again until there are 60,000."""
    rows = np.resize(rows, N)
    return training.train("fast", SCALED[rows], labels[rows], seed=seed, epochs=EPOCHS)[0]


def right(network):
    answers = models.answers(network, DIGITS.x_test).argmax(axis=1)
    return int((answers == DIGITS.y_test).sum())


def changed(rng, share, alike=False):
    """The labels with a share of them changed, and which were."""
    rows = rng.choice(N, round(share * N), replace=False)
    labels = Y.copy()
    labels[rows] = ALIKE[Y[rows]] if alike else (Y[rows] + rng.integers(1, 10, len(rows))) % 10
    return labels, np.isin(np.arange(N), rows)


def crossed(labels, rng, seed):
    """Probabilities by networks that did not see an image, and by those that did."""
    fold = rng.permutation(N) % FOLDS
    given = np.stack([
        models.answers(trained(np.flatnonzero(fold != k), labels, seed + 100 * k), X)
        for k in range(FOLDS)
    ])  # fmt: skip
    without = given[fold, np.arange(N)]
    return without, (given.sum(axis=0) - without) / (FOLDS - 1)


def suspects(probabilities, labels):
    """Confident learning (Northcutt, Jiang and Chuang 2021): sure enough of another digit."""
    own = [probabilities[labels == k, k].mean() for k in range(10)]
    sure = probabilities >= own
    best = np.where(sure, probabilities, -1).argmax(axis=1)
    return sure.any(axis=1) & (best != labels)


def search(seed):
    for alike in (False, True):
        rng = np.random.default_rng(seed)
        labels, which = changed(rng, CHANGED, alike)
        row = {"asked": "search", "alike": alike, "seed": seed, "changed": int(which.sum())}
        for name, given in zip(("without", "with"), crossed(labels, rng, seed), strict=True):
            found = suspects(given, labels)
            order = np.argsort(given[np.arange(N), labels], kind="stable")
            row[name] = {
                "suspects": int(found.sum()),
                "hits": int((found & which).sum()),
                "hits_lowest": int(which[order[: which.sum()]].sum()),
            }
        yield row


def noise(seed):
    for share in SHARES:
        rng = np.random.default_rng(seed)
        labels, which = changed(rng, share)
        row = {"asked": "noise", "share": share, "seed": seed, "n": len(DIGITS.y_test)}
        row["right"] = right(trained(np.arange(N), labels, seed))
        if share in (0.01, 0.1, 0.4):
            kept = ~suspects(crossed(labels, rng, seed)[0], labels)
            row |= {"kept": int(kept.sum()), "kept_wrong": int((kept & which).sum())}
            row["right_without"] = right(trained(np.flatnonzero(kept), labels, seed))
        yield row


def curve(seed):
    order = np.random.default_rng(seed).permutation(N)
    for size in SIZES:
        found = right(trained(order[:size], Y, seed))
        yield {
            "asked": "curve",
            "size": size,
            "seed": seed,
            "n": len(DIGITS.y_test),
            "right": found,
        }


def more(seed):
    order = np.random.default_rng(seed).permutation(N)
    first, pool = order[:START], order[START:]
    network = trained(first, Y, seed)
    sure = models.answers(network, X[pool]).max(axis=1).argsort(kind="stable")
    ways = {"random": pool[:MORE], "unsure": pool[sure[:MORE]], "sure": pool[sure[-MORE:]]}
    row = {"asked": "next", "seed": seed, "n": len(DIGITS.y_test), "start": right(network)}
    for name, rows in ways.items():
        row[name] = right(trained(np.r_[first, rows], Y, seed))
    yield row


if __name__ == "__main__":
    asked = itertools.product(range(SEEDS), (search, noise, curve, more))
    rows = itertools.chain.from_iterable(ask(seed) for seed, ask in asked)
    keep(rows, RESULTS / "labels.jsonl", "labels.py")
