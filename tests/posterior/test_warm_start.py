"""Draws from a posterior that has moved a little: searches and chains begin with what the old draws say."""

import numpy as np
import pytest

from deepcausalmmm_jax.posterior.hmc import split_r_hat
from deepcausalmmm_jax.posterior.mode import CONVERGED, Evaluated, search
from deepcausalmmm_jax.posterior.warm_start import continued_chains, known_spread, known_starts

SPREAD = np.array([1.0, 0.3, 0.1, 0.03])


class Normal:
    """A density with independent coordinates, which counts its evaluations."""

    def __init__(self, centre):
        self.centre, self.evaluations = np.asarray(centre), 0

    def at(self, vectors):
        self.evaluations += 1
        z = (vectors - self.centre) / SPREAD
        return Evaluated(vectors, -0.5 * (z**2).sum(axis=1), -z / SPREAD)

    def curvature(self, position):
        return np.diag(SPREAD**-2)


def _draws(centre, rng, count=300):
    return centre + SPREAD * rng.standard_normal((count, len(SPREAD)))


def test_a_search_that_knows_the_curvature_ends_where_another_does_and_sooner():
    rng, centre = np.random.default_rng(0), np.full(4, 0.2)
    known = _draws(np.zeros(4), rng)
    begin = known_starts(known, 16, rng)
    plain, warm = Normal(centre), Normal(centre)
    expected, _ = search(plain, begin)
    found, inverse = search(warm, begin, np.tile(known_spread(known), (len(begin), 1, 1)))
    for ends in (expected, found):
        assert (np.linalg.norm(ends.gradient, axis=1) <= CONVERGED).all()
        np.testing.assert_allclose(ends.position, np.tile(centre, (len(begin), 1)), atol=0.02)
    assert warm.evaluations < 0.7 * plain.evaluations
    again = Normal(centre + 0.01)
    search(again, found.position, inverse)
    assert again.evaluations < warm.evaluations


def test_a_search_that_has_ended_is_evaluated_no_more_and_keeps_what_it_has_learned():
    rng, centre = np.random.default_rng(0), np.full(4, 0.2)
    begin = np.concatenate([centre[None], _draws(np.zeros(4), rng, count=3)])
    target = Normal(centre)
    rows, at = [], target.at
    target.at = lambda vectors: rows.append(len(vectors)) or at(vectors)
    _, inverse = search(target, begin)
    assert rows[0] == 4
    assert sorted(rows[1:], reverse=True) == rows[1:]  # one search after the other ends
    assert rows[1] == 3  # the first began at the mode
    np.testing.assert_array_equal(inverse[0], np.eye(4))
    for row in (1, 2, 3):
        assert np.abs(inverse[row] - np.eye(4)).max() > 0.5


def test_few_draws_have_a_spread_of_full_rank():
    known = _draws(np.zeros(4), np.random.default_rng(0), count=3)
    assert np.linalg.eigvalsh(known_spread(known)).min() > 0.002


@pytest.mark.parametrize("moved", [0.0, 0.5, 20.0])  # standard deviations
def test_chains_from_old_draws_are_draws_from_the_new_posterior_however_far_it_has_moved(moved):
    rng = np.random.default_rng(1)
    target = Normal(moved * SPREAD)
    modes = target.at(target.centre[None])
    chains = continued_chains(rng, target, modes, _draws(np.zeros(4), rng), 300)
    flat = chains.position.reshape(-1, 4)
    assert len(flat) >= 300
    np.testing.assert_allclose((flat.mean(axis=0) - target.centre) / SPREAD, 0.0, atol=0.25)
    np.testing.assert_allclose(flat.std(axis=0) / SPREAD, 1.0, atol=0.2)
    np.testing.assert_allclose(chains.value.ravel(), target.at(flat).value)
    assert split_r_hat(chains.position).max() < 1.2


def test_chains_go_on_only_while_the_density_rises():
    near, far = (Normal(moved * SPREAD) for moved in (0.0, 20.0))
    for target in (near, far):
        rng = np.random.default_rng(1)
        continued_chains(rng, target, target.at(target.centre[None]), _draws(np.zeros(4), rng), 300)
    assert near.evaluations < far.evaluations / 1.5
