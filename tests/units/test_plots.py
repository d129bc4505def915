"""`digitlib.plots`: every figure shows what it was given, all of it, legibly."""

import json
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from support import ROOT, sample

from digitlib import plots

PICTURES = sample().x_test[:23]
rng = np.random.default_rng(0)
MATRIX = np.diag([970] * 10) + rng.integers(0, 24, (10, 10)) * (rng.random((10, 10)) < 0.6)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def contrast(color, ground):
    """The contrast ratio of two colors, 1 to 21, as WCAG 2 defines it."""

    def luminance(rgb):
        rgb = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return rgb @ [0.2126, 0.7152, 0.0722]

    light, dark = sorted((luminance(np.array(to_rgb(c))) for c in (color, ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def occurs(picture, sheet):
    windows = np.lib.stride_tricks.sliding_window_view(sheet, picture.shape)
    windows = windows[(windows[:, :, 14] == picture[14]).all(axis=2)]  # the middle row first: fast
    return (windows == picture).all(axis=(1, 2)).any()


# --- What is drawn ----------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [5, 10, 30])
def test_gallery_shows_every_picture_and_caption(columns):
    captions = [f"{i}\n{i}!" for i in range(len(PICTURES))]
    figure = plots.gallery(PICTURES, captions, columns=columns)
    (ax,) = figure.axes
    sheet = ax.images[0].get_array()
    assert sheet.sum() == pytest.approx((PICTURES / 255).sum())
    assert all(occurs(picture / 255, sheet) for picture in PICTURES)
    assert texts(ax) == captions
    places = [text.get_position() for text in ax.texts]
    assert len({y for _, y in places}) == -(-len(PICTURES) // columns)
    assert places == sorted(places, key=lambda place: place[::-1]), "in reading order"


def test_captions_of_a_gallery_touch_nothing():
    figure = plots.gallery(PICTURES, ["8 as 3\n99.9%"] * len(PICTURES), columns=6)
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert all(figure.bbox.containsx(box.x0) and figure.bbox.containsx(box.x1) for box in boxes)
    assert all(figure.bbox.containsy(box.y0) for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_gallery_shows_faint_ink_faint_and_other_integers_whole():
    (image,) = plots.gallery(PICTURES // 10).axes[0].images
    assert (image.norm.vmin, image.norm.vmax) == (0, 1)
    assert image.get_array().max() == pytest.approx(25 / 255)
    sheet = plots.gallery(PICTURES.astype("int64")).axes[0].images[0].get_array()
    assert sheet.sum() == pytest.approx((PICTURES / PICTURES.max(axis=(1, 2), keepdims=True)).sum())


def test_gallery_without_captions_and_on_the_0_to_1_scale():
    sheet = plots.gallery(PICTURES / 255).axes[0].images[0].get_array()
    assert sheet.sum() == pytest.approx((PICTURES / 255).sum())
    assert texts(plots.gallery(PICTURES).axes[0]) == []


def test_show_image_draws_ink_on_paper():
    _, ax = plt.subplots()
    plots.show_image(ax, PICTURES[0], vmax=255)
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), PICTURES[0])
    assert [to_hex(image.cmap(image.norm(value))) for value in (0, 255)] == ["#ffffff", "#000000"]
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_pixel_values_prints_every_number():
    part = PICTURES[0][8:20, 7:20]
    (ax,) = plots.pixel_values(part).axes
    assert texts(ax) == [str(value) for value in part.ravel()]
    np.testing.assert_array_equal(ax.images[0].get_array(), part)


def test_digit_bars_has_each_digit_in_its_color():
    counts = np.arange(1000, 2000, 100)
    (ax,) = plots.digit_bars(counts, xlabel="images").axes
    assert [bar.get_width() for bar in ax.patches] == counts.tolist()
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches] == list(plots.COLORS)
    assert texts(ax)[0] == "1,000"
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("digit", "images")
    assert ax.get_xlim()[0] == 0, "bars start at zero"
    assert len(set(plots.COLORS)) == 10


def test_curves_are_means_with_a_band_over_runs():
    several = np.array([[0.5, 0.7, 0.9], [0.7, 0.7, 0.8]])
    runs = {"training": several, "validation": [0.6, 0.5, 0.4]}
    styles = {"validation": {"linestyle": "--"}}
    (ax,) = plots.curves(runs, ylabel="loss", styles=styles).axes
    first, second = ax.lines
    np.testing.assert_allclose(first.get_xydata(), [[1, 0.6], [2, 0.7], [3, 0.85]])
    np.testing.assert_allclose(second.get_ydata(), [0.6, 0.5, 0.4])
    assert second.get_linestyle() == "--"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(runs)
    (band,) = ax.collections
    assert {tuple(corner.round(6)) for corner in band.get_paths()[0].vertices} == {
        *((1, 0.5), (1, 0.7), (2, 0.7), (3, 0.8), (3, 0.9))
    }
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


@pytest.mark.parametrize(
    ("epochs", "ticks"), [(3, [1, 2, 3]), (12, [*range(1, 13)]), (25, [1, 5, 10, 15, 20, 25])]
)
def test_curves_have_ticks_at_whole_epochs(epochs, ticks):
    for runs in ({"a": np.zeros(epochs)}, {"long": np.zeros((2, epochs)), "short": [0]}):
        (ax,) = plots.curves(runs, ylabel="").axes
        assert ax.get_xticks().tolist() == ticks


def test_confusion_matrix_prints_counts_and_leaves_the_diagonal_pale():
    (ax,) = plots.confusion_matrix(MATRIX).axes
    assert texts(ax) == [str(count) if count else "·" for count in MATRIX.ravel()]
    assert [text.get_position() for text in ax.texts[:2]] == [(0, 0), (1, 0)]
    colored = np.asarray(ax.images[0].get_array())
    np.testing.assert_array_equal(colored, MATRIX - np.diag(MATRIX.diagonal()))
    assert len(ax.patches) == 10
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true digit", "the network's answer")
    plots.confusion_matrix(np.diag(MATRIX.diagonal()))  # no mistakes at all


def test_runs_are_dots_in_rows_with_the_first_on_top():
    rows = {"a": np.array([0.5, 0.7]), "b": np.array([0.6])}
    (ax,) = plots.runs(rows, xlabel="x", colors={"b": "#ff0000"}).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[0.5, 0], [0.7, 0]])
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[0.6, 1]])
    assert ax.lines[1].get_color() == "#ff0000"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    (ax,) = plots.runs(rows, xlabel="x", bars={"a": (0.4, 0.8), "b": (0.5, 0.65)}).axes
    drawn = [line.get_xdata() for line in ax.lines]
    assert any(np.array_equal(ends, (0.4, 0.8)) for ends in drawn)
    assert any(np.allclose(mean, [0.6]) for mean in drawn[:3] if len(np.atleast_1d(mean)) == 1)
    with pytest.raises(ValueError, match="NaN"):
        plots.runs({"a": [np.nan]}, xlabel="x")


