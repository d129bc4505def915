"""Does "Write digits" read what is written or photographed, as Python would, and everywhere?"""

import base64
import gzip
import re

import numpy as np
import pytest
from papers import PAPER, TEXT, on_white, rate
from papers import page as ink_of_a_page
from PIL import Image
from scipy import ndimage
from support import PHONE, ROOT, TOOLS, WEB, few, findings, painted, sample, serving

from digitlib import export, handwriting, models, plots
from digitlib.frame import to_frame

RUNTIME = {"litert.js", "network.js"}
DIGITS = sample()


@pytest.fixture(scope="module")
def address():
    """The page's address while it is served on this machine."""
    with serving(WEB) as address:
        yield f"{address}index.html"


@pytest.fixture
def page(new_tab):
    page = new_tab()
    page.route("**/favicon.svg", lambda route: route.fulfill(body=""))  # the book's, not here
    return page


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
    """What the network sees of each digit."""
    return page.evaluate(
        "[...document.querySelectorAll('.draw-found canvas')].map((one) =>"
        " [...one.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 3))"
    )


def verdict(page):
    return page.locator(".draw-verdict").inner_text()


def answering(page, *rating):
    """Let the network answer that, whatever it sees: ten digits, and none."""
    page.evaluate("digitlib.ready = async () => {}")
    page.evaluate("rating => { digitlib.read = async () => rating; }", [*rating])


def test_a_drawing_is_read(page, address):
    loaded = []
    page.on("requestfinished", lambda request: loaded.append(request.url.rpartition("/")[2]))
    page.goto(address)
    assert not RUNTIME & set(loaded)
    draw(page, SEVEN)
    heard(page, "reads a 7")
    assert verdict(page) == "7"
    shares = page.locator(".draw-bars i").all_inner_texts()
    assert len(shares) == 11
    assert float(shares[7].rstrip("%")) > 90
    (frame,) = frames_in(page)
    assert max(frame) == 255
    draw(page, BAR)  # two strokes, still one digit
    heard(page, "reads a 7")
    page.get_by_role("button", name="Undo").click()
    heard(page, "reads a 7")
    page.get_by_role("button", name="Clear").click()
    heard(page, "empty")
    assert frames_in(page) == []
    assert page.get_by_role("button", name="Clear").is_disabled()
    page.keyboard.press("Control+z")  # nothing is lost
    heard(page, "reads a 7")
    page.keyboard.press("Control+z")
    heard(page, "empty")
    assert page.get_by_role("button", name="Undo").is_disabled()


def circle(x, y, wide, tall):
    angle = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 24)
    return [*zip(x + wide * np.cos(angle), y + tall * np.sin(angle), strict=True)]


def moved(strokes, right, scale=1.0):
    return [[(right + scale * x, 0.1 + scale * y) for x, y in stroke] for stroke in strokes]


FOUR = [[(0.05, 0), (0, 0.35), (0.2, 0.35)], [(0.15, 0.1), (0.14, 0.6)]]
ONE = [[(0, 0), (0, 0.6)]]


@pytest.mark.parametrize("scale", few([1, 0.25], 1))
def test_a_number_is_read(page, address, scale):
    page.goto(address)
    zero = [circle(0.09, 0.3, 0.08, 0.3)]
    strokes = [*moved(FOUR, 0.1, scale), *moved(ONE, 0.1 + 0.4 * scale, scale)]
    draw(page, *strokes, *moved(zero, 0.1 + 0.55 * scale, scale))
    heard(page, "reads 4 1 0")
    assert verdict(page).replace("?", "") == "410"
    assert len(frames_in(page)) == 3
    first = page.get_by_role("button", name="Digit 1: 4")
    first.click()
    assert first.get_attribute("aria-pressed") == "true"
    shares = [one.rstrip("%") for one in page.locator(".draw-bars i").all_inner_texts()]
    assert float(shares[4]) > 60


