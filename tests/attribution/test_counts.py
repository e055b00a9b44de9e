"""Results for counts that cost no training: variables of an additive fit, read on the log of the mean of a count."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.channel_errors import channel_errors
from deepcausalmmm_jax.attribution.forecast_intervals import _counted
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.inference.bootstrap import _sample
from deepcausalmmm_jax.inference.resampling import drawn
from deepcausalmmm_jax.training.prepare import prepare

MEAN = 3.0


def as_counts(ensemble: dcm.Ensemble) -> dcm.Ensemble:
    """The same variables as a fit of counts around three a week, zeros among them."""
    own = ensemble.fitted
    mean = MEAN * np.exp(ensemble.fitted_panel.scaled_terms.prediction() - 1.0)
    panel = dataclasses.replace(own.panel, kpi=np.random.default_rng(0).poisson(mean).astype(float))
    config = own.config.replace(counts=True)
    fitted = dataclasses.replace(
        own, panel=panel, config=config, scales=scales_from(panel, own.weights, config.reading)
    )
    return dcm.Ensemble(fitted, ensemble.replicates)


@pytest.fixture(scope="module")
def counted(small_ensemble: dcm.Ensemble) -> dcm.Ensemble:
    return as_counts(small_ensemble)


def test_contributions_add_up_to_the_mean_count_which_is_never_below_zero(counted):
    fit = counted.fitted_panel
    expected = fit.scales.kpi[:, None] * np.exp(fit.scaled_terms.prediction() - 1.0)
    np.testing.assert_allclose(counted.contributions.sum("component").values, expected, rtol=1e-12)
    np.testing.assert_allclose(counted.predict().values, expected, rtol=1e-6)
    assert expected.min() > 0


def test_forecasts_are_drawn_as_whole_numbers_with_zeros_among_them(counted):
    draws = counted.forecast_draws(draws=400)
    assert (draws == np.round(draws)).all()
    assert draws.min() == 0
    mean = counted.fitted_panel.prediction[:, -8:]
    assert draws.mean() == pytest.approx(mean.mean(), rel=0.15)
    assert (draws.var(axis=0) > 0.8 * mean).all()  # chance alone gives the mean
    for by_region in (True, False):
        table = counted.forecast_intervals(by_region=by_region)[["low", "high"]]
        assert (table == table.round()).all(axis=None)
        assert (table["low"] >= 0).all()


def test_counts_are_drawn_with_the_variance_of_a_negative_binomial():
    means, spread = np.full((200_000, 2, 1), 4.0), np.array([[0.0], [0.5]])
    found = _counted(means, spread, np.random.default_rng(1))
    np.testing.assert_allclose(found.mean(axis=0)[:, 0], 4.0, rtol=0.02)
    np.testing.assert_allclose(found.var(axis=0)[:, 0], [4.0, 8.0], rtol=0.03)


def test_errors_of_shares_know_the_chance_of_counting(counted, small_result):
    fit = counted.fitted_panel
    used, noise = fit.weights > 0, np.asarray(fit.internals.noise)
    assert np.isfinite(channel_errors(fit)).all()
    assert (fit.residual_noise > np.maximum(noise, 0.8 / np.sqrt(MEAN))).all()
    # what stands for the counts lies around the prediction on the log scale
    rest = (fit.scaled_kpi - fit.scaled_terms.prediction())[used]
    assert abs(rest.mean()) < 0.15
    np.testing.assert_array_equal(small_result.fitted_panel.residual_noise, small_result.fitted_panel.internals.noise)


@pytest.mark.parametrize("method", ["block", "weights"])
def test_a_draw_for_a_refit_holds_counts(counted, method):
    import jax

    fitted = dataclasses.replace(counted.fitted, trained=None)
    ready = prepare(fitted.panel, fitted.weights, fitted.config)
    sample, n_training = _sample(fitted, ready, warm=True), fitted.n_training_weeks
    inputs, weights = drawn(jax.random.key(0), sample, method, 8, n_training)
    counts = np.asarray(inputs.kpi * inputs.count_unit[:, None])[:, :n_training]
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-4)
    assert counts.min() == 0
    was = np.asarray(sample.inputs.kpi)[:, :n_training]
    assert (method == "block") == (np.abs(np.asarray(inputs.kpi)[:, :n_training] - was).max() > 0.1)
    assert (np.asarray(weights)[:, n_training:] == 0).all()


def test_a_saved_fit_of_counts_is_read_back_as_one(counted, tmp_path):
    path = counted.save(tmp_path / "counts")
    again = dcm.Ensemble.load(path)
    assert again.config == counted.config
    assert again.config.counts
    np.testing.assert_array_equal(again.forecast_draws(), counted.forecast_draws())
