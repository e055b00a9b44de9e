import numpy as np
import pytest
from scipy.stats import genpareto

from deepcausalmmm_jax.posterior.hmc import ChainLength, run_chains, split_r_hat
from deepcausalmmm_jax.posterior.importance import (
    _pareto_quantiles,
    effective_draws,
    log_proposal,
    proposal_at,
    propose,
    resampled,
    smoothed,
)
from deepcausalmmm_jax.posterior.mode import Evaluated


def test_weights_of_a_near_normal_posterior_are_sound():
    rng = np.random.default_rng(0)
    proposal = proposal_at(np.zeros(5), np.eye(5))
    draws = propose(rng, proposal, 2000)
    weights = smoothed(-0.5 * (draws**2).sum(axis=1) - log_proposal(draws, proposal))
    assert weights.pareto_k < 0.5
    assert effective_draws(weights.log_weight) > 1000


def test_a_proposal_far_too_narrow_is_found_out():
    rng = np.random.default_rng(0)
    proposal = proposal_at(np.zeros(8), 25.0 * np.eye(8))
    draws = propose(rng, proposal, 2000)
    assert smoothed(-0.5 * (draws**2).sum(axis=1) - log_proposal(draws, proposal)).pareto_k > 0.7


@pytest.mark.parametrize("shape", [-0.4, 0.0, 1e-9, 0.3, 1.2])
def test_quantiles_of_the_tail_are_those_of_scipy(shape):
    level = (np.arange(20) + 0.5) / 20
    np.testing.assert_allclose(_pareto_quantiles(level, shape, 2.5), genpareto.ppf(level, shape, scale=2.5), rtol=1e-9)


def test_resampling_keeps_to_the_weights():
    chosen = resampled(np.random.default_rng(1), np.log(np.array([0.1, 0.2, 0.7])), 1000)
    np.testing.assert_allclose(np.bincount(chosen) / 1000, [0.1, 0.2, 0.7], atol=0.002)


def test_draws_that_are_not_finite_have_no_weight():
    log_weight = np.append(np.zeros(50), [-np.inf, np.nan])
    chosen = resampled(np.random.default_rng(1), smoothed(log_weight).log_weight, 200)
    assert chosen.max() < 50


class _Normal:
    """A normal density with correlated coordinates, in place of a panel's."""

    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])

    def at(self, position):
        pull = position @ np.linalg.inv(self.covariance)
        return Evaluated(position, -0.5 * (position * pull).sum(axis=1), -pull)


def test_chains_find_the_spread_of_a_known_density():
    rng, density = np.random.default_rng(0), _Normal()
    start = density.at(rng.standard_normal((16, 2)))
    chains = run_chains(rng, density, start, np.eye(2), ChainLength(chains=16, warm_up=50, moves=400, leaps=8))
    flat = chains.position.reshape(-1, 2)
    np.testing.assert_allclose(np.cov(flat.T), _Normal.covariance, atol=0.12)
    assert 0.6 < chains.accepted < 0.95
    assert split_r_hat(chains.position).max() < 1.05


@pytest.mark.parametrize(("apart", "mixed"), [(0.0, True), (5.0, False)])
def test_r_hat_tells_chains_that_do_not_meet(apart, mixed):
    series = np.random.default_rng(0).standard_normal((100, 4, 1))
    series[:, 0] += apart
    assert bool(split_r_hat(series)[0] < 1.1) is mixed
