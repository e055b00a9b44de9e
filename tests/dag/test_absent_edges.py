"""Directions do not rest on two variables being apart where the samples say that they may not be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.dag.absent_edges import doubtful_pairs
from deepcausalmmm_jax.dag.equivalence import equivalence_class

N = 500
COLLIDER = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)  # 0 -> 2 <- 1
EVERY = ~np.eye(3, dtype=bool)


def _correlation(x):
    return np.corrcoef(x, rowvar=False)


def _samples(faint, seed=0):
    """Variables 0 and 1 drive 2, and 0 drives 1 faintly: by `faint` in the samples, whatever chance says."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(N, 3)) - 0.0)[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0]
    a = basis[:, 0]
    b = faint * a + np.sqrt(1.0 - faint**2) * basis[:, 1]
    return np.column_stack([a, b, a + b + basis[:, 2]])


@pytest.mark.parametrize(("faint", "doubted"), [(0.08, False), (-0.08, False), (0.1, True), (-0.1, True)])
def test_a_pair_is_doubted_from_a_partial_correlation_that_one_sample_in_twenty_has(faint, doubted):
    found = doubtful_pairs(_correlation(_samples(faint)), N, COLLIDER, EVERY)  # the limit is 0.0876
    assert found[0, 1] == found[1, 0] == doubted
    assert not found[COLLIDER | COLLIDER.T].any()


def test_a_doubted_pair_makes_no_collider():
    doubted = np.zeros((3, 3), bool)
    np.testing.assert_array_equal(equivalence_class(COLLIDER, doubtful=doubted), COLLIDER)
    doubted[0, 1] = doubted[1, 0] = True
    np.testing.assert_array_equal(equivalence_class(COLLIDER, doubtful=doubted), COLLIDER | COLLIDER.T)


def test_what_is_forbidden_both_ways_is_not_doubted():
    free = EVERY.copy()
    free[0, 1] = free[1, 0] = False
    assert not doubtful_pairs(_correlation(_samples(0.3)), N, COLLIDER, free).any()


def test_doubt_is_about_what_the_parents_leave_unexplained():
    rng = np.random.default_rng(1)
    first = rng.normal(size=2000)
    between = first + rng.normal(size=2000)
    chain = np.column_stack([first, between, between + rng.normal(size=2000)])
    edges = np.zeros((3, 3), bool)
    edges[0, 1] = edges[1, 2] = True
    assert _correlation(chain)[0, 2] > 0.5
    assert not doubtful_pairs(_correlation(chain), 2000, edges, EVERY).any()


def test_earlier_rows_count_as_parents_and_collinear_ones_do_no_harm():
    rng = np.random.default_rng(2)
    before = rng.normal(size=N)
    now = np.column_stack([before + rng.normal(size=N), before + rng.normal(size=N)])
    samples = np.column_stack([now, before, before])  # the earlier row twice
    free = np.ones((4, 2), bool)
    free[[0, 1], [0, 1]] = False
    none, both = np.zeros((4, 2), bool), np.zeros((4, 2), bool)
    both[2:, :] = True
    assert doubtful_pairs(_correlation(samples), N, none, free)[0, 1]
    assert not doubtful_pairs(_correlation(samples), N, both, free).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 7), st.integers(0, 2**32 - 1))
def test_doubt_leaves_more_directions_open_and_turns_none_round(d, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(d)
    edges = np.triu(rng.random((d, d)) < 0.5, 1)[np.ix_(order, order)]
    doubted = np.triu(rng.random((d, d)) < 0.3, 1)
    doubted = (doubted | doubted.T) & ~edges & ~edges.T
    sure, cautious = equivalence_class(edges), equivalence_class(edges, doubtful=doubted)
    np.testing.assert_array_equal(cautious | cautious.T, edges | edges.T)
    assert (cautious | ~sure).all()  # every way that the class leaves open is open still
