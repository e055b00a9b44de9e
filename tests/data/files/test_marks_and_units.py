"""Cells that people write beside plain numbers: percent signs, exponents, ticks, words; and units, which are asked about."""

import warnings

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.data.files.tables import WEEKS, read, table

NOW_AND_THEN = np.arange(WEEKS) % 7 == 0


def panel_with(tmp_path, column, cells, **csv):
    table().assign(**{column: cells}).to_csv(tmp_path / "file.csv", index=False, **csv)
    return read(tmp_path / "file.csv")


def test_a_percentage_is_a_number(tmp_path):
    discount = np.linspace(0.0, 30.0, WEEKS).round(1)
    panel = panel_with(tmp_path, "discount", [f"{value}%" for value in discount])
    assert panel.controls == ("price", "discount")
    np.testing.assert_allclose(panel.control[0, :, 1], discount)


@pytest.mark.parametrize("tick", ["1", "x", "Y", "yes", "TRUE"])
@pytest.mark.parametrize("stated", [{}, {"controls": ["price", "promo"]}])
def test_a_column_ticked_in_some_rows_is_a_switch(tmp_path, tick, stated):
    table().assign(promo=np.where(NOW_AND_THEN, tick, "")).to_csv(tmp_path / "file.csv", index=False)
    panel = read(tmp_path / "file.csv", **stated)
    assert panel.controls == ("price", f"promo_{tick}")
    np.testing.assert_array_equal(panel.control[0, :, 1], NOW_AND_THEN)


def test_switches_keep_their_names_whatever_words_a_later_file_has(tmp_path):
    for tick in ("x", "y"):
        cells = np.where(NOW_AND_THEN, "x", np.where(np.arange(WEEKS) % 7 == 1, tick, ""))
        panel = panel_with(tmp_path, "promo", cells)
        assert panel.controls == (("price", "promo_x") if tick == "x" else ("price", "promo_x", "promo_y"))


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("comment", ["bad data", *[""] * (WEEKS - 1)]),
        ("launch", ["2023-01-02", "2023-01-02", *[""] * (WEEKS - 2)]),
    ],
)
def test_remarks_and_dates_are_no_switches(tmp_path, column, cells):
    assert panel_with(tmp_path, column, cells).controls == ("price",)


def test_a_column_of_currencies_alone_is_no_amount(tmp_path):
    assert panel_with(tmp_path, "money", ["USD", "USD", *[""] * (WEEKS - 2)]).controls == ("price",)


def _in_currencies(first, second):
    """The table with every second amount in another currency."""
    now = np.arange(WEEKS) % 2 == 0
    amounts = [f"{first if early else second}{cost:.2f}" for early, cost in zip(now, table()["spend_1"], strict=True)]
    return {"spend_1": amounts}


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        (_in_currencies("€", "$"), r"\$, €"),
        (_in_currencies("£", "EUR "), "EUR, £"),
        ({"currency": np.where(NOW_AND_THEN, "GBP", "EUR")}, "EUR, GBP"),
    ],
)
def test_amounts_in_several_currencies_are_told(tmp_path, cells, named):
    """They are added up as they are: one euro and one dollar as two of something."""
    table().assign(**cells).to_csv(tmp_path / "file.csv", index=False)
    with pytest.warns(dcm.DataWarning, match=f"amounts are in {named} and are used as they are"):
        dcm.read_panel(tmp_path / "file.csv")


@pytest.mark.parametrize("cells", [_in_currencies("$", "CAD "), _in_currencies("€", "EUR "), {"city": "Kristiansand"}])
def test_amounts_in_one_currency_are_no_cause_for_a_warning(tmp_path, cells):
    table().assign(**cells).to_csv(tmp_path / "file.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dcm.read_panel(tmp_path / "file.csv")


@pytest.mark.parametrize(("column", "stated"), [("imp_1", {}), ("holiday", {"treatments": {"holiday": "min"}})])
def test_a_ticked_column_with_another_role_has_no_switch(tmp_path, column, stated):
    table().assign(**{column: np.where(NOW_AND_THEN, "1", "")}).to_csv(tmp_path / "file.csv", index=False)
    with pytest.raises(dcm.DataError, match="has no value"):
        read(tmp_path / "file.csv", **stated)


def test_words_that_look_like_amounts_are_words_where_no_amount_is_meant(tmp_path):
    frame = pd.concat([table().assign(geo=name) for name in ("1B", "2B")])
    frame["screen"] = np.tile(["4k", "8k"], WEEKS)
    frame.to_csv(tmp_path / "file.csv", index=False)
    panel = read(tmp_path / "file.csv", region="geo", controls=["price", "screen"])
    assert list(panel.regions) == ["1B", "2B"]
    assert panel.controls == ("price", "screen_4k", "screen_8k")


def test_a_single_word_in_some_rows_is_a_switch_of_that_word(tmp_path):
    panel = panel_with(tmp_path, "event", np.where(NOW_AND_THEN, "Black Friday", ""))
    assert panel.controls == ("price", "event_Black Friday")
    np.testing.assert_array_equal(panel.control[0, :, 1], NOW_AND_THEN)


def test_a_column_that_is_the_same_in_every_row_is_still_no_control(tmp_path):
    assert panel_with(tmp_path, "event", "none of it").controls == ("price",)


@pytest.mark.parametrize("mark", [".", ","])
def test_large_numbers_as_a_spreadsheet_writes_them(tmp_path, mark):
    plain = table()
    written = [f"{value:.4E}".replace(".", mark) for value in plain["imp_1"]]
    csv = {"sep": ";", "decimal": ","} if mark == "," else {}
    panel = panel_with(tmp_path, "imp_1", written, **csv)
    np.testing.assert_allclose(panel.exposure[0, :, panel.channels.index("imp_1")], plain["imp_1"], rtol=1e-4)


@pytest.mark.parametrize("column", ["sales", "imp_1", "spend_1"])
@pytest.mark.parametrize("unit", ["k", "m", " Mio."])
def test_numbers_in_units_are_asked_about_whatever_they_are_of(tmp_path, column, unit):
    cells = [f"{value / 1000:.1f}{unit}" for value in table()[column]]
    with pytest.raises(
        dcm.DataError, match=f"Column '{column}' has numbers in units, such as .*write the numbers in full"
    ):
        panel_with(tmp_path, column, cells)


def test_text_in_a_column_named_for_a_role_is_said_not_to_be_used(tmp_path):
    notes = [f"seen by agency {i}" for i in range(WEEKS)]
    table().assign(tv_spend=notes).to_csv(tmp_path / "file.csv", index=False)
    with pytest.warns(dcm.DataWarning, match="tv_spend holds text that is no number and not used"):
        dcm.read_panel(tmp_path / "file.csv")


def test_columns_without_a_name_or_a_value_are_no_columns(tmp_path):
    """As a spreadsheet leaves them behind the table."""
    text = table().to_csv(index=False)
    (tmp_path / "file.csv").write_text("".join(f"{line},,\n" for line in text.splitlines()))
    (tmp_path / "plain.csv").write_text(text)
    pd.testing.assert_frame_equal(
        read(tmp_path / "file.csv").to_dataframe(), read(tmp_path / "plain.csv").to_dataframe()
    )
