"""Spend ends where everyone of a region is reached, worked out by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.reachable import refuse_more_than_everyone
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.reach_limits import reach_limits
from tests.planning.horizons import USUAL, two_weeks

FIT = SimpleNamespace(scales=SimpleNamespace(frequency=np.array([[2.0, np.nan, np.nan], [2.5, np.nan, np.nan]])))
INF = np.inf


def peopled(people=(4.0, 8.0), often=((1.0, 2.0), (0.0, 2.0)), **panel):
    """TV reached 5 of 4 people in week 1 of region a, by rounding, then 7.5; in b 3.5 of 8 in week 2, free of charge."""
    horizon = two_weeks()
    frequency = np.full((2, 3, 3), np.nan)
    frequency[:, 0, 0], frequency[:, 1:, 0] = 0.0, often
    given = {"population": np.array(people), "frequency": frequency} | panel
    return dataclasses.replace(horizon, panel=dataclasses.replace(horizon.panel, **given))


def limits_of(horizon, by="channel", planned=None):
    return reach_limits(FIT, horizon, planned or horizon, cells_of(horizon, by, USUAL))


def test_everyone_who_lives_there_or_was_reached_as_it_ran_can_be_reached():
    """Region a: 5 and 7.5 people at 1 and 2 contacts, which cost 2 each; region b: 7 contacts are free, 9 more at 4."""
    limits = limits_of(peopled(), "channel_region_week")
    np.testing.assert_allclose(limits.most, [10.0, 30.0, 36.0, INF, INF, INF])
    limits = limits_of(peopled(people=(50.0, 8.0)), "channel_region_week")
    np.testing.assert_allclose(limits.most, [100.0, 200.0, 36.0, INF, INF, INF])


def test_a_cell_of_several_weeks_ends_where_the_first_of_them_does():
    """Of 40 on TV, 10 go to the first week; 50 people at one contact take 100 there, and 200 of the second week's 30."""
    limits = limits_of(peopled(people=(50.0, 8.0)))
    np.testing.assert_allclose(limits.most, [200.0 * 40.0 / 30.0, INF])
    told = limits.reason(0)
    assert told == (
        "tv can spend 266.667 at most: at that spend, everyone in a in 2024-01-15 is reached at 2 contacts per person."
    )


def test_a_planned_frequency_moves_the_limit_and_the_usual_one_stands_in_where_nobody_was_reached():
    today = peopled(people=(50.0, 8.0))
    often = today.panel.frequency.copy()
    often[0, 1:, 0] = 4.0
    planned = dataclasses.replace(today, panel=dataclasses.replace(today.panel, frequency=often))
    limits = limits_of(today, "channel_region_week", planned)
    np.testing.assert_allclose(limits.most[:3], [400.0, 400.0, 36.0])
    nobody = peopled(people=(50.0, 8.0), often=((1.0, 2.0), (0.0, 0.0)))
    np.testing.assert_allclose(limits_of(nobody, "channel_region_week").most[2], (8.0 * 2.5 - 7.0) * 4.0)


def test_a_national_channel_shares_out_the_people_of_all_regions_by_its_weights():
    national = peopled(people=(50.0, 10.0), national=("tv",), national_weights=np.array([0.75, 0.25]))
    limits = limits_of(national, "channel_region_week")
    np.testing.assert_allclose(limits.most[:3], [45.0 * 2.0, 45.0 * 4.0, (15.0 * 2.0 - 7.0) * 4.0])


@pytest.mark.parametrize("missing", ["population", "frequency"])
def test_without_population_or_reach_nothing_is_limited(missing):
    horizon = peopled(**{missing: None})
    assert limits_of(horizon) is None
    refuse_more_than_everyone(FIT, horizon, horizon)


