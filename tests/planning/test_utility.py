"""One figure from the outcomes that refits give a plan."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.optimizer.utility import utility_of

OUTCOMES = np.array([9.0, 1.0, 5.0, 3.0])


def test_the_mean_weighs_all_refits_alike():
    utility = utility_of("mean", 4, 2.0, None)
    assert utility.is_mean
    assert utility(OUTCOMES) == pytest.approx(4.5)


@pytest.mark.parametrize(
    ("risk", "right"), [(0.25, 1.0), (0.5, 2.0), (0.375, (1.0 + 0.5 * 3.0) / 1.5), (None, 1.0), (0.99, 4.35 / 0.99)]
)
def test_cvar_is_the_mean_of_the_worst_share(risk, right):
    utility = utility_of("cvar", 4, 2.0, risk)
    assert utility(OUTCOMES) == pytest.approx(right if risk != 0.99 else (1 + 3 + 5 + 0.96 * 9) / 3.96)
    assert not utility.is_mean


@pytest.mark.parametrize(("risk", "aversion"), [(None, 1.0), (0.5, 0.5), (0.0, 0.0)])
def test_mean_variance_is_the_mean_less_half_the_variance_over_todays_outcome(risk, aversion):
    utility = utility_of("mean_variance", 4, -2.0, risk)
    assert utility(OUTCOMES) == pytest.approx(4.5 - aversion * OUTCOMES.var() / (2 * 2.0))
    assert utility.is_mean == (aversion == 0)


def test_the_quantile_is_that_of_harrell_and_davis():
    """The median of three: the beta distribution with both parameters 2 gives thirds 7/27, 13/27, 7/27."""
    utility = utility_of("quantile", 3, 1.0, 0.5)
    assert utility(np.array([5.0, 1.0, 2.0])) == pytest.approx((7 * 1 + 13 * 2 + 7 * 5) / 27)
    low = utility_of("quantile", 500, 1.0, None)
    assert low(np.arange(500.0)) == pytest.approx(0.1 * 500, abs=1.0)
    assert not low.is_mean


@pytest.mark.parametrize(
    ("objective", "refits", "risk", "message"),
    [
        ("best", 4, None, "objective must be one of mean, quantile"),
        ("cvar", 1, None, "is taken over refits, and this fit has none; bootstrap it first"),
        ("cvar", 4, 0.0, "risk must be between 0 and 1 for cvar"),
        ("quantile", 4, 1.0, "risk must be between 0 and 1 for quantile"),
        ("mean_variance", 4, -0.1, "risk must be 0 or more for mean_variance"),
        ("mean_variance", 4, float("inf"), "risk must be 0 or more"),
        ("mean", 4, 0.1, "risk is for the objectives quantile, mean_variance, cvar; name one of them"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(objective, refits, risk, message):
    with pytest.raises(dcm.ConfigError, match=message):
        utility_of(objective, refits, 1.0, risk)
    assert utility_of("cvar", 2, 1.0, None)(np.array([2.0, 1.0])) == 1.0


@pytest.mark.parametrize("objective", ["mean", "cvar", "quantile", "mean_variance"])
def test_weights_are_the_gradient_of_the_utility(objective):
    utility, step = utility_of(objective, 4, 2.0, None), 1e-4
    moved = step * np.eye(4)
    ends = [[utility(OUTCOMES + sign * move) for move in moved] for sign in (1.0, -1.0)]
    np.testing.assert_allclose(utility.weights(OUTCOMES), np.subtract(*ends) / (2 * step), rtol=1e-6, atol=1e-9)
