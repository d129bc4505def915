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


def separable(filters, stride=1):
    """A depthwise convolution of 3×3, and one of 1×1 that mixes its maps (Howard et al. 2017)."""
    return [
        layers.DepthwiseConv2D(3, strides=stride, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        *convolution(filters, 1),
    ]


def convnet():
    """The hidden layers of Keras's own example."""
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
    ]


def accurate(dropout):
    """The hidden layers of the recipe accurate."""
    return [
        *convolution(24, 3, norm=False),
        *convolution(48, 3, 2),
        *convolution(64, 3),
        *convolution(96, 3, 2),
        *convolution(128, 3),
        layers.Flatten(),
        layers.Dropout(dropout),
    ]


def below_100k():
    """Hidden layers that leave the network below 100,000 parameters."""
    return [
        *convolution(16, 3, norm=False),
        *convolution(24, 3),
        *convolution(32, 3, 2),
        *convolution(40, 3),
        *convolution(48, 3),
        *convolution(64, 3, 2),
        *convolution(48, 3),
        layers.Flatten(),
        layers.Dropout(0.2),
    ]


def below_10k():
    """Hidden layers that leave the network below 10,000 parameters."""
    return [
        *convolution(16, 3, norm=False),
        *separable(24),
        *separable(32, 2),
        *separable(32),
        *separable(48, 2),
        *separable(48),
        layers.GlobalAveragePooling2D(),
    ]


def fast(width=16, *, standard=False, norm=True, pool=False):
    """The hidden layers of the recipe fast, or of a variant of it.

    `width` is the number of the first maps; it doubles twice. `standard` brings the pixels of MNIST
    to mean 0 and deviation 1 first.
    """
    return [
        *([layers.Rescaling(1 / 0.31, -0.13 / 0.31)] if standard else []),
        *convolution(width, 5, 2, norm=False, pool=pool),
        *convolution(2 * width, 3, 2, norm=norm, pool=pool),
        *convolution(4 * width, 3, norm=norm),
        layers.Flatten(),
    ]
