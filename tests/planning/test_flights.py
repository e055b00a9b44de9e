"""Minimum flights: off, or at the minimum at least; the plan is the best such one of a small problem."""

import itertools

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.cells import WHOLE, Cells
from deepcausalmmm_jax.planning.flights import check_minimum, keeps_flights, with_flights
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.search import best_for_total
from tests.planning.roots import UNIT, problem_of

CHANNELS = ("tv", "radio", "mail")
SEARCH = dcm.Search(starts=1)
HEIGHTS = np.array([1.0, 2.0, 4.0, 4.0])  # TV in two regions, and radio in two, all in one week unless said otherwise


def cells_of(channel, week=None):
    n = len(channel)
    none = np.zeros((1, 1, n))
    return Cells(
        "channel_week", np.array(channel), np.full(n, WHOLE), np.array(week or [WHOLE] * n), np.arange(n)[None, None],
        none + 1.0, none, np.full(n, 5.0), np.full(n, 5.0),
    )  # fmt: skip


WEEKS = cells_of([0, 0, 1, 1], [0, 1, 0, 1])


def flown(minimum, cells=WEEKS, total=37.0, polytope=None, heights=HEIGHTS):
    problem = problem_of(heights, polytope)
    found = best_for_total(problem, cells.today, total, SEARCH)
    return with_flights(found, problem, cells, minimum, CHANNELS, SEARCH)


def best_value(minimum, total):
    """Of all ways to switch weeks on and off, by the closed form with cells held at their minimum where they want less."""
    best = -np.inf
    for on in itertools.product([False, True], repeat=4):
        least = np.array([minimum.get(CHANNELS[c], 0.0) for c in WEEKS.channel])
        free = [i for i in range(4) if on[i] or least[i] == 0]
        held = []
        while True:
            left = total - least[held].sum()
            x = np.zeros(4)
            x[held] = least[held]
            rest = [i for i in free if i not in held]
            if left < -1e-9 or (not rest and left > 1e-9):
                break
            squares = HEIGHTS[rest] ** 2
            x[rest] = left * squares / squares.sum() if rest else 0.0
            low = [i for i in rest if x[i] < least[i] - 1e-12]
            if not low:
                best = max(best, float(HEIGHTS @ np.sqrt(x)))
                break
            held += low
    return best


def test_without_minima_a_plan_stays_as_it_is():
    problem = problem_of(HEIGHTS)
    found = best_for_total(problem, WEEKS.today, 37.0, SEARCH)
    assert with_flights(found, problem, WEEKS, {}, CHANNELS, SEARCH) is found


@pytest.mark.parametrize("minimum", [{"tv": 3.0}, {"tv": 6.0}, {"tv": 1.2, "radio": 17.0}, {"radio": 20.0}])
def test_the_weeks_that_are_on_are_the_best_ones(minimum):
    """The plan without minima spends 1, 4, 16 and 16."""
    found = flown(minimum)
    assert keeps_flights(found.x, WEEKS, minimum, CHANNELS)
    assert found.x.sum() == pytest.approx(37.0)
    assert found.value * UNIT == pytest.approx(best_value(minimum, 37.0), rel=1e-4)


def test_a_flight_is_the_spend_of_a_channel_in_a_week_over_all_regions():
    regions = cells_of([0, 0, 1, 1])
    found = flown({"tv": 8.0}, regions)
    spend = found.x[:2].sum()
    assert spend == pytest.approx(8.0, rel=1e-5) or spend == pytest.approx(0.0, abs=1e-6)
    on = np.sqrt(5 * 8.0) + np.sqrt(32 * 29.0)
    assert found.value * UNIT == pytest.approx(max(on, np.sqrt(32 * 37.0)), rel=1e-4)
    np.testing.assert_allclose(found.x[:2], [1.6, 6.4], rtol=1e-2)


def test_of_many_flights_those_closest_to_half_their_minimum_are_tried_the_other_way_round():
    """Nine weeks of TV want next to nothing; one wants 0.4 of its minimum, and is better on than off."""
    weeks = cells_of([0] * 10 + [1], [*range(10), 0])
    heights = np.array([0.01] * 9 + [1.0, 10.0])
    minimum = {"tv": (37.0 / 101.0) / 0.4}
    found = flown(minimum, weeks, heights=heights)
    np.testing.assert_allclose(found.x[:9], 0.0, atol=1e-6)
    assert found.x[9] == pytest.approx(minimum["tv"], rel=1e-5)


