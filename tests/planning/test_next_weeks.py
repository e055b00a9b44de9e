"""The next weeks have last year's flighting, spend and prices."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
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
    assert any(note.startswith("1 region-weeks were missing a year before") for note in found.notes)


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
