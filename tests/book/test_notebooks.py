"""The chapters as files: how they are written, what their stored outputs hold, what they claim.

`NOTEBOOKS` in the environment names another folder than notebooks/, such as one with drafts.
"""

import ast
import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import claims
import nbformat
import pytest
import yaml
from claims import RECORD
from render import heading
from support import ROOT

from digitlib import live

NOTEBOOKS = Path(os.environ.get("NOTEBOOKS", ROOT / "notebooks"))
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
HIDDEN = {"source_hidden": True}
SAY = '# @title { display-mode: "form" }'
LINES, COLUMNS = 30, 64  # of a cell that is seen; a solution may be longer
LIVE = r'^<div class="live" data-live="\w+"></div>$'
HTML = {"details", "summary", "br", "sub", "sup", "img", "a", "code", "em"}
CHOICE = r'<details class="choice( right)?"(?: id="ask-([\w-]+)")?><summary>(.+?)</summary>\n\n(.+?)\n\n</details>'
GUESS = r'<details class="guess" data-guess="([\w-]+)"( [^>]*)?><summary>A hint</summary>'
RESULT = r' data-result="([^"]*)"'  # of a guess, filled in from what is recorded
NOT_PORTABLE = {
    "a MyST directive": r"^\s*(`{3,}|~{3,}|:{3,})\s*\{|^\s*:{3,}",
    "a MyST role": r"\{[a-zA-Z][\w:.+-]*\}`",
    "a MyST target": r"^\([\w .:-]+\)=\s*$",
    "a MyST comment or block break": r"^(%|\+\+\+)",
    "a substitution": r"\{\{",
    "a footnote": r"\[\^",
    "attributes": r"[\])`]\{[.#\w]",
}
NOT_FOR_STORING = {
    "a warning": r"\bwarnings?:|Warning\b|WARNING",
    "a line of a log": r"^[IWEF]\d{4} \d\d:|oneDNN|TensorRT|cuda|XLA|rebuild TensorFlow|absl",
    "a traceback": r"Traceback|^Cell In\[",
    "a path of a machine": r"(?<![\w.])/(home|root|tmp|Users|opt|usr|var|mnt|work)/|[A-Z]:\\|~/|"
    r"site-packages|ipykernel",
    "an address in memory": r"\b0x[0-9a-f]{6,}",
    "a date or a time of day": r"\b20\d\d-\d\d-\d\d|\b[0-2]?\d:[0-5]\d(:[0-5]\d)?\b",
    "a terminal's colors": r"\x1b\[",
    "a number that was to be put in": r"\{[^{}\n]*(?:\.\d[f%]|\bif\b[^{}\n]*\belse\b)[^{}\n]*\}",
    "a progress bar": r"\r|[━█]|\d+/\d+ .*\d(ms|s)/step",
}


class Chapter:
    def __init__(self, folder, name):
        self.name, self.path = name, folder / f"{name}.ipynb"
        self.nb = nbformat.read(self.path, as_version=nbformat.NO_CONVERT)
        self.cells = self.nb.cells
        self.markdown = [cell for cell in self.cells if cell.cell_type == "markdown"]
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def headings(self):
        return [
            (len(match[1]), match[2])
            for cell in self.markdown
            for match in re.finditer(r"^(#+) (.*)$", without_code(cell.source), re.MULTILINE)
        ]

    @property
    def said(self):
        """All text that a reader sees outside code: of Markdown cells and of computed sentences."""
        for cell in self.cells:
            if cell.cell_type == "markdown":
                yield re.sub(RESULT, "", cell.source)
            for output in cell.get("outputs", []):
                yield output.get("data", {}).get("text/markdown", "")

    def outputs(self):
        return [(cell, output) for cell in self.code for output in cell.outputs]


@pytest.fixture(params=NAMES)
def chapter(request):
    return Chapter(NOTEBOOKS, request.param)


def tags(cell):
    return set(cell.metadata.get("tags", []))


def first_line(cell):
    return cell.source.partition("\n")[0]


def is_solution(cell):
    return first_line(cell).startswith("# @title Solution")


def images(cell):
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def alt(cell):
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def seen_text(output):
    """The text of an output that a reader sees; an image's or a sentence's plain twin is not."""
    data = output.get("data", {})
    plain = "" if {"image/png", "text/markdown"} & set(data) else data.get("text/plain", "")
    return "\n".join([output.get("text", ""), data.get("text/markdown", ""), plain])


