import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from deepcausalmmm_jax.ops.cholesky import inverse_root, log_normal_integral, squared


def _positive(n, seed=0):
    half = np.random.default_rng(seed).standard_normal((n, n))
    return jnp.asarray(half @ half.T + n * np.eye(n), jnp.float32)


@pytest.mark.parametrize("n", [1, 2, 7, 32, 33, 70, 131])
def test_it_is_the_inverse_of_the_lower_factor(n):
    matrix = _positive(n)
    root = jax.jit(inverse_root)(matrix)
    np.testing.assert_allclose(root.T @ root, np.linalg.inv(matrix), rtol=2e-4, atol=2e-6)
    np.testing.assert_array_equal(root, jnp.tril(root))


def test_its_diagonal_gives_the_log_determinant():
    matrix = _positive(5)
    _, expected = np.linalg.slogdet(np.asarray(matrix))
    assert -2.0 * jnp.log(jnp.diag(inverse_root(matrix))).sum() == pytest.approx(expected, rel=1e-5)


def test_gradient_is_that_of_the_textbook():
    with jax.enable_x64(True):
        half = jnp.asarray(np.random.default_rng(1).standard_normal((4, 4)))
        root = jax.jit(lambda h: inverse_root(h @ h.T + 4.0 * jnp.eye(4)))
        check_grads(root, (half,), order=2, modes=["fwd", "rev"], rtol=1e-6)


def test_many_matrices_side_by_side():
    stacked = jnp.stack([_positive(3, seed) for seed in range(4)])
    together = jax.vmap(inverse_root)(stacked)
    for one, matrix in zip(together, stacked, strict=True):
        np.testing.assert_allclose(one, inverse_root(matrix), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 5, 70])
def test_an_integral_of_a_normal_kernel_and_its_gradients(n):
    with jax.enable_x64(True):
        matrix, score = _positive(n).astype(jnp.float64) / n, jnp.asarray(np.random.default_rng(2).standard_normal(n))
        expected = 0.5 * score @ np.linalg.solve(matrix, score) - 0.5 * np.linalg.slogdet(matrix)[1]
        assert float(log_normal_integral(matrix, score)) == pytest.approx(float(expected), rel=1e-9)
        half = jnp.linalg.cholesky(matrix)
        # With 70 rows differences of differences are themselves right to 1e-5 only.
        integral = jax.jit(lambda h, s: log_normal_integral(h @ h.T, s))
        check_grads(integral, (half, score), order=2, modes=["fwd", "rev"], rtol=1e-4)


def test_products_of_columns_and_their_gradients():
    with jax.enable_x64(True):
        columns = jnp.asarray(np.random.default_rng(3).standard_normal((6, 3)))
        np.testing.assert_allclose(squared(columns), columns.T @ columns, rtol=1e-12)
        weight = jnp.asarray(np.random.default_rng(4).standard_normal((3, 3)))  # unlike its transpose
        weighted = jax.jit(lambda x: (weight * squared(x)).sum() ** 2)
        check_grads(weighted, (columns,), order=2, modes=["fwd", "rev"], rtol=1e-6)


def test_what_is_not_positive_definite_has_no_factor():
    for n in (3, 40):
        matrix = jnp.eye(n).at[n - 1, n - 1].set(-1.0)
        assert jnp.isnan(inverse_root(matrix)).any()
        assert jnp.isnan(log_normal_integral(matrix, jnp.ones(n)))
