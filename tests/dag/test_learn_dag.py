import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.dag.estimate import estimate_structure, in_units_of_noise
from deepcausalmmm_jax.dag.orders import moved, order_score, refined_order, regression_weights, topological_order

METHODS = pytest.mark.parametrize("method", ["notears", "dagma"])
# a -> b -> d, a -> c, c -> d
TRUE = np.array([[0, 1.5, -1.0, 0], [0, 0, 0, 0.9], [0, 0, 0, 1.2], [0, 0, 0, 0]])


def _samples(weights, n=800, seed=0):
    noise = np.random.default_rng(seed).normal(size=(n, len(weights)))
    return noise @ np.linalg.inv(np.eye(len(weights)) - weights)


@METHODS
@pytest.mark.parametrize("refine", [True, False])
def test_a_small_graph_is_recovered(method, refine):
    found = dcm.learn_dag(_samples(TRUE), method, refine=refine)
    np.testing.assert_array_equal(found.adjacency != 0, TRUE != 0)
    np.testing.assert_allclose(found.adjacency, TRUE, atol=0.2)
    assert found.iterations > 0
    assert found.h < 1e-3
    assert found.note == ""


def test_a_table_keeps_its_names():
    found = dcm.learn_dag(pd.DataFrame(_samples(TRUE), columns=list("abcd")))
    assert set(found.graph().edges) == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}


@given(seed=st.integers(0, 10_000), refine=st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_adjacency_is_always_a_dag(seed, refine):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4)) * rng.uniform(0.1, 10, 4)
    found = dcm.learn_dag(x, "dagma", l1=0.0, threshold=0.0, refine=refine)
    assert nx.is_directed_acyclic_graph(found.graph())
    assert (np.abs(found.weights[found.adjacency != 0]) > found.threshold).all()


def test_a_raised_threshold_is_said():
    # A few rows of unrelated noise and no penalty: the path leaves weak weights both ways.
    x = np.random.default_rng(3).normal(size=(30, 4))
    found = dcm.learn_dag(x, "notears", l1=0.0, threshold=0.0, refine=False)
    assert nx.is_directed_acyclic_graph(found.graph())
    assert found.raised == (found.threshold > 0)
    assert ("raised to" in found.note) == found.raised


@METHODS
def test_renamed_variables_give_the_renamed_graph(method):
    x, order = _samples(TRUE), [2, 0, 3, 1]
    ours, theirs = dcm.learn_dag(x, method), dcm.learn_dag(x[:, order], method)
    np.testing.assert_allclose(theirs.adjacency, ours.adjacency[np.ix_(order, order)], atol=1e-3)


def test_a_common_unit_changes_nothing():
    x = _samples(TRUE)
    np.testing.assert_allclose(
        dcm.learn_dag(1e4 * x, l1=0.05e8).adjacency, dcm.learn_dag(x, l1=0.05).adjacency, atol=1e-3
    )


@pytest.mark.slow
@METHODS
def test_mapped_it_equals_one_by_one(method):
    grams = jnp.stack([jnp.asarray(np.cov(_samples(TRUE, seed=s).T), jnp.float32) for s in range(3)])
    arguments = (jnp.float32(0.05), jnp.float32(0.3))
    mapped = jax.vmap(lambda gram: estimate_structure(gram, *arguments, method=method))(grams)
    for i in range(3):
        single = estimate_structure(grams[i], *arguments, method=method)
        np.testing.assert_allclose(single.adjacency, mapped.adjacency[i], rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(single.order, mapped.order[i])


def test_frequencies_tell_a_strong_edge_from_none():
    found = dcm.bootstrap_dag(pd.DataFrame(_samples(TRUE), columns=list("abcd")), 20, seed=1)
    assert ((found.frequency >= 0) & (found.frequency <= 1)).all()
    with pytest.raises(dcm.ConfigError, match="a share of the replicates, 0 to 1, got 80"):
        found.stable_edges(80)
    assert {edge[:2] for edge in found.stable_edges()} == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}
    assert found.frequency[3, 0] == 0
    again = dcm.bootstrap_dag(_samples(TRUE), 20, seed=1)
    np.testing.assert_array_equal(again.frequency, found.frequency)


