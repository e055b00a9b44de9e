"""Limits survive JSON, and those by channel hold for plans over other weeks."""

import dataclasses
import json

import pandas as pd
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


@pytest.mark.parametrize("limits", [*CASES, None])
def test_a_saved_plan_keeps_its_limits(limits, tmp_path):
    curves = {"channel": ["tv"], "bottom": [0.0], "top": [5.0], "half_saturation": [2.0], "slope": [1.0]}
    plan = dataclasses.replace(dcm.optimize_budget_from_curves(pd.DataFrame(curves), 10.0), limits=limits)
    assert dcm.BudgetPlan.load(plan.save(tmp_path / "plan")).limits == limits


def test_ends_that_are_infinite_come_back_as_open():
    told = json.loads(json.dumps(plain(dcm.Limits(bounds={"tv": (1.0, float("inf"))}))))
    assert limits_from(told).bounds == {"tv": (1.0, None)}


def test_ranges_of_single_regions_are_dropped_and_those_of_channels_kept():
    limits = dcm.Limits(relative_bounds={"tv": (0.5, 1.5), ("radio", "north"): (0.5, 1.5)})
    kept, dropped = by_channel(limits, 2.0, "channel_region")
    assert kept.relative_bounds == {"tv": (0.5, 1.5)}  # a multiple of spend, whatever the weeks
    assert dropped == ("relative_bounds",)
    every = dcm.Limits(relative_bounds=(0.5, 1.5))
    assert by_channel(every, 2.0, "channel_region_week") == (every, ())


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
