"""`learn_dag` and `bootstrap_dag`: linear graphs from observations, and the stability of their edges."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import get_args

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.checks import whole_number
from deepcausalmmm_jax.dag.estimate import Method, edge_frequencies, estimate_structure
from deepcausalmmm_jax.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class LearnedGraph:
    r"""A graph learned from observations.

    Attributes:
        weights: `[variable, variable]`, before the threshold; entry [i, j] is the effect of one unit of variable i on
            variable j.
        adjacency: `[variable, variable]`, weights of the edges kept, 0 elsewhere; always acyclic.
        h: acyclicity of `weights`, $\mathrm{tr}\, e^{W \circ W} - d$.
        iterations: gradient steps.
        threshold: weights of at most this size were dropped.
        raised: whether that is above the threshold asked for, because a lower one would have left a cycle.
        names: of the variables.
    """

    weights: np.ndarray
    adjacency: np.ndarray
    h: float
    iterations: int
    threshold: float
    raised: bool
    names: tuple[Hashable, ...]

    @property
    def note(self) -> str:
        """One sentence if the threshold had to be raised, else empty."""
        if not self.raised:
            return ""
        return f"The threshold was raised to {self.threshold:.3g}; a lower one would leave a cycle."

    def graph(self) -> nx.DiGraph:
        """The graph with the weights of its edges."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.names)
        graph.add_weighted_edges_from(
            (self.names[i], self.names[j], float(self.adjacency[i, j])) for i, j in np.argwhere(self.adjacency != 0)
        )
        return graph


@dataclass(frozen=True, eq=False)
class EdgeFrequencies:
    """How often each edge is found when observations are resampled.

    Attributes:
        frequency: `[variable, variable]`, share of replicates with the edge i -> j.
        replicates: number of resamples.
        names: of the variables.
    """

    frequency: np.ndarray
    replicates: int
    names: tuple[Hashable, ...]

    def stable_edges(self, min_frequency: float = 0.8) -> list[tuple[Hashable, Hashable, float]]:
        """Edges found at least this often, as (source, target, frequency), the most frequent first."""
        found = [
            (self.names[i], self.names[j], float(self.frequency[i, j])) for i, j in np.argwhere(self.frequency > 0)
        ]
        return sorted((edge for edge in found if edge[2] >= min_frequency), key=lambda edge: -edge[2])


def learn_dag(
    X: np.ndarray | pd.DataFrame,
    method: Method = "notears",
    l1: float = 0.05,
    threshold: float = 0.3,
    *,
    refine: bool = True,
) -> LearnedGraph:
    r"""Learn a linear graph, $x_j = \sum_i W_{ij} x_i + e_j$, with noise of equal variance.

    The assumption of equal variance identifies the direction of edges (Peters & Buhlmann 2014): give the variables in
    units in which it is plausible, not standardised.

    Args:
        X: `[sample, variable]`, an array or a table.
        method: `notears` (trace-exponential, augmented Lagrangian) or `dagma` (log-determinant, central path).
        l1: penalty on the sum of absolute weights.
        threshold: weights of at most this size are dropped.
        refine: whether the order of the variables is refined by insertions after the continuous method, see
            `estimate_structure`.

    Returns:
        The graph.

    Raises:
        DataError: `X` is unsuitable.
        ConfigError: an invalid method, penalty or threshold.
    """
    values, names = _samples(X)
    _check_settings(method, l1, threshold)
    found = estimate_structure(
        _covariance(values), jnp.float32(l1), jnp.float32(threshold), method=method, refine=bool(refine)
    )
    return LearnedGraph(
        weights=np.asarray(found.weights, np.float64),
        adjacency=np.asarray(found.adjacency, np.float64),
        h=float(found.h),
        iterations=int(found.iterations),
        threshold=float(found.threshold),
        raised=bool(found.threshold > jnp.float32(threshold)),
        names=names,
    )


def bootstrap_dag(
    X: np.ndarray | pd.DataFrame,
    replicates: int = 100,
    method: Method = "notears",
    l1: float = 0.05,
    threshold: float = 0.3,
    *,
    seed: int = 0,
    warm_start: bool = True,
    batch_size: int = 10,
) -> EdgeFrequencies:
    """Stability of each edge when rows are resampled with replacement (Meinshausen & Buhlmann 2010).

    Args:
        X: `[sample, variable]`.
        replicates: number of resamples, 1 or more.
        method: as for `learn_dag`, like the two that follow.
        l1: penalty.
        threshold: of the weights.
        seed: random seed.
        warm_start: whether replicates refine the order found on all rows (fast) or run the whole method.
        batch_size: replicates computed at once.

    Returns:
        The frequencies.

    Raises:
        DataError: `X` is unsuitable.
        ConfigError: an invalid setting.
    """
    values, names = _samples(X)
    _check_settings(method, l1, threshold)
    for name, number in (("replicates", replicates), ("batch_size", batch_size)):
        whole_number(name, number)
    penalty, least = jnp.float32(l1), jnp.float32(threshold)
    order = estimate_structure(_covariance(values), penalty, least, method=method).order
    frequency = edge_frequencies(
        jax.random.split(jax.random.key(seed), int(replicates)),
        jnp.asarray(values, jnp.float32),
        order,
        penalty,
        least,
        method=None if warm_start else method,
        batch_size=int(batch_size),
    )
    return EdgeFrequencies(np.asarray(frequency, np.float64), int(replicates), names)


def _covariance(values: np.ndarray) -> Array:
    return jnp.asarray(values.T @ values / len(values), jnp.float32)


def _samples(X: np.ndarray | pd.DataFrame) -> tuple[np.ndarray, tuple[Hashable, ...]]:
    """Centred values, and the names of the variables."""
    values, names = _table(X) if isinstance(X, pd.DataFrame) else _array(X)
    n, d = values.shape
    if d < 2:
        raise DataError(f"X has {d} variable; a graph needs 2 or more.")
    if n < d + 2:
        raise DataError(f"X has {n} samples of {d} variables; at least {d + 2} are needed.")
    for j, name in enumerate(names):
        if not np.isfinite(values[:, j]).all():
            row = int(np.argmin(np.isfinite(values[:, j])))
            raise DataError(f"Column {name!r} of X is {values[row, j]} in row {row}; drop or fill it.")
        if np.ptp(values[:, j]) == 0:
            raise DataError(f"Column {name!r} of X never varies; drop it.")
    return values - values.mean(axis=0), names


def _table(X: pd.DataFrame) -> tuple[np.ndarray, tuple[Hashable, ...]]:
    names: tuple[Hashable, ...] = tuple(X.columns)
    for j, name in enumerate(names):
        if names.count(name) > 1:
            raise DataError(f"X has two columns {name!r}; rename one.")
        if not pd.api.types.is_numeric_dtype(X.iloc[:, j]):
            raise DataError(f"Column {name!r} of X is not numeric; drop or encode it.")
    return X.to_numpy(np.float64), names


def _array(X: np.ndarray) -> tuple[np.ndarray, tuple[Hashable, ...]]:
    values = np.asarray(X)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.number):
        raise DataError(f"X must be an array of numbers [sample, variable], got {values.dtype} {values.shape}.")
    return values.astype(np.float64), tuple(range(values.shape[1]))


def _check_settings(method: str, l1: float, threshold: float) -> None:
    if method not in get_args(Method):
        raise ConfigError(f"method must be notears or dagma, got {method!r}.")
    for name, value in (("l1", l1), ("threshold", threshold)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
            raise ConfigError(f"{name} must be a number, 0 or more, got {value!r}.")
