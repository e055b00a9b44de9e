"""Daily, weekly and monthly panels of one truth."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm

CADENCES = ("daily", "weekly", "monthly", "quarterly")
YEARS = {"n_regions": 2, "n_weeks": 157, "n_channels": 2, "n_controls": 1, "seed": 4, "start": "2021-12-27"}


@pytest.fixture(scope="module")
def made():
    return {cadence: dcm.simulate(**YEARS, cadence=cadence) for cadence in CADENCES}


def test_days_add_up_to_weeks_and_months(made):
    table = made["daily"][0].to_dataframe()
    keys = ["region", table.time.dt.to_period("M")]
    month = table.groupby(keys)[["sales", "channel_1", "channel_1_spend"]].sum()
    panel = made["monthly"][0].to_dataframe()
    inside = month.loc[[(r, t.to_period("M")) for r, t in zip(panel.region, panel.time, strict=True)]]
    np.testing.assert_allclose(panel[inside.columns], inside)
    week = table.sales.to_numpy().reshape(2, 157, 7).sum(axis=2)
    np.testing.assert_allclose(made["weekly"][0].kpi, week)


@pytest.mark.parametrize("cadence", CADENCES)
def test_components_and_noise_make_the_kpi(made, cadence):
    panel, truth = made[cadence]
    noise = panel.kpi - truth.components.sum("component").to_numpy()
    spread = noise.std(axis=1) / panel.kpi.mean(axis=1)
    np.testing.assert_allclose(spread, truth.noise, rtol=0.5)
    share = (truth.contributions.sum(("region", "time")) / panel.kpi.sum()).to_numpy()
    np.testing.assert_allclose(truth.parameters["share"], share)


def test_channels_have_the_same_truth_whatever_the_cadence(made):
    for name in ("mean_lag", "slope"):
        for cadence in CADENCES:
            np.testing.assert_array_equal(made[cadence][1].parameters[name], made["daily"][1].parameters[name])
    lag = made["monthly"][1].parameters
    np.testing.assert_allclose(lag["decay"] / (1 - lag["decay"]) * 365.25 / 84, lag["mean_lag"], rtol=0.02)


@pytest.mark.parametrize("cadence", ["daily", "monthly"])
def test_a_lift_is_what_the_truth_says(made, cadence):
    panel, truth = made[cadence]
    off = dcm.LiftTest("channel_2", start="2023-03-01", end="2023-05-31", lift=1.0, standard_error=1.0)
    whole = float(truth.contributions.sel(channel="channel_2", time=slice("2023-03-01", "2023-05-31")).sum())
    assert 0.5 * whole < truth.lift(off, panel, holdout=None) < 1.5 * whole


@pytest.mark.parametrize("cadence", CADENCES)
def test_days_before_the_panel_stay_what_they_were_whatever_is_changed_in_it(made, cadence):
    panel, truth = made[cadence]
    kpi = truth.counterfactual.kpi
    terms = truth.components.sum("component").to_numpy()
    np.testing.assert_allclose(kpi(panel.exposure), terms, rtol=1e-4)
    off = panel.exposure.copy()
    off[:, :1, 1] = 0.0
    lost = (truth.contributions.sel(channel="channel_2") - (terms - kpi(off)))[:, 0]
    assert (lost > 0).all()  # what ran before the first step still arrives in it


def test_difficulties_by_the_week_are_refused():
    with pytest.raises(dcm.DataError, match="late=1 is only for panels that are simulated by the week"):
        dcm.simulate(1, 60, 2, 1, late=1, cadence="daily")
    with pytest.raises(dcm.DataError, match="cadence is only for the kind 'hill'"):
        dcm.simulate(1, 60, 2, 1, kind="tanh", cadence="daily")


def test_the_same_dates_without_a_cadence_are_simulated_by_the_week():
    weekly, _ = dcm.simulate(1, 60, 2, 1, seed=4)
    assert weekly.cadence == "weekly"
    assert not np.array_equal(weekly.kpi, dcm.simulate(1, 60, 2, 1, seed=4, cadence="weekly")[0].kpi)


def test_saved_fields_of_a_panel_say_its_cadence(made):
    assert [made[name][0].cadence for name in CADENCES] == list(CADENCES)
    assert dataclasses.replace(made["daily"][0], weights=made["daily"][0].weights).cadence == "daily"
