"""Do the live parts of the chapters do what their chapter says of them?

In the chapters of the fixture `site`, run on the sample. `test_every_one` holds for each of them what
has to hold for all.
"""

import re

import nbformat
import pytest
from PIL import Image, ImageDraw
from support import LAPTOP, PHONE, ROOT, SHIFTS, example, few, findings, painted, press

WHERE = {
    name: path.stem
    for path in sorted(ROOT.glob("notebooks/*.ipynb"))
    for cell in nbformat.read(path, as_version=4).cells
    for name in re.findall(r'data-live="(\w+)"', cell.source)
}
SMALL = [name for name in WHERE if name != "train"]


def uncover(tab):
    """Show what guesses cover."""
    for decline in tab.get_by_role("button", name="Show without a guess").all()[::-1]:
        decline.click()


@pytest.fixture
def visit(new_tab, served):
    """A function that opens the chapter of a live part and gives the part when it is there."""

    def open_part(name, viewport=LAPTOP, base=served, **options):
        tab = new_tab(viewport, **options)
        tab.add_init_script(SHIFTS)
        tab.goto(f"{base}notebooks/{WHERE[name]}.html")
        uncover(tab)
        tab.wait_for_timeout(200)  # no sign says that all of it is in its place
        tab.evaluate("window.moved = 0")  # what was shown on request has moved the rest
        tab.locator(f"#{name}, [data-live={name}]").first.scroll_into_view_if_needed()
        part = tab.locator(f"[data-live={name}][data-ready]")
        part.wait_for()
        part.scroll_into_view_if_needed()
        return part

    return open_part


def said(part):
    return part.locator(".live-said").last.inner_text()


def slide(part, name, value):
    part.get_by_role("slider", name=name).fill(str(value))


def bars(part):
    """What stands beside each bar."""
    return part.locator(".live-bars i").all_inner_texts()


@pytest.mark.parametrize("name", few(SMALL, 2))
def test_every_one(visit, name):
    """Accessible, within a phone of 320 pixels, at rest when it starts, and reached by keyboard."""
    part = visit(name, PHONE, reduced_motion="reduce")
    tab = part.page
    assert tab.evaluate("window.moved ?? 0") < 0.02
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme)
        assert findings(tab, f"[data-live={name}]") == []
    tab.set_viewport_size({"width": 320, "height": 640})
    wide = "one => [one, ...one.querySelectorAll('*')].map(e => e.getBoundingClientRect().right)"
    assert max(part.evaluate(wide)) <= 320
    for control in part.locator("button:enabled, input:visible, select").all():
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


@pytest.mark.parametrize("name", ["pixels", "window"])
def test_a_finger_points(visit, name):
    part = visit(name, PHONE, has_touch=True)
    seen = part.locator(".live-seen")
    box = seen.bounding_box()
    seen.tap(position={"x": box["width"] * 0.52, "y": box["height"] * 0.8})
    row, column = (23, 15) if name == "pixels" else (22, 14)
    assert f"ow {row}, column {column}:" in part.locator(".live-said").first.inner_text()


@pytest.mark.parametrize("name", ["four", "judge"])
def test_questions_by_keyboard(visit, name):
    part = visit(name)
    count = part.locator(".live-said").first.inner_text
    part.get_by_role("button", name="4", exact=True).focus()
    for _ in range(3):  # held down
        part.page.keyboard.down("4")
    assert count().startswith("Digit 2 of")
    for _ in range(int(re.search(r"of (\d+)", count())[1]) - 1):
        part.page.keyboard.press("Enter")
    assert not count().startswith("Digit")
    assert part.page.evaluate("document.activeElement.textContent") in (
        "Twenty others",
        "Start again",
    )


def test_what_is_said_is_said_once(visit):
    part = visit("step")
    changes = part.page.evaluate(
        """() => new Promise((resolve) => {
          let changes = 0;
          const said = document.querySelector("[data-live=step] .live-said");
          new MutationObserver((all) => { changes += all.length; }).observe(said, {childList: true});
          dispatchEvent(new Event("resize"));
          setTimeout(() => resolve(changes));
        })"""
    )
    assert changes == 0


def test_a_link_to_a_heading_leaves_the_training(visit):
    part = visit("train")
    for _ in range(3):
        press(part, "One step")
    part.page.evaluate("location.hash = '#exercises'")
    painted(part.page)
    assert ": step 3," in part.locator(".train-time").inner_text()


def test_a_part_that_this_browser_cannot_run(new_tab, served):
    tab = new_tab()
    tab.add_init_script("delete window.DecompressionStream")
    tab.goto(f"{served}notebooks/{WHERE['pixels']}.html")
    tab.locator("[data-live=pixels]").scroll_into_view_if_needed()
    tab.get_by_text("This part cannot run in this browser (DecompressionStream").wait_for()


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
    assert "add up to 1.00" in said(part)
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


