"""What spend buys: paid exposure in today's proportions, on top of what was free; all numbers worked out by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import even_weeks
from deepcausalmmm_jax.planning.cells import WHOLE, cells_of, exposure_of
from tests.planning.horizons import USUAL, two_weeks


@pytest.fixture
def horizon():
    return two_weeks()


def test_a_channel_without_a_price_has_no_cell_and_others_have_one_where_they_can_be_bought(horizon):
    cells = cells_of(horizon, "channel", USUAL)
    assert (cells.channel.tolist(), cells.region.tolist(), cells.week.tolist()) == ([0, 1], [WHOLE] * 2, [WHOLE] * 2)
    assert len(cells) == 2
    np.testing.assert_array_equal(cells.today, [40.0, 0.0])
    np.testing.assert_array_equal(cells.cell[:, :, 2], 2)  # no cell
    np.testing.assert_array_equal(cells.cell[1, 0], 2)  # no row
    np.testing.assert_array_equal(cells.cell[0, :, :2], [[0, 1], [0, 1]])


def test_more_spend_buys_more_of_what_was_paid_and_leaves_what_was_free(horizon):
    cells = cells_of(horizon, "channel", USUAL)
    twice = exposure_of(cells, horizon, np.array([80.0, 0.0]))
    np.testing.assert_allclose(twice[:, :, 0], [[10.0, 30.0], [0.0, 7.0]])
    np.testing.assert_allclose(twice[:, :, 2], 9.0)
    none = exposure_of(cells, horizon, np.array([0.0, 0.0]))
    np.testing.assert_allclose(none[:, :, 0], [[0.0, 0.0], [0.0, 7.0]])


def test_a_channel_that_is_off_is_bought_evenly_at_its_price(horizon):
    """Radio in two weeks of a and one of b: mean weeks of 2, 2 and 6 at a price of 5, so 50 buys one of each."""
    cells = cells_of(horizon, "channel", USUAL)
    bought = exposure_of(cells, horizon, np.array([40.0, 100.0]))
    np.testing.assert_allclose(bought[:, :, 1], [[4.0, 4.0], [0.0, 12.0]])
    np.testing.assert_allclose(bought[:, :, 0], horizon.exposure[:, :, 0])


def test_steps_are_measured_in_todays_spend_and_at_least_a_twentieth_of_mean_weeks(horizon):
    cells = cells_of(horizon, "channel", USUAL)
    np.testing.assert_allclose(cells.typical, [40.0, 0.05 * 50.0])
    fine = cells_of(horizon, "channel_region", USUAL)
    np.testing.assert_allclose(fine.typical, [40.0, 0.05 * 30.0 * 4.0, 0.05 * 20.0, 0.05 * 30.0])


def test_spend_beside_free_exposure_buys_a_mean_week_on_top_of_it(horizon):
    """Region b has 7 for nothing; 60 at a price of 4 buys half a mean week of 30."""
    cells = cells_of(horizon, "channel_region", USUAL)
    bought = exposure_of(cells, horizon, np.array([40.0, 60.0, 0.0, 0.0]))
    np.testing.assert_allclose(bought[:, :, 0], [[5.0, 15.0], [0.0, 22.0]])


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("channel", ["tv", "radio"]),
        ("channel_region", ["tv, a", "tv, b", "radio, a", "radio, b"]),
        ("channel_week", ["tv, 2024-01-08", "tv, 2024-01-15", "radio, 2024-01-08", "radio, 2024-01-15"]),
        (
            "channel_region_week",
            [
                "tv, a, 2024-01-08", "tv, a, 2024-01-15", "tv, b, 2024-01-15",
                "radio, a, 2024-01-08", "radio, a, 2024-01-15", "radio, b, 2024-01-15",
            ],
        ),
    ],
)  # fmt: skip
def test_cells_are_named_by_what_the_budget_is_split_over(horizon, by, names):
    cells = cells_of(horizon, by, USUAL)
    assert cells.names(horizon) == names
    assert len(cells) == len(names)
    assert cells.today.sum() == 40.0
    np.testing.assert_array_equal(exposure_of(cells, horizon, cells.today), horizon.exposure)


@pytest.mark.parametrize(("n_regions", "n_weeks"), [(5, 1), (1, 5), (3, 4)])
def test_every_region_and_week_of_a_channel_has_its_own_cell_however_many_there_are(horizon, n_regions, n_weeks):
    shape = (n_regions, n_weeks, 3)
    array, present = np.ones(shape), np.ones((n_regions, n_weeks + 1), bool)
    panel = SimpleNamespace(exposure=np.ones((n_regions, n_weeks + 1, 3)), present=present)
    large = dataclasses.replace(horizon, panel=panel, stop=1 + n_weeks, spend=array, price=array)
    for by, count in {"channel": 1, "channel_region": n_regions, "channel_week": n_weeks}.items():
        assert len(cells_of(large, by, np.ones((n_regions, 3)))) == 3 * count
    fine = cells_of(large, "channel_region_week", np.ones((n_regions, 3)))
    np.testing.assert_array_equal(np.sort(fine.cell, axis=None), np.arange(3 * n_regions * n_weeks))
    np.testing.assert_array_equal(fine.cell[fine.region, fine.week, fine.channel], np.arange(len(fine)))


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_money_does_not_matter(horizon, unit):
    other = dataclasses.replace(horizon, spend=unit * horizon.spend, price=unit * horizon.price)
    for by in ("channel", "channel_region"):
        ours, theirs = cells_of(horizon, by, USUAL), cells_of(other, by, USUAL)
        np.testing.assert_allclose(theirs.today, unit * ours.today)
        np.testing.assert_allclose(theirs.typical, unit * ours.typical)
        plan = 2.0 * ours.today + 3.0
        np.testing.assert_allclose(exposure_of(theirs, other, unit * plan), exposure_of(ours, horizon, plan))


def test_a_change_that_is_rounding_is_no_change(horizon):
    cells = cells_of(horizon, "channel", USUAL)
    moved = exposure_of(cells, horizon, cells.today * (1 + 0.5e-9))
    np.testing.assert_array_equal(moved, horizon.exposure)
    assert (exposure_of(cells, horizon, cells.today * (1 + 4e-9)) != horizon.exposure).any()


def test_without_any_price_there_is_no_budget(horizon):
    none = dataclasses.replace(horizon, price=np.full((2, 2, 3), np.nan))
    with pytest.raises(dcm.DataError, match="No channel has spend, so there is no budget to plan"):
        cells_of(none, "channel", USUAL)


def test_more_spend_on_a_mean_week_buys_more_of_what_was_paid_in_it_and_leaves_what_was_free(small_result):
    """Each fourth week of channel 1 was free; a plan of half as much again buys that much more of the other three."""
    panel = small_result.panel
    is_free = np.arange(len(panel.weeks)) % 4 == 1
    spend = panel.spend.copy()
    spend[:, is_free, 0] = 0.0
    fit = FittedPanel.of(dataclasses.replace(small_result.fitted, panel=dataclasses.replace(panel, spend=spend)))
    horizon = even_weeks(fit, 3, settled=False)
    cells = cells_of(horizon, "channel", fit.scales.exposure)
    year = panel.exposure[:, -52:, 0]
    paid = np.where(is_free[-52:], 0.0, year).mean(axis=1)
    more = exposure_of(cells, horizon, cells.today * [1.5, 1.0, 1.0])
    np.testing.assert_allclose(more[:, 0, 0], year.mean(axis=1) + 0.5 * paid)
    np.testing.assert_allclose(exposure_of(cells, horizon, cells.today), horizon.exposure)
    none = exposure_of(cells, horizon, cells.today * [0.0, 1.0, 1.0])
    np.testing.assert_allclose(none[:, 0, 0], year.mean(axis=1) - paid)
    np.testing.assert_allclose(horizon.price[:, 0, 0] * paid, horizon.spend[:, 0, 0])
