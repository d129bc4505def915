"""Does the clickable matrix show the images behind each number, by mouse, keyboard, and finger?"""

import base64
import re

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from support import PHONE, findings, sample

from digitlib import clickable, evaluation

DIGITS = sample()
Y_TRUE, IMAGES = DIGITS.y_test, DIGITS.x_test


def answers(seed, skill):
    """Probabilities of a reader who is right the more often, the larger its skill."""
    noise = np.random.default_rng(seed).normal(size=(len(Y_TRUE), 10))
    powers = np.exp(4 * noise + skill * np.eye(10)[Y_TRUE])
    return powers / powers.sum(axis=1, keepdims=True)


NETWORKS = {"the <first>": answers(0, 12), "the second": answers(1, 16)}
FIRST, SECOND = NETWORKS.values()
MATRIX = confusion_matrix(Y_TRUE, FIRST.argmax(axis=1))


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The matrix alone on a page."""
    path = tmp_path_factory.mktemp("clickable") / "page.html"
    shown = clickable.matrix(Y_TRUE, NETWORKS, IMAGES, doubted=[int(wrong(FIRST)[0])])
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Matrix</title>'
    head += '<meta name="viewport" content="width=device-width"><main><h1>Matrix</h1><h2>Test</h2>'
    path.write_text(f"{head}{shown.data}</main>", "utf-8")
    return path.as_uri()


@pytest.fixture
def page(new_tab, url):
    page = new_tab()
    page.goto(url)
    page.locator(".clickable-live").wait_for()
    return page


def wrong(probabilities):
    return evaluation.mistakes(Y_TRUE, probabilities)


def cell(page, label, answer):
    return page.locator(f'table:visible [data-label="{label}"][data-answer="{answer}"]')


def title(page):
    return page.locator(".clickable-chosen h3").inner_text()


def shown(page):
    """Indices of the images below the table."""
    names = page.locator(".clickable-chosen canvas").evaluate_all(
        "all => all.map(e => e.ariaLabel)"
    )
    return [index_of(name) for name in names]


def index_of(name):
    return int(re.match(r"Test image (\d+),", name)[1])


def numbers(page):
    """The counts in the table that is seen."""
    cells = page.locator("table:visible tbody td:not(:last-child)").all_inner_texts()
    return np.array(cells, int).reshape(10, 10)


def behind(probabilities, label, answer):
    found = (label == Y_TRUE) & (probabilities.argmax(axis=1) == answer)
    return np.flatnonzero(found)


def test_it_opens_with_the_commonest_mistake(page):
    label, answer, count = evaluation.confusions(MATRIX)[0]
    assert title(page) == f"Label {label}, read as {answer}: {count} images"
    assert sorted(shown(page)) == behind(FIRST, label, answer).tolist()


EVERY_CELL = """
[...document.querySelector("table:not([hidden])").querySelectorAll("tbody td button")].map(button => {
  button.click();
  const images = [...document.querySelectorAll(".clickable-chosen canvas")];
  return [document.querySelector("h3").textContent, images.map(image => image.ariaLabel)];
})
"""


def test_every_cell_shows_its_images(page):
    assert (numbers(page) == MATRIX).all()
    seen = page.evaluate(EVERY_CELL)
    for (label, answer), (name, images) in zip(np.ndindex(10, 10), seen, strict=True):
        expected = behind(FIRST, label, answer)
        count = "1 image" if len(expected) == 1 else f"{len(expected)} images"
        assert name == f"Label {label}, read as {answer}: {count}"
        sureness = FIRST[expected].max(axis=1)
        if label == answer:
            expected = expected[np.argsort(sureness, kind="stable")][:12]
        else:
            expected = expected[np.argsort(-sureness, kind="stable")]
        assert [index_of(one) for one in images] == expected.tolist()


def test_what_is_shown_of_an_image(page):
    index = int(wrong(FIRST)[0])
    label, answer = int(Y_TRUE[index]), int(FIRST[index].argmax())
    cell(page, label, answer).click()
    card = page.locator(".clickable-chosen li").first
    assert card.inner_text().startswith(f"{answer} {FIRST[index, answer]:.1%}\n")
    assert f"\n{label} " in card.inner_text()
    assert "rejected label" in card.inner_text()
    pixels = card.locator("canvas").evaluate(
        "e => [...e.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 3)"
    )
    assert pixels == IMAGES[index].ravel().tolist()
    assert page.get_by_role("link").count() == 0  # "Draw a digit" is not on this page


def test_words_and_numbers_of_a_choice(page):
    one = evaluation.per_class(MATRIX)
    label, answer, count = evaluation.confusions(MATRIX)[0]
    cell(page, label, answer).click()
    text = page.locator(".clickable-chosen div").inner_text()
    assert f"for the {label}, {one.fn[label]} images read as another digit, {count} of" in text
    assert f"for the {answer}, {one.fp[answer]} images of other digits, {count} of them" in text
    for part, whole in [
        (one.tp[label], one.tp[label] + one.fn[label]),
        (one.tp[answer], one.tp[answer] + one.fp[answer]),
    ]:
        counted = np.repeat([0, 1], [part, whole - part])
        score = evaluation.accuracy(np.zeros(whole, int), counted)
        interval = f"(95% interval {score.low:.1%} to {score.high:.1%})"
        assert f" {score.value:.1%} {interval}." in text
    cell(page, 3, 3).click()
    text = page.locator(".clickable-chosen div").inner_text()
    assert "true positives for the 3" in text
    assert "here" not in text


def test_a_row_and_a_column(page):
    y_pred = FIRST.argmax(axis=1)
    cell(page, 4, -1).click()
    missed = np.flatnonzero((Y_TRUE == 4) & (y_pred != 4))
    assert title(page) == f"Label 4, missed: {len(missed)} images"
    assert sorted(shown(page)) == missed.tolist()
    assert "precision" not in page.locator(".clickable-chosen div").inner_text()
    cell(page, -1, 7).click()
    others = np.flatnonzero((Y_TRUE != 7) & (y_pred == 7))
    assert title(page) == f"Read as 7 by mistake: {len(others)} images"
    assert sorted(shown(page)) == others.tolist()
    assert "recall" not in page.locator(".clickable-chosen div").inner_text()


def test_by_keyboard(page):
    label, answer = 5, 6
    cell(page, label, answer).click()
    page.get_by_role("radio", name="the <first>").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("Tab")
    active = "[document.activeElement.dataset.label, document.activeElement.dataset.answer]"
    assert page.evaluate(active) == [str(label), str(answer)]
    for key, step in [("ArrowUp", (-1, 0)), ("ArrowLeft", (0, -1)), ("ArrowDown", (1, 0))]:
        page.keyboard.press(key)
        label, answer = label + step[0], answer + step[1]
        assert page.evaluate(active) == [str(label), str(answer)]
        assert title(page).startswith(f"Label {label}, read as {answer}:")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert title(page).startswith(f"Label {label}, missed:")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    for _ in range(12):
        page.keyboard.press("ArrowUp")  # there is nothing to choose in the corner
    assert title(page).startswith("Label 0, missed:")


def test_the_other_network(page):
    page.get_by_role("radio", name="the second").check()
    assert (numbers(page) == confusion_matrix(Y_TRUE, SECOND.argmax(axis=1))).all()
    assert f"answered, {len(wrong(SECOND))} mistakes:" in page.locator("output").inner_text()
    assert page.locator("table:visible").count() == 1


def test_rejecting(page):
    slider = page.get_by_role("slider")
    slider.focus()
    limits = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999]
    for limit in limits:
        given = FIRST.max(axis=1) >= limit
        y_pred = FIRST[given].argmax(axis=1)
        score = evaluation.accuracy(Y_TRUE[given], y_pred)
        effect = page.locator("output").inner_text()
        mistakes = score.n - score.correct
        said = f"{score.n} of 500 images answered, {mistakes} mistake{'s' * (mistakes != 1)}: "
        said += f"{1 - score.value:.2%} "
        said += f"(95% interval {1 - score.high:.2%} to {1 - score.low:.2%})."
        assert effect.startswith(said)
        counts = confusion_matrix(Y_TRUE[given], y_pred, labels=range(10))
        assert (numbers(page) == counts).all()
        if limit:
            right = int(np.sum(FIRST.argmax(axis=1)[~given] == Y_TRUE[~given]))
            assert f"Refused: {np.sum(~given) - right} mistake" in effect
            assert f", and {right} right answer" in effect
            assert slider.get_attribute("aria-valuetext") == f"{100 * limit:g}%"
        page.keyboard.press("ArrowRight")
    # the images stay, and say that they are refused
    label, answer, count = evaluation.confusions(MATRIX)[0]
    cell(page, label, answer).click()
    assert len(shown(page)) == count
    refused = int(np.sum(FIRST[behind(FIRST, label, answer)].max(axis=1) < limits[-1]))
    assert page.get_by_text("refused", exact=True).count() == refused > 0
    assert title(page).endswith(f": {count - refused} images, {refused} refused")


def test_a_phone_and_accessible(new_tab, url):
    page = new_tab(PHONE, has_touch=True)
    page.goto(url)
    cell(page, 2, 3).tap()
    assert title(page).startswith("Label 2, read as 3:")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for button in page.locator("table:visible tbody button").all()[::7]:
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 24
    assert findings(page) == []


def test_without_scripts_there_are_tables(new_tab, url):
    page = new_tab(java_script_enabled=False)
    page.goto(url)
    for table, (name, probabilities) in zip(
        page.locator("table").all(), NETWORKS.items(), strict=True
    ):
        assert table.is_visible()
        assert table.locator("caption").inner_text() == name
        counts = confusion_matrix(Y_TRUE, probabilities.argmax(axis=1))
        one = evaluation.per_class(counts)
        rows = [row.inner_text().split() for row in table.locator("tr").all()]
        assert rows[0][-11:] == [*map(str, range(10)), "recall"]
        for digit, row in enumerate(rows[1:11]):
            assert row == [*map(str, [digit, *counts[digit]]), f"{one.recall[digit]:.1%}"]
        assert rows[11] == ["precision", *(f"{share:.1%}" for share in one.precision)]


def test_the_links_of_a_book_name_its_draw_page_and_the_image(new_tab, tmp_path):
    matrix = clickable.matrix(Y_TRUE, NETWORKS, IMAGES).data
    (tmp_path / "page.html").write_text(f'<html data-content_root="../">{matrix}', "utf-8")
    page = new_tab()
    page.goto((tmp_path / "page.html").as_uri())
    page.locator(".clickable-live").wait_for()
    links = page.locator(".clickable-chosen li a").evaluate_all(
        "all => all.map(a => a.getAttribute('href'))"
    )
    images = shown(page)
    assert len(links) == len(images) > 0
    for link, index in zip(links, images, strict=True):
        text = re.fullmatch(r"\.\./draw/index\.html#image=([\w-]+)", link)[1]
        image = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        assert image == IMAGES[index].tobytes()


def test_in_the_book_an_image_opens_in_draw(new_tab, site):
    page = new_tab()
    page.goto((site / "html" / "notebooks" / "05_evaluating.html").as_uri())
    card = page.locator(".clickable-chosen li").first
    pixels = "e => e.getContext('2d').getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 === 3)"
    chosen = card.locator("canvas").evaluate(f"e => [...({pixels})(e)]")
    assert max(chosen) > 0
    card.get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/draw/index.html#image=*")
    page.wait_for_function(
        "document.querySelector('.draw-said').textContent.startsWith('The network')"
    )
    seen = page.locator(".draw-found canvas").evaluate(f"e => [...({pixels})(e)]")
    assert seen == chosen


def test_one_network_needs_no_choice(new_tab, tmp_path):
    (tmp_path / "page.html").write_text(
        clickable.matrix(Y_TRUE, {"one": FIRST}, IMAGES).data, "utf-8"
    )
    page = new_tab()
    page.goto((tmp_path / "page.html").as_uri())
    page.locator(".clickable-live").wait_for()
    assert page.locator("fieldset").count() == 1
    assert not page.locator("fieldset").is_visible()


def test_two_on_one_page_do_not_meet(new_tab, tmp_path):
    one = clickable.matrix(Y_TRUE, NETWORKS, IMAGES).data
    (tmp_path / "page.html").write_text(one + one, "utf-8")
    page = new_tab()
    page.goto((tmp_path / "page.html").as_uri())
    page.locator(".clickable-live").nth(1).wait_for()
    assert page.locator(".clickable-controls").count() == 2
    page.get_by_role("radio", name="the second").nth(1).check()
    assert page.get_by_role("radio", name="the <first>").nth(0).is_checked()
    tables = page.locator("table:visible tbody")
    first, second = (tables.nth(k).inner_text().split() for k in range(2))
    assert first[1:11] == [str(count) for count in MATRIX[0]]
    assert first != second


def test_a_confidence_at_the_threshold_and_an_absent_digit(new_tab, tmp_path):
    y_true = np.arange(9).repeat(200)  # no nine
    probabilities = np.full((len(y_true), 10), np.float32(0.1 / 9), np.float32)
    probabilities[range(len(y_true)), y_true] = np.float32(0.9)  # as a double, it is less
    page = new_tab()
    shown = clickable.matrix(y_true, {"one": probabilities}, np.zeros((1800, 28, 28), np.uint8))
    (tmp_path / "page.html").write_text(shown.data, "utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    page.locator(".clickable-live").wait_for()
    slider = page.get_by_role("slider")
    slider.fill("5")
    assert slider.get_attribute("aria-valuetext") == "90%"
    assert page.locator("output").inner_text().startswith("1,800 of 1,800 images answered, 0 mist")
    slider.fill("6")
    assert page.locator("output").inner_text().startswith("0 of 1,800 images answered")
    slider.fill("0")
    cell(page, 9, 9).click()
    assert title(page) == "Label 9, read as 9: 0 images"
    assert "recall undefined, 0 of 0" in page.locator(".clickable-chosen div").inner_text()
    assert "No image is here." in page.locator(".clickable-chosen").inner_text()


def test_the_colors_of_the_darkest_cell(new_tab, url):
    """A checker of whole pages leaves out text of one character."""
    page = new_tab()
    page.goto(url)
    page.locator(".clickable-live").wait_for()
    for ink, paper, accent in [
        ("#23282f", "#ffffff", "#1b66ad"),
        ("#d5dae0", "#14171b", "#84bdf2"),
    ]:
        page.evaluate(
            "colors => ['text-base', 'background', 'primary'].forEach((name, i) =>"
            " document.body.style.setProperty(`--pst-color-${name}`, colors[i]))",
            [ink, paper, accent],
        )
        page.evaluate("document.body.style.background = 'var(--pst-color-background)'")
        ground, text = page.locator("td.clickable-row.clickable-column").evaluate(
            "td => [getComputedStyle(td).backgroundColor, getComputedStyle(td).color]"
        )
        *over, alpha = (float(v) for v in re.findall(r"[\d.]+", ground.partition("srgb")[2]))
        below = [int(paper[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        mixed = [alpha * a + (1 - alpha) * b for a, b in zip(over, below, strict=True)]
        write = [int(v) / 255 for v in re.findall(r"\d+", text)]

        def light(color):
            linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color]
            return np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05

        low, high = sorted([light(mixed), light(write)])
        assert high / low >= 4.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES[:-1]}, "expected an image a label"),
        ({"images": IMAGES / 255}, "uint8"),
        ({"answers": {}}, "one network at least"),
        ({"answers": {"a": FIRST[:, :9]}}, "expected probabilities of shape"),
        ({"answers": {"a": FIRST * 2}}, "from 0 to 1"),
        ({"y_true": Y_TRUE + 1}, "digits 0–9"),
        ({"doubted": [500]}, "indices from 0 to 499"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {"y_true": Y_TRUE, "answers": NETWORKS, "images": IMAGES, **change}
    with pytest.raises(ValueError, match=message):
        clickable.matrix(**given)


def test_a_perfect_network():
    shown = clickable.matrix(Y_TRUE, {"perfect": np.eye(10)[Y_TRUE]}, IMAGES).data
    assert shown.count("100.0%") == 20
