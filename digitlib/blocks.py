"""What are the networks of the recipes built of?"""

from digitlib.quiet import keras

layers = keras.layers


def dense(units):
    return layers.Dense(units, activation="relu")


def image():
    """A color axis of one, which a convolution wants to see."""
    return layers.Reshape((28, 28, 1))


def convolution(filters, size, stride=1, *, norm=True, pool=False):
    """Convolution, batch normalization, ReLU; a stride, or pooling of the same size instead."""
    return [
        layers.Conv2D(filters, size, strides=1 if pool else stride, use_bias=not norm),
        *([layers.BatchNormalization()] if norm else []),
        layers.ReLU(),
        *([layers.MaxPooling2D(stride)] if pool and stride > 1 else []),
    ]


def fast(*, norm=True, pool=False):
    """The hidden layers of the recipe fast, or of one that has to do without an ingredient."""
    return [
        *convolution(16, 5, 2, norm=False, pool=pool),
        *convolution(32, 3, 2, norm=norm, pool=pool),
        *convolution(64, 3, norm=norm),
        layers.Flatten(),
    ]
