import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.trust.refutations.refits import _design_for_all, _prepared
from deepcausalmmm_jax.trust.refutations.room import with_room
from deepcausalmmm_jax.trust.refutations.wanted import RefutationTest, Request, wanted_refits


@pytest.fixture(scope="module")
def calibrated(small_panel, quick):
    """Settings with a lift test of the first channel, and one of the second that ends two weeks before the last."""
    weeks = small_panel.weeks
    first = dcm.LiftTest("channel_1", weeks[20], weeks[24], lift=100.0, standard_error=50.0)
    late = dcm.LiftTest("channel_2", weeks[54], weeks[57], lift=100.0, standard_error=50.0)
    return quick.replace(experiments=(first, late))


def counting(panel, config, tests):
    """Which of the two lift tests count in each refit."""
    request = Request(panel, panel.weights, np.array([3.0, 2.0, 1.0]), 0, 1, 0, False, (4,), 2)
    refits = wanted_refits(request, tests)
    ready = _prepared(refits, config)
    return {
        one.label: [bool(part.any()) for part in np.asarray(own.inputs.lift_tests.counted)]
        for one, own in zip(refits, ready, strict=True)
    }


def test_a_refit_learns_from_the_lift_tests_that_it_can_know(small_panel, calibrated):
    tests = (RefutationTest.SHUFFLED, RefutationTest.LAST_WEEKS, RefutationTest.SEEDS)
    assert counting(small_panel, calibrated, tests) == {
        "nothing": [True, True],
        "weeks of channel_1 shuffled": [False, True],
        "weeks of channel_2 shuffled": [True, False],
        "last 4 weeks dropped": [True, False],
        "random start 1": [True, True],
    }


def test_without_lift_tests_no_refit_has_any(small_panel, quick):
    request = Request(small_panel, small_panel.weights, np.ones(3), 0, 1, 0, False, (4,), 2)
    ready = _prepared(wanted_refits(request, (RefutationTest.SEEDS,)), dataclasses.replace(quick))
    assert [own.inputs.lift_tests for own in ready] == [None, None]


def test_a_lift_test_is_read_in_the_scales_of_the_refit(small_panel, calibrated):
    """Outside a test both arms are the same exposure, or every week after it would count as a part of its lift."""
    request = Request(small_panel, small_panel.weights, np.ones(3), 0, 1, 0, False, (4, 8), 3)
    refits = wanted_refits(request, (RefutationTest.LAST_WEEKS, RefutationTest.NOISE))
    for one in _prepared(refits, calibrated):
        exposure, other = (np.asarray(part) for part in (one.inputs.exposure[:, :, 0], one.inputs.lift_tests.other[0]))
        apart = np.arange(len(small_panel.weeks)) != np.arange(20, 25)[:, None]
        np.testing.assert_array_equal(other[:, apart.all(axis=0)], exposure[:, apart.all(axis=0)])
        assert one.design.hidden_demand  # as the refit to the panel itself has it


def test_refits_for_standard_errors_draw_the_errors_of_lift_tests(small_panel, calibrated):
    """As those of a bootstrap do; with lifts as measured, a tested channel's error would leave out the test's own."""
    request = Request(small_panel, small_panel.weights, np.ones(3), 0, 2, 0, True, (4,), 3)
    base, *others = _prepared(wanted_refits(request, (RefutationTest.SEEDS,)), calibrated)
    moved = np.stack([one.inputs.lift_tests.measured - base.inputs.lift_tests.measured for one in others])
    assert len(set(moved[:8].ravel().tolist())) == moved[:8].size  # eight refits to random weights, two tests
    assert 0.5 < moved[:8].std() < 2.0  # standard errors of the tests
    np.testing.assert_array_equal(moved[8:], 0.0)


@pytest.mark.parametrize("spread", [False, True])
def test_a_refit_with_one_more_channel_has_the_arrays_of_the_others(small_panel, calibrated, spread):
    """A placebo, or future exposure, beside a lift test ended in JAX's words on arrays of other shapes."""
    request = Request(small_panel, small_panel.weights, np.ones(3), 0, 1, 0, spread, (4,), 3)
    ready = _prepared(wanted_refits(request, tuple(RefutationTest)), calibrated)
    design = _design_for_all(ready[0].design, calibrated)
    first, *others = (jax.tree.map(np.shape, with_room(one.inputs, design)) for one in ready)
    assert len(others) > 10
    for own in others:
        assert own == first
