"""Limits survive JSON, and those by channel hold for plans over other weeks."""

import json

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.limit_files import by_channel, limits_from, plain

CASES = [
    dcm.Limits(),
    dcm.Limits(relative_bounds=(0.5, None)),
    dcm.Limits(relative_bounds={"tv": (0.5, 1.5), ("tv", 3): (None, 2.0)}, bounds_per="cell"),
    dcm.Limits(
        bounds={"tv": (None, 2e5), ("radio", "north"): (1e3, 5e3)},
        region_bounds={"north": (0.0, 1.0), 2: (1.0, None)},
        groups={("tv", "radio"): (10.0, 20.0)},
        fixed=("mail",),
        minimum={"tv": 5.0},
    ),
]


@pytest.mark.parametrize("limits", CASES)
def test_limits_come_back_from_json_as_they_were(limits):
    assert limits_from(json.loads(json.dumps(plain(limits)))) == limits


def test_a_saved_plan_keeps_its_limits(small_ensemble, tmp_path):
    plan = dcm.optimize_budget(small_ensemble, relative_bounds={"channel_1": (0.5, 1.5)})
    assert dcm.BudgetPlan.load(plan.save(tmp_path / "plan")).limits == plan.limits
    assert plan.limits.relative_bounds == {"channel_1": (0.5, 1.5)}


def test_amounts_are_scaled_and_what_says_nothing_of_a_channel_is_named():
    kept, dropped = by_channel(CASES[3], 0.5, "channel_region")
    assert kept.bounds == {"tv": (None, 1e5)}
    assert kept.groups == {("tv", "radio"): (5.0, 10.0)}
    assert kept.fixed == ("mail",)
    assert kept.region_bounds == kept.minimum == {}
    assert dropped == ("bounds", "region_bounds", "minimum")


def test_limits_by_channel_lose_nothing():
    limits = dcm.Limits(bounds={"tv": (10.0, 20.0)}, relative_bounds={"radio": (0.5, 1.5)})
    assert by_channel(limits, 1.0, "channel") == (limits, ())


def test_amounts_of_single_cells_are_not_taken_for_those_of_a_channel():
    limits = dcm.Limits(bounds={"tv": (10.0, 20.0)}, bounds_per="cell")
    assert by_channel(limits, 1.0, "channel_week")[1] == ("bounds",)
    assert by_channel(limits, 1.0, "channel")[1] == ()
