"""A line for each trial from the rows of search.py, a line for each training. Into book/results.

    python book/experiments/searched.py ROWS LIST [LIST ...]

The lists are those that search.py was called with. Averaged weights are told of the baseline alone.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from digitlib import files

TOLD = ("trial", "changed", "epochs", "parameters", "multiply_adds")


def searched(rows, lists):
    """The lines of trials.jsonl: how they were made, then the trials in the order of their rows."""
    trials = {}
    for row in rows:
        told = [(row["trial"], row["changed"], row["right"])]
        if row["trial"] == "baseline":
            averaged = row["averaged"].items()
            told += [(f"averaged {d}", {"averaged": float(d)}, right) for d, right in averaged]
        for name, changed, right in told:
            new = {key: row[key] for key in TOLD} | {"trial": name, "changed": changed, "right": {}}
            runs = trials.setdefault(name, new)["right"]
            runs.setdefault(str(row["fold"]), {})[str(row["seed"])] = right
    yield {
        "command": f"python book/experiments/search.py ROWS SECONDS {' '.join(lists)}",
        "calls": "several, each ended by its seconds: not every trial of these lists was run, and single ones with fewer seeds",
        "device": " and ".join(sorted({row["device"] for row in rows})),
        "n": rows[0]["n"],
        "right": "{which sixth of the training images is held out: {seed: how many of it are read right}}",
    }
    yield from trials.values()


if __name__ == "__main__":
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    lines = [f"{json.dumps(line)}\n" for line in searched(rows, sys.argv[2:])]
    files.write_whole("".join(lines).encode(), ROOT / "book/results/trials.jsonl")
