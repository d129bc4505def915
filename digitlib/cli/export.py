"""`digitlib export`: a network that leaves Python."""

import json

from digitlib.cli.common import Problem, add_data, add_force, add_model, network, output, write

WHAT = "a network as a LiteRT file, for phones and browsers"
EXAMPLES = (
    "model.keras --out model.tflite",
    "model.keras --weights int8 --out small.tflite",
    "reader --weights float16 --out network.js",
)


def arguments(parser):
    add_data(parser)
    add_force(parser)
    add_model(parser)
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="model.tflite, or network.js for a page"
    )
    parser.add_argument(
        "--weights",
        choices=["float32", "float16", "int8"],
        default="float32",
        help="default: float32; int8 looks at training images",
    )
    parser.add_argument(
        "--maps", action="store_true", help="also give what comes out of each activation function"
    )


def run(args):
    out = output(args.out, force=args.force)
    page = out.suffix.lower() == ".js"
    if not page and out.suffix.lower() != ".tflite":
        raise Problem(f"{out}: expected a name that ends in .tflite, or in .js for a page")

    from digitlib import data, export

    model = network(args.model)
    examples = data.load(args.data).x_train if args.weights == "int8" else None
    content = export.litert(model, args.weights, examples, args.maps)
    write(export.script("network", content) if page else content, out, force=args.force)
    facts = {"file": str(out), "weights": args.weights, "bytes": out.stat().st_size}
    print(json.dumps(facts) if args.json else f"{out}: {facts['bytes']:,} bytes, {args.weights}")
