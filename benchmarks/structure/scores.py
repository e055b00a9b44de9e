"""Distances between a graph found and the true one. Needs numpy alone.

Directed graphs are `[source, target]`, an edge wherever the entry is not 0. A CPDAG is a boolean matrix of the same
shape in which an edge without direction is set both ways.
"""

import numpy as np


def distance(found: np.ndarray, true: np.ndarray) -> int:
    """Structural Hamming distance: pairs whose edge is missing, extra, reversed or undirected on one side alone."""
    differs = (np.asarray(found) != 0) ^ (np.asarray(true) != 0)
    return int(np.triu(differs | differs.T, 1).sum())


def skeleton_distance(found: np.ndarray, true: np.ndarray) -> int:
    """Pairs that are adjacent in one graph alone."""
    return int(np.triu(_skeleton(found) ^ _skeleton(true), 1).sum())


def cpdag_distance(found: np.ndarray, true: np.ndarray) -> int:
    """Pairs that differ between two CPDAGs, the first given as such and the second as an acyclic graph."""
    return distance(found, cpdag(true))


def cpdag(dag: np.ndarray) -> np.ndarray:
    """The CPDAG of an acyclic graph: v-structures, then Meek's rules 1 to 3 (Meek 1995) until nothing changes."""
    dag = np.asarray(dag) != 0
    mark = _skeleton(dag)
    adjacent = mark.copy()
    for j in range(len(dag)):
        parents = np.flatnonzero(dag[:, j])
        for a in parents:
            if any(not adjacent[a, b] for b in parents if b != a):
                mark[j, a] = False
    while _orient(mark, adjacent):
        pass
    return mark


def _orient(mark: np.ndarray, adjacent: np.ndarray) -> bool:
    """Direct, in place, every undirected edge that Meek's rules force; whether any was."""
    changed = False
    for a, b in np.argwhere(mark & mark.T):
        if mark[a, b] and mark[b, a] and _forced(mark, adjacent, a, b):
            mark[b, a] = False
            changed = True
    return changed


def _forced(mark: np.ndarray, adjacent: np.ndarray, a: int, b: int) -> bool:
    """Whether a - b must be a -> b."""
    directed, undirected = mark & ~mark.T, mark & mark.T
    if (directed[:, a] & ~adjacent[:, b] & (np.arange(len(mark)) != b)).any():  # c -> a, c not next to b
        return True
    if (directed[a] & directed[:, b]).any():  # a -> c -> b would close a cycle
        return True
    between = np.flatnonzero(undirected[a] & directed[:, b])  # a - c -> b and a - e -> b, c not next to e
    return any(not adjacent[c, e] for c in between for e in between if c < e)


def f1(found: np.ndarray, true: np.ndarray) -> float:
    """Harmonic mean of precision and recall of the edges; 1 if both graphs are empty."""
    found, true = np.asarray(found) != 0, np.asarray(true) != 0
    both = int((found & true).sum())
    total = int(found.sum() + true.sum())
    return 2.0 * both / total if total else 1.0


def auroc(score: np.ndarray, is_edge: np.ndarray) -> float:
    """Chance that an edge scores above a non-edge; ties count half. Not a number without both kinds."""
    yes, no = score[is_edge][:, None], score[~is_edge]
    return float(((yes > no) + 0.5 * (yes == no)).mean()) if yes.size and no.size else float("nan")


def shop_aurocs(score: np.ndarray, group: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROC of each shop's edges, `[shop]`: of pairs (the largest score over lags), and of pairs by lag.

    Args:
        score: `[shop, lag, source, target]`, 0 or above. A variable's effect on itself is left out.
        group: `[shop]`, the shop's true group.
        edges: `[group, lag, source, target]`, whether there is an edge.
    """
    other = ~np.eye(score.shape[-1], dtype=bool)
    of_pairs, by_lag = [], []
    for own, label in zip(score, group, strict=True):
        true = edges[label]
        of_pairs.append(auroc(own.max(axis=0)[other], true.any(axis=0)[other]))
        by_lag.append(auroc(own[:, other].ravel(), true[:, other].ravel()))
    return np.array(of_pairs), np.array(by_lag)


def adjusted_rand(found: np.ndarray, true: np.ndarray) -> float:
    """Adjusted Rand index of two labellings (Hubert & Arabie 1985): 1 if equal up to names, 0 on average by chance."""
    _, a = np.unique(found, return_inverse=True)
    _, b = np.unique(true, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    together, rows, columns = (_pairs(t).sum() for t in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = rows * columns / _pairs(np.array(float(len(a))))
    largest = 0.5 * (rows + columns)
    return float((together - expected) / (largest - expected)) if largest != expected else 1.0


def _pairs(count: np.ndarray) -> np.ndarray:
    return count * (count - 1.0) / 2.0


def _skeleton(graph: np.ndarray) -> np.ndarray:
    edges = np.asarray(graph) != 0
    return edges | edges.T
