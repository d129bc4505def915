"""How does one look behind the numbers of a confusion matrix?

In a table whose cells show their images when they are chosen. It is one piece of HTML, with its
script, its style, and its data in it, for a notebook or a page; without the script it is a table.
"""

import base64
import html
import json

import numpy as np
from IPython.display import HTML
from sklearn.metrics import confusion_matrix

from digitlib import evaluation, files
from digitlib.frame import images_of_bytes

LEAST_SURE = 12  # right answers that are shown of each digit
STEPS = 1_000_000  # a confidence is kept in whole steps, rounded down


def matrix(y_true, answers, images, doubted=()):
    """The confusion matrices of some networks on the same images, to be chosen from.

    All mistakes can be looked at, and the twelve least sure right answers of each digit.

    Parameters
    ----------
    y_true : array of shape (n,), int
        Labels, digits 0–9.
    answers : dict
        The probabilities that each network gives, {name: array of shape (n, 10)}.
    images : array of shape (n, 28, 28), uint8
    doubted : sequence of int
        Indices of labels that people rejected; they are marked.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    ValueError
        If there are no networks, or the arrays do not fit together.
    """
    images = images_of_bytes(images)
    if len(images) != len(y_true):
        raise ValueError(f"expected an image a label, {len(y_true)}; got {len(images)}")
    if not answers:
        raise ValueError("expected the answers of one network at least, as {name: probabilities}")
    if not all(0 <= i < len(y_true) for i in doubted):
        raise ValueError(f"expected doubted: indices from 0 to {len(y_true) - 1}; got {doubted}")
    answers = {str(name): np.asarray(one) for name, one in answers.items()}
    y_true, networks, tables, shown = np.asarray(y_true), [], "", set()
    for name, probabilities in answers.items():
        shown.update(evaluation.mistakes(y_true, probabilities).tolist())
        y_pred, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
        for digit in range(evaluation.CLASSES):
            right = np.flatnonzero((y_true == digit) & (y_pred == digit))
            order = np.argsort(confidence[right], kind="stable")
            shown.update(right[order[:LEAST_SURE]].tolist())
        tables += _table(name, confusion_matrix(y_true, y_pred, labels=range(evaluation.CLASSES)))
        # 0.9 of 32 bits is a little less than 0.9, and is still to reach a threshold of 0.9
        steps = np.floor(confidence.astype(float) * STEPS + 0.05).astype(int)
        networks.append({"answers": _digits(y_pred), "confidences": steps.tolist()})
    for network, probabilities in zip(networks, answers.values(), strict=True):
        network["probabilities"] = {
            i: [round(float(p), 5) for p in probabilities[i]] for i in sorted(shown)
        }
    content = {
        "steps": STEPS,
        "least_sure": LEAST_SURE,
        "labels": _digits(y_true),
        "doubted": [int(i) for i in doubted],
        "images": {i: base64.b64encode(images[i].tobytes()).decode() for i in sorted(shown)},
        "networks": networks,
    }
    raw = json.dumps(content, separators=(",", ":")).encode()
    style = _palette() + files.packaged("web/matrix.css").read_text("utf-8")
    script = "".join(
        path.read_text("utf-8")
        for path in (files.packaged("web/digit.js"), files.packaged("web/matrix.js"))
    )
    return HTML(
        f'<div class="clickable">\n<style>\n{style}</style>\n{tables}'
        f'<script type="text/plain" class="clickable-data">{files.packed(raw)}</script>\n'
        f"<script>\n{script}</script>\n</div>"
    )


def _palette():
    """The colors of any theme, for the matrix alone: the page around it may be anybody's."""
    colors = files.packaged("web/palette.css").read_text("utf-8").partition("}")[0] + "}\n"
    return colors.replace(":root", ".clickable")


def _digits(array):
    return "".join(map(str, array.tolist()))


def _table(name, counts):
    """A confusion matrix with recall and precision as an HTML table."""
    one, digits = evaluation.per_class(counts), range(evaluation.CLASSES)

    def row(head, cells):
        cells = "".join(f"<td>{cell}</td>" for cell in cells)
        return f'<tr><th scope="row">{head}</th>{cells}</tr>\n'

    def share(value):
        return "–" if np.isnan(value) else f"{value:.1%}"

    columns = "".join(f'<th scope="col">{head}</th>' for head in [*digits, "recall"])
    body = "".join(row(k, [*counts[k].tolist(), share(one.recall[k])]) for k in digits)
    return (
        f"<table>\n<caption>{html.escape(name)}</caption>\n"
        f"<thead><tr><td>label ↓ answer →</td>{columns}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f"<tfoot>{row('precision', [*map(share, one.precision), ''])}</tfoot>\n</table>\n"
    )
