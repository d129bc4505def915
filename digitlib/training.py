"""How is a recipe trained, repeatably and fast?"""

import numpy as np

from digitlib import recipes
from digitlib.quiet import keras, tensorflow

STEPS_PER_EXECUTION = 100


def scale(images):
    """Pixels 0–255, shape (n, 28, 28), uint8, on the 0–1 scale as float32.

    Raises
    ------
    ValueError
        If the images have another shape or dtype: scaled twice is a mistake that nothing else
        would notice.
    """
    images = np.asarray(images)
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise ValueError(
            "expected images of shape (n, 28, 28), uint8, pixels 0–255; "
            f"got shape {images.shape}, dtype {images.dtype}"
        )
    return images.astype("float32") / 255


def train(recipe, x, y, *, seed, epochs=None, validation_data=None, callbacks=(), report=0):
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
    report : int
        Print one line every so many epochs; 0 is silent.

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
    for name, value, least in [("epochs", epochs, 1), ("seed", seed, 0), ("report", report, 0)]:
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"expected {name} to be an integer from {least} up; got {value!r}")
    x, y = _checked(recipe, x, y)
    if validation_data is not None:
        validation_data = _checked(recipe, *validation_data)
    model = compiled(recipe, seed=int(seed))
    history = model.fit(
        x,
        y,
        epochs=epochs,
        batch_size=recipe.batch_size,
        validation_data=validation_data,
        validation_batch_size=1000,
        callbacks=[*callbacks, *([_Report(report)] if report else [])],
        verbose=0,
    )
    return model, history


def compiled(recipe, *, seed, steps_per_execution=STEPS_PER_EXECUTION):
    """Seed everything, build the recipe's network and compile it.

    `steps_per_execution` batches run in one call of TensorFlow. It changes how long training
    takes, and not the weights.
    """
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()
    model = recipe.build()
    model.compile(
        optimizer="adam",
        loss=recipe.loss,
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model


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


class _Report(keras.callbacks.Callback):
    """One line an epoch, instead of a progress bar that fills a stored output."""

    def __init__(self, every):
        super().__init__()
        self.every = every

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0 or (epoch + 1) % self.every == 0:
            numbers = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
            print(f"epoch {epoch + 1:2}  {numbers}")
