"""Does "Draw a digit" read what is drawn, as Keras would, wherever the page comes from?"""

import base64
import gzip
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from scipy import ndimage
from support import AXE, PHONE, TOOLS, WEB, sample, serving

from digitlib import export, models, plots
from digitlib.frame import to_frame

RUNTIME = {"litert.js", "network.js"}
DIGITS = sample()


@pytest.fixture(scope="module")
def address():
    """The page's address while it is served on this machine."""
    with serving(WEB) as address:
        yield f"{address}index.html"


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda line: "Canvas2D" in line.text or page.problems.append(line.text))
    page.route("**/favicon.svg", lambda route: route.fulfill(body=""))  # the book's, not here
    yield page
    page.close()
    assert page.problems == []


def draw(page, *strokes):
    """Lines through points, from 0 to 1 in the drawing area."""
    box = page.locator(".draw-canvas").bounding_box()
    for points in strokes:
        for number, (x, y) in enumerate(points):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
            if number == 0:
                page.mouse.down()
        page.mouse.up()


SEVEN = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]
BAR = [(0.35, 0.5), (0.65, 0.5)]


def heard(page, text):
    page.wait_for_function(
        "text => document.querySelector('.draw-said').textContent.includes(text)", arg=text
    )


def frames_in(page):
    return page.evaluate(
        "[...document.querySelector('.draw-frame').getContext('2d').getImageData(0, 0, 28, 28).data"
        "].filter((_, i) => i % 4 === 3)"
    )


def test_a_drawing_is_read(page, address):
    loaded = []
    page.on("requestfinished", lambda request: loaded.append(request.url.rpartition("/")[2]))
    page.goto(address)
    assert not RUNTIME & set(loaded)
    draw(page, SEVEN)
    heard(page, "reads a 7")
    assert page.locator(".draw-verdict").inner_text() == "7"
    shares = page.locator(".draw-bars i").all_inner_texts()
    assert shares[7] == "> 99.9%" or float(shares[7].rstrip("%")) > 90
    assert max(frames_in(page)) == 255
    draw(page, BAR)  # two strokes, still one digit
    heard(page, "reads a 7")
    page.get_by_role("button", name="Undo").click()
    heard(page, "reads a 7")
    page.get_by_role("button", name="Clear").click()
    heard(page, "empty")
    assert max(frames_in(page)) == 0
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_from_a_folder_everything_by_keyboard(page):
    page.goto((WEB / "index.html").as_uri())
    page.get_by_role("link").first.focus()
    for digit in range(10):
        page.keyboard.press("Tab")
        if digit == 0:  # the buttons before the examples are off while there is nothing drawn
            assert page.evaluate("document.activeElement.ariaLabel") == "Example of a 0"
        page.keyboard.press("Enter")
        heard(page, f"reads a {digit}")
    page.keyboard.press("Control+z")
    heard(page, "empty")


def test_unsure_is_said(page, address):
    page.goto(address)
    page.evaluate("digitlib.read = async () => [0, 0, 0, 0, 0.5, 0, 0, 0.1, 0, 0.4]")
    draw(page, BAR)
    heard(page, "not sure: 4, 50.0%, or 9, 40.0%")
    assert page.locator(".draw-verdict").inner_text() == "4 or 9? Not sure."


def test_a_digit_of_another_page(page, address):
    for number, encode in enumerate([base64.b64encode, base64.urlsafe_b64encode]):
        image = DIGITS.x_test[number]
        page.goto(f"{address}#image={encode(image.tobytes()).decode()}")
        page.wait_for_function("document.querySelector('.draw-verdict').textContent.trim()")
        assert frames_in(page) == image.ravel().tolist()
    for nothing in ("short", "A" * 5, "%22><script>"):
        page.goto(f"{address}#image={nothing}")
        assert frames_in(page) == image.ravel().tolist()


def test_without_the_runtime(page, address):
    page.route("**/network.js", lambda route: route.abort())
    page.goto(address)
    draw(page, SEVEN)
    heard(page, "cannot run in this browser")
    assert page.problems == ["Failed to load resource: net::ERR_FAILED"]
    page.problems.clear()
    page.unroute("**/network.js")
    draw(page, BAR)
    heard(page, "reads a 7")


