"""Draw the book's logo, favicon and cover pictures from MNIST's own pixels.

    python book/tools/art.py

The same data give the same files. The cover is a map of test digits: t-SNE puts digits that
look alike next to each other, then each takes the nearest free place of a lattice, so that
none covers another and the gaps between the groups stay.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from digitlib.data import load
from digitlib.plots import COLORS

STATIC = Path(__file__).resolve().parents[1] / "_static"
LOGO = 82  # the training image in the logo: a bold 2
SEED = 0
MAPPED, SHOWN = 2000, 400  # digits that t-SNE sees, digits that are drawn
WIDTH, HEIGHT = 1600, 760  # of the cover, in pixels
MARGIN = 100  # where no digit starts; the lattice may push it further out
PITCH = 44  # from one digit to the next; an ink box is at most 20 x 20 pixels, drawn doubled
LEVELS = 7  # steps of transparency for one color


def ink(image):
    """The smallest box of `image` (28, 28) that holds all its ink."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def path(mask):
    """SVG path data that covers the True pixels of `mask`, one bar for each horizontal run."""
    bars = []
    for y, row in enumerate(np.pad(mask, ((0, 0), (1, 1))).astype(int)):
        edges = np.flatnonzero(np.diff(row))
        bars += [f"M{x} {y}h{end - x}v1H{x}z" for x, end in zip(edges[::2], edges[1::2])]
    return "".join(bars)


def mark(image, label, size):
    """SVG of one digit, white on a tile of its color, `size` MNIST pixels wide."""
    box = ink(image)
    top, left = (size - box.shape[0]) // 2, (size - box.shape[1]) // 2
    tile = np.zeros((size, size), dtype=np.uint8)
    tile[top : top + box.shape[0], left : left + box.shape[1]] = box
    paths = "".join(
        f'<path fill-opacity="{opacity}" d="{path((tile >= low) & (tile <= high))}"/>'
        for low, high, opacity in ((40, 109, 0.3), (110, 189, 0.65), (190, 255, 1))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" fill="#fff">'
        f'<rect width="{size}" height="{size}" rx="{size / 5}" fill="{COLORS[label]}"/>'
        f'<g shape-rendering="crispEdges">{paths}</g></svg>\n'
    )


def places(images):
    """Centers (SHOWN, 2) in cover pixels for the first SHOWN of `images`."""
    pixels = images.reshape(len(images), -1) / 255
    reduced = PCA(50, random_state=SEED).fit_transform(pixels)
    flat = TSNE(random_state=SEED).fit_transform(reduced)[:SHOWN]
    flat = (flat - flat.min(axis=0)) / np.ptp(flat, axis=0)
    wanted = MARGIN + flat * (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)

    rows, columns = int(HEIGHT / (PITCH * 0.93)), WIDTH // PITCH - 1
    y, x = np.mgrid[:rows, :columns].astype(float)
    x += (y % 2) / 2  # every other row moves by half a step
    lattice = np.column_stack([x.ravel() * PITCH, y.ravel() * PITCH * 0.93])
    lattice += (np.array([WIDTH, HEIGHT]) - lattice.max(axis=0)) / 2
    cost = ((wanted[:, None] - lattice) ** 2).sum(axis=-1)
    return lattice[linear_sum_assignment(cost)[1]]


def draw(images, labels, centers):
    """Cover (HEIGHT, WIDTH) of palette indices: 0 is empty, then LEVELS steps for each digit."""
    canvas = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for image, label, (x, y) in zip(images, labels, centers, strict=False):
        box = np.kron(ink(image), np.ones((2, 2), dtype=np.uint8))
        step = np.ceil(box / 255 * LEVELS - 0.5).astype(np.uint8)
        top, left = int(y - box.shape[0] / 2), int(x - box.shape[1] / 2)
        place = canvas[top : top + box.shape[0], left : left + box.shape[1]]
        place[step > 0] = label * LEVELS + step[step > 0]
    return canvas


def main():
    digits = load()
    if digits.name != "mnist":
        sys.exit(
            f"art.py draws MNIST's digits, but the data are {digits.name!r}; "
            "set DIGITLIB_DATA to mnist or to a path that holds MNIST."
        )
    STATIC.mkdir(exist_ok=True)
    image, label = digits.x_train[LOGO], digits.y_train[LOGO]
    for name, size in [("logo", 26), ("favicon", 22)]:
        (STATIC / f"{name}.svg").write_bytes(mark(image, label, size).encode())

    chosen = np.random.default_rng(SEED).choice(len(digits.x_test), MAPPED, replace=False)
    images, labels = digits.x_test[chosen], digits.y_test[chosen]
    canvas = draw(images, labels, places(images))

    colors = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLORS])
    alpha = np.tile(np.arange(1, LEVELS + 1) / LEVELS, 10)
    colors = np.repeat(colors, LEVELS, axis=0)
    cover = Image.fromarray(canvas, mode="P")
    cover.putpalette([255] * 3 + colors.ravel().tolist())
    transparency = bytes([0, *(alpha * 255).round().astype(int)])
    cover.save(STATIC / "cover.png", optimize=True, transparency=transparency)

    # the same on white, twice as wide as high, for the README and for previews of links
    blend = (255 + (colors - 255) * alpha[:, None]).round().astype(int)
    preview = Image.fromarray(np.pad(canvas, ((WIDTH // 4 - HEIGHT // 2,) * 2, (0, 0))), mode="P")
    preview.putpalette([255] * 3 + blend.ravel().tolist())
    preview.save(STATIC / "preview.png", optimize=True)


if __name__ == "__main__":
    main()
