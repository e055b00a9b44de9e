"""What `learn_dag` returns: edges within a row and from rows before, and what the observations decide about them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import whole_number

Noise = Literal["equal", "unequal"]


@dataclass(frozen=True, eq=False)
class LearnedGraph:
    r"""A graph learned from observations.

    Attributes:
        weights: `[variable, variable]`, before the threshold; entry [i, j] is the effect of one unit of variable i on
            variable j.
        adjacency: `[variable, variable]`, weights of the edges kept, 0 elsewhere; always acyclic.
        lagged: `[lag, variable, variable]`, weights of edges from 1, 2, ... rows before; the diagonal holds a
            variable's effect on itself. Empty without lags.
        cpdag: boolean `[variable, variable]`, the edges within a row up to Markov equivalence: [i, j] alone where the
            edge i -> j is decided by variances, correlations, lags and rules; [i, j] and [j, i] where it may run either
            way. Under noise of unequal variance a direction that follows from two variables having no edge counts only
            where the samples do not speak for one (`dag.absent_edges`).
        decided: boolean `[variable, variable]`, edges of `adjacency` whose direction the observations decide: those of
            `cpdag`, and those that the shape of the noise decides where it is not Gaussian.
        noise: `equal` if all variables have noise of the same variance, `unequal` if each has its own.
        gaussian: whether the noise is consistent with a Gaussian distribution.
        noise_sd: `[variable]`, standard deviation of the noise, in units of the variable; where units differ in size,
            that of a unit of the usual (geometric mean) size.
        evidence: twice the log evidence for unequal against equal noise; NaN where only one was asked for.
        h: acyclicity of `weights`, $\mathrm{tr}\, e^{W \circ W} - d$.
        iterations: gradient steps.
        threshold: weights of at most this size were dropped.
        raised: whether that is above the threshold asked for, because a lower one would have left a cycle.
        names: of the variables.
    """

    weights: np.ndarray
    adjacency: np.ndarray
    lagged: np.ndarray
    cpdag: np.ndarray
    decided: np.ndarray
    noise: Noise
    gaussian: bool
    noise_sd: np.ndarray
    evidence: float
    h: float
    iterations: int
    threshold: float
    raised: bool
    names: tuple[Hashable, ...]

    @property
    def note(self) -> str:
        """What a reader of the graph should know first, in at most two sentences; else empty."""
        sentences = []
        if self.raised:
            sentences.append(f"The threshold was raised to {self.threshold:.3g}; a lower one would leave a cycle.")
        open_edges = [
            f"{self.names[i]} - {self.names[j]}" for i, j in np.argwhere((self.adjacency != 0) & ~self.decided)
        ]
        if open_edges:
            sentences.append(f"The observations do not decide the direction of: {', '.join(open_edges)}.")
        return " ".join(sentences)

    def edges(self) -> pd.DataFrame:
        """One row per edge, the strongest first: source, target, lag, weight, and whether its direction is decided.

        Effects of a variable on itself are left out; `lagged` holds them.
        """
        rows = [
            (self.names[i], self.names[j], 0, self.adjacency[i, j], bool(self.decided[i, j]))
            for i, j in np.argwhere(self.adjacency != 0)
        ]
        rows += [
            (self.names[i], self.names[j], int(lag) + 1, self.lagged[lag, i, j], True)
            for lag, i, j in np.argwhere(self.lagged != 0)
            if i != j
        ]
        table = pd.DataFrame(rows, columns=["source", "target", "lag", "weight", "decided"])
        return table.sort_values("weight", key=np.abs, ascending=False, ignore_index=True)

    def graph(self) -> nx.DiGraph:
        """The graph within a row, with the weights of its edges."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.names)
        graph.add_weighted_edges_from(
            (self.names[i], self.names[j], float(self.adjacency[i, j])) for i, j in np.argwhere(self.adjacency != 0)
        )
        return graph

    def total_effects(self, rows: int = 0) -> np.ndarray:
        """Effect of one unit of each variable, once, on each variable, along all paths.

        Args:
            rows: how many rows after the first are counted, 0 or more.

        Returns:
            `[1 + rows, variable, variable]`: entry [t, i, j] is what one unit more of i changes in j, t rows later.

        Raises:
            ConfigError: `rows` is no whole number, 0 or more.
        """
        whole_number("rows", rows, least=0)
        d = len(self.names)
        within = np.linalg.inv(np.eye(d) - self.adjacency)
        effects = [within]
        for t in range(1, rows + 1):  # each row follows from those before
            arriving = sum(effects[t - lag] @ self.lagged[lag - 1] for lag in range(1, min(t, len(self.lagged)) + 1))
            effects.append(np.asarray(arriving) @ within)
        return np.stack(effects)
