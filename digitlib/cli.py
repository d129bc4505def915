"""The same from a terminal: the steps of the book as commands.

Results go to stdout, progress (on a terminal only) and complaints to stderr. The exit status is
0 if all went well, 1 if something could not be done, 2 if the command was not understood, and
130 after Ctrl-C.
"""

import argparse
import contextlib
import hashlib
import io
import json
import math
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import digitlib

# What needs TensorFlow is imported by the command that uses it, so that --help comes at once.

SURE = 0.9  # the confidence below which an answer is called unsure


class Problem(Exception):
    """What was asked cannot be done; the message is one line and says what to do."""


# The commands


def data(args):
    """where the data is, what it is, whether it is MNIST to the byte"""
    from digitlib import data

    digits = data.load(args.data)
    arrays = {name: getattr(digits, name) for name in data.SHAPES}
    facts = {name: [list(a.shape), str(a.dtype), data.fingerprint(a)] for name, a in arrays.items()}
    proved = data.is_mnist(digits)
    if args.json:
        keys = ("shape", "dtype", "sha256")
        arrays = {name: dict(zip(keys, fact, strict=True)) for name, fact in facts.items()}
        return dump(name=digits.name, origin=digits.origin, is_mnist=proved, arrays=arrays)
    print(f"name      {digits.name}\norigin    {digits.origin}")
    print(f"is MNIST  {'yes, to the byte' if proved else 'no'}\n")
    rows = [[name, tuple(shape), kind, sha] for name, (shape, kind, sha) in facts.items()]
    print(columns(["array", "shape", "dtype", "SHA-256"], rows))


def recipes(args):
    """the table of networks"""
    from digitlib.recipes import RECIPES

    networks = [
        {
            "number": recipe.number,
            "name": recipe.name,
            "parameters": model.count_params(),
            "epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "layers": [describe(layer) for layer in model.layers],
            "loss": recipe.loss,
            "claim": recipe.claim,
            "chosen": recipe.chosen,
        }
        for recipe in RECIPES.values()
        for model in [recipe.build()]
    ]
    if args.json:
        return dump(recipes=networks)
    rows = [[*network.values()][:6] for network in networks]
    for row in rows:
        row[-1] = ", ".join(row[-1])
    header = ["number", "name", "parameters", "epochs", "batch", "layers"]
    print(columns(header, rows))


def train(args):
    """train a recipe, and save the network and the curves of its training"""
    out = output(args.out, args.force)
    curves = output(history_of(out), args.force)

    from digitlib import data, models, recipes, training
    from digitlib.quiet import keras

    if out.suffix not in models.SUFFIXES:
        raise Problem(f"{out}: the name of a network ends in {' or '.join(models.SUFFIXES)}")
    recipe = recipes.get(args.recipe)
    digits = data.load(args.data)
    x, y = training.scale(digits.x_train), digits.y_train
    held_out = None
    if args.holdout:
        if args.holdout >= len(x):
            raise Problem(f"--holdout {args.holdout}: there are only {len(x)} training images")
        held_out = x[-args.holdout :], y[-args.holdout :]
        x, y = x[: -args.holdout], y[: -args.holdout]
    epochs = args.epochs or recipe.epochs
    start = time.perf_counter()
    with progress(total=epochs, desc=recipe.name, unit="epoch") as bar:
        model, history = training.train(
            recipe, x, y, seed=args.seed, epochs=epochs, validation_data=held_out,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: bar.update())],
        )  # fmt: skip
    run = {"recipe": recipe.name, "seed": args.seed, "epochs": epochs, "data": digits.name}
    with writing(out):
        record = run | {"history": history.history, "sha256": models.save(model, out)}
    with writing(curves):
        data.write_whole(json.dumps(record, indent=1).encode() + b"\n", curves)
    run["seconds"] = round(time.perf_counter() - start, 1)
    if args.json:
        return dump(model=str(out), history=str(curves), **run)
    facts = ", ".join(f"{name} {value}" for name, value in run.items())
    print(f"{out}: {facts}")


