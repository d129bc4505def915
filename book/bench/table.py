"""What is said of the findings: the table of the colophon, and what its figure shows."""

from itertools import product
from statistics import mean, median, stdev

NOISY = 1.25  # the slowest fixed task over the usual one, from which on a machine is called noisy


def table(result):
    """The findings in bench.json as Markdown, each beside what a reader would use instead."""
    lines = ["| | instead | here | ratio |", "|:---|:---|:---|--:|"]
    for rows in (race, epoch, loading, engine, predict):
        if rows.__name__ in result:
            lines += [f"| {' | '.join(row)} |" for row in rows(result[rows.__name__])]
    whole = [book(result)] if "book" in result else []
    used = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    machine = f"Measured on {result['machine']}, with {used}."
    return "\n".join([*lines, "", " ".join([*whole, noise(result["moods"]), machine]), ""])


def race(runs):
    ends = {name: [run["curve"][-1] for run in runs[name]] for name in runs}
    for name, (column, what) in product(
        ("fast", "sprint"), enumerate(("Seconds", "Seconds of CPU"))
    ):
        theirs, ours = ([end[column] for end in ends[one]] for one in ("keras", name))
        yield [
            f"{what} to 99% on the test set, mean ± standard deviation of {len(ours)} seeds",
            f"Keras's example, {runs['keras'][0]['parameters']:,} parameters: {spread(theirs)}",
            f"recipe {name}, {runs[name][0]['parameters']:,} parameters: {spread(ours)}",
            ratio(mean(ours) / mean(theirs)),
        ]
    yield [
        "Seconds to 99.5%, likewise",
        "nobody found who published any",
        f"recipe mile, {runs['mile'][0]['parameters']:,} parameters: "
        + spread([end[0] for end in ends["mile"]]),
        "",
    ]


def epoch(runs):
    plain, ours = ([run["seconds"] for run in runs[name]] for name in ("plain", "ours"))
    pairs = zip(runs["plain"], runs["ours"], strict=True)
    same = all(one["weights"] == other["weights"] for one, other in pairs)
    yield [
        "Seconds an epoch of recipe 1, likewise; the weights are "
        + ("the same bit for bit" if same else "other"),
        f"as written everywhere, repeatable: {spread(plain)}",
        f"`digitlib.training`: {spread(ours)}",
        ratio(mean(ours) / mean(plain)),
    ]


def loading(pairs):
    theirs, ours = zip(*pairs, strict=True)
    yield [
        "Loading MNIST from a file, seconds",
        f"`load_data()`, nothing verified: {median(theirs):.2f}",
        f"`digitlib.data`, every byte verified: {median(ours):.2f}",
        ratio(median(b / a for a, b in pairs)),
    ]


def engine(runs):
    for name in runs["page"][0]:
        plain, page = ([round(run[name]) for run in runs[kind]] for kind in ("plain", "page"))
        yield [
            f"Images a second that a network learns from, {name}, batches of 32, one core",
            f"Keras, `fit`: {mean(plain):,.0f} ± {stdev(plain):,.0f}",
            f"`net.js` in Chromium: {mean(page):,.0f} ± {stdev(page):,.0f}",
            ratio(mean(page) / mean(plain)),
        ]


def predict(runs):
    plain, ours = ([run["seconds"] for run in runs[name]] for name in ("plain", "ours"))
    yield [
        "Seconds from the command to the answer, a picture of one digit",
        f"a script of four lines with Keras: {spread(plain)}",
        f"`digitlib predict`: {spread(ours)}",
        ratio(mean(ours) / mean(plain)),
    ]


def gains(result):
    """How many times as fast as what one would use instead, pair by pair: {what: [times]}."""
    found = {}

    def add(what, theirs, ours):
        found[what] = [a / b for a, b in zip(theirs, ours, strict=True)]

    if "race" in result:
        ends = {k: [run["curve"][-1] for run in runs] for k, runs in result["race"].items()}
        for name in ("sprint", "fast"):
            for column, unit in enumerate(("", ", CPU time")):
                both = ([end[column] for end in ends[one]] for one in ("keras", name))
                add(f"to 99% by {name}{unit}", *both)
    for part, what in [("epoch", "an epoch of recipe 1"), ("predict", "one picture read")]:
        if part in result:
            both = ([run["seconds"] for run in result[part][k]] for k in ("plain", "ours"))
            add(what, *both)
    if "loading" in result:
        add("loading, verified", *zip(*result["loading"], strict=True))
    if "engine" in result:
        plain, page = result["engine"]["plain"], result["engine"]["page"]
        for name in page[0]:
            what = f"in a page: {name}"
            add(what, *([run[name] for run in runs] for runs in (page, plain)))
    return found


def book(result):
    chapters = ", ".join(f"{seconds:.0f}" for seconds in result["chapters"].values())
    return (
        f"`make book` took {result['book']:.0f} s with every chapter executed (from the first to "
        f"the last: {chapters} s), and {result['peak'] / 2**30:.1f} GiB of memory at most; "
        f"`make site` took {result['site']:.0f} s."
    )


def noise(moods):
    slowest = max(max(of_part) / median(of_part) for of_part in moods.values())
    advice = (
        "too much to tell small differences apart: measure again on a quieter machine"
        if slowest > NOISY
        else "quiet enough"
    )
    told = f"The same small task took up to {slowest:.2f} times its usual time meanwhile"
    return f"{told}, {advice}."


def spread(values):
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def ratio(value):
    return f"{value:.2f}" if value > 0.2 else f"1/{1 / value:.1f}"
