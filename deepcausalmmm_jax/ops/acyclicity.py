r"""Acyclicity of a weighted graph: smooth measures to train with, and a cut that makes a graph acyclic for certain.

`adjacency[i, j]` is the weight of the edge i -> j. Both measures are 0 exactly on acyclic graphs.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

_TAYLOR_TERMS = 10
_SQUARINGS = 6
_LARGEST_ROW_SUM = 64.0


def _exponential_less_identity(a: Array) -> Array:
    r"""$e^a - I$ by scaling and squaring without ever forming the identity.

    With $E = e^{a/2^s} - I$, doubling the argument is $E \leftarrow 2E + E E$. Keeping I out of the sums keeps a
    small trace exact in float32, where $\mathrm{tr}\, e^a - d$ would cancel to zero.
    """
    scaled = a / 2.0**_SQUARINGS
    horner = scaled / _TAYLOR_TERMS
    for k in range(_TAYLOR_TERMS - 1, 0, -1):  # over the terms of the series, unrolled at compile time
        horner = (scaled + scaled @ horner) / k
    return jax.lax.fori_loop(0, _SQUARINGS, lambda _, e: 2.0 * e + e @ e, horner)


@jax.custom_vjp
def trace_exponential(adjacency: Array) -> Array:
    r"""NOTEARS acyclicity $h(W) = \mathrm{tr}\, e^{W \circ W} - d$.

    Zheng et al. 2018, "DAGs with NO TEARS", theorem 1. Its gradient $(e^{W \circ W})^T \circ 2W$ is given in closed
    form: under `vmap` it costs matrix products alone. Where the largest row sum of $W \circ W$ is above 64, so that the
    exponential would soon leave the range of single precision, $k\,(\mathrm{tr}\, e^{W \circ W / k} - d)$ takes its
    place, with k the row sum over 64 and held fixed in the gradient: finite, and still 0 exactly on acyclic graphs.

    Args:
        adjacency: W, `[channel, channel]`.

    Returns:
        h, scalar, 0 or more.
    """
    return _trace_exponential_forward(adjacency)[0]


def _trace_exponential_forward(adjacency: Array) -> tuple[Array, tuple[Array, Array]]:
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
    region the value is infinite, so that a line search steps back.

    Args:
        adjacency: W, `[channel, channel]`.
        s: bound of the region, above 0.

    Returns:
        h, scalar, 0 or more.
    """
    d = adjacency.shape[0]
    sign, logabs = jnp.linalg.slogdet(s * jnp.eye(d, dtype=adjacency.dtype) - adjacency * adjacency)
    h = d * jnp.log(s) - logabs
    return jnp.where((sign > 0) & (h > -1e-5 * d), h, jnp.inf)


def is_acyclic(edges: Array) -> Array:
    """Whether a graph of boolean `edges` `[channel, channel]` has no directed cycle, self-loops included."""
    reach = edges.astype(jnp.float32)
    doublings = max(1, (edges.shape[0] - 1).bit_length())
    # Paths of up to 2^k edges; a cycle through a node puts it on the diagonal.
    reach = jax.lax.fori_loop(0, doublings, lambda _, p: jnp.minimum(p + p @ p, 1.0), reach)
    return jnp.trace(reach) == 0


@partial(jax.jit, inline=True)
def cut_to_acyclic(adjacency: Array) -> tuple[Array, Array]:
    """Drop the weakest edges until no cycle is left.

    The threshold is the smallest edge strength whose removal, with all weaker ones, leaves no cycle; since raising
    it only removes edges, it is found by bisection over the sorted strengths.

    Args:
        adjacency: `[channel, channel]`.

    Returns:
        Boolean edges kept `[channel, channel]`, and the threshold, scalar: edges of at most this strength are gone.
    """
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
    """Edges of an acyclic graph, taken in the order of their strength, none that would close a cycle.

    Unlike `cut_to_acyclic`, a weak edge that lies on no cycle stays.

    Args:
        strength: `[channel, channel]`; entries of 0 or less, and the diagonal, are no edges.

    Returns:
        Boolean edges kept, `[channel, channel]`.
    """
    d = strength.shape[0]
    order = jnp.argsort(-strength.ravel())

    def consider(k: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        kept, reach = state  # reach[i, j]: a path leads from i to j, itself included
        source, target = order[k] // d, order[k] % d
        take = (strength[source, target] > 0) & ~reach[target, source]
        joined = reach[:, source][:, None] & reach[target, :][None, :]
        return kept.at[source, target].set(take), jnp.where(take, reach | joined, reach)

    start = (jnp.zeros((d, d), bool), jnp.eye(d, dtype=bool))
    kept, _ = jax.lax.fori_loop(0, d * d, consider, start)
    return kept
