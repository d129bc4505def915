"""Do the live parts of the chapters do what their chapter says of them?

In the chapters of the fixture `site`, run on the sample. `test_every_one` holds for each of them what
has to hold for all.
"""

import re

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from support import AXE, LAPTOP, PHONE, ROOT, few, serving

WHERE = {
    name: path.stem
    for path in sorted(ROOT.glob("notebooks/*.ipynb"))
    for cell in nbformat.read(path, as_version=4).cells
    for name in re.findall(r'data-live="(\w+)"', cell.source)
}
SMALL = [name for name in WHERE if name != "train"]
SHIFTS = """
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.moved = (window.moved ?? 0) + one.value;
}).observe({type: 'layout-shift', buffered: true});
"""


@pytest.fixture(scope="module")
def served(site):
    with serving(site / "html") as address:
        yield address


@pytest.fixture
def visit(browser, served):
    """A function that opens the chapter of a live part and gives the part when it is there."""
    trouble, tabs = [], []

    def open_part(name, viewport=LAPTOP, base=served, **options):
        tab = browser.new_page(viewport=viewport, **options)
        tabs.append(tab)
        local = ("file:", "data:", "blob:", "http://127.0.0.1:")
        tab.on("request", lambda r: r.url.startswith(local) or trouble.append(f"asks {r.url}"))
        tab.on("requestfailed", lambda r: trouble.append(f"failed: {r.url}"))
        tab.on("console", lambda m: m.type == "error" and trouble.append(m.text))
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.add_init_script(SHIFTS)
        tab.goto(f"{base}notebooks/{WHERE[name]}.html")
        tab.locator(f"#{name}, [data-live={name}]").first.scroll_into_view_if_needed()
        part = tab.locator(f"[data-live={name}][data-ready]")
        part.wait_for()
        part.scroll_into_view_if_needed()
        return part

    yield open_part
    for tab in tabs:
        tab.close()
    assert not trouble


def said(part):
    return part.locator(".live-said").last.inner_text()


def slide(part, name, value):
    part.get_by_role("slider", name=name).fill(str(value))


def press(part, name):
    part.get_by_role("button", name=name, exact=True).click()


def example(part, digit):
    part.get_by_label("Put an example on the paper").select_option(str(digit))


def bars(part):
    """What stands beside each bar."""
    return part.locator(".live-bars i").all_inner_texts()


@pytest.mark.parametrize("theme", few(["light", "dark"], 1))
@pytest.mark.parametrize("name", SMALL)
def test_every_one(visit, name, theme):
    """Accessible, within a phone of 320 pixels, at rest when it starts, and reached by keyboard."""
    part = visit(name, PHONE, color_scheme=theme, reduced_motion="reduce")
    tab = part.page
    found = Axe().run(tab, context=f"[data-live={name}]", options=AXE).response["violations"]
    assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []
    assert tab.evaluate("window.moved ?? 0") < 0.02
    tab.set_viewport_size({"width": 320, "height": 640})
    wide = "one => [one, ...one.querySelectorAll('*')].map(e => e.getBoundingClientRect().right)"
    assert max(part.evaluate(wide)) <= 320
    for control in part.locator("button:enabled, input, select").all():
        control.focus()
        assert control.evaluate("one => one === document.activeElement")


def test_from_a_folder(visit, site):
    part = visit("shift", base=f"{(site / 'html').as_uri()}/")
    assert "Read as" in said(part)


def test_pixels(visit):
    part = visit("pixels")
    slide(part, "Row", 0)
    slide(part, "Column", 0)
    assert part.locator(".live-said").first.inner_text() == "Row 1, column 1: 0"
    example(part, 0)
    assert said(part).endswith("answers 0.")
    far = [int(text) for text in bars(part)]
    assert far.index(min(far)) == 0
    box = part.locator(".live-seen").bounding_box()
    part.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.99)
    assert part.locator(".live-said").first.inner_text().startswith("Row 28, column 15:")


def test_shift(visit):
    part = visit("shift")
    part.get_by_role("combobox").select_option("0")
    before = bars(part)
    assert said(part).startswith("Read as 0")
    part.get_by_label("inverted").check()
    assert bars(part) != before
    part.get_by_label("inverted").uncheck()
    assert bars(part) == before
    box = part.locator(".live-seen").bounding_box()
    mouse = part.page.mouse
    mouse.move(box["x"] + 100, box["y"] + 100)
    mouse.down()
    mouse.move(box["x"] + 100 + 4 * box["width"] / 28, box["y"] + 100)
    mouse.up()
    assert "Right: 4" in part.inner_text()
    assert bars(part) != before


def test_units(visit):
    part = visit("units")
    example(part, 0)
    press(part, "Unit 3")
    numbers = [float(text) for text in re.findall(r"-?\d+\.\d\d", said(part))]
    weights, bias, total, passed = numbers
    assert weights + bias == pytest.approx(total, abs=0.02)
    assert passed == max(0, total)
    assert part.get_by_role("button", name="Unit 3").get_attribute("aria-pressed") == "true"


