"""Saturation of every kind: one half at the reference, 0 at 0, rising, finite up to the ends of the ranges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.ops.saturation import linear, logarithmic, logistic_saturation, michaelis_menten, root

BOUNDED = {"michaelis_menten": michaelis_menten, "logistic": logistic_saturation}
KINDS = BOUNDED | {
    "log": logarithmic,
    "linear": linear,
    "root": lambda x, g: root(x, jnp.full(x.shape[1:2], 0.6, x.dtype), g),
}
EDGES = (0.0, 1e-45, 1e-38, 1e-30, 1e-3, 1.0, 1e30)


def at(kind, exposure, reference):
    return np.asarray(KINDS[kind](jnp.asarray(exposure)[:, None], jnp.array([reference])))[:, 0]


@pytest.mark.parametrize("kind", KINDS)
@given(reference=st.floats(0.01, 50.0))
@settings(max_examples=10, deadline=None)
def test_is_one_half_at_the_reference_and_rises_from_zero(kind, reference):
    curve = at(kind, np.linspace(0.0, 4.0 * reference, 9), reference)
    assert curve[0] == 0.0
    assert curve[2] == pytest.approx(0.5, rel=1e-5)
    assert (np.diff(curve) > 0).all()
    assert kind not in BOUNDED or curve[-1] < 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_references_are_those_of_the_channel_or_of_channel_and_region(kind):
    exposure, reference = jnp.asarray(np.random.default_rng(0).uniform(0, 3, (4, 2, 3))), jnp.array([0.5, 2.0])
    by_region = reference[:, None] * jnp.array([1.0, 2.0, 3.0])
    for region in range(3):
        alone = KINDS[kind](exposure[:, :, region], reference)
        np.testing.assert_allclose(KINDS[kind](exposure, reference)[:, :, region], alone, rtol=1e-5)
        own = KINDS[kind](exposure[:, :, region], by_region[:, region])
        np.testing.assert_allclose(KINDS[kind](exposure, by_region)[:, :, region], own, rtol=1e-5)


@pytest.mark.parametrize("kind", BOUNDED)
def test_a_bounded_kind_reaches_one(kind):
    assert at(kind, np.array([1e6]), 1.0)[0] == pytest.approx(1.0, abs=1e-5)


def test_michaelis_menten_is_a_hill_curve_of_slope_one():
    exposure = jnp.linspace(0.0, 9.0, 10)[:, None]
    by_hill = hill(exposure, jnp.ones(1), jnp.array([2.0]))
    np.testing.assert_allclose(michaelis_menten(exposure, jnp.array([2.0])), by_hill, atol=1e-6)


def test_a_logarithm_earns_half_of_its_first_unit_at_the_half_saturation():
    slope = jax.grad(lambda x: logarithmic(x[:, None], jnp.array([3.0])).sum())(jnp.array([0.0, 3.0]))
    assert float(slope[1] / slope[0]) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reference", EDGES)
def test_value_and_gradients_are_finite_at_the_edges(kind, reference):
    with jax.debug_nans(True):
        arguments = jnp.array(EDGES)[:, None], jnp.array([reference])
        value, gradients = jax.value_and_grad(lambda *a: KINDS[kind](*a).sum(), argnums=(0, 1))(*arguments)
    assert jnp.isfinite(value)
    assert all(jnp.isfinite(gradient).all() for gradient in gradients)
    assert (np.diff(at(kind, np.array(EDGES), reference)) >= 0).all()


@pytest.mark.parametrize("exponent", [1e-3, 0.5, 1.0])
def test_the_exponent_of_a_root_has_a_finite_gradient_at_the_edges(exponent):
    with jax.debug_nans(True):
        gradient = jax.grad(lambda p: root(jnp.array(EDGES)[:, None], p, jnp.ones(1)).sum())(jnp.array([exponent]))
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_match_finite_differences(kind):
    with jax.enable_x64(True):
        exposure = jnp.asarray([[0.3, 1.0], [2.0, 0.1]])
        check_grads(KINDS[kind], (exposure, jnp.array([0.7, 2.0])), order=1, modes=["rev"], rtol=1e-4)


@pytest.mark.parametrize("op", [*BOUNDED.values(), logarithmic, linear])
def test_shapes_that_do_not_match_are_refused(op):
    with pytest.raises(AssertionError, match=r"\(2,\).*\(5, 3\)"):
        op(jnp.ones((5, 3)), jnp.ones(2))


def test_an_exponent_for_other_channels_is_refused():
    with pytest.raises(AssertionError, match=r"exponent \(2,\)"):
        root(jnp.ones((5, 3)), jnp.ones(2), jnp.ones(3))
