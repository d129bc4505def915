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
def of_10_1(names, share):
    def energy(images):
        return np.sort(names["scores"](images, names["networks"][0])["energy"])

    others = energy(np.concatenate([*names["letters"].values()]))
    right = np.searchsorted(others, energy(names["test"])).mean() / len(others)
    yield share, right
    yield "It is the other way round: the share in which the letter is higher.", 1 - right
    yield "These are pairs; asked for is their share.", right * len(others) * len(names["test"])


@exercise
def of_10_2(names, rise):
    first = names["tensorflow"].constant(names["x_test"][:1])
    slopes = np.asarray(names["gradient"](names["dense"][0], first, names["y_test"][:1]))
    right = 0.001 * np.abs(slopes).sum()
    yield rise / right, 1  # however small it is
    yield "That is the sum of the slopes. Multiply it by ε.", 1000
    yield (
        "Each pixel moves in the direction that raises the loss: add the sizes.",
        (0.001 * slopes.sum() / right),
    )


@exercise
def of_11_1(names, pair):
    labels, unseen, changed = names["labels"], names["unseen"], names["changed"]
    order = np.argsort(unseen[np.arange(len(labels)), labels], kind="stable")
    right = changed[order[: changed.sum()]].mean()
    yield pair, [right, right]
    yield (
        "These are the labels with the largest probability.",
        [changed[order[-changed.sum() :]].mean()] * 2,
    )
    most = np.argsort(unseen.max(axis=1), kind="stable")[: changed.sum()]
    yield (
        "That is the probability of the answer. Take that of the label.",
        [changed[most].mean()] * 2,
    )


@exercise
def of_11_2(names, accuracy):
    yield accuracy, 0.9 * 0.9 + 0.1 * 0.1 / 9
    yield "It is a little more: both can be wrong, and agree.", 0.9 * 0.9
    yield "Where both are wrong, they agree in one of nine cases.", 0.9 * 0.9 + 0.1 * 0.1
    yield "Some mistakes fall on images whose label is wrong.", 0.9 - 0.1


@exercise
def of_12_1(names, both):
    labels, drops = names["y_test"], names["drops"][0]
    which = int(drops.argmax())
    change = np.array([-names["lost"][0, which, labels == digit].mean() for digit in range(10)])
    yield both, [which, (change > 0).sum()]
    yield "These are read as before or better. Asked for is better.", [which, (change >= 0).sum()]
    yield "That many are read worse.", [which, (change < 0).sum()]
    yield "That is the map that is missed least.", [int(drops.argmin()), both[1]]


@exercise
def of_12_2(names, share):
    n = len(names["drawn"])
    yield share, 10 / (n - 1)
    yield "A digit is not its own neighbor.", 10 / n
    yield "That is how many of the ten; asked for is their share.", 100 / (n - 1)


@exercise
def of_14_1(names, cost):
    yield cost, 0.5
    yield "The cheapest group is ab, but then c stands alone, and is dear.", 2.0
    yield "Every piece has to belong to a group.", 0.3


@exercise
def of_14_3(names, shares):
    p = names["right"]["apart", "path"]
    yield shares, [p**10, 0.99**0.1]
    yield "0.99 is to be the share of numbers, not of digits.", [p**10, 0.99]
    yield "All ten have to be right: shares multiply.", [1 - 10 * (1 - p), 0.999]


@exercise
def of_14_4(names, threshold):
    own, other = names["doubts"]["no digit"]
    thresholds = np.linspace(0, 1, 101)

    def cheapest(digit, letter):
        prices = [digit * np.mean(own > t) + letter * np.mean(other <= t) for t in thresholds]
        return thresholds[np.argmin(prices)]

    yield threshold, cheapest(0.9, 0.5)
    yield "That would be right if as many letters came as digits.", cheapest(1, 5)
    yield "A letter taken for a digit costs five minutes.", cheapest(0.9, 0.1)
