import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize, rosen

from deepcausalmmm_jax.ops.quasi_newton import minimised


@pytest.mark.parametrize("seed", range(3))
def test_the_least_of_a_quadratic_is_found_whatever_its_axes_and_scale(seed):
    draw = np.random.default_rng(seed)
    axes = np.linalg.qr(draw.normal(size=(5, 5)))[0]
    hessian = jnp.asarray(axes @ np.diag([0.3, 1.0, 10.0, 100.0, 1000.0]) @ axes.T, jnp.float32)
    least = jnp.asarray(draw.normal(size=5), jnp.float32)
    found = jax.jit(lambda: minimised(lambda x: 0.5 * (x - least) @ hessian @ (x - least), jnp.zeros(5), 60, 1.0))()
    np.testing.assert_allclose(found, least, atol=2e-3)


def test_a_curved_valley_is_followed_to_where_scipy_ends():
    start = np.array([-1.2, 1.0])
    valley = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2  # noqa: E731
    found = jax.jit(lambda: minimised(valley, jnp.asarray(start), 60, 0.7))()
    np.testing.assert_allclose(found, minimize(rosen, start, method="BFGS").x, atol=1e-2)


@pytest.mark.parametrize("evaluations", [1, 2, 4, 12])
def test_the_function_is_never_larger_than_at_the_start(evaluations):
    function = lambda x: jnp.sum(jnp.cos(3.0 * x) + 0.1 * x**2)  # noqa: E731  it has hills
    starts = jnp.asarray(np.random.default_rng(1).normal(size=(20, 3)), jnp.float32)
    found = jax.jit(jax.vmap(lambda start: minimised(function, start, evaluations, 2.0)))(starts)
    before, after = (np.asarray(jax.vmap(function)(points)) for points in (starts, found))
    assert (after <= before + 1e-5).all()
    assert (after < before).any() == (evaluations > 1)  # the first is of the start


def test_what_is_not_finite_is_not_stepped_to():
    function = lambda x: jnp.sum(x - jnp.log(x))  # noqa: E731  not finite below 0, least at 1
    found = jax.jit(lambda: minimised(function, jnp.asarray([0.05, 4.0]), 40, 5.0))()
    np.testing.assert_allclose(found, 1.0, atol=1e-3)


def test_no_step_is_longer_than_the_longest():
    moved = minimised(lambda x: jnp.sum((x - 100.0) ** 2), jnp.zeros(2), 4, 0.5)
    assert 0.5 < float(jnp.linalg.norm(moved)) <= 4 * 0.5 + 1e-5
