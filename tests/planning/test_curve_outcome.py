"""Outcome of a table of curves, by its formula."""

import numpy as np
import pandas as pd
import pytest

from deepcausalmmm_jax.planning.curve_outcome import CurveOutcome

TABLE = pd.DataFrame({"bottom": [1.0, 0.0], "top": [5.0, 8.0], "half_saturation": [2.0, 3.0], "slope": [1.0, 2.0]})


@pytest.mark.parametrize("periods", [1.0, 4.0])
def test_spend_is_spread_evenly_over_periods_each_of_which_is_on_the_curve(periods):
    outcome = CurveOutcome(TABLE, periods)
    gained = outcome.gained(periods * np.array([[2.0, 3.0], [0.0, 0.0], [6.0, 6.0]]))
    np.testing.assert_allclose(gained, periods * np.array([[2.0, 4.0], [0.0, 0.0], [3.0, 6.4]]), atol=1e-200)
    values = outcome.values(periods * np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(values, np.full((1, 1, 2, 1), 6.0 * periods))


@pytest.mark.parametrize("periods", [1.0, 4.0])
def test_the_slope_is_that_of_the_values(periods):
    outcome, x, step = CurveOutcome(TABLE, periods), periods * np.array([1.5, 4.0]), 1e-6
    values, slope = outcome.values_and_slopes(x, 0)
    np.testing.assert_allclose(values, outcome.values(x[None])[0])
    ends = outcome.gained(np.stack([x - step, x + step]))
    np.testing.assert_allclose(slope[0], (ends[1] - ends[0]) / (2 * step), rtol=1e-6)


def test_at_no_spend_the_slope_is_that_of_the_first_units():
    slope = CurveOutcome(TABLE, 1.0).values_and_slopes(np.zeros(2), 0)[1][0]
    np.testing.assert_allclose(slope, [4.0 / 2.0, 0.0], atol=1e-6)
