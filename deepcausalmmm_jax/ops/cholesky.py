"""Inverse Cholesky factor without LAPACK; its gradient consists of matrix products only."""

import chex
import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_jvp
def inverse_root(matrix: Array) -> Array:
    r"""$L^{-1}$ of a positive definite matrix $A = L L^\top$.

    With it $A^{-1} x = L^{-\top} L^{-1} x$ and $\log |A| = -2 \sum_i \log L^{-1}_{ii}$. A change $\dot A$ moves it by
    $-\Phi(L^{-1} \dot A L^{-\top}) L^{-1}$, where $\Phi$ keeps the lower triangle and half the diagonal (Murray 2016,
    "Differentiation of the Cholesky decomposition"); the gradient is the transpose of that.

    Eliminated row by row in place: batches of LAPACK calls under `vmap` on a CPU (jaxlib 0.10.2, two cores) sometimes
    hang with all threads idle, both in JAX's own gradient of the factor and in its solver.

    Args:
        matrix: A, `[n, n]`, symmetric.

    Returns:
        `[n, n]`, lower triangular; NaN where A is not positive definite.

    Raises:
        AssertionError: the matrix is not square.
    """
    chex.assert_rank(matrix, 2)
    chex.assert_shape(matrix, (matrix.shape[0], matrix.shape[0]))
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
