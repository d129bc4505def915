"""Which recipe trains better? Many small networks at once on one GPU, measured on held-out images.

    DIGITLIB_DATA=mnist.npz python book/experiments/search.py ROWS SECONDS LIST [LIST ...]

needs JAX, and no TensorFlow. It is another implementation of digitlib's training (convolutions in
bfloat16, and an epoch leaves out its last, incomplete batch), made to try hundreds of settings in
minutes; what is chosen by it is trained by digitlib, and counts only then.

It trains the trials of the lists (see trials.py) and appends a row for each training to ROWS, as a line
of JSON; nothing new is begun after SECONDS. The last 10,000 of the 60,000 training images (fold 5),
or another sixth, are held out; the test set is not read at all.

Trainings that share a program (network, epochs, batch, optimizer: the `FIXED` settings) run side by
side, by jax.vmap over all other settings, the seeds and the folds. A training is one lax.scan over
its steps, with the distortions made in the step. Programs are compiled by threads, and run one by one.
"""

import json
import os
import pickle
import queue
import re
import sys
import threading
import time
from dataclasses import asdict, dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

HERE = os.path.dirname(os.path.abspath(__file__))
HELD_OUT = int(os.environ.get("HELD_OUT", 10_000))  # fewer, to try the script out
AVERAGES = (0.99, 0.998, 0.999)  # decays of the averaged weights, which every training has beside
FIXED = ["net", "act", "epochs", "batch", "optimizer", "precision", "knots", "teacher", "averaged"]
ACCURATE = "c24u c48/2 c64 c96/2 c128 f d o"


@dataclass(frozen=True)
class Settings:
    """The recipe *accurate*, unless changed."""

    net: str = ACCURATE  # see `layers`
    act: str = "relu"
    epochs: float = 12
    batch: int = 128
    optimizer: str = "adam"  # or sgd, muon
    precision: str = "bfloat16"  # of products; weights, sums and statistics are float32
    knots: int = 7  # points to a side between which the elastic field is smooth
    teacher: str = ""  # a file of trained networks
    averaged: bool = True
    rate: float = 0.005
    floor: float = 0.0  # the rate at the end, as a share of the peak
    warm: float = 0.1  # share of the steps
    aside: float = 0.005  # with muon, Adam's peak rate for what is no matrix
    momentum: float = 0.9  # of sgd and muon
    decay: float = 0.0  # of the weights, AdamW's
    smoothing: float = 0.0
    dropout: float = 0.4
    memory: float = 0.99  # of the batch statistics
    rotation: float = 12
    scale: float = 0.12
    shear: float = 0.15
    shift: float = 2
    thickness: float = 0.6
    blur: float = 1
    elastic: float = 0.0  # pixels, the field's standard deviation
    erase: float = 0.0  # the share of images that lose a rectangle
    mixup: float = 0.0  # up to so much of another image
    calm: float = 0.0  # in this last share of the steps
    calmness: float = 0.0  # ... all distortions are so strong only
    share: float = 0.0  # of the loss, that is the teacher's
    temperature: float = 2.0
    seed: int = 0
    fold: int = 5


LANES = [f.name for f in fields(Settings) if f.name not in FIXED]


def layers(net):
    """`c64k3/2` convolution, 64 maps, 3×3, stride 2, then norm and activation; `w` depthwise;
    `m2`, `a2` pooling; `g` global average, `f` flatten, `d` dropout, `o` the ten answers.
    Flags: u no norm but a bias, l linear, p 'same' padding, r adds its input, n norm of answers."""
    for token in net.split():
        kind, n, k, s, flags = re.fullmatch(
            r"([a-z])(\d*)(?:k(\d))?(?:/(\d))?([a-z]*)", token
        ).groups()
        yield kind, int(n or 0), int(k or 3), int(s or 1), flags


