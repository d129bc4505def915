"""How long does an epoch of recipe 1 take: written as everywhere, and by digitlib.training?

Timed with the building and tracing that a reader has to wait for too. The weights are to be the
same bit for bit.
"""

import measuring
import numpy as np

EPOCHS, SEEDS = 3, 5


def plain(seed):
    """Recipe 1 as it is written everywhere, made repeatable as Keras advises."""
    import keras  # not by digitlib, which would set the number of threads
    import tensorflow
    from keras import layers

    digits = measuring.data.load()
    x_train = digits.x_train.astype("float32") / 255
    watch = measuring.stopwatch()
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()  # else the last bits differ
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, digits.y_train, epochs=EPOCHS, batch_size=32, verbose=0)
    return timed(watch, model)


def ours(seed):
    """The same by `digitlib.training`."""
    from digitlib import training

    digits = measuring.data.load()
    x_train = training.scale(digits.x_train)
    watch = measuring.stopwatch()
    model, _ = training.train("dropout", x_train, digits.y_train, seed=seed, epochs=EPOCHS)
    return timed(watch, model)


def timed(watch, model):
    """Seconds an epoch, and the fingerprint of the weights."""
    seconds, cpu = watch()
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()])
    fingerprint = measuring.data.fingerprint(weights)
    return {"seconds": seconds / EPOCHS, "cpu": cpu / EPOCHS, "weights": fingerprint}


if __name__ == "__main__":
    measuring.need_mnist()
    measuring.keep("epoch", measuring.in_turn(SEEDS, plain=plain, ours=ours))
