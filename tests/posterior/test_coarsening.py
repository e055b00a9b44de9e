"""Errors of the curves that all weeks and regions share are not averaged away: more data count, but ever less."""

import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.posterior.density import log_density
from deepcausalmmm_jax.posterior.inputs import posterior_inputs
from deepcausalmmm_jax.posterior.parameters import coordinate_priors, log_prior, prior_medians
from deepcausalmmm_jax.training.coarsening import coarsening_power
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare


@pytest.mark.parametrize(("regions", "power"), [(1, 1 / 1.4), (5, 1 / 3), (10, 1 / 5)])
def test_regions_count_ever_less_and_one_counts_for_less_than_itself(regions, power):
    assert coarsening_power(np.ones((regions, 30)), 2.5) == pytest.approx(power)


def test_the_stated_number_of_regions_counts_half_and_one_without_weight_is_none():
    assert coarsening_power(np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 2.0]]), 2.0) == 0.5


def test_information_grows_with_regions_but_never_beyond_the_stated_number():
    information = [n * coarsening_power(np.ones((n, 5)), 2.5) for n in range(1, 200)]
    assert (np.diff(information) > 0).all()
    assert information[-1] < 2.5


def test_the_power_is_of_the_likelihood_and_not_of_the_prior():
    panel, _ = dcm.simulate(2, 30, 2, 1, seed=1)
    config, weights = dcm.Config(), training_weights(panel, 8)
    with jax.enable_x64(False):
        ready = prepare(panel, weights, config)
    fitted = Fitted({}, panel, weights, ready.scales, config, None, 0)
    held = np.zeros((2, 2)), np.full(2, 0.05)
    with jax.enable_x64(True):
        inputs, priors = posterior_inputs(fitted, ready.inputs, ready.design, *held)[0], coordinate_priors(config)
        near, far = (prior_medians(inputs)._replace(total=np.asarray(z)) for z in (0.0, 1.5))

        @jax.jit
        def likelihood(z, power):
            own = dataclasses.replace(inputs, power=power)
            return log_density(z, own, own.weights, priors) - log_prior(z, own, priors)

        whole, part = (float(likelihood(near, power) - likelihood(far, power)) for power in (1.0, 0.25))
    assert whole != 0
    assert part == pytest.approx(0.25 * whole)


def test_coarsening_is_a_positive_number():
    with pytest.raises(dcm.ConfigError, match=r"posterior\.coarsening must be a number above 0"):
        dcm.PosteriorSettings(coarsening=0.0)
