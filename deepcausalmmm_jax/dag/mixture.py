"""Which units share a graph: groups by likelihood, from several starts.

Before any graph is known, a group's regressions hold all candidates: those from rows before, and within a row those
variables that stand before the target. Any order of the variables describes the same Gaussian law.
"""

import numpy as np

from deepcausalmmm_jax.dag.edge_rules import EdgeRules
from deepcausalmmm_jax.dag.unit_moments import UnitMoments, misfits, regressions, unexplained

_STARTS = 12
_ROUNDS = 40  # limit of reassignments
_REWEIGHTED = 2  # regressions in a round, each with the noise that the one before leaves
_COMPONENTS_A_GROUP = 2  # principal components of the units' own estimates, a group


def saturated(rules: EdgeRules, d: int) -> np.ndarray:
    """Boolean `[D, target]`: all candidates of a description without a graph."""
    allowed = rules.free | rules.required
    allowed[:d] = np.triu(np.ones((d, d), bool), 1)
    return allowed


def group_regressions(
    moments: UnitMoments, group: np.ndarray, k: int, allowed: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """Coefficients of each group, `[group, D, target]`.

    Args:
        moments: of all units.
        group: `[unit]`, 0 to k - 1.
        k: number of groups.
        allowed: boolean, `[D, target]` or `[group, D, target]`.
        start: coefficients that say how noisy each unit is, as returned; None for no effects.
    """
    D, d = allowed.shape[-2:]
    by_group = np.broadcast_to(allowed, (k, D, d))
    found = np.zeros((k, D, d)) if start is None else start.copy()
    for g in range(k):
        inside = (group == g)[:, None]
        for _ in range(_REWEIGHTED):
            found[g] = regressions(moments, inside / unexplained(moments, found[g]), by_group[g])
    return found


def assigned(moments: UnitMoments, coefficients: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest group of each unit, and twice the negative log-likelihood under each, `[unit, group]`.

    Args:
        moments: of all units.
        coefficients: `[group, D, target]`.
        group: `[unit]`, before; larger groups are likelier.
    """
    k = len(coefficients)
    size = np.maximum(np.bincount(group, minlength=k), 0.5)
    costs = np.stack([misfits(moments, b) for b in coefficients], axis=1) - 2.0 * np.log(size / size.sum())
    return costs.argmin(axis=1), costs


def settle(
    moments: UnitMoments, group: np.ndarray, k: int, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Regressions and assignments in turn, until none changes.

    Returns:
        The group of each unit, the coefficients, and the total cost; a group may end empty.
    """
    coefficients = None
    for _ in range(_ROUNDS):
        coefficients = group_regressions(moments, group, k, allowed, coefficients)
        new, costs = assigned(moments, coefficients, group)
        if (new == group).all():
            break
        group = new
    assert coefficients is not None
    return group, coefficients, float(costs.min(axis=1).sum())


def cluster(moments: UnitMoments, k: int, rules: EdgeRules, rng: np.random.Generator) -> np.ndarray:
    """The best of several runs of `settle`, each from groups of similar units; `[unit]`."""
    n_units = len(moments.counts)
    if k == 1:
        return np.zeros(n_units, int)
    allowed = saturated(rules, moments.products.shape[1])
    places = _similarity(moments, allowed, _COMPONENTS_A_GROUP * k)
    best, least = np.arange(n_units) % k, np.inf
    for _ in range(_STARTS):
        group, _, cost = settle(moments, _nearest(places, k, rng), k, allowed)
        if cost < least and len(np.unique(group)) == k:
            best, least = group, cost
    return best


def _similarity(moments: UnitMoments, allowed: np.ndarray, components: int) -> np.ndarray:
    """Principal components of the units' scores: how each would move the coefficients that all share, `[unit, ...]`."""
    n_units, d = moments.products.shape[:2]
    shared = group_regressions(moments, np.zeros(n_units, int), 1, allowed)[0]
    index = np.arange(d)
    towards = moments.products[:, index, :, index].transpose(1, 0, 2) - np.einsum(
        "ujab,bj->uja", moments.products, shared, optimize=True
    )
    spread = np.sqrt(np.maximum(np.einsum("ujaa->uja", moments.products), 1e-300))
    noise = np.sqrt(unexplained(moments, shared))[:, :, None]
    scores = (towards / (spread * noise) * allowed.T).reshape(n_units, -1)
    scores -= scores.mean(axis=0)
    left, size, _ = np.linalg.svd(scores, full_matrices=False)
    kept = min(components, len(size))
    return np.asarray(left[:, :kept] * size[:kept])


def _nearest(places: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Groups around k units far from one another (k-means++, Arthur & Vassilvitskii 2007), then Lloyd's rounds."""
    chosen = [int(rng.integers(len(places)))]
    while len(chosen) < k:
        far = ((places[:, None] - places[chosen]) ** 2).sum(axis=2).min(axis=1)
        total = far.sum()
        odds = far / total if total > 0 else np.full(len(places), 1.0 / len(places))
        chosen.append(int(rng.choice(len(places), p=odds)))
    centres = places[chosen]
    for _ in range(_ROUNDS):
        group = ((places[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        moved = np.stack([places[group == g].mean(axis=0) if (group == g).any() else centres[g] for g in range(k)])
        if np.allclose(moved, centres):
            break
        centres = moved
    return np.asarray(group)
