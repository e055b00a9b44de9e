"""What a test starts from: the week before it, a budget plan's frequencies and costs, spend that has not stopped."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.frequency import curves_of
from deepcausalmmm_jax.attribution.horizon import even_weeks
from deepcausalmmm_jax.planning.experiments.candidates import national_forecast
from deepcausalmmm_jax.planning.experiments.responses import treatments
from tests.plots.conftest import as_ensemble

pytestmark = pytest.mark.slow


def test_a_test_starts_from_the_frequency_of_the_budget_plan(reached_result):
    ensemble, often = as_ensemble(reached_result, 4), 9.0
    region = reached_result.panel.regions[0]
    asked = {"channels": ["channel_1"], "regions": [[region]], "weeks": 4, "changes": -1.0, "level": 0.5}
    found = []
    for frequency in ("today", {"channel_1": often}):
        budget = dcm.optimize_budget(ensemble, weeks=8, relative_bounds=(1.0, 1.0), frequency=frequency)
        found.append(dcm.plan_experiments(ensemble, budget, **asked))
    fit = reached_result.fitted_panel
    usual, planned = curves_of(fit, None).effect(np.array([fit.scales.frequency[0, 0], often]), 0)[0]
    before, after = (plan.table["lift"].item() for plan in found)
    assert after / before == pytest.approx(planned / usual, rel=0.02)
    brought = [plan.plans["outcome"].max() for plan in found]
    assert brought[1] < brought[0]


def test_what_a_plan_brings_is_what_optimize_budget_says_of_the_same_weeks(small_ensemble):
    """Media that run on after its weeks, while carry-over arrives, are not counted to it."""
    fit, quarter = small_ensemble.fitted_panel, 13
    horizon = even_weeks(fit, quarter, settled=False)
    ahead = horizon.panel.select(weeks=slice(horizon.start, horizon.stop))
    same = dcm.optimize_budget(
        small_ensemble, weeks=dataclasses.replace(ahead, spend=horizon.spend), relative_bounds=(1.0, 1.0)
    )
    found = dcm.plan_experiments(small_ensemble, weeks=4, changes=-1.0, level=0.5).plans
    np.testing.assert_allclose(found.drop(columns="outcome").iloc[0] * quarter, same.channels["spend_today"], rtol=1e-6)
    assert found["outcome"].iloc[0] * quarter == pytest.approx(same.draws["today"].mean(), rel=1e-4)


def test_a_national_test_is_measured_against_a_forecast_from_the_week_before_it(national_ensemble):
    """Weeks that this fit holds out are known when a test is read."""
    fit, variables = national_ensemble.fitted_panel, national_ensemble.replicates.variables
    held_out = len(fit.panel.weeks) - fit.n_training_weeks
    assert held_out == 8
    _, horizon = treatments(fit, variables, np.array([0]), (-1.0,), 4, np.ones(3), {})
    error = national_forecast(fit, variables, horizon, seed=0).std(axis=0)
    after_training = national_ensemble.forecast_draws(draws=1000).sum(axis=1).std(axis=0)
    np.testing.assert_allclose(error[:held_out], after_training, rtol=0.1)
    assert error[0] < 0.9 * after_training[-1]


def without_last_quarter(ensemble):
    """The same draws on a panel whose second channel stopped 13 weeks before its end."""
    panel = ensemble.panel
    arrays = {name: getattr(panel, name).copy() for name in ("exposure", "spend")}
    for array in arrays.values():
        array[:, -13:, 1] = 0.0
    panel = dataclasses.replace(panel, **arrays)
    return dcm.Ensemble(dataclasses.replace(ensemble.fitted, panel=panel), ensemble.replicates)


def test_a_channel_is_tested_at_what_the_plan_spends_on_it_though_it_replaces_none(small_ensemble):
    ensemble, asked = without_last_quarter(small_ensemble), {"weeks": 4, "changes": -1.0, "level": 0.5}
    panel = ensemble.panel
    for limits in ({}, {"relative_bounds": {"channel_1": (0.9, 1.1)}, "fixed": ["channel_2"]}):
        found = dcm.plan_experiments(ensemble, dcm.optimize_budget(ensemble, weeks=8, **limits), **asked)
        assert "channel_2" not in set(found.table["channel"])
        np.testing.assert_allclose(found.plans["channel_2"], 0.0)
        assert "Not tested, since the plan gives them no spend to change: channel_2." in found.notes
    started = 0.1 * panel.spend[:, -8:].sum()
    budget = dcm.optimize_budget(ensemble, weeks=8, bounds={"channel_2": (started, started)})
    spent = dcm.plan_experiments(ensemble, budget, **asked, regions=[[panel.regions[0]]]).table.set_index("channel")
    year = panel.spend[:, -52:].sum(axis=1)
    whole = -4 * 0.1 * year.sum() / 52 * year[0, 1] / year[:, 1].sum()  # a tenth of the mean week's spend, four weeks
    assert spent.loc["channel_2", "spend_difference"] == pytest.approx(whole, rel=1e-6)


def test_a_channel_that_has_stopped_is_named_unless_a_plan_says_what_is_spent(small_ensemble):
    asked = {"weeks": 4, "changes": -1.0, "level": 0.5}
    ensemble = without_last_quarter(small_ensemble)
    (note,) = (note for note in dcm.plan_experiments(ensemble, **asked).notes if "Without spend" in note)
    assert note.startswith("Without spend in the last 13 weeks: channel_2. ")
    budget = dcm.optimize_budget(ensemble, relative_bounds=(0.9, 1.1))
    assert not any("Without spend" in note for note in dcm.plan_experiments(ensemble, budget, **asked).notes)


def test_a_plan_that_prices_a_channel_by_its_cost_has_the_tests_of_one_with_a_spend_column(small_ensemble):
    """Without its price the channel could not be planned: a test of the others was worth nothing, or too little."""
    plain, panel = small_ensemble, small_ensemble.panel
    cost, spend, unpriced = {"channel_1": 0.02}, panel.spend.copy(), panel.spend.copy()
    spend[:, :, 0], unpriced[:, :, 0] = 0.02 * panel.exposure[:, :, 0], np.nan
    with_column, without = (
        dcm.Ensemble(dataclasses.replace(plain.fitted, panel=dataclasses.replace(panel, spend=each)), plain.replicates)
        for each in (spend, unpriced)
    )
    told = {"weeks": 4, "changes": -1.0, "channels": ["channel_2"], "level": 0.5}
    limits = {"relative_bounds": (0.7, 1.3), "max_steps": 1, "starts": 1}
    right = dcm.plan_experiments(with_column, dcm.optimize_budget(with_column, **limits), **told)
    found = dcm.plan_experiments(without, dcm.optimize_budget(without, cost=cost, **limits), **told)
    pd.testing.assert_frame_equal(found.table, right.table)
    pd.testing.assert_frame_equal(found.plans, right.plans)
    assert found.perfect_information == right.perfect_information