def without_code(text):
    """Markdown without its code and its formulas."""
    text = re.sub(r"^(```|~~~).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+).+?\1|\$\$.+?\$\$|\$[^$\n]+\$", "", text, flags=re.DOTALL)


def found(patterns, text):
    """What a table of patterns finds in a text."""
    for what, pattern in patterns.items():
        for match in re.finditer(pattern, text, re.MULTILINE):
            yield f"{what}: {text[max(0, match.start() - 30) : match.end() + 30]!r}"


# --- The files --------------------------------------------------------------------------------


def test_a_chapter_is_a_notebook_a_line_of_the_contents_and_its_claims():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = [page["file"] for part in toc["parts"] for page in part["chapters"]]
    assert [file for file in listed if file.startswith("notebooks/")] == [
        f"notebooks/{name}" for name in NAMES
    ]
    assert sorted(path.stem for path in claims.FOLDER.glob("*.toml")) == NAMES


def test_notebook_is_valid_and_lean(chapter):
    nbformat.validate(chapter.nb)
    assert (chapter.nb.nbformat, chapter.nb.nbformat_minor) >= (4, 5)
    ids = [cell["id"] for cell in json.loads(chapter.path.read_text())["cells"]]
    assert len(set(ids)) == len(ids)
    assert chapter.nb.metadata.kernelspec.name == "python3"
    assert chapter.path.stat().st_size < 500_000
    for metadata in (chapter.nb.metadata, *(cell.metadata for cell in chapter.cells)):
        assert not {"papermill", "execution", "collapsed"} & set(metadata)


# --- How it is written ------------------------------------------------------------------------


def test_markdown_is_portable(chapter):
    for text in chapter.said:
        prose = without_code(text)
        assert not [*found(NOT_PORTABLE, text), *found({"braces": r"\{[\w:-]+\}"}, prose)]
        plain = re.sub(
            LIVE, "", prose, flags=re.MULTILINE
        )  # which is nothing, where it is not live
        tag_names = re.findall(r"</?([a-zA-Z][\w-]*)[\s/>]|(<!--)", plain)
        assert {name.lower() or comment for name, comment in tag_names} <= HTML
        assert not re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=.\w)", prose), "alt text"


def test_links_lead_to_files_of_the_project(chapter):
    links = {
        target
        for text in chapter.said
        for target in re.findall(r"\]\(([^)\s#]+)", without_code(text))
        if not target.startswith("https://")
    }
    assert {link for link in links if not (ROOT / "notebooks" / link).is_file()} == set()


NAMING = [*ROOT.glob("book/*.md"), *ROOT.glob("book/web/*.html"), *NOTEBOOKS.glob("*.ipynb")]


@pytest.mark.parametrize("path", NAMING, ids=str)
def test_a_chapter_is_named_with_its_number(path):
    cells = nbformat.read(path, 4).cells if path.suffix == ".ipynb" else [path.read_text("utf-8")]
    text = "\n".join(cell if isinstance(cell, str) else cell.source for cell in cells)
    names = {name: heading(Chapter(NOTEBOOKS, name).nb)[0].split(". ", 1)[1] for name in NAMES}
    links = re.findall(r"\[([^]]+)\]\([^)]*?(\d\d_\w+)\.ipynb", text)
    links += [one[::-1] for one in re.findall(r'<a href="[^"]*?(\d\d_\w+)\.html">([^<]+)<', text)]
    for said, name in links:
        number, short = int(name[:2]), names[name].partition(",")[0]
        assert said not in (names[name], short), f"chapter {number}, {short}"
        if told := re.match(r"[Cc]hapter (\d+)", said):
            assert said[1:] == f"hapter {number}, {short}", told[0]
        if "next chapter" in said:
            assert NAMES.index(name) == NAMES.index(path.stem) + 1, name


def test_no_percentage_is_typed(chapter):
    text = "\n".join([cell.source for cell in chapter.markdown] + list(map(alt, chapter.code)))
    text = re.sub(RESULT, "", text)
    for phrase, reason in claims.read(chapter.name).get("typed", {}).items():
        assert phrase in text, "no longer there: take it out of the claims"
        assert reason
        text = text.replace(phrase, "")
    assert not list(found({"typed": r"\d[\s\u00a0\u202f]?(\\?%|per ?cent\b)"}, text))


