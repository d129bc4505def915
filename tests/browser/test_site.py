"""Does every page of the site work in a real browser, as a file and served, on a phone, in the dark?

The site is the one of the fixture `site`: the real chapters, run on the sample.
"""

import pytest
import render
from axe_playwright_python.sync_playwright import Axe
from support import AXE, LAPTOP, PHONE, few, serving

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


@pytest.fixture(scope="module")
def served(site):
    """The site's address while it is served on this machine."""
    with serving(site / "html") as address:
        yield address


@pytest.fixture
def visit(browser):
    """A function that opens an address in a fresh tab; at the end nothing may have gone wrong."""
    trouble, tabs = [], []

    def open_tab(address, viewport):
        # without motion, so that there is no transition to wait for
        tab = browser.new_page(viewport=viewport, reduced_motion="reduce")
        tabs.append(tab)
        local = ("file:", "data:", "blob:", "http://127.0.0.1:")
        tab.on("request", lambda r: r.url.startswith(local) or trouble.append(f"asks {r.url}"))
        tab.on("requestfailed", lambda r: trouble.append(f"failed: {r.url}"))
        tab.on("response", lambda r: r.status >= 400 and trouble.append(f"{r.status}: {r.url}"))
        tab.on("console", lambda m: m.type == "error" and trouble.append(f"console: {m.text}"))
        tab.on("pageerror", lambda error: trouble.append(f"script: {error}"))
        tab.goto(address)
        return tab

    yield open_tab
    for tab in tabs:
        tab.close()
    assert not trouble


def findings(tab, **options):
    """What axe finds serious or critical, one line each."""
    tab.mouse.move(0, 0)  # off the button just clicked, whose tooltip goes away
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:160]}"
        for rule in Axe().run(tab, options=AXE | options).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


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
    assert findings(tab, rules={"color-contrast": {"enabled": False}}) == []
    tab.evaluate(ONE_OF_A_KIND)
    for theme in ("light", "dark"):
        set_theme(tab, theme)
        assert findings(tab, runOnly=["color-contrast"]) == []
        contrast, seen[theme] = tab.locator("article p").first.evaluate(CONTRAST)
        assert contrast >= 4.5
    assert seen["light"] != seen["dark"]


def test_the_front_door_leads_to_the_first_page(visit, site):
    tab = visit((site / "html" / "index.html").as_uri(), LAPTOP)
    tab.wait_for_url(f"**/{PAGES[0]}.html")


@pytest.mark.slow
def test_search_finds_a_word(visit, served):
    tab = visit(f"{served}search.html?q=softmax", LAPTOP)
    tab.locator("#search-results li a").first.wait_for()
    assert findings(tab) == []


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