def evaluate(args):
    """accuracy with its interval, a table of the ten digits, the confusion matrix"""
    from sklearn.metrics import confusion_matrix

    from digitlib import evaluation

    digits, outputs = answers(args)
    y_pred = outputs.argmax(axis=1)
    score = evaluation.accuracy(digits.y_test, y_pred)
    matrix = confusion_matrix(digits.y_test, y_pred, labels=range(10))
    one = evaluation.per_class(matrix)
    if args.json:
        table = {
            name: [None if math.isnan(value) else value for value in column.tolist()]
            for name, column in one._asdict().items()
        }
        return dump(
            model=str(args.model), data=digits.name, **score._asdict(), confidence=0.95,
            per_class=table, confusion_matrix=matrix.tolist(),
        )  # fmt: skip
    print(
        f"{args.model} on the test set of {digits.name}: {score.correct} of {score.n} right, "
        f"{score.value:.2%} (95% interval {score.low:.2%} to {score.high:.2%})\n"
    )
    shares = zip(one.recall, one.precision, one.f1, strict=True)
    rows = [
        [digit, one.tp[digit], one.fn[digit], one.fp[digit], *(f"{share:.3f}" for share in three)]
        for digit, three in enumerate(shares)
    ]
    print(columns(["digit", "TP", "FN", "FP", "recall", "precision", "F1"], rows))
    print("\nConfusion matrix: a row for each true digit, a column for each answer")
    print(columns(["", *range(10)], [[digit, *row] for digit, row in enumerate(matrix)]))


def predict(args):
    """the digits in pictures: photos or scans, of one digit or many"""
    from PIL import Image, ImageDraw

    from digitlib import handwriting

    boxes = output(args.boxes, args.force) if args.boxes else None
    if boxes and (boxes.suffix != ".png" or len(args.pictures) > 1):
        raise Problem("--boxes FILE.png draws into a copy of one picture")
    found, pixels = {}, None
    for path in args.pictures:
        try:
            pixels = handwriting.load(path)
            found[path] = handwriting.find(pixels)
        except ValueError as error:
            print(f"digitlib: {error}", file=sys.stderr)
    if not found:
        return 1

    from digitlib import data, evaluation, models

    model, results = models.load(args.model), []
    for path, (frames, places) in found.items():
        probabilities = evaluation.as_probabilities(models.answers(model, frames))
        results.append(
            [
                {"digit": int(row.argmax()), "confidence": float(row.max()), "box": box.tolist()}
                for row, box in zip(probabilities, places, strict=True)
            ]
        )
    if boxes:
        marked = Image.fromarray(pixels)
        draw = ImageDraw.Draw(marked)
        for result in results[0]:
            top, left, bottom, right = result["box"]
            color = (0, 130, 60) if result["confidence"] >= SURE else (200, 30, 0)
            draw.rectangle((left, top, right, bottom), outline=color, width=2)
            draw.text((left + 3, max(0, top - 11)), str(result["digit"]), fill=color)
        buffer = io.BytesIO()
        marked.save(buffer, "PNG")
        with writing(boxes):
            data.write_whole(buffer.getvalue(), boxes)
    missing = len(args.pictures) - len(found)
    if args.json:
        pictures = [
            {"picture": str(path), "digits": result}
            for path, result in zip(found, results, strict=True)
        ]
        dump(model=str(args.model), pictures=pictures)
        return min(missing, 1)
    for path, result in zip(found, results, strict=True):
        if not result:
            print(f"{path}: no digit found")
            continue
        print(f"{path}: {''.join(str(one['digit']) for one in result)}")
        rows = [
            [one["digit"], f"{one['confidence']:.3f}", *one["box"],
             "" if one["confidence"] >= SURE else "not sure"]
            for one in result
        ]  # fmt: skip
        print(columns(["digit", "confidence", "top", "left", "bottom", "right", ""], rows))
    return min(missing, 1)


def export(args):
    """a network as a LiteRT file, for phones and browsers"""
    out = output(args.out, args.force)

    from digitlib import data, export, models

    model = models.load(args.model)
    examples = data.load(args.data).x_train if args.weights == "int8" else None
    content = export.litert(model, args.weights, examples)
    with writing(out):
        export.save(content, out)
    facts = {"file": str(out), "weights": args.weights, "bytes": out.stat().st_size}
    print(json.dumps(facts) if args.json else f"{out}: {facts['bytes']:,} bytes, {args.weights}")


