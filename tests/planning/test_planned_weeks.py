"""Weeks behind the last KPI, with plans or none: they change no estimate and no score."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference.fit_many import _wanted
from deepcausalmmm_jax.plots.composition import contribution_donut, contribution_waterfall
from deepcausalmmm_jax.plots.fit import actual_and_predicted, holdout_scatter
from deepcausalmmm_jax.plots.report.page import _spans
from deepcausalmmm_jax.plots.report.sections import _forecast

PLANNED = 5


def with_plans(panel, weeks=PLANNED):
    """The panel with planned weeks behind its own: their exposure is tripled, they have no KPI."""
    arrays = {
        name: np.concatenate([getattr(panel, name), factor * getattr(panel, name)[:, -weeks:]], axis=1)
        for name, factor in (("exposure", 3.0), ("control", 1.0), ("spend", 3.0), ("revenue_per_kpi", 1.0))
    }
    blank = np.zeros((len(panel.regions), weeks))
    later = panel.weeks[-1] + (1 + np.arange(weeks)) * (panel.weeks[-1] - panel.weeks[-2])
    return dataclasses.replace(
        panel,
        weeks=panel.weeks.append(pd.DatetimeIndex(later)),
        kpi=np.concatenate([panel.kpi, blank], axis=1),
        weights=np.concatenate([panel.weights, blank], axis=1),
        present=np.concatenate([panel.present, np.ones(blank.shape, bool)], axis=1),
        **arrays,
    )


@pytest.fixture(scope="module")
def planned(small_panel, quick):
    return dcm.fit(with_plans(small_panel), quick, holdout=8)


def same(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def beside(result, **changes):
    """The same fit beside another panel: no training."""
    panel = dataclasses.replace(result.panel, **changes)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


def without_kpi(result, regions, weeks):
    """The same fit where some of the panel's KPI is not known."""
    weights = result.panel.weights.copy()
    weights[regions, weeks] = 0.0
    return beside(result, weights=weights)


@pytest.mark.slow
def test_planned_weeks_are_prepared_when_a_table_asks_for_them(planned, quick, prepared_weeks):
    result = dcm.fit(planned.panel, quick, progress=False)
    assert prepared_weeks == [60]
    assert result.predict().sizes["time"] == 60 + PLANNED
    assert prepared_weeks == [60, 60 + PLANNED]


def test_planned_weeks_change_no_estimate_and_no_score(planned, small_result):
    same(planned.fitted.variables, small_result.fitted.variables)
    same(planned.fitted.scales._asdict(), small_result.fitted.scales._asdict())
    pd.testing.assert_frame_equal(planned.metrics, small_result.metrics, rtol=1e-5)
    pd.testing.assert_frame_equal(planned.today(), small_result.today(), rtol=1e-5)
    pd.testing.assert_frame_equal(planned.forecasts(), small_result.forecasts(), rtol=1e-4, check_freq=False)
    bound = planned.residual_autocorrelation()["bound"].iloc[0]
    assert bound == pytest.approx(2 / np.sqrt(52))


@pytest.mark.slow
def test_planned_weeks_change_no_refit(planned, small_ensemble):
    refits = dcm.bootstrap(planned, 4, seed=3, method="weights", checks=0, progress=False)
    same(refits.replicates.variables, small_ensemble.replicates.variables)


def test_planned_weeks_are_not_among_what_many_fits_read(planned, small_panel, quick):
    ours, theirs = _wanted([planned.panel, small_panel], quick, 8, 0, None)
    same(ours.ready.inputs, theirs.ready.inputs)


def test_the_held_out_weeks_are_the_last_with_a_kpi(planned, small_panel):
    assert planned.holdout == len(planned.holdout_weeks) == 8
    assert list(planned.holdout_weeks) == list(small_panel.weeks[-8:])
    assert planned.forecasts().query("held_out").index.tolist() == list(small_panel.weeks[-8:])


def test_planned_weeks_are_forecast_from_the_last_kpi_and_weeks_beyond_them_too(planned, small_result):
    plan = planned.panel.select(weeks=slice(60, None))
    np.testing.assert_allclose(small_result.predict(plan), planned.predict()[:, 60:], rtol=1e-5)
    longer = with_plans(planned.panel).select(weeks=slice(65, None))
    assert planned.predict(longer).shape == (4, PLANNED)
    with pytest.raises(dcm.DataError, match="include the weeks in between"):
        small_result.predict(longer)


def test_figures_mark_the_held_out_and_the_planned_weeks(planned):
    held, ahead = actual_and_predicted(planned).layout.shapes
    weeks = planned.panel.weeks
    assert [pd.Timestamp(at) for at in (held.x0, held.x1)] == [weeks[52], weeks[59]]
    assert [pd.Timestamp(at) for at in (ahead.x0, ahead.x1)] == [weeks[60], weeks[64]]
    assert holdout_scatter(planned).layout.title.text.startswith("The 8 held-out weeks")


def test_totals_leave_planned_weeks_out(planned, small_result):
    for draw in (contribution_donut, contribution_waterfall):
        ours, theirs = draw(planned).data[0], draw(small_result).data[0]
        name = "values" if draw is contribution_donut else "x"
        np.testing.assert_allclose(np.array(ours[name], float), np.array(theirs[name], float), rtol=1e-5)


def test_the_report_says_which_weeks_are_held_out_and_which_are_planned(planned):
    first, last = planned.panel.week_label(52), planned.panel.week_label(59)
    words = f"8 weeks held out ({first} to {last}), {PLANNED} planned after the last KPI, in week {last}"
    assert _spans(planned) == words
    assert not _forecast(planned).absent


def test_without_a_holdout_nothing_is_scored_but_the_training_weeks(planned):
    whole = without_kpi(planned, slice(None), slice(52, None))
    assert whole.holdout == len(whole.holdout_weeks) == 0
    assert whole.metrics.index.tolist() == ["train"]
    assert not whole.forecasts()["held_out"].any()
    assert _spans(whole) == f"no weeks held out, 13 planned after the last KPI, in week {whole.panel.week_label(51)}"
    drawn, absent = _forecast(whole).charts, _forecast(whole).absent
    assert {chart.key for chart in drawn} == {"fit", "scaled", "regions_fit", "residuals", "autocorrelation"}
    assert absent == [("Held-out weeks", "This figure needs held-out weeks; fit with holdout=8, for example.")]


def test_a_region_without_a_kpi_in_the_holdout_leaves_the_others_their_score(planned):
    late = without_kpi(planned, 0, slice(52, None))
    table = late.forecasts(by_region=True).query("held_out")
    assert late.holdout == 8
    assert len(table) == 3 * 8
    assert late.metrics.loc["holdout", "rmse"] == pytest.approx(np.sqrt((table["residual"] ** 2).mean()))
    assert not _forecast(late).absent


def test_a_week_without_a_kpi_inside_the_holdout_is_none_of_it(planned):
    gap = without_kpi(planned, slice(None), 55)
    assert gap.holdout == len(gap.holdout_weeks) == 7
    assert planned.panel.weeks[55] not in gap.holdout_weeks


def test_a_holdout_of_real_zeros_has_a_score_and_no_scatter(planned):
    kpi = planned.panel.kpi.copy()
    kpi[:, 52:60] = 0.0
    closed = beside(planned, kpi=kpi)
    assert np.isnan(closed.metrics.loc["holdout", "wmape"])
    assert closed.metrics.loc["holdout", "rmse"] > 0
    with pytest.raises(dcm.DataError, match="above zero"):
        holdout_scatter(closed)
