"""What structure learning is judged on: `benchmarks/structure`, which needs neither JAX nor the package."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.structure import scores, worlds


def _graph(d, *edges):
    graph = np.zeros((d, d), bool)
    for i, j in edges:
        graph[i, j] = True
    return graph


CLASSES = {
    "chain: no direction": ([(0, 1), (1, 2)], [(0, 1), (1, 0), (1, 2), (2, 1)]),
    "fork: no direction": ([(1, 0), (1, 2)], [(0, 1), (1, 0), (1, 2), (2, 1)]),
    "collider: both": ([(0, 1), (2, 1)], [(0, 1), (2, 1)]),
    "triangle: no direction": ([(0, 1), (0, 2), (1, 2)], [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)]),
    "rule 1, after a collider": ([(0, 1), (2, 1), (1, 3)], [(0, 1), (2, 1), (1, 3)]),
    "rule 2, no cycle": ([(0, 1), (3, 1), (1, 2), (0, 2)], [(0, 1), (3, 1), (1, 2), (0, 2)]),
    "rule 3, kite": (
        [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)],
        [(0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (1, 3), (2, 3)],
    ),
}


@pytest.mark.parametrize(("dag", "expected"), CLASSES.values(), ids=CLASSES)
def test_the_cpdag_of_small_graphs(dag, expected):
    d = 1 + max(max(edge) for edge in dag)
    np.testing.assert_array_equal(scores.cpdag(_graph(d, *dag)), _graph(d, *expected))


def _signature(dag):
    """Skeleton and v-structures, which two graphs share exactly if they are equivalent (Verma & Pearl 1990)."""
    adjacent = dag | dag.T
    colliders = {
        (a, j, b)
        for j in range(len(dag))
        for a, b in itertools.combinations(np.flatnonzero(dag[:, j]), 2)
        if not adjacent[a, b]
    }
    return adjacent.tobytes(), frozenset(colliders)


def test_a_cpdag_has_the_directions_that_all_equivalent_graphs_share():
    pairs = list(itertools.combinations(range(4), 2))
    members = {}
    for marks in itertools.product((0, 1, 2), repeat=len(pairs)):
        dag = _graph(4, *[(i, j) if mark == 1 else (j, i) for (i, j), mark in zip(pairs, marks, strict=True) if mark])
        if nx.is_directed_acyclic_graph(nx.DiGraph(dag.astype(int))):
            members.setdefault(_signature(dag), []).append(dag)
    assert sum(map(len, members.values())) == 543  # acyclic graphs of four labelled variables
    assert len(members) == 185  # their equivalence classes (Gillispie & Perlman 2001)
    for equivalent in members.values():
        shared = np.any(equivalent, axis=0)
        for dag in equivalent:
            np.testing.assert_array_equal(scores.cpdag(dag), shared)


def test_each_wrong_pair_counts_once():
    true = _graph(4, (0, 1), (1, 2), (2, 3))
    assert scores.distance(true, true) == 0
    assert scores.distance(_graph(4, (0, 1), (2, 1), (0, 3)), true) == 3  # reversed, missing, extra
    assert scores.skeleton_distance(_graph(4, (0, 1), (2, 1), (0, 3)), true) == 2
    assert scores.cpdag_distance(scores.cpdag(_graph(4, (3, 2), (2, 1), (1, 0))), true) == 0
    assert scores.cpdag_distance(_graph(4, (0, 1), (2, 1), (2, 3)), true) == 3


def test_f1_and_auroc():
    true = _graph(3, (0, 1), (1, 2))
    assert scores.f1(_graph(3, (0, 1), (2, 1)), true) == pytest.approx(0.5)
    assert scores.f1(np.zeros((3, 3)), np.zeros((3, 3))) == 1.0
    assert scores.auroc(np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False])) == pytest.approx(2.5 / 4)


def test_shops_are_scored_against_the_graph_of_their_group_without_own_effects():
    edges = np.zeros((2, 2, 3, 3), bool)
    edges[0, 0, 0, 1] = edges[1, 1, 2, 0] = True
    score = np.stack([edges[0] * 1.0, edges[0] * 1.0]) + 5.0 * np.eye(3)
    pairs, by_lag = scores.shop_aurocs(score, np.array([0, 1]), edges)
    assert pairs[0] == by_lag[0] == 1.0
    assert pairs[1] == pytest.approx(0.4)  # four of five others tie, one is above
    assert by_lag[1] == pytest.approx(5 / 11)


def test_rand_index_is_one_up_to_names_and_none_by_chance():
    labels = np.repeat([0, 1, 2], 20)
    assert scores.adjusted_rand(2 - labels, labels) == 1.0
    assert scores.adjusted_rand(np.zeros(60, int), labels) == 0.0
    rng = np.random.default_rng(0)
    by_chance = [scores.adjusted_rand(rng.permutation(labels), labels) for _ in range(200)]
    assert abs(np.mean(by_chance)) < 0.01
    # of 6 pairs 1 is together in both, 2 in one and 3 in the other: as many as expected, 2 * 3 / 6
    assert scores.adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])) == pytest.approx(0.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["erdos-renyi", "scale-free"]), st.sampled_from(list(worlds.LAWS)))
def test_samples_obey_their_own_weights(seed, graph, law):
    drawn = worlds.linear(seed, 6, graph, "unequal", law, standardise=True)
    np.testing.assert_allclose(drawn.samples.std(axis=0), 1.0)
    assert nx.is_directed_acyclic_graph(nx.DiGraph(drawn.edges.astype(int)))
    noise = drawn.samples - drawn.samples @ drawn.weights
    off = np.corrcoef(noise.T)[np.triu_indices(6, 1)]
    assert np.abs(off).max() < 0.2  # 6 standard errors


def test_standardised_samples_have_the_same_graph():
    raw, scaled = worlds.many_samples(3), worlds.many_samples(3, standardise=True)
    np.testing.assert_array_equal(raw.edges, scaled.edges)
    assert raw.edges.sum() == 30
    assert raw.samples.shape == (10_000, 20)


@pytest.mark.parametrize("d", [10, 20])
def test_dynamic_series_obey_their_own_weights_and_are_stable(d):
    drawn = worlds.dynamic(0, d)
    now, before = drawn.series[1:], drawn.series[:-1]
    shocks = now - now @ drawn.within - before @ drawn.lagged[0]
    np.testing.assert_allclose(shocks.std(axis=0), 1.0, atol=0.2)
    assert worlds.spectral_radius(drawn.lagged @ np.linalg.inv(np.eye(d) - drawn.within)) < 0.95


@pytest.mark.parametrize(("seed", "shared", "spread"), [(0, 0, 0.0), (1, 0, 0.0), (2, 5, 0.5)])
def test_shops_obey_their_groups_graph(seed, shared, spread):
    drawn = worlds.simulate_shops(seed, shared=shared, spread=spread)
    shops = len(drawn.series)
    assert 60 <= shops <= 300
    assert drawn.series.shape == (shops, 100, 8)
    assert np.bincount(drawn.group).min() >= shops // 5
    assert (drawn.edges.sum(axis=(1, 2, 3)) == 10).all()
    assert not drawn.edges[:, :, range(8), range(8)].any()
    assert drawn.edges.all(axis=0).sum() >= shared
    factor = drawn.weights[drawn.edges[drawn.group]] / drawn.of_group[drawn.group][drawn.edges[drawn.group]]
    assert abs(factor - 1).max() <= spread + 1e-12
    shop = shops // 2
    series, weights, bent = drawn.series[shop], drawn.weights[shop], drawn.saturates[drawn.group[shop]]
    expected = series[1:-1] * drawn.own[shop]
    for lag in (1, 2):
        past, w, through = series[2 - lag : len(series) - lag], weights[lag - 1], bent[lag - 1]
        expected = expected + past @ np.where(through, 0.0, w) + np.tanh(past) @ np.where(through, w, 0.0)
    np.testing.assert_allclose((series[2:] - expected).std(axis=0), drawn.noise[shop], rtol=0.3)


def test_a_seed_gives_the_same_shops():
    first, again, other = (worlds.simulate_shops(seed, shops=5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.series, again.series)
    assert not np.array_equal(first.of_group, other.of_group)