@pytest.mark.slow
def test_a_warm_start_finds_what_a_cold_one_finds():
    weak = TRUE * np.array([[1, 0.35, 1, 1]] * 4)
    warm, cold = (dcm.bootstrap_dag(_samples(weak, 200), 20, warm_start=start) for start in (True, False))
    np.testing.assert_allclose(warm.frequency, cold.frequency, atol=0.1)
    assert ((warm.frequency > 0.05) & (warm.frequency < 0.95)).any()


def test_the_order_score_is_the_unexplained_variance():
    gram = jnp.asarray(np.cov(_samples(TRUE).T), jnp.float32)
    order = jnp.array([2, 0, 3, 1])
    position = jnp.argsort(order)
    weights = regression_weights(gram, position[:, None] < position)
    rest = jnp.eye(4) - weights
    np.testing.assert_allclose(order_score(gram, order), jnp.trace(rest.T @ gram @ rest), rtol=1e-4)


def test_refinement_reaches_the_best_of_all_orders():
    from itertools import permutations

    gram = jnp.asarray(np.cov(_samples(TRUE, 60, seed=5).T), jnp.float32)
    best = min(float(order_score(gram, jnp.array(order))) for order in permutations(range(4)))
    order, sweeps = refined_order(gram, jnp.array([3, 2, 1, 0]), 20)
    np.testing.assert_allclose(order_score(gram, order), best, rtol=1e-4)
    assert int(sweeps) >= 2


@pytest.mark.slow
@given(d=st.integers(2, 12), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_orders(d, seed):
    rng = np.random.default_rng(seed)
    order = jnp.asarray(rng.permutation(d))
    variable, place = int(rng.integers(d)), int(rng.integers(d))
    after = np.asarray(moved(order, jnp.asarray(variable), jnp.asarray(float(place))))
    assert after[place] == variable
    np.testing.assert_array_equal(after[after != variable], np.asarray(order)[np.asarray(order) != variable])
    dag = np.triu(rng.random((d, d)) < 0.4, 1)[np.ix_(np.asarray(order), np.asarray(order))]
    position = np.argsort(topological_order(jnp.asarray(dag)))
    assert all(position[i] < position[j] for i, j in np.argwhere(dag))


def test_the_unit_is_the_noise():
    _, noise = in_units_of_noise(jnp.asarray(np.cov(3.0 * _samples(TRUE, 5000).T), jnp.float32))
    np.testing.assert_allclose(noise, 9.0, rtol=0.1)


GOOD = np.random.default_rng(0).normal(size=(50, 3))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (GOOD[0], "array of numbers"),
        (GOOD.astype(str), "array of numbers"),
        (GOOD[:, :1], "2 or more"),
        (GOOD[:4], "at least 5"),
        (np.where(np.arange(3) == 1, np.nan, GOOD), "Column 1 of X is nan in row 0"),
        (np.where(np.arange(3) == 2, 1.0, GOOD), "Column 2 of X never varies"),
        (pd.DataFrame(GOOD, columns=["a", "b", "a"]), "two columns 'a'"),
        (pd.DataFrame(GOOD, columns=list("abc")).assign(b="x"), "'b' of X is not numeric"),
    ],
)
def test_bad_samples_are_named(x, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.learn_dag(x)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "pc"}, "notears or dagma"),
        ({"l1": -0.1}, "l1"),
        ({"threshold": float("nan")}, "threshold"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.learn_dag(GOOD, **settings)


@pytest.mark.parametrize("replicates", [0, 2.5, True])
def test_bad_numbers_of_replicates_are_named(replicates):
    with pytest.raises(dcm.ConfigError, match="replicates"):
        dcm.bootstrap_dag(GOOD, replicates)
