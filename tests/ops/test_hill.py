import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.ops.hill import hill


def _hill(exposure, slope, half):
    return hill(jnp.asarray(exposure)[:, None], jnp.array([slope]), jnp.array([half]))[:, 0]


def test_half_saturation_is_where_half_is_reached():
    np.testing.assert_allclose(_hill([2.0], 1.7, 2.0), [0.5], rtol=1e-6)


def test_known_value():
    # 3^2 / (3^2 + 1^2)
    np.testing.assert_allclose(_hill([3.0], 2.0, 1.0), [0.9], rtol=1e-6)


@pytest.mark.parametrize("slope", [0.4, 1.0, 3.0])
def test_is_its_formula_from_small_to_large_exposure(slope):
    exposure = np.geomspace(0.01, 100.0, 9)
    expected = exposure**slope / (exposure**slope + 0.7**slope)
    np.testing.assert_allclose(_hill(exposure, slope, 0.7), expected, rtol=1e-5)


@given(slope=st.floats(0.3, 6.0), half=st.floats(0.05, 20.0))
@settings(max_examples=40, deadline=None)
def test_rises_from_zero_and_stays_below_one(slope, half):
    curve = np.asarray(_hill(np.linspace(0.0, 50.0, 200), slope, half))
    assert curve[0] == 0.0
    assert (np.diff(curve) >= 0).all()
    assert (curve <= 1.0).all()


@pytest.mark.parametrize("exposure", [0.0, 1e-30, 1e30])
@pytest.mark.parametrize("slope", [0.5, 5.0])
def test_gradients_are_finite_at_the_edges(exposure, slope):
    arguments = (jnp.array([[exposure]]), jnp.array([slope]), jnp.array([0.7]))
    for gradient in jax.grad(lambda *a: hill(*a).sum(), argnums=(0, 1, 2))(*arguments):
        assert jnp.isfinite(gradient).all()
