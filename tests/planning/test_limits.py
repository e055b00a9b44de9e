"""Limits as users state them, laid out over the cells of a plan; all ends worked out by hand."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.cells import WHOLE, Cells
from deepcausalmmm_jax.planning.limits import polytope_of

INF = np.inf


class Names(NamedTuple):
    channels: tuple[str, ...]
    regions: pd.Index


NAMES = Names(("tv", "radio", "mail"), pd.Index(["north", "south"]))


def cells_of(split, channel, region, today):
    n = len(channel)
    none, spend = np.zeros((1, 1, n)), np.array(today, float)
    return Cells(
        split, np.array(channel), np.array(region), np.full(n, WHOLE), np.arange(n)[None, None], none + 1.0, none,
        spend, np.maximum(spend, 1.0),
    )  # fmt: skip


WHOLE_CHANNELS = cells_of("channel", [0, 1], [WHOLE, WHOLE], [10.0, 20.0])
BY_REGION = cells_of("channel_region", [0, 0, 1, 1], [0, 1, 0, 1], [10.0, 30.0, 20.0, 0.0])


def laid_out(cells, **limits):
    """Ends of cells, and of sums by the cells that they are of."""
    polytope = polytope_of(cells, NAMES, dcm.Limits(**limits))
    rows = polytope.rows.toarray().astype(int)
    sums = {
        tuple(np.flatnonzero(row)): (least, most)
        for row, least, most in zip(rows, polytope.least, polytope.most, strict=True)
    }
    return polytope.low.tolist(), polytope.high.tolist(), sums


def test_without_limits_spend_is_nought_or_more():
    assert laid_out(BY_REGION) == ([0.0] * 4, [INF] * 4, {})


@pytest.mark.parametrize(
    ("limits", "low", "high", "sums"),
    [
        ({"relative_bounds": (0.5, 1.5)}, [5, 15, 10, 0], [15, 45, 30, 0], {}),
        ({"relative_bounds": (0.5, None)}, [5, 15, 10, 0], [INF] * 4, {}),
        ({"relative_bounds": {"tv": (0.5, 2.0)}}, [0] * 4, [INF] * 4, {(0, 1): (20, 80)}),
        ({"relative_bounds": {"tv": (None, 2.0)}}, [0] * 4, [INF] * 4, {(0, 1): (-INF, 80)}),
        ({"relative_bounds": {"tv": (0.5, 2.0)}, "bounds_per": "cell"}, [5, 15, 0, 0], [20, 60, INF, INF], {}),
        ({"relative_bounds": {("tv", "south"): (0.5, 2.0)}}, [0, 15, 0, 0], [INF, 60, INF, INF], {}),
        ({"bounds": {"radio": (3, 9)}}, [0] * 4, [INF] * 4, {(2, 3): (3, 9)}),
        ({"bounds": {"radio": (3, 9)}, "bounds_per": "cell"}, [0, 0, 3, 3], [INF, INF, 9, 9], {}),
        ({"bounds": {("radio", "north"): (3, 9)}}, [0, 0, 3, 0], [INF, INF, 9, INF], {}),
        ({"bounds": {"radio": (0, 0)}}, [0] * 4, [INF, INF, 0, 0], {}),
        ({"region_bounds": {"north": (1, 50)}}, [0] * 4, [INF] * 4, {(0, 2): (1, 50)}),
        ({"groups": {("tv", "radio"): (1, 50)}}, [0] * 4, [INF] * 4, {(0, 1, 2, 3): (1, 50)}),
        ({"groups": {("radio",): (1, None)}}, [0] * 4, [INF] * 4, {(2, 3): (1, INF)}),
        ({"groups": {"radio": (1, None)}}, [0] * 4, [INF] * 4, {(2, 3): (1, INF)}),
        ({"fixed": ["radio"]}, [0, 0, 20, 0], [INF, INF, 20, 0], {}),
        ({"fixed": "tv"}, [10, 30, 0, 0], [10, 30, INF, INF], {}),
        ({"fixed": ["mail"]}, [0] * 4, [INF] * 4, {}),  # without a budget it stays as it is anyway
        ({"bounds": {("tv", "north"): (2, 8)}, "relative_bounds": (0.5, 1.5)}, [5, 15, 10, 0], [8, 45, 30, 0], {}),
    ],
)
def test_limits_by_region_hold_for_the_cells_that_they_name(limits, low, high, sums):
    assert laid_out(BY_REGION, **limits) == (low, high, sums)


def test_a_sum_of_one_cell_is_an_end_of_that_cell():
    assert laid_out(WHOLE_CHANNELS, bounds={"tv": (2, 8)}) == ([2, 0], [8, INF], {})
    assert laid_out(WHOLE_CHANNELS, relative_bounds={"radio": (0.5, None)}) == ([0, 10], [INF, INF], {})


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"bounds": {"tv": 5}}, r"The bounds of tv must be a pair \(least, most\), got 5"),
        ({"bounds": {"tv": (1, 2, 3)}}, "must be a pair"),
        ({"bounds": {"tv": ("a", 2)}}, "The bounds of tv must be numbers or None"),
        ({"bounds": {"tv": (-1, 2)}}, "The bounds of tv must be 0 or more"),
        ({"bounds": {"tv": (0, float("nan"))}}, "The bounds of tv must be 0 or more"),
        ({"bounds": {"tv": (float("inf"), None)}}, "The bounds of tv must be 0 or more"),
        ({"bounds": {"tv": (3, 2)}}, "contradict each other: at least 3 and at most 2"),
        ({"bounds": {"tvv": (1, 2)}}, "bounds names the channel 'tvv'; did you mean 'tv'"),
        ({"relative_bounds": {"mail": (1, 2)}}, "relative_bounds names 'mail', which has no spend and so no budget"),
        ({"groups": {("tv", "mail"): (1, 2)}}, "groups names 'mail', which has no spend"),
        ({"groups": {3: (1, 2)}}, r"A key of groups must be one or more channels, such as \('tv', 'radio'\), got 3"),
        ({"groups": {(): (0, 2)}}, r"A key of groups must be one or more channels, .* got \(\)"),
        (
            {"bounds": {("tv", "nort"): (1, 2)}},
            "bounds names the region 'nort', which the model does not have",
        ),
        ({"bounds": {("tv", "north", "x"): (1, 2)}}, "must be a channel, or a channel and a region"),
        ({"region_bounds": {"east": (1, 2)}}, "region_bounds names the region 'east'"),
        ({"fixed": ["tvv"]}, "fixed names the channel 'tvv'"),
        (
            {"fixed": ["tv"], "bounds": {("tv", "north"): (0, 8)}},
            "The limits of tv contradict each other: at least 10 and at most 8, which is 2 less",
        ),
    ],
)
def test_limits_that_cannot_be_read_or_met_are_refused_by_name(limits, told):
    with pytest.raises(dcm.ConfigError, match=told):
        laid_out(BY_REGION, **limits)


def test_ends_that_cross_by_rounding_do_not_contradict_each_other():
    laid_out(BY_REGION, fixed=["tv"], bounds={("tv", "north"): (0, 10.0 * (1 - 0.9e-9))})
    with pytest.raises(dcm.ConfigError, match="The limits of tv contradict each other"):
        laid_out(BY_REGION, fixed=["tv"], bounds={("tv", "north"): (0, 10.0 * (1 - 1.1e-9))})


def test_regions_are_limited_only_where_the_plan_is_split_by_them():
    told = "but the plan is not split by region; set by='channel_region'"
    with pytest.raises(dcm.ConfigError, match=f"bounds names tv in region north, {told}"):
        laid_out(WHOLE_CHANNELS, bounds={("tv", "north"): (1, 2)})
    with pytest.raises(dcm.ConfigError, match=f"region_bounds names 'north', {told}"):
        laid_out(WHOLE_CHANNELS, region_bounds={"north": (1, 2)})


@pytest.mark.parametrize(
    ("cells", "limits", "notes"),
    [
        (WHOLE_CHANNELS, {"relative_bounds": (0.5, 1.5)}, []),
        (WHOLE_CHANNELS, {"bounds": {"tv": (1, 2)}}, []),
        (BY_REGION, {}, []),
        (
            BY_REGION,
            {"bounds": {"tv": (1, 2)}},
            ["Bounds by channel, or by channel and region, hold for the sum over its cells."],
        ),
        (
            BY_REGION,
            {"relative_bounds": {"tv": (1, 2)}, "bounds_per": "cell"},
            ["Bounds by channel, or by channel and region, hold for each channel x region."],
        ),
        (
            BY_REGION,
            {"relative_bounds": (0.5, 1.5)},
            [
                "The relative bounds hold for each channel x region.",
                "Relative bounds allow no spend where there is none today: 1 of 2 cells of radio.",
            ],
        ),
        (
            BY_REGION,
            {"relative_bounds": {("radio", "south"): (0.5, 1.5), ("radio", "north"): (0.5, 1.5)}},
            [
                "Bounds by channel, or by channel and region, hold for the sum over its cells.",
                "Relative bounds allow no spend where there is none today: radio in south.",
            ],
        ),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_noted(cells, limits, notes):
    assert list(dcm.Limits(**limits).notes(cells, NAMES)) == notes


@pytest.mark.parametrize(
    ("most", "per", "told"),
    [
        (
            1.5,
            "key",
            "The bounds of tv allow a spend of 1.5, of 300,000 today, which nearly switches it off; multiples",
        ),
        (250.0, "cell", "The bounds of tv allow a spend of 250, of 260,000 today"),
        (301.0, "key", None),
        (0.0, "key", None),  # off, as asked
        (None, "key", None),
    ],
)
def test_a_multiple_that_was_given_as_an_amount_is_noted(most, per, told):
    own = cells_of("channel_region", [0, 0, 1], [0, 1, 0], [260_000.0, 40_000.0, 20.0])
    notes = dcm.Limits(bounds={"tv": (None, most), "radio": (1.0, 2.0)}, bounds_per=per).notes(own, NAMES)
    found = [note for note in notes if "switches it off" in note]
    assert found[0].startswith(told) if told else not found


def test_steps_are_named_as_those_of_the_panel():
    by_week = cells_of("channel_week", [0, 1], [WHOLE, WHOLE], [10.0, 20.0])
    held = dcm.Limits(relative_bounds=(0.5, 1.5))
    assert held.notes(by_week, NAMES, "month") == ("The relative bounds hold for each channel x month.",)


@pytest.mark.parametrize("fixed", [["tv"], ("tv",)])
def test_limits_are_equal_however_channels_are_listed(fixed):
    assert dcm.Limits(fixed=fixed) == dcm.Limits(fixed=("tv",))
