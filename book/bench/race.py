"""How long does it take to 99% on the test set: Keras's own example, our fast and sprint?
And how long does our mile to 99.5%?

Only training is timed, with the building and tracing that a reader has to wait for too. Testing
takes no part in the race.
"""

import itertools

import measuring
import numpy as np

GOAL, NEXT_GOAL, MOST, SEEDS = 0.99, 0.995, 15, 5


def keras_example(seed, goal=GOAL):
    """Keras's mnist_convnet as published, until an epoch ends at the goal."""
    import keras  # not by digitlib, which would set the number of threads
    from keras import layers

    digits = measuring.data.load()
    x_train = digits.x_train.astype("float32")[..., None] / 255
    x_test = digits.x_test.astype("float32")[..., None] / 255
    labels = keras.utils.to_categorical(digits.y_train, 10)
    keras.utils.set_random_seed(seed)

    def epochs():
        model = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
                layers.MaxPooling2D(pool_size=(2, 2)),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
        while True:
            model.fit(x_train, labels, batch_size=128, epochs=1, validation_split=0.1, verbose=0)
            yield model

    return run(epochs(), x_test, digits.y_test, goal)


def fast(seed, goal=GOAL):
    return recipe("fast", seed, goal)


def sprint(seed, goal=GOAL):
    return recipe("sprint", seed, goal)


def mile(seed, goal=NEXT_GOAL):
    return recipe("mile", seed, goal)


def recipe(name, seed, goal):
    """One of our recipes. A run that misses the goal is followed by one with another seed."""
    from digitlib import training

    digits = measuring.data.load()
    x_train, x_test = training.scale(digits.x_train), training.scale(digits.x_test)

    def trainings():
        for another in itertools.count(seed, 1000):
            yield training.train(name, x_train, digits.y_train, seed=another)[0]

    return run(trainings(), x_test, digits.y_test, goal)


def run(models, x_test, y_test, goal):
    """The size of the network, and (seconds, seconds of CPU, test accuracy) after each training."""
    seconds, curve = np.zeros(2), []
    while len(curve) < MOST and (not curve or curve[-1][2] < goal):
        watch = measuring.stopwatch()
        model = next(models)
        seconds += watch()
        y_pred = model.predict(x_test, batch_size=1000, verbose=0).argmax(axis=1)
        curve.append((*seconds.tolist(), float(np.mean(y_pred == y_test))))
    return {"parameters": model.count_params(), "curve": curve}


if __name__ == "__main__":
    measuring.need_mnist()
    runs = measuring.in_turn(SEEDS, keras=keras_example, fast=fast, sprint=sprint, mile=mile)
    measuring.keep("race", runs)