def test_lower_ends_that_nobody_stated_give_way_and_stated_ones_are_refused():
    limits = limits_of(peopled(people=(50.0, 8.0)), "channel_region_week")
    stated = Polytope.nonnegative(6).with_box(np.array([120.0, 50.0, 0, 0, 0, 0]), np.full(6, 150.0))
    held, kept = limits.within(stated, np.full(6, True))
    np.testing.assert_allclose(held.low, [100.0, 50.0, 0, 0, 0, 0])
    np.testing.assert_allclose(held.high, [100.0, 150.0, 36.0, 150.0, 150.0, 150.0])
    assert kept.lowered == (0,)
    others = np.arange(6) != 0
    with pytest.raises(dcm.ConfigError, match=r"tv, a, 2024-01-08 can spend 100 .*The limits ask for 120 at least; st"):
        limits.within(stated, others)
    just = Polytope.nonnegative(6).with_box(low=np.array([100.0 * (1 + 0.9e-9), 0, 0, 0, 0, 0]))
    assert limits.within(just, ~np.full(6, True))[1].lowered == ()


def test_cells_at_their_limit_are_noted_and_of_many_the_first_five():
    limits = limits_of(peopled(people=(50.0, 8.0)), "channel_region_week")
    x = np.array([100.0, 200.0 * (1 - 0.9e-6), 36.0 * (1 - 1.1e-6), 5.0, 5.0, 5.0])
    told = limits.notes(x)
    assert [note.split(" can spend")[0] for note in told] == ["tv, a, 2024-01-08", "tv, a, 2024-01-15"]
    lowered = dataclasses.replace(limits, lowered=(2, 0))
    assert [note.split(" can spend")[0] for note in lowered.notes(x)] == [
        "tv, b, 2024-01-15",
        "tv, a, 2024-01-08",
        "tv, a, 2024-01-15",
    ]
    many = dataclasses.replace(limits, most=np.full(6, 5.0), room=np.full((2, 2, 3), 5.0))
    assert len(many.notes(np.zeros(6))) == 0
    assert many.notes(np.full(6, 5.0))[5:] == ("The same applies to 1 more cell of the plan.",)
    assert len(many.notes(np.array([5.0, 5.0, 5.0, 5.0, 5.0, 0.0]))) == 5
    nothing = dataclasses.replace(limits, most=np.zeros(6))
    assert nothing.notes(np.zeros(6)) == ()
    in_millions = dataclasses.replace(limits, most=np.full(6, 0.5), room=np.full((2, 2, 3), 0.5))
    assert len(in_millions.notes(np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0]))) == 1


def test_the_cell_that_reach_narrows_most_is_named():
    limits = limits_of(peopled(people=(50.0, 8.0)), "channel_region_week")
    assert limits.narrowing(np.full(6, 30.0)) == ""
    assert limits.narrowing(np.array([100.0, 200.0, 36.0, INF, INF, INF])) == ""
    assert limits.narrowing(np.full(6, INF)) == ""  # today's spend is possible
    little = dataclasses.replace(limits, most=np.full(6, 0.5), room=np.full((2, 2, 3), 0.5))
    assert little.narrowing(np.zeros(6)) == ""  # nothing is wanted
    told = limits.narrowing(np.array([150.0, 250.0, 300.0, INF, INF, INF]))
    assert told.startswith("tv, b, 2024-01-15 can spend 36 at most")
    assert told.endswith("At a higher frequency it could spend more.")


def test_contacts_that_need_more_people_than_there_are_are_refused_where_they_lack_most():
    today = peopled(people=(50.0, 8.0))
    more = today.panel.exposure.copy()
    more[0, 1, 0], more[1, 2, 0] = 60.0, 20.0  # 60 of 50 people at one contact, and 10 of 8 at two
    planned = dataclasses.replace(today, panel=dataclasses.replace(today.panel, exposure=more))
    with pytest.raises(
        dcm.ConfigError,
        match="At 2 contacts per person, tv would reach 10 people in b in 2024-01-15, where 8 live; state a higher",
    ):
        refuse_more_than_everyone(FIT, today, planned)
    more[1, 2, 0] = 16.0
    more[0, 1, 0] = 50.0
    refuse_more_than_everyone(FIT, today, planned)
