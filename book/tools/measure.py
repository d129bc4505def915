"""What do the chapters record under other seeds? The ranges in book/claims come from here.

    python book/tools/measure.py 05_evaluating --runs 6       on the data of DIGITLIB_DATA
    python book/tools/measure.py --test --runs 8              all, as the tests run them

Prints for each chapter and each number the least and the largest value, and, where there is a
claim, whether it holds them. Runs are kept in _build/measured and not made again.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import claims
from build import BUILD, load_data
from chapters import chapters, declared
from execute import run_chapters

FIRST = 100  # the seeds; no chapter's own


def values(names, runs, test):
    """{chapter: {number: values, one a run}}."""
    data, data_hash = load_data()
    found = {name: {} for name in names}
    for seed in range(FIRST, FIRST + 10 * runs, 10):
        given = {
            name: (claims.settings(name, "sample") if test else {}) | {"SEED": seed}
            for name, nb in chapters().items()
            if "SEED" in declared(nb)
        }
        folder = BUILD / "measured" / data / str(seed)
        done, _ = run_chapters(folder, given, data, data_hash, names)
        for name in names:
            for key, value in claims.recorded(done[name]):
                found[name].setdefault(key, []).append(value)
    return data, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="CHAPTER", help="default: all")
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--test", action="store_true", help="on the sample, with its settings")
    args = parser.parse_args()
    if args.test:
        os.environ["DIGITLIB_DATA"] = "sample"
    names = args.names or [*chapters()]
    data, found = values(names, args.runs, args.test)
    for name in names:
        print(f"\n{name}, {args.runs} runs on {data}")
        ranges = claims.read(name).get(data, {}).get("ranges", {})
        for key, seen in found[name].items():
            few = sorted(set(seen)) if isinstance(seen[0], str) else [min(seen), max(seen)]
            claim = ranges.get(key)
            held = claim is None or all(claims.holds(value, claim) for value in seen)
            print(f"{'' if held else '! '}{key} = {few}  # claimed {claim}")


if __name__ == "__main__":
    main()
