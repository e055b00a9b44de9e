"""What a scenario changes, where, and what it costs; the tables add up."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.plots.conftest import as_ensemble

LAST = 8


@pytest.fixture(scope="module")
def gapped(small_result):
    """The fit beside a panel in which channel 1 was free in region 1 and there is no row of region 2 in week 55."""
    panel = small_result.panel
    spend, present = panel.spend.copy(), panel.present.copy()
    spend[0, :, 0], present[1, 55] = 0.0, False
    exposure = np.where(present[:, :, None], panel.exposure, 0.0)
    changed = dataclasses.replace(panel, spend=np.where(present[:, :, None], spend, 0.0), present=present)
    changed = dataclasses.replace(changed, exposure=exposure, weights=np.where(present, panel.weights, 0.0))
    return dcm.FitResult(dataclasses.replace(small_result.fitted, panel=changed))


def told(result, *changes, **options):
    return dcm.scenario(result, list(changes), **options).set_index(["by", "label"])


def label(result, week):
    return result.panel.weeks[week]


def test_totals_are_the_sums_over_regions_and_over_weeks(small_result):
    table = told(small_result, dcm.Change("channel_1", 1.5), dcm.Change("control_1", to=0.0), weeks=LAST)
    for column in ("prediction", "change", "spend_change", "revenue_change"):
        whole = table.loc[("all", "all"), column]
        for by in ("region", "time"):
            np.testing.assert_allclose(table.loc[by, column].sum(), whole, rtol=1e-6)
    assert list(table.loc["region"].index) == list(small_result.panel.regions)
    assert table.loc["time"].index[0] == label(small_result, 60 - LAST)
    assert len(table.loc["time"]) > LAST  # carry-over after the last week counts
    np.testing.assert_allclose(table["change_pct"], 100 * table["change"] / table["prediction"])
    predicted = small_result.predict().values[:, -LAST:]
    np.testing.assert_allclose(table.loc["time", "prediction"].iloc[:LAST], predicted.sum(axis=0), rtol=1e-5)


def test_revenue_is_the_change_at_what_a_kpi_unit_is_worth(small_result):
    worth = np.array([1.0, 2.0, 3.0, 4.0])[:, None] * np.ones((4, 60))
    panel = dataclasses.replace(small_result.panel, revenue_per_kpi=worth)
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    table = told(result, dcm.Change("channel_1", 1.5)).loc["region"]
    np.testing.assert_allclose(table["revenue_change"], table["change"] * [1.0, 2.0, 3.0, 4.0])
    bare = dataclasses.replace(small_result.panel, revenue_per_kpi=None)
    bare = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=bare))
    assert "revenue_change" not in told(bare, dcm.Change("channel_1", 1.5))


def test_each_change_acts_on_what_those_before_it_left(small_result):
    back = told(small_result, dcm.Change("channel_2", 4.0), dcm.Change("channel_2", 0.25))
    np.testing.assert_allclose(back["spend_change"], 0.0, atol=1e-6)
    np.testing.assert_allclose(back["change"] / back["prediction"], 0.0, atol=1e-6)
    twice = told(small_result, dcm.Change("channel_2", 2.0), dcm.Change("channel_2", 1.5))
    np.testing.assert_allclose(twice["change"], told(small_result, dcm.Change("channel_2", 3.0))["change"], rtol=1e-4)


def test_only_the_regions_and_weeks_that_are_named_are_changed_the_last_one_included(small_result):
    spend = small_result.panel.spend
    regions, weeks = ["region_2", "region_4"], (label(small_result, 54), label(small_result, 56))
    table = told(small_result, dcm.Change("channel_3", 2.0, regions=regions, weeks=weeks), weeks=LAST)
    by_week = table.loc["time", "spend_change"].to_numpy()
    expected = np.zeros(len(by_week))
    expected[2:5] = spend[[1, 3], 54:57, 2].sum(axis=0)
    np.testing.assert_allclose(by_week, expected)
    np.testing.assert_allclose(table.loc["region", "spend_change"], spend[:, 54:57, 2].sum(axis=1) * [0, 1, 0, 1])
    before = table.loc["time", "change"].iloc[:2] / table.loc["time", "prediction"].iloc[:2]
    np.testing.assert_allclose(before, 0.0, atol=1e-6)
    assert table.loc["time", "change"].iloc[2] > 0
    one_week = dcm.Change("channel_3", 2.0, regions="region_2", weeks=(weeks[0], weeks[0]))
    paid = told(small_result, one_week, weeks=LAST).loc[("all", "all"), "spend_change"]
    assert paid == pytest.approx(spend[1, 54, 2])


def test_where_there_is_no_row_nothing_is_changed(gapped):
    rise = dcm.Change("channel_2", to=5e5, regions=["region_2"], weeks=(label(gapped, 55), label(gapped, 55)))
    table = told(gapped, rise, weeks=LAST)
    np.testing.assert_allclose(table[["change", "spend_change"]], 0.0, atol=1e-9)


def test_a_factor_multiplies_what_was_spent_and_a_value_costs_what_it_adds_at_the_mean_price(gapped):
    spend, exposure = gapped.panel.spend[:, -LAST:, 0], gapped.panel.exposure[:, -LAST:, 0]
    more = told(gapped, dcm.Change("channel_1", 1.3), weeks=LAST).loc["region", "spend_change"]
    np.testing.assert_allclose(more, 0.3 * spend.sum(axis=1))
    assert more.iloc[0] == 0.0  # it was free
    level = 1.5 * exposure.max()
    table = told(gapped, dcm.Change("channel_1", to=level), weeks=LAST).loc["region", "spend_change"]
    paid = spend > 0
    price = (gapped.panel.spend[:, :, 0].sum(axis=1) / gapped.panel.exposure[:, :, 0].sum(axis=1))[:, None]
    expected = np.where(paid, spend * (level / np.where(paid, exposure, 1.0) - 1.0), level * price).sum(axis=1)
    np.testing.assert_allclose(table.iloc[2:], expected[2:], rtol=1e-6)
    none = told(gapped, dcm.Change("channel_1", to=0.0), weeks=LAST).loc["region", "spend_change"]
    np.testing.assert_allclose(none, -spend.sum(axis=1))


@pytest.mark.parametrize("first", [{"to": 9e5}, {"to": 0.0}, {"factor": 3.0}])
def test_a_value_costs_what_it_costs_from_today_whatever_was_changed_before(gapped, first):
    """Set back to what it was, free exposure cost something, and paid exposure the mean price instead of its own."""
    for region in (0, 2):
        here = {"regions": [gapped.panel.regions[region]], "weeks": (label(gapped, 54), label(gapped, 54))}
        before = dcm.Change("channel_1", **first, **here)
        back = dcm.Change("channel_1", to=float(gapped.panel.exposure[region, 54, 0]), **here)
        paid = told(gapped, before, back, weeks=LAST).loc[("all", "all"), "spend_change"]
        assert paid == pytest.approx(0.0, abs=1e-9 * gapped.panel.spend.sum())


def test_a_control_costs_nothing(small_result):
    table = told(small_result, dcm.Change("control_1", 2.0), dcm.Change("control_2", to=1.0))
    assert (table["spend_change"] == 0).all()
    assert (table["change"] != 0).any()


def test_intervals_are_those_of_the_refits_and_the_estimate_is_the_fits_own(small_result):
    refits = as_ensemble(small_result, 5)
    change = dcm.Change("channel_1", 2.0)
    table = told(refits, change, level=0.5)
    np.testing.assert_allclose(table["change"], told(small_result, change)["change"], rtol=1e-5)
    each = [
        told(dcm.FitResult(dataclasses.replace(small_result.fitted, variables=own)), change)["change"]
        for own in _one_by_one(refits)
    ]
    low, high = np.quantile(each, [0.25, 0.75], axis=0)
    np.testing.assert_allclose(table["change_low"], low, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(table["change_high"], high, rtol=1e-4, atol=1e-3)
    assert (table["revenue_change_low"] <= table["revenue_change_high"]).all()


def _one_by_one(refits):
    import jax

    return [jax.tree.map(lambda a, k=k: np.asarray(a)[k], refits.replicates.variables) for k in range(5)]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            dcm.Change("control_1", to="baseline"),
            {},
            "control_1 has no baseline, since it is neither",
        ),
        (dcm.Change("channel_1", to=-1.0), {}, "finite exposure of 0 or more"),
        (dcm.Change("control_1", to=float("nan")), {}, "must give finite"),
        (dcm.Change("channel_1", 1.2, weeks=("2022-01-03", "2022-01-10")), {"weeks": LAST}, "must lie within the"),
        (dcm.Change("channel_1", 1.2, weeks=("2022-06-06", "2022-05-30")), {}, "must lie within the"),
        (dcm.Change("channel_1", 1.2, weeks=("2022-01-03", "soon")), {}, "which are not among those of the scenario"),
        (dcm.Change("chanel_1", 1.2), {}, "did you mean 'channel_1'"),
        (dcm.Change("channel_1", True), {}, "factor of the change of channel_1 must be a number"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(small_result, change, options, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.scenario(small_result, change, **options)
    assert isinstance(small_result.panel.weeks[0], pd.Timestamp)


def test_of_a_week_without_any_row_a_scenario_says_nothing(small_result):
    panel = small_result.panel
    present = panel.present.copy()
    present[:, 57] = False
    empty = {name: np.where(present[:, :, None], getattr(panel, name), 0.0) for name in ("exposure", "spend")}
    panel = dataclasses.replace(panel, present=present, weights=np.where(present, panel.weights, 0.0), **empty)
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    table = told(as_ensemble(result), dcm.Change("channel_1", 1.5), weeks=LAST)
    row = table.loc[("time", label(result, 57))]
    assert row.pop("spend_change") == 0.0
    assert row.isna().all()
    others = table.drop(("time", label(result, 57)))
    assert others.drop(columns="change_pct").notna().all(axis=None)
    np.testing.assert_allclose(table.loc["time", "change"].sum(), table.loc[("all", "all"), "change"])