@pytest.mark.parametrize("letter", few("AXH", 1))
def test_a_letter_is_no_digit(page, address, letter):
    strokes = {
        "A": [[(0.3, 0.85), (0.45, 0.15), (0.6, 0.85)], [(0.35, 0.6), (0.55, 0.6)]],
        "X": [[(0.3, 0.15), (0.6, 0.85)], [(0.6, 0.15), (0.3, 0.85)]],
        "H": [[(0.3, 0.15), (0.3, 0.85)], [(0.6, 0.15), (0.6, 0.85)], [(0.3, 0.5), (0.6, 0.5)]],
    }[letter]
    page.goto(address)
    draw(page, *strokes)
    heard(page, "no digit")
    assert verdict(page) == "No digit"


def test_a_tap_leaves_ink(page, address):
    page.goto(address)
    answering(page, *np.eye(11)[1])
    draw(page, [(0.5, 0.5)])
    heard(page, "reads a 1")
    ink = (
        "document.querySelector('.draw-canvas').getContext('2d').getImageData(0, 0, 900, 900).data"
    )
    assert page.evaluate(f"{ink}.some((v, i) => i % 4 === 3 && v === 255)")


def test_where_a_canvas_is_not_to_be_read(page, address, tmp_path):
    """As browsers have it that give nothing away: a photo is refused in a line, writing is read."""
    page.add_init_script(
        "const honest = CanvasRenderingContext2D.prototype.getImageData;"
        "CanvasRenderingContext2D.prototype.getImageData = function (...place) {"
        " const found = honest.apply(this, place); crypto.getRandomValues(found.data.subarray(0, 60000));"
        " return found; };"
    )
    page.goto(address)
    draw(page, SEVEN)
    heard(page, "reads a 7")
    page.set_input_files(".draw-buttons input", photo(tmp_path))
    heard(page, "hides from pages what a picture holds")


def photo(folder):
    """A page of digits as a file."""
    path = folder / "photo.png"
    Image.fromarray(on_white(ink_of_a_page())).save(path)
    return path


def test_a_photo_is_read(page, address, tmp_path):
    page.goto(address)
    path = photo(tmp_path)
    page.set_input_files(".draw-buttons input", path)
    heard(page, "; ")
    lines = verdict(page).replace("?", "").splitlines()
    assert [len(line) for line in lines] == [len(line) for line in TEXT]
    assert sum(a == b for a, b in zip("".join(lines), "".join(TEXT), strict=True)) >= 14
    page.get_by_role("button", name="Undo").click()
    heard(page, "empty")
    drop = (
        "([text, type, how]) => { const file = new File([digitlib.bytes(text)], 'photo', {type});"
        " const data = new DataTransfer(); data.items.add(file);"
        " const [name, target, key] = how === 'drop' ? ['drop', document.querySelector('.draw-pad'),"
        " 'dataTransfer'] : ['paste', document.body, 'clipboardData'];"
        " const event = new (how === 'drop' ? DragEvent : ClipboardEvent)(name,"
        " {bubbles: true, cancelable: true, [key]: data}); target.dispatchEvent(event); }"
    )
    content = base64.b64encode(path.read_bytes()).decode()
    for how in ("drop", "paste"):
        page.evaluate(drop, [content, "image/png", how])
        heard(page, "; ")
        assert verdict(page).replace("?", "").splitlines() == lines
        page.get_by_role("button", name="Clear").click()
        heard(page, "empty")
    page.evaluate(drop, [base64.b64encode(b"no picture").decode(), "image/png", "drop"])
    heard(page, "not a picture that this browser can open")


def test_a_hand_on_the_paper_does_not_write(page, address):
    page.goto(address)
    answering(page, *np.eye(11)[1])
    touch = (
        "([type, id, x, y, size]) => { const pad = document.querySelector('.draw-canvas');"
        " pad.setPointerCapture = () => {}; const box = pad.getBoundingClientRect();"
        " pad.dispatchEvent(new PointerEvent(type, {pointerId: id, clientX: box.left + x,"
        " clientY: box.top + y, width: size, height: size, bubbles: true})); }"
    )
    page.evaluate(touch, ["pointerdown", 1, 200, 200, 90])
    assert page.locator(".draw-empty").count() == 1
    page.evaluate(touch, ["pointerdown", 2, 200, 200, 30])  # the side of a hand, small at first
    page.evaluate(touch, ["pointerdown", 3, 90, 50, 5])
    for y in range(60, 200, 10):
        page.evaluate(touch, ["pointermove", 3, 90, y, 5])
    page.evaluate(touch, ["pointerup", 3, 90, 200, 5])
    heard(page, "reads a 1")
    page.get_by_role("button", name="Undo").click()
    heard(page, "empty")


