import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from deepcausalmmm_jax.ops.cholesky import inverse_root


def _positive(n, seed=0):
    half = np.random.default_rng(seed).standard_normal((n, n))
    return jnp.asarray(half @ half.T + n * np.eye(n), jnp.float32)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_it_is_the_inverse_of_the_lower_factor(n):
    matrix = _positive(n)
    root = inverse_root(matrix)
    np.testing.assert_allclose(root.T @ root, np.linalg.inv(matrix), rtol=2e-4, atol=1e-6)
    np.testing.assert_array_equal(root, jnp.tril(root))


def test_its_diagonal_gives_the_log_determinant():
    matrix = _positive(5)
    _, expected = np.linalg.slogdet(np.asarray(matrix))
    assert -2.0 * jnp.log(jnp.diag(inverse_root(matrix))).sum() == pytest.approx(expected, rel=1e-5)


def test_gradient_is_that_of_the_textbook():
    with jax.enable_x64(True):
        half = jnp.asarray(np.random.default_rng(1).standard_normal((4, 4)))
        check_grads(
            lambda h: inverse_root(h @ h.T + 4.0 * jnp.eye(4)), (half,), order=2, modes=["fwd", "rev"], rtol=1e-6
        )


def test_many_matrices_side_by_side():
    stacked = jnp.stack([_positive(3, seed) for seed in range(4)])
    together = jax.vmap(inverse_root)(stacked)
    for one, matrix in zip(together, stacked, strict=True):
        np.testing.assert_allclose(one, inverse_root(matrix), rtol=1e-5)
