"""Does every page of the site work in a real browser, as a file and served, on a phone, in the dark?

The site is the one of the fixture `site`: the real chapters, run on the sample.
"""

import io

import pytest
import render
from PIL import Image
from playwright.sync_api import expect
from support import LAPTOP, PHONE, SHIFTS, few, findings, press

PAGES = render.pages()
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
# contrast of an element's text with the nearest ground that is not transparent, as WCAG 2 has it
CONTRAST = """
element => {
  const rgb = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => rgb(color).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let ground = element;
  while (ground.parentElement && rgb(getComputedStyle(ground).backgroundColor)[3] === 0)
    ground = ground.parentElement;
  const [dark, bright] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor]
    .map(light).sort((a, b) => a - b);
  return [(bright + 0.05) / (dark + 0.05), getComputedStyle(ground).backgroundColor];
}
"""
# axe looks at each of the thousands of pieces of a page's code, which have a dozen colors
ONE_OF_A_KIND = """
() => {
  const seen = new Set();
  for (const piece of document.querySelectorAll('.highlight span, .sig span')) {
    const kind = `${piece.localName} ${piece.className} ${piece.closest('div, dl, dt')?.className}`;
    if (seen.has(kind)) piece.remove();
    else seen.add(kind);
  }
}
"""
# blocks of which a part can be seen only by scrolling sideways, folds opened
SIDEWAYS = """
() => {
  for (const fold of document.querySelectorAll('article details')) fold.open = true;
  for (const covered of document.querySelectorAll('article [hidden]')) covered.hidden = false;
  return [...document.querySelectorAll('article *')]
    .filter(one => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .filter(one => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
    .map(one => `${one.className} ${one.scrollWidth - one.clientWidth} ${one.innerText.slice(0, 80)}`);
}
"""


@pytest.fixture
def visit(new_tab):
    """A function that opens an address, without motion, so that no transition is waited for."""

    def opened(address, viewport):
        tab = new_tab(viewport, reduced_motion="reduce")
        tab.goto(address)
        return tab

    return opened


def serious(tab, **options):
    """What axe finds serious or critical."""
    return [one for one in findings(tab, **options) if one.startswith(("serious", "critical"))]


def set_theme(tab, theme):
    for _ in range(3):  # the button goes through light, dark and automatic
        if tab.evaluate("document.documentElement.dataset.mode") == theme:
            return
        tab.locator(".theme-switch-button:visible").first.click()
    pytest.fail(f"the switch never made the page {theme}")


@pytest.mark.parametrize("page", few(PAGES, [PAGES[0], CHAPTERS[0], CHAPTERS[-1]]))
def test_on_a_phone_from_a_folder(visit, site, page):
    tab = visit((site / "html" / f"{page}.html").as_uri(), PHONE)
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert tab.evaluate("window.scrollTo(99, 0), window.scrollX") == 0
    assert tab.evaluate(SIDEWAYS) == []
    no_alt = "[...document.images].filter(i => !i.alt.trim()).map(i => i.outerHTML.slice(0, 200))"
    assert tab.evaluate(no_alt) == []
    broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert tab.evaluate(broken) == []
    assert tab.locator("a.left-prev").count() == (page != PAGES[0])
    assert tab.locator("a.right-next").count() == (page != PAGES[-1])
    assert "not on MNIST" in tab.locator(".bd-header-announcement").inner_text()
    assert "not MNIST" in tab.locator("footer.bd-footer-content").inner_text()


@pytest.mark.parametrize("page", few(PAGES, 1))
def test_served_light_and_dark_and_accessible(visit, served, page):
    """Nothing that axe finds, light and dark, and text that can be read."""
    tab = visit(f"{served}{page}.html", LAPTOP)
    seen = {}
    assert serious(tab, rules={"color-contrast": {"enabled": False}}) == []
    tab.evaluate(ONE_OF_A_KIND)
    for theme in ("light", "dark"):
        set_theme(tab, theme)
        assert serious(tab, runOnly=["color-contrast"]) == []
        contrast, seen[theme] = tab.locator("article p").first.evaluate(CONTRAST)
        assert contrast >= 4.5
    assert seen["light"] != seen["dark"]


def test_the_front_door_leads_to_the_first_page(visit, site):
    tab = visit((site / "html" / "index.html").as_uri(), LAPTOP)
    tab.wait_for_url(f"**/{PAGES[0]}.html")


