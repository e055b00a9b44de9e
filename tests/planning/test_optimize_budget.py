import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.optimizer.utility import utility_of
from deepcausalmmm_jax.planning.tables import without_rounding


@pytest.fixture(scope="module")
def plan(small_result):
    return dcm.optimize_budget(small_result, relative_bounds=(0.5, 1.5))


def _future(panel, weeks=6, controls=True, spend=True):
    df = panel.select(weeks=slice(-weeks, None)).to_dataframe()
    df["time"] += pd.Timedelta(days=7 * weeks)
    channels = list(panel.channels)
    return dcm.Panel.from_dataframe(
        df, region="region", time="time", kpi=None, media=channels,
        spend={name: f"{name}_spend" for name in channels} if spend else None,
        controls=list(panel.controls) if controls else [], revenue_per_kpi="revenue_per_kpi",
    )  # fmt: skip


def test_history_of_the_plan_is_the_roi_table(small_result, plan):
    table = small_result.media_summary()
    np.testing.assert_allclose(plan.channels["incremental_outcome_today"], table["incremental_outcome"], rtol=2e-5)
    np.testing.assert_allclose(plan.channels["roi_today"], table["roi"], rtol=2e-5)
    np.testing.assert_allclose(plan.channels["spend_today"], table["spend"], rtol=1e-12)


def test_a_plan_of_todays_total_changes_spend_by_nothing(plan):
    """The same spend added up in another order was shown as a change of 0.000000003725."""
    assert plan.summary.loc["spend", "change"] == 0.0


@pytest.mark.parametrize(
    ("today", "plan", "shown"),
    [(3e6, 3e6 + 4e-9, 3e6), (3e6, 3e6 - 4e-9, 3e6), (3e6, 3e6 + 0.1, 3e6 + 0.1), (0.0, 1e-3, 1e-3), (0.0, 0.0, 0.0)],
)
def test_a_total_is_another_only_beyond_rounding(today, plan, shown):
    assert without_rounding(today, plan) == shown


def test_the_plan_keeps_total_and_bounds_and_brings_more_than_today(plan):
    today, spend = plan.table["spend_today"], plan.table["spend_plan"]
    np.testing.assert_allclose(spend.sum(), today.sum(), rtol=1e-6)
    assert (spend >= 0.5 * today * (1 - 1e-6)).all()
    assert (spend <= 1.5 * today * (1 + 1e-6)).all()
    assert plan.summary.loc["incremental_outcome", "change"] > 0
    assert plan.starts_at_best >= 1


@pytest.mark.slow
def test_no_finer_grid_finds_a_better_plan_than_a_hundredth_of_a_percent(small_result):
    plan = dcm.optimize_budget(small_result, weeks=8, relative_bounds=(0.3, 2.0))
    found = _outcome(small_result, 8)
    today, total = plan.table["spend_today"].to_numpy(), plan.total
    first, second = (np.linspace(0.3 * spend, 2.0 * spend, 41) for spend in today[:2])
    grid = np.array([(a, b, total - a - b) for a in first for b in second])
    grid = grid[(grid[:, 2] >= 0.3 * today[2]) & (grid[:, 2] <= 2.0 * today[2])]
    best = found(grid).max()
    own = found(plan.table["spend_plan"].to_numpy()[None])[0]
    assert own >= best * (1 - 1e-4)


def _outcome(result, weeks):
    from deepcausalmmm_jax.attribution.horizon import past_weeks
    from deepcausalmmm_jax.planning.cells import cells_of
    from deepcausalmmm_jax.planning.outcome import REVENUE, Outcome

    horizon = past_weeks(result.fitted_panel, weeks)
    outcome = Outcome(result.fitted_panel, None, horizon, cells_of(horizon, "channel", result.fitted.scales.exposure))
    return lambda plans: outcome.values(plans)[:, 0, REVENUE].sum(axis=-1)


@pytest.mark.parametrize("by", [pytest.param("channel_week", marks=pytest.mark.slow), "channel_region_week"])
def test_finer_splits_bring_at_least_as_much_within_the_same_total(small_result, by):
    coarse = dcm.optimize_budget(small_result, weeks=8, relative_bounds=(0.5, 1.5))
    fine = dcm.optimize_budget(small_result, weeks=8, by=by, relative_bounds=(0.5, 1.5), starts=2)
    np.testing.assert_allclose(fine.total, coarse.total, rtol=1e-6)
    assert fine.summary.loc["revenue", "plan"] >= coarse.summary.loc["revenue", "plan"] * (1 - 1e-4)
    by_channel = fine.table.groupby("channel")[["spend_today", "spend_plan"]].sum()
    assert (by_channel["spend_plan"] <= 1.5 * by_channel["spend_today"] * (1 + 1e-6)).all()
    assert (by_channel["spend_plan"] >= 0.5 * by_channel["spend_today"] * (1 - 1e-6)).all()


