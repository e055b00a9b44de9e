"""A minimum of a smooth function of a few numbers, by a quasi-Newton method."""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

_CUT = 0.3  # of a step after which the function was larger
_ROUNDING = 5e-7  # of a value, by which another may be larger and count as no larger: single precision tells no less
_LEAST = 1e-30  # of what is divided by


class _Reached(NamedTuple):
    """The best point so far."""

    point: Array  # [number]
    value: Array  # []
    gradient: Array  # [number]
    inverse: Array  # [number, number], estimate of the inverse of the Hessian
    is_known: Array  # [], whether anything is known of the Hessian
    share: Array  # [], of the next step that is tried


def minimised(function: Callable[[Array], Array], start: Array, evaluations: int, longest: float) -> Array:
    """Where a smooth function is least, by steps of BFGS (Nocedal & Wright 2006, algorithm 6.1) without a line search.

    Every iteration is one evaluation of function and gradient, which a loop traces once. The line searches of JAX's and
    Optax's minimisers trace them several times, and the program takes as much longer to compile. A step after which the
    function is larger is not taken, and the next one is shorter.

    Args:
        function: of `[number]`, a scalar; a value that is not finite counts as larger than any other.
        start: `[number]`, where the function is finite.
        evaluations: of function and gradient, the one at the start included.
        longest: length of the longest step.

    Returns:
        `[number]`; the function is no larger there than at the start, but for rounding.

    Raises:
        AssertionError: a start that is no vector.
    """
    chex.assert_rank(start, 1)
    both = jax.value_and_grad(function)

    def step(reached: _Reached, _: None) -> tuple[_Reached, None]:
        downhill = -reached.gradient
        first = 0.5 * longest / jnp.maximum(jnp.linalg.norm(downhill), _LEAST)
        full = reached.share * jnp.where(reached.is_known, reached.inverse @ downhill, first * downhill)
        move = full * jnp.minimum(1.0, longest / jnp.maximum(jnp.linalg.norm(full), _LEAST))
        point = reached.point + move
        value, gradient = both(point)
        is_lower = value <= reached.value + _ROUNDING * jnp.abs(reached.value)
        inverse, is_known = _updated(reached, move, gradient - reached.gradient)
        taken = _Reached(point, value, gradient, inverse, is_known, jnp.ones_like(reached.share))
        cut = reached._replace(share=_CUT * reached.share)
        return jax.tree.map(lambda new, old: jnp.where(is_lower, new, old), taken, cut), None

    # From a gradient of 0 the first step leads nowhere, and evaluates the start.
    none, one = jnp.zeros_like(start), jnp.ones((), start.dtype)
    begin = _Reached(start, one * jnp.inf, none, jnp.diag(none), jnp.asarray(False), one)
    return jax.lax.scan(step, begin, length=evaluations)[0].point


def _updated(reached: _Reached, move: Array, change: Array) -> tuple[Array, Array]:
    """The inverse Hessian after a step with such a change of the gradient, and whether anything is known of it.

    It stays as it was where the function is not convex along the step. The first estimate has the step's curvature in
    all directions.
    """
    along, identity = change @ move, jnp.eye(move.size, dtype=move.dtype)
    is_convex = along > 1e-6 * jnp.linalg.norm(change) * jnp.linalg.norm(move)  # False of what is not finite
    per = 1.0 / jnp.where(is_convex, along, 1.0)
    first = identity / jnp.maximum(per * (change @ change), _LEAST)
    before = jnp.where(reached.is_known, reached.inverse, first)
    other = identity - per * jnp.outer(move, change)
    after = other @ before @ other.T + per * jnp.outer(move, move)
    return jnp.where(is_convex, after, reached.inverse), reached.is_known | is_convex
