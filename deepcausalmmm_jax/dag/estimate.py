"""Linear structure learning: which variable drives which, from observational data."""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.dag.continuous import dagma_path, notears_path
from deepcausalmmm_jax.dag.orders import refined_order, regression_weights, topological_order
from deepcausalmmm_jax.ops.acyclicity import cut_to_acyclic, strongest_acyclic, trace_exponential

Method = Literal["notears", "dagma"]
_PATHS = {"notears": notears_path, "dagma": dagma_path}
_MAX_SWEEPS = 20
_RIDGE = 1e-6  # of the mean variance: separates nearly collinear variables in single precision


class Structure(NamedTuple):
    """Result of `estimate_structure`."""

    weights: Array  # [variable, variable], before the threshold
    adjacency: Array  # [variable, variable], weights kept, acyclic
    h: Array  # [], acyclicity of `weights`
    threshold: Array  # [], weights of at most this size were dropped
    order: Array  # [variable], every edge kept points forward in it
    iterations: Array  # [], int32, gradient steps of the path
    sweeps: Array  # [], int32, of the search over orders


@partial(jax.jit, static_argnames=("method", "refine"))
def estimate_structure(gram: Array, l1: Array, threshold: Array, *, method: Method, refine: bool = True) -> Structure:
    """Learn a graph from a covariance: a pure function, compiled as a whole, that can be mapped over all its arrays.

    The continuous method gives a graph and thereby an order of the variables. Insertions under the same least-squares
    score refine the order and so escape local optima of the continuous path. Weights are least-squares fits along the
    order; those above the threshold are kept and fitted again.

    Args:
        gram: `[variable, variable]`, covariance.
        l1: penalty of the path, scalar.
        threshold: weights of at most this size are dropped, scalar.
        method: the continuous method.
        refine: whether to refine the order; otherwise the weights of the path are returned, with the threshold raised
            until the graph is acyclic.
    """
    gram, noise = in_units_of_noise(gram)
    path = _PATHS[method](gram, l1 / noise)
    kept, cut = cut_to_acyclic(jnp.where(jnp.abs(path.weights) > threshold, path.weights, 0.0))
    if refine:
        guess = strongest_acyclic(jnp.where(jnp.abs(path.weights) > threshold, jnp.abs(path.weights), 0.0))
        order, sweeps = refined_order(gram, topological_order(guess), _MAX_SWEEPS)
        return _along(gram, order, threshold)._replace(iterations=path.iterations, sweeps=sweeps)
    weights = path.weights
    return Structure(
        weights=weights,
        adjacency=jnp.where(kept, weights, 0.0),
        h=trace_exponential(weights),
        threshold=jnp.maximum(cut, threshold),
        order=topological_order(kept),
        iterations=path.iterations,
        sweeps=jnp.zeros((), jnp.int32),
    )


def in_units_of_noise(gram: Array) -> tuple[Array, Array]:
    """The covariance divided by the variance of the noise, and that variance; weights do not depend on a common unit.

    For a variable that drives no other, the variance left unexplained by all others is that of its noise; for any other
    variable it is smaller. So the noise variance is the largest of them.
    """
    gram = gram + _RIDGE * jnp.trace(gram) / gram.shape[0] * jnp.eye(gram.shape[0])
    noise = jnp.max(1.0 / jnp.diag(jnp.linalg.inv(gram)))
    return gram / noise, noise


def _along(gram: Array, order: Array, threshold: Array) -> Structure:
    """Weights along an order; since no cycle can arise, the threshold is never raised."""
    position = jnp.argsort(order)
    weights = regression_weights(gram, position[:, None] < position)
    kept = jnp.abs(weights) > threshold
    zero = jnp.zeros((), jnp.int32)
    h = trace_exponential(weights)
    return Structure(weights, regression_weights(gram, kept), h, threshold, order, zero, zero)
