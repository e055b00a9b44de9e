r"""Parents of a variable by stepwise regression under the Bayesian information criterion, for many targets at once.

The samples enter through their correlations alone. A regression is a covariance matrix *swept* on its parents
(Goodnight 1979, "A tutorial on the SWEEP operator"): entry [j, j] is then the variance of j that the parents leave
unexplained, and adding or removing any one variable i would change it to $A_{jj} - A_{ij}^2 / A_{ii}$, whichever of the
two it is.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

_UNMET = 1e12  # cost of a required parent that is not allowed: no order with one is chosen
_COLLINEAR = 1e-9  # of a variance of 1: what is left of a variable that its regressors explain wholly
_BETTER = 1e-9  # least decrease of a cost that counts
_STEPS_A_VARIABLE = 2  # limit of steps: each variable may enter and leave


class Candidates(NamedTuple):
    """What the search knows of the samples; `D` variables, of which the first `d` may be targets."""

    correlation: Array  # [D, D], or [target, D, D] where each target has its own; collinear variables are allowed
    n_rows: Array  # [], observations
    penalty: Array  # [], cost of a parent, in units of twice the log-likelihood
    required: Array  # boolean [D, target], parents that a target must have
    noise: Array  # [target], variance of the noise, of variables scaled to variance 1; infinite: each has its own


class Regressions(NamedTuple):
    """Stepwise regressions of a batch of targets."""

    cost: Array  # [batch], twice the negative log-likelihood + penalty * number of parents
    parents: Array  # boolean [batch, D]
    coefficients: Array  # [batch, D], of variables scaled to variance 1; 0 for those that are no parents
    variance: Array  # [batch], unexplained, of a variable scaled to variance 1


class _State(NamedTuple):
    swept: Array  # [batch, D, D]
    inside: Array  # boolean [batch, D]
    improved: Array  # boolean [batch], by the last step
    steps: Array  # []


def stepwise(candidates: Candidates, targets: Array, allowed: Array, *, pairs: bool = False) -> Regressions:
    """Add or remove the one variable that lowers the cost most, until none does.

    Args:
        candidates: the samples.
        targets: `[batch]`, indices of the variables to explain.
        allowed: boolean `[batch, D]`, variables that may be parents; never the target itself.
        pairs: whether two variables may enter at once where one alone does not pay: parents whose effects nearly cancel
            are seen only together. Takes about four times as long.
    """
    batch, D = allowed.shape
    rows = jnp.arange(batch)
    required = candidates.required.T[targets]
    wanted = required & allowed
    limit = _STEPS_A_VARIABLE * D

    def step(state: _State) -> _State:
        cost = _costs_of_steps(candidates, targets, state)
        cost = jnp.where(wanted, jnp.where(state.inside, jnp.inf, cost - _UNMET), cost)
        cost = jnp.where(allowed, cost, jnp.inf)
        k = jnp.argmin(cost, axis=1)
        return _toggled(state, k, cost[rows, k] < -_BETTER)

    def pair(state: _State) -> _State:
        fresh = allowed & ~state.inside
        explained = jnp.where(fresh[:, :, None] & fresh[:, None, :], _explained_by_pairs(targets, state), 0.0)
        best = jnp.argmax(explained.reshape(batch, -1), axis=1)
        own = state.swept[rows, targets, targets]
        left = own - explained.reshape(batch, -1)[rows, best]
        gain = misfit(candidates, targets, left) - misfit(candidates, targets, own) + 2.0 * candidates.penalty
        improves = gain < -_BETTER
        return _toggled(_toggled(state, best // D, improves), best % D, improves)

    def goes_on(state: _State) -> Array:
        return jnp.any(state.improved) & (state.steps < limit)

    shared = candidates.correlation.ndim == 2
    start = jnp.broadcast_to(candidates.correlation, (batch, D, D)) if shared else candidates.correlation[targets]
    state = _State(start, jnp.zeros((batch, D), bool), jnp.ones(batch, bool), jnp.zeros((), jnp.int32))
    if pairs:
        state = jax.lax.while_loop(goes_on, lambda state: pair(jax.lax.while_loop(goes_on, step, state)), state)
    else:
        state = jax.lax.while_loop(goes_on, step, state)
    variance = jnp.maximum(state.swept[rows, targets, targets], _COLLINEAR)
    unmet = (required & ~state.inside).sum(axis=1)
    cost = misfit(candidates, targets, variance) + candidates.penalty * state.inside.sum(axis=1) + _UNMET * unmet
    return Regressions(cost, state.inside, jnp.where(state.inside, state.swept[rows, :, targets], 0.0), variance)


def _costs_of_steps(candidates: Candidates, targets: Array, state: _State) -> Array:
    """Change of the cost by adding or removing each variable, `[batch, D]`."""
    rows = jnp.arange(len(targets))
    diagonal = jnp.diagonal(state.swept, axis1=1, axis2=2)
    own = state.swept[rows, targets, targets][:, None]
    free = jnp.abs(diagonal) > _COLLINEAR
    left = own - state.swept[rows, :, targets] ** 2 / jnp.where(free, diagonal, 1.0)
    gain = misfit(candidates, targets[:, None], left) - misfit(candidates, targets[:, None], own)
    return jnp.where(free, gain + candidates.penalty * jnp.where(state.inside, -1.0, 1.0), jnp.inf)


def _explained_by_pairs(targets: Array, state: _State) -> Array:
    """Variance that each pair of variables would explain together, `[batch, D, D]`; 0 for collinear ones."""
    rows = jnp.arange(len(targets))
    diagonal = jnp.diagonal(state.swept, axis1=1, axis2=2)
    with_target = state.swept[rows, :, targets]
    determinant = diagonal[:, :, None] * diagonal[:, None, :] - state.swept**2
    half = with_target[:, :, None] ** 2 * diagonal[:, None, :]
    cross = with_target[:, :, None] * with_target[:, None, :] * state.swept
    explained = half + jnp.swapaxes(half, 1, 2) - 2.0 * cross
    return jnp.where(determinant > _COLLINEAR, explained / jnp.maximum(determinant, _COLLINEAR), 0.0)


def _toggled(state: _State, k: Array, improves: Array) -> _State:
    """One variable a row added or removed, where that improves."""
    rows = jnp.arange(len(k))
    was = state.inside[rows, k]
    swept = jnp.where(improves[:, None, None], _swept(state.swept, k, was), state.swept)
    return _State(swept, state.inside.at[rows, k].set(was ^ improves), improves, state.steps + 1)


def misfit(candidates: Candidates, targets: Array, variance: Array) -> Array:
    """Twice the negative log-likelihood of targets whose parents leave this variance unexplained, less a constant."""
    noise = candidates.noise[targets]
    # Both by one program: what compiles here is most of the wait for a graph.
    of_its_own = jnp.log(jnp.maximum(variance, _COLLINEAR))
    return candidates.n_rows * jnp.where(jnp.isinf(noise), of_its_own, variance / noise)


def _swept(matrices: Array, k: Array, inside: Array) -> Array:
    """Each matrix swept on one variable, or swept back where that variable is inside already."""
    rows = jnp.arange(len(k))
    column = matrices[rows, :, k]
    pivot = matrices[rows, k, k][:, None]
    sign = jnp.where(inside, -1.0, 1.0)[:, None]
    edge = (sign * column / pivot).at[rows, k].set(-1.0 / pivot[:, 0])
    swept = matrices - column[:, :, None] * (column / pivot)[:, None, :]
    swept = swept.at[rows, :, k].set(edge)
    return swept.at[rows, k, :].set(edge)
