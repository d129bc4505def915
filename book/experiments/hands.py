"""How well are other people's digits read, and what did each lesson bring? Into book/results.

    python book/experiments/hands.py LABELS.csv                the packaged reader, on whole pictures
    python book/experiments/hands.py LABELS.csv --lessons 4    networks with and without lessons, 4 seeds
    python book/experiments/hands.py LABELS.csv --record       readers that learn as *record* does

LABELS.csv has the columns file (relative to it; its first folder is the kind of picture, its second
the writer), digits (lines parted by /). The pictures belong to other people and are not part of the
book: their digests stand for them. The first line of a file says how it was made.
"""

import argparse
import csv
import hashlib
import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from keeping import RESULTS, keep, mnist
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

from digitlib import blocks, ink, models, pictures, recipes, strokes, training
from digitlib.frame import to_frame
from digitlib.nothing import NOTHING, REFUSED

READ, LESSONS = RESULTS / "handwriting.jsonl", RESULTS / "lessons.jsonl"
READERS = RESULTS / "readers.jsonl"
NETWORK = RESULTS / "reader.weights.h5"
EPOCHS = 3  # of the networks that are compared
FONTS = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmtt10")  # Matplotlib's
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def labels(path):
    """(path of a picture, kind, writer, what is written) for each."""
    with open(path, encoding="utf-8", newline="") as file:
        for name, digits, *_ in itertools.islice(csv.reader(file), 1, None):
            kind, *folders, _ = Path(name).parts
            yield path.parent / name, kind, "/".join(folders) or None, digits


def read(path):
    """One row a picture: what is written, and what `digitlib predict` reads."""
    known = [*labels(path)]
    command = [sys.executable, "-m", "digitlib", "predict", "--json"]
    command += [str(file) for file, *_ in known]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = {one["picture"]: one["digits"] for one in json.loads(done.stdout)["pictures"]}
    for file, kind, writer, digits in known:
        lines = itertools.groupby(found[str(file)], lambda one: one["line"])
        yield {
            "kind": kind,
            "writer": writer,
            "digits": digits,
            "answer": "/".join("".join(str(one["digit"]) for one in line) for _, line in lines),
            "confidence": [round(one["confidence"], 3) for one in found[str(file)]],
            "digest": hashlib.sha256(file.read_bytes()).hexdigest(),
        }


def scans(path):
    """The pictures of one digit, all of their ink in MNIST's frame: images, digits."""
    images, digits = [], []
    for file, kind, _, digit in labels(path):
        if kind == "scans":
            pixels = pictures.load(file)
            scale = pictures.working_scale(pixels.shape)
            gray = ink.brightness(pictures.resized(pixels, scale))
            images.append(to_frame(ink.ink(gray, small=scale > 1)))
            digits.append(int(digit))
    return np.array(images), np.array(digits)


def letters():
    """Letters of five fonts in MNIST's frame."""
    images = []
    for name in FONTS:
        font = ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/{name}.ttf", 60)
        for letter in LETTERS:
            image = Image.new("L", (120, 120))
            ImageDraw.Draw(image).text((30, 30), letter, font=font, fill=255)
            images.append(to_frame(np.asarray(image)))
    return np.array(images)


def sets_of(path):
    """What a network is examined on: {name: (images, digits)}; letters are no digits."""
    digits, strangers = mnist(), load_digits()
    more = strokes.with_strokes(training.scale(digits.x_test), digits.y_test, seed=0)
    return {
        "test": (digits.x_test, digits.y_test),
        "strokes": (np.uint8(more[0] * 255), more[1]),
        "strangers": (np.array([to_frame(one) for one in strangers.images]), strangers.target),
        "scans": scans(path),
        "letters": (letters(), None),
    }


def examined(model, sets):
    """Of each set, how many are refused, and what each digit is taken for."""
    row = {}
    for name, (images, digits) in sets.items():
        ratings = models.ratings(model, images)
        row[f"{name}_refused"] = int((ratings[:, NOTHING] >= REFUSED).sum())
        row[f"{name}_n"] = len(images)
        if digits is not None:
            answers = ratings[:, :NOTHING].argmax(axis=1)
            row[name] = confusion_matrix(digits, answers, labels=range(NOTHING)).tolist()
    return row


def lessons(path, seeds):
    """One row a network: how many it has right of each set, and what it takes scans for."""
    digits, sets = mnist(), sets_of(path)
    # the small network of *fast*, so that there can be several seeds
    reader = replace(recipes.READER, hidden=blocks.fast, learning_rate=0.01)
    taught = {"none": (), "all": reader.lessons} | {
        f"without {one}": recipes.get(f"reader-without-{one}").lessons for one in reader.lessons
    }
    x = training.scale(digits.x_train)
    for seed, (name, own) in itertools.product(range(seeds), taught.items()):
        recipe = replace(reader, lessons=own)
        model, _ = training.train(recipe, x, digits.y_train, seed=seed, epochs=EPOCHS)
        yield {"lessons": name, "seed": seed, "epochs": EPOCHS} | examined(model, sets)


def readers(path):
    """The packaged reader, and two that learn as *record* does, in part and wholly: a row each."""
    digits, sets = mnist(), sets_of(path)
    x = training.scale(digits.x_train)
    less = replace(recipes.READER, hidden=lambda: blocks.accurate(0.2))
    yield {"reader": "packaged"} | examined(models.reader(), sets)
    for name, recipe in {"less dropout": less, "calm": replace(less, calm=0.2)}.items():
        model, _ = training.train(recipe, x, digits.y_train, seed=0)
        yield {"reader": name} | examined(model, sets)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path, metavar="LABELS.csv")
    parser.add_argument("--lessons", type=int, metavar="SEEDS")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--out", type=Path, help="default: the book's own file")
    args = parser.parse_args()
    if args.lessons:
        rows, path, how = lessons(args.labels, args.lessons), LESSONS, f" --lessons {args.lessons}"
    elif args.record:
        rows, path, how = readers(args.labels), READERS, " --record"
    else:
        rows, path, how = read(args.labels), READ, ""
    network = hashlib.sha256(NETWORK.read_bytes()).hexdigest()
    keep(rows, args.out or path, f"hands.py LABELS.csv{how}", network=network)


if __name__ == "__main__":
    main()
