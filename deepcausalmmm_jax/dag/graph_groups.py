"""What `learn_dag(groups=...)` returns: a graph a group, and each unit's own weights, shrunk towards its group's."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.dag.learned_graph import LearnedGraph


@dataclass(frozen=True, eq=False)
class GraphGroups:
    """Graphs of groups of units, such as shops, brands or regions.

    Attributes:
        labels: group of each unit; groups that were found are numbered from 0, the largest first.
        graphs: graph of each group, by label. The diagonal of `lagged` is the mean over its units, each of which has a
            persistence of its own.
        weights: `[unit, variable, variable]`, each unit's own weights on the edges of its group's graph: between its
            own least-squares estimate and the group's, by how much units of the group differ.
        lagged: `[unit, lag, variable, variable]`, the same for edges from rows before; the diagonal is the unit's own.
        chance: unit x group, the probability that the unit belongs to the group, given the graphs.
        evidence: criterion by number of groups (twice the negative log-likelihood plus penalties, less its least
            value: the lowest is best); empty where groups were given or their number was.
    """

    labels: pd.Series
    graphs: dict[Hashable, LearnedGraph]
    weights: np.ndarray
    lagged: np.ndarray
    chance: pd.DataFrame
    evidence: pd.Series

    def of(self, unit: Hashable) -> LearnedGraph:
        """Graph of the unit's group; KeyError for an unknown unit."""
        return self.graphs[self.labels.to_dict()[unit]]

    def edges(self) -> pd.DataFrame:
        """Edges of all groups: group, source, target, lag, weight, decided."""
        tables = []
        for label, graph in self.graphs.items():
            table = graph.edges()
            table.insert(0, "group", [label] * len(table))
            tables.append(table)
        return pd.concat(tables, ignore_index=True)
