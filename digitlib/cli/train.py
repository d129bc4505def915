"""`digitlib train`: a network of the reader's own."""

import json
import time

from digitlib.cli.common import (
    Problem,
    add_data,
    add_force,
    count,
    dump,
    history_of,
    number,
    output,
    progress,
    write,
    writing,
)

WHAT = "train a recipe, and save the network and the curves of its training"
EXAMPLES = (
    "dropout --out model.keras",
    "one-hot --epochs 3 --seed 7 --holdout 10000 --out model.keras",
)


def arguments(parser):
    add_data(parser)
    add_force(parser)
    parser.add_argument("recipe", metavar="RECIPE", help="a name of `digitlib recipes`")
    parser.add_argument("--out", required=True, metavar="FILE", help="model.keras or model.h5")
    parser.add_argument("--epochs", type=count, metavar="N", help="default: the recipe's own")
    parser.add_argument(
        "--seed", type=number(0, 2**32 - 1), default=0, metavar="S", help="default: 0"
    )
    parser.add_argument(
        "--holdout",
        type=count,
        metavar="N",
        help="measure the last N training images after each epoch instead of training on them",
    )


def run(args):
    out = output(args.out, force=args.force)
    curves = output(history_of(out), force=args.force)

    from digitlib import data, models, recipes, training
    from digitlib.quiet import keras

    if not out.name.lower().endswith(models.SUFFIXES):
        raise Problem(f"{out}: the name of a network ends in {', '.join(models.SUFFIXES)}")
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
    facts = {"recipe": recipe.name, "seed": args.seed, "epochs": epochs, "data": digits.name}
    with writing(out):
        sha256 = models.save(model, out, replace=args.force)
    record = facts | {"history": history.history, "sha256": sha256}
    write(json.dumps(record, indent=1).encode() + b"\n", curves, force=args.force)
    facts["seconds"] = round(time.perf_counter() - start, 1)
    if args.json:
        return dump(model=str(out), history=str(curves), **facts)
    print(f"{out}: {', '.join(f'{name} {value}' for name, value in facts.items())}")
