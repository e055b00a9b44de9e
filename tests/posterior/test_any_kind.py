"""One program for every kind of saturation: which kind it is, is a number."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.curves import ANY, SATURATIONS, CurveKind, kinds_of
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.curves import MediaCurves, activity
from deepcausalmmm_jax.posterior.inputs import posterior_inputs
from deepcausalmmm_jax.posterior.mode import _evaluate, flat_density
from deepcausalmmm_jax.posterior.parameters import coordinate_priors, prior_medians
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare

PANEL = dcm.simulate(2, 30, 2, 1, seed=1)[0]


def _inputs(config):
    weights = training_weights(PANEL, 8)
    with jax.enable_x64(False):
        ready = prepare(PANEL, weights, config)
    fitted = Fitted({}, PANEL, weights, ready.scales, config, None, 0)
    held = np.zeros((2, 2)), np.full(2, 0.05)
    return posterior_inputs(fitted, ready.inputs, ready.design, *held)[0], coordinate_priors(config)


def _of_any(inputs, kind):
    channels = tuple(dataclasses.replace(own, saturation=ANY) for own in inputs.kinds.channels)
    which = jnp.asarray(SATURATIONS.index(kind))
    return dataclasses.replace(inputs, kinds=dataclasses.replace(inputs.kinds, channels=channels), which=which)


@pytest.mark.slow
def test_its_density_and_gradient_are_those_of_each_kind_and_one_program_has_them_all():
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        before = _evaluate._program._cache_size()
        for kind in SATURATIONS:
            own, priors = _inputs(dcm.Config(saturation=kind))
            median = prior_medians(own)
            place = jax.tree.map(lambda part: 0.5 * jnp.asarray(rng.standard_normal(part.shape)), median)
            other = _of_any(own, kind)
            exponent = jnp.zeros(2) if place.exponent is None else place.exponent
            whole = place._replace(exponent=exponent)
            _, expected = flat_density(own, priors)
            flat, _ = jax.flatten_util.ravel_pytree(place)
            value, gradient = jax.jit(jax.value_and_grad(expected))(flat)  # as one program, like the other
            row, unravel = jax.flatten_util.ravel_pytree(whole)
            found, slopes = _evaluate(row[None], other, priors)
            assert float(found[0]) == pytest.approx(float(value), rel=1e-10)
            by_name = unravel(slopes[0])._asdict()
            _, unravel_own = jax.flatten_util.ravel_pytree(place)
            for name, part in unravel_own(gradient)._asdict().items():
                if part is not None:
                    np.testing.assert_allclose(by_name[name], part, rtol=1e-8, atol=1e-8, err_msg=f"{kind}, {name}")
        assert _evaluate._program._cache_size() <= before + 1


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", SATURATIONS)
def test_activity_is_that_of_the_kind_whichever_comes_first(kind, first):
    rng = np.random.default_rng(1)
    exposure = jnp.asarray(rng.gamma(1.0, 1.0, (12, 2, 3)))
    intensity, history = jnp.asarray(rng.normal(0.0, 0.3, (2, 3))), jnp.full((2, 3), 0.5)
    curves = MediaCurves(
        decay=jnp.array([0.3, 0.6]),
        delay=jnp.zeros(2),
        slope=jnp.array([0.8, 1.7]),
        half_saturation=jnp.array([2.0, 0.7]),
        locality=jnp.asarray(0.4),
        history=jnp.asarray(0.5),
        exponent=jnp.array([0.4, 0.8]),
    )
    known = kinds_of(("a", "b"), CurveKind("geometric", kind, first), (), 13)
    anything = kinds_of(("a", "b"), CurveKind("geometric", ANY, first), (), 13)
    expected = activity(exposure, curves, intensity, history, known)
    found = activity(
        exposure, curves._replace(which=jnp.asarray(SATURATIONS.index(kind))), intensity, history, anything
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_no_user_can_ask_for_it():
    with pytest.raises(dcm.ConfigError, match="saturation"):
        dcm.Config(saturation=ANY)
    with pytest.raises(dcm.ConfigError, match="saturation"):
        dcm.ChannelCurves("tv", saturation=ANY)
