import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.data.bases import fourier_basis, knot_basis
from deepcausalmmm_jax.ops import bijectors


@pytest.mark.parametrize(
    ("forward", "inverse", "values"),
    [
        (bijectors.to_unit, bijectors.from_unit, [0.01, 0.5, 0.99]),
        (bijectors.to_positive, bijectors.from_positive, [1e-3, 1.0, 50.0]),
        (lambda x: bijectors.to_above(x, 0.5), lambda x: bijectors.from_above(x, 0.5), [0.6, 1.5, 9.0]),
    ],
)
def test_inverse_leads_back(forward, inverse, values):
    np.testing.assert_allclose(forward(inverse(jnp.array(values))), values, rtol=1e-4)


def test_season_repeats_after_a_year():
    basis = fourier_basis(np.array([3.0, 55.0]), 52.0, 2)
    np.testing.assert_allclose(basis[0], basis[1], atol=1e-5)


@given(weeks=st.integers(2, 80), knots=st.integers(2, 10))
@settings(max_examples=25, deadline=None)
def test_knots_interpolate_straight_lines_and_hold_the_last_level(weeks, knots):
    position = np.linspace(0.0, weeks - 1.0, knots)
    week = np.arange(weeks + 5.0)
    basis = knot_basis(week, position)
    np.testing.assert_allclose(basis.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(basis @ position, np.minimum(week, weeks - 1.0), atol=1e-3)
