"""Variation of coefficients over time: a linear path that the posterior integrates out, and the model's own path."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference.sample_posterior import as_trained
from deepcausalmmm_jax.model.coefficients import PATH_UNIT
from deepcausalmmm_jax.posterior import density, linear, sample
from deepcausalmmm_jax.posterior.inputs import at_constant_coefficients
from deepcausalmmm_jax.posterior.parameters import prior_medians, quantities
from deepcausalmmm_jax.posterior.variation import centred, variation_basis
from tests.posterior.test_density import _inputs, _somewhere
from tests.posterior.test_tested import OTHER, SAME
from tests.posterior.test_tested import _inputs as _tested_inputs

WEEKS = 104


@pytest.mark.parametrize("step_weeks", [1 / 7, 1.0, 52 / 12, 13.0])
def test_a_path_has_unit_variance_and_a_memory_of_half_a_year(step_weeks):
    n = round(WEEKS / step_weeks)
    basis = variation_basis(n, step_weeks)
    covariance = basis @ basis.T
    at_knots = np.arange(0, n, max(round(26 / step_weeks), 1))
    exactly = np.abs(at_knots * step_weeks / 26 - np.round(at_knots * step_weeks / 26)) < 1e-9
    np.testing.assert_allclose(np.diag(covariance)[at_knots[exactly]], 1.0, atol=1e-12)
    assert (np.diag(covariance) <= 1.0 + 1e-12).all()
    assert (np.diag(covariance) > 0.6).all()
    with_the_first = covariance[0, at_knots[exactly]]
    np.testing.assert_allclose(with_the_first, np.exp(-at_knots[exactly] * step_weeks / 26), atol=1e-12)


@pytest.mark.parametrize("longer", [1, 25, 26, 27, 100])
def test_a_longer_panel_has_the_same_rows_and_more(longer):
    short, long = variation_basis(60, 1.0), variation_basis(60 + longer, 1.0)
    np.testing.assert_allclose(long[:60, : short.shape[1]], short, atol=1e-12)
    np.testing.assert_array_equal(long[:60, short.shape[1] :], 0.0)


def test_variation_moves_no_channels_share():
    rng = np.random.default_rng(0)
    media, by_week = rng.gamma(1.0, size=(3, 60, 2)), rng.uniform(size=(3, 60))
    terms = centred(jnp.asarray(variation_basis(60, 1.0)), jnp.asarray(media), jnp.asarray(by_week))
    np.testing.assert_allclose(np.einsum("rt,rtm,tmk->mk", by_week, media, terms), 0.0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("tests", [(), (SAME, OTHER)])
@pytest.mark.parametrize("n_regions", [1, 3])
def test_without_terms_coefficients_are_constant(n_regions, tests):
    with jax.enable_x64(True):
        inputs, priors = _tested_inputs(n_regions, *tests) if tests else _inputs(n_regions)
        still, where = at_constant_coefficients(inputs), _somewhere(inputs)
        hardly = where._replace(time_variation=jnp.asarray(-20.0))
        value = jax.jit(lambda place, own: density.log_density(place, own, own.weights, priors))
        constant = float(value(hardly, still))
        assert float(value(hardly, inputs)) == pytest.approx(constant, abs=1e-6)
        assert float(value(where, inputs)) != pytest.approx(constant, abs=0.1)


@pytest.fixture(scope="module")
def drifting():
    """Draws of a panel whose first channel works less and less."""
    panel, truth = dcm.simulate(1, WEEKS, 2, 1, seed=3, noise=0.01, media_share=0.5, drift=0.0, confounded=0, links=0)
    fade = np.linspace(0.7, -0.7, WEEKS)
    lost = truth.contributions.values[:, :, 0] * (np.exp(fade) - 1.0)
    faded = dataclasses.replace(panel, kpi=panel.kpi + lost)
    config = dcm.Config(graph="none", tune=False)
    return dcm.fit(faded, config, holdout=None, progress=False), fade


@pytest.mark.slow
def test_a_channel_that_wears_out_is_seen_to_and_the_interval_says_how_surely(drifting):
    ensemble, fade = drifting
    found = np.log(ensemble.coefficients().values[0, :, 0])
    assert np.corrcoef(found, fade)[0, 1] > 0.9
    assert found[:26].mean() - found[-26:].mean() > 0.5 * (fade[:26].mean() - fade[-26:].mean())
    by_draw = PATH_UNIT * np.asarray(ensemble.replicates.variables["params"]["coefficients"]["path"])[:, :, 0]
    slope = by_draw[:, :26].mean(axis=1) - by_draw[:, -26:].mean(axis=1)
    assert slope.std() > 0.02


@pytest.mark.slow
def test_the_models_path_is_the_one_drawn(drifting):
    """The prediction of the model with a draw's variables is that of the linear part, but for logs of small numbers."""
    ensemble, _ = drifting
    trained, inputs, inside = as_trained(ensemble.fitted_panel.until_last_kpi)
    with jax.enable_x64(True):
        own, _ = sample.density_of(trained, inputs, inside)
        unravel = ravel_pytree(prior_medians(own.inputs))[1]
        found = quantities(unravel(jnp.asarray(ensemble.replicates.coordinates.mean(axis=0))), own.inputs, own.priors)
        share = np.asarray(ensemble.share_draws().mean()) / 100.0
        found = found._replace(share=jnp.asarray(share))
        media = density.contributions(found, own.inputs)
        made = linear.columns(found, media, own.inputs, own.priors)
        mean = linear.conditional(found, made, own.inputs, jax.random.key(0), 0.0)
        expected = np.asarray(linear.fitted_values(found, media, mean, own.inputs))[0]
    predicted = ensemble.predict().values[0] / ensemble.panel.kpi.mean()
    assert np.abs(mean.variation).max() > 0.05
    np.testing.assert_allclose(predicted, expected, atol=0.02)
