"""Simulated data whose graph is known: a seed gives samples and truth. Needs numpy alone.

Weights and edges are `[source, target]`; of earlier weeks `[lag, source, target]`, where index 0 is a lag of one week.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Graph = Literal["erdos-renyi", "scale-free"]
Noise = Literal["equal", "unequal"]
Law = Literal["gaussian", "exponential", "logistic"]

LAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {  # mean 0, variance 1
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1.0,
    "logistic": lambda rng, shape: rng.logistic(size=shape) * np.sqrt(3.0) / np.pi,
}

SHOP_WORLDS: dict[str, dict[str, Any]] = {  # settings of `simulate_shops`
    "60": {"shops": 60},
    "150": {"shops": 150},
    "60 to 300": {},
    "60, half of the edges shared, weights +-50 %": {"shops": 60, "shared": 5, "spread": 0.5},
    "150, half of the edges shared, weights +-50 %": {"shops": 150, "shared": 5, "spread": 0.5},
}


@dataclass(frozen=True, eq=False)
class Linear:
    """Independent samples of a linear graph.

    Attributes:
        samples: `[sample, variable]`.
        weights: `[source, target]`, in the units of the samples; 0 where there is no edge.
    """

    samples: np.ndarray
    weights: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """`[source, target]`, whether there is an edge."""
        return self.weights != 0


@dataclass(frozen=True, eq=False)
class Dynamic:
    """One stationary series.

    Attributes:
        series: `[week, variable]`.
        within: `[source, target]`, weights within a week, acyclic.
        lagged: `[lag, source, target]`, weights of earlier weeks.
    """

    series: np.ndarray
    within: np.ndarray
    lagged: np.ndarray


@dataclass(frozen=True, eq=False)
class Shops:
    """Series of shops that differ in their graph by group.

    Attributes:
        series: `[shop, week, variable]`.
        group: `[shop]`, label from 0.
        of_group: `[group, lag, source, target]`, weights; no edge from a variable to itself.
        weights: `[shop, lag, source, target]`.
        saturates: as `of_group`, whether the edge acts through tanh.
        own: `[shop, variable]`, AR(1) coefficients.
        noise: `[shop, variable]`, standard deviations.
    """

    series: np.ndarray
    group: np.ndarray
    of_group: np.ndarray
    weights: np.ndarray
    saturates: np.ndarray
    own: np.ndarray
    noise: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """`[group, lag, source, target]`, whether there is an edge."""
        return self.of_group != 0


def linear(
    seed: int,
    d: int,
    graph: Graph = "erdos-renyi",
    noise: Noise = "equal",
    law: Law = "gaussian",
    *,
    n: int = 1000,
    edges: int | None = None,
    standardise: bool = False,
) -> Linear:
    """Samples of a random graph with weights in +-[0.5, 2].

    Args:
        seed: random seed.
        d: number of variables.
        graph: `erdos-renyi`, or `scale-free`: each variable draws two parents, likelier ones the more edges they have.
        noise: standard deviations of 1, or drawn from [0.5, 2].
        law: of the noise.
        n: number of samples.
        edges: exactly so many, in place of 2 d on average (Erdos-Renyi alone).
        standardise: whether columns are scaled to unit variance, and the weights with them.
    """
    rng = np.random.default_rng(seed)
    weights = _random_graph(rng, d, graph, edges)
    size = rng.uniform(0.5, 2.0, d) if noise == "unequal" else np.ones(d)
    own = LAWS[law](rng, (n, d)) * size
    samples = own @ np.linalg.inv(np.eye(d) - weights)
    if standardise:
        scale = samples.std(axis=0)
        samples, weights = samples / scale, weights * scale[:, None] / scale
    return Linear(samples, weights)


def many_samples(seed: int, *, standardise: bool = False) -> Linear:
    """20 variables, 30 edges, unequal noise, 10,000 samples: the kind of ten linear data sets that are public."""
    return linear(seed, 20, noise="unequal", n=10_000, edges=30, standardise=standardise)


def dynamic(seed: int, d: int, law: Law = "gaussian", *, n: int = 500, lags: int = 1, decay: float = 1.5) -> Dynamic:
    """The simulation of dynamic NOTEARS (Pamfil et al. 2020, section on simulated data).

    Taken from there: Erdos-Renyi within the week, mean degree 4, weights in +-[0.5, 2]; edges of earlier weeks
    independent, one a variable and lag on average (from itself too), weights in +-[0.3, 0.5] / decay^(lag - 1); noise
    of variance 1. Added: graphs are drawn again until the series is stable (spectral radius below 0.95; two of five
    draws at d = 10, one of six at d = 20), and 200 weeks before the first are dropped.
    """
    rng = np.random.default_rng(seed)
    for _ in range(100_000):
        within = _random_graph(rng, d, "erdos-renyi", None)
        size = rng.uniform(0.3, 0.5, (lags, d, d)) * rng.choice([-1.0, 1.0], (lags, d, d))
        present = rng.random((lags, d, d)) < 1.0 / d
        lagged = np.where(present, size / decay ** np.arange(lags)[:, None, None], 0.0)
        through = np.linalg.inv(np.eye(d) - within)
        if spectral_radius(lagged @ through) < 0.95:
            break
    else:
        raise RuntimeError(f"No stable series of {d} variables was found; give another seed.")
    shocks = LAWS[law](rng, (n + 200, d))
    series = np.zeros((n + 200 + lags, d))
    for week in range(n + 200):
        past = sum(series[week + lags - 1 - k] @ lagged[k] for k in range(lags))
        series[week + lags] = (past + shocks[week]) @ through
    return Dynamic(series[-n:], within, lagged)


def simulate_shops(
    seed: int,
    shops: int | None = None,
    groups: int = 3,
    variables: int = 8,
    weeks: int = 100,
    edges: int = 10,
    *,
    shared: int = 0,
    spread: float = 0.0,
) -> Shops:
    """Shops in groups; each group has a graph of its own.

    An edge runs between two variables, at a lag of one or two weeks, linear or through tanh (even odds each), with a
    weight in +-[0.15, 0.4]: a ridge regression of one shop then has an AUROC of 0.77, as on the public file of
    CausalMMM (Gong et al. 2024; 0.78). AR(1) coefficients in [0.2, 0.6] and standard deviations of the noise in
    [0.5, 2] are drawn for each shop and variable, so that they say nothing of the group. Group sizes are drawn (with
    three groups, a fifth of the shops or more each). Series are stable: the spectral radius, with tanh taken as linear,
    is below 0.95.

    Args:
        seed: random seed.
        shops: number of shops; drawn from 60 to 300 if left out.
        groups: number of graphs.
        variables: number of variables.
        weeks: kept of each series, after 100 that are dropped.
        edges: of each graph.
        shared: so many of them are the same in all graphs, with the same weights.
        spread: a shop's weights are its group's, each times a factor drawn from 1 - spread to 1 + spread.
    """
    rng = np.random.default_rng(seed)
    shops = int(rng.integers(60, 301)) if shops is None else shops
    common = _lagged_graph(rng, np.zeros((2, variables, variables)), shared)
    of_group = np.stack([_lagged_graph(rng, common, edges - shared) for _ in range(groups)])
    saturates = (rng.random(common.shape) < 0.5) & (of_group != 0)
    share = rng.dirichlet(np.full(groups, 5.0)) * 0.4 + 0.6 / groups
    group = np.searchsorted(np.cumsum(share)[:-1], (np.arange(shops) + 0.5) / shops)[rng.permutation(shops)]
    weights, own = (np.stack(part) for part in zip(*[_shop(rng, of_group[g], spread) for g in group], strict=True))
    noise = rng.uniform(0.5, 2.0, (shops, variables))
    linear_part, bent = np.where(saturates[group], 0.0, weights), np.where(saturates[group], weights, 0.0)
    series = np.zeros((weeks + 102, shops, variables))
    for week in range(2, weeks + 102):
        past = np.stack([series[week - 1], series[week - 2]], axis=1)  # [shop, lag, variable]
        driven = np.einsum("sli,slij->sj", past, linear_part) + np.einsum("sli,slij->sj", np.tanh(past), bent)
        series[week] = own * series[week - 1] + driven + noise * rng.normal(size=(shops, variables))
    return Shops(series[-weeks:].transpose(1, 0, 2), group, of_group, weights, saturates, own, noise)


def spectral_radius(lagged: np.ndarray) -> float:
    """Of the companion matrix of `[lag, source, target]`; the series is stable below 1."""
    lags, d, _ = lagged.shape
    companion = np.eye(lags * d, k=d)
    companion[:, :d] = lagged.reshape(lags * d, d)
    return float(np.abs(np.linalg.eigvals(companion)).max())


def _random_graph(rng: np.random.Generator, d: int, kind: Graph, count: int | None) -> np.ndarray:
    edges = np.zeros((d, d), bool)
    if count is not None:
        above = np.flatnonzero(np.triu(np.ones((d, d)), 1))
        edges.flat[rng.choice(above, count, replace=False)] = True
    elif kind == "erdos-renyi":
        edges = np.triu(rng.random((d, d)) < 4.0 / (d - 1), 1)
    else:
        degree = np.ones(d)
        for j in range(1, d):
            parents = rng.choice(j, min(2, j), replace=False, p=degree[:j] / degree[:j].sum())
            edges[parents, j] = True
            degree[parents] += 1
    order = rng.permutation(d)
    weights = rng.uniform(0.5, 2.0, (d, d)) * rng.choice([-1.0, 1.0], (d, d))
    return np.where(edges[np.ix_(order, order)], weights, 0.0)


def _lagged_graph(rng: np.random.Generator, common: np.ndarray, edges: int) -> np.ndarray:
    """`[2, source, target]`: the common edges and so many more, stable with the largest AR(1) coefficients."""
    d = common.shape[-1]
    free = np.argwhere(~common.any(axis=0) & ~np.eye(d, dtype=bool))
    while True:
        weights = common.copy()
        for i, j in rng.permutation(free)[:edges]:
            weights[rng.integers(2), i, j] = rng.uniform(0.15, 0.4) * rng.choice([-1.0, 1.0])
        if spectral_radius(weights + _own_lag(np.full(d, 0.6))) < 0.95:
            return weights


def _shop(rng: np.random.Generator, of_group: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """A shop's weights and AR(1) coefficients."""
    while True:
        weights = of_group * rng.uniform(1.0 - spread, 1.0 + spread, of_group.shape)
        own = rng.uniform(0.2, 0.6, of_group.shape[-1])
        if spectral_radius(weights + _own_lag(own)) < 0.95:
            return weights, own


def _own_lag(own: np.ndarray) -> np.ndarray:
    return np.stack([np.diag(own), np.zeros((len(own), len(own)))])
