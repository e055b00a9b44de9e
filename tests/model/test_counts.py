"""The likelihood of counts, and the normal observations that stand for them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, xlogy
from scipy.stats import nbinom

from deepcausalmmm_jax.model.counts import bounded, log_means, negative_log_likelihood, working

COUNTS = np.array([0.0, 1.0, 3.0, 10.0, 50.0, 1000.0])
positive = st.floats(0.05, 500.0)
spreads = st.floats(0.02, 3.0)
nats = jax.jit(negative_log_likelihood)
pull_of = jax.jit(jax.vmap(jax.grad(lambda at, y, s: -negative_log_likelihood(y, at, s)), (None, 0, None)))


@pytest.mark.parametrize("spread", [0.003, 0.01, 0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize(
    ("mean", "counts"), [*((mean, COUNTS) for mean in (0.05, 1.0, 5.0, 200.0)), (1e5, 1e5 * np.array([0.5, 1.0, 1.5]))]
)
def test_the_likelihood_is_the_negative_binomial_in_single_precision(mean, counts, spread):
    size = spread**-2
    constant = xlogy(counts, counts) - counts - gammaln(counts + 1)
    expected = constant - nbinom.logpmf(counts, size, size / (size + mean))
    found = negative_log_likelihood(jnp.asarray(counts, jnp.float32), jnp.float32(np.log(mean)), jnp.float32(spread))
    rounding = 3e-5 * (1.0 + np.abs(expected)) + 1e-6 * counts  # of the log of the mean, which a count multiplies
    assert (np.abs(np.asarray(found) - expected) < rounding).all()


@settings(max_examples=50, deadline=None)
@given(positive, spreads)
def test_what_stands_for_a_count_pulls_the_mean_as_the_count_does(mean, spread):
    with jax.enable_x64(True):
        pull = pull_of(np.log(mean), bounded(COUNTS, np.log(mean), spread, np), spread)
    found = working(COUNTS, np.log(mean), spread, np)
    np.testing.assert_allclose(found.excess / found.variance, pull, rtol=1e-6, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 20.0), st.floats(0.1, 1.0))
def test_its_precision_is_the_information_that_a_count_holds_on_average(mean, spread):
    size, every = spread**-2, np.arange(2000.0)
    chance = nbinom.pmf(every, size, size / (size + mean))
    with jax.enable_x64(True):
        slopes = np.asarray(pull_of(np.log(mean), every, spread))
    assert 1.0 / working(0.0, np.log(mean), spread, np).variance == pytest.approx((chance * slopes**2).sum(), rel=1e-4)


@pytest.mark.parametrize(("scaled", "unit"), [(1e6, 1.0), (-1e6, 1.0), (1.0, 1e6)])
def test_no_mean_is_so_far_off_that_likelihood_or_slope_are_not_finite(scaled, unit):
    def nats(x):
        return negative_log_likelihood(jnp.float32(3.0), log_means(x, jnp.float32(unit)), jnp.float32(0.1))

    value, slope = jax.value_and_grad(nats)(jnp.float32(scaled))
    assert np.isfinite([float(value), float(slope)]).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 1e4), st.floats(0.0, 1.0))
def test_a_count_counts_as_it_is_unless_it_is_four_standard_deviations_off(mean, spread):
    far = 4.0 * np.sqrt(mean + (mean * spread) ** 2)
    counts = np.array([mean - far, mean - 0.99 * far, mean, mean + 0.99 * far, mean + 2.0 * far, 1e9])
    expected = np.array([mean - far, mean - 0.99 * far, mean, mean + 0.99 * far, mean + far, mean + far])
    found = bounded(counts, np.log(mean), spread, np)
    np.testing.assert_allclose(found, np.maximum(expected, 0.0), rtol=1e-9)


def test_one_week_a_hundred_times_the_others_hardly_widens_the_spread():
    """Fixed point of mean and spread, as training finds it, with one of 80 weeks far off; alone it would be above 5."""
    size, n = 0.3**-2, 80
    counts = nbinom.ppf((np.arange(n) + 0.5) / n, size, size / (size + 20.0))

    def most_likely(counts):
        log_mean, log_spread = np.log(20.0), np.log(0.3)
        tried = np.linspace(-1.0, 1.0, 81)[:, None]
        for _ in range(6):
            near = bounded(counts, log_mean, np.exp(log_spread), np)
            at = log_mean + 0.2 * tried
            log_mean = at[nats(near, at, np.exp(log_spread)).sum(axis=1).argmin(), 0]
            at = log_spread + tried
            log_spread = at[nats(near, log_mean, np.exp(at)).sum(axis=1).argmin(), 0]
        return np.exp(log_mean), np.exp(log_spread)

    clean = most_likely(counts)
    found = most_likely(np.append(counts, 2000.0))
    np.testing.assert_allclose(found, clean, rtol=0.15)
