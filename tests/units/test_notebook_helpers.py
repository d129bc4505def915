"""`digitlib.notebook`: what a chapter says and records, as a notebook stores it."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from myst_nb.ext.glue import extract_glue_data_cell
from nbformat import v4
from traitlets.config import Config

from digitlib.notebook import record, say, table


@pytest.fixture(autouse=True)
def shell():
    yield InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    InteractiveShell.clear_instance()


def shown(call, *args):
    """The one output of a cell that makes this call."""
    with capture_output() as captured:
        assert call(*args) is None
    (output,) = captured.outputs
    assert (captured.stdout, captured.stderr) == ("", "")
    return output


def test_say():
    assert shown(say, "**974** zeros").data["text/markdown"] == "**974** zeros"


def test_table_aligns_numbers_to_the_right():
    rows = [["raw", "97.1%", -1, "a1"], ["divided", "98.0%", "−2.5", 7]]
    assert shown(table, ["pixels", "right", "gain", "mixed"], rows).data["text/markdown"] == (
        "| pixels | right | gain | mixed |\n"
        "| :--- | ---: | ---: | :--- |\n"
        "| raw | 97.1% | -1 | a1 |\n"
        "| divided | 98.0% | −2.5 | 7 |"
    )


def test_table_without_rows():
    assert shown(table, ["a"], []).data["text/markdown"] == "| a |\n| :--- |"


@pytest.mark.parametrize("row", [["1"], ["1", "2", "3"]])
def test_table_refuses_ragged_rows(row):
    with pytest.raises(ValueError, match=f"expected 2 cells .* row 1 has {len(row)}"):
        table(["a", "b"], [["1", "2"], row])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.25, "0.25"),
        (7, "7"),
        ("recipe", "'recipe'"),
        (np.float64(0.25), "0.25"),
        (np.float32(0.25), "0.25"),
        (np.uint8(7), "7"),
        (np.array(7), "7"),
    ],
)
def test_record_writes_what_glue_reads(value, text):
    output = shown(record, "test_accuracy", value)
    assert output.data == {"application/papermill.record/text/plain": text}
    cell = v4.new_code_cell(
        outputs=[v4.new_output("display_data", output.data, metadata=output.metadata)]
    )
    ((name, glued),) = extract_glue_data_cell(cell)
    assert (name, glued["data"]) == ("test_accuracy", {"text/plain": text})


@pytest.mark.parametrize("name", ["", "Accuracy", "test accuracy", "1st", "a-b", "ä"])
def test_record_refuses_names(name):
    with pytest.raises(ValueError, match=f"expected a name such as .*got '{name}'"):
        record(name, 1)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (float("nan"), "finite number for x; got nan"),
        (np.float64("inf"), "got inf"),
        (True, "got bool"),
        (np.bool_(True), "got bool"),
        (None, "got NoneType"),
        ([1], "got list"),
        (1j, "got complex"),
    ],
)
def test_record_refuses_values(value, found):
    with pytest.raises(ValueError, match=found):
        record("x", value)
