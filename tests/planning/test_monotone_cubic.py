"""Monotone cubics: SciPy's numbers, and no bump of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.interpolate import PchipInterpolator

from deepcausalmmm_jax.planning.monotone_cubic import monotone_cubic

LEVELS = np.array([0.0, 0.1, 0.5, 0.8, 1.0, 1.6, 3.0])
WITHIN = np.linspace(0.0, 3.0, 40)


@given(arrays(np.float64, (2, 7), elements=st.integers(-5, 5).map(float)))
def test_the_numbers_are_those_of_scipy(values):
    expected = PchipInterpolator(LEVELS, values, axis=1)(WITHIN)
    np.testing.assert_allclose(monotone_cubic(LEVELS, values, WITHIN), expected, atol=1e-12)


@given(arrays(np.float64, 7, elements=st.floats(0.0, 10.0)))
def test_between_points_a_curve_stays_between_their_values(steps):
    values = np.cumsum(steps)
    between = monotone_cubic(LEVELS, values, WITHIN)
    assert (np.diff(between) >= -1e-9).all()
    np.testing.assert_allclose(monotone_cubic(LEVELS, values, LEVELS), values, atol=1e-9)


@pytest.mark.parametrize("count", [3, 4])
def test_a_straight_line_stays_straight(count):
    x = LEVELS[:count]
    at = np.linspace(x[0], x[-1], 9)
    np.testing.assert_allclose(monotone_cubic(x, 2.0 * x - 1.0, at), 2.0 * at - 1.0, atol=1e-12)
