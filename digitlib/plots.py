"""How is each of these shown?

Importing this module sets the book's figure style: six inches become the width of a phone, so that
text of `SMALLEST` points is ten pixels there. All functions draw into a new figure and return it;
axes given as `ax` are drawn into.

A color has one meaning in the book: digit i is `COLORS[i]`, measured values and dense networks are
blue, convolutional networks violet, mistakes and what to look at orange, right answers green, and
goals, intervals and what is only for comparison ink or gray.
"""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from digitlib import files

# the pages' colors and the figures', by name; what palette.css says of dark pages is not for here
_LIGHT = files.packaged("web/palette.css").read_text("utf-8").partition("@media")[0]
PALETTE = dict(re.findall(r"--([\w-]+): (#\w+);", _LIGHT))
COLORS = tuple(PALETTE[f"digit-{digit}"] for digit in range(10))
INK, GRAY, PALE = (PALETTE[name] for name in ("ink", "gray", "pale"))
BLUE, VIOLET, ORANGE, GREEN = (PALETTE[name] for name in ("blue", "violet", "orange", "green"))
SMALLEST = 13.5  # points
PAPER = "Greys"  # 0 is white paper, the largest value black ink
SIDE, GAP = 28, 2  # pixels of a picture, and between two in a gallery

mpl.rc("figure", figsize=(6.0, 3.9), dpi=150)
mpl.rc("figure.constrained_layout", use=True)
mpl.rc("savefig", facecolor="white", pad_inches=0.04)
mpl.rc("font", size=14)
mpl.rc("text", color=INK)
mpl.rc("axes", titlesize=14, titlelocation="left", edgecolor=GRAY, labelcolor=INK)
mpl.rc("axes", prop_cycle=mpl.cycler(color=[BLUE, VIOLET, GREEN, GRAY]))
mpl.rc("axes.spines", top=False, right=False)
mpl.rc(("xtick", "ytick"), color=INK, labelsize=SMALLEST)
mpl.rc("lines", linewidth=2)
mpl.rc("legend", frameon=False, fontsize=SMALLEST)


def show_image(ax, image, *, vmin=0, vmax=None):
    """A picture, shape (height, width), as ink on paper; `vmax` is black, its maximum if None."""
    image = _numbers(image)
    if image.ndim != 2:
        raise ValueError(f"expected one picture, shape (height, width); got shape {image.shape}")
    ax.imshow(image, cmap=PAPER, vmin=vmin, vmax=vmax)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(PALE)


