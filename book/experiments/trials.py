"""What is tried: name → what differs from the baseline; and lists of them with their seeds."""

import os
from dataclasses import replace

from search import FIXED, Settings

MOST = int(os.environ.get("LANES", 36))  # trainings side by side


def seeds(n, first=0, fold=None):
    """n seeds, taking turns at the six folds unless all hold out the same."""
    return [(first + i, i % 6 if fold is None else fold) for i in range(n)]


def groups(trials, runs, keep="", most=MOST):
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
            yield [a for a, _ in part], [b for _, b in part], keep


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
    "average pooling first": {"net": "a2 c32pu c64p c96 c128/2 c128 f d o"},
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
FIRST = [
    "epochs 24",
    "batch 64, rate .0035",
    "batch 256, rate .007",
    "norm of logits",
    "ten maps, norm, average",
    "first 5x5 stride 2",
    "max pooling",
    "deeper",
    "front narrow, back wide",
    "gelu",
    "silu",
    "width 1.4",
    "epochs 6",
    "average, dense",
]
DEAR = ["epochs 48", "32-48-48/2-64-64-96/2", "same padding", "float32"]
PROGRAMS["average pooling first"] = {"net": "a2 c32 c64 c96/2 c128 f d o"}
MUON = {k: v for k, v in PROGRAMS.items() if k in ("muon 0.01", "muon 0.02", "muon 0.05")}
MUON = {k: v | {"momentum": 0.95} for k, v in MUON.items()}

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


def quick():
    for name, net in QUICK.items():
        for batch in (64, 128) if name in ("fast", "normed", "halved") else (64,):
            for rate in (0.005, 0.01, 0.02):
                for memory in (0.9, 0.97):
                    tag = f"{name} 1 adam {batch} rate {rate} memory {memory}"
                    yield (
                        tag,
                        PLAIN
                        | {"net": net, "epochs": 1, "batch": batch, "rate": rate, "memory": memory},
                    )
    for name, epochs, batch in [
        ("normed", 1, 64),
        ("normed", 1, 128),
        ("halved", 1, 64),
        ("normed", 0.5, 64),
        ("narrow", 1, 64),
    ]:
        for rate in (0.02, 0.05, 0.1):
            for momentum in (0.9, 0.6):
                tag = f"{name} {epochs} muon {batch} rate {rate} momentum {momentum}"
                more = {"optimizer": "muon", "momentum": momentum, "memory": 0.9, "aside": 0.01}
                yield (
                    tag,
                    PLAIN
                    | more
                    | {"net": QUICK[name], "epochs": epochs, "batch": batch, "rate": rate},
                )
    for smoothing in (0.0, 0.1):
        for memory in (0.9, 0.97, 0.99):
            yield (
                f"fast 2 smoothing {smoothing} memory {memory}",
                PLAIN
                | {
                    "net": QUICK["fast"],
                    "epochs": 2,
                    "rate": 0.01,
                    "smoothing": smoothing,
                    "memory": memory,
                },
            )


BEST = GOOD | {"dropout": 0.2}
TEACHERS = os.environ.get("TEACHERS", "/tmp/teachers.pkl")


def muon():
    nets = QUICK | {"wide": "c24k5/2 c48/2 c96 f o", "late": "c16k5/2 c32 c64/2 f o"}
    for name, epochs, batch in [
        ("normed", 1, 64),
        ("narrow", 1, 64),
        ("normed", 2, 64),
        ("wide", 1, 64),
        ("normed", 1, 32),
        ("late", 1, 64),
        ("narrow", 2, 64),
        ("halved", 1, 64),
        ("normed", 1, 128),
        ("normed", 0.5, 32),
    ]:
        for rate in (0.02, 0.05, 0.1):
            for momentum in (0.9, 0.6):
                tag = f"{name} {epochs} muon {batch} rate {rate} momentum {momentum}"
                more = {"optimizer": "muon", "momentum": momentum, "memory": 0.9, "aside": 0.01}
                yield (
                    tag,
                    PLAIN
                    | more
                    | {"net": nets[name], "epochs": epochs, "batch": batch, "rate": rate},
                )
    for name, batch in [("fast", 128), ("normed", 64)]:
        for rate in (0.01, 0.02):
            for smoothing in (0.0, 0.1):
                tag = f"{name} 2 adam {batch} rate {rate} smoothing {smoothing}"
                yield (
                    tag,
                    PLAIN
                    | {
                        "net": QUICK[name],
                        "epochs": 2,
                        "batch": batch,
                        "rate": rate,
                        "smoothing": smoothing,
                        "memory": 0.99 if name == "fast" else 0.95,
                    },
                )


