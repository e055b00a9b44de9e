"""No cell of a CSV file is a formula, and what was escaped can be read back."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.io.write_csv import csv_text, escaped, unescaped

FORMULA = re.compile(r"\s*[=+\-@]|[\t\r\n]")
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", " =1", "'", "", "plain", "it's", "-5", "1e5"]  # fmt: skip


@given(st.one_of(st.sampled_from(HOSTILE), st.text()))
@settings(max_examples=200, deadline=None)
@example("-5")
def test_escaping_can_be_undone_and_leaves_no_formula(text):
    shown = escaped(text)
    assert unescaped(shown) == text
    assert NUMBER.fullmatch(shown) or not FORMULA.match(shown)


@pytest.mark.parametrize("index", [True, False])
def test_labels_cells_and_names_of_a_table_are_escaped(index):
    table = pd.DataFrame({"=a": HOSTILE, "n": np.arange(len(HOSTILE)) - 5.5}, index=pd.Index(HOSTILE, name="@i"))
    cells = [cell for row in csv.reader(io.StringIO(csv_text(table, index=index), newline="")) for cell in row]
    assert not [cell for cell in cells if FORMULA.match(cell) and not NUMBER.fullmatch(cell)]
    assert "-5.5" in cells


def test_a_table_without_formulas_is_written_as_pandas_writes_it():
    levels = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None])
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=4), "v": [1.5, None, -2.0, 3.0], "t": list("abcd")})
    for table in (days, days.set_index(levels), days.set_index("day"), days.iloc[:0]):
        for index in (True, False):
            assert csv_text(table, index=index) == table.to_csv(index=index)
