"""A panel knows its calendar: what dates follow, how they are written, and what weeks are in its steps."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence, cadence_of, decay_per_step, decay_per_week
from deepcausalmmm_jax.data.calendar import week_grid

FIRSTS = pd.date_range("2023-01-01", periods=18, freq="MS")
LASTS = pd.date_range("2023-01-31", periods=18, freq="ME")
QUARTERS = pd.date_range("2023-01-01", periods=14, freq="QS")
FOLLOWED = {
    "days": ("daily", pd.date_range("2024-02-20", periods=30), "2024-02-20", "2024-03-20"),
    "Wednesdays": ("weekly", pd.date_range("2024-01-03", periods=20, freq="7D"), "2024-01-03", "2024-05-15"),
    "first days": ("monthly", FIRSTS, "2023-01", "2024-06"),
    "last days": ("monthly", LASTS, "2023-01", "2024-06"),
    "last working days": ("monthly", pd.date_range("2023-01-31", periods=18, freq="BME"), "2023-01", "2024-06"),
    "middle of the month": ("monthly", FIRSTS + pd.Timedelta(days=14), "2023-01", "2024-06"),
    "year and month": ("monthly", FIRSTS.strftime("%Y-%m"), "2023-01", "2024-06"),
    "month and year": ("monthly", FIRSTS.strftime("%m/%Y"), "2023-01", "2024-06"),
    "names of months": ("monthly", FIRSTS.strftime("%b %Y"), "2023-01", "2024-06"),
    "as Excel writes them": ("monthly", FIRSTS.strftime("%b-%y"), "2023-01", "2024-06"),
    "day first": ("monthly", FIRSTS.strftime("%d/%m/%Y"), "2023-01", "2024-06"),
    "month first": ("monthly", FIRSTS.strftime("%m/%d/%Y"), "2023-01", "2024-06"),
    "periods": ("monthly", FIRSTS.to_period("M"), "2023-01", "2024-06"),
    "two months": ("monthly", ["2023-02-01", "2023-03-01"], "2023-02", "2023-03"),
    "quarters": ("quarterly", QUARTERS, "2023Q1", "2026Q2"),
    "written quarters": ("quarterly", [f"{q.year}-Q{q.quarter}" for q in QUARTERS], "2023Q1", "2026Q2"),
    "quarters by their last days": ("quarterly", QUARTERS + pd.offsets.QuarterEnd(0), "2023Q1", "2026Q2"),
    "quarters by their months": ("quarterly", QUARTERS.strftime("%Y-%m"), "2023Q1", "2026Q2"),
    "one month": ("monthly", ["2024-03"], "2024-03", "2024-03"),
    "one ISO week": ("weekly", ["2024-W05"], "2024-01-29", "2024-01-29"),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_calendar_is_read_off_the_dates(name):
    cadence, column, first, last = FOLLOWED[name]
    steps, position, found = week_grid(pd.Series(column), "when")
    assert found is Cadence(cadence)
    assert (found.label(steps[0]), found.label(steps[-1])) == (first, last)
    assert position.tolist() == list(range(len(column)))


def test_a_month_without_a_row_is_a_gap():
    steps, position, _ = week_grid(pd.Series(FIRSTS.delete(5)), "when")
    assert len(steps) == 18
    assert 5 not in position


def test_whole_numbers_are_what_is_stated():
    assert week_grid(pd.Series([1, 2, 3]), "when").cadence is Cadence.WEEKLY
    assert week_grid(pd.Series([1, 2, 3]), "when", Cadence.MONTHLY).cadence is Cadence.MONTHLY
    assert week_grid(pd.Series([202311, 202312, 202401]), "when", Cadence.MONTHLY).position.tolist() == [0, 1, 2]


JUMPS = ["2024-01-01", "2024-02-29", "2024-03-31", "2024-05-01"]
WRONG = {
    "first and last days": (JUMPS, None, "jump between days of the month, such as 2024-01-01 and 2024-02-29"),
    "the same, stated": (JUMPS, "monthly", "jump between days of the month, such as 2024-01-01 and 2024-02-29"),
    "two dates in a month": (["2024-01-01", "2024-01-08"], "monthly", "2024-01-01 and 2024-01-08 in one month"),
    "weeks, then days": (
        [*pd.date_range("2024-01-01", periods=9, freq="7D"), *pd.date_range("2024-03-05", periods=4)],
        None,
        "rows must follow one calendar: every day, every 7 days, or one date a month or quarter",
    ),
    "months missing": (FIRSTS.delete([3, 4, 8, 9, 12]), None, "irregular steps: 5 months have no row"),
    "a year missing": (FIRSTS.append(FIRSTS + pd.DateOffset(years=3)), None, "jumps from month 2024-06-01 to"),
    "no weekends": (pd.bdate_range("2024-01-01", periods=40), None, "irregular steps: 14 days have no row"),
    "either month or day": (FIRSTS[:6].strftime("%d/%m/%Y"), None, "which may be 2023-02-01 or 2023-01-02"),
}


@pytest.mark.parametrize(("name", "cadence"), [("month", "monthly"), ("Quarter no", "quarterly"), ("day_id", "daily")])
def test_whole_numbers_of_another_name_than_weeks_are_asked_about(name, cadence):
    with pytest.raises(
        dcm.DataError, match=f"are read as weeks, though its name says otherwise; set cadence='{cadence}'"
    ):
        week_grid(pd.Series([1, 2, 3]), name)
    assert week_grid(pd.Series([1, 2, 3]), name, Cadence(cadence)).cadence == cadence


def test_codes_of_year_and_number_are_asked_about():
    with pytest.raises(dcm.DataError, match="has 202401, which may be a month or a week"):
        week_grid(pd.Series([202401, 202402]), "when")


@pytest.mark.parametrize("name", WRONG)
def test_dates_that_follow_no_calendar_are_refused_in_one_sentence(name):
    column, cadence, sentence = WRONG[name]
    with pytest.raises(dcm.DataError, match=sentence) as caught:
        week_grid(pd.Series(column), "when", cadence and Cadence(cadence))
    assert "\n" not in str(caught.value)


def test_a_stated_calendar_settles_the_order_of_day_and_month():
    written = pd.Series(FIRSTS[:6].strftime("%d/%m/%Y"))
    assert week_grid(written, "when", Cadence.MONTHLY).steps.tolist() == FIRSTS[:6].tolist()


def test_an_unknown_calendar_is_refused():
    table = pd.DataFrame({"day": FIRSTS, "sales": 1.0, "tv": 1.0})
    with pytest.raises(dcm.DataError, match="cadence must be one of daily, weekly, monthly, quarterly, got 'yearly'"):
        dcm.Panel.from_dataframe(table, time="day", kpi="sales", media=["tv"], cadence="yearly")


@pytest.mark.parametrize(
    ("cadence", "steps"),
    [("daily", (364, 91, 28)), ("weekly", (52, 13, 4)), ("monthly", (12, 3, 1)), ("quarterly", (4, 1, 1))],
)
def test_a_year_a_quarter_and_four_weeks_in_steps(cadence, steps):
    assert tuple(map(Cadence(cadence).steps, (52, 13, 4))) == steps


@pytest.mark.parametrize("cadence", Cadence)
@given(decay=st.floats(0.01, 0.95))
def test_a_decay_keeps_its_mean_lag_in_time(cadence, decay):
    step = decay_per_step(decay, cadence)
    assert cadence.weeks * step / (1 - step) == pytest.approx(decay / (1 - decay))
    assert decay_per_week(np.array(step), cadence) == pytest.approx(decay)


@pytest.mark.parametrize("cadence", Cadence)
@given(first=st.dates(pd.Timestamp("1999-01-01").date(), pd.Timestamp("2031-01-01").date()), n=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_later_steps_follow_one_another(cadence, first, n):
    grid = week_grid(pd.Series([first]), "when", cadence).steps
    later = cadence.later(grid, n)
    assert [cadence.apart(grid[0], step) for step in later] == [(i + 1, 0) for i in range(n)]
    assert week_grid(pd.Series(grid.append(later)), "when", cadence).position.tolist() == list(range(n + 1))


def test_a_panel_gives_back_the_table_it_was_made_of():
    table = pd.DataFrame({"when": FIRSTS, "sales": np.arange(18.0), "tv": np.arange(1.0, 19.0)})
    panel = dcm.Panel.from_dataframe(table, time="when", kpi="sales", media=["tv"])
    again = dcm.Panel.from_dataframe(panel.to_dataframe(), time="when", kpi="sales", media=["tv"])
    assert (again.cadence, again.weeks.tolist()) == (Cadence.MONTHLY, FIRSTS.tolist())
    assert panel.select(weeks=slice(3, 6)).week_label(0) == "2023-04"


@pytest.mark.parametrize(
    ("cadence", "lags"),
    [("daily", (56, 91, 2)), ("weekly", (8, 13, 0)), ("monthly", (2, 3, 2)), ("quarterly", (2, 2, 2))],
)
def test_a_kernel_of_some_weeks_has_the_lags_that_cover_it(cadence, lags):
    assert tuple(map(Cadence(cadence).lags, (8, 13, 0))) == lags


def test_sentences_for_weeks_are_worded_for_the_steps():
    text = "Weekly spend: 3 weeks of a week; weekend, Week 5"
    assert Cadence.MONTHLY.worded(text, ()) == "Monthly spend: 3 months of a month; weekend, Month 5"
    assert Cadence.WEEKLY.worded(text, ()) == text


@pytest.mark.parametrize(
    ("text", "names", "told"),
    [
        ("Fashion week brought 3% a week.", ["Fashion week"], "Fashion week brought 3% a month."),
        ("weekly orders this week (weekly)", ["orders this week"], "monthly orders this week (monthly)"),
        ("weeks of week 2 and week 20", ["week 2"], "months of week 2 and month 20"),
        ("Weekly TV_low, Weekly TV spots", ["Weekly TV", "Weekly TV spots"], "Weekly TV_low, Weekly TV spots"),
        ("the week of a (week)+", ["(week)+"], "the month of a (week)+"),
        ("of tv, every week", ["tv", ""], "of tv, every month"),
    ],
)
def test_names_in_a_sentence_stay_as_they_are(text, names, told):
    assert Cadence.MONTHLY.worded(text, names) == told


@given(names=st.lists(st.from_regex(r"\A[A-Za-z&<_]{3,8} week(ly|s)?( [a-z]{1,5})?\Z"), min_size=1, max_size=4))
def test_any_names_survive_and_the_rest_is_worded(names):
    text = "".join(f"In a week «{name}» did more, weekly. " for name in names)
    told = Cadence.QUARTERLY.worded(text, names)
    assert re.findall("«(.*?)»", told) == names
    assert re.sub("«.*?»", "", told) == "In a quarter  did more, quarterly. " * len(names)
    assert [Cadence.DAILY.several(count) for count in (1, 3)] == ["1 day", "3 days"]


def test_whole_numbers_are_as_far_apart_as_their_difference():
    assert Cadence.WEEKLY.apart(3, 10) == (7, 0)
    assert Cadence.WEEKLY.apart(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-17")) == (2, 2)
    assert Cadence.QUARTERLY.apart(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-09-01")) == (2, 2)


def test_steps_are_numbered_one_after_another():
    days = np.array(["1970-01-01", "1970-01-07", "1970-01-08", "1970-04-30"], "datetime64[D]").astype(np.int64)
    numbered = {cadence: cadence.step_of(days).tolist() for cadence in Cadence}
    assert numbered == {
        "daily": [0, 6, 7, 119],
        "weekly": [0, 0, 1, 17],
        "monthly": [0, 0, 0, 3],
        "quarterly": [0, 0, 0, 1],
    }


@pytest.mark.parametrize("month", range(1, 13))
def test_a_quarter_is_named_by_its_number_where_it_begins_with_one(month):
    begins = month in (1, 4, 7, 10)
    label = f"2024Q{(month + 2) // 3}" if begins else f"2024-{month:02d}-01"
    assert Cadence.QUARTERLY.label(pd.Timestamp(2024, month, 1)) == label


@pytest.mark.parametrize(
    ("dates", "cadence"),
    [
        (["2023-01-31", "2023-02-26"], "monthly"),  # 26 days: as near as the last working days of two months may be
        (["2023-01-31", "2023-02-25"], None),
        (["2023-01-05", "2023-02-01"], "monthly"),  # the first five days
        (["2023-01-06", "2023-02-01"], None),
        (["2023-01-27", "2023-02-28"], "monthly"),  # the last five
        (["2023-01-26", "2023-02-28"], None),
        (["2023-01-01", "2023-04-01"], "quarterly"),
        (["2023-01-01", "2023-04-01", "2023-08-01"], "monthly"),
        (["2023-01-01", "2023-01-15"], "weekly"),
        (["2023-01-01", "2023-01-02", "2023-01-03", "2023-01-05"], "daily"),
        (["2023-01-01", "2023-01-02", "2023-01-04"], None),  # half of the steps are one day
        (["2023-01-01"], None),
    ],
)
def test_what_dates_follow_is_decided_at_these_edges(dates, cadence):
    assert cadence_of(np.array(dates, "datetime64[D]").astype(np.int64)) == cadence


def test_first_working_days_settle_the_order_of_day_and_month():
    days = pd.date_range("2023-01-01", periods=18, freq="BMS")
    assert week_grid(pd.Series(days.strftime("%d/%m/%Y")), "when").steps.tolist() == FIRSTS.tolist()


@pytest.mark.parametrize(
    ("missing", "told"), [([3], None), ([3, 4], "2 weeks have no row in any region, the first of them after week 2")]
)
def test_a_sixth_of_the_weeks_may_be_missing_and_no_more(missing, told):
    weeks = pd.Series(np.delete(np.arange(6 + len(missing)), missing))
    if told is None:
        assert len(week_grid(weeks, "when").steps) == 7
    else:
        with pytest.raises(dcm.DataError, match=told):
            week_grid(weeks, "when")


@pytest.mark.parametrize(("jump", "refused"), [(9, False), (10, True)])
def test_weeks_may_be_missing_for_eight_and_no_longer(jump, refused):
    weeks = pd.Series([*range(45), *range(44 + jump, 90)])
    if refused:
        with pytest.raises(dcm.DataError, match="jumps from week 44 to 54 with no row"):
            week_grid(weeks, "when")
    else:
        assert week_grid(weeks, "when").position[45] == 53


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ([21991224, 21991231], "2199-12-24"),
        ([19000101, 19000108], "1900-01-01"),
        (["+1", "2.0"], "1"),
        ([18991231, 18991232], "18991231"),
        ([2**53 - 2, 2**53 - 1], str(2**53 - 2)),
    ],
)
def test_whole_numbers_are_days_within_three_centuries_and_else_weeks(written, first):
    grid = week_grid(pd.Series(written), "when")
    assert (grid.cadence.label(grid.steps[0]), len(grid.steps), grid.cadence) == (first, 2, "weekly")


@pytest.mark.parametrize("number", [2**53, 10**400, 1.5, "inf", -(2**53)])
def test_numbers_that_count_no_weeks_are_refused(number):
    with pytest.raises(dcm.DataError, match="'when' has the week .*; weeks must be dates or whole numbers"):
        week_grid(pd.Series([1, 2, number], dtype=object), "when")


@pytest.mark.parametrize(
    ("codes", "asked"),
    [
        ([190001, 190002], True),
        ([219912, 219912], True),
        ([202412, 202413], False),
        ([202400, 202401], False),
        ([189912, 189912], False),
    ],
)
def test_codes_of_months_are_told_from_numbers(codes, asked):
    if asked:
        with pytest.raises(dcm.DataError, match=f"has {codes[0]}, which may be a month or a week"):
            week_grid(pd.Series(codes), "when")
    else:
        assert week_grid(pd.Series(codes), "when").cadence is Cadence.WEEKLY
