"""Do the records come out again? Needs MNIST and half an hour.

Not part of the usual run: DIGITLIB_DATA=mnist (or a path) python -m pytest -n 2 -m records
"""

import pytest
from test_mnist import made_again

from digitlib import data, study

pytestmark = [pytest.mark.records, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(
    ("name", "seed"), [("record", 0), ("record-10k", 2), ("mile", 1), ("sprint", 3)]
)
def test_a_record_comes_out_again(name, seed, capsys):
    """To the last image on the machine of the record, on others within 0.1 points."""
    assert data.load().name == "mnist", "set DIGITLIB_DATA to mnist or to a copy of it"
    rows = {(row["recipe"], row["seed"]): row for row in study.recorded("records")}
    old = rows[name, seed]
    new = made_again(old, capsys)
    assert new["parameters"] == old["parameters"]
    assert abs(new["accuracy"] - old["accuracy"]) <= 0.001
