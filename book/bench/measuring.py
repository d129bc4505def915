"""What the scripts beside this one share: two things measured in turn, how noisy the machine is
meanwhile, and where the findings are kept."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import figure
import numpy as np
import table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULT = ROOT / "book" / "results" / "bench.json"
sys.path.insert(0, str(ROOT))  # of this working copy, and of no other
from digitlib import data, files

moods = []  # seconds that one and the same small task took, between the measurements


def mood():
    """See how busy the machine is with other things."""
    matrix = np.ones((600, 600), "float32")
    watch = stopwatch()
    for _ in range(60):
        matrix @ matrix
    moods.append(watch()[0])


def stopwatch():
    """A function that gives the seconds since now: by the clock, and of the processors."""
    start = time.perf_counter(), time.process_time()
    return lambda: (time.perf_counter() - start[0], time.process_time() - start[1])


def alone(task, *arguments):
    """What a function of one of the scripts returns, in a process of its own."""
    mood()
    module = Path(task.__code__.co_filename).stem
    call = f"{module}.{task.__name__}({', '.join(map(repr, arguments))})"
    watch = stopwatch()
    done = subprocess.run(
        [sys.executable, "-c", f"import json, {module}; print(json.dumps({call}))"],
        env=os.environ | {"PYTHONPATH": str(HERE), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{call} failed:\n{done.stderr[-2000:]}")
    print(f"  {call} ended after {watch()[0]:.0f} s", flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(seeds, **pair):
    """Results of two functions of a seed, taking turns: {name: [result for each seed]}."""
    results = {name: [] for name in pair}
    for seed in range(seeds):
        for name, task in pair.items():
            results[name].append(alone(task, seed))
    return results


def need_mnist():
    """MNIST as `Digits`, also for all processes to come; without it, the end."""
    try:
        digits = data.load()
    except ValueError as error:
        sys.exit(str(error))
    if digits.name != "mnist":
        sys.exit("bench needs MNIST: set DIGITLIB_DATA to mnist, or to a copy of it")
    if (asked := data.asked_for()) not in ("auto", "mnist"):  # a path; the book is built elsewhere
        os.environ["DIGITLIB_DATA"] = os.path.abspath(os.path.expanduser(asked))
    return digits


def keep(part, found, path=RESULT):
    """Put what was found into bench.json in place of earlier findings of that part, with how busy the
    machine was and on what it ran, and tell all in bench.md and bench.svg."""
    sys.path.append(str(ROOT / "book" / "tools"))
    import depends

    from digitlib import study  # not before: it sets the number of threads of what is measured

    mood()
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"on": {}}
    result[part] = found
    used = depends.versions()
    versions = {name: used[name] for name in ("tensorflow", "keras", "numpy")}
    result["on"][part] = {"moods": moods, "machine": study.machine(), "versions": versions}
    files.write_whole(json.dumps(result, indent=1).encode() + b"\n", path)
    text = table.table(result)
    files.write_whole(text.encode(), path.with_suffix(".md"))
    files.write_whole(figure.figure(result), path.with_suffix(".svg"))
    print(f"\n{text}")
