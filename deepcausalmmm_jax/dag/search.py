"""The search for a graph whatever the units, from several orders and from the best of them disturbed."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.dag.order_search import Ordered, along, moves, searched
from deepcausalmmm_jax.dag.stepwise import Candidates
from deepcausalmmm_jax.io.quick_compile import jit_often

_STARTS, _ROUNDS = 3, 8  # random orders; disturbances of the best order found
_LARGE, _STARTS_OF_LARGE, _ROUNDS_OF_LARGE = 40, 2, 6  # from so many variables on a search takes long
_OTHER_STARTS = 3  # of the search with shapes
_DISTURBED = 5  # one variable in so many is moved


class Found(NamedTuple):
    """Result of a search."""

    best: Ordered
    reversal: Array  # [d, d], [i, j]: by how much the cost rises at least where i comes after j, or 0 where it may


def penalty(count: float, n_candidates: int) -> float:
    r"""Cost of a parent under the extended Bayesian information criterion: $\log n + 2 \log D$.

    Foygel & Drton 2010, "Extended Bayesian information criteria for Gaussian graphical models", with gamma 1.
    """
    return math.log(count) + 2.0 * math.log(n_candidates)


def search(candidates: Candidates, free: Array, key: Array, *, d: int) -> Ordered:
    """The best graph found under Gaussian noise with a variance a variable.

    Args:
        candidates: correlations of the samples.
        free: boolean `[D, d]`, pairs that may be linked.
        key: random key of the starts.
        d: number of variables.
    """
    return refine(candidates, free, _from_several_starts(candidates, free, key, d=d))


@jit_often("d")
def _from_several_starts(candidates: Candidates, free: Array, key: Array, *, d: int) -> Array:
    """The best order found from random ones and from itself disturbed, `[d]`; arguments as for `search`.

    The local search stands in the program once, for both: it is what takes long to compile.
    """
    starts, rounds = (_STARTS_OF_LARGE, _ROUNDS_OF_LARGE) if d >= _LARGE else (_STARTS, _ROUNDS)
    dtype = candidates.correlation.dtype

    def disturbed(order: Array, key: Array) -> Array:
        which, where = jax.random.split(key)
        place = jnp.argsort(order).astype(dtype)
        moved = jax.random.permutation(which, d)[: max(2, d // _DISTURBED)]
        return jnp.argsort(place.at[moved].set(jax.random.uniform(where, moved.shape) * d))

    def turn(best: Ordered, given: tuple[Array, Array]) -> tuple[Ordered, None]:
        key, is_start = given
        order = jnp.where(is_start, jax.random.permutation(key, d), disturbed(best.order, key))
        return _cheaper(searched(candidates, free, order), best), None

    nothing = Ordered(jnp.arange(d), jnp.full(d, jnp.inf, dtype), jnp.zeros(free.shape, bool))
    turns = jax.random.split(key, starts + rounds), jnp.arange(starts + rounds) < starts
    return jax.lax.scan(turn, nothing, turns)[0].order


@jit_often()
def refine(candidates: Candidates, free: Array, order: Array) -> Ordered:
    """Local search from one order alone."""
    return searched(candidates, free, order, pairs=True)


@jit_often()
def given_order(candidates: Candidates, free: Array, order: Array) -> Ordered:
    """Parents and costs along an order that is kept."""
    return along(candidates, free, order)


@jit_often()
def search_shapes(candidates: Candidates, free: Array, order: Array, samples: Array, key: Array) -> Found:
    """Search on from an order and from random ones, with the shape of the residuals in the cost.

    Shapes tell directions that correlations cannot tell.

    Args:
        candidates: correlations of the samples.
        free: boolean `[D, d]`, pairs that may be linked.
        order: `[d]`, the best under Gaussian noise.
        samples: `[row, D]`, of mean 0 and variance 1.
        key: random key of the other starts.
    """
    d = len(order)
    others = jax.vmap(lambda k: jax.random.permutation(k, d))(jax.random.split(key, _OTHER_STARTS))
    starts = jnp.concatenate([order[None], others])
    found = jax.lax.map(lambda start: searched(candidates, free, start, samples), starts)
    best = jax.tree.map(lambda leaf: leaf[jnp.argmin(found.costs.sum(axis=1))], found)
    return Found(best, reversals(candidates, free, best, samples))


@jit_often()
def reversals(candidates: Candidates, free: Array, best: Ordered, samples: Array | None) -> Array:
    """By how much the cost rises at least where variable i comes after j, `[i, j]`; 0 where it may.

    Args:
        candidates: correlations of the samples.
        free: boolean `[D, d]`, pairs that may be linked.
        best: the graph found.
        samples: as for `search_shapes`; None under Gaussian noise.
    """
    total, d = best.costs.sum(), len(best.order)
    place = jnp.argsort(best.order)

    def totals(v: Array) -> Array:
        _, _, without, with_v, own = moves(candidates, free, best.order, best.costs, v, samples)
        before = jnp.cumsum(jnp.append(0.0, without))
        return own + before + jnp.cumsum(jnp.append(0.0, with_v[::-1]))[::-1]

    by_place = jax.lax.map(totals, jnp.arange(d))  # [variable, its place]
    places = jnp.arange(d)
    # i at the place of j or later, or j at the place of i or earlier
    later = jnp.where(places >= place[None, :, None], by_place[:, None, :], jnp.inf).min(axis=2)
    earlier = jnp.where(places <= place[:, None, None], by_place[None, :, :], jnp.inf).min(axis=2)
    return jnp.maximum(jnp.minimum(later, earlier) - total, 0.0)


def _cheaper(new: Ordered, old: Ordered) -> Ordered:
    better = new.costs.sum() < old.costs.sum()
    return jax.tree.map(lambda a, b: jnp.where(better, a, b), new, old)
