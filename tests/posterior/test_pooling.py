"""Pooling over KPIs: exact where everything is normal, full for KPIs that agree, none where there is nothing to pool."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.posterior.pooling import agreement, given_others, log_likelihood, messages, unheard


def _said(means, sds):
    """Messages of likelihoods that are normal with these means and sds, by way of their posteriors."""
    means, variances = np.asarray(means, float), np.asarray(sds, float) ** 2
    posterior = variances / (1.0 + variances)
    return messages(means / variances * posterior, posterior)


def test_a_posterior_gives_back_the_likelihood_that_made_it():
    said = _said([[0.5], [-2.0]], [[0.3], [0.7]])
    np.testing.assert_allclose(said.precision, [[1 / 0.09], [1 / 0.49]])
    np.testing.assert_allclose(said.weighted_mean, [[0.5 / 0.09], [-2.0 / 0.49]])


@given(
    rho=st.floats(0.0, 0.99),
    means=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    sds=st.lists(st.floats(0.05, 3), min_size=3, max_size=3),
)
@settings(deadline=None, max_examples=40)
def test_the_prior_by_the_others_with_ones_own_data_is_the_joint_posterior(rho, means, sds):
    said = _said(np.array(means)[:, None], np.array(sds)[:, None])
    prior = rho + (1 - rho) * np.eye(3)
    joint = np.linalg.inv(np.linalg.inv(prior) + np.diag(said.precision[:, 0]))
    mean = joint @ said.weighted_mean[:, 0]
    others = given_others(said, rho)
    precision = 1.0 / others.sd[:, 0] ** 2 + said.precision[:, 0]
    np.testing.assert_allclose(1.0 / precision, np.diag(joint), rtol=1e-6)
    own = (others.mean[:, 0] / others.sd[:, 0] ** 2 + said.weighted_mean[:, 0]) / precision
    np.testing.assert_allclose(own, mean, rtol=1e-6, atol=1e-8)


@given(rho=st.floats(0.0, 1.0), means=st.lists(st.floats(-2, 2), min_size=2, max_size=2))
@settings(deadline=None, max_examples=25)
def test_the_marginal_likelihood_is_that_of_a_normal_distribution(rho, means):
    sds = np.array([0.4, 0.9])
    said = _said(np.array(means)[:, None], sds[:, None])

    def nats(rho):
        covariance = rho + (1 - rho) * np.eye(2) + np.diag(sds**2)
        return -0.5 * (np.linalg.slogdet(covariance)[1] + means @ np.linalg.solve(covariance, means))

    assert log_likelihood(said, rho) - log_likelihood(said, 0.0) == pytest.approx(nats(rho) - nats(0.0), abs=1e-6)


def test_kpis_that_say_the_same_exactly_pool_fully():
    same = np.tile([[1.2, -0.7, 0.3]], (3, 1))
    said = _said(same, np.full((3, 3), 0.01))
    assert agreement(said) > 0.98
    others = given_others(said, agreement(said))
    np.testing.assert_allclose(others.mean, same, atol=0.03)
    assert others.sd.max() < 0.2


def test_kpis_that_have_nothing_in_common_hardly_pool():
    said = _said([[1.5, -1.2, 0.9, -1.4], [-1.3, 1.6, -1.1, 1.2]], np.full((2, 4), 0.05))
    assert agreement(said) < 0.2
    assert given_others(said, agreement(said)).sd.min() > 0.97  # nearly the default prior's


@pytest.mark.parametrize(
    "sds",
    [[[0.3, np.inf], [np.inf, 0.3]], [[np.inf, np.inf], [np.inf, np.inf]]],
    ids=["no channel in common", "nothing at all"],
)
def test_without_two_kpis_that_say_something_about_a_channel_nothing_is_pooled(sds):
    posterior = np.where(np.isinf(sds), np.nan, 0.1)
    said = messages(np.where(np.isinf(sds), np.nan, 0.5), posterior)
    assert agreement(said) == 0.0
    np.testing.assert_array_equal(given_others(said, 0.0).sd, 1.0)


def test_a_posterior_wider_than_the_prior_says_nothing():
    said = messages(np.array([[0.4], [0.4]]), np.array([[1.3], [0.2]]))
    assert said.precision[0, 0] == said.weighted_mean[0, 0] == 0.0
    assert agreement(said) == 0.0


@given(r=st.floats(0.0, 0.95), sd=st.floats(0.2, 1.0), mean=st.floats(-2, 2))
@settings(deadline=None, max_examples=25)
def test_equally_sure_kpis_of_one_curve_pool_to_generalised_least_squares(r, sd, mean):
    said = _said([[mean], [mean]], [[sd], [sd]])
    others = given_others(said, 1.0, np.array([[1.0, r], [r, 1.0]]))
    precision = 1.0 / others.sd[:, 0] ** 2 + said.precision[:, 0]
    noise = sd**2 * np.array([[1.0, r], [r, 1.0]])
    np.testing.assert_allclose(precision, 1.0 + np.ones(2) @ np.linalg.solve(noise, np.ones(2)), rtol=1e-6)


def test_a_kpi_that_repeats_another_tells_it_next_to_nothing():
    said = _said([[1.0], [1.0], [0.8]], [[0.3], [0.3], [0.4]])
    twice = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    news = unheard(said, twice)[:, :, 0]
    np.testing.assert_allclose(news[[0, 1], [1, 0]], 0.0, atol=0.01)
    np.testing.assert_array_equal(news[:2, 2], 1.0)
    np.testing.assert_allclose(news[2, :2], 0.5, atol=0.01)  # to the third, the two are one
    alone = given_others(_said([[1.0], [0.8]], [[0.3], [0.4]]), 1.0)
    np.testing.assert_allclose(given_others(said, 1.0, twice).sd[2], alone.sd[1], rtol=0.01)


def test_noise_that_runs_against_each_other_counts_as_independent():
    said = _said([[1.0], [0.2]], [[0.3], [0.4]])
    against = given_others(said, 0.7, np.array([[1.0, -0.8], [-0.8, 1.0]]))
    np.testing.assert_array_equal(against.sd, given_others(said, 0.7).sd)
