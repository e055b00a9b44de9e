"""What a measurement is worth, against cases with a known answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from deepcausalmmm_jax.planning.experiments.power import detectable, power
from deepcausalmmm_jax.planning.experiments.preposterior import FEWEST, learned, perfect

LEVEL = 0.9


def normal_draws(count, seed=0):
    return np.random.default_rng(seed).permutation(norm.ppf((np.arange(count) + 0.5) / count))


def two_plans(lift, other):
    """Today's plan, worth nothing, and one that pays by how far the lift exceeds `other`."""
    return np.stack([np.zeros(len(lift)), lift - other], axis=1)


@pytest.mark.parametrize("error", [0.5, 1.0, 3.0])
def test_value_and_narrowing_of_normal_draws_are_those_of_the_textbook(error):
    """U = S - 0.3, S ~ N(0, 1): the mean of U given m is normal with variance 1 / (1 + s^2)."""
    lift = normal_draws(4000)[None]
    found = learned(lift, np.array([error]), lift, two_plans(lift[0], 0.3), LEVEL, seed=1)
    spread = 1.0 / np.sqrt(1.0 + error**2)
    expected = spread * (norm.pdf(0.3 / spread) - 0.3 / spread * norm.cdf(-0.3 / spread))
    assert found.gain[0] == pytest.approx(expected, abs=0.03)
    assert found.width[0] == pytest.approx(error / np.sqrt(1.0 + error**2), abs=0.04)
    assert not found.linear[0]


def test_the_linear_formula_takes_over_where_few_draws_keep_a_weight():
    lift = normal_draws(400)[None]
    error = 0.02
    found = learned(lift, np.array([error]), lift, two_plans(lift[0], 0.3), LEVEL, seed=1)
    assert found.linear[0]
    assert found.effective[0] < FEWEST
    assert found.width[0] == pytest.approx(error, rel=0.1)
    assert found.gain[0] == pytest.approx(norm.pdf(0.3) - 0.3 * norm.cdf(-0.3), abs=0.01)


def test_nothing_is_learned_of_what_a_test_does_not_show():
    lift, other = normal_draws(2000, 1)[None], normal_draws(2000, 2)
    found = learned(lift, np.array([0.5]), other[None], two_plans(other, 0.3), LEVEL, seed=0)
    assert found.gain[0] < 0.02 * perfect(two_plans(other, 0.3)) + 0.01
    assert found.width[0] > 0.95


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(-3, 3), st.sampled_from([20, 60]))
def test_knowing_is_never_worth_less_than_nothing_nor_more_than_everything(seed, exponent, count):
    rng = np.random.default_rng(seed)
    lift, roi = rng.normal(size=(3, count)), rng.normal(size=(3, count))
    utilities = 1e6 + 100 * rng.normal(size=(count, 5))
    found = learned(lift, np.full(3, 10.0**exponent), roi, utilities, LEVEL, seed)
    assert (found.gain >= 0).all()
    assert (found.gain <= perfect(utilities) * (1 + 1e-6)).all()
    assert ((found.width >= 0) & (found.width <= 1)).all()


def test_a_more_exact_measurement_is_worth_more():
    lift = np.repeat(normal_draws(1000)[None], 4, axis=0)
    found = learned(lift, np.array([4.0, 2.0, 1.0, 0.5]), lift, two_plans(lift[0], 0.3), LEVEL, seed=0)
    assert (np.diff(found.gain) > 0).all()
    assert (np.diff(found.width) < 0).all()


def test_units_of_the_outcome_and_of_the_lift_change_nothing_but_the_unit():
    lift = normal_draws(500)[None]
    plans = two_plans(lift[0], 0.3)
    small = learned(lift, np.array([1.0]), lift, plans, LEVEL, seed=0)
    large = learned(1e6 * lift, np.array([1e6]), 1e-3 * lift, 1e9 * plans + 1e12, LEVEL, seed=0)
    np.testing.assert_allclose(large.gain, 1e9 * small.gain, rtol=1e-3)
    np.testing.assert_allclose(large.width, small.width, rtol=1e-3)


def test_power_at_no_effect_is_the_level_of_the_test_and_at_the_detectable_effect_eighty_percent():
    error = np.array([0.1, 2.0, 5000.0])
    np.testing.assert_allclose(power(np.zeros(3), error, LEVEL), 0.1)
    np.testing.assert_allclose(power(detectable(error, LEVEL), error, LEVEL), 0.8, atol=1e-4)


def test_power_is_the_share_of_simulated_tests_that_find_the_effect():
    rng = np.random.default_rng(0)
    found = np.abs(1.5 + rng.normal(size=200_000)) > norm.ppf(0.95)
    assert power(np.array(1.5), np.array(1.0), LEVEL) == pytest.approx(found.mean(), abs=0.005)


def test_perfect_knowledge_gains_what_the_best_plan_of_each_draw_earns_more_than_one_plan_for_all():
    assert perfect(np.array([[0.0, 0.1], [0.1, 0.0]])) == pytest.approx(0.05)
    assert perfect(np.array([[0.0, 0.1], [0.0, 0.3]])) == 0.0


def test_the_linear_formula_is_that_of_normal_variables():
    lift = normal_draws(19)[None]
    lift = lift / lift.std()
    found = learned(lift, np.array([1.0]), lift, two_plans(lift[0], 0.3), LEVEL, seed=1)
    spread = np.sqrt(0.5)
    assert found.linear[0]
    assert found.width[0] == pytest.approx(np.sqrt(0.5))
    assert found.gain[0] == pytest.approx(spread * norm.pdf(0.3 / spread) - 0.3 * norm.cdf(-0.3 / spread), abs=2e-3)


def test_a_measurement_that_says_nothing_leaves_every_draw_its_weight():
    lift = normal_draws(100)[None]
    found = learned(lift, np.array([1e4]), lift, two_plans(lift[0], 0.3), LEVEL, seed=0)
    assert found.effective[0] == pytest.approx(100.0, rel=1e-3)
    assert found.width[0] == pytest.approx(1.0, abs=1e-3)
    assert found.gain[0] == pytest.approx(0.0, abs=1e-3)
