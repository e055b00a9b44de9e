"""Inverse Cholesky factor without LAPACK, and an integral by it; their gradients consist of matrix products only."""

import chex
import jax
import jax.numpy as jnp
from jax import Array

_BLOCK = 32


@jax.custom_jvp
def inverse_root(matrix: Array) -> Array:
    r"""$L^{-1}$ of a positive definite matrix $A = L L^\top$.

    With it $A^{-1} x = L^{-\top} L^{-1} x$ and $\log |A| = -2 \sum_i \log L^{-1}_{ii}$. A change $\dot A$ moves it by
    $-\Phi(L^{-1} \dot A L^{-\top}) L^{-1}$, where $\Phi$ keeps the lower triangle and half the diagonal (Murray 2016,
    "Differentiation of the Cholesky decomposition"); the gradient is the transpose of that.

    Halved until blocks are small, which turns most of the work into matrix products; a block is eliminated row by row
    in place. Batches of LAPACK calls under `vmap` on a CPU (jaxlib 0.10.2, two cores) sometimes hang with all threads
    idle, both in JAX's own gradient of the factor and in its solver.

    Args:
        matrix: A, `[n, n]`, symmetric.

    Returns:
        `[n, n]`, lower triangular; NaN where A is not positive definite.

    Raises:
        AssertionError: the matrix is not square.
    """
    chex.assert_rank(matrix, 2)
    n = matrix.shape[0]
    chex.assert_shape(matrix, (n, n))
    if n <= _BLOCK:
        return _eliminated(matrix)
    half = (n + 1) // 2
    first = inverse_root(matrix[:half, :half])
    below = matrix[half:, :half] @ first.T  # of the factor itself
    second = inverse_root(matrix[half:, half:] - below @ below.T)
    return jnp.block([[first, jnp.zeros((half, n - half), matrix.dtype)], [-(second @ below) @ first, second]])


def _eliminated(matrix: Array) -> Array:
    order = jnp.arange(matrix.shape[0])

    def eliminate(k: Array, state: Array) -> Array:
        """Clear column k below row k; the freed entries then hold the column of the inverse that starts there."""
        here, below = order == k, order > k
        pivot = jnp.sqrt(state[k, k])
        row = jnp.where(here, 1.0, state[k]) / pivot
        factor = jnp.where(below, state[:, k] / pivot, 0.0)
        cleared = jnp.where(below[:, None] & here, 0.0, state) - factor[:, None] * row
        return jnp.where(here[:, None], row, cleared)

    return jnp.tril(jax.lax.fori_loop(0, matrix.shape[0], eliminate, matrix))


@inverse_root.defjvp
def _pushed(matrix: tuple[Array], tangent: tuple[Array]) -> tuple[Array, Array]:
    root = inverse_root(matrix[0])
    moved = root @ tangent[0] @ root.T
    half = jnp.tril(moved) - 0.5 * jnp.diag(jnp.diag(moved))
    return root, -half @ root


@jax.custom_jvp
def log_normal_integral(precision: Array, score: Array) -> Array:
    r"""$\log \int e^{s^\top x - x^\top A x / 2} \, dx = \frac12 s^\top A^{-1} s - \frac12 \log |A|$, up to a constant.

    Its gradient needs the inverse alone, $\frac12 A^{-1} s s^\top A^{-1}$ and $\frac12 A^{-1}$: a third of the products
    that the gradient of the factor needs.

    Args:
        precision: A, `[n, n]`, symmetric and positive definite.
        score: s, `[n]`.

    Returns:
        Scalar; NaN where A is not positive definite.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_shape(precision, (score.shape[0], score.shape[0]))
    root = inverse_root(precision)
    half = root @ score
    return 0.5 * half @ half + jnp.log(jnp.diagonal(root)).sum()


@log_normal_integral.defjvp
def _integral_pushed(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (precision, score), (moved, pulled) = primals, tangents
    root = inverse_root(precision)
    half = root @ score
    value = 0.5 * half @ half + jnp.log(jnp.diagonal(root)).sum()
    mean = root.T @ half
    second_moment = root.T @ root + jnp.outer(mean, mean)
    return value, mean @ pulled - 0.5 * jnp.sum(second_moment * moved)


@jax.custom_jvp
def squared(columns: Array) -> Array:
    r"""$X^\top X$, whose gradient is one product, $X (\bar G + \bar G^\top)$, where JAX's own rule has two.

    Args:
        columns: X, `[row, column]`.

    Returns:
        `[column, column]`.

    Raises:
        AssertionError: not a matrix.
    """
    chex.assert_rank(columns, 2)
    return columns.T @ columns


@squared.defjvp
def _squared_pushed(columns: tuple[Array], tangent: tuple[Array]) -> tuple[Array, Array]:
    half = tangent[0].T @ columns[0]
    return squared(columns[0]), half + half.T
