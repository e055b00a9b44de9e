"""Units that differ in their graph: groups found or known, their number, and each unit's own weights."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

pytestmark = pytest.mark.slow

# [group, lag, source, target]
GRAPHS = np.zeros((2, 1, 4, 4))
GRAPHS[0, 0, 0, 1] = GRAPHS[0, 0, 1, 2] = 0.5
GRAPHS[1, 0, 3, 2] = GRAPHS[1, 0, 0, 3] = 0.5


def _panel(group, spread=0.0, weeks=100, seed=0):
    """Units with persistence, level and noise of their own: `[unit, week, variable]`, and their weights."""
    rng = np.random.default_rng(seed)
    weights = GRAPHS[group] * rng.uniform(1 - spread, 1 + spread, (len(group), 1, 1, 1))
    own, sd = rng.uniform(0.1, 0.6, (len(group), 4)), rng.uniform(0.5, 2.0, (len(group), 4))
    x = np.zeros((len(group), weeks + 50, 4))
    for t in range(1, weeks + 50):
        driven = np.einsum("ui,uij->uj", x[:, t - 1], weights[:, 0])
        x[:, t] = own * x[:, t - 1] + driven + sd * rng.normal(size=(len(group), 4))
    return x[:, 50:] + 10.0 * rng.normal(size=(len(group), 1, 4)), weights


@pytest.fixture(scope="module")
def shops():
    group = np.repeat([0, 1], [14, 8])
    x, weights = _panel(group, spread=0.6)
    return x, group, weights, dcm.learn_dag(x, lags=1, groups="learn")


def test_the_groups_and_their_number_are_found(shops):
    _, group, _, found = shops
    np.testing.assert_array_equal(found.labels, group)  # the larger group is numbered first
    assert found.evidence.idxmin() == 2
    assert (found.chance.max(axis=1) > 0.9).mean() > 0.9
    assert set(found.edges()["group"]) == {0, 1}


def test_each_group_has_its_graph(shops):
    _, _, _, found = shops
    off = ~np.eye(4, dtype=bool)
    for g, graph in found.graphs.items():
        np.testing.assert_array_equal((graph.lagged[0] != 0) & off, GRAPHS[g, 0] != 0)
        assert not graph.adjacency.any()
    assert found.of(0) is found.graphs[0]


def test_a_units_own_weights_are_nearer_the_truth_than_its_groups(shops):
    _, group, weights, found = shops
    off = ~np.eye(4, dtype=bool)
    of_group = np.stack([found.graphs[g].lagged for g in group])
    own, shared = ((np.abs(w - weights) * off).sum() for w in (found.lagged, of_group))
    assert own < 0.8 * shared


def test_one_graph_for_all_is_one_group():
    x, _ = _panel(np.zeros(12, int), seed=2)
    found = dcm.learn_dag(x, lags=1, groups="learn")
    assert len(found.graphs) == 1
    np.testing.assert_array_equal(found.labels, 0)


def test_known_groups_keep_their_labels_and_are_what_is_found(shops):
    x, group, _, found = shops
    labels = np.array(["city", "country"])[group].tolist()
    known = dcm.learn_dag(x, lags=1, groups=labels)
    assert list(known.labels) == labels
    for g, name in enumerate(("city", "country")):
        np.testing.assert_allclose(known.graphs[name].lagged, found.graphs[g].lagged, atol=1e-8)
    mapped = dcm.learn_dag(x, lags=1, groups=dict(enumerate(labels)))
    pd.testing.assert_series_equal(mapped.labels, known.labels)


def test_a_variable_that_a_group_never_has_leaves_no_trace(shops, recwarn):
    x, group, _, _ = shops
    silent = np.where((group == 0)[:, None, None] & (np.arange(4) == 3), 0.0, x)  # a channel that does not run there
    graph = dcm.learn_dag(silent, lags=1, groups=group.tolist()).graphs[0]
    assert graph.gaussian
    assert not graph.lagged[0, 3].any()
    assert not graph.lagged[0, :, 3].any()
    assert not recwarn.list


def test_groups_do_not_depend_on_units_of_measurement(shops):
    x, _, _, found = shops
    scaled = dcm.learn_dag(x * np.array([1e-3, 1.0, 1e4, 7.0]), lags=1, groups="learn")
    pd.testing.assert_series_equal(scaled.labels, found.labels)
    for g, graph in scaled.graphs.items():
        np.testing.assert_array_equal(graph.lagged != 0, found.graphs[g].lagged != 0)


def test_the_figure_shows_a_graph_a_group(shops):
    figure = dcm.plots.graph_groups(shops[3])
    texts = [note.text for note in figure.layout.annotations]
    assert {"0: 14 units", "1: 8 units"} <= set(texts)
    assert texts.count("lag 1") == 4


def test_the_figure_leaves_open_directions_without_a_head():
    rng = np.random.default_rng(0)
    a = rng.normal(size=500)
    b = a + 2.0 * rng.normal(size=500)
    figure = dcm.plots.learned_graph(dcm.learn_dag(np.column_stack([a, b]), noise="unequal"))
    assert len(figure.layout.shapes) == 1
    assert not [note for note in figure.layout.annotations if note.showarrow]
    with pytest.raises(dcm.DataError, match="an edge between variables"):
        dcm.plots.learned_graph(dcm.learn_dag(rng.normal(size=(500, 2)), noise="unequal"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": "learn", "k": 40}, "k is 40, but X has 22 units"),
        ({"groups": "learn", "k": 0}, "k must be a whole number"),
        ({"groups": "find"}, "groups must be 'learn'"),
        ({"groups": [0, 1]}, "2 labels for 22 units"),
        ({"groups": {0: "a"}}, "no label for the unit 1"),
        ({"groups": [0] * 22, "k": 2}, "leave k out"),
        ({"groups": "learn", "noise": "equal"}, "groups need noise='unequal'"),
    ],
)
def test_bad_groups_are_named(shops, settings, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.learn_dag(shops[0], lags=1, **settings)


def test_one_unit_is_no_panel():
    with pytest.raises(dcm.DataError, match="two units or more"):
        dcm.learn_dag(np.random.default_rng(0).normal(size=(50, 3)), groups="learn")


@pytest.mark.parametrize(("groups", "k"), [("learn", None), ("learn", 2), ("known", None)])
def test_groups_need_no_lags(groups, k):
    rng, group = np.random.default_rng(0), np.repeat([0, 1], [18, 12])
    x = rng.normal(size=(30, 120, 3))
    for unit, own in zip(x, group, strict=True):
        unit[:, 1 + own] += 0.9 * unit[:, own]
    found = dcm.learn_dag(x, groups=group if groups == "known" else "learn", k=k)
    np.testing.assert_array_equal(found.labels, group)
    assert found.lagged.shape == (30, 0, 3, 3)
    assert all(graph.adjacency[own, 1 + own] or graph.adjacency[1 + own, own] for own, graph in found.graphs.items())
