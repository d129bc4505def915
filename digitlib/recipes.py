"""Which networks does the book build, and what loss and labels does each need?

Six networks as people publish them, rebuilt exactly. What an author did not state is a choice of
ours and said in `chosen`. Two more are ours, one made to be fast and one to be accurate; what came
of them by a search is in `RECORDS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from digitlib import distortion, evaluation
from digitlib.blocks import accurate, below_10k, below_100k, convnet, dense, fast, image
from digitlib.quiet import keras

layers = keras.layers


@dataclass(frozen=True)
class Recipe:
    """A network, and what it needs to be trained.

    `first` makes the layer that brings the images into shape, and `hidden` those between it and
    the last one; `top` is the activation of the ten last units; `one_hot` says that the labels are
    vectors of ten instead of digits.

    Adam's `learning_rate` stays as it is, or, with `schedule`, rises to that value from a tenth of
    it during the first tenth of the steps and falls to 0 along a cosine. `betas` say how long
    Adam's averages of the gradients and of their squares last. Every image is distorted anew in
    every epoch, in the ways named in `distort`, some of `distortion.KINDS`, but for the last
    epochs, a share `calm` of them all. `steps_per_execution` batches run in one call of TensorFlow,
    which changes the time that training takes, and not the weights.

    `lessons` are what the digits of other hands teach, some of LESSONS; the one about what is no
    digit adds an eleventh answer. Of each label, `smoothing` is shared out among all answers.
    """

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
    betas: tuple[float, float] = (0.9, 0.999)  # Keras's default
    distort: tuple[str, ...] = ()
    calm: float = 0
    lessons: tuple[str, ...] = ()
    smoothing: float = 0
    steps_per_execution: int = 100
    first: Callable[[], keras.Layer] = layers.Flatten

    @property
    def loss(self):
        """The cross-entropy that fits the labels: its name, or Keras's object if they are smoothed."""
        if self.smoothing:
            return keras.losses.CategoricalCrossentropy(label_smoothing=self.smoothing)
        return "categorical_crossentropy" if self.one_hot else "sparse_categorical_crossentropy"

    @property
    def answers(self):
        """How many answers the network has: the ten digits, and perhaps *no digit*."""
        return evaluation.CLASSES + ("nothing" in self.lessons)

    def build(self):
        """The network, not yet compiled: images (n, 28, 28) on the 0–1 scale in, (n, 10) out.

        With an answer for what is no digit, (n, 11).
        """
        return keras.Sequential(
            [
                keras.Input((28, 28)),
                self.first(),
                *self.hidden(),
                layers.Dense(self.answers, activation=self.top),
            ],
            name=self.name.replace("-", "_"),
        )

    def labels(self, y):
        """Digits, shape (n,), as this network wants them: (n,), or one-hot (n, answers) float32.

        Raises
        ------
        ValueError
            If they are not integers 0–9 of shape (n,), n > 0.
        """
        hint = "labels are never scaled, and one-hot labels are made by the recipe"
        (y,) = evaluation.checked_digits(hint, labels=y)
        return keras.utils.to_categorical(y, self.answers).astype("float32") if self.one_hot else y


def _by_name(recipes):
    return {recipe.name: recipe for recipe in recipes}


