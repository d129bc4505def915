"""What are the right answers to the exercises of the chapters from 9 on? See `answers`."""

import numpy as np

from digitlib.answers import CHECKS, exercise  # noqa: F401, all of them


@exercise
def of_9_1(names, ten):
    labels = names["y_val"]
    scores = [1 - names["held_out"][0][labels == digit, digit] for digit in range(10)]
    yield ten, [np.append(np.sort(s), 1)[-int(0.01 * (len(s) + 1)) - 1] for s in scores]
    yield "The new image has to be counted, too.", [np.quantile(s, 0.99) for s in scores]


@exercise
def of_9_2(names, left):
    probabilities, labels = names["tempered_test"][0], names["y_test"]
    ranked = np.sort(probabilities, axis=1)
    wrong = probabilities.argmax(axis=1) != labels
    n = int(0.97 * len(labels))

    def split(unsure):
        counts = wrong[np.argsort(-unsure, kind="stable")].cumsum()
        return counts[n - 1], counts[-1] - counts[n - 1]

    both = [split(ranked[:, -1]), split(ranked[:, -1] - ranked[:, -2])]
    yield left, [one for one, _ in both]
    yield "These are the mistakes among the least sure.", [other for _, other in both]
    yield "First the largest probability, then the lead.", [one for one, _ in both[::-1]]


@exercise
def of_11_1(names, cost):
    yield cost, 0.5
    yield "The cheapest group is ab, but then c stands alone, and is dear.", 2.0
    yield "Every piece has to belong to a group.", 0.3


@exercise
def of_11_3(names, shares):
    p = names["right"]["apart", "path"]
    yield shares, [p**10, 0.99**0.1]
    yield "0.99 is to be the share of numbers, not of digits.", [p**10, 0.99]
    yield "All ten have to be right: shares multiply.", [1 - 10 * (1 - p), 0.999]


@exercise
def of_11_4(names, threshold):
    own, other = names["doubts"]["no digit"]
    thresholds = np.linspace(0, 1, 101)

    def cheapest(digit, letter):
        prices = [digit * np.mean(own > t) + letter * np.mean(other <= t) for t in thresholds]
        return thresholds[np.argmin(prices)]

    yield threshold, cheapest(0.9, 0.5)
    yield "That would be right if as many letters came as digits.", cheapest(1, 5)
    yield "A letter taken for a digit costs five minutes.", cheapest(0.9, 0.1)
