"""The figures of a plan's tables from effects that are given: ratios, intervals, and what is missing where."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from deepcausalmmm_jax.planning.outcome import KPI, REVENUE
from deepcausalmmm_jax.planning.tables import Effects, channel_table, last_unit, summary_table

REFITS = np.array([1.0, 0.5, 1.5, 1.0])  # the estimate, and three refits
KPIS = np.array([1.0, 4.0])[:, None]  # a KPI unit is worth 4


def effects(whole, more_whole, channel=(0.0, 0.0), more=(0.0, 0.0), refits=REFITS):
    """Effects by KPI of the estimate."""
    by_channel = (REFITS[: len(refits)][:, None, None] * KPIS * np.array(values) for values in (channel, more))
    totals = (REFITS[: len(refits)][:, None] * KPIS[:, 0] * value for value in (whole, more_whole))
    whole, more_whole = totals
    channel, more = by_channel
    return Effects(whole, channel, more, more_whole)


def test_totals_and_their_ratios_are_what_their_names_say():
    today, plan = effects(100.0, 0.5), effects(150.0, 0.6)
    table = summary_table((80.0, 120.0), today, plan, False, 0.5, 0.25, True)
    assert list(table.index) == ["spend", "incremental_outcome", "revenue", "roi", "mroi", "cpik", "profit"]
    right = {
        "spend": (80.0, 120.0),
        "incremental_outcome": (100.0, 150.0),
        "revenue": (400.0, 600.0),
        "roi": (5.0, 5.0),
        "mroi": (4 * 0.5 / 0.8, 4 * 0.6 / 1.2),
        "cpik": (0.8, 0.8),
        "profit": (0.25 * 400 - 80, 0.25 * 600 - 120),
    }
    for figure, (was, planned) in right.items():
        np.testing.assert_allclose(
            table.loc[figure, ["today", "plan", "change"]], [was, planned, planned - was], atol=1e-12
        )
    ends = table.loc["incremental_outcome", ["today_low", "today_high", "plan_low", "plan_high"]]
    np.testing.assert_allclose(ends, [75.0, 125.0, 112.5, 187.5])  # quartiles of 0.5, 1 and 1.5
    np.testing.assert_allclose(table.loc["incremental_outcome", ["change_low", "change_high"]], [37.5, 62.5])
    np.testing.assert_allclose(table.loc["spend", ["plan_low", "plan_high"]], 120.0)
    np.testing.assert_allclose(
        table.loc["cpik", ["today_low", "today_high"]], [np.quantile(0.8 / REFITS[1:], q) for q in (0.25, 0.75)]
    )


def test_without_refits_margin_or_revenue_their_figures_are_absent():
    table = summary_table((80.0, 120.0), effects(100.0, 0.5), effects(150.0, 0.6), True, 0.9, None, False)
    assert list(table.columns) == ["today", "plan", "change"]
    assert list(table.index) == ["spend", "incremental_outcome", "roi", "mroi", "cpik"]


def test_ratios_to_nothing_are_missing():
    table = summary_table((0.0, 1.0), effects(0.0, 0.0), effects(-5.0, 0.0), True, 0.9, None, True)
    assert table.loc[["roi", "mroi", "cpik"], "today"].isna().all()
    assert np.isnan(table.loc["cpik", "plan"])
    assert table.loc["roi", "plan"] == -20.0


def test_channels_have_their_own_spend_outcome_and_returns():
    horizon = SimpleNamespace(panel=SimpleNamespace(channels=("tv", "mail", "radio")))
    cells = SimpleNamespace(channel=np.array([0, 0, 2]), today=np.array([10.0, 30.0, 0.0]))
    today = effects(0.0, 0.0, (20.0, 99.0, 6.0), (0.2, 99.0, 0.0))
    plan = effects(0.0, 0.0, (30.0, 99.0, 8.0), (0.1, 99.0, 0.4))
    table = channel_table(horizon, cells, np.array([20.0, 30.0, 16.0]), today, plan, False, 0.5)
    assert list(table.index) == ["tv", "radio"]
    right = {
        "spend_today": [40.0, 0.0],
        "spend_plan": [50.0, 16.0],
        "incremental_outcome_today": [20.0, 6.0],
        "incremental_outcome_plan": [30.0, 8.0],
        "roi_today": [2.0, np.nan],
        "roi_plan": [4 * 30.0 / 50.0, 2.0],
        "mroi_today": [4 * 0.2 / 0.4, np.nan],
        "mroi_plan": [4 * 0.1 / 0.5, 4 * 0.4 / 0.16],
        "roi_change": [0.4, np.nan],
        "roi_plan_low": [0.75 * 2.4, 1.5],
        "roi_plan_high": [1.25 * 2.4, 2.5],
    }
    pd.testing.assert_frame_equal(table[list(right)], pd.DataFrame(right, index=table.index))
    alone = channel_table(horizon, cells, np.array([20.0, 30.0, 16.0]), today, plan, True, 0.5)
    assert not alone.columns.str.endswith("_low").any()


class _Linear:
    """A unit of spend of cell 0 brings 1, one of cell 1 brings 3, times what a refit finds; revenue 4 times that."""

    def __init__(self, refits):
        self.refits, self.n_replicates = np.array(refits), len(refits)

    def values(self, plans):
        kpi = (plans @ [1.0, 3.0])[:, None] * self.refits
        return np.stack([kpi, 4.0 * kpi], axis=-1)[..., None]


@pytest.mark.parametrize(
    ("x", "free", "value", "right"),
    [
        ([100.0, 100.0], [True, True], KPI, 2.0),
        ([100.0, 300.0], [True, True], KPI, 2.5),
        ([100.0, 300.0], [True, False], KPI, 1.0),
        ([100.0, 300.0], [True, True], REVENUE, 10.0),
    ],
)
def test_the_last_unit_goes_where_spend_may_change_in_proportion_to_it(x, free, value, right):
    found = last_unit(_Linear([0.9, *REFITS[1:]]), np.array(x), np.array(free), value, 0.5)
    assert found == pytest.approx((0.9 * right, 0.75 * right, 1.25 * right))


def test_the_last_unit_has_no_interval_without_refits_and_no_value_where_nothing_may_change():
    x = np.array([100.0, 0.0])
    alone = last_unit(_Linear([1.0]), x, np.array([True, True]), KPI, 0.9)
    assert alone[0] == pytest.approx(1.0)
    assert np.isnan(alone[1:]).all()
    assert np.isnan(last_unit(_Linear(REFITS), x, np.array([False, True]), KPI, 0.9)).all()
    assert not np.isnan(last_unit(_Linear(REFITS), x, np.array([True, True]), KPI, 0.9)).any()
