"""The book's sentences, read by proselint, and by rules against the habits that we fell into."""

import json
import re

import pytest
from markdown_it import MarkdownIt
from proselint.checks import __register__ as published
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, types
from proselint.tools import LintFile
from support import ROOT

PAGES = [ROOT / "README.md", *(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
MARKDOWN = MarkdownIt("commonmark").enable("table")
WORDS = 45  # of a sentence
OURS = {
    "name the chapter": ("the last chapter", "the previous chapter"),
    "say which is which": (r"the one (?:and|as|or|nor|than) [\w ]*the other", "be it"),
    "say what happens": ("mends?", "mended", "mending", "charged"),
    "without it the sentence says the same": (
        *("simply", "obviously", "of course", "basically", "actually", "in order to"),
        *("note that", "as we can see", "it is important to"),
    ),
    "let the reader judge": (
        *("powerful", "amazing", "impressive", "crucial", "seamless", "delve", "leverage"),
    ),
    "minus, or smaller by": ("less (?:the|its|that|those|one)",),
    "American spelling": (
        *(
            r"colour\w*",
            r"behaviour\w*",
            r"labell\w*",
            "modelling",
            r"recognis\w*",
            "grey",
            "centre",
        ),
        *(r"analys(?:e|ed|ing)", r"normalis\w*", "towards", "whilst", "learnt", r"neighbour\w*"),
    ),
}
NOT_OURS = (
    "typography",  # straight quotes are typed, and rendered as curly ones
    "misc.but",
    "dates_times.dates",  # of ranges of years; we have ranges of measurements
)
CHECKS = dict.fromkeys(NOT_OURS, False) | DEFAULT["checks"] | {"typography": False, "ours": True}


@pytest.fixture(scope="module", autouse=True)
def rules():
    CheckRegistry().register_many(published)
    for message, patterns in OURS.items():
        existence = types.Existence(items=tuple(f"(?:{pattern})" for pattern in patterns))
        CheckRegistry().register(Check(existence, path="ours", message=f"'{{}}': {message}."))


def paragraphs(markdown):
    """The running text of a page, a paragraph, heading, or cell of a table each."""
    markdown = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", "x", re.sub(r"\A---\n.*?\n---", "", markdown))
    markdown = re.sub(r"\{[a-z:]+\}`([^`]*)`", "measured", markdown)  # roles
    markdown = re.sub(r"(?m)^:{3,}.*$|<[^>]+>", "\n", markdown)
    for token in MARKDOWN.parse(markdown):
        if token.type == "inline":
            parts = enumerate(token.children)
            words = (
                f"code{i}" if "code" in part.type else part.content or " " for i, part in parts
            )
            yield "".join(words).strip()


def texts(path):
    if path.suffix == ".md":
        yield path.read_text("utf-8")
        return
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"])
        for output in cell.get("outputs", []):
            yield "".join(output.get("data", {}).get("text/markdown", ""))


def findings(text):
    sentences = re.split(r"(?<=[.?!])\s", text)
    lint = LintFile("page", text).lint({**DEFAULT, "checks": CHECKS})
    return [
        *(one.check_result.message for one in lint),
        *(f"over {WORDS} words" for one in sentences if len(one.split()) > WORDS),
        *("two colons" for one in sentences if len(re.findall(r":\s", one)) > 1),
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_sentences_are_without_our_habits(path):
    lines = [line for text in texts(path) for line in paragraphs(text) if line]
    assert {line: found for line in lines if (found := findings(line))} == {}


def test_a_habit_is_noticed():
    """Each pattern, in a sentence; otherwise a rule may be without effect."""
    for rule, patterns in OURS.items():
        for pattern in patterns:  # shown by the first word that it is made for
            word = re.sub(r"\(\?:([^|)]*)[^)]*\)", r"\1", pattern).replace(r"[\w ]*", "")
            word = word.replace(r"\w*", "").replace("?", "")
            assert any(one.endswith(f"{rule}.") for one in findings(f"We {word} so.")), word
    assert findings("Very nice.")
    assert not findings("Of 10,000 images, 222 are misread.")
