"""What plans, scenarios and the ROI table owe each other, whatever a team's spend column looks like."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.planning.cells import SPLITS, cells_of, exposure_of


def _with_spend(result, change):
    """The fit on a panel with another spend; the model does not read it."""
    panel = result.fitted.panel
    spend = panel.spend.copy()
    change(spend)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=dataclasses.replace(panel, spend=spend)))


def _silent(result, weeks):
    """Outcome of all channels, by scenario."""
    table = dcm.scenario(result, [dcm.Change(name, 0.0) for name in result.panel.channels], weeks=weeks)
    return -table.loc[table["by"] == "all", "change"].iloc[0]


def _whole(table, column):
    return table.loc[table["by"] == "all", column].iloc[0]


def _lumps(spend):
    spend[:, ::4] = spend.reshape(spend.shape[0], -1, 4, spend.shape[2]).sum(axis=2)
    for week in range(1, 4):
        spend[:, week::4] = 0.0


def _head_office(spend):
    spend[0], spend[1:] = spend.sum(axis=0), 0.0


def _free(*where):
    def change(spend):
        spend[where] = 0.0

    return change


SPENDS = {
    "as it was": lambda spend: None,
    "the last weeks free": _free(slice(None), slice(-8, None), 0),
    "every fourth week free": _free(slice(None), slice(None, None, 4), slice(0, 2)),
    "a region free": _free(1, slice(None), 2),
    "invoiced every four weeks": _lumps,
    "booked in one region": _head_office,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPENDS)
def test_an_unchanged_plan_is_what_ran_in_every_split(small_result, name):
    result = _with_spend(small_result, SPENDS[name])
    for weeks in (None, 8):
        ran = _silent(result, weeks)
        for by in SPLITS:
            plan = dcm.optimize_budget(result, by=by, weeks=weeks, relative_bounds=(1, 1), starts=1)
            outcome = plan.summary.loc["incremental_outcome"]
            np.testing.assert_allclose([outcome["today"], outcome["plan"]], ran, rtol=1e-9)


def test_fixed_channels_keep_what_ran(small_result):
    result = _with_spend(small_result, SPENDS["the last weeks free"])
    plan = dcm.optimize_budget(result, weeks=8, fixed=list(result.panel.channels))
    np.testing.assert_allclose(plan.summary.loc["incremental_outcome", "plan"], _silent(result, 8), rtol=1e-9)
    assert plan.table.loc[0, "spend_today"] == 0.0
    assert plan.table.loc[0, "exposure_plan"] == plan.table.loc[0, "exposure_today"] > 0
    assert any("channel_1" in note and "was free" in note for note in plan.notes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPENDS)
def test_a_fifth_more_costs_a_fifth_of_the_spend_and_todays_roi_is_the_tables(small_result, name):
    result = _with_spend(small_result, SPENDS[name])
    table = result.media_summary()
    for channel in result.panel.channels:
        more = dcm.scenario(result, dcm.Change(channel, 1.2))
        np.testing.assert_allclose(_whole(more, "spend_change"), 0.2 * table.loc[channel, "spend"], rtol=1e-9)
        by_week = more.loc[more["by"] == "time", "spend_change"]
        np.testing.assert_allclose(by_week.sum(), _whole(more, "spend_change"), rtol=1e-9)
    found = [dcm.optimize_budget(result, by=by, relative_bounds=(1, 1), starts=1).channels for by in SPLITS]
    for channels in found:
        np.testing.assert_allclose(channels["spend_today"], table["spend"], rtol=1e-9)
        np.testing.assert_allclose(channels["roi_today"], found[0]["roi_today"], rtol=1e-9)
        np.testing.assert_allclose(channels["roi_today"], table["roi"], rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 1.0), st.floats(0.0, 1.0), st.sampled_from(SPLITS), st.integers(1, 60))
@settings(deadline=None)
def test_todays_spend_buys_todays_exposure_whatever_was_free(small_result, seed, paid, lumped, by, weeks):
    rng = np.random.default_rng(seed)

    def change(spend):
        spend *= rng.random(spend.shape) < paid
        if rng.random() < lumped:
            _lumps(spend)

    result = _with_spend(small_result, change)
    if not result.panel.spend.any():
        return
    horizon = past_weeks(result.fitted_panel, weeks)
    cells = cells_of(horizon, by, result.fitted.scales.exposure)
    bought = cells.offset + cells.unit * np.append(cells.today, 0.0)[cells.cell]
    np.testing.assert_allclose(bought, horizon.exposure, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(exposure_of(cells, horizon, cells.today), horizon.exposure)
    whole = past_weeks(result.fitted_panel)
    np.testing.assert_allclose(whole.spend.sum(axis=(0, 1)), result.panel.spend.sum(axis=(0, 1)), rtol=1e-9)
    more = exposure_of(cells, horizon, cells.today + cells.typical) - horizon.exposure
    assert (more >= -1e-9 * horizon.exposure.max()).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from(SPLITS))
@settings(max_examples=40, deadline=None)
def test_the_same_plan_is_the_same_exposure_in_every_split(small_result, seed, by):
    rng = np.random.default_rng(seed)
    result = _with_spend(small_result, _free(rng.random((4, 60, 3)) < 0.1))
    horizon = past_weeks(result.fitted_panel, 12)
    coarse, fine = (cells_of(horizon, split, result.fitted.scales.exposure) for split in ("channel", by))
    ratio = rng.uniform(0.0, 3.0, len(coarse))
    plans = ratio * coarse.today, ratio[fine.channel] * fine.today
    exposures = [exposure_of(cells, horizon, x) for cells, x in zip((coarse, fine), plans, strict=True)]
    np.testing.assert_allclose(exposures[0], exposures[1], rtol=1e-12)
    np.testing.assert_allclose(plans[0].sum(), plans[1].sum(), rtol=1e-12)


def test_a_plan_in_other_money_is_the_same_plan(small_result):
    dear = _with_spend(small_result, lambda spend: np.multiply(spend, 100.0, out=spend))
    options = {"weeks": 8, "relative_bounds": (0.5, 1.5)}
    plans = [dcm.optimize_budget(result, **options) for result in (small_result, dear)]
    np.testing.assert_allclose(plans[1].table["spend_plan"], 100 * plans[0].table["spend_plan"], rtol=1e-3)
    outcomes = [plan.summary.loc["incremental_outcome"] for plan in plans]
    np.testing.assert_allclose(outcomes[1], outcomes[0], rtol=1e-5)


def test_a_value_costs_what_it_has_more_and_free_exposure_stays_free(small_result):
    result = _with_spend(small_result, SPENDS["the last weeks free"])
    exposure = result.panel.exposure[:, -8:, 0]
    none = dcm.scenario(result, dcm.Change("channel_1", to=0.0), weeks=8)
    assert _whole(none, "spend_change") == 0.0
    assert _whole(none, "change") < 0.0
    level = float(exposure.max()) * 2
    more = dcm.scenario(result, dcm.Change("channel_1", to=level), weeks=8)
    price = result.panel.spend[:, :-8, 0].sum(axis=1) / result.panel.exposure[:, :-8, 0].sum(axis=1)
    np.testing.assert_allclose(_whole(more, "spend_change"), ((level - exposure).sum(axis=1) * price).sum(), rtol=1e-9)


@pytest.mark.slow
def test_relative_bounds_hold_for_every_cell_and_bounds_by_channel_for_its_sum(small_result):
    options = {"weeks": 8, "by": "channel_region", "starts": 2}
    every = dcm.optimize_budget(small_result, relative_bounds=[0.5, 1.5], **options)
    ratio = every.table["spend_plan"] / every.table["spend_today"]
    assert ratio.between(0.5 - 1e-6, 1.5 + 1e-6).all()
    assert "The relative bounds hold for each channel x region." in every.notes
    named = dict.fromkeys(small_result.panel.channels, (0.9, 1.1))
    by_sum = dcm.optimize_budget(small_result, relative_bounds=named, **options)
    sums = by_sum.table.groupby("channel")[["spend_plan", "spend_today"]].sum()
    assert (sums["spend_plan"] / sums["spend_today"]).between(0.9 - 1e-6, 1.1 + 1e-6).all()
    assert not (by_sum.table["spend_plan"] / by_sum.table["spend_today"]).between(0.9 - 1e-6, 1.1 + 1e-6).all()
    by_cell = dcm.optimize_budget(small_result, relative_bounds=named, bounds_per="cell", **options)
    assert (by_cell.table["spend_plan"] / by_cell.table["spend_today"]).between(0.9 - 1e-6, 1.1 + 1e-6).all()
    capped = dcm.optimize_budget(
        small_result, weeks=8, by="channel_week", bounds={"channel_1": (None, 4_000)}, bounds_per="cell", starts=2
    )
    assert (capped.table.loc[capped.table["channel"] == "channel_1", "spend_plan"] <= 4_000 * (1 + 1e-6)).all()


def _paused(result, share):
    """A channel that ran at a share of its usual level in the last eight weeks."""
    panel = result.fitted.panel
    exposure, spend = panel.exposure.copy(), panel.spend.copy()
    exposure[:, -8:, 0] *= share
    spend[:, -8:, 0] *= share
    return dcm.FitResult(
        dataclasses.replace(result.fitted, panel=dataclasses.replace(panel, exposure=exposure, spend=spend))
    )


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.03])
@pytest.mark.parametrize("multiple", [0.1, 1.5, 5.0])
def test_no_grid_beats_the_plan_where_a_channel_was_paused(small_result, share, multiple):
    from tests.planning.test_optimize_budget import _outcome

    result = _paused(small_result, share)
    found = _outcome(result, 8)
    plan = dcm.optimize_budget(result, multiple * _today(result), weeks=8, limit=None)
    steps = np.linspace(0.0, plan.total, 61)
    grid = np.array([(a, b, plan.total - a - b) for a in steps for b in steps if a + b <= plan.total])
    none = found(np.zeros((1, 3)))[0]
    own = found(plan.table["spend_plan"].to_numpy()[None])[0] - none
    assert own >= (found(grid).max() - none) * (1 - 1e-3)
    on_curves = plan.starts["start"].str.startswith("on the curves, from ")
    assert on_curves.any()
    assert plan.starts.loc[~on_curves, "start"].iloc[0] == "today"  # solved by the model as it is
    assert len(set(plan.starts["start"])) == len(plan.starts)


def _today(result):
    return float(result.panel.spend[:, -8:].sum())


def test_a_channel_with_a_past_price_is_planned_when_it_is_off(small_result, small_panel):
    df = small_panel.select(weeks=slice(-6, None)).to_dataframe()
    df["time"] += np.timedelta64(42, "D")
    df[["channel_1", "channel_1_spend"]] = 0.0
    channels = list(small_panel.channels)
    future = dcm.Panel.from_dataframe(
        df, region="region", time="time", kpi=None, media=channels,
        spend={name: f"{name}_spend" for name in channels}, controls=list(small_panel.controls),
        revenue_per_kpi="revenue_per_kpi",
    )  # fmt: skip
    plan = dcm.optimize_budget(
        small_result, 10 * float(df[["channel_2_spend", "channel_3_spend"]].sum().sum()), weeks=future, limit=None
    )  # so much that the others are saturated
    assert plan.table["channel"].tolist() == channels
    assert plan.table.loc[0, "spend_plan"] > 0
    price = small_panel.spend[:, :, 0].sum() / small_panel.exposure[:, :, 0].sum()
    np.testing.assert_allclose(plan.table.loc[0, "spend_plan"] / plan.table.loc[0, "exposure_plan"], price, rtol=0.3)


def test_targets_lie_anywhere_or_the_range_is_told(small_result):
    options = {"weeks": 8, "starts": 2}
    today = dcm.optimize_budget(small_result, relative_bounds=(1, 1), **options)
    little = 0.003 * today.summary.loc["incremental_outcome", "today"]
    few = dcm.optimize_budget(small_result, target_kpi=little, **options)
    np.testing.assert_allclose(few.summary.loc["incremental_outcome", "plan"], little, rtol=2e-3)
    assert few.total < 0.02 * today.total
    thin = 0.02 * today.summary.loc["roi", "today"]
    many = dcm.optimize_budget(small_result, target_roi=thin, **options)
    np.testing.assert_allclose(many.summary.loc["roi", "plan"], thin, rtol=2e-3)
    assert many.total > 10 * today.total
    with pytest.raises(dcm.ConfigError, match=r"the best is [0-9.,]+, at a total of [0-9.,]+ \(totals from"):
        dcm.optimize_budget(small_result, target_roi=1e4, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 35}, r"margin is a share of revenue, above 0 and at most 1, got 35; 35% is margin=0.35"),
        ({"bounds_per": "town"}, "bounds_per must be key or cell"),
        ({"weeks": [52, 100]}, "does not lie within them"),
        ({"fixed": "tv"}, "fixed names the channel 'tv'"),
        ({"fixed": 5}, "fixed must be a list of channels, got 5"),
        ({"bounds": (0, 10)}, "bounds must be a mapping, such as {'tv': ...}, got \\(0, 10\\)"),
        ({"region_bounds": 5}, "region_bounds must be a mapping"),
        ({"relative_bounds": []}, "relative_bounds must be a pair"),
        ({"bounds": {("channel_1", "region_1", "x"): (0, 1)}}, "must be a channel, or a channel and a region"),
        (
            {"fixed": ["channel_1"], "bounds": {"channel_1": (0, 10)}},
            "The limits of channel_1 contradict each other: at least .* and at most 10, which is",
        ),
        (
            {"target_roi": 1.0, "bounds": dict.fromkeys(["channel_1", "channel_2", "channel_3"], (0, 0))},
            "The limits allow no spend at all",
        ),
    ],
)
def test_questions_that_are_off_are_asked_about(small_result, options, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.optimize_budget(small_result, **options)


def test_a_cost_beside_a_price_is_refused(small_result):
    with pytest.raises(dcm.DataError, match="cost names 'channel_1', whose spend in the panel gives its price"):
        dcm.optimize_budget(small_result, cost={"channel_1": 2.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dcm.Change("channel_1", 1.2, regions=[]), "names no region; leave regions out"),
        (dcm.Change("channel_1", 2.0, to=5.0), "has both a factor and a value"),
        (dcm.Change("channel_1", to="5"), "to of the change of channel_1 must be a number, got '5'"),
        (dcm.Change("channel_1", None), "factor of the change of channel_1 must be a number"),
        (dcm.Change("channel_1", 1.2, regions=7), "names the region 7, which the model does not have"),
        ("channel_1", "A scenario is made of Change"),
        (None, "A scenario is made of Change"),
    ],
)
def test_changes_that_mean_nothing_are_refused(small_result, change, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.scenario(small_result, change)


def test_with_planned_weeks_plan_scenario_and_table_speak_of_the_same_weeks(small_result):
    panel = small_result.fitted.panel
    weights = panel.weights.copy()
    weights[:, -6:] = 0.0
    result = dcm.FitResult(
        dataclasses.replace(
            small_result.fitted,
            panel=dataclasses.replace(panel, weights=weights),
            weights=np.where(np.arange(60) < 54, small_result.fitted.weights, 0.0),
        )
    )
    result = _with_spend(result, _lumps)
    plan, table = dcm.optimize_budget(result, relative_bounds=(1, 1), starts=1), result.media_summary()
    np.testing.assert_allclose(plan.summary.loc["incremental_outcome", "today"], _silent(result, None), rtol=1e-9)
    np.testing.assert_allclose(plan.channels["spend_today"], table["spend"], rtol=1e-9)
    np.testing.assert_allclose(plan.channels["roi_today"], table["roi"], rtol=1e-6)
    more = dcm.scenario(result, dcm.Change("channel_1", 1.2))
    np.testing.assert_allclose(_whole(more, "spend_change"), 0.2 * table.loc["channel_1", "spend"], rtol=1e-9)
    assert (result.media_summary(planned=True)["exposure"] > table["exposure"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("target", [0.1, 1.0, 10.0])
def test_a_very_small_target_is_a_very_small_total(small_result, target):
    plan = dcm.optimize_budget(small_result, target_kpi=target, weeks=8, starts=2)
    outcome = plan.summary.loc["incremental_outcome"]
    # An outcome is the difference of two sums in single precision, each of them off by up to half a unit.
    rounding = np.finfo(np.float32).eps * outcome["today"]
    np.testing.assert_allclose(outcome["plan"], target, rtol=1e-3, atol=rounding)
