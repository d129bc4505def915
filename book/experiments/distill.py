"""Does a network learn more from another one's answers than from the labels? The recipe mile, both ways.

    python book/experiments/distill.py

trains a teacher, the recipe record, without the last sixth of the training images of MNIST; then
mile on the same images, with the labels and with the teacher's answers to each distorted image in
different shares, and tests on the last sixth. A line a network goes into book/results/distill.jsonl.
Distilling as Hinton, Vinyals, and Dean have it (2015), without their temperature.
"""

import os
import tempfile
from dataclasses import fields
from pathlib import Path

from keeping import RESULTS, keep, mnist, tested

from digitlib import models, recipes, training, workers
from digitlib.quiet import keras

SEEDS = 5
SHARES = (0, 0.5, 1)  # of the teacher's answers in what the network has to learn


def one(share, seed, teacher):
    """Train one network with that share of the teacher's answers; gives its row."""
    teacher = models.load(teacher)

    class Student(keras.Sequential):
        def train_step(self, data):
            x, y = data
            return super().train_step((x, (1 - share) * y + share * teacher(x, training=False)))

    class Taught(recipes.Recipe):
        def build(self):
            return Student(super().build().layers, name=self.name)

    mile = recipes.get("mile")
    own = {field.name: getattr(mile, field.name) for field in fields(mile)}
    # the teacher's answers are smooth already
    taught = Taught(**own | {"smoothing": (1 - share) * mile.smoothing})
    return {"share": share, **tested(taught, seed, mnist(held_out=True))}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        teacher = str(Path(folder, "teacher.keras"))
        digits = mnist(held_out=True)
        x = training.scale(digits.x_train)
        model, _ = training.train("record", x, digits.y_train, seed=0)
        models.save(model, teacher)
        read = models.answers(model, digits.x_test).argmax(axis=1)
        right = int((read == digits.y_test).sum())
        calls = [(share, seed, teacher) for share in SHARES for seed in range(SEEDS)]
        rows = workers.in_processes(one, calls, os.cpu_count())
        kept = sorted(rows, key=lambda row: (row["share"], row["seed"]))
    keep(kept, RESULTS / "distill.jsonl", "distill.py", teacher_right=right)