def test_headings(chapter):
    assert first_line(chapter.cells[0]).startswith(f"# {int(chapter.name[:2])}. ")
    assert [level for level, _ in chapter.headings].count(1) == 1
    assert "?" in chapter.headings[0][1], "a chapter opens with a question"
    sections = [title for level, title in chapter.headings if level == 2]
    assert sections[-3:] == ["What you now know", "Exercises", "Where this goes next"]
    last = chapter.cells[-1]
    assert last.cell_type == "markdown"
    assert last.source.startswith("## Where this goes next")


def test_a_folded_cell_says_what_is_in_it(chapter):
    """Not "the code": a reader should know a solution before it is open."""
    for cell in chapter.code:
        if "hide-cell" in tags(cell):
            title = "settings" if "parameters" in tags(cell) else first_line(cell).split()[2]
            shown = cell.metadata.mystnb.code_prompt_show
            assert shown == f"Show the {title.lower().strip(':')}"
            assert cell.metadata.mystnb.code_prompt_hide == shown.replace("Show", "Hide")


def test_the_first_two_code_cells(chapter):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    setup, parameters, *others = chapter.code
    for cell in (setup, parameters):
        assert "hide-cell" in tags(cell)
        assert cell.metadata.get("jupyter") == HIDDEN
    assert re.fullmatch(r"# @title .+ \{ display-mode: \"form\" \}", first_line(setup))
    assert re.search(
        r"try:\n    import digitlib\nexcept ModuleNotFoundError:.*\n"
        rf"    %pip install .*\"digitlib.* @ git\+{repository['url']}@{repository['branch']}\"",
        setup.source,
    )
    assert "parameters" in tags(parameters)
    assert all(re.match(r"[A-Z_]+ = \S+  # \S", line) for line in parameters.source.splitlines())
    assert not any("parameters" in tags(cell) for cell in others)


def test_exercises_and_solutions(chapter):
    start = next(
        i
        for i, cell in enumerate(chapter.cells)
        if cell.cell_type == "markdown" and re.search(r"^## Exercises$", cell.source, re.MULTILINE)
    )
    assert not any(is_solution(cell) for cell in chapter.cells[:start])
    solved = {}  # number of the exercise: its solution cells
    for cell in chapter.cells[start:-1]:
        if cell.cell_type == "markdown":
            numbers = re.findall(r"^\*\*(\d+)\. .+?\*\*", cell.source, re.MULTILINE)
            assert len(numbers) <= 1, "one exercise a cell"
            solved |= {int(number): [] for number in numbers}
        else:
            number = max(solved)
            assert first_line(cell) == f'# @title Solution {number} {{ display-mode: "form" }}'
            assert "hide-cell" in tags(cell)
            assert cell.metadata.get("jupyter") == HIDDEN
            solved[number].append(cell)
    for before, cell, after in zip(
        chapter.cells, chapter.cells[1:], chapter.cells[2:], strict=False
    ):
        if is_solution(cell):
            assert before.source.startswith("<details><summary>A hint</summary>"), cell.source
            shown = "".join(map(seen_text, cell.outputs)).rstrip()
            assert "What to see in it" in after.source or shown.endswith("."), cell.source
    assert 3 <= len(solved) <= 5
    assert list(solved) == list(range(1, len(solved) + 1))
    assert all(solved.values()), "every exercise has a solution"


def test_questions(chapter):
    """One right choice, a sentence for each, and one question for each promise at the head."""
    asked = {}
    for cell in chapter.markdown:
        if cell.source.startswith("**Question.** "):
            text, *choices = re.split(r"\n(?=<details)", cell.source)
            found = [re.fullmatch(CHOICE, choice) for choice in choices]
            assert all(found), cell.id
            assert text.rstrip().endswith("?")
            assert 3 <= len(found) <= 4
            assert [bool(one[2]) for one in found] == [True] + [False] * (len(found) - 1)
            right = [one for one in found if one[1]]
            assert len(right) == 1
            assert [one for one in found if one[4].startswith("Yes")] == right
            assert len({one[3] for one in found}) == len(found)
            assert found[0][2] not in asked
            asked[found[0][2]] = cell
        else:
            assert '<details class="choice' not in cell.source
    assert 3 <= len(asked) <= 6
    head = next(text for text in chapter.said if re.search(r"(chapter|it) you can\n", text))
    promises = re.search(r"you can\n\n((?:- .+\n?)+)", head)[1].splitlines()
    for promise in promises:
        (link,) = re.findall(r'<a href="#([\w-]+)">', promise)
        assert link == "exercises" or link.removeprefix("ask-") in asked


