"""Region-weeks without a row, and weeks without any: no table says what was sold in them."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.by_replicate import weekly_contributions

LATE, LOST = 20, 30  # weeks after which region_1 begins; the week in which no region has a row


@pytest.fixture(scope="module")
def with_gaps(small_ensemble):
    """The refits on the panel of four regions, one of which begins late, without a week in all of them."""
    panel, fitted = small_ensemble.panel, small_ensemble.fitted
    present = np.ones(panel.present.shape, bool)
    present[0, :LATE] = present[:, LOST] = False
    there = {name: getattr(panel, name) * present[:, :, None] for name in ("exposure", "spend", "control")}
    panel = dataclasses.replace(panel, present=present, weights=panel.weights * present, **there)
    fitted = dataclasses.replace(fitted, panel=panel, weights=fitted.weights * present)
    return dcm.Ensemble(fitted, small_ensemble.replicates)


@pytest.mark.parametrize("asked", ["its own panel", "the same panel", "its last weeks"])
def test_what_has_no_row_has_no_prediction_and_no_contribution(with_gaps, asked):
    panel = with_gaps.panel
    if asked == "its own panel":
        parts, prediction = with_gaps.contributions, with_gaps.predict()
    else:
        panel = panel if asked == "the same panel" else panel.select(weeks=slice(LATE + 5, None))
        parts, prediction = with_gaps.contributions_of(panel), with_gaps.predict(panel)
    np.testing.assert_array_equal(np.isfinite(prediction.values), panel.present)
    np.testing.assert_allclose(prediction.values, parts.values.sum(axis=2))  # missing in both, where it is


@pytest.mark.parametrize("asked", ["its own weeks", "the same weeks"])
def test_what_has_no_row_has_no_draws_of_a_forecast(with_gaps, asked):
    present = with_gaps.panel.present.copy()
    present[2, -3] = False
    panel = dataclasses.replace(with_gaps.panel, present=present)
    result = dcm.FitResult(dataclasses.replace(with_gaps.fitted, panel=panel))
    draws = result.forecast_draws(None if asked == "its own weeks" else panel.select(weeks=slice(-8, None)), 20)
    np.testing.assert_array_equal(np.isfinite(draws), np.broadcast_to(present[:, -8:], draws.shape))


def test_contributions_add_up_to_those_of_the_tables(with_gaps):
    """With the baseline of the 24 region-weeks that nobody had, the sum was a tenth above the tables."""
    whole = with_gaps.contributions.sum(["region", "time"]).to_series()
    np.testing.assert_allclose(with_gaps.contribution_table()[list(whole.index)].sum(), whole)
    np.testing.assert_allclose(with_gaps.weekly_contributions().sum(), whole)
    assert with_gaps.contribution_table()["prediction"].sum() == pytest.approx(float(with_gaps.predict().sum()))


def test_a_week_without_any_row_has_no_contributions_in_place_of_zero(with_gaps):
    known = np.arange(60) != LOST
    assert with_gaps.weekly_contributions().notna().to_numpy().all(axis=1).tolist() == known.tolist()
    band = with_gaps.contribution_intervals()
    assert np.isfinite(band.values).all(axis=(0, 2)).tolist() == known.tolist()
    drawn = weekly_contributions(with_gaps.fitted_panel, with_gaps.replicates.variables, [0, 1], [2])
    np.testing.assert_array_equal(np.isfinite(drawn).all(axis=(0, 3)), with_gaps.panel.present[:2])


@pytest.mark.parametrize("kind", ["stacked", "percent", "lines"])
def test_figures_of_contributions_go_on_through_a_week_without_any_row(with_gaps, kind):
    """In percent there was none: a week without rows counted as one whose prediction is below zero."""
    figure = dcm.plots.contribution_over_time(with_gaps, kind)
    lines = [trace for trace in figure.data if trace.meta and "series" in trace.meta]
    for trace in lines:
        values = np.asarray(trace.y, float)
        assert np.flatnonzero(np.isnan(values)).tolist() == [LOST]
        assert kind == "lines" or trace.stackgaps == "interpolate"
