import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.ops.effective_sample import effective_share

ALL = np.ones((12, 200), bool)


def _series(seed, shape=(12, 200)):
    return np.random.default_rng(seed).normal(size=shape)


def _share(innovations, observed=None):
    seen = np.ones(innovations.shape, bool) if observed is None else observed
    return float(effective_share(jnp.asarray(innovations, jnp.float32), jnp.asarray(seen)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_independent_series_count_almost_whole(seed):
    assert _share(_series(seed)) > 0.9


@pytest.mark.parametrize("copies", [2, 3, 6])
def test_copies_count_once(copies):
    distinct = _series(0, (12 // copies, 200))
    assert _share(np.repeat(distinct, copies, axis=0)) == pytest.approx(1 / copies, rel=0.1)


@pytest.mark.parametrize("weight", [0.3, 0.6, 0.9])
def test_share_is_that_of_the_squared_correlations(weight):
    common = _series(1, (1, 40_000))
    innovations = weight * common + np.sqrt(1 - weight**2) * _series(2, (5, 40_000))
    assert _share(innovations) == pytest.approx(1 / (1 + 4 * weight**4), rel=0.05)


@pytest.mark.parametrize("shape", [(12, 200), (200, 12)])
def test_order_and_size_of_series_do_not_matter(shape):
    innovations = 0.7 * _series(3, (1, shape[1])) + _series(4, shape)
    size = np.random.default_rng(5).uniform(0.1, 10.0, (shape[0], 1))
    assert _share((innovations * size)[::-1]) == pytest.approx(_share(innovations), rel=1e-3)


def test_weeks_that_are_not_observed_do_not_count():
    innovations, observed = _series(6), ALL.copy()
    observed[:, 150:] = False
    wild = np.where(observed, innovations, 1e3)
    assert _share(wild, observed) == pytest.approx(_share(innovations[:, :150]), rel=1e-3)


def test_a_single_series_counts_whole():
    assert _share(_series(7, (1, 50))) == 1.0
