"""Graphs under noise that differs from variable to variable: units, equivalence, shapes of noise, lags, rules."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.dag.equivalence import equivalence_class, representative
from deepcausalmmm_jax.dag.samples import read_samples
from deepcausalmmm_jax.dag.unit_sizes import of_one_size

# a -> b -> d, a -> c, c -> d
TRUE = np.array([[0, 1.5, -1.0, 0], [0, 0, 0, 0.9], [0, 0, 0, 1.2], [0, 0, 0, 0]])
CHAIN = np.diag([0.8, 0.9, 0.0], 1)  # a -> b -> c, d alone: no direction can be told
NAMES = list("abcd")


def _samples(weights, n=800, seed=0, law="normal"):
    rng = np.random.default_rng(seed)
    noise = getattr(rng, law)(size=(n, len(weights))) * rng.uniform(0.5, 2.0, len(weights))
    return noise @ np.linalg.inv(np.eye(len(weights)) - weights)


def _series(within, lagged, own=0.3, n=600, seed=0):
    rng = np.random.default_rng(seed)
    d, solve = len(within), np.linalg.inv(np.eye(len(within)) - within)
    x = np.zeros((n + 50, d))
    for t in range(2, n + 50):
        x[t] = (own * x[t - 1] + sum(x[t - 1 - k] @ a for k, a in enumerate(lagged)) + rng.normal(size=d)) @ solve
    return x[50:]


@pytest.mark.slow
@given(seed=st.integers(0, 10_000), scale=st.lists(st.floats(-6, 6), min_size=4, max_size=4))
@settings(max_examples=15, deadline=None)
def test_with_unequal_noise_the_graph_is_the_same_in_any_units(seed, scale):
    x, factor = _samples(TRUE, seed=seed), 10.0 ** np.array(scale)
    ours, theirs = (dcm.learn_dag(samples, noise="unequal") for samples in (x, x * factor))
    np.testing.assert_array_equal(ours.cpdag, theirs.cpdag)
    np.testing.assert_allclose(theirs.adjacency, ours.adjacency * factor / factor[:, None], rtol=1e-6, atol=1e-300)


@pytest.mark.slow
@pytest.mark.parametrize("lags", [0, 1])
def test_the_law_of_units_holds_with_lags_and_skewed_noise(lags):
    x = _samples(TRUE, law="exponential")
    factor = np.array([1e-4, 1.0, 1e5, 10.0])
    ours, theirs = (dcm.learn_dag(samples, noise="unequal", lags=lags) for samples in (x, x * factor))
    np.testing.assert_allclose(theirs.adjacency, ours.adjacency * factor / factor[:, None], rtol=1e-6, atol=1e-300)


def test_a_collider_is_directed_and_a_chain_is_left_open():
    collider = dcm.learn_dag(_samples(TRUE), noise="unequal")
    assert collider.decided[[1, 2], 3].all()
    chain = dcm.learn_dag(pd.DataFrame(_samples(CHAIN), columns=NAMES), noise="unequal")
    np.testing.assert_array_equal(chain.cpdag, (CHAIN + CHAIN.T) != 0)
    assert not chain.decided.any()
    assert chain.note == "The observations do not decide the direction of: a - b, b - c."
    assert not chain.edges()["decided"].any()


def _units_of_two_sizes(weights, units=8, rows=100):
    """Rows of one Gaussian graph `[unit, row, variable]`, every other unit eight times as large."""
    size = np.where(np.arange(units) % 2, 8.0, 1.0)
    return _samples(weights, units * rows).reshape(units, rows, -1) * size[:, None, None]


def test_sizes_of_units_decide_no_direction_and_make_no_edge():
    x = _units_of_two_sizes(CHAIN)
    found = dcm.learn_dag(x, noise="unequal")
    assert found.gaussian
    np.testing.assert_array_equal(found.cpdag, (CHAIN + CHAIN.T) != 0)
    assert not found.decided.any()
    often = dcm.bootstrap_dag(x, 20, noise="unequal")
    assert often.frequency[3].max() <= 0.1  # nothing leads from or to the variable that is alone
    assert often.frequency[:, 3].max() <= 0.1


def test_units_of_one_size_keep_their_rows():
    x = np.random.default_rng(0).normal(size=(6, 50, 3))
    samples = read_samples(x, 0, None, None)
    np.testing.assert_allclose(of_one_size(samples).values, samples.values, rtol=0.1)
    alone = read_samples(x[0], 0, None, None)
    np.testing.assert_array_equal(of_one_size(alone).values, alone.values)
    larger = read_samples(x * np.array([1.0, 1.0, 1.0, 9.0, 9.0, 9.0])[:, None, None], 0, None, None)
    sizes = np.sqrt((of_one_size(larger).values ** 2).reshape(6, -1).mean(axis=1))
    assert sizes.max() < 1.2 * sizes.min()


@pytest.mark.slow
def test_noise_that_is_not_gaussian_decides_a_chain():
    found = dcm.learn_dag(_samples(CHAIN, law="exponential"), noise="unequal")
    assert not found.gaussian
    np.testing.assert_array_equal(found.adjacency != 0, CHAIN != 0)
    np.testing.assert_array_equal(found.decided, CHAIN != 0)
    assert found.note == ""


@pytest.mark.parametrize(("spread", "noise"), [(0.0, "equal"), (3.0, "unequal")])
def test_evidence_tells_equal_from_unequal_noise(spread, noise):
    x = (
        _samples(TRUE)
        if noise == "unequal"
        else np.random.default_rng(0).normal(size=(800, 4)) @ np.linalg.inv(np.eye(4) - TRUE)
    )
    found = dcm.learn_dag(x * 10.0 ** (spread * np.arange(4)))
    assert found.noise == noise
    assert (found.evidence > 0) == (noise == "unequal")


@pytest.mark.slow
def test_equal_noise_leaves_open_what_equal_variances_cannot_tell():
    x, y = np.random.default_rng(1).normal(size=(2, 400))
    y = 0.3 * x + y
    table = np.column_stack([x, y])
    standardised = (table - table.mean(axis=0)) / table.std(axis=0)  # both directions fit equally well
    found = dcm.learn_dag(standardised, noise="equal", threshold=0.0)
    assert (found.adjacency != 0).sum() == 1
    assert not found.decided.any()
    assert found.cpdag[[0, 1], [1, 0]].all()
    assert "do not decide" in found.note
    strong = dcm.learn_dag(np.column_stack([x, 2.0 * x + y]), noise="equal")
    assert strong.decided[0, 1]


@pytest.mark.slow
def test_two_parents_whose_effects_nearly_cancel_are_both_found():
    rng = np.random.default_rng(3)
    a = rng.normal(size=2000)
    b = a + 0.2 * rng.normal(size=2000)
    c = rng.normal(size=2000) + 3.0 * a - 3.0 * b
    found = dcm.learn_dag(np.column_stack([a, b, c]), noise="unequal", tiers=[[0, 1], [2]])
    np.testing.assert_allclose(found.adjacency[:2, 2], [3.0, -3.0], atol=0.5)


class TestLags:
    WITHIN = np.array([[0, 0.7, 0], [0, 0, 0], [0, 0, 0.0]])
    LAGGED = (np.array([[0, 0, 0.5], [0, 0, 0], [0, 0, 0.0]]), np.array([[0, 0, 0], [0, 0, 0.6], [0.4, 0, 0.0]]))

    @pytest.mark.slow
    def test_edges_are_found_at_their_lag_even_in_a_cycle_over_time(self):
        found = dcm.learn_dag(_series(self.WITHIN, self.LAGGED), lags=2)
        off = ~np.eye(3, dtype=bool)
        np.testing.assert_array_equal(found.adjacency != 0, self.WITHIN != 0)
        for lag in range(2):
            np.testing.assert_array_equal((found.lagged[lag] != 0) & off, (self.LAGGED[lag] != 0) & off)
        np.testing.assert_allclose(found.lagged[0].diagonal(), 0.3, atol=0.15)

    @pytest.mark.slow
    def test_total_effects_are_those_of_an_intervention(self):
        found = dcm.learn_dag(_series(self.WITHIN, self.LAGGED), lags=2)
        with pytest.raises(dcm.ConfigError, match="rows must be a whole number, 0 or more, got 1.5"):
            found.total_effects(1.5)
        effects = found.total_effects(4)
        x = np.zeros((7, 3))
        solve = np.linalg.inv(np.eye(3) - found.adjacency)
        for t in range(2, 7):  # one unit more of variable 0 at t = 2
            more = np.array([1.0, 0, 0]) if t == 2 else np.zeros(3)
            x[t] = (x[t - 1] @ found.lagged[0] + x[t - 2] @ found.lagged[1] + more) @ solve
        np.testing.assert_allclose(effects[:, 0], x[2:7], atol=1e-12)

    def test_units_of_different_levels_are_one_panel(self):
        units = [_series(self.WITHIN, self.LAGGED, n=150, seed=s) + 100.0 * s for s in range(4)]
        stacked = dcm.learn_dag(np.stack(units), lags=2, noise="unequal")
        table = pd.DataFrame(np.concatenate(units), columns=list("abc")).assign(shop=np.repeat(list("wxyz"), 150))
        long = dcm.learn_dag(table, lags=2, noise="unequal", units="shop")
        numbered = dcm.learn_dag(table.rename(columns={"shop": 7}), lags=2, noise="unequal", units=7)
        np.testing.assert_array_equal(numbered.lagged, long.lagged)
        np.testing.assert_allclose(long.lagged, stacked.lagged, atol=1e-9)
        assert long.names == ("a", "b", "c")

    @pytest.mark.slow
    def test_weeks_that_are_masked_change_nothing(self):
        x = _series(self.WITHIN, self.LAGGED, n=400)
        mask = np.ones(500, bool)
        mask[200:300] = False
        gap = np.concatenate([x[:200], np.full((100, 3), np.nan), x[200:]])
        parts = np.stack([x[:200], x[200:]])
        ours = dcm.learn_dag(gap, lags=1, mask=mask, noise="unequal")
        theirs = dcm.learn_dag(parts, lags=1, noise="unequal")  # no row reaches across the gap in either
        np.testing.assert_array_equal(ours.lagged != 0, theirs.lagged != 0)
        np.testing.assert_allclose(ours.lagged, theirs.lagged, atol=0.02)


class TestRules:
    def test_a_tier_or_an_exogenous_variable_directs_a_chain(self):
        table = pd.DataFrame(_samples(CHAIN), columns=NAMES)
        for rules in ({"tiers": [["a"], ["b"], ["c"]]}, {"exogenous": ["a"]}, {"forbid": [("b", "a")]}):
            found = dcm.learn_dag(table, noise="unequal", **rules)
            np.testing.assert_array_equal(found.adjacency != 0, CHAIN != 0)
            assert found.decided[0, 1]

    def test_forbidden_edges_are_absent_and_required_ones_present(self):
        table = pd.DataFrame(_samples(TRUE), columns=NAMES)
        for noise in ("equal", "unequal"):
            found = dcm.learn_dag(table, noise=noise, forbid=[("a", "b"), ("b", "a")], require=[("d", "a")])
            assert found.adjacency[0, 1] == found.adjacency[1, 0] == 0
            assert found.adjacency[3, 0] != 0
            assert nx.is_directed_acyclic_graph(found.graph())

    def test_a_required_edge_runs_as_required_where_the_observations_leave_its_direction_open(self):
        table = pd.DataFrame(_samples(CHAIN), columns=NAMES)
        found = dcm.learn_dag(table, noise="unequal", require=[("c", "b")])
        np.testing.assert_array_equal(found.adjacency != 0, CHAIN.T != 0)  # of the chain, the rest follows from it
        np.testing.assert_array_equal(found.cpdag, CHAIN.T != 0)
        assert found.decided[[2, 1], [1, 0]].all()

    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            ({"forbid": [("a", "e")]}, "forbid names the variable 'e', which X does not have"),
            ({"require": [("b", "a")], "tiers": [["a"], ["b"]]}, "required, but forbidden"),
            ({"require": [("b", "a")], "exogenous": ["a"]}, "nothing drives 'a'"),
            ({"require": [("a", "b", -1)], "lags": 1}, "against time"),
            ({"require": [("a", "b", 2)], "lags": 1}, "has lag 2, but lags is 1"),
            ({"require": [("a", "b"), ("b", "a")]}, "cycle, a -> b -> a"),
            ({"require": [("a", "a")]}, "to itself"),
            ({"forbid": ["ab"]}, "must hold edges"),
            ({"tiers": [["a"], ["a"]]}, "names 'a' twice"),
            ({"refine": "no"}, "refine must be True or False, got 'no'"),
            ({"noise": "gaussian"}, "noise must be equal, unequal or None"),
            ({"lags": -1}, "lags must be a whole number, 0 or more"),
            ({"k": 2}, "no groups are asked for"),
        ],
    )
    def test_bad_rules_are_named(self, rules, message):
        with pytest.raises(dcm.ConfigError, match=message):
            dcm.learn_dag(pd.DataFrame(_samples(TRUE), columns=NAMES), **rules)

    @pytest.mark.parametrize(
        ("x", "more", "message"),
        [
            (np.random.default_rng(0).normal(size=(6, 3)), {"lags": 7}, "X has 6 rows, and 7 lags need at least 8"),
            (np.random.default_rng(0).normal(size=(30, 3)), {"units": [0] * 27 + [1] * 3, "lags": 3}, "Unit 1 has 3"),
            (np.random.default_rng(0).normal(size=(30, 3)), {"units": [0] * 29}, "each of the 30 rows"),
            (np.random.default_rng(0).normal(size=(30, 3)), {"mask": np.ones(29)}, "mask must hold"),
            (pd.DataFrame(np.eye(5, 3)), {"units": "shop"}, "no column 'shop'"),
            (np.random.default_rng(0).normal(size=(9, 3)).astype(complex), {}, "array of numbers"),
        ],
    )
    def test_bad_panels_are_named(self, x, more, message):
        with pytest.raises(dcm.DataError, match=message):
            dcm.learn_dag(x, **more)


@given(seed=st.integers(0, 5000), d=st.integers(2, 7))
@settings(max_examples=40, deadline=None)
def test_a_representative_is_of_its_class(seed, d):
    rng = np.random.default_rng(seed)
    order = rng.permutation(d)
    edges = np.triu(rng.random((d, d)) < 0.5, 1)[np.ix_(order, order)]
    cpdag = equivalence_class(edges)
    member = representative(cpdag)
    assert nx.is_directed_acyclic_graph(nx.DiGraph(np.argwhere(member).tolist()))
    np.testing.assert_array_equal(equivalence_class(member), cpdag)
    np.testing.assert_array_equal(member | member.T, edges | edges.T)


@pytest.mark.slow
def test_frequencies_tell_an_open_direction_from_no_edge():
    x = pd.DataFrame(_samples(CHAIN), columns=NAMES)
    found = dcm.bootstrap_dag(x, 30, noise="unequal", warm_start=False)
    table = found.table()
    assert (table.loc[table["source"].isin(["a", "b"]), "either_way"].max()) == 1.0
    assert (found.low <= found.high).all()
    strong = dcm.bootstrap_dag(x, 30, tiers=[["a"], ["b"], ["c"]])
    assert strong.frequency[0, 1] == 1.0
    assert strong.low[0, 1] < dcm.learn_dag(x, tiers=[["a"], ["b"], ["c"]]).adjacency[0, 1] < strong.high[0, 1]


@pytest.mark.slow
def test_lagged_edges_have_frequencies():
    found = dcm.bootstrap_dag(_series(TestLags.WITHIN, TestLags.LAGGED), 20, lags=2)
    assert found.lagged_frequency[0, 0, 2] == found.lagged_frequency[1, 1, 2] == 1.0
    assert set(found.table()["lag"]) >= {0, 1, 2}
