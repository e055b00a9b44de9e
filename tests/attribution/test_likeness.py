"""Channels that move together are told by the weeks that the fit learned from alone."""

import numpy as np
import pytest

from deepcausalmmm_jax.attribution.diagnostics import _likeness


@pytest.mark.parametrize("unused", [0, 44, 70])
def test_weeks_without_a_kpi_make_no_channels_alike(unused):
    rng = np.random.default_rng(0)
    exposure = rng.normal(1.0, 0.2, (2, 104, 3))
    exposure[:, :, 2] = 3.0 * exposure[:, :, 1]
    used = np.ones((2, 104), bool)
    used[:, :unused] = False
    alike = _likeness(exposure, used)
    assert abs(alike[0, 1]) < 0.35
    assert alike[1, 2] == pytest.approx(1.0)
