"""`bootstrap_dag`: the stability of a graph's edges when rows are resampled."""

from collections.abc import Hashable, Iterable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.checks import is_number, seed_number, shown, whole_number
from deepcausalmmm_jax.dag.edge_frequencies import EdgeFrequencies
from deepcausalmmm_jax.dag.edge_rules import Edge, EdgeRules, edge_rules
from deepcausalmmm_jax.dag.estimate import Method
from deepcausalmmm_jax.dag.learn import learn
from deepcausalmmm_jax.dag.learn_dag import checked_search
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph, Noise
from deepcausalmmm_jax.dag.order_search import regressions_along, searched
from deepcausalmmm_jax.dag.orders import topological_order
from deepcausalmmm_jax.dag.samples import Samples, read_samples
from deepcausalmmm_jax.dag.search import penalty, search
from deepcausalmmm_jax.dag.stepwise import Candidates
from deepcausalmmm_jax.dag.unit_sizes import of_one_size
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.ops.batches import map_in_batches


def bootstrap_dag(
    X: np.ndarray | pd.DataFrame,
    replicates: int = 100,
    method: Method = "notears",
    l1: float = 0.05,
    threshold: float | None = None,
    *,
    noise: Noise | None = None,
    lags: int = 0,
    units: Hashable | Sequence[Hashable] | None = None,
    mask: np.ndarray | None = None,
    forbid: Iterable[Edge] = (),
    require: Iterable[Edge] = (),
    tiers: Sequence[Sequence[Hashable]] = (),
    exogenous: Sequence[Hashable] = (),
    level: float = 0.9,
    seed: int = 0,
    warm_start: bool = True,
    batch_size: int = 10,
) -> EdgeFrequencies:
    """Stability of each edge when rows are resampled with replacement (Meinshausen & Buhlmann 2010).

    With lags a row is resampled together with the rows before it that are its candidates, which is right where the
    noise of a row does not depend on that of others.

    Args:
        X: `[sample, variable]` or `[unit, time, variable]`, as for `learn_dag`.
        replicates: number of resamples, 1 or more.
        method: as for `learn_dag`, like all that follow up to `exogenous`. The assumption about the noise is chosen on
            all rows.
        l1: penalty.
        threshold: of the weights.
        noise: `equal`, `unequal` or None.
        lags: rows before that may drive a row.
        units: of each row.
        mask: rows observed.
        forbid: edges that do not exist.
        require: edges that do.
        tiers: groups of variables in causal order.
        exogenous: variables that no other drives.
        level: of the intervals of weights, above 0 and below 1.
        seed: random seed.
        warm_start: whether replicates refine the order found on all rows (fast) or search from the beginning.
        batch_size: replicates computed at once.

    Returns:
        The frequencies, and intervals of the weights.

    Raises:
        DataError: `X`, `units` or `mask` is unsuitable.
        ConfigError: an invalid setting or rule.
    """
    how, seed = checked_search(method, l1, threshold, noise, True), seed_number(seed)
    for name, number in (("replicates", replicates), ("batch_size", batch_size)):
        whole_number(name, number)
    if not is_number(level) or not 0 < level < 1:
        raise ConfigError(f"level must be above 0 and below 1, got {shown(level)}.")
    if not isinstance(warm_start, bool):
        raise ConfigError(f"warm_start must be True or False, got {shown(warm_start)}.")
    samples = of_one_size(read_samples(X, lags, units, mask))
    rules = edge_rules(samples.names, samples.lags, forbid, require, tiers, exogenous)
    graph = learn(samples, rules, how)
    keys = jax.random.split(jax.random.key(seed), int(replicates))
    weights = _by_search(samples, rules, graph, keys, warm_start, int(batch_size))
    return _summary(weights, samples, graph, level)


def _summary(weights: np.ndarray, samples: Samples, graph: LearnedGraph, level: float) -> EdgeFrequencies:
    d = samples.n_variables
    often = (weights != 0).mean(axis=0)
    low, high = np.quantile(weights, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0)
    shape = (samples.lags, d, d)
    return EdgeFrequencies(
        frequency=often[:d],
        lagged_frequency=often[d:].reshape(shape),
        low=low[:d],
        high=high[:d],
        lagged_low=low[d:].reshape(shape),
        lagged_high=high[d:].reshape(shape),
        level=float(level),
        noise=graph.noise,
        replicates=len(weights),
        names=samples.names,
    )


def _by_search(
    samples: Samples, rules: EdgeRules, graph: LearnedGraph, keys: Array, warm_start: bool, batch_size: int
) -> np.ndarray:
    """Replicates of the search over orders, `[replicate, D, d]`."""
    with jax.enable_x64(True):
        weights = _searched_weights(
            keys,
            jnp.asarray(samples.values),
            topological_order(jnp.asarray(graph.adjacency != 0)),
            jnp.asarray(rules.free),
            jnp.asarray(rules.required),
            jnp.asarray(graph.noise_sd**2) if graph.noise == "equal" else None,
            jnp.asarray(graph.threshold),
            jnp.asarray(penalty(*samples.values.shape)),
            shaped=graph.noise == "unequal" and not graph.gaussian,
            warm_start=bool(warm_start),
            batch_size=batch_size,
        )
        return np.asarray(weights)


@partial(jax.jit, static_argnames=("shaped", "warm_start", "batch_size"))
def _searched_weights(
    keys: Array,
    values: Array,
    order: Array,
    free: Array,
    required: Array,
    noise: Array | None,
    threshold: Array,
    cost: Array,
    *,
    shaped: bool,
    warm_start: bool,
    batch_size: int,
) -> Array:
    n, d = values.shape[0], len(order)

    def replicate(key: Array) -> Array:
        of_rows, of_search = jax.random.split(key)
        drawn = values[jax.random.randint(of_rows, (n,), 0, n)]
        drawn = drawn - drawn.mean(axis=0)
        scale = jnp.sqrt((drawn**2).mean(axis=0))
        drawn = drawn / scale
        own = jnp.full(d, jnp.inf) if noise is None else noise / scale[:d] ** 2
        known = Candidates(drawn.T @ drawn / n, jnp.asarray(float(n)), cost, required, own)
        start = order if warm_start else search(known, free, of_search, d=d).order
        found = searched(known, free, start, drawn if shaped else None)
        weights = regressions_along(known, free, found.order).coefficients.T  # of variance 1, [D, d]
        raw = weights * scale[:d] / scale[:, None]
        size = jnp.abs(weights) if noise is None else jnp.abs(raw)
        return jnp.where(required | (size > threshold), raw, 0.0)

    return map_in_batches(replicate, keys, batch_size)
