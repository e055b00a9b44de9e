import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from deepcausalmmm_jax.data.fading import fading_sum


@settings(deadline=None)
@given(weeks=st.integers(1, 70), kept=st.floats(0.0, 1.0))
def test_each_week_keeps_its_part_of_the_week_before(weeks, kept):
    series = np.random.default_rng(weeks).normal(size=(2, 3, weeks))
    np.testing.assert_allclose(fading_sum(series, kept), lfilter([1.0], [1.0, -kept], series), rtol=1e-9, atol=1e-9)


def test_the_series_stays_as_it_was():
    series = np.ones((1, 4))
    assert fading_sum(series, 0.5)[0, -1] == pytest.approx(1.875)
    assert (series == 1.0).all()
