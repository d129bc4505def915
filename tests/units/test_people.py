"""`digitlib.people`: who wrote what, and the interval for other writers, held to SciPy's bootstrap."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from digitlib import data, evaluation, people


def test_mnists_writers_are_those_of_qmnist():
    """What Yadav and Bottou say of them: so many, and nobody wrote for both sets."""
    mnist = SimpleNamespace(name="mnist")
    train, test = (people.writers(mnist, part) for part in ("train", "test"))
    assert (len(train), len(test)) == (60_000, 10_000)
    assert (len(np.unique(train)), len(np.unique(test))) == (539, 297)
    assert not set(train) & set(test)
    assert set(people.writers(mnist)) == set(test)


def test_held_out_images_are_by_writers_of_the_training_set():
    sizes = (60000, 60000, 10000, 10000)
    whole = data.Digits(*(np.zeros(n, np.uint8) for n in sizes), "mnist", "nowhere")
    held_out, known = whole.held_out(), people.writers(whole, "train")
    np.testing.assert_array_equal(people.writers(held_out, "train"), known[:50000])
    np.testing.assert_array_equal(people.writers(held_out), known[50000:])


def test_of_the_sample_each_image_counts_as_another_writers():
    sample = SimpleNamespace(name="sample", y_test=np.zeros(7), y_train=np.zeros(9))
    assert people.writers(sample).tolist() == [*range(7)]
    assert people.writers(sample, "train").tolist() == [*range(9)]


@pytest.mark.parametrize("images", [1, 40])
def test_the_interval_for_writers_is_scipys(images):
    """Of 100 writers with as many images each, some illegible."""
    draws = np.random.default_rng(1)
    legible = draws.beta(9, 1, 100)
    right = (draws.random((100, images)) < legible[:, None]).ravel()
    writers = np.repeat(draws.permutation(100) + 7, images)
    counts = right.reshape(100, images).sum(axis=1), np.full(100, images)
    expected = stats.bootstrap(
        counts, lambda k, n, axis: k.sum(axis) / n.sum(axis), paired=True, method="percentile"
    ).confidence_interval
    low, high = people.interval(right, writers, draws=10_000)
    assert [low, high] == pytest.approx([expected.low, expected.high], abs=0.004)
    wilson = evaluation.accuracy(np.zeros(len(right), int), (~right).astype(int))
    width = (high - low) / (wilson.high - wilson.low)
    assert width > 2 if images > 1 else width == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("pair", [([], []), ([True], [1, 2]), ([[True]], [[1]])])
def test_writers_belong_to_images(pair):
    with pytest.raises(ValueError, match="its writer"):
        people.interval(*pair)
