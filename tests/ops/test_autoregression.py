import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.ops.autoregression import squared_innovations, whitened


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 0.95), st.integers(0, 100))
def test_whitening_gives_the_density_of_an_autoregression(phi, seed):
    rng = np.random.default_rng(seed)
    series, observed = rng.normal(size=9), np.ones(9, bool)
    lag = np.abs(np.arange(9)[:, None] - np.arange(9))
    C = phi**lag / (1 - phi**2)
    quadratic = series @ np.linalg.solve(C, series)
    innovations = whitened(jnp.asarray(series), jnp.asarray(observed), jnp.asarray(phi))
    np.testing.assert_allclose(np.sum(np.asarray(innovations) ** 2), quadratic, rtol=1e-3)


@pytest.mark.parametrize("gap", [0, 3, 8])
def test_a_missing_week_is_zero_and_the_next_one_starts_afresh(gap):
    observed = np.arange(9) != gap
    innovations = np.asarray(whitened(jnp.ones(9), jnp.asarray(observed), jnp.asarray(0.6)))
    assert innovations[gap] == 0.0
    starts = ~np.concatenate([[False], observed[:-1]]) & observed
    np.testing.assert_allclose(innovations[starts], 0.8, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 0.99), st.integers(0, 100))
def test_squared_innovations_are_a_polynomial_in_the_persistence(phi, seed):
    rng = np.random.default_rng(seed)
    series, observed = jnp.asarray(rng.normal(size=(12, 3))), jnp.asarray(rng.random((12, 3)) < 0.7)
    weights = observed * jnp.asarray(rng.uniform(0.1, 2.0, (12, 3)))
    expected = (weights * whitened(series, observed, jnp.asarray(phi)) ** 2).sum(axis=0)
    np.testing.assert_allclose(squared_innovations(series, observed, weights).at(phi), expected, rtol=1e-3, atol=1e-4)