@pytest.mark.slow
def test_another(visit):
    part = visit("another")
    press(part, "Draw another test set")
    assert said(part).startswith("1 test set of")
    press(part, "100 more")
    drawn, inside = map(int, re.search(r"(\d+) test sets.*: (\d+) of", said(part)).groups())
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
    assert part.locator(".live-missed li").count() == 20 - right
    press(part, "Twenty others")
    assert part.locator(".live-missed li").count() == 0
    assert said(part).startswith("Digit 1 of 20")


def test_pairs(visit):
    part = visit("pairs")
    press(part, "Take one network of each")
    assert "1 comparison so far" in said(part)
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
    press(part, "all zero")
    assert "all nine weights are 0" in said(part)
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
    assert said(part).startswith("The small network (bars): 0")
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
    assert said(part).startswith("The small network (bars): ")
    assert bars(part) != whole


@pytest.mark.slow
def test_bits(visit):
    part = visit("bits")

    def told():
        numbers = re.match(r"([\d.]+) kB: ([\d.]+)%.*\)\. (\d+) ", said(part)).groups()
        return [*map(float, numbers)]

    size, accuracy, changed = told()
    press(part, "4")
    assert told()[0] == pytest.approx(size / 2, abs=0.1)
    press(part, "1")
    assert told()[1] < accuracy
    assert told()[2] > changed
    press(part, "8, as sent")
    assert told() == [size, accuracy, changed]


def test_patience(visit):
    part = visit("patience")

    def kept():
        return [
            float(one) for one in re.findall(r"keeps epoch (\d+) .*loss ([\d.]+)", said(part))[0]
        ]

    slide(part, "Patience", 1)
    hasty = kept()
    slide(part, "Patience", 10)
    assert kept()[0] >= hasty[0]
    assert kept()[1] <= hasty[1]
    assert part.locator(".live-choice button").count() >= 2


@pytest.mark.slow
def test_runs(visit):
    part = visit("runs")

    def width():
        low, high = re.search(r"between (\S+) and (\S+) points", said(part)).groups()
        return float(high.replace("−", "-")) - float(low.replace("−", "-"))

    one = width()
    slide(part, "Runs of each", 16)
    assert "16 runs of each" in said(part)
    assert width() == pytest.approx(one / 4, rel=0.4)


def test_judge(visit):
    part = visit("judge")
    seen = part.locator(".live-said")
    total = int(re.search(r"of (\d+)", seen.first.inner_text())[1])
    press(part, "cannot tell")
    label, answer = re.search(
        r"its label is (\d).* the networks say (\d)", seen.last.inner_text()
    ).groups()
    assert label != answer
    part.get_by_role("button", name="0", exact=True).focus()
    for _ in range(total - 1):
        part.page.keyboard.press("3")
    counts = re.search(
        r"label on (\d+).* networks on (\d+).* neither on (\d+); (\d+) you could not tell",
        seen.first.inner_text(),
    ).groups()
    assert sum(map(int, counts)) == total
    assert not part.get_by_role("button", name="0", exact=True).is_enabled()
    press(part, "Start again")
    assert seen.first.inner_text().startswith("Digit 1 of")


@pytest.mark.slow
def test_layers(visit):
    part = visit("layers")
    example(part, 4)
    part.locator(".live-maps:not([hidden])").wait_for()
    assert said(part).startswith("24 maps of 26×26. One number depends on 3×3 pixels")
    press(part, "fifth")
    assert said(part).startswith("128 maps of 2×2. One number depends on 21×21 pixels")
    press(part, "Clear")
    assert part.locator(".live-maps").is_hidden()


def test_layers_without_their_network(new_tab, served):
    tab = new_tab()
    tab.route("**/litert.js", lambda route: route.abort())
    tab.goto(f"{served}notebooks/{WHERE['layers']}.html")
    uncover(tab)
    part = tab.locator("[data-live=layers]")
    part.scroll_into_view_if_needed()
    example(part, 4)
    part.locator(".live-said", has_text="cannot run in this browser").wait_for()
    press(part, "second")
    assert "cannot run in this browser" in said(part)
    tab.trouble.clear()


@pytest.mark.slow
def test_half_a_pixel(visit):
    part = visit("half")
    whole = bars(part)
    moved = 0
    for digit in range(10):
        example(part, digit)
        part.get_by_label("half a pixel").check()
        moved += "Moved one pixel" in said(part)
        part.get_by_label("half a pixel").uncheck()
    assert 4 <= moved <= 10
    example(part, 7)
    assert bars(part) == whole


