import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.posterior import density
from deepcausalmmm_jax.posterior.density import contributions
from deepcausalmmm_jax.posterior.inputs import posterior_inputs
from deepcausalmmm_jax.posterior.linear import columns, conditional, log_marginal
from deepcausalmmm_jax.posterior.parameters import coordinate_priors, prior_medians, quantities
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare
from tests.posterior.test_density import _covariance


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def _inputs(n_regions, *tests):
    panel, _ = dcm.simulate(n_regions, 30, 2, 2, seed=1, missing=0.1)
    days = [str(panel.weeks[t].date()) for t in (10, 13)]
    config = dcm.Config(experiments=[dcm.LiftTest(channel, *days, *rest) for channel, *rest in tests])
    weights = training_weights(panel, 8)
    with jax.enable_x64(False):
        ready = prepare(panel, weights, config)
    fitted = Fitted({}, panel, weights, ready.scales, config, None, 0)
    held = np.zeros((2, 2)), np.full(n_regions, 0.05)
    return posterior_inputs(fitted, ready.inputs, ready.design, *held)[0], coordinate_priors(config)


def _somewhere(inputs, seed=0):
    flat, unravel = ravel_pytree(prior_medians(inputs))
    return unravel(0.3 * jax.random.normal(jax.random.key(seed), flat.shape))


def _together(inputs, priors):
    """Everything about the tests at some place."""
    found = quantities(_somewhere(inputs), inputs, priors)
    return found, columns(found, contributions(found, inputs), inputs, priors), density.tested(found, inputs)


log_density = jax.jit(density.log_density)

SAME = ("channel_1", 900.0, 100.0)
OTHER = ("channel_2", 700.0, 200.0)


@pytest.mark.parametrize("n_regions", [1, 3])
def test_tests_enter_as_the_joint_normal_law_of_lifts_and_kpi_says(double, n_regions):
    inputs, priors = _inputs(n_regions, SAME, OTHER)
    found, made, tests = jax.jit(lambda: _together(inputs, priors))()
    more = jax.jit(lambda: log_marginal(found, made, inputs, tests) - log_marginal(found, made, inputs))()
    covariance, rest = _covariance(found, made, inputs)
    weight = np.zeros((2, *made.own.shape[::2]))  # [test, region, own]: what a coefficient of a region adds to a lift
    if n_regions > 1:
        weight[:, :, -2:] = found.media_region * tests.response
    # [test, shared]: what variation over time adds, whose columns come first
    varied = np.zeros((2, made.shared.shape[2]))
    varied[:, : tests.variation[0].size] = found.time_variation * tests.variation.reshape(2, -1)
    with_kpi = np.einsum("kro,rto->krt", weight, made.own) + np.einsum("ks,rts->krt", varied, made.shared)
    with_kpi = with_kpi.reshape(2, -1)[:, np.asarray(inputs.weights > 0).ravel()]
    mean = np.asarray(tests.response.sum(axis=(1, 2))) + with_kpi @ np.linalg.solve(covariance, rest)
    prior = np.einsum("kro,lro->kl", weight, weight) + varied @ varied.T
    spread = prior - with_kpi @ np.linalg.solve(covariance, with_kpi.T) + np.eye(2)
    beyond = np.asarray(tests.measured) - mean
    expected = -0.5 * beyond @ np.linalg.solve(spread, beyond) - 0.5 * np.linalg.slogdet(spread)[1]
    assert float(more) == pytest.approx(expected, rel=1e-7)


@pytest.mark.slow
def test_draws_given_tests_have_the_mean_and_spread_of_both(double):
    inputs, priors = _inputs(3, SAME)
    found, made, tests = jax.jit(lambda: _together(inputs, priors))()
    keys = jax.random.split(jax.random.key(1), 600)

    def lifts_of(given):
        def lift(key, spread=1.0):
            linear = conditional(found, made, inputs, key, spread, given)
            varied = jnp.einsum("kjt,jt->k", tests.variation, linear.variation)
            return (jnp.einsum("krj,rj->k", tests.response, 1.0 + linear.media_region) + varied)[0]

        drawn, mean = jax.jit(lambda: (jax.lax.map(lift, keys, batch_size=200), lift(keys[0], 0.0)))()
        return np.asarray(drawn), float(mean)

    (before, mean_before), (after, mean_after) = lifts_of(None), lifts_of(tests)
    precision = 1.0 / before.var() + 1.0
    expected = (mean_before / before.var() + float(tests.measured[0])) / precision
    assert mean_after == pytest.approx(expected, abs=0.1 * abs(expected - mean_before))
    assert after.mean() == pytest.approx(mean_after, abs=5 * after.std() / np.sqrt(len(after)))
    assert after.std() == pytest.approx(precision**-0.5, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("n_regions", [1, 3])
def test_one_test_is_two_of_twice_the_variance(double, n_regions):
    channel, lift, error = SAME
    once, priors = _inputs(n_regions, SAME)
    wider = np.sqrt(2.0 * error**2 + (0.1 * lift) ** 2)  # a tenth of the lift is a part of either error
    twice, _ = _inputs(n_regions, *[(channel, lift, wider)] * 2)
    apart = []
    for seed in (0, 1):
        place = _somewhere(once, seed)
        apart.append(
            float(log_density(place, once, once.weights, priors) - log_density(place, twice, once.weights, priors))
        )
    assert apart[0] == pytest.approx(apart[1], abs=1e-5)  # up to a constant


@pytest.mark.slow
@pytest.mark.parametrize("n_regions", [1, 3])
def test_a_test_with_a_huge_error_says_nothing(double, n_regions):
    inputs, priors = _inputs(n_regions, ("channel_1", 900.0, 1e12))
    without = dataclasses.replace(inputs, lift_tests=None)
    place = _somewhere(inputs)
    one, other = (log_density(place, given, inputs.weights, priors) for given in (inputs, without))
    assert float(one) == pytest.approx(float(other), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("n_regions", [1, 3])
def test_the_gradient_with_tests_is_that_of_differences(double, n_regions):
    inputs, priors = _inputs(n_regions, SAME, OTHER)
    flat, unravel = ravel_pytree(_somewhere(inputs))

    @jax.jit
    def nats(vector):
        return log_density(unravel(vector), inputs, inputs.weights, priors)

    along = jax.random.normal(jax.random.key(2), flat.shape)
    slope = (nats(flat + 1e-5 * along) - nats(flat - 1e-5 * along)) / 2e-5
    assert float(jax.grad(nats)(flat) @ along) == pytest.approx(float(slope), rel=1e-5)
