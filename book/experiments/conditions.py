"""What does each distortion in training bring, on good pictures and on bad ones?

    python book/experiments/conditions.py

trains the recipe *fast* without the last sixth of the training images: as they are, with each
distortion alone, and with all. Each network then reads the first of the images held out, under
each of digitlib's conditions, and scikit-learn's digits of other writers. A line a network goes
into book/results/conditions.jsonl: of each set how many it reads right, and the mean of its
confidence; of a condition both for strengths 1 to 5.
"""

import itertools
from dataclasses import replace

import numpy as np
from keeping import RESULTS, keep, mnist
from sklearn.datasets import load_digits

from digitlib import conditions, distortion, recipes, training
from digitlib.frame import to_frame

EPOCHS, SEEDS, IMAGES = 3, 10, 2000
KINDS = distortion.KINDS
TRAININGS = {"none": ()} | {name: (name,) for name in KINDS} | {"all": KINDS}


def sets(x, y):
    """(name, images, labels) of all that is read, beginning with the images held out."""
    yield "held_out", x, y
    strangers = load_digits()
    yield "strangers", np.array([to_frame(one) for one in strangers.images]), strangers.target
    x, y = x[:IMAGES], y[:IMAGES]
    for name, strength in itertools.product(conditions.CONDITIONS, range(1, 6)):
        yield name, conditions.worse(x, name, strength), y


def rows():
    digits = mnist(held_out=True)
    x, y = training.scale(digits.x_train), digits.y_train
    read = [*sets(digits.x_test, digits.y_test)]
    for seed, (name, taught) in itertools.product(range(SEEDS), TRAININGS.items()):
        recipe = replace(recipes.get("fast"), distort=taught)
        model, _ = training.train(recipe, x, y, seed=seed, epochs=EPOCHS)
        row = {"distortions": name, "seed": seed, "epochs": EPOCHS}
        for one, images, labels in read:
            output = model.predict(training.scale(images), batch_size=1000, verbose=0)
            right = int((output.argmax(axis=1) == labels).sum())
            found = {
                "n": len(labels),
                "right": right,
                "confidence": float(output.max(axis=1).mean()),
            }
            row.setdefault(one, []).append(found)
        yield row


if __name__ == "__main__":
    keep(rows(), RESULTS / "conditions.jsonl", "conditions.py")
