"""A plan says whether its gain is more than chance."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.plan_notes import doubts_of_result
from deepcausalmmm_jax.plots.report.plan_findings import plan_findings
from tests.plots.conftest import plan_of


def plan_with(low, high, figure="incremental_outcome", spend_change=0.0):
    """A plan whose summary has a gain with this interval."""
    rows = {"spend": [100.0, 100.0 + spend_change, spend_change, spend_change, spend_change]}
    rows[figure] = [30.0, 30.0 + (low + high) / 2, (low + high) / 2, low, high]
    columns = ["today", "plan", "change", "change_low", "change_high"]
    summary = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    made = plan_of(("tv", "radio"))
    return dcm.BudgetPlan(**{**vars(made), "summary": summary, "notes": ()})


@pytest.mark.parametrize(
    ("low", "high", "advised", "words"),
    [
        (1.0, 5.0, True, None),
        (-39.0, 76.0, False, "contains zero"),
        (0.0, 5.0, False, "contains zero"),
        (-5.0, -1.0, False, "lies below zero"),
    ],
)
def test_a_plan_is_advised_where_its_whole_gain_is_above_zero(low, high, advised, words):
    plan = plan_with(low, high)
    assert plan.gain_interval == (low, high)
    assert plan.advised is advised
    notes = plan.with_advice().notes
    assert notes == () if words is None else words in notes[0]


def test_what_a_larger_budget_costs_counts_against_its_revenue():
    assert plan_with(20.0, 30.0, "revenue", spend_change=10.0).gain_interval == (10.0, 20.0)
    assert not plan_with(5.0, 30.0, "revenue", spend_change=10.0).advised


def test_exposure_that_is_added_is_not_taken_from_revenue():
    """Without spend a plan is in exposure units: ten more impressions once cost ten euros of its revenue."""
    plan = plan_with(20.0, 30.0, "revenue", spend_change=1e6)
    unpriced = dcm.BudgetPlan(**{**vars(plan), "units": plan.units._replace(in_currency=False)})
    assert unpriced.gain_interval == (20.0, 30.0)
    assert unpriced.advised


@pytest.mark.parametrize("figure", ["revenue", "profit", "incremental_outcome"])
@pytest.mark.parametrize("rounding", [1.4e-12, -1.4e-12])
def test_a_plan_that_changes_nothing_neither_gains_nor_loses(figure, rounding):
    """Its spend is the same but for the rounding of a sum, which was once told as a loss, or advised as a gain."""
    gain = 0.0 if figure == "revenue" else -rounding
    plan = plan_with(gain, gain, figure, spend_change=rounding)
    assert plan.gain_interval == (0.0, 0.0)
    assert not plan.advised
    assert "contains zero" in plan.doubt
    same = plan.channels.assign(spend_plan=plan.channels["spend_today"] + rounding)
    told = plan_findings(dcm.BudgetPlan(**{**vars(plan), "channels": same}), "sales")
    assert told[0].endswith("leaves the budget unchanged.")


def test_without_draws_nobody_knows():
    plan = plan_of(("tv", "radio"))
    assert plan.gain_interval is None
    assert not plan.advised
    assert "no interval" in plan.with_advice().notes[-1]


@pytest.mark.parametrize(
    ("price", "low", "high", "margin", "said"),
    [
        (
            0.6,
            0.4,
            0.8,
            None,
            "Reduce the total: its last unit of spend returns 0.6 (90% range: 0.4 to 0.8), less than",
        ),
        (0.9, 0.4, 1.6, None, "The total may be too large: its last unit of spend is estimated to return 0.9, less"),
        (
            0.6,
            float("nan"),
            float("nan"),
            None,
            "The total may be too large: its last unit of spend is estimated to return 0.6, less than it costs; without",
        ),
        (2.0, 1.5, 2.5, 0.3, "Reduce the total: its last unit of spend returns 2 of revenue, at a margin of 30%"),
        (1.2, 0.4, 1.6, None, ""),
        (4.0, 3.5, 5.0, 0.3, ""),
    ],
)
def test_a_last_unit_that_earns_less_than_it_costs_is_told(price, low, high, margin, said):
    ends = {"shadow_price": price, "shadow_price_low": low, "shadow_price_high": high, "margin": margin}
    plan = dcm.BudgetPlan(**{**vars(plan_with(1.0, 5.0, "revenue")), **ends})
    assert plan.on_the_total.startswith(said)
    assert bool(plan.on_the_total) == bool(said)
    assert plan.with_advice().notes == ((plan.on_the_total,) if said else ())


def test_the_last_unit_that_is_told_is_that_of_the_estimate_which_tables_show():
    ends = {"shadow_price": 0.8, "shadow_price_low": 0.4, "shadow_price_high": 0.9, "last_unit": 0.7}
    plan = dcm.BudgetPlan(**{**vars(plan_with(1.0, 5.0, "revenue")), **ends})
    assert plan.on_the_total.startswith("Reduce the total: its last unit of spend returns 0.7 (90% range: 0.4 to 0.9)")
    earns = dcm.BudgetPlan(**{**vars(plan), "last_unit": 1.1})
    assert earns.on_the_total == ""


@pytest.mark.parametrize(
    ("objective", "drawn", "maximised", "of"),
    [
        ("mean", False, "unknown", "the outcome"),
        ("mean", False, "revenue", "the revenue"),
        ("mean", True, "revenue", "the mean revenue over the draws"),
        ("cvar", True, "kpi", "the cvar of the incremental outcome"),
    ],
)
def test_shadow_prices_say_what_they_are_of(objective, drawn, maximised, of):
    draws = pd.DataFrame({"today": [1.0, 2.0] * drawn, "plan": [2.0, 3.0] * drawn})
    held = dcm.BudgetPlan(
        **{**vars(plan_with(1.0, 5.0)), "objective": objective, "draws": draws, "maximised": maximised}
    )
    assert held.on_the_limits == f"Active limits, and what raising each by one unit adds to {of}"


@pytest.mark.slow
def test_the_last_unit_is_told_in_money_whatever_is_maximised(small_result):
    """A KPI unit is worth some currency: a return in KPI units says nothing of what a unit of spend costs."""
    options = {"weeks": (44, 52), "starts": 1}
    by_revenue, by_kpi = (dcm.optimize_budget(small_result, maximize=what, **options) for what in ("revenue", "kpi"))
    worth = by_revenue.shadow_price / by_kpi.shadow_price
    assert worth > 2.0
    assert (by_revenue.maximised, by_kpi.maximised) == ("revenue", "kpi")
    assert by_kpi.last_unit == pytest.approx(by_revenue.last_unit, rel=0.02)
    assert by_kpi.on_the_total == by_revenue.on_the_total


@pytest.mark.slow
def test_a_plan_up_to_where_the_last_unit_pays_for_itself_is_not_told_to_be_smaller(small_result):
    free = {"weeks": (44, 52), "starts": 1, "relative_bounds": (0.0, 50.0)}
    plan = dcm.optimize_budget(small_result, target_mroi=1.0, **free)
    assert plan.shadow_price == pytest.approx(1.0, rel=2e-3)
    assert plan.last_unit == pytest.approx(1.0, rel=2e-3)
    assert plan.on_the_total == ""


def test_without_money_nothing_is_said_of_the_total():
    assert dcm.BudgetPlan(**{**vars(plan_with(1.0, 5.0)), "shadow_price": 0.1}).on_the_total == ""


def test_a_saved_plan_keeps_its_weeks_and_what_the_last_unit_earns(small_ensemble, tmp_path):
    plan = dcm.optimize_budget(small_ensemble, weeks=(44, 52), margin=0.5, starts=1, max_steps=5)
    again = dcm.BudgetPlan.load(plan.save(tmp_path / "plan"))
    for name in (
        "weeks",
        "next_weeks",
        "margin",
        "shadow_price_low",
        "shadow_price_high",
        "last_unit",
        "maximised",
        "from_refits",
    ):
        assert getattr(again, name) == getattr(plan, name)
    assert plan.shadow_price_low < plan.shadow_price < plan.shadow_price_high
    assert again.on_the_total == plan.on_the_total
    assert plan.from_refits


def test_refits_do_not_show_how_certain_a_smaller_total_is():
    ends = {"shadow_price": 0.6, "shadow_price_low": 0.4, "shadow_price_high": 0.8, "from_refits": True}
    told = dcm.BudgetPlan(**{**vars(plan_with(1.0, 5.0, "revenue")), **ends}).on_the_total
    assert told.startswith("The total may be too large: its last unit of spend is estimated to return 0.6")
    assert told.endswith("refits do not show how certain that is.")


@pytest.mark.slow
def test_a_plan_from_refits_says_that_its_ranges_are_too_narrow_and_one_from_draws_does_not(
    small_result, small_ensemble, national_ensemble
):
    for result, told in ((small_ensemble, True), (national_ensemble, False), (small_result, False)):
        plan = dcm.optimize_budget(result, starts=1, max_steps=2)
        assert any("Ranges are those of refits" in note for note in plan.notes) == told


def test_the_marginal_roi_of_today_is_that_of_the_table(small_ensemble):
    plan, table = dcm.optimize_budget(small_ensemble, starts=1, max_steps=5), small_ensemble.media_summary()
    refits = small_ensemble.draws("mroi")  # of which a plan shows the ranges as they are, and says so
    for end, expected in (("", table["mroi"]), ("_low", refits.quantile(0.05)), ("_high", refits.quantile(0.95))):
        np.testing.assert_allclose(plan.channels[f"mroi_today{end}"], expected, rtol=2e-3)
    weighted = (table["mroi"] * table["spend"]).sum() / table["spend"].sum()
    assert plan.summary.loc["mroi", "today"] == pytest.approx(weighted, rel=5e-3)


def test_the_chance_of_a_larger_budget_counts_what_it_costs(small_ensemble):
    """More spend brings more in every draw; the plan is better only in those where that is more than it costs."""
    today = dcm.optimize_budget(small_ensemble, weeks=(44, 52), starts=1, max_steps=5).total
    plan = dcm.optimize_budget(small_ensemble, 1.2 * today, weeks=(44, 52), limit=None, starts=1, max_steps=5)
    more = plan.draws["plan"] - plan.draws["today"]
    assert plan.chance_better == (more > plan.total - today).mean()
    poor = dcm.optimize_budget(
        small_ensemble, 1.2 * today, weeks=(44, 52), limit=None, margin=1e-4, starts=1, max_steps=5
    )
    assert (poor.draws["plan"] > poor.draws["today"]).any()
    assert poor.summary.loc["profit", "change_high"] < 0
    assert poor.chance_better == 0


def test_a_margin_needs_spend_in_currency(small_result, small_panel):
    """Profit of a plan in exposure units was once revenue less impressions."""
    bare = dataclasses.replace(small_result.fitted, panel=dataclasses.replace(small_panel, spend=None))
    with pytest.raises(dcm.ConfigError, match="margin needs spend in currency"):
        dcm.optimize_budget(dcm.FitResult(bare), margin=0.5)


def test_a_plan_says_that_the_fit_failed(small_result):
    record = dataclasses.replace(small_result.fitted.record, status=dcm.FitStatus.WORSE_THAN_MEAN)
    failed = dcm.FitResult(dataclasses.replace(small_result.fitted, record=record))
    for result, told in ((failed, True), (small_result, False)):
        plan = dcm.optimize_budget(result, starts=1, max_steps=2)
        assert any("The fit failed" in note for note in plan.notes) == told


@pytest.mark.parametrize(("r_hat", "told"), [(2.0, True), (1.05, False)])
def test_a_plan_says_that_its_draws_are_not_to_be_trusted(small_ensemble, r_hat, told):
    made = small_ensemble.replicates
    chains = dataclasses.replace(made, method="hmc", r_hat=r_hat, coordinates=np.zeros((len(made.status), 1)))
    found = doubts_of_result(dcm.Ensemble(small_ensemble.fitted, chains))
    assert any("The sampler has not converged: treat the ranges as rough" in doubt for doubt in found) == told


def test_the_last_unit_does_not_go_to_channels_whose_sum_is_at_its_limit(small_result):
    both = small_result.panel.channels[1:]
    plan = dcm.optimize_budget(small_result, weeks=8, relative_bounds=(0.2, 3.0), groups={both: (None, 118_000.0)})
    assert plan.binding["limit"].iloc[0] == " + ".join(both)
    assert plan.channels["mroi_plan"].iloc[2] > 3.0  # this channel is between its own limits
    assert plan.last_unit == pytest.approx(plan.channels["mroi_plan"].iloc[0], rel=0.01)
    assert plan.last_unit == pytest.approx(plan.shadow_price, rel=0.01)
    assert plan.last_unit < 1.0
    assert "The total may be too large" in plan.on_the_total
