"""A report prepares the panel once and runs the model once, however many tables and figures read them."""

from collections import Counter

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution import by_replicate, fitted_panel, forecast_intervals, response
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.training.structural_family import StructuralFamily

PROGRAMS = [
    (fitted_panel, "run"),  # one forward pass
    (fitted_panel, "changes"),  # one channel at a time at another level of exposure
    (fitted_panel, "effects"),
    (by_replicate, "_contributed"),  # one forward pass per member
    (by_replicate, "_earned"),
    (response, "_lost"),
    (forecast_intervals, "forecast_distributions"),  # state and errors after training
]
MOVED = 2 * len(("decay", "delay", "slope", "half_saturation"))  # for errors, each curve parameter both ways
LEVELS = 24  # multiples of today's spend in the report's response curves


@pytest.fixture
def calls(monkeypatch):
    """How often a panel is prepared, and each compiled program of the model called."""
    counts = Counter()

    def counted(owner, name, key):
        original = getattr(owner, name)

        def call(*arguments, **options):
            counts[key] += 1
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, call)

    counted(StructuralFamily, "inputs", "prepared")
    for module, name in PROGRAMS:
        counted(module, name, name)
    return counts


def test_a_report_prepares_the_panel_once_and_runs_no_model_twice(small_result, calls, tmp_path):
    result = dcm.FitResult(small_result.fitted)
    result.report(tmp_path / "report.html")
    assert calls["prepared"] == 1
    assert calls["run"] == 1 + MOVED
    assert calls["changes"] <= LEVELS  # `media_summary` shares two of them
    assert calls["forecast_distributions"] <= 1
    calls.clear()
    result.report(tmp_path / "again.html")
    result.media_summary()
    result.regional_summary()
    assert calls["prepared"] == calls["run"] == calls["changes"] == 0


@pytest.mark.slow
def test_a_report_of_an_ensemble_takes_one_forward_pass_per_member(small_ensemble, calls, tmp_path):
    ensemble = dcm.Ensemble(small_ensemble.fitted, small_ensemble.replicates)
    ensemble.report(tmp_path / "report.html")
    ensemble.share_draws()
    ensemble.region_intervals()
    ensemble.draws("roi")
    assert calls["prepared"] == 1
    assert calls["run"] == 1 + MOVED
    assert calls["_contributed"] == 1
    runs = min(10, len(ensemble.replicates))  # at most, each member in one
    assert calls["_earned"] <= runs
    assert calls["_lost"] <= runs


def test_another_panel_is_prepared_for_itself(small_result, calls):
    result = dcm.FitResult(small_result.fitted)
    result.predict()
    result.forecast_intervals()
    assert calls["prepared"] == 1
    result.predict(result.panel.select(weeks=slice(52, 60)))
    assert calls["prepared"] == 2


def test_curves_over_all_weeks_read_what_was_prepared(small_result, calls):
    result = dcm.FitResult(small_result.fitted)
    result.media_summary()
    dcm.response_curves(result, multipliers=[0, 1])
    assert calls["prepared"] == 1
    assert calls["changes"] == 3  # 0 and 1.01 are the summary's, nothing changes at 1, and 0.01 prices the first step


def test_weights_on_a_longer_panel_end_with_those_of_the_fit(small_result):
    fit = FittedPanel.of(small_result.fitted)
    assert fit.on(fit.panel) is fit
    assert (fit.weights == small_result.fitted.weights).all()
    shorter = fit.on(fit.panel.select(weeks=slice(0, 20)))
    assert (shorter.weights == small_result.fitted.weights[:, :20]).all()
