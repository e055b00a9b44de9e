"""What a plan's tables say of today's spend is what scenarios say, and extrapolation begins beyond training."""

import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.outcome import KPI, REVENUE, Outcome
from deepcausalmmm_jax.planning.tables import allocation, effects_of, last_unit
from tests.plots.conftest import as_ensemble

WEEKS, MORE = 8, 0.01


@pytest.fixture(scope="module")
def span(small_result):
    fit = small_result.fitted_panel
    horizon = past_weeks(fit, WEEKS)
    return fit, horizon, cells_of(horizon, "channel", fit.scales.exposure)


def effects(span, variables, factor=1.0):
    fit, horizon, cells = span
    return effects_of(fit, variables, horizon, cells, Outcome(fit, variables, horizon, cells), factor * cells.today)


def changed(result, **factors):
    """Change in KPI and in revenue, by scenario."""
    table = dcm.scenario(result, [dcm.Change(name, factor) for name, factor in factors.items()], weeks=WEEKS)
    return table.loc[0, ["change", "revenue_change"]].to_numpy(float)


def own(result):
    return jax.tree.map(lambda a: np.asarray(a)[None], result.fitted.variables)


def test_effects_of_todays_spend_are_those_of_scenarios(small_result, span):
    found, channels = effects(span, own(small_result)), small_result.panel.channels
    np.testing.assert_allclose(found.whole[0], -changed(small_result, **dict.fromkeys(channels, 0.0)), rtol=1e-6)
    for c, name in enumerate(channels):
        np.testing.assert_allclose(found.channel[0, :, c], -changed(small_result, **{name: 0.0}), rtol=1e-6)
        more = changed(small_result, **{name: 1.0 + MORE})
        np.testing.assert_allclose(found.more[0, :, c], more, rtol=2e-2, atol=1e-4 * found.whole[0, REVENUE])
    more = changed(small_result, **dict.fromkeys(channels, 1.0 + MORE))
    np.testing.assert_allclose(found.more_whole[0], more, rtol=2e-2)
    assert found.whole[0, KPI] != found.whole[0, REVENUE]


def test_effects_of_refits_are_those_of_each_alone(small_result, span):
    refits = as_ensemble(small_result, 3)
    variables = jax.tree.map(
        lambda a, b: np.concatenate([a, np.asarray(b)]), own(small_result), refits.replicates.variables
    )
    both = effects(span, variables, 1.5)
    for k in range(4):
        alone = effects(span, jax.tree.map(lambda a, k=k: a[k : k + 1], variables), 1.5)
        for name in ("whole", "channel"):
            np.testing.assert_allclose(getattr(both, name)[k], getattr(alone, name)[0], rtol=2e-3)


@pytest.mark.parametrize("spend", [1.0, 1.5, 30.0, 1000.0])
def test_a_channel_of_next_to_no_spend_has_the_marginal_return_of_its_slope(small_result, span, spend):
    """A hundredth of a spend of 1 adds less to the outcome than single precision can show."""
    fit, horizon, cells = span
    x = np.array([spend, *cells.today[1:]])
    outcome = Outcome(fit, own(small_result), horizon, cells)
    found = effects_of(fit, own(small_result), horizon, cells, outcome, x)
    for value in (KPI, REVENUE):
        slope = outcome.values_and_slopes(x, value)[1][0, 0]
        assert found.more[0, value, 0] / (MORE * spend) == pytest.approx(slope, rel=0.01)


def test_marginal_returns_next_to_no_spend_are_smooth(small_result, span):
    fit, horizon, cells = span
    outcome = Outcome(fit, own(small_result), horizon, cells)
    spends = np.geomspace(0.5, 50.0, 9)
    plans = (np.array([spend, *cells.today[1:]]) for spend in spends)
    more = [effects_of(fit, own(small_result), horizon, cells, outcome, x).more[0, REVENUE, 0] for x in plans]
    rise = np.diff(np.log(more / spends))
    assert (rise > 0).all()  # an S-shaped curve rises from its origin, faster and faster
    assert (np.diff(rise) > 0).all()


def test_the_last_unit_of_a_small_cell_has_the_return_of_its_slope(small_result, span):
    fit, horizon, cells = span
    x, free = np.array([2.0, *cells.today[1:]]), np.arange(3) == 0
    outcome = Outcome(fit, own(small_result), horizon, cells)
    slope = outcome.values_and_slopes(x, REVENUE)[1][0, 0]
    assert last_unit(outcome, x, free, REVENUE, 0.9)[0] == pytest.approx(slope, rel=1e-3)


@pytest.mark.slow
def test_refits_find_the_return_of_next_to_no_spend_that_they_find_alone(small_result, span):
    fit, horizon, cells = span
    refits = as_ensemble(small_result, 3)
    variables = jax.tree.map(
        lambda a, b: np.concatenate([a, np.asarray(b)]), own(small_result), refits.replicates.variables
    )
    x = np.array([2.0, *cells.today[1:]])
    both = effects_of(fit, variables, horizon, cells, Outcome(fit, variables, horizon, cells), x)
    for k in range(4):
        one = jax.tree.map(lambda a, k=k: a[k : k + 1], variables)
        alone = effects_of(fit, one, horizon, cells, Outcome(fit, one, horizon, cells), x)
        np.testing.assert_allclose(both.channel[k, :, 0], alone.channel[0, :, 0], rtol=1e-3)
        np.testing.assert_allclose(both.more[k, :, 0], alone.more[0, :, 0], rtol=1e-3)


def test_spend_and_exposure_of_cells_stand_beside_todays(small_result, span):
    fit, horizon, cells = span
    x = cells.today * [2.0, 1.0, 0.0]
    table = allocation(fit, horizon, horizon, cells, x)
    np.testing.assert_allclose(table["change"], x - cells.today)
    np.testing.assert_allclose(table["change_pct"], [100.0, 0.0, -100.0], atol=1e-12)
    today = horizon.exposure.sum(axis=(0, 1))
    np.testing.assert_allclose(table["exposure_today"], today)
    np.testing.assert_allclose(table["exposure_plan"], today * [2.0, 1.0, 0.0], rtol=1e-9)
    assert "frequency_today" not in table
    off = dataclasses.replace(cells, today=np.where(np.arange(3) == 0, 0.0, cells.today))
    assert np.isnan(allocation(fit, horizon, horizon, off, x)["change_pct"].iloc[0])


@pytest.mark.parametrize("by", ["channel", "channel_region_week"])
def test_extrapolation_begins_where_exposure_exceeds_the_largest_week_of_training(small_result, span, by):
    """Of a plan by channel it is the mean week that is compared, since its pattern over weeks is that of history."""
    fit, horizon, _ = span
    cells = cells_of(horizon, by, fit.scales.exposure)
    largest = small_result.panel.exposure[:, :52].max(axis=1)
    week = horizon.exposure.mean(axis=1) if by == "channel" else horizon.exposure.max(axis=1)
    room = (largest / np.where(week > 0, week, np.nan))[:, 1]
    factor = np.nanmin(room)
    for share, beyond in ((1.0 - 1e-5, False), (1.0 + 1e-5, True)):
        x = np.where(cells.channel == 1, share * factor * cells.today, 0.0)
        table = allocation(fit, horizon, horizon, cells, x)
        assert table.loc[table["channel"] == "channel_2", "extrapolation"].any() == beyond
        assert not table.loc[table["channel"] != "channel_2", "extrapolation"].any()