DENSE = _by_name(
    [
        Recipe(
            name="dropout",
            hidden=lambda: [dense(128), layers.Dropout(0.2)],
            epochs=25,
            claim="none; 25 epochs",
            chosen="batch size (Keras's default)",
        ),
        Recipe(
            name="sigmoid",
            hidden=lambda: [dense(100)],
            top="sigmoid",
            epochs=10,
            claim="none",
            chosen="batch size (Keras's default)",
        ),
        Recipe(
            name="one-hot",
            hidden=lambda: [dense(512), dense(512)],
            one_hot=True,
            epochs=12,
            batch_size=256,
            claim="about 98%",
            chosen="widths, epochs, batch size",
        ),
        Recipe(
            name="matrix",
            hidden=lambda: [dense(128), dense(128)],
            epochs=10,
            batch_size=128,
            claim="of 980 zeros 974 right; 58 others taken for 0",
            chosen="epochs, batch size",
        ),
        Recipe(
            name="steps",
            hidden=lambda: [dense(256)],
            epochs=5,
            claim="none; saved and loaded again",
            chosen="the whole network, epochs, batch size",
        ),
    ]
)
CONVOLUTIONAL = _by_name(
    [
        Recipe(
            name="convnet",
            first=image,
            hidden=convnet,
            one_hot=True,
            epochs=15,
            batch_size=128,
            claim="about 99%",
            chosen="nothing",
        ),
        Recipe(
            name="fast",
            first=image,
            hidden=fast,
            epochs=2,
            batch_size=128,
            claim="ours: 99% soon",
            chosen="everything",
            learning_rate=0.01,
            schedule=True,
        ),
        Recipe(
            name="accurate",
            first=image,
            hidden=lambda: accurate(dropout=0.4),
            epochs=12,
            batch_size=128,
            claim="ours: few errors",
            chosen="everything, on held-out images",
            learning_rate=0.005,
            schedule=True,
            distort=distortion.KINDS,
        ),
    ]
)
RECIPES = DENSE | CONVOLUTIONAL
LESSONS = ("strokes", "pens", "nothing")  # what the digits of other hands teach
READER = replace(
    RECIPES["accurate"],
    name="reader",
    epochs=24,
    claim="ours: reads what people write",
    one_hot=True,
    lessons=LESSONS,
    smoothing=0.05,
)


def _record(like, name, **own):
    """Chosen by book/experiments/search.py and trials.py, on held-out images."""
    return replace(RECIPES[like], name=name, one_hot=True, **own)


_SHORT = {"epochs": 1, "learning_rate": 0.02, "betas": (0.8, 0.95), "smoothing": 0.1}
_MILE = {"epochs": 4, "learning_rate": 0.01, "distort": ("affine",), "calm": 0.25}
_GENTLE = {"distort": ("affine",), "calm": 0.2, "smoothing": 0.05}
RECORDS = _by_name(
    [
        _record("accurate", "record", hidden=lambda: accurate(0.2), epochs=16, **_GENTLE),
        _record("accurate", "record-100k", hidden=below_100k, epochs=16, **_GENTLE),
        _record("accurate", "record-10k", hidden=below_10k, epochs=24, **_GENTLE),
        _record("fast", "sprint", hidden=lambda: fast(16, standard=True), batch_size=96, **_SHORT),
        _record("fast", "mile", hidden=lambda: fast(24, standard=True), **_SHORT | _MILE),
    ]
)


def _without(ingredient, name="fast", **changes):
    recipe = READER if name == READER.name else RECIPES[name]
    return replace(recipe, name=f"{name}-without-{ingredient}", **changes)


# what each ingredient brings is measured by leaving it out
VARIANTS = _by_name(
    [
        _without("batch-normalization", hidden=lambda: fast(norm=False)),
        _without("strides", hidden=lambda: fast(pool=True)),
        _without("schedule", schedule=False, learning_rate=0.001),
        _without("falling-rate", schedule=False),
        _without("large-batches", batch_size=32),
        _without("steps-per-execution", steps_per_execution=1),
        _without("distortions", "accurate", distort=()),
        *(
            _without(lesson, "reader", lessons=tuple(one for one in LESSONS if one != lesson))
            for lesson in LESSONS
        ),
    ]
)


ALL = RECIPES | {READER.name: READER} | RECORDS | VARIANTS


def get(name):
    """The recipe of that name or number, or the variant of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    numbers = {str(number): one for number, one in enumerate(RECIPES, 1)}
    if recipe := ALL.get(numbers.get(str(name), str(name))):
        return recipe
    names = ", ".join([*RECIPES, READER.name, *RECORDS])
    raise ValueError(f"no recipe {name!r}; there are {names} (or 1 to {len(RECIPES)})")
