"""What 1% more exposure would bring: a channel's share where its effect is linear, and less where it is saturated."""

import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.model.curves import MediaCurves, activity
from deepcausalmmm_jax.model.marginal_shares import marginal_shares

WEEKS, REGIONS = 8, 2
EXPOSURE = np.random.default_rng(0).gamma(2.0, 0.5, (WEEKS, 2, REGIONS))
NOTHING = np.zeros((2, REGIONS))
COEFFICIENT = np.broadcast_to(np.array([0.3, 0.1])[:, None], EXPOSURE.shape)
UNIT = np.full((WEEKS, REGIONS), 1.0 / (WEEKS * REGIONS))
ALONE, DRIVEN = np.zeros((2, 2)), np.array([[0.0, 0.4], [0.0, 0.0]])  # the first brings 40% of the second's activity


def _curves(decay=0.0, half_saturation=1.0):
    own = {"decay": decay, "delay": 0.0, "slope": 1.0, "half_saturation": half_saturation}
    channels = {name: jnp.full(2, value) for name, value in own.items()}
    return MediaCurves(**channels, locality=jnp.asarray(0.0), history=jnp.asarray(0.0))


def _found(curves, kinds, blend=ALONE):
    found = marginal_shares(EXPOSURE, NOTHING, NOTHING, curves, blend, COEFFICIENT, UNIT, kinds)
    return np.asarray(found.sum(axis=(1, 2)))


def _shares(curves, kinds):
    return np.einsum("tmr,tmr,tr->m", activity(EXPOSURE, curves, NOTHING, NOTHING, kinds), COEFFICIENT, UNIT)


def test_a_linear_effect_brings_its_whole_share_again():
    kinds, curves = CurveKinds.same(2, "geometric", "linear"), _curves(decay=0.5)
    np.testing.assert_allclose(_found(curves, kinds), _shares(curves, kinds), rtol=1e-4)


def test_a_saturated_effect_brings_the_slope_of_its_curve():
    kinds = CurveKinds.same(2, "none", "hill")
    slope = EXPOSURE / (EXPOSURE + 1.0) ** 2  # dH / d log x of x / (x + 1)
    expected = np.einsum("tmr,tmr,tr->m", slope, COEFFICIENT, UNIT)
    np.testing.assert_allclose(_found(_curves(), kinds), expected, rtol=1e-2)


@pytest.mark.parametrize("half", [0.2, 5.0])
def test_a_channel_counts_what_it_brings_through_another(half):
    kinds, curves = CurveKinds.same(2, "none", "hill"), _curves(half_saturation=half)
    alone, driven = _found(curves, kinds), _found(curves, kinds, DRIVEN)
    assert driven[0] == pytest.approx(alone[0] * (1.0 + 0.4 * 0.1 / 0.3), rel=1e-4)  # and 0.4 of the second coefficient
    assert driven[1] == pytest.approx(0.6 * alone[1], rel=1e-4)
    by_region = _found(curves, kinds, np.stack([DRIVEN, DRIVEN]))  # regions have graphs by group
    np.testing.assert_allclose(by_region, driven, rtol=1e-5)
    np.testing.assert_allclose(_found(curves, kinds, np.stack([ALONE, ALONE])), alone, rtol=1e-5)
