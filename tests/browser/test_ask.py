"""Are guesses taken, questions answered, and both remembered?

In the chapters of the fixture `site`, run on the sample. What is right in them is for readers.
"""

import re

import pytest
from playwright.sync_api import expect
from support import LAPTOP, PHONE, SHIFTS, findings

CHAPTER = "06_comparing"  # it has guesses in numbers; the other has choices
CHOICES = "03_building"


@pytest.fixture
def visit(new_tab, served):
    def opened(name=CHAPTER, viewport=LAPTOP, **options):
        tab = new_tab(viewport, reduced_motion="reduce", **options)
        tab.add_init_script(SHIFTS)
        tab.goto(f"{served}notebooks/{name}" + ".html" * (".html" not in name))
        return tab

    return opened


def covered(tab):
    return tab.locator("article [hidden]").count()


def test_a_guess_is_taken_kept_and_set_beside_the_result(visit):
    tab = visit()
    before, forms = covered(tab), tab.locator(".guess-form")
    assert before > 0
    number = forms.count()
    form = forms.first
    form.locator("input").focus()
    tab.keyboard.press("Enter")  # nothing is guessed yet
    assert covered(tab) == before
    tab.keyboard.type("12")
    tab.keyboard.press("Enter")
    said = tab.locator(".guess-said").first
    assert re.fullmatch(r"You guessed 12 of 7\. It is \d\.", said.inner_text())
    assert forms.count() == number - 1
    assert 0 < covered(tab) < before
    tab.reload()
    assert said.inner_text().startswith("You guessed 12 of 7.")
    assert forms.count() == number - 1
    for _ in range(number - 1):
        forms.first.get_by_role("button", name="Show without a guess").click()
    assert covered(tab) == 0
    tab.reload()  # declined is not guessed
    assert forms.count() == number - 1


def test_a_choice_is_a_guess_as_well(visit):
    tab = visit(CHOICES)
    tab.get_by_role("button", name="neither", exact=True).click()
    said = tab.locator(".guess-said", has_text="neither")
    assert re.search(
        r"You guessed neither\. It is softmax [\d.]+%, sigmoid [\d.]+%\.", said.inner_text()
    )


def test_a_curve_is_sketched_with_the_keyboard(visit):
    tab = visit("08_past_995")
    form = tab.locator(".guess-form:has(input[type=range])")
    sliders = form.locator("input[type=range]")
    assert sliders.first.get_attribute("aria-label").endswith("turned by 0°")
    sliders.first.focus()
    tab.keyboard.press("End")
    sliders.nth(1).focus()
    tab.keyboard.press("ArrowUp")
    sketch = form.locator("polyline.guessed").get_attribute("points").split()
    assert [point.split(",")[1] for point in sketch[:3]] == ["0", "49", "50"]
    form.get_by_role("button", name="Guess", exact=True).click()
    said = tab.locator(".guess-said:has(svg)")
    text = said.inner_text()
    assert re.search(r"You guessed 100%, 51%, 50%, .*\. It is [\d.]+%, ", text)
    measured = re.findall(r"([\d.]+)%", text.partition("It is")[2])
    shown = said.locator("polyline.measured").get_attribute("points").split()
    assert [100 - float(point.split(",")[1]) for point in shown] == [*map(float, measured)]
    tab.reload()
    assert tab.locator(".guess-said polyline.guessed").get_attribute("points").split() == sketch


def test_a_link_to_what_is_covered_shows_it(visit):
    tab = visit()
    name = tab.locator("article [hidden] :is(p, div)[id], article [hidden][id]").first
    aim = name.get_attribute("id") if name.count() else None
    if not aim:  # give one an address
        aim = tab.evaluate("document.querySelector('article [hidden]').id = 'somewhere'")
    before = covered(tab)
    tab.evaluate(f"location.hash = '#{aim}'")
    tab.wait_for_function(f"document.querySelectorAll('article [hidden]').length < {before}")


def test_an_address_of_nothing(visit):
    tab = visit(f"{CHAPTER}.html#%")
    assert tab.locator(".guess-form").count() == tab.locator("details.guess").count() > 1


def test_where_nothing_may_be_kept(visit):
    tab = visit()
    tab.add_init_script(
        """for (const name of ["getItem", "setItem"]) {
          const own = Storage.prototype[name];
          Storage.prototype[name] = function (key, ...more) {
            if (key === "learning-to-read-digits") throw Error();
            return own.call(this, key, ...more);
          };
        }"""
    )
    tab.reload()
    mark = tab.locator(".bd-sidebar-primary .asked").first
    for count, question in enumerate(tab.locator(".ask").all()[:2], 1):
        question.locator("details.choice.right summary").click()
        expect(mark).to_have_text(re.compile(f"{count}/"))


def test_a_question_says_of_each_choice_what_is_to_be_said(visit):
    tab = visit()
    question = tab.locator(".ask").first
    total = tab.locator(".ask").count()
    mark = tab.locator(".bd-sidebar-primary .asked")
    assert mark.first.inner_text().strip() == f"0/{total}"
    wrong = question.locator("details.choice:not(.right)")
    right = question.locator("details.choice.right")
    promise = tab.locator(f"a[href='#{question.get_attribute('id')}']")
    assert promise.count() <= 1
    wrong.first.locator("summary").click()
    assert wrong.first.locator("p").is_visible()
    assert mark.first.inner_text().strip() == f"0/{total}"
    right.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert right.locator("p").inner_text().startswith("Yes.")
    expect(wrong.first.locator("p")).not_to_be_visible()  # one sentence at a time
    assert mark.first.inner_text().strip() == f"1/{total}"
    other = visit(CHOICES)  # of this visit's own device
    expect(other.locator(".bd-sidebar-primary .asked").first).to_have_text(re.compile("0/"))
    tab.reload()
    assert mark.first.inner_text().strip() == f"1/{total}"


def test_a_promise_is_marked_when_its_question_is_answered(visit):
    tab = visit()
    link = tab.locator("article a[href^='#ask-']").first
    assert "asked-right" not in (link.get_attribute("class") or "")
    link.click()
    question = tab.locator(link.get_attribute("href"))
    expect(question).to_be_in_viewport()
    question.locator(".right summary").click()
    assert "asked-right" in link.get_attribute("class")


def test_without_scripts_it_is_a_text_to_open(browser, served):
    tab = browser.new_page(java_script_enabled=False)
    tab.goto(f"{served}notebooks/{CHAPTER}.html")
    assert tab.locator("article [hidden]").count() == 0
    choice = tab.locator("details.choice.right").first
    choice.locator("summary").click()
    assert choice.locator("p").is_visible()
    tab.close()


def test_printed_it_is_whole(visit):
    tab = visit()
    tab.emulate_media(media="print")
    shown = tab.locator("article [hidden]").first
    assert shown.evaluate("one => getComputedStyle(one).contentVisibility") == "visible"
    assert not tab.locator(".guess-form").first.is_visible()
    for folded in tab.locator("details.hide .cell_input, details:not(.hide) > p").all():
        assert folded.is_visible()


def test_accessible_and_on_a_phone(visit):
    tab = visit(CHAPTER, PHONE)
    tab.wait_for_load_state("networkidle")
    assert tab.evaluate("window.moved ?? 0") < 0.02
    question = tab.locator(".ask").first
    for summary in question.locator("summary").all():
        summary.click()
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme)
        for part in (".ask", ".guess-form"):
            assert findings(tab, part) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
