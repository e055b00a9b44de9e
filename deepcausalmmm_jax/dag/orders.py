r"""Orders of variables: a graph is acyclic if there is an order in which every edge points forward.

Given the order, the least-squares fit of each variable on those before it is a triangular factorisation: one Cholesky
decomposition scores an order, and no cycle can arise. Under equal noise variances the true order has the smallest total
(Chen, Drton & Wang 2019, "On causal discovery with an equal-variance assumption").
"""

import jax
import jax.numpy as jnp
from jax import Array

_BETTER = 1e-5  # relative decrease of a score that counts, above rounding in single precision


def order_score(gram: Array, order: Array) -> Array:
    """Sum over variables of the variance that the variables before it leave unexplained.

    Args:
        gram: `[variable, variable]`, covariance, positive definite.
        order: `[variable]`, a permutation, first to last.
    """
    return jnp.sum(jnp.diag(jnp.linalg.cholesky(gram[order][:, order])) ** 2)


def moved(order: Array, variable: Array, place: Array) -> Array:
    """The order with one variable moved to position `place`."""
    position = jnp.argsort(order)
    shift = jnp.where(place > position[variable], 0.5, -0.5)
    return jnp.argsort(position.astype(jnp.float32).at[variable].set(place + shift))


def refined_order(gram: Array, order: Array, max_sweeps: int) -> tuple[Array, Array]:
    """Local search by insertions: each variable in turn moves to its best position, until a sweep improves nothing.

    Unlike a step of a continuous method, an insertion can reverse many edges at once, and so escapes local optima.

    Args:
        gram: `[variable, variable]`, covariance.
        order: `[variable]`, initial order.
        max_sweeps: limit of sweeps.

    Returns:
        The order, and the number of sweeps.
    """
    d = gram.shape[0]
    places = jnp.arange(d, dtype=jnp.float32)

    def insert(variable: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        order, best = state
        candidates = jax.vmap(moved, in_axes=(None, None, 0))(order, variable, places)
        scores = jax.vmap(order_score, in_axes=(None, 0))(gram, candidates)
        k = jnp.argmin(scores)
        better = scores[k] < best * (1.0 - _BETTER)
        return jnp.where(better, candidates[k], order), jnp.where(better, scores[k], best)

    def sweep(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        order, best, _, sweeps = state
        found, score = jax.lax.fori_loop(0, d, insert, (order, best))
        return found, score, score < best, sweeps + 1

    def improving(state: tuple[Array, Array, Array, Array]) -> Array:
        return state[2] & (state[3] < max_sweeps)

    start = (order, order_score(gram, order), jnp.asarray(True), jnp.zeros((), jnp.int32))
    order, _, _, sweeps = jax.lax.while_loop(improving, sweep, start)
    return order, sweeps


def topological_order(edges: Array) -> Array:
    """An order in which every edge of an acyclic graph points forward, by the number of ancestors.

    Args:
        edges: boolean `[variable, variable]`, acyclic.
    """
    d = edges.shape[0]
    reach = jnp.eye(d) + edges
    for _ in range(max(1, (d - 1).bit_length())):  # paths of up to 2^k edges
        reach = jnp.minimum(reach @ reach, 1.0)
    return jnp.argsort((reach > 0).sum(axis=0), stable=True)


def regression_weights(gram: Array, parents: Array) -> Array:
    """Least-squares weights of each variable on its parents.

    Args:
        gram: `[variable, variable]`, covariance.
        parents: boolean `[variable, variable]`, entry [i, j] where i is a parent of j.

    Returns:
        `[variable, variable]`, 0 for pairs that are not parent and child.
    """

    def of_variable(j: Array) -> Array:
        used = parents[:, j].astype(gram.dtype)
        system = gram * used[:, None] * used + jnp.diag(1.0 - used)
        return jnp.linalg.solve(system, gram[:, j] * used)

    return jax.lax.map(of_variable, jnp.arange(gram.shape[0])).T
