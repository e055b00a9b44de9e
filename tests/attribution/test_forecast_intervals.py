import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.forecast_intervals import _moved, forecast_table
from deepcausalmmm_jax.training.forecast_draws import Process


def test_departures_move_as_level_swing_and_season_together_do():
    weeks, fade = 6, 0.8
    basis = np.stack([np.cos(np.arange(weeks)), np.sin(np.arange(weeks))], axis=1)
    factor = np.array([[0.3, 0, 0, 0], [0.1, 0.2, 0, 0], [0.05, 0, 0.1, 0], [0, 0.02, 0.03, 0.1]])
    covariance, step, swing = factor @ factor.T, 0.2, 0.15
    course = Process(covariance, np.float64(step), np.float64(swing), np.float64(fade))
    draws = _moved(course, basis, (200_000, 1), np.random.default_rng(0))[:, 0]
    ahead = np.arange(weeks)
    design = np.column_stack([np.ones(weeks), fade**ahead, basis])  # of the state in the first week
    later = np.minimum(ahead[:, None], ahead)
    walk = step**2 * later
    added = swing**2 * np.array(
        [[sum(fade ** (a - k) * fade ** (b - k) for k in range(1, min(a, b) + 1)) for b in ahead] for a in ahead]
    )
    np.testing.assert_allclose(np.cov(draws.T), design @ covariance @ design.T + walk + added, rtol=0.02, atol=1e-3)
    np.testing.assert_allclose(draws.mean(axis=0), 0.0, atol=0.01)


def test_intervals_lie_around_the_forecast_and_widen_with_their_level(small_result):
    narrow, wide = (small_result.forecast_intervals(level=level) for level in (0.5, 0.95))
    assert (wide["low"] < narrow["low"]).all()
    assert (narrow["low"] < narrow["prediction"]).all()
    assert (narrow["prediction"] < narrow["high"]).all()
    assert (narrow["high"] < wide["high"]).all()
    held = small_result.panel.kpi[:, -8:].sum(axis=0)
    np.testing.assert_allclose(narrow["kpi"], held)
    np.testing.assert_allclose(narrow["prediction"], small_result.predict().values[:, -8:].sum(axis=0))


def test_regions_draws_add_up_to_the_nations_and_most_weeks_lie_inside(small_result):
    table = small_result.forecast_intervals(by_region=True)
    assert list(table) == ["region", "time", "kpi", "prediction", "low", "high"]
    inside = (table["low"] <= table["kpi"]) & (table["kpi"] <= table["high"])
    assert inside.mean() > 0.7
    draws = small_result.forecast_draws(draws=50, seed=3)
    assert draws.shape == (50, 4, 8)
    np.testing.assert_array_equal(draws, small_result.forecast_draws(draws=50, seed=3))


def test_what_no_refit_agrees_on_widens_the_interval(small_result, small_ensemble):
    alone = small_result.forecast_intervals(draws=400)
    together = small_ensemble.forecast_intervals(draws=400)
    assert (together["high"] - together["low"]).mean() > 0.9 * (alone["high"] - alone["low"]).mean()
    assert len(small_ensemble.forecast_draws(draws=401)) == 401


def test_future_weeks_are_forecast_with_intervals_that_grow(small_result, small_panel):
    df = small_panel.select(weeks=slice(-20, None)).to_dataframe()
    df["time"] += pd.Timedelta(days=140)
    future = dcm.Panel.from_dataframe(
        df,
        region="region",
        time="time",
        kpi=None,
        media=list(small_panel.channels),
        controls=list(small_panel.controls),
    )
    table = small_result.forecast_intervals(future, by_region=True)
    assert table["kpi"].isna().all()
    np.testing.assert_allclose(table["prediction"], small_result.predict(future).values.ravel())
    width = (table["high"] - table["low"]).groupby(table["time"]).mean()
    assert width.iloc[-5:].mean() > width.iloc[:5].mean()
    some = future.select(regions=["region_3", "region_1"])
    np.testing.assert_allclose(
        small_result.forecast_draws(some, 60)[:, 0], small_result.forecast_draws(future, 60)[:, 2], rtol=1e-12
    )


@pytest.mark.parametrize("counts", [False, True])
def test_what_has_no_row_has_no_forecast(small_panel, counts):
    """Two regions and four weeks: one row is missing, and in the last week both are."""
    panel = small_panel.select(regions=small_panel.regions[:2], weeks=slice(0, 4))
    present = np.array([[True, True, True, False], [True, False, True, False]])
    future = dataclasses.replace(panel, weights=np.zeros((2, 4)), present=present)
    draws = np.arange(1.0, 25.0).reshape(3, 2, 4)
    by_region, whole = (forecast_table(draws[1], draws, future, 0.9, each, counts) for each in (True, False))
    for column in ("prediction", "low", "high"):
        assert by_region[column].notna().to_numpy().tolist() == present.ravel().tolist()
        assert whole[column].notna().tolist() == [True, True, True, False]  # the last was said to be 0 with certainty
    assert whole["prediction"].tolist()[:3] == [9.0 + 13.0, 10.0, 11.0 + 15.0]


def test_forecasts_without_weeks_to_forecast_are_refused(small_result, small_panel):
    every = np.ones_like(small_result.fitted.weights)
    whole = dcm.FitResult(dataclasses.replace(small_result.fitted, weights=every))
    with pytest.raises(dcm.DataError, match="no week after its training weeks; hold some out"):
        whole.forecast_intervals()
    with pytest.raises(dcm.DataError, match="which is a training week; forecasts begin after"):
        small_result.forecast_intervals(small_panel)
    with pytest.raises(dcm.ConfigError, match="draws must be a whole number, 20 or more"):
        small_result.forecast_draws(draws=3)
    with pytest.raises(dcm.ConfigError, match="level must be between 0 and 1"):
        small_result.forecast_intervals(level=90)


def test_the_figure_of_the_fit_shows_where_the_held_out_weeks_are_expected(small_result):
    for region in (None, "region_2"):
        figure = dcm.plots.actual_and_predicted(small_result, region)
        table = small_result.forecast_intervals(by_region=region is not None)
        own = table if region is None else table[table["region"] == region]
        band = next(trace for trace in figure.data if trace.name == "90% forecast interval")
        np.testing.assert_allclose(band.y, [*own["high"], *own["low"][::-1]])