def test_from_a_folder_everything_by_keyboard(page):
    page.goto((WEB / "index.html").as_uri())
    page.get_by_role("link").first.focus()
    for digit in range(10):
        page.keyboard.press("Tab")
        if digit == 0:  # Undo and Clear are off while there is nothing on the paper
            assert page.evaluate("document.activeElement.textContent") == "Photo…"
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.ariaLabel") == "Example of a 0"
        page.keyboard.press("Enter")
        heard(page, f"reads a{'n' * (digit == 8)} {digit}")
    for digit in reversed(range(9)):
        page.keyboard.press("Control+z")
        heard(page, f"reads a{'n' * (digit == 8)} {digit}")
    page.keyboard.press("Control+z")
    heard(page, "empty")


def test_unsure_is_said(page, address):
    page.goto(address)
    answering(page, 0, 0, 0, 0, 0.5, 0, 0, 0.1, 0, 0.4, 0)
    draw(page, SEVEN)
    heard(page, "not sure: 4, 50.0%, or 9, 40.0%")
    assert verdict(page) == "4 or 9? Not sure."


def test_a_digit_of_another_page(page, address):
    for number, encode in enumerate([base64.b64encode, base64.urlsafe_b64encode]):
        image = DIGITS.x_test[number]
        page.goto(f"{address}#image={encode(image.tobytes()).decode()}")
        page.wait_for_function("document.querySelector('.draw-verdict').textContent.trim()")
        assert frames_in(page) == [image.ravel().tolist()]
    for nothing in ("short", "A" * 5, "%22><script>"):
        page.goto(f"{address}#image={nothing}")
        assert frames_in(page) == [image.ravel().tolist()]
        heard(page, "The address holds no image.")


@pytest.mark.slow
def test_under_the_policy_that_is_told_to_servers(page, address):
    told = re.search(r"`(script-src '[^`]+)`", (ROOT / "CONTRIBUTING.md").read_text())[1]

    def strict(route):
        answer = route.fetch()
        policy = {"Content-Security-Policy": f"default-src 'self'; {told}"}
        route.fulfill(response=answer, headers=answer.headers | policy)

    page.route("**/index.html", strict)
    page.goto(address)
    draw(page, SEVEN, BAR)
    heard(page, "reads a 7")


@pytest.mark.slow
def test_on_a_slow_line_it_says_how_far_it_is(page, address):
    slow = {"offline": False, "latency": 50, "downloadThroughput": 5e5, "uploadThroughput": 5e5}
    page.goto(address)
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    draw(page, SEVEN, BAR)
    page.wait_for_function(
        r"/loading, 4.4 MB, once: [1-8]\d%/.test(document.querySelector('.draw-said').textContent)"
    )
    heard(page, "reads a 7")


def test_without_the_runtime(page, address):
    page.route("**/network.js", lambda route: route.abort())
    page.goto(address)
    draw(page, SEVEN)
    heard(page, "cannot run in this browser")
    refused = [f"failed: {address.replace('index.html', 'network.js')}"]
    assert page.trouble == [*refused, "console: Failed to load resource: net::ERR_FAILED"]
    page.trouble.clear()
    page.unroute("**/network.js")
    draw(page, BAR)
    heard(page, "reads a 7")


def test_without_the_runtime_while_one_writes(page, address):
    """Several answers are awaited when the loading fails; one of them says so."""
    page.route("**/network.js", lambda route: (page.wait_for_timeout(1500), route.abort()))
    page.goto(address)
    draw(page, SEVEN, BAR)
    heard(page, "cannot run in this browser")
    page.trouble.clear()