def visualize(args):
    """curves of the training, confusion matrix and surest mistakes as PNG and SVG"""
    folder, kinds = Path(args.out), ("png", "svg")
    if folder.exists() and not folder.is_dir():
        raise Problem(f"{folder}: is a file; name a folder for the figures")
    for name in ("curves", "matrix", "mistakes"):
        for kind in kinds if folder.exists() else ():
            output(folder / f"{name}.{kind}", args.force)

    os.environ["MPLBACKEND"] = "agg"
    import matplotlib as mpl
    from sklearn.metrics import confusion_matrix

    from digitlib import data, evaluation, plots

    mpl.rcParams["svg.hashsalt"] = "digitlib"  # the same figure makes the same file
    digits, outputs = answers(args)
    probabilities = evaluation.as_probabilities(outputs)
    y_pred = probabilities.argmax(axis=1)
    figures, history = {}, read_history(args.model)
    if history:
        figures["curves"], axes = plots.plt.subplots(1, 2, figsize=(9, 3.3))
        for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
            runs = {"training images": history[name]}
            if f"val_{name}" in history:
                runs["held-out images"] = history[f"val_{name}"]
            plots.curves(runs, ylabel=name, ax=ax)
    matrix = confusion_matrix(digits.y_test, y_pred, labels=range(10))
    figures["matrix"] = plots.confusion_matrix(matrix)
    worst = evaluation.mistakes(digits.y_test, probabilities)[:20]
    if len(worst):
        captions = [
            f"{digits.y_test[i]} → {y_pred[i]}\n{probabilities[i].max():.4f}" for i in worst
        ]
        figures["mistakes"] = plots.gallery(digits.x_test[worst], captions, columns=5)
    written = [folder / f"{name}.{kind}" for name in figures for kind in kinds]
    for path in written:
        with writing(path):
            data.write_whole(image(figures[path.stem], path.suffix[1:]), path)
    for kind in kinds if not history else ():  # another network's, replaced by --force
        (folder / f"curves.{kind}").unlink(missing_ok=True)
    if args.json:
        return dump(figures=[str(path) for path in written])
    print("\n".join(map(str, written)))


def study(args):
    """many recipes under many seeds, a row a run, resumed where it was"""
    out = output(args.out, force=True)

    from digitlib import study

    names = [name.strip() for name in args.recipes.split(",")]
    runs = study.plan(names, args.seeds, args.epochs)
    if args.dask is not None:
        reach(args.dask)
    there, cut_off = study.read(out) if out.exists() else ([], False)
    if cut_off:
        print(f"{out}: the last line was cut off; that run is made again", file=sys.stderr)
    there = {study.key(row) for row in there}
    jobs = min(args.jobs, len(runs))
    start, made = time.perf_counter(), 0
    with progress(total=len(runs), desc="study", unit="run") as bar:
        how = {"validate": args.validate, "unsure": args.unsure, "jobs": jobs, "dask": args.dask}
        for row in study.run(out, runs, source=args.data, **how):
            made += study.key(row) not in there
            bar.update()
    seconds = round(time.perf_counter() - start, 1)
    if args.json:
        return dump(study=str(out), runs=len(runs), made=made, seconds=seconds)
    print(f"{out}: {len(runs)} runs, {made} of them made now, {seconds} s")


# Files


def output(path, force=False):
    """A path that can be written to, tried before any work is done."""
    path = Path(path)
    if path.is_dir():
        raise Problem(f"{path}: is a folder; name a file")
    if os.path.lexists(path) and not force:
        raise Problem(f"{path}: exists; name another file, or overwrite it with --force")
    if os.path.lexists(path) and not path.is_file():
        raise Problem(f"{path}: is no ordinary file; name another")
    if not path.parent.is_dir():
        raise Problem(f"{path}: there is no folder {path.parent}; make it first")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise Problem(
            f"{path}: cannot be written ({error.strerror}); name another place"
        ) from error
    return path


