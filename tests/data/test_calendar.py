"""Weeks are days of the place that the table is from, counted in whole numbers."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.calendar import week_grid
from deepcausalmmm_jax.data.extend import continued
from tests.data.test_panel import panel_of, table

MONDAYS = pd.date_range("2024-01-01", periods=60, freq="7D")  # over both changes of the clock
FAR_EAST = ("Pacific/Auckland", "Pacific/Fiji", "Pacific/Chatham")
ZONES = ("Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo",
         "Asia/Tokyo", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Sydney", "Pacific/Honolulu", "Atlantic/Azores", "UTC")  # fmt: skip


def utc_text(moments):
    return moments.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


WRITTEN = {
    "column of the zone": lambda moments: moments,
    "column in UTC": lambda moments: moments.tz_convert("UTC"),
    "text with offsets": lambda moments: [moment.isoformat() for moment in moments],
    "objects": lambda moments: pd.Series(list(moments), dtype=object),
    "text in UTC": utc_text,
    "text of a database": lambda moments: moments.tz_convert("UTC").strftime("%Y-%m-%d %H:%M:%S UTC"),
    "milliseconds": lambda moments: moments.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
    "winter's offset all year": lambda moments: [
        moment.tz_convert(datetime.timezone(moments[0].utcoffset())).isoformat() for moment in moments
    ],
}


def assert_weeks(column, first="2024-01-01"):
    weeks, positions, _ = week_grid(pd.Series(column), "week")
    assert [str(week.date()) for week in weeks] == [
        str(day.date()) for day in pd.date_range(first, periods=60, freq="7D")
    ]
    assert positions.tolist() == list(range(60))


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("zone", ZONES)
def test_midnights_name_the_local_day_however_they_are_written(zone, written):
    assert_weeks(WRITTEN[written](MONDAYS.tz_localize(zone)))


@pytest.mark.parametrize("zone", ZONES)
def test_a_week_that_ends_in_the_last_second_of_its_day_keeps_that_day(zone):
    ends = (MONDAYS + pd.Timedelta("6D 23:59:59")).tz_localize(zone)
    assert_weeks(utc_text(ends), "2024-01-07")
    assert_weeks([end.isoformat() for end in ends], "2024-01-07")


@pytest.mark.parametrize("zone", FAR_EAST)
def test_midnights_of_the_far_east_are_read_unless_told_in_utc(zone):
    moments = MONDAYS.tz_localize(zone)
    assert_weeks([moment.isoformat() for moment in moments])
    with pytest.raises(dcm.DataError, match="a time in UTC whose local day is ambiguous; write local days"):
        week_grid(pd.Series(utc_text(moments)), "week")


@pytest.mark.parametrize("times", [("12:00", "12:00"), ("05:00", "17:00"), ("17:10", "17:10"), ("23:00", "21:00")])
def test_times_in_utc_that_are_no_local_midnight_are_refused(times):
    column = pd.Series([f"2024-01-0{1 + 7 * i}T{time}:00Z" for i, time in enumerate(times)])
    with pytest.raises(
        dcm.DataError, match=r"'week' has '2024-01-0\dT.*Z', a time in UTC whose local day is ambiguous"
    ):
        week_grid(column, "week")


OTHERWISE = {
    "dates": [day.date() for day in MONDAYS],
    "weekly periods": MONDAYS.to_period("W-SUN"),
    "daily periods as objects": pd.Series(list(MONDAYS.to_period("D")), dtype=object),
    "blanks around": [f" {day.date()} " for day in MONDAYS],
    "dates and times mixed": [str(day.date()) if i % 2 else str(day) for i, day in enumerate(MONDAYS)],
    "types mixed": pd.Series([(day, day.date(), str(day.date()))[i % 3] for i, day in enumerate(MONDAYS)], dtype=object),
    "slashes": MONDAYS.strftime("%Y/%m/%d"),
    "no dashes": MONDAYS.strftime("%Y%m%d"),
    "no dashes, as numbers": MONDAYS.strftime("%Y%m%d").astype(int),
    "categories": pd.Series(MONDAYS.astype(str)).astype("category"),
    "an hour of the day": MONDAYS + pd.Timedelta("18h"),
    "London's midnights in UTC that does not say so": MONDAYS.tz_localize("Europe/London").tz_convert("UTC").tz_localize(None),
    "plain days beside UTC": [utc_text(MONDAYS.tz_localize("Europe/Berlin"))[i] if i % 2 else str(day.date()) for i, day in enumerate(MONDAYS)],
    "zone in brackets": [f"{moment.isoformat()}[Europe/Berlin]" for moment in MONDAYS.tz_localize("Europe/Berlin")],
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERWISE)
def test_dates_of_other_types_are_the_same_weeks(name):
    assert_weeks(OTHERWISE[name])


@pytest.mark.parametrize("numbers", [[5, 6, 7, 8, 10], ["5", " 6", "7", "8.0", "10"], [5.0, 6.0, 7.0, 8.0, 10.0], pd.array([5, 6, 7, 8, 10], dtype="Int64")])  # fmt: skip
def test_whole_numbers_are_weeks_whatever_their_type(numbers):
    weeks, positions, _ = week_grid(pd.Series(numbers), "week")
    assert weeks.tolist() == [5, 6, 7, 8, 9, 10]
    assert weeks.dtype == np.int64
    assert positions.tolist() == [0, 1, 2, 3, 5]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["202401", "202452", "202501"], "jumps from week 202401 to 202452 .*write year-and-week codes as dates"),
        (["now", "now"], "'now', which is not a date"),
        (["03/04/2024"], "'03/04/2024', which may be 2024-04-03 or 2024-03-04"),
        (["2024-02-30"], "'2024-02-30', which is not a date"),
        ([20240101, 20240145], "'20240145', which is not a date"),
        ([True, False], "which is not a date"),
        ([1.0, np.inf], "the week inf; weeks must be dates or whole numbers"),
        (["2024-01-01", " "], "no week in row 2; every row needs one"),
        (pd.Series([MONDAYS[0], pd.NaT]), "no week in row 2"),
        (["2024-01-01", "2024-01-09"], "Week 2024-01-09 .* not a whole number of weeks after the first"),
    ],
)
def test_weeks_that_cannot_be_read_are_refused_in_one_sentence(column, message):
    with pytest.raises(dcm.DataError, match=message) as caught:
        week_grid(pd.Series(column), "week")
    assert "\n" not in str(caught.value)


def dated(first, n_weeks=20, n_regions=2):
    df = table(n_regions, n_weeks)
    return df.assign(week=pd.Timestamp(first) + pd.to_timedelta(7 * df["week"], unit="D"))


@given(shift=st.integers(-2000, 2000), text=st.booleans())
@settings(max_examples=20, deadline=None)
def test_a_table_shifted_by_whole_weeks_has_the_same_grid(shift, text):
    here = panel_of(dated("2024-01-01"))
    moved = dated(pd.Timestamp("2024-01-01") + pd.Timedelta(days=7 * shift))
    there = panel_of(moved.astype({"week": str}) if text else moved)
    np.testing.assert_array_equal(there.kpi, here.kpi)
    np.testing.assert_array_equal(there.weeks - here.weeks, np.full(20, np.timedelta64(7 * shift, "D")))
    np.testing.assert_allclose(there.week_numbers - here.week_numbers, shift, rtol=1e-12)


@given(shift=st.integers(-2000, 2000), start=st.integers(0, 20))
@settings(max_examples=25, deadline=None)
def test_weeks_run_on_from_a_history_of_any_year(shift, start):
    first = pd.Timestamp("2008-01-07") + pd.Timedelta(days=7 * shift)
    history, future = panel_of(dated(first)), panel_of(dated(first + pd.Timedelta(days=7 * start), n_weeks=3))
    panel, asked, _ = continued(history, future)
    assert asked == slice(start, start + 3)
    np.testing.assert_array_equal(np.diff(panel.weeks), np.timedelta64(7, "D"))
    off_by_a_day = panel_of(dated(first + pd.Timedelta(days=7 * start + 1), n_weeks=3))
    with pytest.raises(dcm.DataError, match="not a whole number of weeks after the first training week"):
        continued(history, off_by_a_day)


def test_a_hundred_weeks_of_2008_and_2009_go_on():
    history, future = panel_of(dated("2008-01-07", n_weeks=100)), panel_of(dated("2009-12-07", n_weeks=4))
    assert continued(history, future)[1] == slice(100, 104)


def test_whole_numbers_run_on_as_whole_numbers():
    history = panel_of(table())
    future = panel_of(table(n_weeks=3).assign(week=["20", "21", "22"] * 2))
    panel, asked, _ = continued(history, future)
    assert (asked, panel.weeks.tolist()) == (slice(20, 23), list(range(23)))
