"""What is said of the findings: the table of the colophon."""

from itertools import product
from statistics import mean, median, stdev

NOISY = 1.25  # the slowest fixed task over the usual one, from which on a machine is called noisy


def table(result):
    """The findings in bench.json as Markdown, each beside what a reader would use instead."""
    lines = ["| | instead | here | ratio |", "|:---|:---|:---|--:|"]
    for part, rows in [("race", race), ("epoch", epoch), ("loading", loading), ("engine", engine)]:
        if part in result:
            lines += [f"| {' | '.join(row)} |" for row in rows(result[part])]
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
