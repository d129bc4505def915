"""What is the right answer to an exercise, and where do the ways lead that people take by mistake?

Both are computed anew from what the chapter has made, since data and networks differ from run to
run. `notebook.check` compares. Those of the chapters from 9 on stand in `more_answers`.
"""

from itertools import pairwise

import numpy as np
from scipy import stats

from digitlib import evaluation

CHECKS = {}


def exercise(function):
    """Let a function `of_5_2` check exercise 5.2.

    It is given the names of the chapter and the answer. First it yields what is to be compared with
    what, then, for some wrong ways, what to say and where the way leads.
    """
    CHECKS[function.__name__.removeprefix("of_").replace("_", ".")] = function
    return function


def _digits(network, images):
    return network.predict(images, batch_size=1000, verbose=0)[:, :10].argmax(axis=1)


@exercise
def of_0_1(names, network):
    steps = names["EPOCHS"] * -(-len(names["x_train"]) // 32)
    yield network.optimizer.iterations, 3 * steps
    yield "`fit` went on with a network that was trained before.", 4 * steps
    yield "This network was trained as long as the first.", steps


@exercise
def of_0_3(names, counts):
    noise = np.random.default_rng(0).random((1000, 28, 28))
    right = np.bincount(_digits(names["network"], noise), minlength=10)
    yield counts, right
    yield "These are shares; asked for are counts.", right / 1000


@exercise
def of_1_1(names, never):
    digits = names["digits"]
    right = ~digits.x_train.any(axis=0)
    yield never, right
    yield "It is the other way round: True where some image has ink.", ~right
    yield "These are the test images.", ~digits.x_test.any(axis=0)
    yield "Some image is 0 there. Asked for is where all are.", ~digits.x_train.all(axis=0)


@exercise
def of_1_3(names, share):
    few = names["x_test"][:1000].reshape(-1, 784).astype("float32")
    many = names["x_train"][:5000].reshape(-1, 784).astype("float32")
    distances = (many**2).sum(axis=1) - 2 * few @ many.T
    labels = names["y_test"][:1000]
    right = np.mean(names["y_train"][distances.argmin(axis=1)] == labels)
    yield share, right
    yield "That is the share of mistakes.", 1 - right
    yield "That is the nearest mean.", np.mean(names["y_pred"][:1000] == labels)


@exercise
def of_2_1(names, normalized):
    x = names["digits"].x_test[:1].astype(float)

    def by(axis, power=2):
        norm = (x**power).sum(axis=axis, keepdims=True) ** (1 / power)
        return x / np.where(norm == 0, 1, norm)

    yield normalized, by(1)
    yield "Each row is divided by its norm. Axis 1 sums along a column.", by(2)
    yield "The whole image is divided by one norm. Each column has its own.", by((1, 2))
    yield "Divided by the sum, not by the root of the sum of the squares.", by(1, power=1)


@exercise
def of_2_3(names, packed):
    inner, x = names["models"]["divided", 0], names["digits"].x_test[:100].astype("float32")
    given = packed.predict(x, verbose=0)
    alike = np.allclose(given, inner.predict(x / 255, verbose=0), atol=1e-3)
    yield alike, True
    without = np.allclose(given, inner.predict(x, verbose=0), atol=1e-3)
    yield "It answers as the network inside does on raw pixels: nothing divides.", not without


@exercise
def of_3_1(names, parameters):
    widths = (784, 300, 100, 10)
    weights = sum(a * b for a, b in pairwise(widths))
    yield parameters, weights + sum(widths[1:])
    yield "These are the weights. Each unit has a bias as well.", weights
    yield "The pixels have no bias; only units have one.", weights + sum(widths)


@exercise
def of_3_3(names, largest):
    def warmed(factors):
        powers = np.exp(np.outer(factors, names["logits"] - names["logits"].max()))
        return powers.max(axis=1) / powers.sum(axis=1)

    temperatures = np.array([0.5, 1, 2, 10])
    yield largest, warmed(1 / temperatures)
    yield "The logits were multiplied by T, and have to be divided.", warmed(temperatures)


@exercise
def of_4_1(names, steps):
    n, sizes = len(names["x_fit"]), np.array([16, 32, 512])
    yield steps, -(-n // sizes)
    yield "The last batch is not full, and is a step all the same.", n // sizes
    yield "Some images are held out for validation.", -(-(n + len(names["x_val"])) // sizes)
    yield "These are the steps of both epochs together.", 2 * -(-n // sizes)


@exercise
def of_4_3(names, epochs):
    rows = [row for run in names["runs"].values() for row in np.asarray(run["val_accuracy"])]

    def kept(row, patience=3):
        best = 0
        for epoch, value in enumerate(row):
            best = epoch if value > row[best] else best
            if epoch - best >= patience:
                break
        return best + 1

    right = np.array([kept(row) for row in rows])
    yield epochs, right
    yield "Epochs count from 1, places in an array from 0.", right - 1
    yield "Here it stops. Asked for is the epoch that it keeps.", right + 3
    yield "It stops before it has seen all epochs.", [row.argmax() + 1 for row in rows]


@exercise
def of_5_1(names, three):
    one = evaluation.per_class(names["matrix"])
    yield three, [one.precision, one.recall, one.f1]
    swapped = [one.recall, one.precision, one.f1]
    yield "Precision and recall are swapped. Recall looks along the row.", swapped


@exercise
def of_5_2(names, share):
    ranked = names["probabilities"].argsort(axis=1)
    first, second = ((ranked[:, -k] == names["y_test"]).mean() for k in (1, 2))
    yield share, first + second
    yield "That is the first guess alone.", first
    yield "That is the second guess alone.", second


@exercise
def of_5_4(names, interval):
    zeros = np.zeros(50, int)
    yield interval, evaluation.accuracy(zeros, zeros)[3:]
    yield "That is the textbook's: after fifty images it claims certainty.", [1, 1]


@exercise
def of_6_1(names, runs):
    s = np.array([100 * names["accuracy"][name].std(ddof=1) for name in names["names"]])
    n = 16 * s**2 / 0.1**2
    yield runs, np.ceil(n)
    yield "s is a share and d in points. They need the same unit.", np.ceil(n / 100**2)
    yield "Both s and d have to be squared.", np.ceil(16 * s / 0.1)
    yield "Runs are whole: round up.", n


@exercise
def of_6_2(names, upsets):
    scores = names["accuracy"]
    ahead = [np.sign(scores[b][None] - scores[a][:, None]) for a, b in names["pairs"]]
    yield upsets, [np.mean(one == 1) for one in ahead]
    yield "A tie is no win.", [np.mean(one >= 0) for one in ahead]
    yield "These are the wins of the better mean.", [np.mean(one == -1) for one in ahead]


@exercise
def of_6_4(names, interval):
    values = names["accuracy"][names["RECIPE"]]
    n, ends = len(values), np.array([-1, 1]) * values.std(ddof=1)
    t, one_more = stats.t.ppf(0.975, n - 1), np.sqrt(1 + 1 / n)
    yield interval, values.mean() + ends * t * one_more
    yield "That holds for the mean. A single run scatters more.", values.mean() + ends * t / n**0.5
    yield "For so few runs 1.96 is too small.", values.mean() + ends * 1.96 * one_more


@exercise
def of_7_1(names, parameters):
    def count(bias=1, maps=32, side=5):
        return 32 * (9 + bias) + 64 * (9 * maps + bias) + 10 * (side**2 * 64 + bias)

    yield parameters, count()
    yield "Each kernel and each unit has a bias as well.", count(bias=0)
    yield "A kernel of the second layer has 3×3 weights for each map.", count(maps=1)
    yield "Without padding, each convolution makes the maps smaller.", count(side=7)


@exercise
def of_8_1(names, errors):
    fewer = next(k for k in range(1, 21) if stats.binomtest(k, k).pvalue < 0.05)
    yield errors, 20 - fewer
    yield "So many fewer are needed. How many may be left?", fewer
    yield "There p is just above 0.05.", 21 - fewer
