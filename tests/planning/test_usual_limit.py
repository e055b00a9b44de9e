"""Where nothing else limits a plan of a fixed total, no spend moves by more than 30 %; and the plan says so."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.limits import polytope_of
from deepcausalmmm_jax.planning.targets import Targets
from deepcausalmmm_jax.planning.usual_limit import limited

CHANNELS = ("channel_1", "channel_2", "channel_3")


@pytest.fixture(scope="module")
def cells(small_result):
    horizon = past_weeks(small_result.fitted_panel, 8)
    return {by: cells_of(horizon, by, small_result.fitted.scales.exposure) for by in ("channel", "channel_week")}


def ranges(found, cells, panel):
    """Least and most spend of each cell, over today's."""
    polytope = polytope_of(cells, panel, found.limits)
    paid = cells.today > 0
    return polytope.low[paid] / cells.today[paid], polytope.high[paid] / cells.today[paid]


@pytest.mark.parametrize(
    ("limit", "low", "high"),
    [("auto", 0.7, 1.3), (0.1, 0.9, 1.1), ("200%", 0.0, 3.0), ("5 %", 0.95, 1.05), (0, 1.0, 1.0)],
)
@pytest.mark.parametrize("by", ["channel", "channel_week"])
def test_every_cell_stays_within_a_share_of_todays_spend(cells, small_panel, by, limit, low, high):
    found = limited(dcm.Limits(), limit, Targets(), cells[by], small_panel)
    least, most = ranges(found, cells[by], small_panel)
    np.testing.assert_allclose(least, low)
    np.testing.assert_allclose(most, high)
    share = {"auto": "30%", 0.1: "10%", "200%": "200%", "5 %": "5%", 0: "0%"}[limit]
    assert f"within {share} of today's spend" in found.notes[0]
    assert ("default" in found.notes[0]) == (limit == "auto")


def test_another_total_has_the_limit_around_todays_mix(cells, small_panel):
    own = cells["channel"]
    found = limited(dcm.Limits(), "auto", Targets(total=5.0 * own.today.sum()), own, small_panel)
    least, most = ranges(found, own, small_panel)
    np.testing.assert_allclose([*least, *most], [3.5] * 3 + [6.5] * 3)
    assert "scaled to this total" in found.notes[0]


def test_a_fixed_channel_stays_and_the_others_share_the_rest(cells, small_panel):
    own = cells["channel_week"]
    held = own.channel == 0
    total = own.today[held].sum() + 2.0 * own.today[~held].sum()
    found = limited(dcm.Limits(fixed=["channel_1"]), "auto", Targets(total=total), own, small_panel)
    least, most = ranges(found, own, small_panel)
    held = held[own.today > 0]
    np.testing.assert_allclose([least[held], most[held]], 1.0)
    np.testing.assert_allclose(least[~held], 1.4)
    np.testing.assert_allclose(most[~held], 2.6)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_of_spend_does_not_matter(cells, small_panel, unit):
    own = dataclasses.replace(cells["channel"], today=unit * cells["channel"].today)
    for multiple, scaled in ((1.0, False), (2.0, True)):
        found = limited(dcm.Limits(), "auto", Targets(total=multiple * own.today.sum()), own, small_panel)
        least, most = ranges(found, own, small_panel)
        np.testing.assert_allclose([*least, *most], [0.7 * multiple] * 3 + [1.3 * multiple] * 3)
        assert ("scaled" in found.notes[0]) == scaled


def test_where_every_channel_is_fixed_nothing_is_scaled(cells, small_panel):
    own = cells["channel"]
    found = limited(dcm.Limits(fixed=CHANNELS), "auto", Targets(total=2.0 * own.today.sum()), own, small_panel)
    np.testing.assert_allclose(ranges(found, own, small_panel), 1.0)
    assert "scaled" not in found.notes[0]


@pytest.mark.parametrize(
    "stated",
    [
        {"bounds": {"channel_1": (None, 1e5)}},
        {"relative_bounds": (0.5, 2.0)},
        {"relative_bounds": {"channel_1": (0.5, 2.0)}},
        {"groups": {("channel_1", "channel_2"): (1e3, None)}},
        {"minimum": {"channel_1": 100.0}},
    ],
)
def test_limits_of_ones_own_stay_as_they_are(cells, small_panel, stated):
    limits = dcm.Limits(**stated)
    assert limited(limits, "auto", Targets(), cells["channel"], small_panel) == (limits, ())


def test_a_target_searches_its_total_without_the_limit(cells, small_panel):
    for target in ({"target_roi": 1.0}, {"target_mroi": 1.0}, {"target_kpi": 1.0}):
        assert limited(dcm.Limits(), "auto", Targets(**target), cells["channel"], small_panel) == (dcm.Limits(), ())
    assert limited(dcm.Limits(), None, Targets(), cells["channel"], small_panel) == (dcm.Limits(), ())