def test_limits_of_every_kind_hold(small_result):
    plan = dcm.optimize_budget(
        small_result, weeks=6, by="channel_region", fixed=["channel_1"], starts=2,
        groups={("channel_1", "channel_3"): (None, 70_000)}, region_bounds={"region_2": (30_000, 31_000)},
        bounds={("channel_3", "region_1"): (5_000, 9_000)},
    )  # fmt: skip
    table = plan.table.set_index(["channel", "region"])
    np.testing.assert_allclose(table.loc["channel_1", "change"], 0.0, atol=1e-6)
    assert table.loc[["channel_1", "channel_3"], "spend_plan"].sum() <= 70_000 * (1 + 1e-6)
    assert 30_000 * (1 - 1e-6) <= table.xs("region_2", level="region")["spend_plan"].sum() <= 31_000 * (1 + 1e-6)
    assert 5_000 <= table.loc[("channel_3", "region_1"), "spend_plan"] <= 9_000
    assert {"channel_1 + channel_3", "the total"} <= set(plan.binding["limit"])


def test_shadow_price_of_the_total_is_what_one_more_unit_brings(small_result):
    options = {"weeks": 8, "relative_bounds": (0.2, 3.0)}
    plan = dcm.optimize_budget(small_result, 150_000, **options)
    more = dcm.optimize_budget(small_result, 153_000, **options)
    gained = more.summary.loc["revenue", "plan"] - plan.summary.loc["revenue", "plan"]
    assert 0.9 < gained / (3_000 * plan.shadow_price) < 1.05


def test_targets_find_their_totals(small_result):
    options = {"weeks": 8, "relative_bounds": (0.0, 3.0), "starts": 2}
    base = dcm.optimize_budget(small_result, **options)
    roi = 0.9 * base.summary.loc["roi", "plan"]
    by_roi = dcm.optimize_budget(small_result, target_roi=roi, **options)
    np.testing.assert_allclose(by_roi.summary.loc["roi", "plan"], roi, rtol=2e-3)
    assert by_roi.total > base.total
    by_mroi = dcm.optimize_budget(small_result, target_mroi=base.shadow_price * 1.2, **options)
    assert by_mroi.shadow_price >= base.shadow_price * 1.2 * (1 - 1e-3)
    assert by_mroi.total < base.total
    wanted = 0.8 * base.summary.loc["incremental_outcome", "plan"]
    by_kpi = dcm.optimize_budget(small_result, target_kpi=wanted, **options)
    np.testing.assert_allclose(by_kpi.summary.loc["incremental_outcome", "plan"], wanted, rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["target_roi", "target_mroi", "target_kpi"])
def test_with_draws_a_target_is_met_by_the_figures_that_tables_show(national_ensemble, target):
    options = {"weeks": 8, "relative_bounds": (0.1, 4.0), "starts": 1}
    base = dcm.optimize_budget(national_ensemble, 1.5 * national_ensemble.panel.spend[:, -8:].sum(), **options)
    figure = {"target_roi": "roi", "target_kpi": "incremental_outcome"}.get(target)
    wanted = base.last_unit if figure is None else base.summary.loc[figure, "plan"]
    found = dcm.optimize_budget(national_ensemble, **{target: wanted}, **options)
    shown = found.last_unit if figure is None else found.summary.loc[figure, "plan"]
    assert shown == pytest.approx(wanted, rel=5e-3)
    assert found.total == pytest.approx(base.total, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "differential_evolution", "hybrid", "projected"])
def test_every_solver_finds_the_same_plan(small_result, plan, method):
    other = dcm.optimize_budget(small_result, relative_bounds=(0.5, 1.5), method=method, starts=2, max_steps=100)
    assert other.method == method
    np.testing.assert_allclose(other.summary.loc["revenue", "plan"], plan.summary.loc["revenue", "plan"], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["quantile", "cvar", "mean_variance"])
