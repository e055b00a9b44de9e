"""Search over orders of the variables for the graph of least cost, whatever the units (BOSS).

Given an order, each variable's parents are chosen among those before it, so that no cycle can arise and the cost of an
order is a sum over variables. One variable at a time moves to its best position until none does better ("best order
score search", Andrews et al. 2023, "Fast scalable and accurate discovery of DAGs using the best order score search and
grow-shrink trees"). The cost is twice the negative log-likelihood with a noise variance a variable, plus a penalty a
parent; it does not depend on units.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.dag.negentropy import negentropy
from deepcausalmmm_jax.dag.stepwise import Candidates, Regressions, stepwise

_MAX_SWEEPS = 30
_BETTER = 1e-6  # least decrease of a total cost that counts


class Ordered(NamedTuple):
    """The best order found."""

    order: Array  # [d], first to last
    costs: Array  # [d], by variable
    parents: Array  # boolean [D, d]


class _State(NamedTuple):
    order: Array
    costs: Array
    improved: Array
    sweeps: Array


def total_costs(
    candidates: Candidates, samples: Array | None, targets: Array, allowed: Array, *, pairs: bool = False
) -> Regressions:
    """Stepwise regressions, their costs lowered by what the shape of the residuals tells where samples are given."""
    found = stepwise(candidates, targets, allowed, pairs=pairs)
    if samples is None:
        return found
    residuals = samples.T[targets] - found.coefficients @ samples.T
    gain = 2.0 * candidates.n_rows * negentropy(residuals / jnp.sqrt(found.variance)[:, None])
    return found._replace(cost=found.cost - gain)


def along(
    candidates: Candidates, free: Array, order: Array, samples: Array | None = None, *, pairs: bool = False
) -> Ordered:
    """Parents and costs of all variables for one order.

    Args:
        candidates: the samples' correlations.
        free: boolean `[D, d]`, pairs that may be linked: parent, target.
        order: `[d]`.
        samples: `[observation, D]`, scaled to mean 0 and variance 1, where the noise is not taken to be Gaussian.
        pairs: as for `stepwise`.
    """
    found = total_costs(candidates, samples, jnp.arange(len(order)), _before(order, free), pairs=pairs)
    return Ordered(order, found.cost, found.parents.T)


def regressions_along(candidates: Candidates, free: Array, order: Array) -> Regressions:
    """Regressions of all variables for one order, a row per variable; arguments as for `along`."""
    return stepwise(candidates, jnp.arange(len(order)), _before(order, free))


def searched(
    candidates: Candidates, free: Array, start: Array, samples: Array | None = None, *, pairs: bool = False
) -> Ordered:
    """Local search from one order; arguments as for `along`."""
    d = len(start)

    def move(v: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        order, costs = state
        position, rest, without, with_v, own = moves(candidates, free, order, costs, v, samples, pairs=pairs)
        totals = own + jnp.cumsum(jnp.append(0.0, without)) + jnp.cumsum(jnp.append(0.0, with_v[::-1]))[::-1]
        best = jnp.argmin(totals)
        best = jnp.where(totals[best] < totals[position] - _BETTER, best, position)
        k = jnp.arange(d - 1)
        moved = jnp.where(jnp.arange(d) < best, jnp.append(rest, v), jnp.roll(jnp.append(rest, v), 1)).at[best].set(v)
        return moved, costs.at[rest].set(jnp.where(k < best, without, with_v)).at[v].set(own[best])

    def sweep(state: _State) -> _State:
        order, costs = jax.lax.fori_loop(0, d, move, (state.order, state.costs))
        return _State(order, costs, costs.sum() < state.costs.sum() - _BETTER, state.sweeps + 1)

    first = along(candidates, free, start, samples, pairs=pairs)
    state = _State(start, first.costs, jnp.asarray(True), jnp.zeros((), jnp.int32))
    state = jax.lax.while_loop(lambda s: s.improved & (s.sweeps < _MAX_SWEEPS), sweep, state)
    return along(candidates, free, state.order, samples, pairs=pairs)


def moves(
    candidates: Candidates,
    free: Array,
    order: Array,
    costs: Array,
    v: Array,
    samples: Array | None,
    *,
    pairs: bool = False,
) -> tuple[Array, Array, Array, Array, Array]:
    """What the places of one variable cost.

    Returns:
        Its position; the others in their order, `[d - 1]`; their costs where v comes after them and before them,
        `[d - 1]` each; and v's own cost at each place, `[d]`.
    """
    d = len(order)
    position = jnp.argsort(order)[v]
    k = jnp.arange(d - 1)
    rest = order[jnp.where(k < position, k, k + 1)]
    place = jnp.full(d, d).at[rest].set(k)  # of each variable among the others; v has none
    prefixes = place < jnp.arange(d)[:, None]
    toggled = prefixes[: d - 1].at[:, v].set(k < position)
    targets = jnp.append(rest, jnp.full(d, v))
    allowed = _padded(jnp.concatenate([toggled, prefixes]), free.shape[0]) & free.T[targets]
    found = total_costs(candidates, samples, targets, allowed, pairs=pairs).cost
    now, other, own = costs[rest], found[: d - 1], found[d - 1 :]
    return position, rest, jnp.where(k < position, now, other), jnp.where(k < position, other, now), own


def _before(order: Array, free: Array) -> Array:
    """Boolean `[d, D]`: may the column be a parent of the row under this order; lagged variables always come before."""
    position = jnp.argsort(order)
    return _padded(position[None, :] < position[:, None], free.shape[0]) & free.T


def _padded(within: Array, D: int) -> Array:
    return jnp.pad(within, ((0, 0), (0, D - within.shape[1])), constant_values=True)