def test_guesses(chapter):
    """Each has a name, asks before it is answered, and its result is something recorded."""
    names, recorded = set(), dict(claims.recorded(chapter.nb))
    for before, cell in zip(chapter.cells, chapter.cells[1:], strict=False):
        for name, attributes in re.findall(GUESS, cell.source):
            assert name not in names
            names.add(name)
            words = before.source + "".join(map(seen_text, before.get("outputs", [])))
            assert re.search(r"[Gg]uess|[Bb]et|[Pp]redict|\?", words.splitlines()[-1]), cell.id
            assert sum(f"data-{kind}" in attributes for kind in ("choices", "curve")) < 2
            for template in re.findall(RESULT, attributes):
                for marks in re.findall(r'data-curve="(.*?)"', attributes):
                    assert template.count(", ") == marks.count("|"), cell.id
                assert re.search(r"\d", unescape(template).format(**recorded))
    assert names


def test_computed_sentences_hide_their_code(chapter):
    said = [cell for cell in chapter.code if first_line(cell) == SAY]
    assert said
    assert said == [cell for cell in chapter.code if "remove-input" in tags(cell)]
    assert all(cell.metadata.get("jupyter") == HIDDEN for cell in said)
    recording = [cell for cell in chapter.code if "record(" in cell.source]
    assert all(cell in said for cell in recording), "a cell that records is hidden as well"


def test_cells_fit_on_a_screen(chapter):
    too_large = []
    for cell in chapter.code[2:]:
        lines = [line for line in cell.source.splitlines() if not line.startswith("from ")]
        tall = len(lines) > LINES and not is_solution(cell)
        if first_line(cell) != SAY and (tall or max(map(len, lines)) > COLUMNS):
            too_large.append((cell.id, len(lines), max(map(len, lines))))
    assert not too_large


def test_length(chapter):
    asked = re.compile(r"^(\*\*Question|<details)")  # questions and hints do not count
    told = [text for text in chapter.said if not asked.match(text)]
    words = [word for text in told for word in text.split() if re.search(r"\w", word)]
    assert 1_000 <= len(words) <= 2_500
    figures = sum(images(cell) for cell in chapter.code if not is_solution(cell))
    assert 4 <= figures <= 8


def test_every_figure_has_alt_text(chapter):
    for cell in chapter.code:
        assert images(cell) <= 1, "one figure a cell, since alt text belongs to the cell"
        assert (len(alt(cell)) >= 40) if images(cell) else (alt(cell) == ""), cell.id


# --- What is stored ---------------------------------------------------------------------------


def test_executed_from_top_to_bottom(chapter):
    counts = [cell.execution_count for cell in chapter.code]
    assert counts == list(range(1, len(chapter.code) + 1))
    assert all(cell.source.strip() for cell in chapter.cells)


def test_outputs_are_clean(chapter):
    kinds = {"text/plain", "text/markdown", "image/png", RECORD, live.MIME}
    if chapter.name == "05_evaluating":
        kinds |= {"text/html"}  # a clickable matrix
    for cell, output in chapter.outputs():
        assert output.output_type != "error", cell.id
        assert output.get("name") != "stderr", cell.id
        assert not list(found(NOT_FOR_STORING, seen_text(output))), cell.id
        assert set(output.get("data", {})) <= kinds, cell.id
        said = output.get("data", {}).get("text/markdown", "")
        assert not re.search(r"\]\((?!https://)", said), "the site resolves no link in an output"


def test_nbval_has_something_to_compare(chapter):
    compared = [cell for cell in chapter.code if "nbval-check-output" in tags(cell)]
    assert compared
    for cell in compared:
        assert any(seen_text(output).strip() for output in cell.outputs), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_the_run_gives_the_stored_outputs_again(site, name):
    """Of the cells that depend on nothing but the code, which nbval compares as well."""
    stored, run = Chapter(NOTEBOOKS, name), Chapter(site / "executed", name)
    again = {cell.id: cell for cell in run.code}
    for cell in stored.code:
        if "nbval-check-output" in tags(cell):
            old, new = ([*map(seen_text, one.outputs)] for one in (cell, again[cell.id]))
            assert new == old, cell.id


