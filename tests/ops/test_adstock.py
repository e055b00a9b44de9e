import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from deepcausalmmm_jax.ops.adstock import (
    binomial_kernel,
    delayed_kernel,
    geometric_adstock,
    geometric_kernel,
    half_life,
    kernel_adstock,
    weibull_cdf_kernel,
    weibull_pdf_kernel,
)

EXPOSURE = jnp.asarray(np.random.default_rng(0).gamma(1.0, 1.0, (12, 2)), dtype=jnp.float32)


def test_geometric_follows_the_recursion_by_hand():
    carried = geometric_adstock(jnp.array([[1.0], [0.0], [2.0]]), jnp.array([0.5]))
    # 0.5 * 1; half of it; half again plus 0.5 * 2
    np.testing.assert_allclose(carried[:, 0], [0.5, 0.25, 1.125], rtol=1e-6)


def test_geometric_equals_its_kernel_when_no_lag_is_cut_off():
    decay = jnp.array([0.3, 0.9])
    by_kernel = kernel_adstock(EXPOSURE, geometric_kernel(decay, 12))
    np.testing.assert_allclose(geometric_adstock(EXPOSURE, decay), by_kernel, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_lags", [1, 2, 5, 12, 13, 20])  # kernels that end within the weeks, and beyond them
def test_weeks_before_the_first_carry_over_like_any_others(n_lags):
    drawn = np.random.default_rng(n_lags)
    kernel = jnp.asarray(drawn.dirichlet(np.ones(n_lags), 2).T, jnp.float32)
    before = jnp.asarray(drawn.gamma(1.0, 1.0, (n_lags - 1, 2)), jnp.float32)

    def in_one(kernel, before):
        joined = jnp.concatenate([before, EXPOSURE])
        return jnp.stack([jnp.convolve(joined[:, m], kernel[:, m], mode="valid") for m in range(2)], axis=1)

    def apart(kernel, before):
        return kernel_adstock(EXPOSURE, kernel, before)

    np.testing.assert_allclose(jax.jit(apart)(kernel, before), jax.jit(in_one)(kernel, before), rtol=1e-5, atol=1e-6)
    weight = jnp.asarray(drawn.normal(size=EXPOSURE.shape), jnp.float32)
    for position in (0, 1):
        found, right = (
            jax.jit(jax.grad(lambda k, b, f=f: jnp.vdot(weight, f(k, b)), position))(kernel, before)
            for f in (apart, in_one)
        )
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


@given(decay=st.floats(1e-4, 0.999), delay=st.floats(0.0, 8.0), max_lag=st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_kernels_are_positive_and_sum_to_one(decay, delay, max_lag):
    for kernel in (
        jax.jit(delayed_kernel, static_argnums=2)(jnp.array([decay]), jnp.array([delay]), max_lag),
        jax.jit(binomial_kernel, static_argnums=1)(jnp.array([decay]), max_lag),
    ):
        assert (kernel >= 0).all()
        np.testing.assert_allclose(kernel.sum(axis=0), 1.0, rtol=1e-5)


@given(scale=st.floats(1e-3, 1e4), shape=st.floats(1e-3, 50.0), max_lag=st.sampled_from([1, 13]))
@settings(max_examples=10, deadline=None)
def test_weibull_kernels_sum_to_one_and_the_survival_never_rises(scale, shape, max_lag):
    density = weibull_pdf_kernel(jnp.array([scale]), jnp.array([shape]), max_lag)
    survival = weibull_cdf_kernel(jnp.array([scale]), jnp.array([shape]), max_lag)
    for kernel in (density, survival):
        assert (kernel >= 0).all()
        np.testing.assert_allclose(kernel.sum(axis=0), 1.0, rtol=1e-5)
    assert (np.diff(survival[:, 0]) <= 1e-7).all()


@pytest.mark.parametrize("kernel", [weibull_pdf_kernel, weibull_cdf_kernel])
def test_weibull_kernels_of_shape_one_are_geometric(kernel):
    found = kernel(jnp.array([2.5]), jnp.array([1.0]), 9)[:, 0]
    np.testing.assert_allclose(found[1:] / found[:-1], np.exp(-1 / 2.5), rtol=1e-5)


def test_a_weibull_density_peaks_where_its_mode_is():
    # the mode of shape a is scale ((a - 1) / a)^(1 / a) weeks: 3.54 with these, within the week from 3 to 4
    assert int(jnp.argmax(weibull_pdf_kernel(jnp.array([5.0]), jnp.array([2.0]), 12)[:, 0])) == 3


@pytest.mark.parametrize("kernel", [weibull_pdf_kernel, weibull_cdf_kernel])
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-3, 3.0, 1e30])
@pytest.mark.parametrize("shape", [0.0, 1e-30, 1.0, 1e30])
def test_weibull_kernels_are_finite_with_their_gradients_at_the_edges(kernel, scale, shape):
    with jax.debug_nans(True):
        weighted = lambda *a: (kernel(*a, 6)[:, 0] * jnp.arange(6.0)).sum()  # noqa: E731
        found = jax.value_and_grad(weighted, argnums=(0, 1))(jnp.array([scale]), jnp.array([shape]))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(found))
    if scale < 0.01 and shape == 1.0:
        np.testing.assert_allclose(
            kernel(jnp.array([scale]), jnp.array([shape]), 6)[:, 0], [1, 0, 0, 0, 0, 0], atol=1e-6
        )


def test_half_a_geometric_effect_is_left_after_its_half_life():
    decay = jnp.array([0.2, 0.5, 0.9])
    np.testing.assert_allclose(decay ** half_life(decay), 0.5, rtol=1e-5)
    assert jnp.isfinite(jax.grad(lambda d: half_life(d).sum())(jnp.array([0.0, 1e-30, 1.0]))).all()


def test_delayed_peaks_at_its_delay():
    assert int(jnp.argmax(delayed_kernel(jnp.array([0.7]), jnp.array([3.0]), 10)[:, 0])) == 3


def test_later_exposure_does_not_reach_back():
    decay = jnp.array([0.5, 0.8])
    changed = EXPOSURE.at[7:].add(5.0)
    np.testing.assert_array_equal(geometric_adstock(EXPOSURE, decay)[:7], geometric_adstock(changed, decay)[:7])


@pytest.mark.parametrize("decay", [1e-6, 0.5, 1.0 - 1e-6])
def test_gradients_are_finite_up_to_the_edges(decay):
    gradient = jax.grad(lambda d: geometric_adstock(EXPOSURE, d).sum())(jnp.full(2, decay))
    assert jnp.isfinite(gradient).all()


def test_gradients_match_finite_differences():
    with jax.enable_x64(True):
        exposure = jnp.asarray(np.asarray(EXPOSURE, np.float64))
        check_grads(jax.jit(geometric_adstock), (exposure, jnp.array([0.3, 0.6])), order=1, modes=["rev"], rtol=1e-4)
        check_grads(
            jax.jit(lambda d: kernel_adstock(exposure, delayed_kernel(d, d + 1.0, 6))),
            (jnp.array([0.3, 0.6]),),
            order=1,
            modes=["rev"],
            rtol=1e-4,
        )
