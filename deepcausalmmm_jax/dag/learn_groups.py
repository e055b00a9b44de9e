"""Graphs of groups of units: the groups, their number, their graphs, and what each unit adds to its group's."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from deepcausalmmm_jax.dag.edge_rules import EdgeRules
from deepcausalmmm_jax.dag.equivalence import equivalence_class, representative
from deepcausalmmm_jax.dag.graph_groups import GraphGroups
from deepcausalmmm_jax.dag.learn import Search, passes_for_gaussian
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph
from deepcausalmmm_jax.dag.mixture import cluster, group_regressions
from deepcausalmmm_jax.dag.samples import Samples
from deepcausalmmm_jax.dag.search import penalty, search
from deepcausalmmm_jax.dag.stepwise import Candidates
from deepcausalmmm_jax.dag.unit_moments import UnitMoments, regressions, unexplained, unit_moments
from deepcausalmmm_jax.dag.unit_weights import own_weights, persistence, residuals, spread_of_weights
from deepcausalmmm_jax.errors import ConfigError, DataError

_MOST_GROUPS = 10
_UNITS_A_GROUP = 4  # fewer are not looked for
_WORSE_IN_A_ROW = 2  # numbers of groups without a gain, after which no larger number is tried
_ROUNDS = 5  # graphs and assignments in turn


class Grouped(NamedTuple):
    """Units in groups."""

    group: np.ndarray  # [unit]
    parents: np.ndarray  # boolean [group, D, d]
    cost: float  # twice the negative log-likelihood and penalties


def learned_groups(samples: Samples, rules: EdgeRules, how: Search, k: int | None) -> GraphGroups:
    """Groups found in the data; arguments as `learn_dag` has checked them."""
    samples, scale = _standardised(samples)
    moments = _moments(samples, how)
    rng = np.random.default_rng(how.seed)
    tried: dict[int, float] = {}
    if k is None:
        found, tried = _by_evidence(samples, moments, rules, rng, how)
    else:
        found = _grouped(samples, moments, rules, cluster(moments, k, rules, rng), k, how)
    size = np.bincount(found.group, minlength=len(found.parents))
    ranked = np.argsort(-size, kind="stable")
    ranked = ranked[size[ranked] > 0]
    place = np.full(len(size), -1)
    place[ranked] = np.arange(len(ranked))
    found = Grouped(place[found.group], found.parents[ranked], found.cost)
    evidence = pd.Series(tried, dtype=float, name="criterion").rename_axis("groups")
    return _result(samples, moments, rules, found, tuple(range(len(ranked))), evidence - evidence.min(), how, scale)


def known_groups(samples: Samples, rules: EdgeRules, how: Search, labels: Sequence[Hashable]) -> GraphGroups:
    """Groups that the user knows, a label a unit."""
    samples, scale = _standardised(samples)
    moments = _moments(samples, how)
    codes, names = pd.factorize(pd.Series(list(labels)))
    if (codes < 0).any():
        raise ConfigError(f"groups has no label for the unit {samples.units[int(np.argmin(codes))]!r}.")
    parents = _parents(samples, moments, rules, codes, len(names), how)
    nothing = pd.Series(dtype=float, name="criterion").rename_axis("groups")
    return _result(samples, moments, rules, Grouped(codes, parents, np.nan), tuple(names), nothing, how, scale)


def _standardised(samples: Samples) -> tuple[Samples, np.ndarray]:
    """Variables in their own standard deviations, so that no unit of measurement matters; and these, `[d]`."""
    scale = np.sqrt((samples.values[:, : samples.n_variables] ** 2).mean(axis=0))
    return samples._replace(values=samples.values / np.tile(scale, 1 + samples.lags)), scale


def _moments(samples: Samples, how: Search) -> UnitMoments:
    if how.noise == "equal":
        raise ConfigError("groups need noise='unequal': each unit has noise of its own; leave noise out.")
    if len(samples.units) < 2:
        raise DataError("groups need two units or more; give X as [unit, time, variable] or name `units`.")
    moments, least = unit_moments(samples), samples.lags + 3
    if (moments.counts < least).any():
        short = int(np.argmax(moments.counts < least))
        raise DataError(
            f"Unit {samples.units[short]!r} has {moments.counts[short]} complete rows with {samples.lags} lags; "
            f"groups need {least} or more a unit; drop it or use fewer lags."
        )
    return moments


def _by_evidence(
    samples: Samples, moments: UnitMoments, rules: EdgeRules, rng: np.random.Generator, how: Search
) -> tuple[Grouped, dict[int, float]]:
    """Groups in the number of least cost; tried one by one."""
    tried: dict[int, float] = {}
    best, worse = None, 0
    for k in range(1, max(1, min(_MOST_GROUPS, len(samples.units) // _UNITS_A_GROUP)) + 1):
        found = _grouped(samples, moments, rules, cluster(moments, k, rules, rng), k, how)
        tried[k] = found.cost
        if best is None or found.cost < best.cost:
            best, worse = found, 0
        else:
            worse += 1
        if worse == _WORSE_IN_A_ROW:
            break
    assert best is not None
    return _merged(samples, moments, rules, best, tried, how)


def _merged(
    samples: Samples, moments: UnitMoments, rules: EdgeRules, best: Grouped, tried: dict[int, float], how: Search
) -> tuple[Grouped, dict[int, float]]:
    """Two groups made one for as long as that lowers the cost: units of strong and of weak effects may have been split.

    Args:
        samples: the observations.
        moments: of them.
        rules: what the user knows of the edges.
        best: the best groups.
        tried: least cost by number of groups; better ones are entered.
        how: the settings.
    """
    while True:
        present = np.unique(best.group)
        pairs = [(i, j) for n, j in enumerate(present) for i in present[:n]]
        merged = [np.searchsorted(np.setdiff1d(present, j), np.where(best.group == j, i, best.group)) for i, j in pairs]
        found = [_grouped(samples, moments, rules, group, len(present) - 1, how) for group in merged]
        better = min(found, key=lambda one: one.cost, default=best)
        if better.cost >= best.cost:
            return best, tried
        best = better
        tried[len(np.unique(best.group))] = best.cost


def _grouped(
    samples: Samples, moments: UnitMoments, rules: EdgeRules, group: np.ndarray, k: int, how: Search
) -> Grouped:
    """Graphs and assignments in turn, from groups found without graphs."""
    for _ in range(_ROUNDS):
        parents = _parents(samples, moments, rules, group, k, how)
        fitted = _fitted(moments, group, parents)
        new = fitted.costs.argmin(axis=1)
        if (new == group).all():
            break
        group = new
    return Grouped(group, parents, fitted.cost(group) + _penalty(moments, samples) * parents[np.unique(group)].sum())


class _Fitted(NamedTuple):
    """Groups' weights, how much their units differ, and what each unit costs in each group."""

    shared: np.ndarray  # [group, D, d]
    spread: np.ndarray  # [group, D, d], variances
    costs: np.ndarray  # [unit, group], twice the negative log-likelihood; larger groups are likelier

    def cost(self, group: np.ndarray) -> float:
        """Of all units in their groups, with a price for each variance."""
        size = np.bincount(group, minlength=len(self.spread))
        variances = (self.spread > 0).sum(axis=(1, 2))
        return float(self.costs[np.arange(len(group)), group].sum() + (variances * np.log(np.maximum(size, 1))).sum())