def test_objectives_over_refits_are_best_at_their_own_figure(small_ensemble, objective):
    options = {"weeks": 8, "relative_bounds": (0.3, 2.0), "starts": 3}
    own = dcm.optimize_budget(small_ensemble, objective=objective, risk=0.3, **options)
    mean = dcm.optimize_budget(small_ensemble, **options)
    utility = utility_of(objective, 4, float(mean.draws["today"].mean()), 0.3)
    assert utility(own.draws["plan"].to_numpy()) >= utility(mean.draws["plan"].to_numpy()) * (1 - 1e-4)
    assert 0 <= own.chance_better <= 1
    assert {"plan_low", "change_high"} <= set(own.summary)


@pytest.mark.slow
def test_weeks_with_a_minimum_are_off_or_at_least_there(small_result):
    least = 4_000.0
    plan = dcm.optimize_budget(
        small_result, 60_000, weeks=8, by="channel_week", minimum={"channel_2": least}, starts=2, max_steps=60
    )
    spend = plan.table[plan.table["channel"] == "channel_2"]["spend_plan"]
    assert ((spend < 1e-6) | (spend >= least * (1 - 1e-6))).all()
    np.testing.assert_allclose(plan.total, 60_000, rtol=1e-6)


def test_future_weeks_are_planned_at_their_own_prices(small_result, small_panel):
    future = _future(small_panel)
    plan = dcm.optimize_budget(small_result, weeks=future, relative_bounds=(0.5, 1.5))
    np.testing.assert_allclose(plan.channels["spend_today"], future.spend.sum(axis=(0, 1)), rtol=1e-9)
    assert plan.summary.loc["revenue", "change"] > 0
    priced = dcm.optimize_budget(
        small_result, weeks=_future(small_panel, spend=False), cost=dict.fromkeys(small_panel.channels, 0.01)
    )
    np.testing.assert_allclose(priced.channels["spend_today"], 0.01 * future.exposure.sum(axis=(0, 1)), rtol=1e-9)


def _on_panel(result, **changes):
    """The fit on a panel with another spend; the model does not read it."""
    panel = dataclasses.replace(result.panel, **changes)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


def test_without_spend_the_plan_is_in_exposure_units_and_says_so(small_result):
    result = _on_panel(small_result, spend=None, revenue_per_kpi=None)
    plan = dcm.optimize_budget(result, weeks=8, relative_bounds=(0.5, 1.5), starts=2)
    assert "exposure units" in plan.units.spend
    assert any("No spend is known" in note for note in plan.notes)
    np.testing.assert_allclose(plan.table["spend_today"], plan.table["exposure_today"])
    curves = dcm.response_curves(result, multipliers=[1])
    assert "exposure units" in curves.units.spend
    assert "KPI units" in curves.units.roi


def test_a_channel_without_spend_stays_as_it_was(small_panel, small_result):
    spend = small_panel.spend.copy()
    spend[:, :, 1] = np.nan
    plan = dcm.optimize_budget(_on_panel(small_result, spend=spend), weeks=8, starts=2)
    assert list(plan.channels.index) == ["channel_1", "channel_3"]
    assert any("Not budgeted (no spend data), left as they were: channel_2" in note for note in plan.notes)


@pytest.mark.slow
def test_the_papers_model_can_be_planned_with_too(published_result):
    plan = dcm.optimize_budget(published_result, weeks=8, relative_bounds=(0.5, 1.5), starts=1, max_steps=3)
    assert plan.summary.loc["revenue", "change"] >= 0
    np.testing.assert_allclose(plan.total, plan.table["spend_today"].sum(), rtol=1e-6)


def test_a_saved_plan_reads_back_and_plans_compare(plan, small_result, tmp_path):
    again = dcm.BudgetPlan.load(plan.save(tmp_path / "plan"))
    for name in ("table", "channels", "summary", "binding", "starts"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(plan, name), check_dtype=False)
    assert again.units == plan.units
    more = dcm.optimize_budget(small_result, 1.2 * plan.total, relative_bounds=(0.5, 1.5), starts=2)
    table = dcm.compare({"same": again, "more": more})
    assert table.loc["more", "incremental_outcome"] > table.loc["same", "incremental_outcome"]
    assert table.loc["same", "spend: channel_1"] == again.channels.loc["channel_1", "spend_plan"]
    assert (table["period"] == plan.period).all()
    other = dataclasses.replace(more, period="8 weeks, 2022-01-03 to 2022-02-27")
    with pytest.warns(dcm.DataWarning, match=r"only their returns compare, no amounts \(same: .*; more: 8 weeks, 2022"):
        dcm.compare({"same": again, "more": other})
    assert {trace.name for trace in plan.plot().data} == {"today", "plan"}
    with pytest.raises(dcm.OutputError, match="no saved plan"):
        dcm.BudgetPlan.load(tmp_path)


