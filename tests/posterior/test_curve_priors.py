"""Priors of curves in the posterior: a stated half-life is a density of the half-life; other kinds add nothing."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.log_prior import _curve_terms
from deepcausalmmm_jax.posterior.density import log_density, log_prior_density
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
    held = np.zeros((2, 2)), np.full(1, 0.05)
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


@pytest.mark.parametrize(("stated", "sd"), [(0.2, 0.01), (0.4, 0.02)])
def test_a_stated_total_is_normal_in_the_share_of_all_media(stated, sd):
    with jax.enable_x64(True):
        inputs, priors = _inputs(dcm.Config(priors=dcm.Priors(total=(stated, sd))))
        plain, _ = _inputs(dcm.Config())
        grid, medians = jnp.linspace(-3.0, 3.0, 601), prior_medians(inputs)

        def at(z):
            own = medians._replace(total=z, split=medians.split.at[0].set(z))
            gain = log_prior_density(own, inputs, priors) - log_prior_density(own, plain, priors)
            return gain, quantities(own, inputs, priors).share.sum()

        gain, share = (np.asarray(part) for part in jax.jit(jax.vmap(at))(grid))
    np.testing.assert_allclose(gain, -0.5 * ((share - stated) / sd) ** 2, rtol=1e-6, atol=1e-4)


_POOLED = (
    ("channel_2", "decay", 0.7, 0.3),
    ("channel_2", "half_saturation", 2.5, 0.2),
    ("channel_1", "slope", 1.4, 0.1),
)


@pytest.mark.parametrize("z", [0.0, 1.0, -1.5])
def test_a_prior_by_its_median_and_spread_is_normal_in_the_log_and_leaves_other_channels_alone(z):
    with jax.enable_x64(True):
        inputs, priors = _inputs(dcm.Config(priors=dcm.Priors(curve=_POOLED)))
        plain, _ = _inputs(dcm.Config())
        medians = prior_medians(inputs)
        own = medians._replace(**{name: medians.decay + z for name in ("decay", "half_saturation", "slope")})
        found, usual = quantities(own, inputs, priors), quantities(own, plain, priors)
        assert float(log_prior(own, inputs, priors)) == pytest.approx(float(log_prior(own, plain, priors)))
    odds = 0.7 / 0.3 * np.exp(0.3 * z)
    assert float(found.decay[1]) == pytest.approx(odds / (1 + odds), rel=1e-6)
    assert float(found.half_saturation[1]) == pytest.approx(2.5 * np.exp(0.2 * z), rel=1e-6)
    assert float(found.slope[0]) == pytest.approx(1.4 * np.exp(0.1 * z), rel=1e-6)
    assert float(found.decay[0]) == pytest.approx(float(usual.decay[0]), rel=1e-9)
    assert float(found.half_saturation[0]) == pytest.approx(float(usual.half_saturation[0]), rel=1e-9)
    assert float(found.slope[1]) == pytest.approx(float(usual.slope[1]), rel=1e-9)


def test_training_has_the_same_prior_by_median_and_spread():
    logits, halves, slopes = jnp.array([0.3, -0.4]), jnp.array([0.8, 3.0]), jnp.array([1.1, 1.9])
    parameters = SimpleNamespace(media=SimpleNamespace(decay=logits))
    curves, scales = SimpleNamespace(half_saturation=halves, slope=slopes), dcm.Penalties()

    def nats(config):
        panel, _ = dcm.simulate(1, 30, 2, 1, seed=1)
        ready = prepare(panel, training_weights(panel, 8), config)
        terms = _curve_terms(parameters, curves, scales, ready.inputs, ready.design.kinds)
        return {name: float(value) for name, value in terms.items()}

    pooled, plain = nats(dcm.Config(priors=dcm.Priors(curve=_POOLED))), nats(dcm.Config())
    known = dcm.Priors(decay=_known("channel_2"), half_saturation=_known("channel_2"), slope=_known("channel_1"))
    others = nats(dcm.Config(priors=known))  # without the default priors of the same parameters
    own = {
        "decay": (-0.4 - np.log(0.7 / 0.3)) / 0.3,
        "half_saturation": np.log(3.0 / 2.5) / 0.2,
        "slope": np.log(1.1 / 1.4) / 0.1,
    }
    for name, apart in own.items():
        assert pooled[name] == pytest.approx(others[name] + 0.5 * apart**2, rel=1e-4)
        assert pooled[name] != pytest.approx(plain[name], rel=1e-3)


def _known(channel):
    return ((channel, 0.5, 0.1),)


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
