import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.linalg import expm

from deepcausalmmm_jax.ops import acyclicity
from deepcausalmmm_jax.ops.acyclicity import cut_to_acyclic, strongest_acyclic

# One program each: operation by operation, every one is compiled by itself, and again for every size.
is_acyclic, log_determinant = map(jax.jit, (acyclicity.is_acyclic, acyclicity.log_determinant))
trace_exponential = jax.jit(acyclicity.trace_exponential)


def _random(d, seed, size=0.3):
    w = np.random.default_rng(seed).normal(size=(d, d)) * size
    np.fill_diagonal(w, 0.0)
    return w.astype(np.float32)


@pytest.mark.parametrize("d", [2, 5, 13])
@pytest.mark.parametrize("size", [0.1, 1.0])
def test_value_and_gradient_agree_with_the_matrix_exponential(d, size):
    w = _random(d, d, size).astype(np.float64)
    exponential = expm(w * w)
    value, gradient = jax.value_and_grad(trace_exponential)(jnp.asarray(w, jnp.float32))
    np.testing.assert_allclose(value, np.trace(exponential) - d, rtol=1e-4)
    np.testing.assert_allclose(gradient, exponential.T * 2 * w, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("d", [2, 6])
def test_gradient_agrees_with_finite_differences(d):
    check_grads(trace_exponential, (jnp.asarray(_random(d, 3, 0.6)),), order=1, modes=["rev"], rtol=2e-2)
    check_grads(log_determinant, (jnp.asarray(_random(d, 3, 0.3)),), order=1, modes=["rev"], rtol=2e-2)


@pytest.mark.parametrize("size", [10.0, 1e3, 1e6])
def test_large_entries_do_not_blow_up(size):
    cyclic = jnp.asarray(_random(20, 1, size))
    value, gradient = jax.value_and_grad(trace_exponential)(cyclic)
    assert jnp.isfinite(value)
    assert value > 0
    assert jnp.isfinite(gradient).all()
    # Downhill is towards smaller weights.
    assert (gradient * cyclic >= 0).all()
    assert trace_exponential(jnp.triu(cyclic, 1)) == 0


def test_small_cycles_do_not_cancel_to_zero_in_single_precision():
    w = np.zeros((50, 50), np.float32)
    w[0, 1] = w[1, 0] = 1e-3
    # Two nodes on one cycle: 2 * (1e-6)^2 / 2
    np.testing.assert_allclose(trace_exponential(jnp.asarray(w)), 1e-12, rtol=1e-3)


@given(d=st.sampled_from([2, 3, 7, 20, 50]), seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_zero_exactly_on_acyclic_graphs(d, seed):
    order = np.random.default_rng(seed).permutation(d)
    dag = np.triu(_random(d, seed, 1.0), 1)[np.ix_(order, order)]
    assert bool(is_acyclic(jnp.asarray(dag != 0)))
    assert float(trace_exponential(jnp.asarray(dag))) < 1e-8
    assert abs(float(log_determinant(jnp.asarray(0.3 * dag)))) < 1e-4 * d
    cyclic = dag.copy()
    cyclic[order[0], order[1]] = cyclic[order[1], order[0]] = 0.5
    assert not bool(is_acyclic(jnp.asarray(cyclic != 0)))
    assert float(trace_exponential(jnp.asarray(cyclic))) > 0


def test_log_determinant_is_infinite_outside_its_region():
    assert jnp.isinf(log_determinant(jnp.array([[0.0, 1.5], [1.5, 0.0]])))


def test_self_loop_is_a_cycle():
    assert not bool(is_acyclic(jnp.array([[True]])))


@given(d=st.sampled_from([2, 3, 4, 9, 20]), seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_cut_leaves_no_cycle_and_drops_no_more_than_it_must(d, seed):
    w = _random(d, seed, 1.0)
    kept, threshold = cut_to_acyclic(jnp.asarray(w))
    assert bool(is_acyclic(kept))
    np.testing.assert_array_equal(kept, np.abs(w) > threshold)
    if threshold > 0:
        assert not bool(is_acyclic(jnp.asarray(np.abs(w) >= threshold)))


@given(d=st.sampled_from([1, 2, 3, 5, 9, 15]), seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_strongest_edges_are_taken_unless_they_close_a_cycle(d, seed):
    w = np.abs(_random(d, seed, 1.0))
    w[w < 0.3] = 0.0
    kept = np.asarray(jax.jit(strongest_acyclic)(jnp.asarray(w)))
    assert bool(is_acyclic(jnp.asarray(kept)))
    assert not kept[w == 0].any()
    if (w > 0).any():
        assert kept[np.unravel_index(w.argmax(), w.shape)]
    for i, j in np.argwhere((w > 0) & ~kept):
        with_it = (kept & (w >= w[i, j])) | (np.arange(d)[:, None] == i) & (np.arange(d) == j)
        graph = nx.DiGraph(list(map(tuple, np.argwhere(with_it))))
        assert not nx.is_directed_acyclic_graph(graph), "left out though no stronger edges close a cycle with it"


def test_a_weak_edge_on_no_cycle_stays():
    w = jnp.array([[0.0, 0.9, 0.0], [0.5, 0.0, 0.1], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(strongest_acyclic(w), [[False, True, False], [False, False, True], [False] * 3])
