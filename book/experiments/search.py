"""Which recipe trains better? Many small networks at once on one GPU, measured on held-out images.

    DIGITLIB_DATA=mnist.npz python book/experiments/search.py ROWS SECONDS LIST [LIST ...]

needs JAX, and no TensorFlow. It is another implementation of digitlib's training (convolutions in
bfloat16, and an epoch leaves out its last, incomplete batch), made to try hundreds of settings in
minutes; what is chosen by it is trained by digitlib, and counts only then.

It trains the trials of the lists (see trials.py) and appends a row for each training to ROWS, as a line
of JSON (searched.py makes a line for each trial of them); nothing new is begun after SECONDS. The last 10,000 of the 60,000 training images (fold 5),
or another sixth, are held out; the test set is not read at all.

Trainings that share a program (network, epochs, batch, optimizer: the `FIXED` settings) run side by
side, by jax.vmap over all other settings, the seeds and the folds. A training is one lax.scan over
its steps, with the distortions made in the step. Programs are compiled by threads, and run one by one.
"""

import json
import os
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
FIXED = ["net", "act", "epochs", "batch", "optimizer", "precision", "knots"]
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


def train(s, images, labels, fixed):
    """One training; the answers to the held-out images, of its weights and of their averages."""
    net, act, batch = fixed["net"], fixed["act"], fixed["batch"]
    dtype = jnp.dtype(fixed["precision"])
    key = jax.random.key(s["seed"])
    n = len(images) - HELD_OUT
    each = n // batch
    steps = round(fixed["epochs"] * each)
    keys = jax.random.split(jax.random.fold_in(key, 1), -(-steps // each))
    order = jax.vmap(lambda one: jax.random.permutation(one, n))(keys)
    order = order[:, : each * batch].reshape(-1, batch)[:steps]
    order = order + HELD_OUT * (order >= HELD_OUT * s["fold"])
    weights, statistics, *_ = initial(net, jax.random.fold_in(key, 2))

    def loss(weights, statistics, x, target, key):
        how = {"dtype": dtype, "key": key, "dropout": s["dropout"], "memory": s["memory"]}
        logits, new = apply(net, act, weights, statistics, x, **how)
        return -(target * jax.nn.log_softmax(logits)).sum(1).mean(), new

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
        grad, statistics = jax.grad(loss, has_aux=True)(weights, statistics, x, target, c)
        warm = s["warm"] * steps
        fall = (1 + jnp.cos(jnp.pi * jnp.clip((t - warm) / (steps - warm), 0, 1))) / 2
        fall = s["floor"] + (1 - s["floor"]) * fall
        rate = jnp.where(t < warm, 0.1 + 0.9 * t / jnp.maximum(warm, 1), fall)
        new = jax.tree.map(
            lambda *one: updated(fixed["optimizer"], *one, t + 1, rate, s), weights, grad, m, v
        )
        weights, m, v = jax.tree.transpose(
            jax.tree.structure(weights), jax.tree.structure((0, 0, 0)), new
        )
        averages = [toward(*one, (weights, statistics), t) for one in zip(averages, AVERAGES)]
        return (weights, statistics, m, v, averages), None

    def toward(average, decay, now, t):
        part = 1 - jnp.minimum(decay, (1 + t) / (10 + t))
        return jax.tree.map(lambda old, new: old + part * (new - old), average, now)

    zero = jax.tree.map(jnp.zeros_like, weights)
    averages = [(weights, statistics)] * len(AVERAGES)
    given = (jnp.arange(steps), order)
    (weights, statistics, _, _, averages), _ = lax.scan(
        step, (weights, statistics, zero, zero, averages), given
    )
    held = lax.dynamic_slice_in_dim(images, s["fold"] * HELD_OUT, HELD_OUT).reshape(10, -1, 28, 28)

    def answer(one):
        return lax.map(lambda x: apply(net, act, *one, x / 255, dtype=dtype)[0].argmax(1), held)

    return jnp.stack([answer(one).reshape(-1) for one in [(weights, statistics), *averages]])


def settings(group):
    """What differs between the trainings of one program: an array for each setting."""

    def kind(name):
        return "int32" if name in ("seed", "fold") else "float32"

    return {name: jnp.array([getattr(one, name) for one in group], kind(name)) for name in LANES}


def changed(one):
    """In what the settings of a trial differ from *accurate*."""
    plain, own = asdict(Settings()), asdict(one)
    return {
        name: own[name] for name in own if name not in ("seed", "fold") and own[name] != plain[name]
    }


def main(rows, seconds, *names):
    import trials  # what is tried

    start, device = time.time(), jax.devices()[0]
    with np.load(os.environ["DIGITLIB_DATA"]) as data:
        images = jnp.asarray(data["x_train"][: 6 * HELD_OUT])
        labels = jnp.asarray(data["y_train"][: 6 * HELD_OUT], "int32")
    held, ready, programs = np.asarray(labels).reshape(6, HELD_OUT), queue.Queue(), {}
    for tags, group in trials.lists(names):  # together, if they share a program
        program = (*(getattr(group[0], k) for k in FIXED), len(group))
        programs.setdefault(program, []).append((tags, group))
    todo = iter([*programs.values()])

    def compile_all():
        try:
            for many in todo:  # each thread takes the next
                if time.time() - start > float(seconds):
                    break
                first = many[0][1]
                fixed = {name: getattr(first[0], name) for name in FIXED}
                run = jax.vmap(lambda s, x, y: train(s, x, y, fixed), in_axes=(0, None, None))  # noqa: B023
                program = jax.jit(run).lower(settings(first), images, labels).compile()
                for tags, group in many:
                    ready.put((program, tags, group))
        finally:
            ready.put(None)

    threads = [threading.Thread(target=compile_all, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    left = len(threads)
    while left:
        item = ready.get()
        if item is None or time.time() - start > float(seconds):
            left -= item is None
            continue
        run, tags, group = item
        answers = np.asarray(run(settings(group), images, labels))
        _, _, size, adds = initial(group[0].net, jax.random.key(0))
        with open(rows, "a") as file:
            for tag, one, given in zip(tags, group, answers):
                right = (given == held[one.fold]).sum(1).tolist()
                row = {"trial": tag, "changed": changed(one), "epochs": one.epochs}
                row |= {"parameters": size, "multiply_adds": adds, "seed": one.seed}
                row |= {"fold": one.fold, "n": HELD_OUT, "right": right[0]}
                row |= {"averaged": dict(zip(map(str, AVERAGES), right[1:]))}
                file.write(json.dumps(row | {"device": device.device_kind}) + "\n")
        print(f"{time.time() - start:5.0f} s  {len(group):3} trainings: {tags[0]} to {tags[-1]}")


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    main(*sys.argv[1:])
