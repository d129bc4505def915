"""`digitlib recipes`: which networks can be trained?"""

from digitlib.cli.common import columns, dump

WHAT = "the table of networks"
EXAMPLES = ("", "--json")


def arguments(parser):
    pass


def run(args):
    from digitlib.recipes import RECIPES, RECORDS

    networks = [
        {
            "number": number if recipe.name in RECIPES else None,
            "name": recipe.name,
            "parameters": model.count_params(),
            "epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "layers": [describe(layer) for layer in model.layers],
            "loss": getattr(recipe.loss, "name", recipe.loss),
            "smoothing": recipe.smoothing,
            "claim": recipe.claim,
            "chosen": recipe.chosen,
        }
        for number, recipe in enumerate((RECIPES | RECORDS).values(), 1)
        for model in [recipe.build()]
    ]
    if args.json:
        return dump(recipes=networks)
    rows = [[*network.values()][:6] for network in networks]
    for row in rows:
        row[0] = row[0] or ""  # the records have no number
        row[-1] = ", ".join(row[-1])
    print(columns(["number", "name", "parameters", "epochs", "batch", "layers"], rows))


def describe(layer):
    """A layer in a few words: Dense 128 relu, Conv2D 16 5x5 /2."""
    config = layer.get_config()
    facts = [config.get(name) for name in ("units", "filters", "rate")]
    facts += ["x".join(map(str, config.get(name, ()))) for name in ("kernel_size", "pool_size")]
    facts += [f"/{config.get('strides', (1,))[0]}" if "kernel_size" in config else None]
    facts += [config.get("activation")]
    shown = [fact for fact in facts if fact and fact not in ("/1", "linear")]
    return " ".join(map(str, [type(layer).__name__, *shown]))
