"""Pairs without an edge that may have one all the same: directions must not rest on their being apart.

The criterion leaves out an edge that the samples show only faintly, and without it other directions follow from two
variables being apart that are not. What a faint edge leaves behind is a partial correlation that chance would seldom
make (compare the ambiguous colliders of Ramsey, Zhang & Spirtes 2006, "Adjacency-faithfulness and conservative causal
inference").
"""

import numpy as np
from scipy import stats

_LEVEL = 0.05  # chance of so large a partial correlation where there is no edge


def doubtful_pairs(correlation: np.ndarray, n_rows: int, parents: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Pairs of variables of which one still says something about the other, given that one's parents.

    Args:
        correlation: `[D, D]`, of the samples; the first `d` are the variables of a row.
        n_rows: number of samples.
        parents: boolean `[D, d]`, parents of each variable, acyclic within a row.
        free: boolean `[D, d]`, pairs that may be linked; a pair that is free neither way is apart.

    Returns:
        Boolean `[d, d]`, symmetric; never a pair that has an edge.
    """
    d = parents.shape[1]
    within = parents[:d]
    place = np.argsort(np.argsort(_ancestors(within).sum(axis=0), kind="stable"))
    apart = ~within & ~within.T & (free[:d] | free[:d].T) & (place[:, None] < place)
    least = -np.expm1(-stats.chi2.isf(_LEVEL, 1) / n_rows)  # squared partial correlation
    found = np.zeros((d, d), bool)
    for j in range(d):
        others = np.flatnonzero(apart[:, j])
        if len(others):
            found[others, j] = _squared_partial(correlation, j, others, np.flatnonzero(parents[:, j])) > least
    return found | found.T


def _ancestors(edges: np.ndarray) -> np.ndarray:
    """Boolean `[variable, variable]`: whether a directed path leads from the row to the column."""
    reach = edges.copy()
    for _ in range(len(edges).bit_length()):
        reach |= (reach.astype(int) @ reach.astype(int)) > 0
    return reach


def _squared_partial(correlation: np.ndarray, target: int, others: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Squared partial correlations of the target with each of the others, `[other]`; 0 for one that is given."""
    at = np.append(others, target)
    across = correlation[np.ix_(given, at)]
    explained = np.linalg.lstsq(correlation[np.ix_(given, given)], across, rcond=None)[0] if len(given) else across
    left = correlation[np.ix_(at, at)] - across.T @ explained
    variance = np.maximum(np.diag(left), 0.0)
    size = variance[:-1] * variance[-1]
    return np.where(size > 1e-18, left[:-1, -1] ** 2 / np.where(size > 1e-18, size, 1.0), 0.0)
