"""Do networks make other mistakes if they are given the digits in another form?

    python book/experiments/views.py --held-out    a quarter of an hour
    python book/experiments/views.py               half an hour

trains record on digits that are as they are, *upright* (the slant taken out), and *wide* (stretched
until they fill 20 pixels to each side; Cireşan and others, 2012, gave 35 networks six widths). The
first command does so without the last sixth of the training images of MNIST, and tests on it: that
was there to decide. The second tests the two that it favors on the test images. A line for each
network goes into book/results/views_held_out.jsonl or views.jsonl: what it misreads and where it is
unsure, with one look at each image and with five, see looks.py. Each is kept
as soon as it is made, and what is there already is not made again.
"""

import argparse
import os
import time

import numpy as np
from keeping import RESULTS, keep, mnist
from looks import looked
from scipy import ndimage

from digitlib import study, training, workers

SIDE, MOST = 20, 2.2  # pixels; and how many times longer a side may become
INK = 40  # from this value on, a pixel counts as ink
SURE = 0.8  # an answer with this probability is kept as if it were certain
MIDDLE = np.array([13.5, 13.5])


def looked_up(image, matrix, center):
    """The image whose pixel at MIDDLE + p is that at center + matrix @ p, in uint8."""
    new = ndimage.affine_transform(
        image.astype("float32"), matrix, center - matrix @ MIDDLE, order=1
    )
    return new.clip(0, 255).astype("uint8")


def upright(image):
    """Sheared until ink to the right is as often high as low, its center of mass in the middle."""
    ink = image / image.sum(dtype=float)
    places = np.moveaxis(np.indices(image.shape), 0, -1)  # y, x
    center = np.einsum("yx,yxi->i", ink, places)
    down, across = np.moveaxis(places - center, -1, 0)
    slant = (ink * down * across).sum() / max((ink * down**2).sum(), 1e-3)
    return looked_up(image, np.array([[1, 0], [slant, 1]]), center)


def wide(image):
    """Stretched until it is SIDE pixels wide and high, or MOST times as wide as it was."""
    inked = np.argwhere(image > INK)
    first, last = inked.min(axis=0), inked.max(axis=0)
    longer = np.minimum(SIDE / (last - first + 1), MOST)
    return looked_up(image, np.diag(1 / longer), (first + last) / 2)


VIEWS = {"plain": lambda image: image, "upright": upright, "wide": wide}


def kept(outputs, labels):
    """What a row of a study keeps of outputs (n, 10), see digitlib.rows."""
    answers = outputs.argmax(axis=1)
    return {
        "right": int((answers == labels).sum()),
        "mistakes": {str(i): int(answers[i]) for i in np.flatnonzero(answers != labels)},
        "unsure": study.rows.doubts(outputs, SURE),
    }


def one(view, seed, held_out):
    """Train one network; gives its row."""
    digits = mnist(held_out)
    x, x_test = (
        training.scale(np.array([VIEWS[view](image) for image in images]))
        for images in (digits.x_train, digits.x_test)
    )
    start = time.process_time()
    model, _ = training.train("record", x, digits.y_train, seed=seed)
    seconds = time.process_time() - start
    looks = looked(model, x_test)
    return {
        "view": view,
        "seed": seed,
        "n": len(x_test),
        "cpu_seconds": round(seconds),
        "once": kept(looks[0], digits.y_test),
        "five times": kept(looks.mean(axis=0), digits.y_test),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--held-out", action="store_true")
    held_out = parser.parse_args().held_out
    if held_out:
        name, option = "views_held_out", " --held-out"
        calls = [("upright", 0), ("wide", 0), ("plain", 0), ("plain", 1)]
    else:
        name, option = "views", ""
        calls = [(view, seed) for seed in range(3) for view in ("upright", "wide")]
    path = RESULTS / f"{name}.jsonl"
    there = (
        {(row["view"], row["seed"]): row for row in study.experiment(name)} if path.exists() else {}
    )
    todo = [(*call, held_out) for call in calls if call not in there]
    for row in workers.in_processes(one, todo, os.cpu_count()):
        there[row["view"], row["seed"]] = row
        keep([there[call] for call in calls if call in there], path, f"views.py{option}")