@pytest.mark.parametrize("name", few(["patience", "another", "runs", "step"], 1))
def test_plots_follow_the_width_and_the_theme(visit, name):
    part = visit(name)
    canvas, pixels = part.locator("canvas").first, "one => one.toDataURL()"
    part.page.set_viewport_size({"width": 360, "height": 640})
    painted(part.page)
    fine = "one => one.width / one.getBoundingClientRect().width"
    assert abs(canvas.evaluate(fine) - 1) < 0.02
    light = canvas.evaluate(pixels)
    part.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    painted(part.page)
    assert canvas.evaluate(pixels) != light


def test_pictures_that_take_no_pointer_let_a_page_scroll(visit):
    touch = "one => getComputedStyle(one).touchAction"
    assert visit("four").locator(".live-seen").evaluate(touch) == "auto"
    assert visit("shift").locator(".live-seen").evaluate(touch) == "none"


def test_a_part_that_cannot_be_loaded_says_so_and_leaves_the_others(new_tab, served):
    tab = new_tab()
    tab.route("**/data/evaluated.js", lambda route: route.abort())
    tab.goto(f"{served}notebooks/{WHERE['another']}.html")
    uncover(tab)
    for name in ("another", "four"):
        tab.locator(f"[data-live={name}]").scroll_into_view_if_needed()
    tab.locator("[data-live=four][data-ready]").wait_for()
    told = tab.locator("[data-live=another]").inner_text()
    assert "could not be loaded (data/evaluated.js" in told
    tab.trouble.clear()


@pytest.mark.slow
def test_place_reads_a_photo(visit, tmp_path):
    part = visit("place")
    image = Image.new("L", (600, 400), 210)
    ImageDraw.Draw(image).line([(280, 120), (360, 120), (310, 300)], fill=40, width=14)
    image.save(tmp_path / "seven.png")
    (tmp_path / "no.png").write_bytes(b"no picture")
    part.locator("input[type=file]").set_input_files(tmp_path / "no.png")
    part.page.wait_for_function(
        "document.querySelector('[data-live=place] > .live-said').textContent.includes('not a picture')"
    )
    Image.new("L", (600, 400), 255).save(tmp_path / "white.png")
    part.locator("input[type=file]").set_input_files(tmp_path / "white.png")
    part.get_by_text("No ink was found in this photo.").wait_for()
    part.locator("input[type=file]").set_input_files(tmp_path / "seven.png")
    part.page.wait_for_function(
        r"/packaged one says 7, /.test(document.querySelector('[data-live=place] > .live-said').textContent)"
    )
    small = bars(part)
    box = part.locator(".live-paper").bounding_box()
    part.page.mouse.click(box["x"] + 20, box["y"] + 20)
    assert bars(part) != small
    press(part, "Undo")  # back to the photo
    assert bars(part) == small
    part.get_by_label("cut out the ink").uncheck()
    part.page.wait_for_function(
        r"!/packaged one says 7, > /.test(document.querySelector('[data-live=place] > .live-said').textContent)"
    )


def test_threshold(visit):
    part = visit("threshold")

    def told():
        pairs = re.findall(r"([\d.]+)% refused. Of the answers, ([\d.]+)% are", part.inner_text())
        return [tuple(map(float, pair)) for pair in pairs]

    slide(part, "Threshold", 0)
    assert len(told()) == 3
    assert {refused for refused, _ in told()} == {0}
    before = told()
    slide(part, "Threshold", 40)
    for (_, wrong), (refused, left) in zip(before, told(), strict=True):
        assert refused > 0
        assert left <= wrong
    assert "read right" in part.get_by_role("img").first.get_attribute("aria-label")


def test_worst(visit):
    """A change against the network, or toward a digit, does what one by chance does not."""
    part = visit("worst")
    assert "read as 7" in said(part)

    def of_seven():
        return float(re.sub("[<>% ]", "", bars(part)[7]))

    slide(part, "A pixel changes by at most", 0.1)
    against = of_seven()
    press(part, "by chance")
    assert of_seven() > against
    assert not part.get_by_label("Toward").is_visible()
    press(part, "against the network")
    assert of_seven() == against
    slide(part, "A pixel changes by at most", 0.3)
    assert "changed as 7" not in said(part)
    part.get_by_label("Toward").select_option("3")
    assert "changed as 3" in said(part)
    press(part, "Clear")
    assert said(part) == "Write a digit."


def test_suspect(visit):
    part = visit("suspect")
    seen = part.locator(".live-said")
    press(part, "cannot tell")
    assert "its label is" in seen.last.inner_text()
    assert "people rejected" not in part.inner_text()


def test_cover(visit):
    part = visit("cover")
    before = said(part)
    assert before.startswith("Whole, it is read as 7")
    slide(part, "Side of the patch", 0)
    first, second = re.findall(r"([<>]? ?[\d.]+%)", said(part))[:2]
    assert first == second, "nothing is covered"
    slide(part, "Side of the patch", 14)
    box = part.locator(".live-seen").bounding_box()
    part.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert said(part) != before
    assert part.get_by_role("slider", name="from the top").input_value() == "7"
