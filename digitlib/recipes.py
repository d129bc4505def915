"""Which networks does the book build, and what loss and labels does each need?

Six networks as people publish them, rebuilt exactly. What an author did not state is a choice of
ours and said in `chosen`. Two more are ours, one made to be fast and one to be accurate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from digitlib import evaluation
from digitlib.quiet import keras

layers = keras.layers


@dataclass(frozen=True)
class Recipe:
    """A network, and what it needs to be trained.

    `first` makes the layer that brings the images into shape, and `hidden` those between it and
    the last one; `top` is the activation of the ten last units; `one_hot` says that the labels are
    vectors of ten instead of digits.

    Adam's `learning_rate` stays as it is, or, with `schedule`, rises to that value from a tenth of
    it during the first tenth of the steps and falls to 0 along a cosine. With `distort`, every
    image is distorted anew in every epoch. `steps_per_execution` batches run in one call of
    TensorFlow, which changes the time that training takes, and not the weights.
    """

    number: int
    name: str
    hidden: Callable[[], list]
    epochs: int
    claim: str
    chosen: str
    top: str = "softmax"
    one_hot: bool = False
    batch_size: int = 32  # Keras's default
    learning_rate: float = 0.001
    schedule: bool = False
    distort: bool = False
    steps_per_execution: int = 100
    first: Callable[[], keras.Layer] = layers.Flatten

    @property
    def loss(self):
        """The name of the cross-entropy that fits the labels."""
        return "categorical_crossentropy" if self.one_hot else "sparse_categorical_crossentropy"

    def build(self):
        """The network, not yet compiled: images (n, 28, 28) on the 0–1 scale in, (n, 10) out."""
        return keras.Sequential(
            [
                keras.Input((28, 28)),
                self.first(),
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


def _image():
    """A color axis of one, which a convolution wants to see."""
    return layers.Reshape((28, 28, 1))


def _convolution(filters, size, stride=1, *, norm=True, pool=False):
    """Convolution, batch normalization, ReLU; a stride, or pooling of the same size instead."""
    return [
        layers.Conv2D(filters, size, strides=1 if pool else stride, use_bias=not norm),
        *([layers.BatchNormalization()] if norm else []),
        layers.ReLU(),
        *([layers.MaxPooling2D(stride)] if pool and stride > 1 else []),
    ]


def _fast(*, norm=True, pool=False):
    """The hidden layers of the recipe fast, or of one that has to do without an ingredient."""
    return [
        *_convolution(16, 5, 2, norm=False, pool=pool),
        *_convolution(32, 3, 2, norm=norm, pool=pool),
        *_convolution(64, 3, norm=norm),
        layers.Flatten(),
    ]


def _by_name(recipes):
    return {recipe.name: recipe for recipe in recipes}


DENSE = _by_name(
    [
        Recipe(
            number=1,
            name="dropout",
            hidden=lambda: [_dense(128), layers.Dropout(0.2)],
            epochs=25,
            claim="none; 25 epochs",
            chosen="batch size (Keras's default)",
        ),
        Recipe(
            number=2,
            name="sigmoid",
            hidden=lambda: [_dense(100)],
            top="sigmoid",
            epochs=10,
            claim="none",
            chosen="batch size (Keras's default)",
        ),
        Recipe(
            number=3,
            name="one-hot",
            hidden=lambda: [_dense(512), _dense(512)],
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
            epochs=10,
            batch_size=128,
            claim="of 980 zeros 974 right; 58 others taken for 0",
            chosen="epochs, batch size",
        ),
        Recipe(
            number=5,
            name="steps",
            hidden=lambda: [_dense(256)],
            epochs=5,
            claim="none; saved and loaded again",
            chosen="the whole network, epochs, batch size",
        ),
    ]
)
CONVOLUTIONAL = _by_name(
    [
        Recipe(
            number=6,
            name="convnet",
            first=_image,
            hidden=lambda: [
                layers.Conv2D(32, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(64, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dropout(0.5),
            ],
            one_hot=True,
            epochs=15,
            batch_size=128,
            claim="about 99%",
            chosen="nothing",
        ),
        Recipe(
            number=7,
            name="fast",
            first=_image,
            hidden=_fast,
            epochs=2,
            batch_size=128,
            claim="ours: 99% soon",
            chosen="everything",
            learning_rate=0.01,
            schedule=True,
        ),
        Recipe(
            number=8,
            name="accurate",
            first=_image,
            hidden=lambda: [
                *_convolution(24, 3, norm=False),
                *_convolution(48, 3, 2),
                *_convolution(64, 3),
                *_convolution(96, 3, 2),
                *_convolution(128, 3),
                layers.Flatten(),
                layers.Dropout(0.4),
            ],
            epochs=12,
            batch_size=128,
            claim="ours: few errors",
            chosen="everything, on held-out images",
            learning_rate=0.005,
            schedule=True,
            distort=True,
        ),
    ]
)
RECIPES = DENSE | CONVOLUTIONAL


def _without(ingredient, name="fast", **changes):
    return replace(RECIPES[name], name=f"{name}-without-{ingredient}", number=None, **changes)


# what each ingredient brings is measured by leaving it out
VARIANTS = _by_name(
    [
        _without("batch-normalization", hidden=lambda: _fast(norm=False)),
        _without("strides", hidden=lambda: _fast(pool=True)),
        _without("schedule", schedule=False, learning_rate=0.001),
        _without("falling-rate", schedule=False),
        _without("large-batches", batch_size=32),
        _without("steps-per-execution", steps_per_execution=1),
        _without("distortions", "accurate", distort=False),
    ]
)


def get(name):
    """The recipe of that name or number, or the variant of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    for recipe in RECIPES.values():
        if name in (recipe.name, recipe.number, str(recipe.number)):
            return recipe
    if name in [*VARIANTS]:
        return VARIANTS[name]
    raise ValueError(f"no recipe {name!r}; there are {', '.join(RECIPES)} (or 1 to {len(RECIPES)})")
