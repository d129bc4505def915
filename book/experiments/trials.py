"""What is tried: name → what differs from the baseline; and lists of them with their seeds."""

from dataclasses import replace
from itertools import product

from search import FIXED, Settings

MOST = 36  # trainings side by side


def seeds(n, first=0, fold=None):
    """n seeds, taking turns at the six folds unless all hold out the same."""
    return [(first + i, i % 6 if fold is None else fold) for i in range(n)]


def groups(trials, runs, most=MOST):
    """Trainings that share a program together, at most so many; as search.py wants them."""
    by = {}
    for name, changed in trials.items():
        for seed, fold in runs:
            one = replace(Settings(), **changed, seed=seed, fold=fold)
            by.setdefault(tuple(getattr(one, k) for k in FIXED), []).append((name, one))
    for many in by.values():
        n = -(-len(many) // most)
        size = -(-len(many) // n)
        for i in range(n):  # the last is filled up from the front, so that all have one shape
            part = many[i * size : (i + 1) * size]
            part = part + [(a, replace(b, seed=b.seed + 500)) for a, b in many[: size - len(part)]]
            yield [a for a, _ in part], [b for _, b in part]


INGREDIENTS = {
    "baseline": {},
    **{f"smoothing {v}": {"smoothing": v} for v in (0.05, 0.1, 0.2)},
    "half thickness and blur": {"thickness": 0.3, "blur": 0.5},
    "no thickness": {"thickness": 0.0},
    "no blur": {"blur": 0.0},
    "no thickness, no blur": {"thickness": 0.0, "blur": 0.0},
    "turns 20, shifts 20 %": {"rotation": 20.0, "shift": 5.6},
    "turns 20": {"rotation": 20.0},
    "turns 15": {"rotation": 15.0},
    "turns 8, shift 1": {"rotation": 8.0, "shift": 1.0},
    "shift 1": {"shift": 1.0},
    "shift 3": {"shift": 3.0},
    "scale .2": {"scale": 0.2},
    "scale .06": {"scale": 0.06},
    "shear .3": {"shear": 0.3},
    "affine x 0.7": {"rotation": 8.4, "scale": 0.084, "shear": 0.105, "shift": 1.4},
    "affine x 1.4": {"rotation": 16.8, "scale": 0.168, "shear": 0.21, "shift": 2.8},
    **{f"elastic {v}": {"elastic": v} for v in (0.4, 0.7, 1.0, 1.5)},
    **{f"erase {v}": {"erase": v} for v in (0.25, 0.5)},
    **{f"mixup {v}": {"mixup": v} for v in (0.1, 0.3)},
    **{f"dropout {v}": {"dropout": v} for v in (0.0, 0.2, 0.5)},
    **{f"decay {v}": {"decay": v} for v in (0.01, 0.03, 0.1, 0.3)},
    **{f"rate {v}": {"rate": v} for v in (0.002, 0.003, 0.008, 0.012, 0.02)},
    **{f"calm {v}": {"calm": v} for v in (0.1, 0.2)},
    "half calm .2": {"calm": 0.2, "calmness": 0.5},
    "memory .9": {"memory": 0.9},
    "floor .1": {"floor": 0.1},
    "warm .02": {"warm": 0.02},
    "warm .3": {"warm": 0.3},
}
PROGRAMS = {
    "elastic 1, 4 knots": {"elastic": 1.0, "knots": 4},
    "elastic 1, 10 knots": {"elastic": 1.0, "knots": 10},
    "batch 64, rate .0035": {"batch": 64, "rate": 0.0035},
    "batch 256, rate .007": {"batch": 256, "rate": 0.007},
    "batch 512, rate .01": {"batch": 512, "rate": 0.01},
    **{f"epochs {v}": {"epochs": v} for v in (6, 24, 48)},
    **{f"sgd {v}": {"optimizer": "sgd", "rate": v} for v in (0.03, 0.1, 0.3)},
    "sgd .1, decay .005": {"optimizer": "sgd", "rate": 0.1, "decay": 0.005},
    **{f"muon {v}": {"optimizer": "muon", "rate": v} for v in (0.01, 0.02, 0.05, 0.1)},
    "muon .02, decay .1": {"optimizer": "muon", "rate": 0.02, "decay": 0.1},
    "muon .05, momentum .95": {"optimizer": "muon", "rate": 0.05, "momentum": 0.95},
    "width .5": {"net": "c12u c24/2 c32 c48/2 c64 f d o"},
    "width .7": {"net": "c16u c34/2 c44 c68/2 c90 f d o"},
    "width 1.4": {"net": "c34u c68/2 c90 c134/2 c180 f d o"},
    "norm of logits": {"net": "c24u c48/2 c64 c96/2 c128 f d on"},
    "ten maps, norm, average": {"net": "c24u c48/2 c64 c96/2 c128 d c10k1l g"},
    "average, dense": {"net": "c24u c48/2 c64 c96/2 c128 g d o"},
    "norm in the first": {"net": "c24 c48/2 c64 c96/2 c128 f d o"},
    "first 5x5": {"net": "c24k5u c48/2 c64 c96/2 c128 f d o"},
    "first 5x5 stride 2": {"net": "c32k5/2u c64 c64 c96/2 c128 f d o"},
    "same padding": {"net": "c24pu c48/2p c64p c96/2p c128p f d o"},
    "max pooling": {"net": "c24u c48 m2 c64 c96 m2 c128 f d o"},
    "average pooling": {"net": "c24u c48 a2 c64 c96 a2 c128 f d o"},
    "average pooling first": {"net": "a2 c32 c64 c96/2 c128 f d o"},
    "32-48-48/2-64-64-96/2": {"net": "c32u c48 c48/2 c64 c64 c96/2 c10k1l g"},
    "deeper": {"net": "c24u c32 c48/2 c64 c64 c96/2 c128 f d o"},
    "deeper, residual": {"net": "c24u c48/2 c48pr c64 c96/2 c96pr c128 f d o"},
    "last wide": {"net": "c24u c48/2 c64 c96/2 c192 f d o"},
    "first narrow": {"net": "c12u c48/2 c64 c96/2 c128 f d o"},
    "front narrow, back wide": {"net": "c16u c32/2 c64 c96/2 c160 f d o"},
    "gelu": {"act": "gelu"},
    "silu": {"act": "silu"},
    "float32": {"precision": "float32"},
}


GOOD = {"calm": 0.2, "smoothing": 0.05, "thickness": 0.0, "blur": 0.0}
COMBINED = {
    "calm, smooth": {"calm": 0.2, "smoothing": 0.05},
    "calm, sharp": {"calm": 0.2, "thickness": 0.0, "blur": 0.0},
    "good": GOOD,
    "good, thick": GOOD | {"thickness": 0.6},
    "good, blur": GOOD | {"blur": 1.0},
    "good, decay .1": GOOD | {"decay": 0.1},
    "good, decay .3": GOOD | {"decay": 0.3},
    "good, elastic .4": GOOD | {"elastic": 0.4},
    "good, dropout .2": GOOD | {"dropout": 0.2},
    "good, affine x 0.7": GOOD | {"rotation": 8.4, "scale": 0.084, "shear": 0.105, "shift": 1.4},
    "good, affine x 1.4": GOOD | {"rotation": 16.8, "scale": 0.168, "shear": 0.21, "shift": 2.8},
    "good, calm .4": GOOD | {"calm": 0.4},
    "good, rate .01": GOOD | {"rate": 0.01},
}
MUON = {f"muon {v}": PROGRAMS[f"muon {v}"] | {"momentum": 0.95} for v in (0.02, 0.05)}

HALF = {"rotation": 7.0, "scale": 0.07, "shear": 0.09, "shift": 1.0}
B = {
    "B1": "c16u c32/2 c44 c66/2 c86 f d o",
    "B2": "c16u c24 c32/2 c40 c48 c64/2 c48 f d o",
    "B3": "c32u w c48k1 w/2 c96k1 w c96k1 w/2 c128k1 w c128k1 f d o",
    "B4": "c20u c32 m2 c48 c64 m2 c64 f d o",
}
D = {
    "D1": "c8u c12/2 c16 c20/2 c18 f o",
    "D2": "c8u c12 m2 c16 c18 m2 c20 f o",
    "D3": "c8u c10 c12/2 c14 c16 c18/2 c10l g",
    "D4": "c16u w c24k1 w/2 c32k1 w c32k1 w/2 c48k1 w c48k1 g o",
    "D5": "c16u wl c24k1 w/2l c32k1 wl c32k1 w/2l c48k1 wl c48k1 g o",
}
SMALL = {f"{k} good": GOOD | {"net": v, "epochs": 24, "dropout": 0.2} for k, v in B.items()}
SMALL |= {
    f"{k} good half": GOOD | HALF | {"net": v, "epochs": 24, "dropout": 0.2}
    for k, v in B.items()
    if k in ("B1", "B4")
}
SMALL |= {f"{k} good": GOOD | {"net": v, "epochs": 30} for k, v in D.items()}
SMALL |= {f"{k} good half": GOOD | HALF | {"net": v, "epochs": 30} for k, v in D.items()}
SMALL |= {
    f"{k} half, hard": GOOD | HALF | {"smoothing": 0.0, "net": D[k], "epochs": 30}
    for k in ("D2", "D4")
}

PLAIN = {"calm": 1.0, "dropout": 0.0}  # no distortions
QUICK = {
    "fast": "c16k5/2u c32/2 c64 f o",
    "normed": "c16k5/2 c32/2 c64 f o",
    "halved": "a2 c16 c32/2 c64 f o",
    "halved narrow": "a2 c12 c24/2 c48 f o",
    "narrow": "c12k5/2 c24/2 c48 f o",
    "halved 5x5": "a2 c24k5/2 c48 f o",
    "by three": "c24k5/3 c48/2 f o",
}
NETS = QUICK | {"wide": "c24k5/2 c48/2 c96 f o", "late": "c16k5/2 c32 c64/2 f o"}


BEST = GOOD | {"dropout": 0.2}


def plain(name, epochs, told, **settings):
    """What a trial without distortions is called, and its settings."""
    return f"{name} {epochs} {told}", PLAIN | {"net": NETS[name], "epochs": epochs} | settings


def muon(cases):
    """Each of the cases (name, epochs, batch) with Muon, at three rates and two momentums."""
    more = {"optimizer": "muon", "memory": 0.9, "aside": 0.01}
    for (name, epochs, batch), rate, momentum in product(cases, (0.02, 0.05, 0.1), (0.9, 0.6)):
        told = f"muon {batch} rate {rate} momentum {momentum}"
        yield plain(name, epochs, told, batch=batch, rate=rate, momentum=momentum, **more)


def quick():
    for name in QUICK:
        batches = (64, 128) if name in ("fast", "normed", "halved") else (64,)
        for batch, rate, memory in product(batches, (0.005, 0.01, 0.02), (0.9, 0.97)):
            told = f"adam {batch} rate {rate} memory {memory}"
            yield plain(name, 1, told, batch=batch, rate=rate, memory=memory)
    cases = [("normed", 1, 64), ("normed", 1, 128), ("halved", 1, 64)]
    yield from muon([*cases, ("normed", 0.5, 64), ("narrow", 1, 64)])
    for smoothing, memory in product((0.0, 0.1), (0.9, 0.97, 0.99)):
        told = f"smoothing {smoothing} memory {memory}"
        yield plain("fast", 2, told, rate=0.01, smoothing=smoothing, memory=memory)


def quicker():
    cases = [("normed", 1, 64), ("narrow", 1, 64), ("normed", 2, 64), ("wide", 1, 64)]
    cases += [("normed", 1, 32), ("late", 1, 64), ("narrow", 2, 64), ("halved", 1, 64)]
    yield from muon([*cases, ("normed", 1, 128), ("normed", 0.5, 32)])
    for (name, batch, memory), rate, smoothing in product(
        [("fast", 128, 0.99), ("normed", 64, 0.95)], (0.01, 0.02), (0.0, 0.1)
    ):
        told = f"adam {batch} rate {rate} smoothing {smoothing}"
        yield plain(name, 2, told, batch=batch, rate=rate, smoothing=smoothing, memory=memory)


def two(n):
    """New seeds, half of them on the last fold and half on another."""
    return seeds(n, 2000, 5) + seeds(n, 3000, 2)


def confirm():
    """The combinations under new seeds, and changes that had too few before."""
    normed = {"epochs": 16, "net": "c24u c48/2 c64 c96/2 c128 f d on"}
    yield from groups({"A1": BEST | {"epochs": 16}}, two(12))
    yield from groups({"best": BEST}, seeds(12, 4000))
    yield from groups({"A2": BEST | {"epochs": 28, "net": B["B1"]}}, two(12))
    yield from groups({"A1n": BEST | normed}, two(12))
    yield from groups({"A3": BEST | {"epochs": 16, "net": B["B2"]}}, two(12))
    yield from groups(MUON, seeds(12))
    last = ["gelu", "silu", "epochs 6", "front narrow, back wide"]
    yield from groups({k: PROGRAMS[k] for k in last}, seeds(12))


def long():
    yield from groups({"D2 long": GOOD | {"net": D["D2"], "epochs": 60}}, two(8))
    yield from groups({"D4 long": GOOD | {"net": D["D4"], "epochs": 40}}, two(6))
    yield from groups({"B2 long": BEST | {"net": B["B2"], "epochs": 40}}, two(8))


LISTS = {
    "check": lambda: groups({"accurate": {}}, seeds(24, 1000, 5)),
    "ingredients": lambda: groups(INGREDIENTS, seeds(12)),
    "programs": lambda: groups(PROGRAMS, seeds(12)),
    "combined": lambda: groups(COMBINED, seeds(12, 100)),
    "small": lambda: groups(SMALL, seeds(6), most=30),
    "quick": lambda: groups(dict(quick()), seeds(12), most=72),
    "muon": lambda: groups(dict(quicker()), seeds(12, 200), most=72),
    "confirm": confirm,
    "long": long,
}


def lists(names):
    """The groups of these lists, one after the other."""
    return [one for name in names for one in LISTS[name]()]