@pytest.mark.parametrize("per", ["key", "cell"])
def test_the_limit_holds_for_each_cell_of_a_channel_beside_one_that_has_bounds(cells, small_panel, per):
    own = cells["channel_week"]
    limits = dcm.Limits(bounds={"channel_1": (0.0, 1e9)}, bounds_per=per)
    found = limited(limits, 0.1, Targets(), own, small_panel)
    least, most = ranges(found, own, small_panel)
    others = own.channel[own.today > 0] != 0
    np.testing.assert_allclose(least[others], 0.9)
    np.testing.assert_allclose(most[others], 1.1)
    assert "each channel x week, of channels without bounds of their own, stays within 10%" in found.notes[0]


def test_bounds_of_a_channel_take_the_place_of_a_stated_limit(cells, small_panel):
    limits = dcm.Limits(bounds={"channel_1": (0.0, 1e9)}, relative_bounds={"channel_2": (0.2, 4.0)})
    found = limited(limits, 0.1, Targets(), cells["channel"], small_panel)
    least, most = ranges(found, cells["channel"], small_panel)
    np.testing.assert_allclose(least, [0.0, 0.2, 0.9])
    np.testing.assert_allclose(most[1:], [4.0, 1.1])
    assert "each channel without bounds of its own stays within 10%" in found.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 30}, "limit is a share of today's spend, and 30 may be a percentage: write '30%' or '3000%'"),
        ({"limit": 5}, "write '5%' or '500%'"),
        ({"limit": 1.0}, "write '1%' or '100%'"),
        ({"limit": "-5%"}, "limit is a share of today's spend, 0.3 or '30%' for 30% up and down"),
        ({"limit": "some%"}, "limit is a share"),
        ({"limit": "0.3"}, "limit is a share"),
        ({"limit": -0.1}, "limit is a share"),
        ({"limit": "little"}, "limit is a share"),
        ({"limit": True}, "limit is a share"),
        ({"limit": float("nan")}, "limit is a share"),
        ({"limit": 0.2, "relative_bounds": (0.5, 2.0)}, "not both"),
        ({"weeks": 8, "next_weeks": 8}, "Give weeks or next_weeks, not both"),
    ],
)
def test_bad_limits_are_refused(small_result, options, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.optimize_budget(small_result, **options)


def test_a_plan_keeps_the_limit_says_so_and_can_be_freed_of_it(small_result):
    plan = dcm.optimize_budget(small_result, weeks=8)
    ratio = plan.channels["spend_plan"] / plan.channels["spend_today"]
    assert ratio.between(0.7 - 1e-6, 1.3 + 1e-6).all()
    assert plan.notes[0].startswith("Spend of each channel stays within 30% of today's spend (the default")
    assert plan.limits.relative_bounds == (0.7, 1.3)
    free = dcm.optimize_budget(small_result, weeks=8, limit=None)
    assert (free.channels["spend_plan"] / free.channels["spend_today"]).max() > 1.3
    assert free.summary.loc["revenue", "plan"] > plan.summary.loc["revenue", "plan"]
    assert (free.weeks, free.next_weeks) == (8, None)


def test_a_channel_that_is_off_today_stays_off_and_is_named(cells, small_panel):
    today = np.where(np.arange(3) == 0, 0.0, cells["channel"].today)
    off = dataclasses.replace(cells["channel"], today=today)
    found = limited(dcm.Limits(), "auto", Targets(), off, small_panel)
    assert polytope_of(off, small_panel, found.limits).high[0] == 0
    assert "no spend where there is none today: channel_1" in " ".join(found.limits.notes(off, small_panel))
    nothing = dataclasses.replace(off, today=np.zeros(3))
    assert limited(dcm.Limits(), "auto", Targets(total=1e5), nothing, small_panel) == (dcm.Limits(), ())
    with pytest.raises(dcm.ConfigError, match="nothing is spent in these weeks today; give bounds"):
        limited(dcm.Limits(), 0.3, Targets(total=1e5), nothing, small_panel)


def test_limits_of_each_cell_take_the_place_of_a_limit_and_are_noted(cells, small_panel):
    own = cells["channel_week"]
    mine = dcm.Limits(each_cell={"channel_1": (0.5, 2.0)})
    assert limited(mine, "auto", Targets(), own, small_panel).limits == mine
    found = limited(mine, 0.1, Targets(), own, small_panel)
    least, most = ranges(found, own, small_panel)
    first = own.channel[own.today > 0] == 0
    np.testing.assert_allclose([least[first].min(), most[first].max()], [0.5, 2.0])
    np.testing.assert_allclose([least[~first].min(), most[~first].max()], [0.9, 1.1])
    idle = dataclasses.replace(own, today=np.where(np.arange(len(own.today)) == 1, 0.0, own.today))
    assert any("cells of channel_1" in note for note in mine.notes(idle, small_panel))