LAST = ["gelu", "silu", "epochs 6", "front narrow, back wide", "batch 256, rate .007"]
SIX = ["max pooling", "width 1.4", "32-48-48/2-64-64-96/2"]


def lists(names):
    everything = []
    for name in names:
        name, _, begin = name.partition(":")  # ingredients:5 leaves out the first five groups
        out = []
        if name == "smoke":
            short = {"epochs": 0.1, "batch": 32}
            few = {
                k: v | short
                for k, v in {**INGREDIENTS, **PROGRAMS}.items()
                if k in ("baseline", "elastic 1.0", "erase 0.5")
            }
            out += [] if os.environ.get("HELD_OUT") else groups(few, seeds(2))
            out += groups(
                {"t": short | {"net": "c4u c4/2 w/2 c8k1p c8pr m2 c10k1l g", "optimizer": "muon"}},
                seeds(6),
                "/tmp/t.pkl",
            )
            out += groups(
                {
                    "s": short
                    | {
                        "net": "c4/2u w/2l c8k1p c8pr a2 f d on",
                        "optimizer": "sgd",
                        "teacher": "/tmp/t.pkl",
                        "share": 0.5,
                    }
                },
                seeds(2),
                "probabilities",
            )
        if name == "speed":
            for precision in ("bfloat16", "float32"):
                for n in (12, 36):
                    out += groups(
                        {f"speed {precision} {n}": {"epochs": 1, "precision": precision}}, seeds(n)
                    )
            out += groups(
                {"speed small": {"epochs": 1, "net": "c16k5/2u c32/2 c64 f o"}}, seeds(36)
            )
        if name == "check":
            out += groups({"accurate": {}}, seeds(24, 1000, 5))
        if name == "ingredients":
            out += groups(INGREDIENTS, seeds(12))
        if name == "programs":
            out += groups(PROGRAMS, seeds(12))
        if name == "ab":
            out += groups({"speed ab": {"epochs": 1}}, seeds(24))
        if name == "combined":
            out += groups(COMBINED, seeds(12, 100))
        if name == "first":
            out += groups(
                {k: PROGRAMS[k] for k in FIRST}
                | MUON
                | {"average pooling first": PROGRAMS["average pooling first"]},
                seeds(12),
            )
            out += groups({k: PROGRAMS[k] for k in DEAR}, seeds(6))
        if name == "small":
            out += groups(SMALL, seeds(6), most=30)
        if name == "quick":
            out += groups(dict(quick()), seeds(12), most=72)

        def two(n):
            return seeds(n, 2000, 5) + seeds(n, 3000, 2)

        if name == "confirm":
            out += groups({"A1": BEST | {"epochs": 16}}, two(12), "probabilities")
            out += groups({"teachers": BEST}, seeds(12, 4000), TEACHERS)
            out += groups({"A2": BEST | {"epochs": 28, "net": B["B1"]}}, two(12), "probabilities")
            out += groups(
                {"A1n": BEST | {"epochs": 16, "net": "c24u c48/2 c64 c96/2 c128 f d on"}},
                two(12),
                "probabilities",
            )
            out += groups({"A3": BEST | {"epochs": 16, "net": B["B2"]}}, two(12), "probabilities")
            taught = GOOD | {"smoothing": 0.0, "teacher": TEACHERS}
            shares = {
                "half, 2": {"share": 0.5},
                "all, 2": {"share": 0.95},
                "all, 4": {"share": 0.95, "temperature": 4.0},
            }
            out += groups(
                {
                    f"D2 taught {k}": taught | v | {"net": D["D2"], "epochs": 30}
                    for k, v in shares.items()
                },
                seeds(6),
            )
            out += groups(
                {
                    f"B1 taught {k}": taught | v | {"net": B["B1"], "epochs": 24, "dropout": 0.2}
                    for k, v in shares.items()
                    if k != "half, 2"
                },
                seeds(6),
            )
            out += groups({k: v for k, v in MUON.items() if k != "muon 0.01"}, seeds(12))
            out += groups({k: PROGRAMS[k] for k in LAST}, seeds(12))
            out += groups({k: PROGRAMS[k] for k in SIX}, seeds(6))
        if name == "long":
            out += groups(
                {"D2 long": GOOD | {"net": D["D2"], "epochs": 60}}, two(8), "probabilities"
            )
            out += groups(
                {"D4 long": GOOD | {"net": D["D4"], "epochs": 40}}, two(6), "probabilities"
            )
            out += groups(
                {"B2 long": BEST | {"net": B["B2"], "epochs": 40}}, two(8), "probabilities"
            )
        if name == "muon":
            out += groups(dict(muon()), seeds(12, 200), most=72)
        everything += out[int(begin or 0) :]
    return everything
