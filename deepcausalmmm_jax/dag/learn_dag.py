"""`learn_dag`: linear graphs from observations, in any units, with lags, for one unit or many."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Literal, get_args, overload

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import is_number, shown, whole_number
from deepcausalmmm_jax.dag.edge_rules import Edge, edge_rules
from deepcausalmmm_jax.dag.estimate import Method
from deepcausalmmm_jax.dag.graph_groups import GraphGroups
from deepcausalmmm_jax.dag.learn import Search, learn
from deepcausalmmm_jax.dag.learn_groups import known_groups, learned_groups
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph, Noise
from deepcausalmmm_jax.dag.samples import Samples, read_samples
from deepcausalmmm_jax.dag.unit_sizes import of_one_size
from deepcausalmmm_jax.errors import ConfigError

Labels = Mapping[Hashable, Hashable] | Sequence[Hashable] | pd.Series


@overload
def learn_dag(
    X: np.ndarray | pd.DataFrame,
    method: Method = ...,
    l1: float = ...,
    threshold: float | None = ...,
    *,
    noise: Noise | None = ...,
    lags: int = ...,
    units: Hashable | Sequence[Hashable] | None = ...,
    mask: np.ndarray | None = ...,
    groups: None = ...,
    k: None = ...,
    forbid: Iterable[Edge] = ...,
    require: Iterable[Edge] = ...,
    tiers: Sequence[Sequence[Hashable]] = ...,
    exogenous: Sequence[Hashable] = ...,
    refine: bool = ...,
) -> LearnedGraph: ...


@overload
def learn_dag(
    X: np.ndarray | pd.DataFrame,
    method: Method = ...,
    l1: float = ...,
    threshold: float | None = ...,
    *,
    groups: Literal["learn"] | Labels,
    noise: Noise | None = ...,
    lags: int = ...,
    units: Hashable | Sequence[Hashable] | None = ...,
    mask: np.ndarray | None = ...,
    k: int | None = ...,
    forbid: Iterable[Edge] = ...,
    require: Iterable[Edge] = ...,
    tiers: Sequence[Sequence[Hashable]] = ...,
    exogenous: Sequence[Hashable] = ...,
    refine: bool = ...,
) -> GraphGroups: ...


def learn_dag(
    X: np.ndarray | pd.DataFrame,
    method: Method = "notears",
    l1: float = 0.05,
    threshold: float | None = None,
    *,
    noise: Noise | None = None,
    lags: int = 0,
    units: Hashable | Sequence[Hashable] | None = None,
    mask: np.ndarray | None = None,
    groups: Literal["learn"] | Labels | None = None,
    k: int | None = None,
    forbid: Iterable[Edge] = (),
    require: Iterable[Edge] = (),
    tiers: Sequence[Sequence[Hashable]] = (),
    exogenous: Sequence[Hashable] = (),
    refine: bool = True,
) -> LearnedGraph | GraphGroups:
    r"""Learn a linear graph, $x_{t,j} = \sum_i W_{ij} x_{t,i} + \sum_{l,i} A^{(l)}_{ij} x_{t-l,i} + e_{t,j}$.

    W is acyclic; A, the edges from rows before, need not be (Pamfil et al. 2020, "DYNOTEARS"). The noise may be of two
    kinds. If all variables have noise of the **same variance**, that identifies every direction (Peters & Buhlmann
    2014), but only in units in which it is so. If each has **its own**, the graph is the same in any units, and is
    known up to Markov equivalence, unless lags, rules or noise that is not Gaussian decide the rest (Shimizu et al.
    2006). Left out, the kind with more evidence is taken (Bayesian information criterion).

    Args:
        X: `[sample, variable]`, an array or a table, with rows in the order of time where `lags` is above 0; or
            `[unit, time, variable]`.
        method: path to start from under equal noise: `notears` (trace-exponential, augmented Lagrangian) or `dagma`
            (log-determinant, central path). Used without lags and rules only.
        l1: penalty of that path on the sum of absolute weights.
        threshold: weights of at most this size are dropped; under unequal noise in standard deviations of the target
            per standard deviation of the source. Left out, 0.3 under equal noise without lags and rules, else 0.
        noise: `equal`, `unequal`, or None for the one with more evidence.
        lags: rows before, of the same unit, that may drive a row.
        units: of each row of a table or array `[sample, variable]`: labels, or the name of the column that holds them.
            Means may differ from unit to unit, and so may sizes: a unit's rows are divided by its size.
        mask: `[sample]` or `[unit, time]`, which rows were observed; None for all.
        groups: None for one graph; `"learn"` to find groups of units and learn a graph for each; or known groups, one
            label per unit (a sequence in the units' order, or a mapping from unit to label).
        k: number of groups to find; None for the number with most evidence.
        forbid: edges (source, target) that do not exist at any lag, or (source, target, lag).
        require: edges (source, target) within a row, or (source, target, lag).
        tiers: groups of variables in causal order; none drives one of an earlier tier. With media, visits and sales as
            three tiers the graph is a funnel.
        exogenous: variables that no other drives.
        refine: whether the order of the variables is refined by insertions after the path; see `estimate_structure`.

    Returns:
        The graph; with `groups`, a `GraphGroups`.

    Raises:
        DataError: `X`, `units` or `mask` is unsuitable.
        ConfigError: an invalid setting or rule.
    """
    how = checked_search(method, l1, threshold, noise, refine)
    samples = read_samples(X, lags, units, mask)
    rules = edge_rules(samples.names, samples.lags, forbid, require, tiers, exogenous)
    if groups is None:
        if k is not None:
            raise ConfigError(f"k is {k!r}, but no groups are asked for; add groups='learn' or leave k out.")
        return learn(of_one_size(samples), rules, how)
    if isinstance(groups, str):
        if groups != "learn":
            raise ConfigError(f"groups must be 'learn', one label per unit, or None, got {groups!r}.")
        return learned_groups(samples, rules, how, _checked_k(k, samples))
    if k is not None:
        raise ConfigError(f"k is {k!r}, but the groups are given; leave k out.")
    return known_groups(samples, rules, how, _labels(groups, samples))


def checked_search(method: str, l1: float, threshold: float | None, noise: str | None, refine: bool) -> Search:
    """The settings of a search.

    Raises:
        ConfigError: one of them is invalid.
    """
    if method not in get_args(Method):
        raise ConfigError(f"method must be notears or dagma, got {method!r}.")
    if noise not in (None, *get_args(Noise)):
        raise ConfigError(f"noise must be equal, unequal or None, got {noise!r}.")
    for name, value in (("l1", l1), ("threshold", 0.0 if threshold is None else threshold)):
        if not is_number(value) or value < 0:
            raise ConfigError(f"{name} must be a number, 0 or more, got {shown(value)}.")
    if not isinstance(refine, bool):
        raise ConfigError(f"refine must be True or False, got {shown(refine)}.")
    return Search(method, float(l1), threshold, noise, refine)  # type: ignore[arg-type]


def _checked_k(k: int | None, samples: Samples) -> int | None:
    if k is None:
        return None
    if whole_number("k", k) > len(samples.units):
        raise ConfigError(f"k is {k}, but X has {len(samples.units)} units; ask for fewer groups.")
    return int(k)


def _labels(groups: Labels, samples: Samples) -> tuple[Hashable, ...]:
    """A label a unit, in the units' order."""
    if isinstance(groups, pd.Series):
        groups = groups.to_dict()
    if isinstance(groups, Mapping):
        missing = [unit for unit in samples.units if unit not in groups]
        if missing:
            raise ConfigError(f"groups has no label for the unit {missing[0]!r}; give one for each unit.")
        return tuple(groups[unit] for unit in samples.units)
    if isinstance(groups, bytes) or not isinstance(groups, Sequence | np.ndarray | pd.Index):
        raise ConfigError(f"groups must be 'learn', one label per unit, or None, got {groups!r}.")
    if len(groups) != len(samples.units):
        raise ConfigError(f"groups has {len(groups)} labels for {len(samples.units)} units; give one for each unit.")
    return tuple(groups)
