"""A Sphinx extension: `$math$` as MathML, which browsers draw without any script or font."""

import re
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)
# log, max, argmax: a thin space after the name, as in TeX, instead of none or a wide one
NAME = (r"<(m[io])>([A-Za-z]{2,})</\1>", r'<mo form="prefix" lspace="0" rspace="0.167em">\2</mo>')
# plus-minus and tilde are operators too; the converter has them as letters
OPERATOR = (r"<mi>(&#x000B1;|&#x0223C;)</mi>", r"<mo>\1</mo>")
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3}


def mathml(node, display):
    """The MathML of a math node. LaTeX that the converter does not know gives a warning."""
    latex = node.astext()
    try:
        xml = convert(latex, display=display)
        tree = ElementTree.fromstring(xml)
        unknown = re.findall(r"\\[A-Za-z]+", "".join(tree.itertext()))
        for part in tree.iter():
            tag = part.tag.partition("}")[2]
            if len(part) != CHILDREN.get(tag, len(part)):
                unknown.append(f"{tag} is not complete")
    except Exception as error:  # noqa: BLE001 - the converter's errors have no base in common
        xml, unknown = "", [f"{type(error).__name__} {error}"]
    if unknown:
        logger.warning("cannot show $%s$: %s", latex, ", ".join(unknown), location=node)
    return re.sub(*OPERATOR, re.sub(*NAME, xml))


def visit_inline(writer, node):
    writer.body.append(f'<span class="math-inline">{mathml(node, "inline")}</span>')
    raise nodes.SkipNode


def visit_block(writer, node):
    # a wide formula scrolls by itself, from the keyboard too, and the page does not
    writer.body.append(writer.starttag(node, "div", "", CLASS="math-block", tabindex="0"))
    writer.body.append(mathml(node, "block") + "</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