def test_phone_dark_and_accessible(page, address):
    page.set_viewport_size(PHONE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        page.evaluate("digitlib.read = async () => [0, 0, 0, 0.99, 0, 0.01, 0, 0, 0, 0]")
        page.get_by_role("button", name="Example of a 3").click()
        heard(page, "reads a 3")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        violations = Axe().run(page, options=AXE).response["violations"]
        assert [v["id"] for v in violations] == []
        for button in page.get_by_role("button").all():
            assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 44


def pictures(count):
    """Digits as pictures of many sizes, placed anywhere, some of them faint."""
    rng = np.random.default_rng(0)
    for number in range(count):
        image = DIGITS.x_train[number % len(DIGITS.x_train)]
        if number % 4:
            zoom = rng.uniform(0.4, 7)
            image = ndimage.zoom(image.astype(float), zoom, order=1).clip(0, 255)
        faint = rng.uniform(0.2, 1) if number % 3 else 1
        image = (image * faint).astype(np.uint8)
        yield np.pad(image, rng.integers(0, 9, (2, 2)))


FRAMES = """
({ink, shapes}) => {
  const all = digitlib.bytes(ink);
  let end = 0;
  return shapes.map(([height, width]) =>
    String.fromCharCode(...digitlib.frame(all.subarray(end, end += height * width), width, height)));
}
"""


@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_frame_is_that_of_python(page, address, count):
    page.goto(address)
    cases = list(pictures(count))
    expected = np.stack([to_frame(case) for case in cases])
    ink = base64.b64encode(b"".join(case.tobytes() for case in cases)).decode()
    found = page.evaluate(FRAMES, {"ink": ink, "shapes": [case.shape for case in cases]})
    found = np.frombuffer("".join(found).encode("latin-1"), np.uint8).reshape(expected.shape)
    assert abs(found.astype(int) - expected).max() <= 2
    answers = [
        models.answers(models.reader(), frames).argmax(axis=1) for frames in (expected, found)
    ]
    np.testing.assert_array_equal(*answers)
    assert page.evaluate("digitlib.frame(new Uint8Array(100), 10, 10)") is None


@pytest.mark.slow
def test_the_network_is_that_of_python(page, address):
    images = DIGITS.x_test[:200]
    expected = models.answers(models.reader(), images)
    page.goto(address)
    found = page.evaluate(
        "async images => { const all = []; for (const image of images)"
        " all.push([...await digitlib.read(image)]); return all; }",
        images.reshape(-1, 784).tolist(),
    )
    assert abs(np.array(found) - expected).max() < 5e-3  # weights of 16 bits
    # and so is the file, run by LiteRT's own runtime
    packed = re.search(r'"(.*)"', (WEB / "network.js").read_text("utf-8"))[1]
    content = gzip.decompress(base64.b64decode(packed))
    assert abs(export.run(content, images) - np.array(found)).max() < 1e-4


def test_the_palette_is_that_of_the_figures(page, address):
    page.goto(address)
    seen = "name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()"
    for name, color in plots.PALETTE.items():
        assert page.evaluate(seen, name) == color
    for digit, color in enumerate(plots.COLORS):
        assert page.evaluate(seen, f"digit-{digit}") == color


def test_weights():
    page = (WEB / "index.html").read_text("utf-8")
    first = ["index.html", *re.findall(r'(?:src|href)="([\w.]+\.(?:js|css))"', page)]
    assert len(first) == 7
    after = sum((WEB / name).stat().st_size for name in RUNTIME)
    assert sum((WEB / name).stat().st_size for name in first) < 60_000
    assert after < 4_500_000
    assert f"{after / 1e6:.1f} MB" in (WEB / "draw.js").read_text("utf-8")


def test_examples_are_read_right():
    found = re.findall(r'"(.*)"', (WEB / "examples.js").read_text("utf-8"))
    images = np.stack([np.frombuffer(base64.b64decode(one), np.uint8) for one in found])
    y_pred = models.answers(models.reader(), images.reshape(-1, 28, 28)).argmax(axis=1)
    assert y_pred.tolist() == list(range(10))


def test_the_license_comes_along():
    assert "Apache License" in (WEB / "LICENSE").read_text("utf-8")
    first = (WEB / "litert.js").open(encoding="utf-8").readline()
    package = re.search(r'PACKAGE = "(.*)"', (TOOLS / "vendor.py").read_text("utf-8"))[1]
    assert first.startswith(f"// {package}, Copyright Google LLC, Apache License 2.0")