def test_intervals_are_rows_with_the_first_on_top():
    (ax,) = plots.intervals(["a", "b"], [0.5, 0.7], [0.4, 0.6], [0.6, 0.75], xlabel="x").axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[0.5, 0], [0.7, 1]])
    ends = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    assert ends == [[0.4, 0.6], [0.6, 0.75]]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.digit_bars(range(10), xlabel="", ax=ax),
        lambda ax: plots.curves({"a": [1, 2]}, ylabel="", ax=ax),
        lambda ax: plots.intervals(["a"], [2], [1], [3], xlabel="", ax=ax),
    ],
)
def test_axes_can_be_given(draw):
    figure, axes = plt.subplots(1, 2)
    assert draw(axes[1]) is figure
    assert axes[1].has_data()
    assert not axes[0].has_data()
    assert isinstance(draw(None), Figure)
    assert draw(None) is not figure


@pytest.mark.parametrize("image", [np.arange(256, dtype=np.uint8).reshape(16, 16)])
def test_every_pixel_value_can_be_read(image):
    (ax,) = plots.pixel_values(image).axes
    (drawn,) = ax.images
    for text, value in zip(ax.texts, image.ravel(), strict=True):
        assert contrast(text.get_color(), drawn.cmap(drawn.norm(value))) >= 4.5, value


def test_every_count_can_be_read():
    (ax,) = plots.confusion_matrix(np.arange(100).reshape(10, 10)).axes
    (drawn,) = ax.images
    pale = to_hex(ax.patches[0].get_facecolor())
    for i, text in enumerate(ax.texts):
        ground = pale if i % 11 == 0 else drawn.cmap(drawn.norm(i))
        assert contrast(text.get_color(), ground) >= 4.5, i


