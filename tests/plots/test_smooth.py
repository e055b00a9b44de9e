"""Curves are drawn without corners, and between their levels as they are."""

import numpy as np
import pandas as pd
import pytest

from deepcausalmmm_jax.attribution.curves_to_draw import curve_levels
from deepcausalmmm_jax.plots.smooth import smooth_curve


def drawn(levels, slope, half):
    known = pd.DataFrame({"multiplier": levels, "outcome": levels**slope / (levels**slope + half**slope)})
    return smooth_curve(known, "multiplier", ["outcome"]), known


@pytest.mark.parametrize("half", [0.1, 0.2, 0.7, 1.5])
@pytest.mark.parametrize("slope", [0.6, 1.0, 2.0, 4.0])
def test_a_steep_curve_has_no_corner_and_is_the_curve(slope, half):
    curve, known = drawn(curve_levels(), slope, half)
    x, y = curve["multiplier"].to_numpy(), curve["outcome"].to_numpy()
    angle = np.degrees(np.arctan2(np.diff(y) / np.ptp(y), np.diff(x) / np.ptp(x)))
    assert np.abs(np.diff(angle)).max() < 5.0, "degrees between neighbouring segments, on axes of length 1"
    assert np.abs(y - x**slope / (x**slope + half**slope)).max() < 0.015 * np.ptp(y)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    assert known["multiplier"].isin(x).all()
    low = x < 2.0 * half
    assert low.sum() >= 40, "points are where it bends"


@pytest.mark.parametrize("levels", [[0.0, 1.0, 2.0], np.linspace(0.0, 2.0, 400)])
def test_few_levels_and_many_are_drawn_as_they_are(levels):
    curve, known = drawn(np.asarray(levels), 1.0, 0.5)
    pd.testing.assert_frame_equal(curve, known)