def gallery(images, captions=None, *, columns=10):
    """Pictures in rows, each with its caption below.

    Parameters
    ----------
    images : array of shape (n, 28, 28)
    captions : sequence of n str, optional
    columns : int
    """
    images = _numbers(images)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"expected images of shape (n, 28, 28), n > 0; got {images.shape}. "
            "One image needs a first axis: image[None]"
        )
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"expected {len(images)} captions, one an image; got {len(captions)}")
    if columns < 1:
        raise ValueError(f"expected at least one column; got {columns}")
    lines = 0 if captions is None else 1 + max(str(text).count("\n") for text in captions)
    rows, side = -(-len(images) // columns), SIDE + GAP
    step = side + lines * 0.25 / 6.0 * columns * side  # a line is 0.25 of the 6.0 inches
    sheet = np.zeros((round(rows * step), columns * side))
    corners = [(round(i // columns * step), i % columns * side) for i in range(len(images))]
    for (top, left), image in zip(corners, images, strict=True):
        scale = 255 if images.dtype == np.uint8 else max(image.max(), 1e-9)
        sheet[top : top + SIDE, left + 1 : left + 1 + SIDE] = image / scale
    size = (6.0, 6.0 * sheet.shape[0] / sheet.shape[1])
    dots = max(1, round(20 / columns))  # so many squared are a pixel
    fig = plt.figure(figsize=size, dpi=dots * columns * side / 6.0)
    fig.set_layout_engine("none")
    ax = fig.add_axes((0, 0, 1, 1))
    ax.imshow(sheet, cmap=PAPER, vmin=0, vmax=1)
    ax.axis("off")
    for i, (top, left) in enumerate(corners if lines else []):
        where = (left + side / 2, top + side)
        ax.text(*where, captions[i], ha="center", va="top", fontsize=SMALLEST, linespacing=1.1)
    return fig


def pixel_values(image):
    """A picture with the value of every pixel printed in it; cut it to some 14 columns first.

    Parameters
    ----------
    image : array of shape (height, width), uint8
    """
    image = _numbers(image)
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(
            f"expected one picture of bytes, shape (height, width), uint8; got {image.shape}, "
            f"{image.dtype}"
        )
    height, width = image.shape
    fig, ax = plt.subplots(figsize=(6.0, 6.0 * height / width), dpi=100)
    ax.imshow(image, cmap=PAPER, vmin=0, vmax=255)
    for (row, column), value in np.ndenumerate(image):
        color = "white" if value > 157 else PALETTE["quiet-ink"] if value == 0 else "black"
        ax.text(column, row, value, ha="center", va="center", color=color, fontsize=SMALLEST)
    ax.axis("off")
    return fig


def digit_bars(values, *, xlabel, ax=None, fmt="{:,}"):
    """Ten bars, one a digit in its color, 0 on top, with the value beside it.

    Parameters
    ----------
    values : array of shape (10,)
    """
    values = _numbers(values)
    if values.shape != (10,):
        raise ValueError(f"expected ten values, one a digit; got shape {values.shape}")
    if ax is None:
        _, ax = plt.subplots()
    bars = ax.barh(range(10), values, color=COLORS)
    ax.bar_label(
        bars, [fmt.format(value) for value in values.tolist()], fontsize=SMALLEST, padding=3
    )
    ax.set(yticks=range(10), ylabel="digit", xlabel=xlabel, ylim=(9.6, -0.6))
    ax.margins(x=0.14)  # for the values
    ax.xaxis.set_major_formatter("{x:,g}")
    return ax.figure


def curves(runs, *, ylabel, ax=None, styles=None):
    """Learning curves: the mean over runs as a line, their range as a band.

    Parameters
    ----------
    runs : dict from label to array of shape (epochs,) or (runs, epochs)
    styles : dict from label to keywords of `Axes.plot`, optional
    """
    if not runs:
        raise ValueError("expected at least one run to draw")
    if ax is None:
        _, ax = plt.subplots()
    longest = 0
    for label, values in runs.items():
        values = np.atleast_2d(_numbers(values))
        if values.ndim > 2:
            raise ValueError(f"expected shape (epochs,) or (runs, epochs); got {values.shape}")
        longest = max(longest, values.shape[1])
        epochs = np.arange(1, values.shape[1] + 1)
        (line,) = ax.plot(epochs, values.mean(axis=0), label=label, **(styles or {}).get(label, {}))
        if len(values) > 1:
            band = values.min(axis=0), values.max(axis=0)
            ax.fill_between(epochs, *band, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.set_xticks(range(1, longest + 1) if longest <= 12 else [1, *range(5, longest + 1, 5)])
    ax.legend()
    return ax.figure


def confusion_matrix(matrix):
    """A confusion matrix whose mistakes are what one sees: colored by count, the diagonal pale.

    Parameters
    ----------
    matrix : array of shape (10, 10), int
        Rows are true digits, columns answers.
    """
    matrix = _numbers(matrix)
    if matrix.shape != (10, 10) or matrix.dtype.kind not in "iu" or matrix.min() < 0:
        raise ValueError(
            "expected a matrix of counts, shape (10, 10), integers of 0 and above; "
            f"got {matrix.shape}, {matrix.dtype}"
        )
    off = np.where(np.eye(10, dtype=bool), 0, matrix)
    fig, ax = plt.subplots(figsize=(6.0, 6.0))
    ax.imshow(off, cmap="Oranges", vmin=0, vmax=max(1, off.max()) * 1.6)  # never too dark to read
    for (i, j), count in np.ndenumerate(matrix):
        if i == j:
            ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, color=PALETTE["faint"]))
        color = INK if count else PALETTE["quiet-ink"]
        ax.text(j, i, count or "·", ha="center", va="center", color=color, fontsize=SMALLEST)
    ax.set(xticks=range(10), yticks=range(10), xlabel="the network's answer", ylabel="true digit")
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, labelbottom=False, labeltop=True)
    ax.spines[:].set_visible(False)
    return fig


def runs(rows, *, xlabel, bars=None, colors=None):
    """Every run as a dot, a row for each name, the first on top.

    Parameters
    ----------
    rows : dict from name to array of shape (runs,)
    bars : dict from name to (low, high), optional
        Intervals, drawn below the dots with the mean of the runs as a tick.
    colors : dict from name to color, optional
    """
    fig, ax = plt.subplots(figsize=(6.0, 1.0 + (0.6 if bars else 0.36) * len(rows)), dpi=110)
    for place, (name, values) in enumerate(rows.items()):
        values = _numbers(values)
        color = (colors or {}).get(name, BLUE)
        row = np.full(len(values), place)
        ax.plot(values, row, "o", color=color, alpha=0.7, markeredgewidth=0)
        if bars:
            ax.plot(bars[name], [place + 0.25] * 2, color=GRAY, linewidth=3)
            ax.plot(values.mean(), place + 0.25, "|", color=INK, markersize=11, mew=2)
    ax.set(yticks=range(len(rows)), yticklabels=rows, xlabel=xlabel, ylim=(len(rows) - 0.45, -0.45))
    ax.grid(axis="x", color=PALE)
    ax.set_axisbelow(True)
    return fig


def intervals(labels, values, lows, highs, *, xlabel, ax=None):
    """Values as dots with their intervals as lines, one row each, the first on top."""
    if not len(labels) == len(values) == len(lows) == len(highs):
        raise ValueError(
            "expected labels, values, lows and highs of one length; got "
            f"{len(labels)}, {len(values)}, {len(lows)}, {len(highs)}"
        )
    values, lows, highs = map(_numbers, (values, lows, highs))
    if (lows > values).any() or (values > highs).any():
        raise ValueError("expected each value between its low and its high; found one outside")
    if ax is None:
        _, ax = plt.subplots(figsize=(6.0, 1.0 + 0.42 * len(labels)))
    rows = np.arange(len(labels))
    ax.hlines(rows, lows, highs, color=BLUE, linewidth=3, alpha=0.35)
    ax.plot(values, rows, "o", color=BLUE)
    ax.set(yticks=rows, yticklabels=labels, xlabel=xlabel, ylim=(len(labels) - 0.5, -0.5))
    ax.grid(axis="x", color=PALE)
    ax.set_axisbelow(True)
    return ax.figure


def _numbers(values):
    """The values as an array, if they are finite real numbers."""
    values = np.asarray(values)
    if values.dtype.kind not in "buif" or not values.size:
        raise ValueError(f"expected numbers; got shape {values.shape}, dtype {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError("expected finite numbers; found NaN or infinity")
    return values
