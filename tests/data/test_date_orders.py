import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.date_orders import is_dated, year_first

FORMS = ("%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%d-%m-%Y", "%b %d, %Y", "%d %B %Y", "%d-%b-%Y", "%d/%m/%Y 00:00")
DAY = st.dates(pd.Timestamp("1999-12-20").date(), pd.Timestamp("2031-01-10").date())


@pytest.mark.parametrize("form", FORMS)
@given(first=DAY, weeks=st.integers(8, 60))
def test_weeks_are_read_in_every_form(form, first, weeks):
    day = pd.Series(pd.date_range(first, periods=weeks, freq="7D"))
    written = day.dt.strftime(form)
    assert is_dated(written)
    assert year_first(written, "week").tolist() == day.dt.strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize(
    "form", ["%d/%m/%y", "%d.%m.%y", "%m/%d/%y", "%y-%m-%d", "%d-%b-%y", "%b %d, %y", "%m/%d/%Y 12:00:00 AM"]
)
@given(first=st.dates(pd.Timestamp("2012-01-01").date(), pd.Timestamp("2029-01-10").date()), weeks=st.integers(20, 60))
def test_years_of_two_digits_are_of_this_century(form, first, weeks):
    day = pd.Series(pd.date_range(first, periods=weeks, freq="7D"))
    written = day.dt.strftime(form)
    assert is_dated(written)
    assert year_first(written, "week").tolist() == day.dt.strftime("%Y-%m-%d").tolist()


def test_years_of_two_digits_in_dates_of_no_calendar_are_asked_about():
    with pytest.raises(dcm.DataError, match="has '01/02/22', and in no order .* write years in full"):
        year_first(pd.Series(["01/02/22", "05/09/22", "20/12/23"]), "week")


@pytest.mark.parametrize(
    "form", ["%G-W%V", "%GW%V", "%G-KW%V", "%G KW %V", "KW%V/%G", "KW %V %G", "W%V-%G", "Week %V, %G", "wk %V %G"]
)
@given(first=DAY, weeks=st.integers(1, 60))
def test_an_iso_week_is_its_monday(form, first, weeks):
    day = pd.Series(pd.date_range(first, periods=weeks, freq="7D"))
    monday = day - pd.to_timedelta(day.dt.weekday, unit="D")
    assert is_dated(day.dt.strftime(form))
    assert year_first(day.dt.strftime(form), "week").tolist() == monday.dt.strftime("%Y-%m-%d").tolist()


def test_the_order_of_day_and_month_is_settled_by_even_steps():
    # Each is a date either way; only with the day first are they a week apart.
    assert year_first(pd.Series(["02/01/2024", "09/01/2024"]), "week").tolist() == ["2024-01-02", "2024-01-09"]


def test_an_order_that_nothing_settles_is_asked_about():
    with pytest.raises(dcm.DataError, match="'01/02/2024', which may be 2024-02-01 or 2024-01-02, and no other row"):
        year_first(pd.Series(["01/02/2024"]), "week")


def test_from_dataframe_reads_dates_with_the_day_first():
    week = pd.date_range("2024-01-01", periods=20, freq="7D").strftime("%d/%m/%Y")
    table = pd.DataFrame({"week": week, "sales": range(20), "tv": range(1, 21)})
    panel = dcm.Panel.from_dataframe(table, time="week", kpi="sales", media=["tv"])
    assert panel.weeks[1] == pd.Timestamp("2024-01-08")


def test_numbers_are_no_dates():
    assert not is_dated(pd.Series(["1", "2", "3"]))
    assert not is_dated(pd.Series(["12.5", "13.5"]))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024Q1", "2024-01-01"), ("2024-Q2", "2024-04-01"), ("2024 q3", "2024-07-01"), ("Q4 2024", "2024-10-01"),
        ("2024M03", "2024-03-01"), ("2024-M11", "2024-11-01"),
        ("Q1/2024", "2024-01-01"), ("2024-01", "2024-01-01"), ("2024/12", "2024-12-01"), ("3.2024", "2024-03-01"),
        ("Jan 2024", "2024-01-01"), ("Dec. 24", "2024-12-01"), ("December-2024", "2024-12-01"), ("2024-W01", "2024-01-01"),
        ("2024W05-3", "2024-01-31"), ("Feb 29, 2024", "2024-02-29"), ("1st March 2024", None), ("29. Feb 2024", "2024-02-29"),
        ("Mar 1st, 2024", "2024-03-01"), ("31-dec-2024", "2024-12-31"), ("13/01/2024", "2024-01-13"), ("01/13/2024", "2024-01-13"),
    ],
)  # fmt: skip
def test_a_date_of_every_form_is_the_day_that_it_says(written, read):
    assert year_first(pd.Series([written]), "when").tolist() == [read or written]
    assert is_dated(pd.Series([written])) is (read is not None)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (["Foo 29, 2024"], "Foo 29, 2024"),
        (["30 Feb 2024"], "30 Feb 2024"),
        (["2024-W54"], "2024-W54"),
        (["31/31/2024"], "31/31/2024"),
        (["13/01/2024", "01/13/2024"], "01/13/2024"),  # as many are no days either way: read with the day first
        (["13/01/2024", "14/01/2024", "01/13/2024"], "01/13/2024"),
        (["13/01/2024", "01/13/2024", "01/14/2024"], "13/01/2024"),
    ],
)
def test_what_is_no_day_of_the_calendar_is_named(written, named):
    with pytest.raises(dcm.DataError, match=f"'when' has '{named}', which is not a calendar date"):
        year_first(pd.Series(written), "when")


def test_two_forms_in_one_column_are_named():
    with pytest.raises(
        dcm.DataError, match="dates in two formats, '2024-01-29' and '29/01/2024'; write all with the year"
    ):
        year_first(pd.Series(["2024-01-29", "29/01/2024"]), "when")