@pytest.mark.slow
def test_nbval_agrees():
    nbval = ["-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", "-v"]
    command = [sys.executable, *nbval, str(NOTEBOOKS / f"{NAMES[0]}.ipynb")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    results = re.findall(r"::Cell \d+ (\w+)", run.stdout)
    assert run.returncode == 0, run.stdout[-5000:]
    assert results == ["PASSED"] * len(Chapter(NOTEBOOKS, NAMES[0]).code)


def test_stamp_of_the_run(chapter):
    stamp = chapter.nb.metadata.digitlib
    assert stamp.data == "mnist"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", stamp.date)
    assert stamp.seconds > 0
    assert set(stamp.versions) >= {"python", "tensorflow", "keras", "numpy"}


# --- What it claims ---------------------------------------------------------------------------


def test_claims_on_mnist(chapter):
    assert claims.check(chapter.name, chapter.nb, "mnist") == []
    assert "parameters" not in chapter.nb.metadata.digitlib


def strange(line):
    """Whether a line is what nobody wanted to say."""
    return "Warning:" in line or re.search(r"\bnan\b", line)


@pytest.mark.parametrize("name", NAMES)
def test_claims_on_the_sample(site, name):
    chapter = Chapter(site / "executed", name)
    run = chapter.nb
    settings = claims.settings(name, "sample")
    assert run.metadata.digitlib.data == "sample"
    assert run.metadata.digitlib.parameters == settings
    assert claims.check(name, run, "sample") == []
    said = [*chapter.said, *(output.get("text", "") for _, output in chapter.outputs())]
    assert [line for text in said for line in text.splitlines() if strange(line)] == []
    # each value is another than the chapter's own, so that both are tried
    lines = ast.parse(Chapter(NOTEBOOKS, name).code[1].source).body
    own = {line.targets[0].id: ast.literal_eval(line.value) for line in lines}
    assert "SEED" in settings
    assert settings.keys() <= own.keys()
    assert all(own[key] != value for key, value in settings.items())


@pytest.mark.parametrize("name", NAMES)
def test_claims_say_something(name):
    """A range comes from several runs, and is never all that a number could be."""
    for data in ("mnist", "sample"):
        one = claims.read(name)[data]
        assert one["runs"] >= 5
        for key, claim in one["ranges"].items():
            if isinstance(claim, list) and not isinstance(claim[0], str):
                low, high = claim
                assert low < high, key
                # of what can be a share, four fifths of all that there are
                assert high - low <= 0.8 or low < 0 or high > 1, key


def check_the_matrix(evaluating):
    """The clickable table is the matrix that Evaluating reads digit by digit."""
    text = next(text for text in evaluating.said if text.startswith("| digit | TP | FN | FP |"))
    html = next(
        o.data["text/html"] for _, o in evaluating.outputs() if "text/html" in o.get("data", {})
    )
    table = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[1]
    counts = [
        [int(count) for count in re.findall(r"<td>(\d+)</td>", row)]
        for row in table.splitlines()
        if row
    ]
    for digit, line in enumerate(text.splitlines()[2:]):
        tp, fn, fp = map(int, re.findall(r"\d+(?= \|)", line)[1:4])
        assert tp == counts[digit][digit]
        assert fn == sum(counts[digit]) - tp
        assert fp == sum(row[digit] for row in counts) - tp


def test_the_matrix_to_click_is_the_one_in_the_text():
    check_the_matrix(Chapter(NOTEBOOKS, "05_evaluating"))


def test_the_matrix_to_click_is_the_one_in_the_text_on_the_sample(site):
    check_the_matrix(Chapter(site / "executed", "05_evaluating"))


# --- The glossary -----------------------------------------------------------------------------


def glossary():
    """The anchors of the glossary's terms: its headings as slugs."""
    text = (ROOT / "book" / "glossary.md").read_text()
    terms = re.findall(r"^#{2,} (.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-") for term in terms}


def test_links_to_the_glossary_meet_its_terms():
    linked = set()
    for name in NAMES:
        text = "\n".join(Chapter(NOTEBOOKS, name).said)
        linked |= set(re.findall(r"\]\(\.\./book/glossary\.md#([^)]*)\)", text))
    assert linked - glossary() == set(), "linked and not in the glossary"
    assert glossary() - linked == set(), "in the glossary and never linked"