def test_flights_that_want_far_less_than_half_their_minimum_are_all_off_however_many_they_are():
    """Twelve weeks of TV want 0.4 each, a fifth of their minimum."""
    weeks = cells_of([0] * 12 + [1], [*range(12), 0])
    heights = np.sqrt([0.4] * 12 + [37.0 - 12 * 0.4])
    np.testing.assert_allclose(flown({"tv": 2.0}, weeks, heights=heights).x[:12], 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "kept"),
    [
        ([0.0, 6.0, 9.0, 0.1], True),
        ([3.0, 3.0, 9.0, 0.1], True),
        ([0.0, 2.9, 9.0, 0.1], False),
        ([0.0, 3.0 * (1 - 0.9e-6), 9.0, 0.1], True),
        ([0.0, 3.0 * (1 - 1.1e-6), 9.0, 0.1], False),
        ([2.9e-6, 6.0, 9.0, 0.1], True),
        ([3.1e-6, 6.0, 9.0, 0.1], False),
    ],
)
def test_a_flight_is_off_or_at_its_minimum_at_least(x, kept):
    assert keeps_flights(np.array(x), WEEKS, {"tv": 3.0}, CHANNELS) is kept
    assert keeps_flights(np.array(x), WEEKS, {}, CHANNELS)


def test_a_week_that_the_limits_keep_on_is_at_its_minimum_at_least():
    required = Polytope.nonnegative(4).with_box(low=np.array([0.5, 0.0, 0.0, 0.0]))
    found = flown({"tv": 6.0}, polytope=required)
    assert found.x[0] == pytest.approx(6.0, rel=1e-5)
    assert found.x[1] == pytest.approx(0.0, abs=1e-5) or found.x[1] >= 6.0 * (1 - 1e-5)
    low = required.with_box(high=np.array([5.0, 50.0, 50.0, 50.0]))
    with pytest.raises(dcm.ConfigError, match="minimum of tv is 6, but its limits require spend there and allow at m"):
        flown({"tv": 6.0}, polytope=low)
    enough = required.with_box(high=np.array([6.0, 50.0, 50.0, 50.0]))
    assert flown({"tv": 6.0}, polytope=enough).x[0] == pytest.approx(6.0, rel=1e-5)


def test_weeks_are_switched_off_until_a_total_can_be_met():
    """Both channels want all their weeks, but the total pays for two of the four flights."""
    minimum = {"tv": 10.0, "radio": 10.0}
    found = flown(minimum, total=20.0, heights=[3.0, 3.1, 3.2, 3.3])
    np.testing.assert_allclose(found.x, [0.0, 0.0, 10.0, 10.0], atol=1e-4)
    two = cells_of([0, 1], [0, 0])  # they want 8 of 12 and 11 of 20, so that radio is the first to be switched off
    found = flown({"tv": 12.0, "radio": 20.0}, two, total=19.0, heights=np.sqrt([8.0, 11.0]))
    np.testing.assert_allclose(found.x, [19.0, 0.0], atol=1e-4)
    with pytest.raises(dcm.ConfigError, match="No plan of the total 9 was found that meets the minimum flights"):
        flown({"tv": 10.0, "radio": 10.0}, total=9.0)


@pytest.mark.parametrize(
    ("minimum", "message"),
    [
        ({"tvv": 1.0}, "minimum names the channel 'tvv'; did you mean 'tv'"),
        ({"mail": 1.0}, "minimum names 'mail', which has no spend and so no budget"),
        ({"tv": 0.0}, "The minimum of tv must be above 0, got 0.0"),
        ({"tv": float("nan")}, "The minimum of tv must be above 0"),
        ({"tv": True}, "The minimum of tv must be above 0"),
    ],
)
def test_minima_that_mean_nothing_are_refused(minimum, message):
    with pytest.raises(dcm.ConfigError, match=message):
        check_minimum(minimum, WEEKS, CHANNELS)
    check_minimum({"tv": 0.5, "radio": 1e-9}, WEEKS, CHANNELS)