@contextlib.contextmanager
def writing(path):
    """Turn a disk that refuses into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise Problem(
            f"{path}: cannot be written ({reason}); make room, or name another place"
        ) from error


def answers(args):
    """The data, and what a saved network gives for its test set: floats of shape (n, 10)."""
    from digitlib import data, models

    model, digits = models.load(args.model), data.load(args.data)
    try:
        return digits, models.answers(model, digits.x_test)
    except ValueError as error:
        raise Problem(f"{args.model}: {error}") from error


def reach(address):
    """Find out at once whether a Dask scheduler answers there."""
    try:
        from distributed import Client

        Client(address, timeout=10, set_as_default=False).close()
    except ModuleNotFoundError as error:
        raise Problem('--dask needs Dask: pip install "digitlib[cluster]"') from error
    except (OSError, ValueError) as error:
        raise Problem(
            f"no Dask scheduler answers at {address!r} ({str(error).partition(chr(10))[0]}); "
            "`dask scheduler` starts one and says its address"
        ) from error


def history_of(model):
    return Path(f"{model}.history.json")


def read_history(model):
    """The curves of a network's training, {name: values}; empty if they are not at hand."""
    path = history_of(model)
    if not path.exists():
        print(f"no curves: there is no {path}", file=sys.stderr)
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        history = {name: [float(v) for v in values] for name, values in record["history"].items()}
        lengths = {len(history[name]) for name in ("loss", "accuracy", *history)}
        if len(lengths) > 1 or 0 in lengths or not all(map(plausible, history.values())):
            raise ValueError(lengths)
        trained = record["sha256"]
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise Problem(f"{path}: not a record of a training; delete it to go without") from error
    if trained != hashlib.sha256(Path(model).read_bytes()).hexdigest():
        print(f"no curves: {path} belongs to another network", file=sys.stderr)
        return {}
    return history


def plausible(values):
    return all(0 <= value < 1e6 for value in values)


# What is shown


def dump(**facts):
    print(json.dumps(facts))


def columns(header, rows):
    """A table as text; columns of numbers are aligned to the right."""
    rows = [[str(cell) for cell in row] for row in [header, *rows]]
    shown = []
    for column in zip(*rows, strict=True):
        numbers = all(cell.replace(".", "", 1).isdigit() or cell == "nan" for cell in column[1:])
        width = max(map(len, column))
        shown.append([f"{cell:>{width}}" if numbers else f"{cell:{width}}" for cell in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*shown, strict=True))


def describe(layer):
    """A layer in a few words: Dense 128 relu, Conv2D 16 5x5 /2."""
    config = layer.get_config()
    facts = [config.get(name) for name in ("units", "filters", "rate")]
    facts += ["x".join(map(str, config.get(name, ()))) for name in ("kernel_size", "pool_size")]
    facts += [f"/{config.get('strides', (1,))[0]}" if "filters" in config else None]
    facts += [config.get("activation")]
    shown = [fact for fact in facts if fact and fact not in ("/1", "linear")]
    return " ".join(map(str, [type(layer).__name__, *shown]))


