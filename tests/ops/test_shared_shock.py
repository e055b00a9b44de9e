import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepcausalmmm_jax.ops.shared_shock import shared_ratio, shared_shocks, shock_misfit, without_correlation


def _noise(ratio, weeks=60, regions=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(weeks, regions)) + np.sqrt(ratio) * rng.normal(size=(weeks, 1))


def _seen(shape, seed=1):
    """A week without any series among them, and one with a single one."""
    seen = np.random.default_rng(seed).random(shape) < 0.8
    seen[0], seen[1], seen[1, 0] = False, False, True
    return seen


@pytest.mark.parametrize("ratio", [0.0, 0.3, 4.0])
def test_misfit_is_that_of_correlated_normal_series(ratio):
    """What shocks leave, and their own part, are together the density under the whole covariance."""
    noise = _noise(ratio)
    seen = _seen(noise.shape)
    with jax.enable_x64(True):
        weights = jnp.asarray(seen, float)
        shocks = shared_shocks(jnp.asarray(noise), weights, jnp.asarray(ratio))
        rest = 0.5 * (weights * (noise - shocks[:, None]) ** 2).sum()
        found = float(rest + shock_misfit(shocks, weights, jnp.asarray(ratio)))
    expected = 0.0
    for row, own in zip(noise, seen, strict=True):
        n = int(own.sum())
        if n:
            law = stats.multivariate_normal(np.zeros(n), np.eye(n) + ratio * np.ones((n, n)))
            expected -= law.logpdf(row[own]) + 0.5 * n * np.log(2 * np.pi)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 4.0])
def test_series_less_what_they_share_have_the_same_density(ratio):
    noise = _noise(ratio)
    seen = _seen(noise.shape)
    with jax.enable_x64(True):
        apart = np.asarray(without_correlation(jnp.asarray(noise), jnp.asarray(seen), jnp.asarray(ratio)))
    assert (apart[~seen] == 0).all()
    for row, own, found in zip(noise, seen, apart, strict=True):
        n = int(own.sum())
        expected = row[own] @ np.linalg.solve(np.eye(n) + ratio * np.ones((n, n)), row[own]) if n else 0.0
        assert (found**2).sum() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 20.0])
def test_the_size_of_shocks_is_found_where_series_have_gaps(ratio):
    noise = _noise(ratio, weeks=4000, regions=6)
    seen = _seen(noise.shape)
    found = float(shared_ratio(jnp.asarray(noise, jnp.float32), jnp.asarray(seen)))
    assert found == pytest.approx(ratio, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_independent_series_share_next_to_nothing(seed, regions):
    noise = _noise(0.0, weeks=100, regions=regions, seed=seed)
    found = float(jax.jit(shared_ratio)(jnp.asarray(noise, jnp.float32), jnp.ones(noise.shape, bool)))
    assert 0.0 <= found <= 0.8 / regions
    assert regions > 1 or found == 0.0


def test_shocks_that_are_never_seen_twice_are_not_guessed():
    alone = np.eye(4, dtype=bool)
    assert float(shared_ratio(jnp.ones((4, 4)), jnp.asarray(alone))) == 0.0
    assert float(shared_ratio(jnp.zeros((4, 4)), jnp.ones((4, 4), bool))) == 0.0


def test_gradients_are_finite_where_nothing_is_shared():
    def nats(noise, ratio):
        shocks = shared_shocks(noise, jnp.ones(noise.shape), ratio)
        return shock_misfit(shocks, jnp.ones(noise.shape), ratio)

    found = jax.grad(nats, argnums=(0, 1))(jnp.ones((3, 2)), jnp.zeros(()))
    assert all(np.isfinite(part).all() for part in found)


@pytest.mark.parametrize("apart", [0.0, 1e-7])
def test_copies_share_all_of_their_noise_and_no_more_than_that(apart):
    """Noise of their own is next to none, and a ratio to it would be of any size, or 0 where it is exactly none."""
    shocks = np.random.default_rng(0).normal(size=(60, 1))
    copies = np.repeat(shocks, 3, axis=1) + apart * np.random.default_rng(1).normal(size=(60, 3))
    found = shared_ratio(jnp.asarray(copies, jnp.float32), jnp.ones(copies.shape, bool))
    assert float(found) == pytest.approx(1e4)