@pytest.mark.parametrize("folder", ["book/web", "book/_static", "digitlib", "notebooks"])
def test_colors_stand_in_the_palette_alone(folder):
    texts = {path: path.read_text("utf-8") for path in (ROOT / folder).rglob("*.*")
             if path.suffix in (".css", ".html", ".js", ".py")
             and path.name not in ("palette.css", "litert.js", "network.js")}  # fmt: skip
    for path in (ROOT / folder).glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        texts[path] = "\n".join(code)
    assert texts
    literal = r"(?<!&)#(?:[0-9a-f]{3,4}){1,2}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch)a?\("
    found = [f"{path.relative_to(ROOT)}: {color}"
             for path, text in texts.items()
             for color in re.findall(literal, text, re.IGNORECASE)]  # fmt: skip
    assert not found, "these belong into book/web/palette.css"


def test_every_property_that_a_style_uses_is_there():
    folders = [ROOT / "book" / name for name in ("web", "_static")]
    styles = [path.read_text("utf-8") for folder in folders for path in folder.glob("*.css")]
    styles += [(ROOT / "book" / "web" / name).read_text("utf-8")
               for name in ("index.html", "draw.js", "matrix.js")]  # fmt: skip
    used = {name for text in styles for name in re.findall(r"var\((--[\w-]+)\)", text)}
    there = {name for text in styles for name in re.findall(r"(--[\w-]+)\"?[:,]", text)}
    assert "--digit-0" in used
    assert {name for name in used - there if not name.startswith("--pst-")} == set()


def test_figures_have_an_opaque_light_ground():
    assert to_hex(mpl.rcParams["savefig.facecolor"]) == "#ffffff"
    assert plots.gallery(PICTURES).get_facecolor() == (1, 1, 1, 1)


# --- Refusals ---------------------------------------------------------------------------------

NAN = np.full((1, 28, 28), np.nan)


def show_image(image):
    plots.show_image(plt.subplots()[1], image)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: show_image(PICTURES), r"\(23, 28, 28\)"),
        (lambda: show_image(NAN[0]), "NaN"),
        (lambda: plots.gallery(PICTURES[0]), r"\(28, 28\).*image\[None\]"),
        (lambda: plots.gallery(PICTURES[:0]), r"\(0, 28, 28\)"),
        (lambda: plots.gallery(PICTURES[:, 1:]), r"\(23, 27, 28\)"),
        (lambda: plots.gallery(NAN), "NaN"),
        (lambda: plots.gallery(np.full((1, 28, 28), "7")), "<U1"),
        (lambda: plots.gallery(PICTURES, ["7"]), "23 captions.* got 1"),
        (lambda: plots.gallery(PICTURES, columns=0), "got 0"),
        (lambda: plots.pixel_values(PICTURES), r"\(23, 28, 28\)"),
        (lambda: plots.pixel_values(PICTURES[0] / 255), "float64"),
        (lambda: plots.pixel_values(PICTURES[0, :0]), r"\(0, 28\)"),
        (lambda: plots.digit_bars([1] * 9, xlabel=""), r"\(9,\)"),
        (lambda: plots.digit_bars(np.full(10, np.nan), xlabel=""), "NaN"),
        (lambda: plots.digit_bars(["7"] * 10, xlabel=""), "<U1"),
        (lambda: plots.curves({"a": np.zeros((2, 2, 2))}, ylabel=""), r"\(2, 2, 2\)"),
        (lambda: plots.curves({"a": []}, ylabel=""), r"\(0,\)"),
        (lambda: plots.curves({"a": [1, np.inf]}, ylabel=""), "infinity"),
        (lambda: plots.curves({}, ylabel=""), "at least one run"),
        (lambda: plots.confusion_matrix(MATRIX[:9]), r"\(9, 10\)"),
        (lambda: plots.confusion_matrix(MATRIX / 2), "float64"),
        (lambda: plots.confusion_matrix(MATRIX - 1), "0 and above"),
        (lambda: plots.intervals(["a"], [1, 2], [0, 1], [2, 3], xlabel=""), "got 1, 2, 2, 2"),
        (lambda: plots.intervals(["a"], [1], [2], [3], xlabel=""), "outside"),
        (lambda: plots.intervals(["a"], [np.nan], [2], [3], xlabel=""), "NaN"),
    ],
)
def test_refused(call, found):
    with pytest.raises(ValueError, match=found) as caught:
        call()
    assert "expected" in str(caught.value)