def image(figure, kind):
    """A figure as the bytes of a file, without the time it was made."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def progress(**what):
    from tqdm import tqdm

    return tqdm(**what, disable=None)  # None: only on a terminal


# The command line


def number(least, most):
    """A type for arguments: whole numbers in a range."""

    def read(text):
        if not text.isdecimal() or not least <= int(text[:12]) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


count = number(1, 100_000)


def parser():
    form = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "digitlib",
        description="Learning to Read Digits, from a terminal.",
        epilog="Each command has examples: digitlib train --help",
        formatter_class=form,
    )
    top.add_argument("--version", action="version", version=f"digitlib {digitlib.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(function, *examples):
        what = function.__doc__
        epilog = "\n  ".join(
            ["examples:", *(f"digitlib {function.__name__} {e}" for e in examples)]
        )
        sub = commands.add_parser(
            function.__name__, help=what, epilog=epilog, formatter_class=form,
            description=what[0].upper() + what[1:] + ".",
        )  # fmt: skip
        sub.set_defaults(function=function)
        sub.add_argument("--json", action="store_true", help="print JSON instead of text")
        if function not in (recipes, predict):
            sub.add_argument(
                "--data", metavar="SOURCE",
                help="auto, mnist, sample, or a path to MNIST (default: $DIGITLIB_DATA, else auto)",
            )  # fmt: skip
        if function in (evaluate, predict, export, visualize):
            sub.add_argument("model", metavar="MODEL", help="a .keras or .h5 file")
        if function in (train, predict, export, visualize):
            sub.add_argument("--force", action="store_true", help="overwrite what is there")
        return sub

    command(data, "", "--data sample", "--data mnist.npz --json")
    command(recipes, "", "--json")

    sub = command(
        train, "dropout --out model.keras",
        "one-hot --epochs 3 --seed 7 --holdout 10000 --out model.keras",
    )  # fmt: skip
    sub.add_argument("recipe", metavar="RECIPE", help="a name of `digitlib recipes`")
    sub.add_argument("--out", required=True, metavar="FILE", help="model.keras or model.h5")
    sub.add_argument("--epochs", type=count, metavar="N", help="default: the recipe's own")
    sub.add_argument("--seed", type=number(0, 2**32 - 1), default=0, metavar="S", help="default: 0")
    sub.add_argument(
        "--holdout", type=count, metavar="N",
        help="measure the last N training images after each epoch instead of training on them",
    )  # fmt: skip

    command(evaluate, "model.keras", "model.h5 --json")

    sub = command(
        predict, "model.keras photo.jpg", "model.keras photo.jpg --boxes found.png",
        "model.keras *.png --json",
    )  # fmt: skip
    sub.add_argument(
        "pictures",
        metavar="PICTURE",
        nargs="+",
        help="a PNG, JPEG, GIF, BMP, TIFF, WebP or PPM file",
    )
    sub.add_argument("--boxes", metavar="FILE", help="a copy of the picture with boxes, as PNG")

    sub = command(
        export, "model.keras --out model.tflite", "model.keras --weights int8 --out small.tflite"
    )
    sub.add_argument(
        "--out", required=True, metavar="FILE", help="model.tflite, or network.js for a page"
    )
    sub.add_argument(
        "--weights", choices=["float32", "float16", "int8"], default="float32",
        help="default: float32; int8 looks at training images",
    )  # fmt: skip

    sub = command(visualize, "model.keras --out figures/", "model.keras --out figures/ --force")
    sub.add_argument("--out", required=True, metavar="FOLDER", help="made if it is not there")

    sub = command(
        study, "--out study.jsonl", "--recipes dropout,svm --seeds 3 --epochs 2 --out quick.jsonl",
        "--dask tcp://10.0.0.1:8786 --out study.jsonl",
    )  # fmt: skip
    sub.add_argument("--out", required=True, metavar="FILE", help="one JSON object a line")
    sub.add_argument(
        "--recipes", default="dense,baselines", metavar="NAMES",
        help="names with commas between: of `digitlib recipes`, of baselines, or of groups, "
        "which are dense, convolutional, ingredients, baselines, all; default: dense,baselines",
    )  # fmt: skip
    sub.add_argument("--seeds", type=count, default=10, metavar="N", help="default: 10")
    sub.add_argument("--epochs", type=count, metavar="N", help="default: each recipe's own")
    sub.add_argument(
        "--validate", action="store_true",
        help="test on the last sixth of the training images, held out, instead of the test set",
    )  # fmt: skip
    sub.add_argument(
        "--unsure", action="store_true",
        help="keep the ten probabilities of unsure answers as well, to average networks by",
    )  # fmt: skip
    sub.add_argument(
        "--jobs", type=count, metavar="N", default=os.cpu_count(),
        help="processes at once (default: one a core)",
    )  # fmt: skip
    sub.add_argument("--dask", metavar="ADDRESS", help="let the workers of a Dask scheduler do it")
    return top


def main(argv=None):
    """Run the command; gives the exit status."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    try:
        status = args.function(args)
        if sys.stdout:
            sys.stdout.flush()
        return status or 0
    except (Problem, ValueError) as error:
        print(f"digitlib: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # such as | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"digitlib: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("digitlib: interrupted; nothing is left half-written", file=sys.stderr)
        return 130
