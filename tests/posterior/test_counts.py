"""The posterior of counts: normal observations around their means, expanded until the means are those of the mode."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.counts import log_means, negative_log_likelihood
from deepcausalmmm_jax.posterior.density import contributions
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs, expanded, posterior_inputs
from deepcausalmmm_jax.posterior.linear import Columns, columns, conditional, fitted_values, log_marginal, noise_levels
from deepcausalmmm_jax.posterior.parameters import Quantities, coordinate_priors, prior_medians, quantities
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare


@pytest.fixture(scope="module")
def made() -> tuple[PosteriorInputs, Quantities, Columns]:
    """One region with about three a week, at one set of curves and scales."""
    panel, _ = dcm.simulate(1, 40, 2, 1, seed=1, missing=0.1, counts=3.0)
    config, weights = dcm.Config(counts=True), training_weights(panel, 8)
    ready = prepare(panel, weights, config)
    fitted = Fitted({}, panel, weights, ready.scales, config, None, 0)
    held = np.zeros((2, 2)), np.full(1, 0.3)
    with jax.enable_x64(True):
        inputs, _ = posterior_inputs(fitted, ready.inputs, ready.design, *held)
        priors = coordinate_priors(config)
        flat, unravel = ravel_pytree(prior_medians(inputs))

        @jax.jit
        def at(vector):
            found = quantities(unravel(vector), inputs, priors)
            return found, columns(found, contributions(found, inputs), inputs, priors)

        yield inputs, *at(0.3 * jax.random.normal(jax.random.key(0), flat.shape))


def test_the_prior_of_their_noise_is_that_beyond_chance():
    counted, plain = (float(np.exp(coordinate_priors(dcm.Config(counts=on)).noise)) for on in (True, False))
    assert (counted, plain) == pytest.approx((0.2, 0.04), rel=1e-5)


def test_their_marginal_likelihood_is_that_of_noise_that_falls_with_the_mean(made):
    inputs, found, regressors = made
    seen, phi = np.asarray(inputs.weights[0] > 0), float(found.persistence)
    levels = np.asarray(noise_levels(found, inputs))[0]
    assert levels.std() > 0.01
    n = len(seen)
    follows = seen[1:] & seen[:-1]
    whiten = np.eye(n) - phi * np.diag(np.where(follows, 1.0, 0.0), -1)
    whiten[~np.r_[False, follows]] *= np.sqrt(1.0 - phi**2)
    root = np.linalg.inv(whiten) * levels
    signal = np.concatenate([regressors.shared[0], regressors.own[0]], axis=1)
    covariance = (root @ root.T + signal @ signal.T)[np.ix_(seen, seen)]
    rest = np.asarray(regressors.rest[0])[seen]
    expected = -0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * rest @ np.linalg.solve(covariance, rest)
    assert float(jax.jit(log_marginal)(found, regressors, inputs)) == pytest.approx(expected, abs=1e-6)


def test_expanded_around_their_own_fit_the_means_are_the_mode_under_the_counts(made):
    inputs, found, regressors = made
    found = found._replace(persistence=jnp.zeros(()))
    noise = found.noise * inputs.noise_ratio
    expected = inputs.kpi - regressors.rest  # without anything that is linear
    signal = jnp.concatenate([regressors.shared[0], regressors.own[0]], axis=1)

    @jax.jit
    def step(inputs):
        """How far the linear part is from the mode under the counts, and the counts expanded around it."""
        media = contributions(found, inputs)
        around = regressors._replace(rest=inputs.kpi - expected)
        linear = conditional(found, around, inputs, jax.random.key(0), 0.0)
        scaled = fitted_values(found, media, linear, inputs)
        log_mean = log_means(scaled + (inputs.kpi_level - 1.0)[:, None], inputs.counts.unit[:, None])

        def nats(at):
            return -(inputs.weights * negative_log_likelihood(inputs.counts.observed, at, noise[:, None])).sum()

        gap = (scaled - expected)[0] - signal @ signal.T @ jax.grad(nats)(log_mean)[0]
        return jnp.abs(gap).max(), expanded(inputs, log_mean, noise)

    gaps = []
    for _ in range(6):
        gap, inputs = step(inputs)
        gaps.append(float(gap))
    assert gaps[0] > 1e-3  # from local means
    assert gaps[3] < 0.1 * gaps[0]
    assert gaps[-1] < 1e-6


def test_weeks_without_weight_stand_for_nothing(made):
    inputs, found, _ = made
    unseen = np.asarray(inputs.weights) == 0
    assert unseen.any()
    assert (np.asarray(inputs.kpi)[unseen] == 0).all()
    more = dataclasses.replace(inputs, counts=inputs.counts._replace(observed=inputs.counts.observed + 9.0 * unseen))
    log_mean = jnp.zeros(inputs.kpi.shape)
    again, was = (expanded(own, log_mean, found.noise * own.noise_ratio) for own in (more, inputs))
    np.testing.assert_array_equal(again.kpi, was.kpi)
