"""Tables that figures are drawn from."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.forecasts import autocorrelation, regional_forecasts
from deepcausalmmm_jax.data.scaling import scales_from
from tests.plots.conftest import as_ensemble


def test_regions_add_up_to_the_summary(small_result):
    whole = small_result.media_summary()
    by_region = small_result.regional_summary()
    assert len(by_region) == 4 * 3
    for column in ("incremental_outcome", "exposure", "spend"):
        np.testing.assert_allclose(by_region[column].groupby("channel", sort=False).sum(), whole[column], rtol=1e-9)
    revenue = (by_region["roi"] * by_region["spend"]).groupby("channel", sort=False).sum()
    np.testing.assert_allclose(revenue / whole["spend"], whole["roi"], rtol=1e-9)


def test_the_rest_of_the_regions_is_added_up_in_the_last_row(small_result):
    some, every = small_result.regional_summary(top=1), small_result.regional_summary()
    assert list(some.index.get_level_values("region").unique())[1:] == ["other 3 regions"]
    np.testing.assert_allclose(
        some["incremental_outcome"].groupby("channel").sum(), every["incremental_outcome"].groupby("channel").sum()
    )
    assert every.groupby("region", sort=False)["kpi"].first().is_monotonic_decreasing


def test_forecasts_by_week_are_sums_over_regions(small_result):
    national, regional = small_result.forecasts(), small_result.forecasts(by_region=True)
    np.testing.assert_allclose(national["kpi"], small_result.panel.kpi.sum(axis=0))
    np.testing.assert_allclose(national["prediction"], small_result.predict().sum("region"))
    assert national["held_out"].sum() == small_result.holdout
    assert national.loc[~national["held_out"], ["mean", "last", "mean8", "seasonal"]].isna().all(axis=None)
    held = regional[regional["held_out"]]
    rmse = float(np.sqrt(((held["kpi"] - held["last"]) ** 2).mean()))
    assert rmse == pytest.approx(small_result.metrics.loc["holdout", "rmse_last"])
    np.testing.assert_allclose(regional["residual"], regional["kpi"] - regional["prediction"])


def test_scaled_forecasts_have_mean_one_in_the_training_weeks(small_result):
    regional = small_result.forecasts(by_region=True)
    training = regional[~regional["held_out"]]
    np.testing.assert_allclose(training.groupby("region")["scaled_kpi"].mean(), 1.0)


def test_a_week_without_kpi_is_in_no_forecast(small_panel):
    weights = small_panel.weights.copy()
    weights[1, 5] = 0
    table = regional_forecasts(dataclasses.replace(small_panel, weights=weights), small_panel.kpi, 52)
    assert len(table) == 4 * 60 - 1


def test_weeks_that_are_never_one_apart_have_no_autocorrelation_of_one_week(small_panel):
    every_other = dataclasses.replace(small_panel, weights=small_panel.weights * (np.arange(60) % 2 == 0))
    table = autocorrelation(every_other, small_panel.kpi * 0.9, 60)
    assert table.loc[[1, 3], ["region", "national"]].isna().all(axis=None)
    assert table.loc[[2, 4], ["region", "national"]].notna().all(axis=None)


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_autocorrelation_of_a_known_process(small_panel, memory):
    rng = np.random.default_rng(1)
    error = np.zeros((40, 400))
    for week in range(1, 400):
        error[:, week] = memory * error[:, week - 1] + rng.standard_normal(40)
    panel = dataclasses.replace(small_panel, kpi=error, weights=np.ones(error.shape))
    table = autocorrelation(panel, np.zeros(error.shape), 400)
    assert table.loc[1, "region"] == pytest.approx(memory, abs=0.03)
    assert table.loc[1, "national"] == pytest.approx(memory, abs=0.12)
    assert table.loc[3, "region"] == pytest.approx(memory**3, abs=0.04)
    assert table["bound"].iloc[0] == pytest.approx(0.1)


def test_weekly_contributions_add_up_to_the_prediction(small_result):
    weekly = small_result.weekly_contributions()
    np.testing.assert_allclose(weekly.sum(axis=1), small_result.predict().sum("region"))


def test_weekly_coefficients_lie_between_those_of_the_regions(small_result):
    weekly, every = small_result.weekly_coefficients(), small_result.coefficients()
    assert (weekly.to_numpy() <= every.max("region").values + 1e-9).all()
    assert (weekly.to_numpy() >= every.min("region").values - 1e-9).all()


def test_today_stands_on_the_hill_curve(small_result):
    now, curves = small_result.today(), small_result.hill_curves()
    for name in now.index:
        curve = curves[curves["channel"] == name]
        on_curve = np.interp(now.loc[name, "relative_exposure"], curve["relative_exposure"], curve["saturation"])
        assert now.loc[name, "saturation"] == pytest.approx(on_curve, abs=0.01)
    np.testing.assert_allclose(now["headroom"], 1 - now["saturation"])


def test_regions_where_a_channel_never_ran_count_in_no_figure_of_its_curve(small_result):
    panel, fitted = small_result.panel, small_result.fitted
    exposure, spend = panel.exposure.copy(), panel.spend.copy()
    exposure[2:, :, 1], spend[2:, :, 1] = 0.0, 0.0
    panel = dataclasses.replace(panel, exposure=exposure, spend=spend)
    scales = scales_from(panel, fitted.weights)
    there = dcm.FitResult(dataclasses.replace(fitted, panel=panel, scales=scales))
    regional = dcm.response_curves(there, by="region", multipliers=[1]).half_saturation
    own = regional[regional["channel"] == "channel_2"].iloc[:2]
    found = dcm.response_curves(there, multipliers=[1]).half_saturation.set_index("channel").loc["channel_2"]
    assert found["exposure"] == pytest.approx(own["exposure"].sum())
    assert own["multiplier"].min() <= found["multiplier"] <= own["multiplier"].max()
    level = (exposure[:2, -8:, 1] / scales.exposure[:2, None, 1]).mean()
    assert there.today().loc["channel_2", "relative_exposure"] == pytest.approx(level, rel=1e-5)
    curve = there.hill_curves()
    largest = curve[curve["channel"] == "channel_2"].iloc[-1]
    assert largest["exposure"] / largest["relative_exposure"] == pytest.approx(scales.exposure[:2, 1].mean(), rel=1e-5)


def test_the_curve_of_a_channel_that_is_seldom_on_air_reaches_its_largest_week(small_result):
    panel, fitted = small_result.panel, small_result.fitted
    exposure = np.zeros_like(panel.exposure)
    exposure[..., [0, 2]], exposure[0, 20, 1] = panel.exposure[..., [0, 2]], panel.exposure[0, 20, 1]
    panel = dataclasses.replace(panel, exposure=exposure)
    burst = dcm.FitResult(dataclasses.replace(fitted, panel=panel, scales=scales_from(panel, fitted.weights)))
    curve = burst.hill_curves()
    assert curve.loc[curve["channel"] == "channel_2", "exposure"].max() == pytest.approx(exposure[0, 20, 1], rel=1e-5)


def test_bands_of_the_curves_hold_refits_that_are_the_estimate(small_result):
    ensemble = as_ensemble(small_result, 5)
    bands = ensemble.hill_intervals(0.9)
    assert (bands["saturation_low"] <= bands["saturation_high"]).all()
    assert (bands["saturation_high"] - bands["saturation_low"]).max() < 0.05  # the refits were moved by a hundredth
    near = (bands["saturation"] > bands["saturation_low"] - 0.02) & (
        bands["saturation"] < bands["saturation_high"] + 0.02
    )
    assert near.all()


def test_draws_are_those_behind_the_intervals(small_result):
    ensemble = as_ensemble(small_result, 5)
    draws = ensemble.draws("roi")
    assert draws.shape == (5, 3)
    assert (ensemble.media_summary()["roi_low"] <= draws.quantile(0.05)).all()  # refits may be surer than the fit
    made = dataclasses.replace(ensemble.replicates, method="hmc", coordinates=np.zeros((5, 1)))
    posterior = dcm.Ensemble(ensemble.fitted, made)
    np.testing.assert_allclose(draws.quantile(0.05), posterior.media_summary()["roi_low"])
