"""From arranged observations to a graph: searches under equal and unequal noise, and the evidence between them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from deepcausalmmm_jax.dag.absent_edges import doubtful_pairs
from deepcausalmmm_jax.dag.edge_rules import EdgeRules
from deepcausalmmm_jax.dag.equivalence import equivalence_class, representative
from deepcausalmmm_jax.dag.estimate import Method, Structure, estimate_structure
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph, Noise
from deepcausalmmm_jax.dag.negentropy import negentropy
from deepcausalmmm_jax.dag.order_search import Ordered
from deepcausalmmm_jax.dag.samples import Samples
from deepcausalmmm_jax.dag.search import given_order, penalty, refine, reversals, search, search_shapes
from deepcausalmmm_jax.dag.stepwise import Candidates
from deepcausalmmm_jax.dag.unit_sizes import in_own_sizes

EQUAL_THRESHOLD = 0.3  # default for graphs of equal noise, as in the literature
_NOT_GAUSSIAN = 1e-3  # chance of residuals so far from Gaussian under Gaussian noise
_OUT_OF_REACH = 0.2  # twice the log-likelihood a value by which equal noise may be behind before the search for it
_DECIDES = 2.0 * np.log(20.0)  # twice the log-likelihood by which one direction must win


class Search(NamedTuple):
    """How to search."""

    method: Method
    l1: float
    threshold: float | None
    noise: Noise | None
    refine: bool
    seed: int = 0


class Scaled(NamedTuple):
    """Observations of variance 1."""

    values: np.ndarray  # [row, D]
    scale: np.ndarray  # [D]
    correlation: np.ndarray  # [D, D]


def scaled(values: np.ndarray) -> Scaled:
    """Columns divided by their standard deviations; a column of zeros stays."""
    scale = np.sqrt((values**2).mean(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    unit = values / scale
    return Scaled(unit, scale, unit.T @ unit / len(unit))


def candidates(data: Scaled, rules: EdgeRules, noise: np.ndarray | None = None) -> Candidates:
    """What the search is given; call it where double precision is enabled.

    Args:
        data: the observations.
        rules: what the user knows of the edges.
        noise: `[d]`, variance of the noise in units of each variable's own variance; None: each has its own.
    """
    n, D = data.values.shape
    return Candidates(
        correlation=jnp.asarray(data.correlation),
        n_rows=jnp.asarray(float(n)),
        penalty=jnp.asarray(penalty(n, D)),
        required=jnp.asarray(rules.required),
        noise=jnp.asarray(np.full(rules.free.shape[1], np.inf) if noise is None else noise),
    )


def learn(samples: Samples, rules: EdgeRules, how: Search) -> LearnedGraph:
    """The graph of arranged observations.

    Args:
        samples: from `read_samples`, with units `of_one_size`.
        rules: from `edge_rules`.
        how: the settings.
    """
    d, data = samples.n_variables, scaled(samples.values)
    with jax.enable_x64(True):  # unexplained variances may be a millionth of a variable's own
        own = _unequal(data, rules, d, how.seed) if how.noise != "equal" else None
        path = _continuous(samples, rules, how) if how.noise != "unequal" else None
        shared = _equal(data, rules, d, own, path, how.seed) if how.noise != "unequal" else None
        if own is None or shared is None:
            evidence = np.nan
        else:
            evidence = _cost_equal(shared, data, d) - _cost_unequal(own, data, d)
        if shared is not None and not evidence > 0:
            return _of_equal_noise(samples, data, rules, shared, path, how, evidence)
        assert own is not None
        return _of_unequal_noise(samples, data, rules, own, how, evidence)


def _unequal(data: Scaled, rules: EdgeRules, d: int, seed: int) -> Ordered:
    return search(candidates(data, rules), jnp.asarray(rules.free), jax.random.key(seed), d=d)


def has_path(samples: Samples, rules: EdgeRules) -> bool:
    """Whether the continuous methods apply: without lags and rules."""
    off_diagonal = ~np.eye(samples.n_variables, dtype=bool)
    return not samples.lags and not rules.required.any() and bool((rules.free == off_diagonal).all())


def _continuous(samples: Samples, rules: EdgeRules, how: Search) -> Structure | None:
    """The published way, for graphs without lags and rules; it knows neither."""
    if not has_path(samples, rules):
        return None
    gram = samples.values.T @ samples.values / len(samples.values)
    threshold = EQUAL_THRESHOLD if how.threshold is None else how.threshold
    with jax.enable_x64(False):
        return estimate_structure(
            jnp.asarray(gram, jnp.float32),
            jnp.float32(how.l1),
            jnp.float32(threshold),
            method=how.method,
            refine=how.refine,
        )


def _equal(data: Scaled, rules: EdgeRules, d: int, own: Ordered | None, path: Structure | None, seed: int) -> Ordered:
    """The best graph under noise of one variance, which is that of the graph before.

    Args:
        data: the observations.
        rules: what the user knows of the edges.
        d: number of variables.
        own: the best graph under noise of unequal variance, which competes; None if it does not.
        path: a start.
        seed: of the search.
    """
    free = jnp.asarray(rules.free)
    before = _unequal(data, rules, d, seed) if own is None else own
    start = before.order if path is None else jnp.asarray(path.order, before.order.dtype)  # one program for all
    known = candidates(data, rules, _variances(before, data, d).mean() / data.scale[:d] ** 2)
    if own is not None:
        rough = given_order(known, free, start)
        if _cost_equal(rough, data, d) - _cost_unequal(own, data, d) > _OUT_OF_REACH * len(data.values) * d:
            return rough
    tried = [search(known, free, jax.random.key(seed), d=d), refine(known, free, start)]
    found = min(tried, key=lambda graph: float(graph.costs.sum()))
    known = candidates(data, rules, _variances(found, data, d).mean() / data.scale[:d] ** 2)
    return refine(known, free, found.order)


def _weights(values: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Least squares of each variable on its parents, `[D, d]`."""
    weights = np.zeros(parents.shape)
    for j in range(parents.shape[1]):
        chosen = np.flatnonzero(parents[:, j])
        if len(chosen):
            weights[chosen, j] = np.linalg.lstsq(values[:, chosen], values[:, j], rcond=None)[0]
    return weights


