"""What is said of the findings: each pair, and from these the table of the colophon."""

from dataclasses import dataclass
from statistics import mean, median, stdev

NOISY = 1.25  # the slowest fixed task over the usual one, from which on a machine is called noisy


@dataclass(frozen=True)
class Pair:
    """What the book does, and what a reader would use instead, measured in turn."""

    name: str  # in the figure
    what: str  # in the table
    instead: str
    theirs: list  # seconds or, as a `rate`, images a second; empty if nobody is known
    here: str
    ours: list
    rate: bool = False

    @property
    def gains(self):
        """How many times as fast the book was, each time."""
        both = (self.ours, self.theirs) if self.rate else (self.theirs, self.ours)
        return [a / b for a, b in zip(*both, strict=True)]

    @property
    def gain(self):
        """How many times as fast it was by the means of both."""
        ratio = mean(self.theirs) / mean(self.ours)
        return 1 / ratio if self.rate else ratio

    def row(self):
        cells = [self.what, self.instead, f"{self.here}: {self.spread(self.ours)}", ""]
        if self.theirs:
            cells[1] += f": {self.spread(self.theirs)}"
            cells[3] = f"{self.gain:.{1 if self.gain > 5 else 2}f}"
        return f"| {' | '.join(cells)} |"

    def spread(self, values):
        form = ",.0f" if self.rate else ".1f" if mean(values) > 1 else ".2f"
        return " ± ".join(f"{one:{form}}" for one in (mean(values), *spread(values)))


def spread(values):
    return [stdev(values)] if len(values) > 1 else []


def table(result):
    """The findings in bench.json as Markdown."""
    lines = ["| | instead | here | times as fast |", "|:---|:---|:---|--:|"]
    lines += [pair.row() for pair in pairs(result)]
    whole = [book(result["book"])] if "book" in result else []
    return "\n".join([*lines, "", " ".join([*whole, conditions(result["on"])]), ""])


def pairs(result):
    """Each `Pair` of the parts that have been measured."""
    parts = (race, epoch, loading, engine, predict)
    return [
        one for part in parts if (name := part.__name__) in result for one in part(result[name])
    ]


def race(runs):
    def size(name):
        return f"{runs[name][0]['parameters']:,} parameters"

    def ended(name, column=0):
        return [run["curve"][-1][column] for run in runs[name]]

    seeds = f"mean ± standard deviation of {len(runs['keras'])} seeds"
    for name in ("fast", "sprint"):
        for column, unit in enumerate(("", " of CPU time")):
            yield Pair(
                f"to 99% by {name}{unit.replace(' of', ',')}",
                f"Seconds{unit} to 99% on the test set, {seeds}",
                f"Keras's example, {size('keras')}",
                ended("keras", column),
                f"recipe {name}, {size(name)}",
                ended(name, column),
            )
    what, here = "Seconds to 99.5%, likewise", f"recipe mile, {size('mile')}"
    yield Pair("to 99.5%", what, "nobody found who published any", [], here, ended("mile"))


def epoch(runs):
    plain, ours = ([run["seconds"] for run in runs[name]] for name in ("plain", "ours"))
    both = zip(runs["plain"], runs["ours"], strict=True)
    same = all(one["weights"] == other["weights"] for one, other in both)
    what = "Seconds an epoch of recipe 1, likewise; the weights are "
    what += "the same bit for bit" if same else "other"
    instead, here = "as written everywhere, repeatable", "`digitlib.training`"
    yield Pair("an epoch of recipe 1", what, instead, plain, here, ours)


def loading(runs):
    theirs, ours = zip(*runs, strict=True)
    what, instead = "Loading MNIST from a file, seconds", "`load_data()`, nothing verified"
    yield Pair("loading, verified", what, instead, theirs, "`digitlib.data`, all verified", ours)


def engine(runs):
    for name in runs["page"][0]:
        plain, page = ([run[name] for run in runs[kind]] for kind in ("plain", "page"))
        what = f"Images a second that a network learns from, {name}, batches of 32, one core"
        here, instead = "`net.js` in Chromium", "Keras, `fit`"
        yield Pair(f"in a page: {name}", what, instead, plain, here, page, rate=True)


def predict(runs):
    plain, ours = ([run["seconds"] for run in runs[name]] for name in ("plain", "ours"))
    what = "Seconds from the command to the answer, a picture of one digit"
    instead, here = "a script of four lines with Keras", "`digitlib predict`"
    yield Pair("one picture read", what, instead, plain, here, ours)


def book(found):
    chapters = ", ".join(f"{seconds:.0f}" for seconds in found["chapters"].values())
    return (
        f"`make book` took {found['seconds']:.0f} s with {len(found['chapters'])} chapters "
        f"executed, several at a time (from the first to the last: {chapters} s), and {found['peak'] / 2**30:.1f} GiB of memory at most; "
        f"`make site` took {found['site']:.0f} s."
    )


def conditions(on):
    """How noisy the machine was, and on what it was measured, part by part where these differ."""
    slowest = {part: max(of["moods"]) / median(of["moods"]) for part, of in on.items()}
    noisy = [part for part, times in slowest.items() if times > NOISY]
    told = (
        f"The same small task took up to {max(slowest.values()):.2f} times its usual time meanwhile"
    )
    advice = (
        f"so small differences in {', '.join(noisy)} mean little" if noisy else "so it was quiet"
    )
    places = {}
    for part, of in on.items():
        used = ", ".join(f"{name} {number}" for name, number in of["versions"].items())
        places.setdefault(f"on {of['machine']}, with {used}", []).append(part)
    where = "; ".join(
        place if len(places) == 1 else f"{', '.join(parts)} {place}"
        for place, parts in places.items()
    )
    return f"{told}, {advice}. Measured {where}."
