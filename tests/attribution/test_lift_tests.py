"""How well lifts are known after tests, by arithmetic that can be done on paper."""

import numpy as np
import pytest

from deepcausalmmm_jax.attribution.lift_tests import known_from_tests

ONE, OTHER = 0, 1


@pytest.mark.parametrize(
    ("lift", "error", "channel", "known"),
    [
        ([800.0], [100.0], [ONE], [100.0]),  # the test alone
        ([800.0, 50.0], [100.0, 30.0], [ONE, OTHER], [100.0, 30.0]),  # tests of other channels say nothing of it
        ([800.0, 400.0], [80.0, 40.0], [ONE, ONE], [80.0 / 2**0.5, 40.0 / 2**0.5]),  # each 10%, together 7%
        ([800.0, 710.0], [80.0, 1e9], [ONE, ONE], [80.0, 71.0]),  # one that says nothing itself is known by the other
        ([800.0, -400.0], [80.0, 1e9], [ONE, ONE], [80.0, 40.0]),
        ([800.0, 0.0], [80.0, 20.0], [ONE, ONE], [80.0, 20.0]),  # no share of nothing
    ],
)
def test_tests_of_one_channel_measure_one_effect(lift, error, channel, known):
    given = (np.array(lift), np.array(error), np.array(channel), np.full(len(lift), 1.0))
    np.testing.assert_allclose(known_from_tests(*given, np.full(len(lift), True)), known)


def test_the_kpi_counts_where_there_is_no_hidden_demand():
    lift, error, before = np.array([800.0, 400.0]), np.array([80.0, 40.0]), np.array([160.0, 80.0])
    known = known_from_tests(lift, error, np.zeros(2, int), before, np.array([False, False]))
    np.testing.assert_allclose(known / lift, (0.1**-2 + 0.1**-2 + 0.2**-2) ** -0.5)