def _variances(found: Ordered, data: Scaled, d: int) -> np.ndarray:
    """Variance of each variable's residuals, in its own units squared, `[d]`."""
    rest = data.values[:, :d] - data.values @ _weights(data.values, np.asarray(found.parents))
    return np.asarray((rest**2).mean(axis=0) * data.scale[:d] ** 2)


def _cost_unequal(found: Ordered, data: Scaled, d: int) -> float:
    n = len(data.values)
    edges = float(np.asarray(found.parents).sum())
    return float(
        n * np.log(_variances(found, data, d)).sum() + d * np.log(n) + penalty(n, data.values.shape[1]) * edges
    )


def _cost_equal(found: Ordered, data: Scaled, d: int) -> float:
    n = len(data.values)
    edges = float(np.asarray(found.parents).sum())
    one = float(np.log(_variances(found, data, d).mean()))
    return float(n * d * one + np.log(n) + penalty(n, data.values.shape[1]) * edges)


def _of_equal_noise(
    samples: Samples,
    data: Scaled,
    rules: EdgeRules,
    found: Ordered,
    path: Structure | None,
    how: Search,
    evidence: float,
) -> LearnedGraph:
    """Equal noise decides directions (Peters & Buhlmann 2014), as far as variances differ by more than chance."""
    d = samples.n_variables
    known = candidates(data, rules, _variances(found, data, d).mean() / data.scale[:d] ** 2)
    threshold = (0.0 if path is None else EQUAL_THRESHOLD) if how.threshold is None else float(how.threshold)
    raised, h = False, 0.0
    if path is None or how.refine:
        weights, kept = _kept(samples, data, np.asarray(found.parents), threshold, rules.required, unit_free=False)
    else:
        weights, kept, h = np.asarray(path.weights, np.float64), np.asarray(path.adjacency, np.float64), float(path.h)
        raised, threshold = float(path.threshold) > float(np.float32(threshold)), float(path.threshold)
    edges = kept[:d] != 0
    one_way = ~rules.free[:d].T | (np.asarray(reversals(known, jnp.asarray(rules.free), found, None)) > _DECIDES)
    rest = samples.values[:, :d] - samples.values @ kept
    return LearnedGraph(
        weights=weights[:d],
        adjacency=kept[:d],
        lagged=kept[d:].reshape(samples.lags, d, d),
        cpdag=edges | (edges & ~one_way).T,
        decided=edges & one_way,
        noise="equal",
        gaussian=passes_for_gaussian(in_own_sizes(rest, samples.unit)),
        noise_sd=np.full(d, np.sqrt((rest**2).mean())),
        evidence=evidence,
        h=h,
        iterations=0 if path is None else int(path.iterations),
        threshold=threshold,
        raised=raised,
        names=samples.names,
    )


