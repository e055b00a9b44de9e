import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcausalmmm_jax.trust.sensitivity import (
    Cause,
    adjusted_error,
    as_strong_as,
    bias_bound,
    critical,
    partial_r2,
    robustness_value,
)

# Cinelli & Hazlett 2020, section 5 and tables 1 and 2: violence in Darfur and attitudes towards peace.
ESTIMATE, ERROR, T, DEGREES = 0.097, 0.023, 4.18, 783
FEMALE = {1: (0.009, 0.125, 0.075), 2: (0.018, 0.250, 0.053), 3: (0.027, 0.376, 0.030)}


def test_the_published_example_has_its_published_figures():
    assert partial_r2(T, DEGREES) == pytest.approx(0.022, abs=5e-4)
    assert robustness_value(T, DEGREES) == pytest.approx(0.139, abs=5e-4)
    assert robustness_value(T, DEGREES, alpha=0.05) == pytest.approx(0.076, abs=5e-4)


@pytest.mark.parametrize("times", FEMALE)
def test_causes_as_strong_as_a_covariate_leave_the_published_estimates(times):
    treatment, outcome, adjusted = FEMALE[times]
    cause = as_strong_as(Cause(0.00908, 0.1093), times)
    assert cause.r2_treatment == pytest.approx(treatment, abs=6e-4)
    assert cause.r2_outcome == pytest.approx(outcome, abs=3e-3)
    assert pytest.approx(adjusted, abs=2e-3) == ESTIMATE - bias_bound(ERROR, DEGREES, cause)


@given(st.floats(0.1, 50.0), st.floats(5.0, 1e5), st.floats(0.1, 1.0))
def test_a_cause_of_the_robustness_value_moves_the_estimate_by_that_share(t, degrees, q):
    value = robustness_value(t, degrees, q)
    assert 0.0 < value < 1.0
    assert bias_bound(1.0, degrees, Cause(value, value)) == pytest.approx(q * t, rel=1e-6)


@given(st.floats(0.1, 50.0), st.floats(5.0, 1e5), st.sampled_from([0.01, 0.05, 0.1]))
def test_a_cause_of_the_other_robustness_value_moves_the_end_of_the_interval_to_zero(t, degrees, alpha):
    value = robustness_value(t, degrees, alpha=alpha)
    cause = Cause(value, value)
    left = t - bias_bound(1.0, degrees, cause)
    needed = critical(alpha, degrees) * adjusted_error(1.0, degrees, cause)
    if value == 0.0:
        assert left <= needed * (1 + 1e-9)
    else:
        assert left == pytest.approx(needed, rel=1e-6)


def _regression(columns, outcome):
    coefficients, *_ = np.linalg.lstsq(columns, outcome, rcond=None)
    rest = outcome - columns @ coefficients
    degrees = len(outcome) - columns.shape[1]
    error = np.sqrt(rest @ rest / degrees * np.linalg.inv(columns.T @ columns)[0, 0])
    return coefficients[0], error, degrees, rest @ rest


@given(st.integers(0, 2**32 - 1))
def test_in_a_regression_the_bound_is_exactly_what_the_hidden_cause_changes(seed):
    rng = np.random.default_rng(seed)
    control, cause, shocks = rng.normal(size=(3, 60))
    treatment = 0.5 * control + 0.7 * cause + rng.normal(size=60)
    outcome = treatment + control + 0.8 * cause + shocks
    hidden, both = np.stack([treatment, control], 1), np.stack([treatment, control, cause], 1)
    short, error, degrees, left = _regression(hidden, outcome)
    long, long_error, _, left_with_cause = _regression(both, outcome)
    _, _, _, of_treatment = _regression(control[:, None], treatment)
    _, _, _, of_treatment_with_cause = _regression(np.stack([control, cause], 1), treatment)
    strength = Cause(1 - of_treatment_with_cause / of_treatment, 1 - left_with_cause / left)
    assert abs(short - long) == pytest.approx(bias_bound(error, degrees, strength), rel=1e-6, abs=1e-9)
    assert long_error == pytest.approx(adjusted_error(error, degrees, strength), rel=1e-6)
