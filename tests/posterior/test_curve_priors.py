"""Priors of curves in the posterior: a stated half-life is a density of the half-life; other kinds add nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.posterior.density import log_density
from deepcausalmmm_jax.posterior.inputs import posterior_inputs
from deepcausalmmm_jax.posterior.parameters import coordinate_priors, log_prior, prior_medians, quantities
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare


def _inputs(config):
    panel, _ = dcm.simulate(1, 30, 2, 1, seed=1)
    weights = training_weights(panel, 8)
    with jax.enable_x64(False):
        ready = prepare(panel, weights, config)
    fitted = Fitted({}, panel, weights, ready.scales, config, None, 0)
    held = np.zeros((2, 2)), np.zeros(panel.exposure.shape), np.full(1, 0.05)
    return posterior_inputs(fitted, ready.inputs, ready.design, *held)[0], coordinate_priors(config)


@pytest.mark.parametrize(("stated", "sd"), [(2.0, 0.5), (6.0, 0.5), (0.7, 0.1)])
def test_a_stated_half_life_is_normal_in_weeks(stated, sd):
    with jax.enable_x64(True):
        inputs, priors = _inputs(dcm.Config(priors=dcm.Priors(half_life=(("channel_2", stated, sd),))))
        grid, medians = jnp.linspace(-6.0, 6.0, 4001), prior_medians(inputs)

        def at(z):
            own = medians._replace(decay=medians.decay.at[1].set(z))
            decay = quantities(own, inputs, priors).decay[1]
            return log_prior(own, inputs, priors), jnp.log(0.5) / jnp.log(decay)

        log, half_life = (np.asarray(part) for part in jax.jit(jax.vmap(at))(grid))
    weight = np.exp(log - log.max())
    mean = (weight * half_life).sum() / weight.sum()
    assert mean == pytest.approx(stated, rel=1e-3)
    assert np.sqrt((weight * (half_life - mean) ** 2).sum() / weight.sum()) == pytest.approx(sd, rel=1e-2)


def test_a_parameter_that_a_kind_does_not_have_leaves_the_likelihood_alone():
    with jax.enable_x64(True):
        inputs, priors = _inputs(dcm.Config(adstock="none", saturation="linear"))
        medians = prior_medians(inputs)
        moved = medians._replace(decay=medians.decay + 1.0, slope=medians.slope - 1.0)
        likelihood = jax.jit(lambda z: log_density(z, inputs, inputs.weights, priors) - log_prior(z, inputs, priors))
        assert float(likelihood(moved)) == pytest.approx(float(likelihood(medians)), abs=1e-9)
        assert medians.delay is None
        assert medians.scale is None
        assert medians.exponent is None
