"""The next weeks have last year's flighting, spend and prices."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import future_weeks, past_weeks
from deepcausalmmm_jax.planning.next_weeks import next_weeks


@pytest.fixture(scope="module")
def long_panel():
    """Three regions, 70 weeks."""
    return dcm.simulate(3, 70, 2, 1, seed=2)[0]


def test_the_next_weeks_are_those_of_a_year_before(long_panel):
    found = next_weeks(long_panel, 13)
    year = slice(70 - 52, 70 - 52 + 13)
    np.testing.assert_array_equal(found.panel.exposure, long_panel.exposure[:, year])
    np.testing.assert_allclose(found.panel.spend, long_panel.spend[:, year])
    np.testing.assert_array_equal(found.panel.control, long_panel.control[:, year])
    assert list(found.panel.weeks) == list(pd.date_range(long_panel.weeks[-1], periods=14, freq="7D")[1:])
    first, last = long_panel.week_label(18), long_panel.week_label(30)
    assert f"of a year before ({first} to {last})" in found.notes[0]


def test_planned_weeks_come_from_the_panel_itself(long_panel):
    weights = long_panel.weights.copy()
    weights[:, 66:] = 0.0
    planned = dataclasses.replace(long_panel, weights=weights)
    found = next_weeks(planned, 6)
    np.testing.assert_array_equal(found.panel.exposure[:, :4], long_panel.exposure[:, 66:])
    np.testing.assert_array_equal(found.panel.exposure[:, 4:], long_panel.exposure[:, 18:20])
    assert found.panel.weeks[0] == long_panel.weeks[66]
    assert any("The first 4 of them are planned in the panel" in note for note in found.notes)


def test_a_week_that_was_missing_has_the_regions_mean_week(long_panel):
    present = long_panel.present.copy()
    present[1, 20] = False
    gap = dataclasses.replace(long_panel, present=present)
    found = next_weeks(gap, 13)
    rest = np.delete(long_panel.exposure[1, 18:], 2, axis=0)
    np.testing.assert_allclose(found.panel.exposure[1, 2], rest.mean(axis=0))
    assert found.panel.present.all()
    assert any(note.startswith("Region-weeks missing a year before") for note in found.notes)


@pytest.mark.parametrize(
    ("weeks", "count", "error", "message"),
    [
        (70, 53, dcm.ConfigError, "next_weeks must be at most 52, a year of weeks, got 53"),
        (70, 0, dcm.ConfigError, "next_weeks must be a whole number"),
        (51, 4, dcm.DataError, "takes the flighting of a year before, 52 weeks, and the panel has 51; give weeks="),
    ],
)
def test_what_cannot_be_is_refused(long_panel, weeks, count, error, message):
    with pytest.raises(error, match=message):
        next_weeks(long_panel.select(weeks=slice(0, weeks)), count)


def test_a_plan_of_the_next_weeks_is_one_of_their_panel(small_result):
    plan = dcm.optimize_budget(small_result, next_weeks=6)
    coming = next_weeks(small_result.panel, 6).panel
    np.testing.assert_allclose(plan.channels["spend_today"], coming.spend.sum(axis=(0, 1)), rtol=1e-9)
    assert plan.next_weeks == 6
    assert "are those of a year before" in " ".join(plan.notes)
    ratio = plan.channels["spend_plan"] / plan.channels["spend_today"]
    assert ratio.between(0.7 - 1e-6, 1.3 + 1e-6).all()


def _planned(panel, weeks):
    """The panel with its last weeks as planned ones, without a KPI."""
    weights = panel.weights.copy()
    weights[:, len(panel.weeks) - weeks :] = 0.0
    return dataclasses.replace(panel, weights=weights)


@pytest.mark.parametrize(("planned", "count", "notes"), [(0, 5, 1), (4, 5, 2), (5, 5, 1), (9, 5, 1)])
def test_only_what_is_assumed_is_noted(long_panel, planned, count, notes):
    found = next_weeks(_planned(long_panel, planned), count)
    start = 70 - planned
    assert list(found.panel.weeks) == list(pd.date_range(long_panel.weeks[start - 1], periods=count + 1, freq="7D")[1:])
    assert len(found.notes) == notes
    kept = min(planned, count)
    np.testing.assert_array_equal(found.panel.exposure[:, :kept], long_panel.exposure[:, start : start + kept])
    year_before = slice(start - 52 + kept, start - 52 + count)
    np.testing.assert_array_equal(found.panel.exposure[:, kept:], long_panel.exposure[:, year_before])
    assert not found.panel.weights.any()
    assert not found.panel.kpi.any()


def test_a_year_is_the_most_and_whole(long_panel):
    found = next_weeks(long_panel, 52)
    np.testing.assert_array_equal(found.panel.exposure, long_panel.exposure[:, 18:])
    assert len(next_weeks(long_panel.select(weeks=slice(0, 52)), 1).panel.weeks) == 1


def test_gaps_of_a_year_before_are_filled_where_nothing_is_planned_and_counted(long_panel):
    present = long_panel.present.copy()
    present[1, [14, 15, 20]] = False  # in the year before the last week with a KPI, two of them where weeks are planned
    present[2, 14:] = False  # a region that has closed
    gaps = dataclasses.replace(
        _planned(long_panel, 4), present=present, weights=np.where(present, _planned(long_panel, 4).weights, 0.0)
    )
    found = next_weeks(gaps, 10)
    assert found.panel.present[1].all()
    assert not found.panel.present[2].any()
    there = present[1, 14:66]
    for name in ("exposure", "control", "spend"):
        mean = getattr(long_panel, name)[1, 14:66][there].mean(axis=0)
        np.testing.assert_allclose(getattr(found.panel, name)[1, 6], mean)
    assert found.notes[-1] == "Region-weeks missing a year before take the region's mean of that year (1 of them)."


def test_days_have_the_flighting_of_364_days_before():
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=400)
    table = pd.DataFrame({"day": days, "sales": rng.gamma(2.0, size=400), "tv": rng.gamma(2.0, size=400)})
    panel = dcm.Panel.from_dataframe(table, time="day", kpi="sales", media=["tv"], cadence="daily")
    found = next_weeks(panel, 7)
    np.testing.assert_array_equal(found.panel.exposure, panel.exposure[:, 36:43])
    assert found.panel.weeks[0] == pd.Timestamp("2024-02-05")
    assert "of the next days are those" in found.notes[0]
    with pytest.raises(dcm.ConfigError, match="next_weeks must be at most 364, a year of days, got 365"):
        next_weeks(panel, 365)


def test_a_region_without_rows_in_the_planned_weeks_has_none_in_the_next(long_panel):
    planned = _planned(long_panel, 4)
    present = planned.present.copy()
    present[2, 67] = False
    found = next_weeks(dataclasses.replace(planned, present=present), 6)
    assert np.argwhere(~found.panel.present).tolist() == [[2, 1]]


def test_regions_left_out_of_planned_weeks_are_named(long_panel):
    planned = _planned(long_panel, 4)
    present = planned.present.copy()
    present[1:, -4:] = False
    found = next_weeks(dataclasses.replace(planned, present=present), 6)
    a, b = long_panel.regions[1:3]
    assert any(f"(8, of {a}, {b}); add their rows" in note for note in found.notes)


def test_stated_revenue_of_planned_weeks_is_kept_and_others_have_the_last_years_mean(long_panel):
    planned = _planned(long_panel, 4)
    worth = np.full(planned.present.shape, 10.0)
    worth[:, -4:] = 20.0
    found = next_weeks(dataclasses.replace(planned, revenue_per_kpi=worth), 6).panel
    assert found.revenue_per_kpi is not None
    assert (found.revenue_per_kpi[:, :4] == 20.0).all()
    assert (found.revenue_per_kpi[:, 4:] == 10.0).all()


def test_planned_weeks_after_those_asked_for_follow_however_these_are_named(small_result):
    panel = _planned(small_result.panel, 8)
    result, change = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel)), dcm.Change("channel_1", 1.5)
    fit = result.fitted_panel
    stated = past_weeks(fit, (52, 55))
    for asked in (panel.select(weeks=slice(52, 55)), next_weeks(panel, 3).panel):
        found = future_weeks(fit, asked)
        np.testing.assert_array_equal(found.panel.exposure, stated.panel.exposure)
        np.testing.assert_array_equal(found.panel.control, stated.panel.control)
        np.testing.assert_array_equal(found.counted, stated.counted)
        gained = dcm.scenario(result, change, weeks=asked)["change"]
        np.testing.assert_array_equal(gained, dcm.scenario(result, change, weeks=(52, 55))["change"])