def _fitted(moments: UnitMoments, group: np.ndarray, parents: np.ndarray) -> _Fitted:
    k, everyone = len(parents), np.arange(len(group))
    shared = group_regressions(moments, group, k, parents)
    spread = np.stack([spread_of_weights(moments, np.flatnonzero(group == g), shared[g]) for g in range(k)])
    size = np.maximum(np.bincount(group, minlength=k), 0.5)
    costs = [own_weights(moments, everyone, b, v).costs for b, v in zip(shared, spread, strict=True)]
    return _Fitted(shared, spread, np.stack(costs, axis=1) - 2.0 * np.log(size / size.sum()))


def _penalty(moments: UnitMoments, samples: Samples) -> float:
    return penalty(float(moments.free_rows.sum()), samples.values.shape[1])


def _parents(
    samples: Samples, moments: UnitMoments, rules: EdgeRules, group: np.ndarray, k: int, how: Search
) -> np.ndarray:
    """The graph of each group, boolean `[group, D, d]`; none for an empty one."""
    d, D = samples.n_variables, samples.values.shape[1]
    parents = np.zeros((k, D, d), bool)
    own_rows = np.tile(np.eye(d, dtype=bool), (1 + samples.lags, 1))
    free = rules.free & ~own_rows  # a unit's persistence is its own, and out of the moments
    for g in np.unique(group):
        inside = (group == g)[:, None]
        coefficients = np.zeros((D, d))
        for _ in range(2):  # the noise of the units weighs them, and is known after a first graph
            pooled = np.einsum("uj,ujab->jab", inside / unexplained(moments, coefficients), moments.products)
            with jax.enable_x64(True):
                known = _candidates(pooled, moments, samples, inside[:, 0], rules.required & ~own_rows)
                found = search(known, jnp.asarray(free), jax.random.key(how.seed), d=d)
                parents[g] = np.asarray(found.parents)
            parents[g, :d] = representative(_class(parents[g], rules, samples))
            coefficients = regressions(moments, inside / unexplained(moments, coefficients), parents[g])
        scale = np.sqrt(np.einsum("jaa->ja", pooled))  # of each candidate, by target
        own = scale[np.arange(d), np.arange(d)]  # 0 for a variable that is constant in the group, which has no parents
        size = np.abs(coefficients) * (scale / np.where(own > 0, own, 1.0)[:, None]).T
        parents[g] &= rules.required | (size > (how.threshold or 0.0))
    return parents


