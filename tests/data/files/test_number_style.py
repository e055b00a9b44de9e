import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.files.number_style import decimal_sign, with_points


def _indian(value):
    """1234567.5 as 12,34,567.50."""
    whole, _, cents = f"{abs(value):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(at - 2, 0) : at] for at in range(len(head), 0, -2)][::-1]
    return f"{'-' if value < 0 else ''}{','.join([*pairs, tail])}.{cents}"


SWAP = str.maketrans(",.", ".,")
WRITTEN = {
    "plain": (".", lambda v: f"{v:.2f}"),
    "thousands": (".", lambda v: f"{v:,.2f}"),
    "decimal commas": (",", lambda v: f"{v:.2f}".replace(".", ",")),
    "German": (",", lambda v: f"{v:,.2f}".translate(SWAP)),
    "French": (",", lambda v: f"{v:,.2f}".translate(str.maketrans(",.", "\u202f,"))),
    "Swiss": (".", lambda v: f"CHF {v:,.2f}".replace(",", "’")),
    "dollars": (".", lambda v: f"${v:,.2f}" if v >= 0 else f"-${-v:,.2f}"),
    "accountants": (".", lambda v: f"{v:,.2f}" if v >= 0 else f"({-v:,.2f})"),
    "Indian": (".", _indian),
    "euros behind": (",", lambda v: f"{v:,.2f} €".translate(SWAP)),
}


@pytest.mark.parametrize("style", WRITTEN)
@settings(deadline=None)  # one example may wait for a busy machine
@given(
    values=st.lists(st.integers(-(10**9), 10**9).map(lambda cents: cents / 100), min_size=1, max_size=8),
)
def test_a_number_is_read_back_in_every_style(style, values):
    sign, write = WRITTEN[style]
    column = pd.Series([write(value) for value in values], dtype=object)
    assert decimal_sign(column.to_frame("spend"), ";") == sign
    np.testing.assert_allclose(with_points(column, sign), values, atol=1e-9)


@pytest.mark.parametrize(
    ("cells", "delimiter", "sign"),
    [
        (["1,234", "999"], ",", "."),  # whole thousands, as an American export writes them
        (["1,234", "999"], ";", ","),  # semicolons are there because commas are not free
        (["1.234", "1.234.567"], ";", ","),  # two points can only be thousands
        (["0,123", "0,456"], ",", ","),  # no thousands begin with 0
        (["12,34,567", "1,234"], ";", "."),  # as in India
        (["1234,5"], "\t", ","),
        (["12", "13"], ",", "."),
    ],
)
def test_the_decimal_sign_is_told_from_what_numbers_show(cells, delimiter, sign):
    assert decimal_sign(pd.DataFrame({"imp": cells}), delimiter) == sign


def test_a_column_of_another_style_stays_text():
    column = pd.Series(["1.5", "2,5"])
    assert with_points(column, ".").tolist() == ["1.5", "2,5"]


def test_words_are_left_alone():
    column = pd.Series(["sale", "na", None])
    assert with_points(column, ".").equals(column)


def test_missing_cells_stay_missing():
    assert np.isnan(with_points(pd.Series(["1,5", None, "NA"]), ",").to_numpy()[1:]).all()


def test_two_columns_of_different_style_are_refused():
    with pytest.raises(dcm.DataError, match="The table writes decimals in two ways, '1.5' and '2,5'"):
        decimal_sign(pd.DataFrame({"a": ["1.5"], "b": ["2,5"]}), ";")


@pytest.mark.parametrize(("mark", "delimiter"), [(".", ","), (".", "\t"), (",", ";")])
def test_thousands_that_read_as_decimals_beside_whole_numbers_are_asked_about(mark, delimiter):
    cells = ["348", f"2{mark}977", f"1{mark}433", f"12{mark}120"]
    with pytest.raises(dcm.DataError, match=f"'2{re.escape(mark)}977' beside whole numbers such as '348'.*write 2977"):
        decimal_sign(pd.DataFrame({"tv": cells}, dtype=str), delimiter)


@pytest.mark.parametrize(
    "cells",
    [
        ["348", "2.977", "1.433", "12.12"],  # two decimals: a decimal point
        ["2.977", "1.433", "4.120"],  # no whole number beside them
        ["1348", "2.977", "1.433", "4.120"],  # thousands are written without a sign
        ["348", "0.977", "0.433", "0.120"],  # no group of thousands begins with 0
        ["348", "2.977"],
    ],
)
def test_decimals_that_can_be_nothing_else_are_not_asked_about(cells):
    assert decimal_sign(pd.DataFrame({"tv": cells}, dtype=str), "\t") == "."
