"""`digitlib study`: many recipes under many seeds."""

import os
import time

from digitlib.cli.common import add_data, complain, count, dump, output, progress

WHAT = "many recipes under many seeds, a row a run, resumed where it was"
EXAMPLES = (
    "--out study.jsonl",
    "--recipes dropout,svm --seeds 3 --epochs 2 --out quick.jsonl",
    "--dask tcp://10.0.0.1:8786 --out study.jsonl",
)


def arguments(parser):
    add_data(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="one JSON object a line")
    parser.add_argument(
        "--recipes",
        default="dense,baselines",
        metavar="NAMES",
        help="names with commas between: of `digitlib recipes`, of baselines, or of groups, "
        "which are dense, convolutional, ingredients, records, baselines, all; "
        "default: dense,baselines",
    )
    parser.add_argument("--seeds", type=count, default=10, metavar="N", help="default: 10")
    parser.add_argument("--epochs", type=count, metavar="N", help="default: each recipe's own")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="test on the last sixth of the training images, held out, instead of the test set",
    )
    parser.add_argument(
        "--unsure",
        action="store_true",
        help="keep the ten probabilities of unsure answers as well, to average networks by",
    )
    parser.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        default=os.cpu_count(),
        help="processes at once (default: one a core)",
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="let the workers of a Dask scheduler do it"
    )


def run(args):
    out = output(args.out, force=True)

    from digitlib import study

    names = [name.strip() for name in args.recipes.split(",")]
    runs = study.plan(names, args.seeds, args.epochs)
    there, cut_off = study.read(out) if out.exists() else ([], False)
    if cut_off:
        complain(f"{out}: the last line was cut off; that run is made again")
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
