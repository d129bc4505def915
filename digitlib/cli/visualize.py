"""`digitlib visualize`: the figures of the book, of one's own network."""

import hashlib
import io
import json
import os
from pathlib import Path

from digitlib.cli.common import (
    READER,
    Problem,
    add_data,
    add_force,
    add_model,
    answers,
    complain,
    dump,
    history_of,
    output,
    write,
)

WHAT = "curves of the training, confusion matrix and surest mistakes as PNG and SVG"
EXAMPLES = ("model.keras --out figures/", "model.keras --out figures/ --force")
NAMES, KINDS = ("curves", "matrix", "mistakes"), ("png", "svg")


def arguments(parser):
    add_data(parser)
    add_force(parser)
    add_model(parser)
    parser.add_argument("--out", required=True, metavar="FOLDER", help="made if it is not there")


def run(args):
    folder = Path(args.out)
    if os.path.lexists(folder) and not folder.is_dir():
        raise Problem(f"{folder}: is a file; name a folder for the figures")
    possible = [folder / f"{name}.{kind}" for name in NAMES for kind in KINDS]
    for path in possible if folder.exists() else ():
        output(path, force=args.force)

    os.environ["MPLBACKEND"] = "agg"
    import matplotlib as mpl
    from sklearn.metrics import confusion_matrix

    from digitlib import evaluation, plots

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
    written = [folder / f"{name}.{kind}" for name in figures for kind in KINDS]
    for path in written:
        write(image(figures[path.stem], path.suffix[1:]), path, force=args.force)
    for path in possible:
        if path not in written:  # another network's, replaced by --force
            path.unlink(missing_ok=True)
    if args.json:
        return dump(figures=[str(path) for path in written])
    print("\n".join(map(str, written)))


def read_history(model):
    """The curves of a network's training, {name: values}; empty if they are not at hand."""
    from digitlib import files

    model = files.packaged("results/reader.weights.h5") if model == READER else Path(model)
    path = history_of(model)
    if not path.exists():
        complain(f"no curves: there is no {path}")
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
    if trained != hashlib.sha256(model.read_bytes()).hexdigest():
        complain(f"no curves: {path} belongs to another network")
        return {}
    return history


def plausible(values):
    return all(0 <= value < 1e6 for value in values)


def image(figure, kind):
    """A figure as the bytes of a file, without the time it was made."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()