BAD = {
    "below the minima": ({"total": 10.0, "relative_bounds": (0.5, 1.5)}, "below the least that the limits allow"),
    "above the maxima": ({"total": 1e12, "relative_bounds": (0.5, 1.5)}, "above the most that the limits allow"),
    "negative total": ({"total": -5.0}, "above 0"),
    "zero total": ({"total": 0.0}, "above 0"),
    "crossed bounds": ({"bounds": {"channel_1": (5, 3)}}, "bounds of channel_1 contradict each other: at least 5 and at most 3"),
    "negative bound": ({"bounds": {"channel_1": (-5, 3)}}, "0 or more"),
    "unknown channel": ({"bounds": {"tv": (1, 3)}}, "^bounds names the channel 'tv'; the model has channel_1"),
    "unknown fixed": ({"fixed": ["tv"]}, "fixed names the channel 'tv'"),
    "unknown minimum": ({"minimum": {"tv": 3.0}}, "minimum names the channel 'tv'"),
    "unknown region": ({"by": "channel_region", "region_bounds": {"mars": (1, 3)}}, "region 'mars'"),
    "region without split": ({"region_bounds": {"region_1": (1, 3)}}, "not split by region"),
    "two targets": ({"total": 1.0, "target_roi": 1.0}, "Give one of"),
    "roi out of reach": ({"target_roi": 1e6, "relative_bounds": (0.5, 1.5)}, "the best is"),
    "kpi out of reach": ({"target_kpi": 1e12, "relative_bounds": (0.5, 1.5)}, "the most is"),
    "unknown method": ({"method": "newton"}, "one of auto, SLSQP"),
    "unknown split": ({"by": "town"}, "one of channel"),
    "objective without refits": ({"objective": "cvar"}, "bootstrap it first"),
    "weeks in words": ({"weeks": "soon"}, "weeks must be None, a number of weeks"),
    "no start": ({"starts": 0}, "starts must be a whole number, 1 or more, got 0"),
    "no step": ({"max_steps": 0}, "max_steps must be"),
    "bounds in words": ({"bounds": {"channel_1": ("low", 3)}}, "numbers or None"),
    "half a bound": ({"bounds": {"channel_1": 3}}, "a pair"),
    "zero minimum": ({"by": "channel_week", "minimum": {"channel_1": 0}}, "minimum of channel_1 must be above 0"),
    "unknown in a group": ({"groups": {("tv", "channel_1"): (1, 3)}}, "groups names the channel 'tv'"),
    "unknown in relative bounds": ({"relative_bounds": {"tv": (1, 3)}}, "relative_bounds names the channel 'tv'"),
    "mroi out of reach": ({"target_mroi": 1e6, "relative_bounds": (0.5, 1.5)}, "the target marginal ROI of 1,000,000; the best is"),
    "how much too small": ({"total": 10.0, "relative_bounds": (1.0, 1.5)}, "The total, 10, is [0-9,.]+ below the least that the limits allow, [0-9,.]+; raise the total"),
    "weeks beyond": ({"weeks": 600}, "does not lie within them"),
    "groups that clash": (
        {"by": "channel_region", "bounds": {"channel_1": (5e5, None)}, "groups": {("channel_1", "channel_2"): (0, 1e5)}},
        "No plan meets all limits: the closest one misses channel_1 (\\+ channel_2 )?by",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_sentence(small_result, name):
    options, message = BAD[name]
    with pytest.raises(dcm.ConfigError, match=message) as caught:
        dcm.optimize_budget(small_result, **({"weeks": 8, "starts": 2} | options))
    assert "\n" not in str(caught.value)


def test_future_weeks_without_controls_or_costs_are_refused(small_result, small_panel):
    with pytest.raises(dcm.DataError, match="lacks the control"):
        dcm.optimize_budget(small_result, weeks=_future(small_panel, controls=False))
    with pytest.raises(dcm.DataError, match="have no cost for 'channel_1'"):
        dcm.optimize_budget(small_result, weeks=_future(small_panel, spend=False))
    with pytest.raises(dcm.DataError, match="cost names the channel 'tv'"):
        dcm.optimize_budget(small_result, weeks=_future(small_panel), cost={"tv": 1.0})
