r"""Acyclicity of a weighted graph: smooth measures for training, and cuts that guarantee an acyclic graph.

`adjacency[i, j]` is the weight of the edge i -> j. Both measures are 0 exactly on acyclic graphs.
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp
from jax import Array

_TAYLOR_TERMS = 10
_SQUARINGS = 6
_LARGEST_ROW_SUM = 64.0


def _exponential_less_identity(a: Array) -> Array:
    r"""$e^a - I$ by scaling and squaring, without forming the identity.

    With $E = e^{a/2^s} - I$, doubling the argument is $E \leftarrow 2E + E E$. Leaving I out of the sums keeps a small
    trace exact in float32, where $\mathrm{tr}\, e^a - d$ would cancel to zero.
    """
    scaled = a / 2.0**_SQUARINGS
    horner = scaled / _TAYLOR_TERMS
    for k in range(_TAYLOR_TERMS - 1, 0, -1):  # over the terms of the series, unrolled at compile time
        horner = (scaled + scaled @ horner) / k
    squared: Array = jax.lax.fori_loop(0, _SQUARINGS, lambda _, e: 2.0 * e + e @ e, horner)
    return squared


@jax.custom_vjp
def trace_exponential(adjacency: Array) -> Array:
    r"""NOTEARS acyclicity $h(W) = \mathrm{tr}\, e^{W \circ W} - d$.

    Zheng et al. 2018, "DAGs with NO TEARS", theorem 1. Its gradient $(e^{W \circ W})^T \circ 2W$ is given in closed
    form, so that under `vmap` it costs matrix products only. Where the largest row sum of $W \circ W$ is above 64 and
    the exponential would soon overflow single precision, it is replaced by
    $k\,(\mathrm{tr}\, e^{W \circ W / k} - d)$ with k the row sum over 64, held fixed in the gradient: finite, and still
    0 exactly on acyclic graphs.

    Args:
        adjacency: W, `[channel, channel]`.

    Returns:
        h, scalar, 0 or more.

    Raises:
        AssertionError: the matrix is not square.
    """
    return _trace_exponential_forward(adjacency)[0]


def _trace_exponential_forward(adjacency: Array) -> tuple[Array, tuple[Array, Array]]:
    _assert_square(adjacency)
    squared = adjacency * adjacency
    k = jnp.maximum(1.0, squared.sum(axis=1).max() / _LARGEST_ROW_SUM)
    e = _exponential_less_identity(squared / k)
    return k * jnp.trace(e), (adjacency, e)


def _trace_exponential_backward(saved: tuple[Array, Array], g: Array) -> tuple[Array]:
    adjacency, e = saved
    identity = jnp.eye(adjacency.shape[0], dtype=adjacency.dtype)
    return (g * (e + identity).T * 2.0 * adjacency,)


trace_exponential.defvjp(_trace_exponential_forward, _trace_exponential_backward)


def log_determinant(adjacency: Array, s: float = 1.0) -> Array:
    r"""DAGMA acyclicity $h(W) = -\log\det(sI - W \circ W) + d \log s$.

    Bello et al. 2022, "DAGMA", theorem 1. Valid while the spectral radius of $W \circ W$ is below s; outside that
    region the value is infinite, so that a line search backs off.

    Args:
        adjacency: W, `[channel, channel]`.
        s: bound of the spectral radius, above 0.

    Returns:
        h, scalar, 0 or more.

    Raises:
        AssertionError: the matrix is not square.
    """
    _assert_square(adjacency)
    d = adjacency.shape[0]
    sign, logabs = jnp.linalg.slogdet(s * jnp.eye(d, dtype=adjacency.dtype) - adjacency * adjacency)
    h = d * jnp.log(s) - logabs
    return jnp.where((sign > 0) & (h > -1e-5 * d), h, jnp.inf)


def is_acyclic(edges: Array) -> Array:
    """Whether a graph has no directed cycle; a self-loop is a cycle.

    Args:
        edges: boolean, `[channel, channel]`.

    Returns:
        Boolean scalar.

    Raises:
        AssertionError: the matrix is not square.
    """
    _assert_square(edges)
    reach = edges.astype(jnp.float32)
    doublings = max(1, (edges.shape[0] - 1).bit_length())
    # Paths of up to 2^k edges; a cycle through a node puts it on the diagonal.
    reach = jax.lax.fori_loop(0, doublings, lambda _, p: jnp.minimum(p + p @ p, 1.0), reach)
    return jnp.trace(reach) == 0


@partial(jax.jit, inline=True)
def cut_to_acyclic(adjacency: Array) -> tuple[Array, Array]:
    """Drop the weakest edges until no cycle is left.

    The threshold is the smallest edge strength such that dropping all edges up to it leaves no cycle. Raising it only
    removes edges, so it is found by bisection over the sorted strengths.

    Args:
        adjacency: `[channel, channel]`.

    Returns:
        Boolean edges kept, `[channel, channel]`, and the threshold, scalar: edges of at most this strength are dropped.

    Raises:
        AssertionError: the matrix is not square.
    """
    _assert_square(adjacency)
    strength = jnp.abs(adjacency)
    candidates = jnp.concatenate([jnp.zeros(1, strength.dtype), jnp.sort(strength.ravel())])

    def halve(_: Array, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) // 2
        enough = is_acyclic(strength > candidates[middle])
        return jnp.where(enough, low, middle + 1), jnp.where(enough, middle, high)

    steps = candidates.shape[0].bit_length()
    start = (jnp.zeros((), jnp.int32), jnp.asarray(candidates.shape[0] - 1, jnp.int32))
    _, cut = jax.lax.fori_loop(0, steps, halve, start)
    return strength > candidates[cut], candidates[cut]


def strongest_acyclic(strength: Array) -> Array:
    """Add edges from the strongest to the weakest, skipping each that would close a cycle.

    Unlike with `cut_to_acyclic`, a weak edge that lies on no cycle is kept.

    Args:
        strength: `[channel, channel]`; entries of 0 or less, and the diagonal, are not edges.

    Returns:
        Boolean edges kept, `[channel, channel]`.

    Raises:
        AssertionError: the matrix is not square.
    """
    _assert_square(strength)
    d = strength.shape[0]
    order = jnp.argsort(-strength.ravel())

    def consider(k: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        kept, reach = state  # reach[i, j]: there is a path from i to j, or i = j
        source, target = order[k] // d, order[k] % d
        take = (strength[source, target] > 0) & ~reach[target, source]
        joined = reach[:, source][:, None] & reach[target, :][None, :]
        return kept.at[source, target].set(take), jnp.where(take, reach | joined, reach)

    start = (jnp.zeros((d, d), bool), jnp.eye(d, dtype=bool))
    kept: Array = jax.lax.fori_loop(0, d * d, consider, start)[0]
    return kept


def _assert_square(matrix: Array) -> None:
    chex.assert_rank(matrix, 2)
    chex.assert_shape(matrix, (matrix.shape[0], matrix.shape[0]))