def initial(net, key):
    """Weights and statistics as Keras starts them, how many parameters, and multiply-adds."""
    h, c, weights, statistics, n, adds = 28, 1, [], [], 0, 0
    for kind, f, k, s, flags in layers(net):
        w, b = {}, {}
        if kind in "cw":
            f = f if kind == "c" else c
            h = -(-h // s) if "p" in flags else (h - k) // s + 1
            shape = (k, k, c, f) if kind == "c" else (k, k, c)
            fans = k * k * (c + f) if kind == "c" else k * k * (c + 1)
            adds += h * h * k * k * f * (c if kind == "c" else 1)
        if kind in "ma":
            h = (h - f) // f + 1
        if kind == "g":
            h = 1
        if kind == "f":
            h, c = 1, h * h * c
        if kind == "o":
            f, shape, fans = 10, (c, 10), c + 10
            adds += c * 10
        if kind in "cwo":
            key, one = jax.random.split(key)
            w["kernel"] = jax.random.uniform(one, shape, minval=-1) * (6 / fans) ** 0.5
            norm = "n" in flags if kind == "o" else "u" not in flags
            w |= {"gamma": jnp.ones(f), "beta": jnp.zeros(f)} if norm else {"bias": jnp.zeros(f)}
            b = {"mean": jnp.zeros(f), "var": jnp.ones(f)} if norm else {}
            c = f
        n += sum(one.size for one in (*w.values(), *b.values()))
        weights.append(w)
        statistics.append(b)
    return weights, statistics, n, adds


def convolve(x, kernel, s, flags, dtype):
    k, n = kernel.shape[0], x.shape[1]
    h = -(-n // s) if "p" in flags else (n - k) // s + 1
    if "p" in flags:
        pad = max((h - 1) * s + k - n, 0)
        x = jnp.pad(x, ((0, 0), (pad // 2, pad - pad // 2), (pad // 2, pad - pad // 2), (0, 0)))
    end = s * (h - 1) + 1
    parts = [x[:, i : i + end : s, j : j + end : s] for i in range(k) for j in range(k)]
    if kernel.ndim == 3:
        return sum(part * one for part, one in zip(parts, kernel.reshape(k * k, -1))).astype(dtype)
    return jnp.concatenate(parts, -1) @ kernel.reshape(-1, kernel.shape[-1]).astype(dtype)


def apply(net, act, weights, statistics, x, *, dtype, key=None, dropout=0.0, memory=0.99):
    """Images (n, 28, 28) in; logits (n, 10) and the new statistics out. Training if there is a key."""
    x, new = x[..., None].astype(dtype), []
    for (kind, f, _k, s, flags), w, b in zip(layers(net), weights, statistics):
        before, shape = x, x.shape
        if kind in "cw":
            x = convolve(x, w["kernel"], s, flags, dtype)
        elif kind == "o":
            x = x.astype("float32") @ w["kernel"]
        elif kind in "ma":
            x = x[:, : shape[1] // f * f, : shape[2] // f * f]
            x = x.reshape(shape[0], shape[1] // f, f, shape[2] // f, f, shape[3])
            x = x.max((2, 4)) if kind == "m" else x.mean((2, 4))
        elif kind == "g":
            x = x.astype("float32").mean((1, 2))
        elif kind == "f":
            x = x.reshape(shape[0], -1)
        elif kind == "d" and key is not None:
            key, one = jax.random.split(key)
            x = jnp.where(jax.random.uniform(one, x.shape) < dropout, 0, x / (1 - dropout)).astype(
                x.dtype
            )
        if "bias" in w:
            x = x + w["bias"].astype(x.dtype)
        if b:
            mean, var = b["mean"], b["var"]
            if key is not None:
                wide, axes = x.astype("float32"), tuple(range(x.ndim - 1))
                mean = wide.mean(axes)
                var = jnp.square(wide - mean).mean(axes)
                b = {
                    "mean": memory * b["mean"] + (1 - memory) * mean,
                    "var": memory * b["var"] + (1 - memory) * var,
                }
            by = w["gamma"] / jnp.sqrt(var + 1e-3)
            x = (x * by + (w["beta"] - mean * by)).astype(x.dtype)
        if kind in "cw" and "l" not in flags:
            x = {"relu": jax.nn.relu, "gelu": jax.nn.gelu, "silu": jax.nn.silu}[act](x)
        x = x + before if "r" in flags else x
        new.append(lax.stop_gradient(b))
    return x.reshape(x.shape[0], 10).astype("float32"), new


def look_up(images, x, y):
    """Bilinear, 0 outside. `x`, `y` (n, 784): where each pixel comes from."""
    wide = jnp.pad(images, ((0, 0), (1, 2), (1, 2))).reshape(len(images), -1)
    x, y = jnp.clip(x, -1, 28) + 1, jnp.clip(y, -1, 28) + 1
    left, top = jnp.floor(x), jnp.floor(y)
    x, y, at = x - left, y - top, (top * 31 + left).astype("int32")

    def pixel(more):
        return jnp.take_along_axis(wide, at + more, 1)

    up, down = (pixel(0) * (1 - x) + pixel(1) * x), (pixel(31) * (1 - x) + pixel(32) * x)
    return (up * (1 - y) + down * y).reshape(images.shape)


def spread(images, function, fill):
    """`function` of 3 neighbors down, then across."""
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (1, 1)
        wide = jnp.pad(images, pad, constant_values=fill)
        images = function(*(lax.slice_in_dim(wide, i, i + 28, axis=axis) for i in range(3)))
    return images


def distort(images, draw, s, strength, key, knots):
    """As digitlib.distortion.distort, from the same draws (8, n); and elastic fields, erased parts."""
    rotation, width, height, shear, right, down, thickness, blur = draw * strength
    angle = (rotation * s["rotation"] * np.pi / 180)[:, None]
    width, height = 1 + width[:, None] * s["scale"], 1 + height[:, None] * s["scale"]
    shear = shear[:, None] * s["shear"]
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    grid = jnp.arange(28.0) - 13.5
    x = jnp.tile(grid, 28) - right[:, None] * s["shift"]
    y = jnp.repeat(grid, 28) - down[:, None] * s["shift"]
    x, y = ((cos + shear * sin) * x + (sin - shear * cos) * y) / width, (cos * y - sin * x) / height
    bump = jnp.exp(
        -((jnp.arange(28)[:, None] - jnp.linspace(0, 27, knots)) ** 2) / (27 / (knots - 1)) ** 2
    )
    bump /= jnp.sqrt((bump**2).sum(1, keepdims=True))
    one, two, three = jax.random.split(key, 3)
    field = jax.random.normal(one, (2, len(images), knots, knots)) * s["elastic"] * strength
    field = jnp.einsum("yi,dnij,xj->dnyx", bump, field, bump).reshape(2, len(images), 784)
    images = look_up(images, x + field[0] + 13.5, y + field[1] + 13.5)
    share = (thickness * s["thickness"])[:, None, None]
    fat = spread(images, lambda a, b, c: jnp.maximum(jnp.maximum(a, b), c), 0)
    images = images + jnp.maximum(share, 0) * (fat - images)
    thin = spread(images, lambda a, b, c: jnp.minimum(jnp.minimum(a, b), c), 1)
    images = images + jnp.maximum(-share, 0) * (thin - images)
    soft = images
    for _ in range(2):  # twice 1 2 1 is 1 4 6 4 1, but at the rim
        soft = spread(soft, lambda a, b, c: (a + 2 * b + c) / 4, 0)
    images = images + (jnp.maximum(blur, 0) * s["blur"])[:, None, None] * (soft - images)
    cut = jax.random.uniform(two, (4, len(images), 1), minval=0, maxval=28)

    def inside(middle, side):
        return jnp.abs(jnp.arange(28) - middle) < 2 + side / 7  # 4 to 12 pixels

    hole = inside(cut[0], cut[1])[:, :, None] & inside(cut[2], cut[3])[:, None, :]
    lost = jax.random.uniform(three, (len(images), 1, 1)) < s["erase"] * strength
    return jnp.where(hole & lost, 0, images)


def orthogonal(m):
    """The nearest matrix with singular values of about one (Jordan's five Newton–Schulz steps)."""
    m = m / (jnp.linalg.norm(m) + 1e-7)
    for _ in range(5):
        a = m.T @ m
        m = 3.4445 * m + m @ (-4.775 * a + 2.0315 * a @ a)
    return m


def updated(kind, w, g, m, v, t, rate, s):
    """One weight, and its two memories, after a step; `rate` is 1 at the peak."""
    matrix = w.ndim > 1
    if kind == "sgd":
        m = s["momentum"] * m + g
        step = s["rate"] * (g + s["momentum"] * m)
    elif kind == "muon" and w.ndim == 4:
        m = s["momentum"] * m + g
        flat = (g + s["momentum"] * m).reshape(-1, w.shape[-1])
        step = s["rate"] * orthogonal(flat) * max(1, flat.shape[0] / flat.shape[1]) ** 0.5
        step = step.reshape(w.shape)
    else:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        step = m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-7)
        step = step * (s["aside"] if kind == "muon" else s["rate"])
    base = s["aside"] if kind == "muon" else s["rate"]
    return w - rate * (step + (base * s["decay"] * w if matrix else 0)), m, v


def train(s, images, labels, teachers, fixed):
    """One training; probabilities (1 + averages, 10,000, 10) of the held-out images, and weights."""
    net, act, batch, dtype = (
        fixed["net"],
        fixed["act"],
        fixed["batch"],
        jnp.dtype(fixed["precision"]),
    )
    key = jax.random.key(s["seed"])
    n = len(images) - HELD_OUT
    each = n // batch
    steps = round(fixed["epochs"] * each)
    keys = jax.random.split(jax.random.fold_in(key, 1), -(-steps // each))
    order = jax.vmap(lambda one: jax.random.permutation(one, n))(keys)
    order = order[:, : each * batch].reshape(-1, batch)[:steps]
    order = order + HELD_OUT * (order >= HELD_OUT * s["fold"])
    weights, statistics, *_ = initial(net, jax.random.fold_in(key, 2))
    if fixed["teacher"]:  # the teachers of a fold have not seen what it holds out
        old_net, old = teachers
        old = jax.tree.map(lambda one: one[s["fold"]], old)

    def loss(weights, statistics, x, target, soft, key):
        logits, new = apply(
            net,
            act,
            weights,
            statistics,
            x,
            dtype=dtype,
            key=key,
            dropout=s["dropout"],
            memory=s["memory"],
        )
        value = -(target * jax.nn.log_softmax(logits)).sum(1).mean()
        if fixed["teacher"]:
            t = s["temperature"]
            other = -(soft * jax.nn.log_softmax(logits / t)).sum(1).mean() * t * t
            value = (1 - s["share"]) * value + s["share"] * other
        return value, new

    def step(carry, given):
        weights, statistics, m, v, averages = carry
        t, rows = given
        a, b, c, d = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, 3), t), 4)
        draw = jax.random.uniform(a, (8, batch), minval=-1)
        strength = jnp.where(t >= steps * (1 - s["calm"]), s["calmness"], 1.0)
        x = distort(images[rows].astype("float32") / 255, draw, s, strength, b, fixed["knots"])
        target = jax.nn.one_hot(labels[rows], 10) * (1 - s["smoothing"]) + s["smoothing"] / 10
        part = s["mixup"] * jax.random.uniform(d, (batch, 1))
        x, target = x + part[..., None] * (x[::-1] - x), target + part * (target[::-1] - target)
        soft = None
        if fixed["teacher"]:
            logits = jax.vmap(lambda one: apply(old_net, "relu", *one, x, dtype=dtype)[0])(old)
            soft = jax.nn.softmax(jnp.log(jax.nn.softmax(logits).mean(0) + 1e-8) / s["temperature"])
        grad, statistics = jax.grad(loss, has_aux=True)(weights, statistics, x, target, soft, c)
        warm = s["warm"] * steps
        fall = (
            s["floor"]
            + (1 - s["floor"])
            * (1 + jnp.cos(jnp.pi * jnp.clip((t - warm) / (steps - warm), 0, 1)))
            / 2
        )
        rate = jnp.where(t < warm, 0.1 + 0.9 * t / jnp.maximum(warm, 1), fall)
        new = jax.tree.map(
            lambda *one: updated(fixed["optimizer"], *one, t + 1, rate, s), weights, grad, m, v
        )
        weights, m, v = jax.tree.transpose(
            jax.tree.structure(weights), jax.tree.structure((0, 0, 0)), new
        )
        averages = [
            jax.tree.map(
                lambda old, one: old + (1 - jnp.minimum(d, (1 + t) / (10 + t))) * (one - old),  # noqa: B023
                average,
                (weights, statistics),
            )
            for d, average in zip(AVERAGES, averages)
        ]
        return (weights, statistics, m, v, averages), None

    zero = jax.tree.map(jnp.zeros_like, weights)
    averages = [(weights, statistics)] * (len(AVERAGES) if fixed["averaged"] else 0)
    given = (jnp.arange(steps), order)
    (weights, statistics, _, _, averages), _ = lax.scan(
        step, (weights, statistics, zero, zero, averages), given
    )
    held = lax.dynamic_slice_in_dim(images, s["fold"] * HELD_OUT, HELD_OUT).reshape(10, -1, 28, 28)

    def answer(one):
        return lax.map(
            lambda x: jax.nn.softmax(apply(net, act, *one, x / 255, dtype=dtype)[0]), held
        ).reshape(-1, 10)

    return jnp.stack([answer(one) for one in [(weights, statistics), *averages]]), (
        weights,
        statistics,
    )


def settings(group):
    """What differs between the trainings of one program: an array for each setting."""

    def kind(name):
        return "int32" if name in ("seed", "fold") else "float32"

    return {name: jnp.array([getattr(one, name) for one in group], kind(name)) for name in LANES}


def main(rows, seconds, *names):
    import trials  # what is tried

    start, device = time.time(), jax.devices()[0]
    with np.load(os.environ["DIGITLIB_DATA"]) as data:
        images, labels = (
            jnp.asarray(data[k][: 6 * HELD_OUT], t)
            for k, t in (("x_train", "uint8"), ("y_train", "int32"))
        )
    work, ready, held = trials.lists(names), queue.Queue(), np.asarray(labels).reshape(6, HELD_OUT)
    programs = {}  # of those [(names, [Settings], keep)] together that share one
    for tags, group, keep in work:
        programs.setdefault((*(getattr(group[0], k) for k in FIXED), len(group)), []).append(
            (tags, group, keep)
        )
    todo = list(programs.values())

    def compile_all():
        """Each program once, for all groups that want it."""
        while todo and time.time() - start < float(seconds):
            many = todo.pop(0)
            first, size = many[0][1][0], len(many[0][1])
            if first.teacher and not os.path.exists(first.teacher):
                todo.append(many)
                time.sleep(1)
                continue
            net, teachers = "", {}
            if first.teacher:
                with open(first.teacher, "rb") as file:
                    net, teachers = pickle.load(file)
            fixed = {name: getattr(first, name) for name in FIXED}
            run = jax.vmap(
                lambda s, x, y, t: train(s, x, y, (net, t), fixed),  # noqa: B023
                in_axes=(0, None, None, None),
            )
            try:
                program = (
                    jax.jit(run).lower(settings(many[0][1]), images, labels, teachers).compile()
                )
            except Exception as error:  # noqa: BLE001
                print("FAILED", many[0][0][0], size, repr(error)[:500], flush=True)
                continue
            for tags, group, keep in many:
                ready.put((program, settings(group), teachers, tags, group, keep))
        ready.put(None)

    threads = [
        threading.Thread(target=compile_all, daemon=True)
        for _ in range(int(os.environ.get("THREADS", 8)))
    ]
    for thread in threads:
        thread.start()
    kept, left = {}, len(threads)
    while left:
        item = ready.get()
        if item is None or time.time() - start > float(seconds):
            left -= 1 if item is None else 0
            continue
        run, lanes, teachers, tags, group, keep = item
        began = time.time()
        try:
            p, weights = run(lanes, images, labels, teachers)
            p = np.asarray(p)
        except Exception as error:  # noqa: BLE001
            print("FAILED", tags[0], repr(error)[:500], flush=True)
            continue
        took = time.time() - began
        _, _, size, adds = initial(group[0].net, jax.random.key(0))
        with open(rows, "a") as file:
            for tag, one, q in zip(tags, group, p):
                y = held[one.fold]
                right = [(a.argmax(1) == y).sum().item() for a in q]
                lost = [round(-np.log(a[np.arange(len(y)), y] + 1e-9).mean().item(), 5) for a in q]
                changed = {
                    k: v
                    for k, v in asdict(one).items()
                    if v != getattr(Settings(), k) and k not in ("seed", "fold")
                }
                row = {
                    "trial": tag,
                    "changed": changed,
                    "seed": one.seed,
                    "fold": one.fold,
                    "epochs": one.epochs,
                    "parameters": size,
                }
                row |= {
                    "multiply_adds": adds,
                    "n": len(y),
                    "right": right[0],
                    "loss": lost[0],
                    "averaged_right": right[1:],
                    "averaged_loss": lost[1:],
                }
                row |= {"seconds": round(took / len(group), 3), "device": device.device_kind}
                file.write(json.dumps(row) + "\n")
                if keep == "probabilities":
                    kept[f"{tag}|{one.seed}|{one.fold}"] = np.round(255 * np.sqrt(q[0])).astype(
                        "uint8"
                    )
        if keep == "probabilities":
            np.savez_compressed(rows.replace(".jsonl", ".npz"), **kept)
        elif keep:  # a file of teachers: [fold, teacher, ...]
            by = np.argsort([one.fold for one in group], kind="stable").reshape(6, -1)
            with open(keep + ".part", "wb") as file:
                pickle.dump(
                    (group[0].net, jax.tree.map(lambda one: np.asarray(one)[by], weights)),  # noqa: B023
                    file,
                )
            os.replace(keep + ".part", keep)  # whole, or not there
        right = p.argmax(-1)[:, 0] == held[[one.fold for one in group]]
        print(
            f"{time.time() - start:5.0f} s  {took:5.1f} s  {len(group):3}  {100 * right.mean():.3f}  {tags[0]} … {tags[-1]}",
            flush=True,
        )


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    main(*sys.argv[1:])
