"""Measure the book against what a reader would use instead; `make bench` is the usual door.

Every ratio is of two things measured in turn, each in a process of its own. Each part is a script
of that name beside this one, which runs alone as well: `python book/bench/race.py`. What it finds
takes its place in book/results/bench.json, and in the table and the figure of the colophon, bench.md and
bench.svg.
Needs MNIST, and a machine that does nothing else meanwhile.
"""

import argparse
import subprocess
import sys
from pathlib import Path

PARTS = ("race", "epoch", "loading", "engine", "predict", "book")

parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
parser.add_argument(
    "--only", choices=PARTS, action="append", metavar="PART",
    help=f"measure one part anew and keep the others: {', '.join(PARTS)}",
)  # fmt: skip
for part in parser.parse_args().only or PARTS:
    print(f"{part}:", flush=True)
    failed = subprocess.call([sys.executable, Path(__file__).with_name(f"{part}.py")])
    if failed:
        sys.exit(failed)
