"""The posterior in larger arrays is the same posterior, for every kind of panel."""

import dataclasses

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.posterior import density
from deepcausalmmm_jax.posterior.density import contributions, log_density
from deepcausalmmm_jax.posterior.inputs import posterior_inputs
from deepcausalmmm_jax.posterior.linear import columns, conditional, fitted_values
from deepcausalmmm_jax.posterior.padding import with_room
from deepcausalmmm_jax.posterior.parameters import coordinate_priors, prior_medians, quantities
from deepcausalmmm_jax.posterior.sample import _reweighted
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.room import Room

WEEKS, HELD_OUT = 30, 4
TEST = dcm.LiftTest("channel_1", "2022-03-14", "2022-04-03", 900.0, 100.0)
PANELS = {
    "one region": (1, {}, dcm.Config()),
    "three regions": (3, {}, dcm.Config()),
    "a lift test": (3, {}, dcm.Config(experiments=[TEST])),
    "a stated mroi": (1, {}, dcm.Config(priors=dcm.Priors(mroi={"channel_1": (1.0, 0.5)}))),
    "counts": (1, {"counts": 3.0}, dcm.Config(counts=True)),
    "reach and frequency": (2, {"reach_frequency": 1}, dcm.Config()),
    "log link": (2, {"link": "log"}, dcm.Config(link="log")),
    "weights by age": (1, {}, dcm.Config(adstock="weibull_pdf")),
}


_QUICK = ("one region",)


@pytest.fixture(params=[pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow) for name in PANELS])
def pair(request):
    """The inputs of a posterior in its own arrays and in larger ones, with knots; double precision."""
    n_regions, options, config = PANELS[request.param]
    panel, _ = dcm.simulate(n_regions, WEEKS, 2, 2, seed=1, missing=0.1, **options)
    weights = training_weights(panel, HELD_OUT)
    ready = prepare(panel, weights, config)
    fitted = Fitted({}, panel, weights, ready.scales, config, None, 0)
    held = np.zeros((2, 2)), np.full(n_regions, 0.05)
    room = Room.of(WEEKS + 20, WEEKS + 20, config, panel.cadence)
    with jax.enable_x64(True):
        plain = posterior_inputs(fitted, ready.inputs, ready.design, *held)
        yield plain, with_room(*plain, room, ready.design.step_weeks), coordinate_priors(config), room


def _at(inputs, priors):
    flat, unravel = ravel_pytree(prior_medians(inputs))
    vector = 0.3 * jax.random.normal(jax.random.key(0), flat.shape)
    return vector, unravel(vector), lambda own: log_density(unravel(own), inputs, inputs.weights, priors)


def _mean(inputs, priors):
    """The prediction in the mean of the linear part, and that part."""
    _, place, _ = _at(inputs, priors)
    found = quantities(place, inputs, priors)
    media = contributions(found, inputs)
    regressors, tests = columns(found, media, inputs, priors), density.tested(found, inputs)
    linear = conditional(found, regressors, inputs, jax.random.key(0), 0.0, tests)
    return fitted_values(found, media, linear, inputs), linear


def test_density_and_gradient_are_the_same(pair):
    (plain, _), (larger, _), priors, room = pair
    assert larger.kpi.shape[1] == room.weeks > plain.kpi.shape[1]
    assert larger.ramps.shape[1] > plain.ramps.shape[1]
    (own, gradient), (padded, padded_gradient) = (
        jax.jit(jax.value_and_grad(_at(inputs, priors)[2]))(_at(inputs, priors)[0]) for inputs in (plain, larger)
    )
    assert float(padded) == pytest.approx(float(own), abs=1e-6)
    np.testing.assert_allclose(padded_gradient, gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_the_linear_part_says_the_same_at_the_same_knots(pair):
    (plain, knots), (larger, longer_knots), priors, room = pair
    (own, linear), (padded, longer) = (jax.jit(lambda x=x: _mean(x, priors))() for x in (plain, larger))
    n = plain.kpi.shape[1]
    np.testing.assert_allclose(padded[:, :n], own, atol=1e-8)
    trend, longer_trend = knots.trend @ linear.trend, longer_knots.trend @ longer.trend
    varied, longer_varied = (
        np.einsum("nk,mk->nm", k.variation, x.variation) for k, x in ((knots, linear), (longer_knots, longer))
    )
    np.testing.assert_allclose(longer_varied[: len(varied)], varied, atol=1e-8)
    assert len(longer_trend) == len(longer_varied) == room.knots
    np.testing.assert_allclose(longer_trend[: len(trend)], trend, atol=1e-8)
    np.testing.assert_allclose(longer_trend[len(trend) :], trend[-1], atol=1e-8)
    regional = (linear.trend_region @ knots.region.T, longer.trend_region @ longer_knots.region.T)
    np.testing.assert_allclose(regional[1][:, : len(knots.region)], regional[0], atol=1e-8)


def test_weights_of_outliers_and_noise_levels_are_the_same(pair):
    (plain, _), (larger, _), priors, _ = pair
    vector = _at(plain, priors)[0]
    own, padded = (_reweighted(vector, inputs, priors, 1.0) for inputs in (plain, larger))
    n = plain.kpi.shape[1]
    np.testing.assert_allclose(padded.robust[:, :n], own.robust, atol=1e-8)
    np.testing.assert_allclose(padded.noise_ratio, own.noise_ratio, rtol=1e-8)
    np.testing.assert_allclose(padded.kpi[:, :n], own.kpi, atol=1e-8)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(dataclasses.replace(padded, stated=None)))