def test_logits(visit):
    part = visit("logits")
    before = bars(part)
    slide(part, "Sum for 2", 5)
    after = bars(part)
    assert "sum up to 1.00" in said(part)
    assert sum(a != b for a, b in zip(before, after, strict=True)) > 3
    press(part, "sigmoid")
    before = bars(part)
    slide(part, "Sum for 2", -5)
    changed = [i for i, (a, b) in enumerate(zip(before, bars(part), strict=True)) if a != b]
    assert changed == [2]


def test_step(visit):
    part = visit("step")

    def numbers():
        found = re.search(
            r"Weight (\S+), loss (\S+), slope (\S+). A step leads to (\S+?),? ", said(part)
        )
        return [float(one.rstrip(":,")) for one in found.groups()]

    slide(part, "Length of the step", 1)
    weight, loss, slope, aim = numbers()
    assert aim == pytest.approx(weight - slope, abs=0.02)
    assert "lower" in said(part)
    press(part, "Step")
    assert numbers()[0] == pytest.approx(aim, abs=0.01)
    assert numbers()[1] < loss
    slide(part, "Length of the step", 6)
    assert "higher" in said(part)
    press(part, "Back to the start")
    assert numbers()[:2] == [weight, loss]


def test_another(visit):
    part = visit("another")
    press(part, "Draw another test set")
    assert said(part).startswith("1 test set of")
    press(part, "100 more")
    drawn, inside = map(int, re.search(r"(\d+) test sets.* (\d+) of", said(part)).groups())
    assert drawn == 101
    assert 85 <= inside <= 101
    press(part, "Forget them")
    assert said(part).startswith("Suppose")


def test_four_or_nine(visit):
    part = visit("four")
    part.get_by_role("button", name="4", exact=True).focus()
    for _ in range(20):
        part.page.keyboard.press("4")
    right, network = map(int, re.findall(r"(\d+) of 20", said(part)))
    assert 3 < right < 17
    assert network > right
    press(part, "Twenty others")
    assert said(part).startswith("Digit 1 of 20")


def test_pairs(visit):
    part = visit("pairs")
    press(part, "Train one network each")
    assert "1 encounter so far" in said(part)
    press(part, "A hundred times")
    counts = [
        int(re.match(r"\d+", text)[0]) for text in part.locator(".live-tally b").all_inner_texts()
    ]
    assert sum(counts) == 101


def test_window(visit):
    part = visit("window")
    part.get_by_label("Weight in row 2, column 2").fill("2")
    slide(part, "Window, row", 0)
    slide(part, "Window, column", 0)
    assert "no ink under a weight, so 0" in said(part)
    press(part, "nothing")
    slide(part, "Window, row", 6)
    slide(part, "Window, column", 12)
    for row in (1, 2, 3):
        for column in (1, 2, 3):
            part.get_by_label(f"Weight in row {row}, column {column}").fill("1")
    shares = [float(one) for one in re.findall(r"1 × (\d\.\d\d)", said(part))]
    total = float(re.search(r"= (\S+)\.$", said(part))[1])
    assert total == pytest.approx(sum(shares), abs=0.05)


@pytest.mark.slow
def test_turn(visit):
    part = visit("turn")
    slide(part, "Turned", 0)
    part.page.wait_for_function(
        "[...document.querySelectorAll('.live-said')].at(-1) && /Read as/.test("
        "document.querySelector('[data-live=turn] .live-said').textContent)"
    )
    assert said(part).startswith("Read as 6")
    slide(part, "Turned", 180)
    part.page.wait_for_function(
        "/Read as 9/.test(document.querySelector('[data-live=turn] .live-said').textContent)"
    )


def test_place(visit):
    part = visit("place")
    example(part, 0)
    assert said(part).startswith("Read as 0")
    whole = bars(part)
    part.get_by_label("cut out the ink").uncheck()
    assert bars(part) != whole
    part.get_by_label("cut out the ink").check()
    assert bars(part) == whole
    box = part.locator(".live-paper").bounding_box()
    mouse = part.page.mouse
    mouse.move(box["x"] + 20, box["y"] + 20)
    mouse.down()
    mouse.move(box["x"] + 22, box["y"] + 90, steps=5)
    mouse.up()
    assert said(part).startswith("Read as")
    assert bars(part) != whole


def test_bits(visit):
    part = visit("bits")

    def told():
        text = part.locator(".live-said").inner_text()
        return float(re.match(r"[\d.]+", text)[0]), float(re.search(r": ([\d.]+)%", text)[1])

    size, accuracy = told()
    press(part, "8")
    assert told()[0] == pytest.approx(size / 4, abs=0.1)
    assert abs(told()[1] - accuracy) < 2
    press(part, "1")
    assert told()[1] < accuracy
    press(part, "32 bits")
    assert told() == (size, accuracy)
