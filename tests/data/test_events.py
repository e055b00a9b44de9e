"""Events: a calendar, the weekly columns that it becomes, holidays of countries."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.panel_notes import NoteKind, panel_notes
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.planning.next_weeks import next_weeks

WEEKS = pd.date_range("2022-01-03", periods=60, freq="7D")
ONE = pd.Index(["all"])


def table(first=0, stop=60, kpi=True):
    rng = np.random.default_rng(0)
    df = pd.DataFrame([(geo, week) for geo in "ab" for week in WEEKS[first:stop]], columns=["geo", "week"])
    df["tv"] = rng.uniform(1, 10, len(df))
    return df.assign(sales=rng.uniform(50, 100, len(df))) if kpi else df


def panel_of(events, df=None, **changes):
    roles = {"region": "geo", "time": "week", "kpi": "sales", "media": ["tv"], "events": events}
    return dcm.Panel.from_dataframe(table() if df is None else df, **(roles | changes))


def calendar(*rows, **options):
    return dcm.Events.from_table(pd.DataFrame(rows, columns=["name", "date"]), **options)


@given(
    day=st.integers(0, 40 * 7),
    before=st.integers(0, 20),
    after=st.integers(0, 20),
    labels=st.sampled_from(["first_day", "last_day"]),
)
@settings(max_examples=40, deadline=None)
def test_an_event_that_lies_inside_the_weeks_counts_once(day, before, after, labels):
    date = WEEKS[5] + pd.Timedelta(days=day)
    events = calendar(("fair", date), before=before, after=after, week_labels=labels)
    column = events.columns(WEEKS, ONE, Cadence.WEEKLY)[0, :, 0]
    assert column.sum() == pytest.approx(1.0)
    assert (column >= 0).all()
    assert (column > 0).sum() <= 2 + (before + after) // 7


@pytest.mark.parametrize(
    ("labels", "date", "week"),
    [
        ("first_day", "2022-03-07", 9),
        ("first_day", "2022-03-13", 9),
        ("last_day", "2022-03-07", 9),
        ("last_day", "2022-03-08", 10),
    ],
)
def test_the_day_that_names_a_week_decides_where_an_event_falls(labels, date, week):
    column = calendar(("fair", date), week_labels=labels).columns(WEEKS, ONE, Cadence.WEEKLY)[0, :, 0]
    assert column.argmax() == week
    assert WEEKS[9] == pd.Timestamp("2022-03-07")


def test_days_around_an_event_share_it_between_weeks():
    column = calendar(("fair", "2022-03-07"), before=3).columns(WEEKS, ONE, Cadence.WEEKLY)[0, :, 0]
    np.testing.assert_allclose(column[[8, 9]], [0.75, 0.25])


def test_months_have_events_too():
    months = pd.date_range("2022-01-01", periods=12, freq="MS")
    column = calendar(("fair", "2022-03-31"), after=1).columns(months, ONE, Cadence.MONTHLY)[0, :, 0]
    np.testing.assert_allclose(column[[2, 3]], [0.5, 0.5])


def test_an_event_becomes_a_control_of_its_own_region():
    df = pd.DataFrame({"name": ["fair", "feast"], "date": ["2022-03-07", "2022-04-04"], "region": ["b", None]})
    panel = panel_of(df)
    assert panel.controls == panel.event_names == ("fair", "feast")
    np.testing.assert_allclose(panel.control.sum(axis=1), [[0, 1], [1, 1]])


def test_an_events_column_is_scaled_by_a_fixed_number_however_rare_it_is():
    dates = pd.date_range("2022-01-05", "2023-01-01", freq="28D")
    panel = panel_of(calendar(("rare", "2022-03-07"), *[("often", date) for date in dates]))
    scale = scales_from(panel, panel.weights).control_scale
    assert (scale == scale[0, 0]).all()


def test_future_weeks_get_their_events_by_themselves():
    panel = panel_of(calendar(("feast", "2022-04-04"), ("feast", "2023-02-06"), until="2023-12-31"), table(0, 56))
    asked = dcm.Panel.from_dataframe(table(56, 60, kpi=False), region="geo", time="week", kpi=None, media=["tv"])
    full, weeks, _ = continued(panel, asked)
    assert full.control[:, weeks, 0].sum(axis=0).tolist() == [0, 2, 0, 0]


def test_a_date_that_can_be_only_one_settles_the_order_of_all():
    events = calendar(("x", "03/04/2022"), ("y", "25/06/2022"))
    assert list(events.table()["date"]) == ["2022-04-03", "2022-06-25"]


def test_next_weeks_have_the_events_of_their_dates_and_not_of_a_year_before():
    moving = calendar(("feast", "2022-01-17"), ("feast", "2023-03-06"), until="2023-12-31")
    found = next_weeks(panel_of(moving), 8).panel
    assert found.weeks[0] == pd.Timestamp("2023-02-27")
    np.testing.assert_array_equal(found.control[:, :, 0], np.tile([0, 1, 0, 0, 0, 0, 0, 0], (2, 1)))


def test_weeks_after_the_end_of_the_calendar_are_spoken_of():
    panel = panel_of(calendar(("feast", "2022-04-04")), table(0, 56))
    asked = dcm.Panel.from_dataframe(table(56, 60, kpi=False), region="geo", time="week", kpi=None, media=["tv"])
    with pytest.warns(dcm.DataWarning, match="ends on 2022-04-04"):
        continued(panel, asked)


def test_events_that_a_calendar_of_future_weeks_lacks_are_spoken_of():
    """An event that it has outside these weeks does not take place; of one that it does not have nobody knows."""
    panel = panel_of(calendar(("feast", "2022-04-04"), ("fair", "2022-05-02")), table(0, 56))
    roles = {"region": "geo", "time": "week", "kpi": None, "media": ["tv"]}

    def of_weeks(*rows):
        return dcm.Panel.from_dataframe(table(56, 60, kpi=False), events=calendar(*rows), **roles)

    with pytest.warns(dcm.DataWarning, match="lacks the event fair of the fit: it counts as not taking place; add its"):
        full, weeks, _ = continued(panel, of_weeks(("feast", "2023-02-06")))
    assert full.control[:, weeks].sum(axis=(0, 1)).tolist() == [2, 0]
    full, weeks, _ = continued(panel, of_weeks(("feast", "2023-02-06"), ("fair", "2023-05-01")))
    assert full.control[:, weeks].sum(axis=(0, 1)).tolist() == [2, 0]


def test_an_event_outside_the_weeks_is_left_out_and_named():
    with pytest.warns(dcm.DataWarning, match="jubilee falls in no week with a KPI; it is left out"):
        panel = panel_of(calendar(("feast", "2022-04-04"), ("jubilee", "2030-01-01")))
    assert panel.event_names == ("feast",)


def test_an_event_seen_once_is_noted():
    panel = panel_of(calendar(("feast", "2022-04-04"), ("fair", "2022-05-02"), ("fair", "2022-09-05")))
    once = [note for note in panel_notes(panel, panel.weights) if note.kind is NoteKind.SEEN_ONCE]
    assert [note.names for note in once] == [("feast",)]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (pd.DataFrame({"name": ["x"], "date": ["2010-01-01"]}), "No event falls in the panel's weeks, 2022-01-03 to"),
        (pd.DataFrame({"name": ["tv"], "date": ["2022-03-07"]}), "name of another column"),
        (pd.DataFrame({"name": ["trend"], "date": ["2022-03-07"]}), "name of another column"),
        (pd.DataFrame({"name": ["x"], "date": ["2022-03-07"], "region": ["z"]}), "in region 'z', which the panel"),
        (pd.DataFrame({"name": ["x"], "date": ["2022-03-07"], "before": [-1]}), "days before an event"),
        (pd.DataFrame({"name": [None], "date": ["2022-03-07"]}), "no name in row 1"),
        (pd.DataFrame({"name": ["x"], "date": [None]}), "no date in row 1"),
        (pd.DataFrame({"holiday": ["x"], "date": ["2022-03-07"]}), "no column 'name'"),
        (pd.DataFrame({"name": [], "date": []}), "no rows"),
        (pd.DataFrame({"name": ["x", "y"], "date": ["03/04/2022", "05/06/2022"]}), "day or month may come first"),
        ("DE", "events must be"),
    ],
)
def test_events_that_cannot_be_are_refused_in_a_sentence(events, message):
    with pytest.raises(dcm.DataError, match=message):
        panel_of(events)


def test_weeks_that_are_numbers_have_no_events():
    df = table().assign(week=np.tile(np.arange(60), 2))
    with pytest.raises(dcm.DataError, match="weeks that are dates"):
        panel_of(calendar(("feast", "2022-04-04")), df)


def test_two_calendars_are_joined_and_what_both_have_counts_once():
    one, other = calendar(("a", "2022-04-04"), ("b", "2022-05-02")), calendar(("b", "2022-05-02"), ("c", "2023-01-01"))
    assert (one + other).names == ("a", "b", "c")
    assert len((one + other).occurrences) == 3
    assert (one + other).until == one.until


class TestHolidays:
    @pytest.fixture(autouse=True)
    def package(self):
        pytest.importorskip("holidays")

    def test_holidays_of_a_country_fall_on_their_days(self):
        events = dcm.holidays(WEEKS, "DE", "BY", before={"Christmas Day": 6})
        days = {(entry.name, str(np.datetime64(entry.day, "D"))) for entry in events.occurrences}
        assert ("Epiphany", "2022-01-06") in days
        assert ("Easter Monday", "2022-04-18") in days
        panel = panel_of(events)
        christmas = panel.control[0, :, panel.controls.index("Christmas Day")]
        np.testing.assert_allclose(christmas[[50]], [1.0])  # 19 to 25 December 2022

    def test_they_go_on_after_the_panel(self):
        events = dcm.holidays(WEEKS, "DE")
        assert str(np.datetime64(events.until, "D")) == "2026-12-31"

    def test_regions_have_holidays_of_their_own(self):
        events = dcm.holidays(panel_of(None), {"a": "DE-BY", "b": "AT"}, names=["German Unity Day", "National Day"])
        panel = panel_of(events)
        assert panel.control[:, :, panel.controls.index("German Unity Day")].sum(axis=1).tolist() == [1.0, 0.0]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (("XX",), "no holidays for the country 'XX'"),
            (("DE", "ZZ"), "no subdivision 'ZZ'"),
            ((5,), "must be a code"),
            (({"z": "DE"},), "names the region 'z'"),
            (({"a": "DE"}, "BY"), "as 'DE-BY'"),
        ],
    )
    def test_unknown_places_are_refused(self, given, message):
        with pytest.raises(dcm.DataError, match=message):
            dcm.holidays(panel_of(None), *given)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"names": ["Christmas"]}, "names has 'Christmas', which is not a holiday there; did you mean|there are"),
            ({"before": {"Nothing": 3}}, "before has 'Nothing'"),
            ({"after": -1}, "days after"),
            ({"language": "xx"}, "no names in 'xx'"),
        ],
    )
    def test_unknown_holidays_and_windows_are_refused(self, options, message):
        with pytest.raises(dcm.DataError, match=message):
            dcm.holidays(WEEKS, "DE", **options)

    def test_a_country_without_holidays_in_these_years_is_refused(self, monkeypatch):
        import holidays

        monkeypatch.setattr(holidays, "country_holidays", lambda *given, **options: holidays.HolidayBase())
        with pytest.raises(dcm.DataError, match="knows no holidays of DE from 2021 to"):
            dcm.holidays(WEEKS, "DE", language="de")


def test_without_the_package_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(dcm.ConfigError, match=r"deepcausalmmm_jax\[holidays\]"):
        dcm.holidays(WEEKS, "DE")


def test_a_calendar_without_surprises_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel_of(calendar(("feast", "2022-04-04")))


@pytest.mark.parametrize("days", [0, 366])
def test_days_around_an_event_reach_up_to_a_year(days):
    assert calendar(("fair", "2023-06-01"), before=days, after=np.int64(days)).occurrences[0][3:] == (days, days)


@pytest.mark.parametrize("days", [-1, 367, 1.0, True, 0.5, 10**400])
@pytest.mark.parametrize("side", ["before", "after"])
def test_days_around_an_event_that_are_none_are_refused(side, days):
    with pytest.raises(dcm.DataError, match=f"The days {side} an event must be a whole number from 0 to 366, got"):
        calendar(("fair", "2023-06-01"), **{side: days})


def test_days_of_a_column_are_read_cell_by_cell():
    rows = pd.DataFrame({"name": ["a", "b", "c"], "date": "2023-06-01", "before": [1, None, "3"], "after": 0})
    found = dcm.Events.from_table(rows, before="before", after="after")
    assert [entry.before for entry in found.occurrences] == [1, 0, 3]
    for cell in (0.5, "soon", -2, 400):
        with pytest.raises(
            dcm.DataError, match=f"days before an event must be a whole number from 0 to 366, got {cell!r}"
        ):
            dcm.Events.from_table(rows.assign(before=pd.Series([1, cell, 2], dtype=object)), before="before")


@pytest.mark.parametrize(
    ("region", "hint"), [("1", "; did you mean '01', read as text?"), ("A", "; use the labels of the panel's regions.")]
)
def test_an_event_of_another_region_is_named_with_the_way_out(region, hint):
    rows = pd.DataFrame([("fair", "2022-06-01", region)], columns=["name", "date", "region"])
    with pytest.raises(dcm.DataError) as refused:
        panel_of(dcm.Events.from_table(rows, region="region"), table().replace({"geo": {"b": "01"}}))
    assert str(refused.value) == f"The event 'fair' is in region {region!r}, which the panel does not have{hint}"


@pytest.mark.parametrize(("labels", "seen"), [("first_day", [0, 1]), ("last_day", [1, 0])])
def test_an_event_is_seen_in_the_week_that_its_day_lies_in(labels, seen):
    events = calendar(("fair", WEEKS[5] + pd.Timedelta(days=1)), week_labels=labels)
    for counted, expected in zip((6, 5), seen, strict=True):
        week = np.arange(60)[None] == counted
        assert events.times_seen(WEEKS, ONE, Cadence.WEEKLY, week) == {"fair": expected}


def test_an_event_of_a_week_is_shared_by_the_days_that_fall_in_each():
    events = calendar(("fair", WEEKS[5]), before=2, after=4)
    np.testing.assert_allclose(events.columns(WEEKS, ONE, Cadence.WEEKLY)[0, 3:7, 0], [0, 2 / 7, 5 / 7, 0])
    assert events.until == (WEEKS[5] - pd.Timestamp(0)).days


def test_a_calendar_reaches_as_far_as_is_stated_and_joined_ones_as_far_as_both():
    early, late = (calendar(("fair", "2022-06-01"), until=day) for day in ("2022-06-01", "2023-01-01"))
    assert (late.until - early.until, (late + early).until, len((late + early).occurrences)) == (214, early.until, 1)
    with pytest.raises(dcm.DataError, match="has 2022-06-01, after until=2022-05-31; give a later day"):
        calendar(("fair", "2022-06-01"), until="2022-05-31")


@pytest.mark.parametrize(("day", "asked"), [("12/12/2022", True), ("13/12/2022", False), ("12-13-2022", False)])
def test_days_of_events_are_asked_about_where_either_number_may_be_the_month(day, asked):
    if asked:
        with pytest.raises(dcm.DataError, match=f"has '{day}', where day or month may come first"):
            calendar(("fair", day))
    else:
        assert calendar(("fair", day)).table()["date"].tolist() == ["2022-12-13"]


def test_an_event_that_is_entered_twice_counts_once():
    rows = [("fair", "2022-06-01", None), ("fair", "2022-06-01", "a"), ("fair", "2022-06-01", None)]
    rows += [("fair", "2022-09-01", "a"), ("fair", "2022-09-01", "b"), ("fair", "2022-09-01", "a")]
    entered = pd.DataFrame(rows, columns=["name", "date", "region"])
    events = dcm.Events.from_table(entered, region="region")
    for found in (events, events + dcm.Events.from_table(entered[::-1], region="region")):
        column = found.columns(WEEKS, pd.Index(["a", "b"]), Cadence.WEEKLY)[:, :, 0]
        np.testing.assert_array_equal(column.sum(axis=1), 2.0)
        np.testing.assert_array_equal(column[:, [21, 34]], 1.0)


def test_an_event_with_two_windows_on_one_day_is_refused():
    wide, bare = calendar(("fair", "2022-06-01"), before=7), calendar(("fair", "2022-06-01"), ("show", "2022-06-01"))
    windows = (
        "'fair' on 2022-06-01 has two windows, of 0 days before and 0 after and of 7 days before and 0 after; leave"
    )
    with pytest.raises(dcm.DataError, match=windows):
        bare + wide
    regional = pd.DataFrame({"name": "fair", "date": "2022-06-01", "region": [None, "a"], "before": [0, 7]})
    with pytest.raises(dcm.DataError, match=windows):
        dcm.Events.from_table(regional, region="region", before="before")
