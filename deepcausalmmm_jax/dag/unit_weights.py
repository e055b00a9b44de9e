"""Units of a group that share edges and differ in their weights: how much, and each unit's own (empirical Bayes).

A unit's weight on an edge is its group's plus a deviation of its own, normal with a variance that the group's units
share (Morris 1983, "Parametric empirical Bayes inference"). Without deviations, units with strong and with weak effects
along the same edges would pass for two groups.
"""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.dag.samples import Samples
from deepcausalmmm_jax.dag.unit_moments import UnitMoments

_ROUNDS = 2  # weights and noise in turn
_RIDGE = 1e-9  # of the moments
_LEAST = 1e-12  # of a variance that is left


class OwnWeights(NamedTuple):
    """What units are under one group."""

    weights: np.ndarray  # [unit, D, d]
    noise: np.ndarray  # [unit, d], variances
    costs: np.ndarray  # [unit], twice the negative log-likelihood, deviations integrated out


class _Target(NamedTuple):
    """One target's moments with its parents."""

    inner: np.ndarray  # [unit, parent, parent]
    left: np.ndarray  # [unit, parent]
    own: np.ndarray  # [unit]
    rows: np.ndarray  # [unit]
    shared: np.ndarray  # [parent]

    def noise(self, weights: np.ndarray) -> np.ndarray:
        """Variance left under weights `[unit, parent]`."""
        fitted = np.einsum("ua,uab,ub->u", weights, self.inner, weights)
        left = self.own - 2.0 * (weights * self.left).sum(axis=1) + fitted
        return np.asarray(np.maximum(left, _LEAST * np.maximum(self.own, _LEAST)) / self.rows)


def spread_of_weights(moments: UnitMoments, units: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Variance over units of each weight, beyond that of estimation; `[D, d]`, 0 where units do not differ.

    Args:
        moments: of all units.
        units: indices of the group's.
        shared: `[D, d]`, the group's weights; 0 where there is no edge.
    """
    spread = np.zeros_like(shared)
    for j in range(shared.shape[1] if len(units) > 1 else 0):
        parents = np.flatnonzero(shared[:, j])
        target = _target(moments, units, parents, j, shared)
        noise = target.noise(np.broadcast_to(target.shared, target.left.shape))
        ridge = _RIDGE * np.einsum("uaa->u", target.inner)[:, None, None] * np.eye(len(parents))
        covariance = np.linalg.inv(target.inner + ridge)
        deviation = np.einsum("uab,ub->ua", covariance, target.left) - target.shared
        for _ in range(_ROUNDS):
            error = np.einsum("uaa->ua", covariance) * noise[:, None]
            spread[parents, j] = np.maximum((deviation**2 - error).mean(axis=0), 0.0)
            noise = target.noise(target.shared + _shrunk(target, spread[parents, j], noise)[0])
    return spread


def own_weights(moments: UnitMoments, units: np.ndarray, shared: np.ndarray, spread: np.ndarray) -> OwnWeights:
    """Weights of each unit between its own least squares and the group's, by how much units differ.

    Args:
        moments: of all units.
        units: indices of those asked for.
        shared: `[D, d]`, the group's weights.
        spread: `[D, d]`, their variance over units.
    """
    weights = np.repeat(shared[None], len(units), axis=0)
    noise, costs = np.zeros((len(units), shared.shape[1])), np.zeros(len(units))
    for j in range(shared.shape[1]):
        parents = np.flatnonzero(shared[:, j])
        target = _target(moments, units, parents, j, shared)
        noise[:, j] = target.noise(weights[:, parents, j])
        priced = np.zeros(len(units))
        for _ in range(_ROUNDS):
            deviation, priced = _shrunk(target, spread[parents, j], noise[:, j])
            weights[:, parents, j] = target.shared + deviation
            noise[:, j] = target.noise(weights[:, parents, j])
        costs += target.rows * np.log(noise[:, j]) + priced
    return OwnWeights(weights, noise, costs)


def persistence(samples: Samples, weights: np.ndarray) -> np.ndarray:
    """Effects of each variable's own earlier rows, `[unit, D, d]`, given each unit's other weights."""
    d, D = samples.n_variables, samples.values.shape[1]
    found = np.zeros_like(weights)
    if not samples.lags:
        return found
    for u in range(len(weights)):
        values = samples.values[samples.unit == u]
        rest = values[:, :d] - values @ weights[u]
        for j in range(d):
            own = np.arange(d + j, D, d)
            found[u, own, j] = np.linalg.lstsq(values[:, own], rest[:, j], rcond=None)[0]
    return found


def residuals(samples: Samples, weights: np.ndarray) -> np.ndarray:
    """What each unit's own weights leave, `[row, d]`, in standard deviations of the unit's residuals."""
    rest = np.zeros((len(samples.values), samples.n_variables))
    for u in range(len(weights)):
        rows = samples.unit == u
        own = samples.values[rows, : samples.n_variables] - samples.values[rows] @ weights[u]
        sd = np.sqrt((own**2).mean(axis=0))
        rest[rows] = own / np.where(sd > 0, sd, 1.0)
    return rest


def _target(moments: UnitMoments, units: np.ndarray, parents: np.ndarray, j: int, shared: np.ndarray) -> _Target:
    products = moments.products[units, j]
    return _Target(
        inner=products[:, parents[:, None], parents],
        left=products[:, parents, j],
        own=products[:, j, j],
        rows=moments.free_rows[units],
        shared=shared[parents, j],
    )


def _shrunk(target: _Target, spread: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviations `[unit, parent]`, and what they cost a unit: their size, and the room that they had, `[unit]`."""
    deviation, priced = np.zeros(target.left.shape), np.zeros(len(noise))
    free = np.flatnonzero(spread > 0)
    if not len(free):
        return deviation, priced
    information = target.inner[:, free[:, None], free] / noise[:, None, None]
    pull = (target.left - target.inner @ target.shared)[:, free] / noise[:, None]
    variance = spread[free]
    deviation[:, free] = np.linalg.solve(information + np.diag(1.0 / variance), pull[:, :, None])[:, :, 0]
    room = np.eye(len(free)) + np.sqrt(variance)[:, None] * information * np.sqrt(variance)
    return deviation, (deviation[:, free] ** 2 / variance).sum(axis=1) + np.linalg.slogdet(room)[1]
