"""Which networks does the book build, and what loss and labels does each need?

Five networks as people publish them, rebuilt exactly. What an author did not state is a choice of
ours and said in `chosen`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from digitlib import evaluation
from digitlib.quiet import keras

layers = keras.layers


@dataclass(frozen=True)
class Recipe:
    """A network, and what it needs to be trained.

    `hidden` makes the layers between `Flatten` and the last one; `top` is the activation of the
    ten last units; `one_hot` says that the labels are vectors of ten instead of digits.
    """

    number: int
    name: str
    hidden: Callable[[], list]
    top: str
    one_hot: bool
    epochs: int
    batch_size: int
    claim: str
    chosen: str

    @property
    def loss(self):
        """The name of the cross-entropy that fits the labels."""
        return "categorical_crossentropy" if self.one_hot else "sparse_categorical_crossentropy"

    def build(self):
        """The network, not yet compiled: images (n, 28, 28) on the 0–1 scale in, (n, 10) out."""
        return keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Flatten(),
                *self.hidden(),
                layers.Dense(evaluation.CLASSES, activation=self.top),
            ],
            name=self.name.replace("-", "_"),
        )

    def labels(self, y):
        """Digits, shape (n,), as this network wants them: (n,), or one-hot (n, 10) float32.

        Raises
        ------
        ValueError
            If they are not integers 0–9 of shape (n,), n > 0.
        """
        hint = "labels are never scaled, and one-hot labels are made by the recipe"
        (y,) = evaluation.checked_digits(hint, labels=y)
        return (
            keras.utils.to_categorical(y, evaluation.CLASSES).astype("float32")
            if self.one_hot
            else y
        )


def _dense(units):
    return layers.Dense(units, activation="relu")


RECIPES = {
    recipe.name: recipe
    for recipe in [
        Recipe(
            number=1,
            name="dropout",
            hidden=lambda: [_dense(128), layers.Dropout(0.2)],
            top="softmax",
            one_hot=False,
            epochs=25,
            batch_size=32,
            claim="none; 25 epochs",
            chosen="batch size (Keras's default)",
        ),
        Recipe(
            number=2,
            name="sigmoid",
            hidden=lambda: [_dense(100)],
            top="sigmoid",
            one_hot=False,
            epochs=10,
            batch_size=32,
            claim="none",
            chosen="batch size (Keras's default)",
        ),
        Recipe(
            number=3,
            name="one-hot",
            hidden=lambda: [_dense(512), _dense(512)],
            top="softmax",
            one_hot=True,
            epochs=12,
            batch_size=256,
            claim="about 98%",
            chosen="widths, epochs, batch size",
        ),
        Recipe(
            number=4,
            name="matrix",
            hidden=lambda: [_dense(128), _dense(128)],
            top="softmax",
            one_hot=False,
            epochs=10,
            batch_size=128,
            claim="of 980 zeros 974 right; 58 others taken for 0",
            chosen="epochs, batch size",
        ),
        Recipe(
            number=5,
            name="steps",
            hidden=lambda: [_dense(256)],
            top="softmax",
            one_hot=False,
            epochs=5,
            batch_size=32,
            claim="none; saved and loaded again",
            chosen="the whole network, epochs, batch size",
        ),
    ]
}


def get(name):
    """The recipe of that name or number.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    for recipe in RECIPES.values():
        if name in (recipe.name, recipe.number, str(recipe.number)):
            return recipe
    raise ValueError(f"no recipe {name!r}; there are {', '.join(RECIPES)} (or 1 to {len(RECIPES)})")
