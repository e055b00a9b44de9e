"""Markov equivalence: which directions of a graph observations of Gaussian variables can tell, and which not.

Graphs with the same skeleton and the same colliders imply the same independences (Verma & Pearl 1990); the edges that
all of them share are found by Meek's rules (Meek 1995, "Causal inference and causal explanation with background
knowledge").
"""

import numpy as np


def equivalence_class(
    edges: np.ndarray,
    free: np.ndarray | None = None,
    lagged: np.ndarray | None = None,
    doubtful: np.ndarray | None = None,
) -> np.ndarray:
    """The completed partially directed graph (CPDAG) of an acyclic graph.

    Args:
        edges: boolean `[variable, variable]`, [i, j] for the edge i -> j, acyclic.
        free: boolean `[variable, variable]`, pairs that may have an edge; a pair free one way alone is directed.
        lagged: boolean `[D, variable]`, edges from earlier rows, whose direction is known.
        doubtful: boolean `[variable, variable]`, symmetric, pairs without an edge that may have one all the same: no
            direction follows from their being apart. None: there are none, and the graph is the CPDAG proper.

    Returns:
        Boolean `[variable, variable]`: [i, j] alone for i -> j, both [i, j] and [j, i] for an edge whose direction
        observations do not tell.
    """
    d = len(edges)
    skeleton = edges | edges.T
    apart = ~skeleton & ~np.eye(d, dtype=bool)
    if doubtful is not None:
        apart &= ~doubtful
    directed = _colliders(edges, apart)
    if free is not None:
        directed |= edges & ~free.T
    if lagged is not None:  # an earlier variable drives one of the two alone: a collider one way, and none the other
        directed |= edges & (lagged[:, :, None] != lagged[:, None, :]).any(axis=0)
    directed = _closed(directed, skeleton, apart)
    return np.asarray(directed | (skeleton & ~directed.T)) & ~np.eye(d, dtype=bool)


def representative(cpdag: np.ndarray) -> np.ndarray:
    """One graph of an equivalence class: undecided edges run from the earlier variable where the rules leave a choice.

    All graphs of a class fit equally well; this one does not depend on which of them a search has met.

    Args:
        cpdag: boolean `[variable, variable]`, from `equivalence_class`.

    Returns:
        Boolean `[variable, variable]`, acyclic.
    """
    skeleton = cpdag | cpdag.T
    apart = ~skeleton & ~np.eye(len(cpdag), dtype=bool)
    directed = cpdag & ~cpdag.T
    while (open_edges := np.argwhere(np.triu(skeleton & ~directed & ~directed.T))).size:
        i, j = open_edges[0]
        directed[i, j] = True
        directed = _closed(directed, skeleton, apart)
    return directed


def _closed(directed: np.ndarray, skeleton: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """All directions that follow from some, by Meek's rules."""
    while True:
        new = _implied(directed, skeleton & ~directed & ~directed.T, apart)
        new &= ~new.T  # both ways, where doubtful pairs leave the rules at odds: then neither
        if not new.any():
            return directed
        directed = directed | new


def _colliders(edges: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Edges into a variable from two that are apart."""
    d = len(edges)
    directed = np.zeros((d, d), bool)
    for j in range(d):
        parents = np.flatnonzero(edges[:, j])
        directed[parents[apart[np.ix_(parents, parents)].any(axis=1)], j] = True
    return directed


def _implied(directed: np.ndarray, undirected: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """One round of Meek's rules."""
    d = len(directed)
    new = np.zeros((d, d), bool)
    for a, b in np.argwhere(undirected):
        through = directed[:, b] & undirected[a]
        rule_1 = (directed[:, a] & apart[:, b]).any()  # k -> a - b, k and b apart
        rule_2 = (directed[a] & directed[:, b]).any()  # a -> k -> b
        rule_3 = (apart & through[:, None] & through).any()  # a - k -> b, a - l -> b, k and l apart
        back = undirected[a] | directed[a] | directed[:, a]
        before_b = directed & (undirected[a] & apart[:, b])[:, None] & (directed[:, b] & back)  # a - k -> l -> b
        new[a, b] = rule_1 or rule_2 or rule_3 or before_b.any()
    return new