def _class(parents: np.ndarray, rules: EdgeRules, samples: Samples) -> np.ndarray:
    """Equivalence class of the edges within a row; each variable's own earlier rows drive it."""
    d = samples.n_variables
    own_rows = np.tile(np.eye(d, dtype=bool), (samples.lags, 1))
    return equivalence_class(parents[:d], rules.free[:d], parents[d:] | own_rows)


def _candidates(
    pooled: np.ndarray, moments: UnitMoments, samples: Samples, inside: np.ndarray, required: np.ndarray
) -> Candidates:
    scale = np.sqrt(np.einsum("jaa->ja", pooled))
    scale = np.where(scale > 0, scale, np.inf)  # a target's own earlier rows are out of its moments
    correlation = pooled / (scale[:, :, None] * scale[:, None, :])
    index = np.arange(correlation.shape[1])
    correlation[:, index, index] = 1.0
    return Candidates(
        correlation=jnp.asarray(correlation),
        n_rows=jnp.asarray(float(moments.free_rows[inside].sum())),
        penalty=jnp.asarray(_penalty(moments, samples)),
        required=jnp.asarray(required),
        noise=jnp.asarray(np.full(samples.n_variables, np.inf)),
    )


def _result(
    samples: Samples,
    moments: UnitMoments,
    rules: EdgeRules,
    found: Grouped,
    names: tuple[Hashable, ...],
    evidence: pd.Series,
    how: Search,
    scale: np.ndarray,
) -> GraphGroups:
    d, lags = samples.n_variables, samples.lags
    fitted = _fitted(moments, found.group, found.parents)
    odds = np.exp(-0.5 * (fitted.costs - fitted.costs.min(axis=1, keepdims=True)))
    own, noise = np.zeros((len(found.group), *found.parents.shape[1:])), np.zeros((len(found.group), d))
    for g in range(len(names)):
        units = np.flatnonzero(found.group == g)
        of_units = own_weights(moments, units, fitted.shared[g], fitted.spread[g])
        own[units], noise[units] = of_units.weights, of_units.noise
    own += persistence(samples, own)
    rest = residuals(samples, own)
    unit = scale / np.tile(scale, 1 + lags)[:, None]  # of a weight
    own, shared, noise = own * unit, fitted.shared * unit, noise * scale**2
    persistent = np.tile(np.eye(d, dtype=bool), (1 + lags, 1))
    graphs = {}
    for g, name in enumerate(names):
        inside, edges = found.group == g, found.parents[g]
        mean = np.where(persistent, own[inside].mean(axis=0), shared[g])
        cpdag = _class(edges, rules, samples)
        graphs[name] = LearnedGraph(
            weights=mean[:d],
            adjacency=mean[:d],
            lagged=mean[d:].reshape(lags, d, d),
            cpdag=cpdag,
            decided=edges[:d] & ~cpdag.T,
            noise="unequal",
            gaussian=passes_for_gaussian(rest[inside[samples.unit]]),
            noise_sd=np.sqrt(noise[inside].mean(axis=0)),
            evidence=np.nan,
            h=0.0,
            iterations=0,
            threshold=how.threshold or 0.0,
            raised=False,
            names=samples.names,
        )
    index = pd.Index(samples.units, name="unit", tupleize_cols=False)
    return GraphGroups(
        labels=pd.Series([names[g] for g in found.group], index, name="group"),
        graphs=graphs,
        weights=own[:, :d],
        lagged=own[:, d:].reshape(len(own), lags, d, d),
        chance=pd.DataFrame(odds / odds.sum(axis=1, keepdims=True), index, pd.Index(names, name="group")),
        evidence=evidence,
    )