def _of_unequal_noise(
    samples: Samples, data: Scaled, rules: EdgeRules, found: Ordered, how: Search, evidence: float
) -> LearnedGraph:
    d = samples.n_variables
    rest = data.values[:, :d] - data.values @ _weights(data.values, np.asarray(found.parents))
    gaussian = passes_for_gaussian(in_own_sizes(rest, samples.unit))
    by_shape = np.zeros((d, d), bool)
    if not gaussian:
        shaped = search_shapes(
            candidates(data, rules),
            jnp.asarray(rules.free),
            found.order,
            jnp.asarray(data.values),
            jax.random.key(how.seed),
        )
        found, by_shape = shaped.best, np.asarray(shaped.reversal) > _DECIDES
    threshold = 0.0 if how.threshold is None else float(how.threshold)
    weights, kept = _kept(samples, data, np.asarray(found.parents), threshold, rules.required, unit_free=True)
    edges = kept != 0
    doubtful = doubtful_pairs(data.correlation, len(data.values), edges, rules.free)
    cpdag = equivalence_class(edges[:d], rules.free[:d], edges[d:], doubtful)
    if gaussian:
        edges[:d] = representative(equivalence_class(edges[:d], rules.free[:d], edges[d:]))
        weights = kept = _weights(samples.values, edges)
    rest = samples.values[:, :d] - samples.values @ kept
    return LearnedGraph(
        weights=weights[:d],
        adjacency=kept[:d],
        lagged=kept[d:].reshape(samples.lags, d, d),
        cpdag=cpdag,
        decided=edges[:d] & (~cpdag.T | by_shape),
        noise="unequal",
        gaussian=gaussian,
        noise_sd=np.sqrt((rest**2).mean(axis=0)),
        evidence=evidence,
        h=0.0,
        iterations=0,
        threshold=threshold,
        raised=False,
        names=samples.names,
    )


def _kept(
    samples: Samples, data: Scaled, parents: np.ndarray, threshold: float, required: np.ndarray, unit_free: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of all parents, and of those above the threshold or required, `[D, d]`."""
    d, weights = samples.n_variables, _weights(samples.values, parents)
    size = np.abs(weights) * (data.scale[:, None] / data.scale[:d] if unit_free else 1.0)
    return weights, _weights(samples.values, parents & (required | (size > threshold)))


def passes_for_gaussian(rest: np.ndarray) -> bool:
    """Whether residuals `[row, variable]` are no further from Gaussian than Gaussian noise would be.

    Twice the rows times the negentropy of Gaussian noise is close to chi-square with two degrees of freedom a variable.
    A variable without residuals, such as one that is constant in a group of units, says nothing.
    """
    sd = np.sqrt((rest**2).mean(axis=0))
    unit = rest[:, sd > 0] / sd[sd > 0]
    if not unit.size:
        return True
    far = 2.0 * len(rest) * float(np.asarray(negentropy(jnp.asarray(unit.T))).sum())
    return bool(far < stats.chi2.isf(_NOT_GAUSSIAN, 2 * unit.shape[1]))
