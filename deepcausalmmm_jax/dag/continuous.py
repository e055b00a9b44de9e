r"""Continuous paths to a sparse, nearly acyclic graph: minimise $\frac12 \mathrm{tr}((I-W)^T S (I-W)) + \lambda |W|_1$.

S is the covariance. The samples enter only through it, so that a step costs $d^3$ whatever their number.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.ops.acyclicity import trace_exponential

_H_TOLERANCE = 1e-8
# Trace-exponential: stages of an augmented Lagrangian, Adam steps in each, first step size.
_OUTER, _INNER, _STEP = 30, 300, 0.005
_RHO_START, _RHO_GROWTH, _RHO_LIMIT, _ENOUGH_FALL = 0.01, 2.0, 1e8, 0.25
# Log-determinant: weight of the loss and Adam steps of each stage; step size.
_CENTRAL_PATH = ((1.0, 1500), (0.1, 1500), (0.01, 1500), (0.001, 3000))
_CENTRAL_STEP = 0.003
_SLACK = 1e-6


class Path(NamedTuple):
    """Result of a path."""

    weights: Array  # [variable, variable], entry [i, j]: effect of one unit of variable i on variable j
    iterations: Array  # [], int32, gradient steps


def notears_path(gram: Array, l1: Array) -> Path:
    r"""Augmented Lagrangian of $h(W) = \mathrm{tr}\, e^{W \circ W} - d = 0$ (Zheng et al. 2018, "DAGs with NO TEARS").

    Each stage runs Adam with soft thresholding for the l1 term (Parikh & Boyd 2014, section 4.2) and a step size that
    falls to zero, then raises the penalty of h; the path ends when h is below 1e-8. The threshold follows each entry's
    own step size, which `optax.scale_by_adam` does not return: hence Adam is written out here.

    Args:
        gram: S, `[variable, variable]`.
        l1: lambda, scalar.
    """
    d = gram.shape[0]
    identity, off_diagonal = jnp.eye(d), 1.0 - jnp.eye(d)
    measure = jax.value_and_grad(trace_exponential)

    def stage(state: tuple[Array, Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array, Array]:
        weights, rho, alpha, last_h, stages = state

        def step(carry: tuple[Array, Array, Array], k: Array) -> tuple[tuple[Array, Array, Array], None]:
            weights, first, second = carry
            h, slope = measure(weights)
            gradient = (gram @ (weights - identity) + (alpha + rho * h) * slope) * off_diagonal
            first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
            spread = jnp.sqrt(second / (1.0 - 0.99 ** (k + 1.0))) + 1e-6
            size = 0.5 * _STEP * (1.0 + jnp.cos(jnp.pi * k / _INNER)) / spread
            weights = weights - size * first / (1.0 - 0.9 ** (k + 1.0))
            weights = jnp.sign(weights) * jnp.maximum(jnp.abs(weights) - size * l1, 0.0)
            return (weights, first, second), None

        zero = jnp.zeros((d, d))
        (weights, _, _), _ = jax.lax.scan(step, (weights, zero, zero), jnp.arange(_INNER, dtype=jnp.float32))
        h = trace_exponential(weights)
        rho = jnp.where(h > _ENOUGH_FALL * last_h, jnp.minimum(rho * _RHO_GROWTH, _RHO_LIMIT), rho)
        return weights, rho, alpha + rho * h, h, stages + 1

    def goes_on(state: tuple[Array, Array, Array, Array, Array]) -> Array:
        return (state[3] > _H_TOLERANCE) & (state[4] < _OUTER)

    inf, zero = jnp.asarray(jnp.inf), jnp.zeros(())
    start = (jnp.zeros((d, d)), jnp.asarray(_RHO_START), zero, inf, jnp.zeros((), jnp.int32))
    weights, _, _, _, stages = jax.lax.while_loop(goes_on, stage, start)
    return Path(weights, stages * _INNER)


def dagma_path(gram: Array, l1: Array) -> Path:
    r"""Central path of $\mu (\mathrm{loss} + \lambda |W|_1) - \log\det(I - W \circ W)$ (Bello et al. 2022, "DAGMA").

    mu decreases from stage to stage. A step that would leave the region where the log-determinant is valid (where no
    entry of the inverse of $I - W \circ W$ is negative) is rejected, and the step size is halved.

    Args:
        gram: S, `[variable, variable]`.
        l1: lambda, scalar.
    """
    weights = jnp.zeros(gram.shape)
    for mu, steps in _CENTRAL_PATH:  # stages, unrolled at compile time
        weights = _central_stage(gram, l1, weights, mu, steps)
    return Path(weights, jnp.asarray(sum(steps for _, steps in _CENTRAL_PATH), jnp.int32))


def _central_stage(gram: Array, l1: Array, start: Array, mu: float, steps: int) -> Array:
    d = gram.shape[0]
    identity, off_diagonal = jnp.eye(d), 1.0 - jnp.eye(d)
    adam = optax.scale_by_adam(b1=0.99, b2=0.999)

    def step(
        carry: tuple[Array, Array, optax.OptState, Array], _: None
    ) -> tuple[tuple[Array, Array, optax.OptState, Array], None]:
        weights, inverse, moments, size = carry
        loss_slope = gram @ (weights - identity) + l1 * jnp.sign(weights)
        gradient = (mu * loss_slope + 2.0 * weights * inverse.T) * off_diagonal
        direction, moments = adam.update(gradient, moments)
        proposed = weights - size * direction
        proposed_inverse = jnp.linalg.inv(identity - proposed**2)
        valid = jnp.all(proposed_inverse > -_SLACK)
        return (
            jnp.where(valid, proposed, weights),
            jnp.where(valid, proposed_inverse, inverse),
            moments,
            jnp.where(valid, size, 0.5 * size),
        ), None

    first_inverse = jnp.linalg.inv(identity - start**2)
    carry = (start, first_inverse, adam.init(start), jnp.asarray(_CENTRAL_STEP))
    (weights, *_), _ = jax.lax.scan(step, carry, length=steps)
    return weights