def test_what_is_written_stays_on_a_narrower_paper(page, address):
    page.set_viewport_size({"width": 844, "height": 600})
    page.goto(address)
    answering(page, *(7 * [0] + [1] + 3 * [0]))
    draw(page, [(0.9, 0.2), (0.95, 0.8)])
    heard(page, "reads a 7")
    page.set_viewport_size({"width": 360, "height": 800})
    painted(page)
    assert page.locator(".draw-canvas").evaluate(
        "one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(v => v)"
    )


def test_what_is_chosen_stays_when_a_phone_hides_its_bar(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    answering(page, *(7 * [0] + [1] + 3 * [0]))
    draw(page, [(0.1, 0.3), (0.12, 0.7)], [(0.8, 0.3), (0.82, 0.7)])
    first = page.locator(".draw-found button").first
    heard(page, "7 7")
    first.click()
    page.set_viewport_size({"width": 390, "height": 788})
    painted(page)
    assert first.get_attribute("aria-pressed") == "true"
    assert first.evaluate("one => one === document.activeElement")


def test_undo_by_keys_wherever_the_focus_is(page, address):
    page.goto(address)
    answering(page, *np.eye(11)[7])
    page.get_by_role("link").first.focus()
    draw(page, SEVEN)
    heard(page, "reads a 7")
    page.keyboard.press("Control+z")
    heard(page, "empty")


def test_what_is_dropped_is_no_file(page, address):
    page.goto(address)
    page.evaluate(
        "document.querySelector('.draw-pad').dispatchEvent(new DragEvent('drop',"
        " {bubbles: true, cancelable: true, dataTransfer: new DataTransfer()}))"
    )
    heard(page, "Drop a picture, as a file.")


def test_phone_dark_and_accessible(page, address):
    page.set_viewport_size(PHONE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        answering(page, 0, 0, 0, 0.99, 0, 0.01, 0, 0, 0, 0, 0)
        page.get_by_role("button", name="Example of a 3").click()
        heard(page, "reads a 3")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        assert findings(page) == []
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


def test_the_frame_is_that_of_python(page, address):
    page.goto(address)
    cases = list(pictures(200))
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


FIND = """
async ([text, width, height]) => {
  const rate = async (frames) => {
    let all = "";
    for (const frame of frames) for (const ink of frame) all += String.fromCharCode(ink);
    return ratings(btoa(all), frames.length);
  };
  const data = digitlib.bytes(text);
  const found = await digitlib.handwriting.find({data, width, height}, rate);
  return found.map(({line, corners, rating}) => [line, corners, rating]);
}
"""


@pytest.mark.parametrize("name", few(PAPER, 4))
def test_digits_are_found_as_in_python(page, address, name):
    def ratings(text, n):
        frames = np.frombuffer(base64.b64decode(text), np.uint8).reshape(n, 28, 28)
        return rate(frames).tolist()

    page.goto(address)
    page.expose_function("ratings", ratings)
    picture = np.clip(PAPER[name](ink_of_a_page()), 0, 255).astype(np.uint8)
    height, width = picture.shape[:2]
    data = np.dstack([picture, np.full((height, width), 255, np.uint8)]).tobytes()
    found = page.evaluate(FIND, [base64.b64encode(data).decode(), width, height])
    expected = handwriting.find(picture, rate)
    assert [line for line, _, _ in found] == expected.lines.tolist()
    assert [np.argmax(one) for _, _, one in found] == expected.ratings.argmax(axis=1).tolist()
    corners = np.array([one for _, one, _ in found])
    assert abs(corners - expected.corners).max() <= 2


@pytest.mark.slow
def test_the_network_is_that_of_python(page, address):
    images = DIGITS.x_test[:200]
    expected = models.ratings(models.reader(), images)
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
    assert len(first) == 14
    after = sum((WEB / name).stat().st_size for name in RUNTIME)
    assert sum((WEB / name).stat().st_size for name in first) < 100_000
    assert after < 4_500_000
    assert f"{after / 1e6:.1f} MB" in (WEB / "reader.js").read_text("utf-8")


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