def test_a_figure_is_dark_in_the_dark_unless_the_text_says_what_is_white(visit, served):
    tab = visit(f"{served}notebooks/01_loading.html", LAPTOP)
    set_theme(tab, "dark")
    for figure, is_dark in ((".as-drawn", False), ("img:not(.as-drawn)", True)):
        picture = tab.locator(f".cell_output {figure}").first
        picture.scroll_into_view_if_needed()
        seen = Image.open(io.BytesIO(picture.screenshot())).convert("L")
        assert (seen.getpixel((20, 20)) < 60) == is_dark


@pytest.mark.parametrize("old", few(render.MOVED, 2))
def test_an_old_address_leads_to_the_page(visit, served, old):
    page, _, part = render.MOVED[old].partition("#")
    tab = visit(f"{served}{old}.html", LAPTOP)
    tab.wait_for_url(f"{served}{page}.html{f'#{part}' * bool(part)}")
    if part:
        assert tab.locator(f"#{part}").count() == 1


@pytest.mark.slow
def test_search_finds_a_word(visit, served):
    tab = visit(f"{served}search.html?q=softmax", LAPTOP)
    tab.locator("#search-results li a").first.wait_for()
    assert serious(tab) == []


def test_search_works_from_a_folder(visit, site):
    tab = visit((site / "html" / "search.html").as_uri() + "?q=softmax", LAPTOP)
    tab.locator("#search-results li a").first.wait_for()


@pytest.mark.slow
def test_the_keyboard_reaches_contents_sidebar_and_page(visit, served):
    tab = visit(f"{served}{CHAPTERS[0]}.html", LAPTOP)
    tab.keyboard.press("Tab")
    assert "skip" in tab.evaluate("document.activeElement.outerHTML").lower()
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#main-content"
    reached = set()
    for _ in range(80):
        tab.keyboard.press("Tab")
        reached.add(
            tab.evaluate("""(() => { const on = document.activeElement;
                return on.closest('article') ? 'page' : on.className.split(' ').join(' '); })()""")
        )
    assert "page" in reached
    assert any("theme-switch" in name for name in reached), reached

    phone = visit(f"{served}{CHAPTERS[0]}.html", PHONE)
    contents = phone.locator("#pst-primary-sidebar-modal, .bd-sidebar-primary").first
    assert not contents.is_visible()
    phone.locator("button.primary-toggle:visible").first.focus()
    phone.keyboard.press("Enter")
    phone.locator(f"a[href$='{CHAPTERS[1].split('/')[1]}.html']:visible").first.wait_for()


def test_the_front_page_writes_a_seven(visit, new_tab, served):
    """With an answer that is recorded, and is the network's; then it is the reader's turn."""
    tab = new_tab(LAPTOP)
    tab.add_init_script(SHIFTS)
    asked = []
    tab.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    tab.goto(f"{served}book/index.html")
    draw = tab.locator(".draw-a-digit")
    verdict = draw.locator(".draw-verdict")
    expect(verdict).to_have_text("7")
    assert (
        draw.locator(".draw-hint").inner_text() == "Now you: a digit. Or a letter: does it notice?"
    )
    assert "network.js" not in asked
    assert draw.locator(".draw-said").inner_text() == ""  # nobody asked
    assert tab.evaluate("window.moved ?? 0") < 0.02
    read = """async () => {
        const {width, height} = document.querySelector(".draw-canvas").getBoundingClientRect();
        const stroke = digitlib.seven.points.map(([x, y]) => [width / 2 + height * x, height * (0.5 + y)]);
        const all = async (frames) => Promise.all(frames.map(digitlib.read));
        const {digits} = await digitlib.handwriting.read(digitlib.pen.inkOf([stroke])[0], all);
        return digits.map(({rating}) => [...rating]);
    }"""
    (rating,) = tab.evaluate(read)
    assert rating == pytest.approx(tab.evaluate("digitlib.seven.rating"), abs=0.005)
    box = draw.locator("canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 4
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 2, y + box["height"] / 2, steps=8)
    tab.mouse.up()
    expect(verdict).to_have_text("1")  # alone, for the 7 is gone
    press(draw, "Clear")
    assert draw.locator(".draw-hint").inner_text().startswith("Write digits here")
    still = visit(f"{served}book/index.html", PHONE)  # without motion
    expect(still.locator(".draw-verdict")).to_have_text("7", timeout=1000)
