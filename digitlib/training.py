"""How is a recipe trained, repeatably and fast?"""

import math

import numpy as np

from digitlib import distortion, nothing, recipes, strokes
from digitlib.frame import images_of_bytes
from digitlib.quiet import keras, tensorflow

NOTHINGS = 0.5  # examples of what is no digit for each digit, where a recipe has them
WARM_UP = 10  # a tenth of the steps, from a tenth of the learning rate


def scale(images):
    """Pixels 0–255, shape (n, 28, 28), uint8, on the 0–1 scale as float32.

    Raises
    ------
    ValueError
        If the images have another shape or dtype, such as those that are scaled already.
    """
    return images_of_bytes(images).astype("float32") / 255


def train(recipe, x, y, *, seed, epochs=None, validation_data=None, callbacks=()):
    """Train a recipe from scratch; the same seed gives the same weights on the same machine.

    Parameters
    ----------
    recipe : Recipe, or its name or number
    x : array of shape (n, 28, 28), float, 0–1
    y : array of shape (n,), int, digits 0–9 (one-hot labels are made here where needed)
    seed : int
        Of the initial weights, the order of the batches, and dropout.
    epochs : int, optional
        The recipe's own number if not given.
    validation_data : (x, y), optional
        Like `x` and `y`; measured after each epoch, never trained on.
    callbacks : sequence of keras.callbacks.Callback

    Returns
    -------
    (keras.Model, keras.callbacks.History)

    Raises
    ------
    ValueError
        If the data are of another shape, dtype or range, or a number is too small.
    """
    recipe = recipe if isinstance(recipe, recipes.Recipe) else recipes.get(recipe)
    epochs = recipe.epochs if epochs is None else epochs
    for name, value, least in [("epochs", epochs, 1), ("seed", seed, 0)]:
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"expected {name} to be an integer from {least} up; got {value!r}")
    x, y = _checked(recipe, x, y)
    if validation_data is not None:
        validation_data = _checked(recipe, *validation_data)
    x, y = taught(recipe, x, y, seed=int(seed))
    n = math.ceil(len(x) / recipe.batch_size)
    together = recipe.steps_per_execution
    model = compiled(
        recipe,
        seed=int(seed),
        steps=epochs * n,
        steps_per_execution=together if together <= n else 1,  # the loop is not for nothing
    )
    if recipe.distort:
        calm = _Calm(epochs - round(recipe.calm * epochs))
        callbacks = [calm, *callbacks]
        how = {"kinds": recipe.distort, "pens": "pens" in recipe.lessons, "calm": calm.now}
        batches = distorted(x, y, recipe.batch_size, seed=int(seed), **how)
        given = {"x": batches, "shuffle": False}
    else:
        given = {"x": x, "y": y, "batch_size": recipe.batch_size}
    history = model.fit(
        **given,
        epochs=epochs,
        validation_data=validation_data,
        validation_batch_size=1000,
        callbacks=[*callbacks],
        verbose=0,
    )
    return model, history


def compiled(recipe, *, seed, steps=None, steps_per_execution=None):
    """Seed everything, build the recipe's network and compile it.

    Parameters
    ----------
    recipe : Recipe
    seed : int
    steps : int, optional
        How many batches the training will have; a recipe with a schedule needs to know.
    steps_per_execution : int, optional
        The recipe's own number if not given.
    """
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()
    model = recipe.build()
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate(recipe, steps), *recipe.betas),
        loss=recipe.loss,
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution or recipe.steps_per_execution,
    )
    # Variables made by the first batch would have `fit` trace its step once more, for nothing.
    model.optimizer.build(model.trainable_variables)
    blank = np.zeros((1, 28, 28), "float32")
    model.compute_metrics(blank, recipe.labels([0]), model(blank))
    model.reset_metrics()
    return model


def learning_rate(recipe, steps=None):
    """The recipe's learning rate: a number, or a Keras schedule over so many steps.

    Raises
    ------
    ValueError
        If the recipe has a schedule and the number of steps is not given.
    """
    if not recipe.schedule:
        return recipe.learning_rate
    if steps is None:
        raise ValueError(f"{recipe.name} has a schedule; say how many steps it will be trained")
    warm_up = steps // WARM_UP
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / WARM_UP,
        decay_steps=steps - warm_up,
        warmup_target=recipe.learning_rate,
        warmup_steps=warm_up,
    )


def taught(recipe, x, y, *, seed):
    """The digits, and what the lessons of the recipe add to them.

    Parameters
    ----------
    recipe : Recipe
    x : array of shape (n, 28, 28), float, 0–1
    y : array of shape (n,), int, or one-hot, as the recipe has its labels
    seed : int

    Returns
    -------
    (array of shape (m, 28, 28), labels as in `y`), m ≥ n
    """
    digits = y.argmax(axis=1) if recipe.one_hot else y
    images, labels = [x], [digits]
    if "strokes" in recipe.lessons:
        more = strokes.with_strokes(x, digits, seed=seed)
        images.append(more[0])
        labels.append(more[1])
    if "nothing" in recipe.lessons:
        images.append(nothing.nothing(x, digits, round(NOTHINGS * len(x)), seed=seed))
        labels.append(np.full(len(images[-1]), nothing.NOTHING))
    if len(images) == 1:
        return x, y
    labels = np.concatenate(labels)
    one_hot = keras.utils.to_categorical(labels, recipe.answers).astype("float32")
    return np.concatenate(images), one_hot if recipe.one_hot else labels


def distorted(x, y, batch_size, *, seed, kinds=distortion.KINDS, pens=False, calm=False):
    """A tf.data.Dataset of batches, each time shuffled and distorted anew.

    The same seed gives the same batches. While `calm`, a bool or a tf.Variable, is true, the images
    stay as they are.
    """
    images, labels = tensorflow.constant(x, "float32"), tensorflow.constant(y)

    def batch(draw, rows):
        picked = tensorflow.gather(images, rows)
        picked = tensorflow.cond(
            tensorflow.convert_to_tensor(calm),
            lambda: picked,
            lambda: distortion.distort(picked, (seed, draw), kinds, pens=pens),
        )
        return picked, tensorflow.gather(labels, rows)

    draws = tensorflow.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    rows = tensorflow.data.Dataset.range(len(x)).shuffle(len(x), seed=seed).batch(batch_size)
    return tensorflow.data.Dataset.zip((draws, rows)).map(batch).prefetch(1)


def _checked(recipe, x, y):
    """Images on the 0–1 scale and their digits, as the recipe wants them; or a ValueError."""
    x, labels = np.asarray(x), recipe.labels(y)
    if x.ndim != 3 or x.shape[1:] != (28, 28) or x.dtype.kind != "f" or not len(x):
        raise ValueError(
            "expected images of shape (n, 28, 28), float, 0–1; "
            f"got shape {x.shape}, dtype {x.dtype}. One image needs a batch axis: x[None]; "
            "bytes need training.scale(x)"
        )
    # written so that NaN fails as well
    if not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"expected pixels from 0 to 1; found {x.min()} to {x.max()}")
    if len(labels) != len(x):
        raise ValueError(f"expected a label for each of {len(x)} images; got {len(labels)}")
    return x, labels


class _Calm(keras.callbacks.Callback):
    """Tells the pipeline of distortions from which epoch on to leave the images as they are."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.now = tensorflow.Variable(False)

    def on_epoch_begin(self, epoch, logs=None):
        self.now.assign(epoch >= self.first)
