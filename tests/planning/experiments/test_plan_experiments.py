"""`plan_experiments` on a small fit: the table, its laws, its door to a lift test, and bad input."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.planning.experiments import responses
from deepcausalmmm_jax.planning.experiments.responses import cool_downs, treatments

pytestmark = pytest.mark.slow

CHANNELS = ("channel_1", "channel_2", "channel_3")
QUICK = {"weeks": 4, "changes": (-1.0, 0.5), "level": 0.5}  # four refits allow no wider interval


@pytest.fixture(scope="module")
def plan(small_ensemble):
    """Tests of three channels in four regions."""
    return dcm.plan_experiments(small_ensemble, **QUICK)


def test_a_row_for_each_channel_change_and_set_of_regions_the_best_first(plan):
    table = plan.table
    assert list(table.index) == list(range(len(table)))
    assert table["net_value"].is_monotonic_decreasing
    assert set(table["channel"]) == {"channel_1", "channel_2", "channel_3"}
    assert set(table["kind"]) == {"go_dark", "heavy_up"}
    assert set(table["n_regions"]) == {1, 2}
    assert not table.duplicated(["channel", "spend_change", "weeks", "regions"]).any()


def test_intervals_hold_their_means_and_shares_are_shares(plan):
    table = plan.table
    for name in ("lift", "cost", "roi"):
        assert (table[f"{name}_low"] <= table[f"{name}_high"]).all()
    assert table["power"].between(0, 1).all()
    assert table["narrowing_pct"].between(0, 100).all()
    assert (table["value_of_information"] >= 0).all()
    assert (table["value_of_information"] <= plan.perfect_information * (1 + 1e-6)).all()
    assert (table["standard_error"] > 0).all()


def test_net_value_counts_costs_and_no_earnings(plan):
    table = plan.table
    expected = table["value_of_information"] - table["cost"].clip(lower=0)
    np.testing.assert_allclose(table["net_value"], expected)


def test_a_lift_is_what_scenario_says(small_ensemble, plan):
    """The effect of a channel off the air in some regions, carry-over included, from another way through the model."""
    row = plan.table[plan.table["kind"] == "go_dark"].iloc[0]
    panel = small_ensemble.panel
    found, horizon = treatments(
        small_ensemble.fitted_panel, small_ensemble.replicates.variables, np.arange(3), (-1.0,), 4, np.ones(3), {}
    )
    rows = [list(panel.regions).index(region) for region in row["regions"]]
    at = panel.channels.index(row["channel"])
    ahead = horizon.panel.select(weeks=slice(horizon.start, None))
    ahead = dataclasses.replace(
        ahead, spend=ahead.exposure * np.nansum(horizon.spend, axis=(0, 1)) / horizon.exposure.sum(axis=(0, 1))
    )
    weeks = (horizon.weeks[0], horizon.weeks[-1])
    change = dcm.Change(row["channel"], factor=0.0, regions=row["regions"], weeks=weeks)
    told = dcm.scenario(small_ensemble, change, weeks=ahead, level=0.5)
    whole = told.loc[told["by"] == "all", ["change_low", "change_high"]].to_numpy().ravel()
    drawn = -found[at].whole[:, rows].sum(axis=1)
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.75]), whole, rtol=1e-3, atol=1e-3 * abs(whole).max())


def test_going_dark_costs_what_is_lost_less_what_is_saved(small_ensemble, plan):
    row = plan.table[plan.table["kind"] == "go_dark"].iloc[0]
    whole = row["lift"] / (row["arrived_pct"] / 100)
    worth = small_ensemble.panel.revenue_per_kpi[0, 0]
    assert row["spend_difference"] < 0
    assert row["cost"] == pytest.approx(whole * worth + row["spend_difference"], rel=1e-4)


def test_a_margin_counts_profit(small_ensemble, plan):
    """With a margin of a half, revenue counts half and spend in full."""
    half = dcm.plan_experiments(small_ensemble, margin=0.5, **QUICK).table
    key = ["channel", "spend_change", "regions"]
    both = plan.table.merge(half, on=key, suffixes=("", "_half"))
    assert len(both) == len(plan.table)
    np.testing.assert_allclose(
        both["cost_half"], 0.5 * (both["cost"] - both["spend_difference"]) + both["spend_difference"], rtol=1e-6
    )
    np.testing.assert_allclose(both["value_of_information_half"], 0.5 * both["value_of_information"], rtol=1e-6)


def test_power_follows_the_effect_asked_about(small_ensemble, plan):
    low, high = (dcm.plan_experiments(small_ensemble, effect=roi, **QUICK).table for roi in (1e-6, 1e6))
    np.testing.assert_allclose(low["power"], 0.5, atol=1e-3)  # nothing to find: the level of the test
    np.testing.assert_allclose(high["power"], 1.0, atol=1e-3)
    at = dcm.plan_experiments(small_ensemble, channels="channel_1", effect=plan.table["detectable_roi"].min(), **QUICK)
    assert at.table["power"].max() <= 0.81


def test_the_plans_that_could_be_chosen_keep_total_and_limits(plan, small_ensemble):
    spend = plan.plans.drop(columns="outcome")
    np.testing.assert_allclose(spend.sum(axis=1), spend.sum(axis=1).iloc[0], rtol=1e-4)
    present = spend.sum(axis=1).iloc[0]
    assert ((spend / spend.iloc[0]).max().max()) <= 1.3 / 0.7 + 1e-3
    assert present > 0


def test_the_next_plan_starts_from_the_budget_plan(small_ensemble):
    limits = {"channel_1": (0.5, 0.5), "channel_2": (0.5, 2.0), "channel_3": (0.5, 2.0)}
    budget = dcm.optimize_budget(small_ensemble, relative_bounds=limits)
    ratio = budget.channels["spend_plan"] / budget.channels["spend_today"]
    before, after = (dcm.plan_experiments(small_ensemble, given, **QUICK).table for given in (None, budget))
    key = ["channel", "spend_change", "regions"]
    both = before.merge(after, on=key, suffixes=("", "_plan"))
    changed = both["spend_difference_plan"] / both["spend_difference"]
    np.testing.assert_allclose(changed, ratio[both["channel"]], rtol=1e-6)


def test_the_limits_of_a_budget_plan_hold_for_the_plans_to_choose_from(small_ensemble):
    budget = dcm.optimize_budget(small_ensemble, relative_bounds=dict.fromkeys(CHANNELS, (0.9, 1.1)))
    spend = dcm.plan_experiments(small_ensemble, budget, **QUICK).plans.drop(columns="outcome")
    assert (spend.max() / spend.min()).max() <= 1.1 / 0.9 + 1e-3


def test_a_channel_that_the_budget_plan_takes_off_the_air_is_not_tested(small_ensemble):
    budget = dcm.optimize_budget(small_ensemble, bounds={"channel_2": (0, 0)})
    found = dcm.plan_experiments(small_ensemble, budget, **QUICK)
    assert "channel_2" not in set(found.table["channel"])
    assert any("Not tested" in note and "channel_2" in note for note in found.notes)
    with pytest.raises(dcm.DataError, match="No channel that may be tested has spend"):
        dcm.plan_experiments(small_ensemble, budget, channels="channel_2", **QUICK)


def test_matches_and_weeks_before_the_test_belong_together(plan, small_ensemble):
    for candidate in (None, len(plan.table) - 1):
        found, weeks = plan.matches(candidate), plan.pre_period(candidate)
        row = plan.best.figures if candidate is None else plan.experiment(candidate).figures
        assert set(found.loc[found["role"] == "test", "region"]) == set(row["regions"])
        assert set(found.loc[found["role"] == "control", "region"]).isdisjoint(row["regions"])
        assert (found["weight"] >= 0).all()
        assert np.sqrt(((weeks["observed"] - weeks["matched"]) ** 2).mean()) == pytest.approx(row["rmse"])
        assert len(weeks) == small_ensemble.panel.n_past_weeks


def test_the_test_begins_after_the_last_week_with_a_kpi(plan, small_ensemble):
    start = pd.Timestamp(plan.best.start)
    assert start == small_ensemble.panel.weeks[-1] + pd.Timedelta(days=7)
    assert pd.Timestamp(plan.best.end) == start + pd.Timedelta(days=4 * 7 - 1)


def test_a_measured_test_becomes_a_lift_test(plan):
    best, arrived = plan.best, plan.best.figures["arrived_pct"] / 100
    test = best.lift_test(120.0, 30.0)
    assert (test.channel, test.kind, test.spend_change) == (best.channel, best.kind, best.spend_change)
    assert test.regions == tuple(best.regions)
    assert (test.start, test.end) == (best.start, best.end)
    assert test.lift == pytest.approx(120.0 / arrived)
    assert test.standard_error == pytest.approx(30.0 / arrived)


@pytest.mark.parametrize(
    ("lift", "error", "message"),
    [
        (np.nan, 1.0, "lift must be a number"),
        (1.0, 0.0, "standard_error must be a number above 0"),
        (1.0, "a", "above 0"),
    ],
)
def test_a_measurement_that_is_none_is_refused(plan, lift, error, message):
    with pytest.raises(dcm.ConfigError, match=message):
        plan.best.lift_test(lift, error)


def test_the_table_can_be_read_back(plan, tmp_path):
    read = pd.read_csv(plan.to_csv(tmp_path / "tests.csv"), index_col="candidate")
    np.testing.assert_allclose(read["net_value"], plan.table["net_value"])
    assert tuple(read["regions"].iloc[0].split("; ")) == plan.best.regions


def test_figures_show_every_candidate_and_the_match(plan):
    figure = plan.plot()
    assert sum(len(trace.x) for trace in figure.data if trace.mode == "markers") == len(plan.table)
    match = dcm.plots.experiment_match(plan)
    assert {trace.name for trace in match.data} == {"regions under test", "weighted regions of the match"}
    with pytest.raises(dcm.DataError, match="needs what plan_experiments returns"):
        dcm.plots.experiment_values(plan.table)


@pytest.mark.parametrize("draw", [dcm.ExperimentPlan.plot, dcm.plots.experiment_values])
def test_figures_count_in_the_steps_of_the_panel(plan, draw):
    days = dataclasses.replace(plan, _panel=dataclasses.replace(plan.panel, cadence=Cadence.DAILY))
    figure = draw(days)
    assert figure.layout.yaxis.title.text.startswith("gain of the plan in 52 days")
    assert "%{customdata[3]} days" in figure.data[0].hovertemplate
    assert "weeks" in draw(plan).layout.yaxis.title.text


def test_nothing_is_advised_where_nothing_is_worth_its_cost(plan, small_ensemble):
    with_note = any(note.startswith("No candidate is worth testing") for note in plan.notes)
    assert with_note == (not plan.worth_testing)
    asked = dcm.plan_experiments(small_ensemble, limits=dcm.Limits(fixed=list(small_ensemble.panel.channels)), **QUICK)
    assert not asked.worth_testing  # with one plan to choose, nothing that is learned changes the choice
    assert asked.perfect_information == 0.0
    assert "nothing is worth testing" in repr(asked)


def test_a_national_panel_is_tested_everywhere_against_the_forecast(plan, national_ensemble):
    found = dcm.plan_experiments(national_ensemble, weeks=(4, 8), changes=-1.0, effect=1e-3)
    assert (found.table["placebo_windows"] == 0).all()
    assert found.table["r2"].isna().all()
    assert found.matches().empty
    assert found.best.lift_test(1.0, 1.0).regions is None
    assert any("national" in note for note in found.notes)
    assert any(
        "find its effect with a probability of only 10%" in note for note in found.notes
    )  # next to none is asked
    assert plan.table["power"].iloc[0] >= 0.5
    assert not any("a probability of only" in note for note in plan.notes)
    errors = found.table.groupby("weeks")["standard_error"].mean()
    assert errors[8] > errors[4]
    with pytest.raises(dcm.DataError, match="no match to draw"):
        dcm.plots.experiment_match(found)


def test_effects_of_regions_add_up(small_ensemble):
    """A test in all regions is the sum of tests in each: what the table relies on."""
    fit, variables = small_ensemble.fitted_panel, small_ensemble.replicates.variables
    found, horizon = treatments(fit, variables, np.array([0]), (-1.0,), 4, np.ones(3), {})
    panel = small_ensemble.panel
    alone = dcm.plan_experiments(small_ensemble, regions=[[panel.regions[0]]], channels=["channel_1"], **QUICK).table
    assert alone.loc[alone["kind"] == "go_dark", "lift"].item() == pytest.approx(found[0].lift[:, 0].mean())


def test_measuring_ends_when_nine_tenths_have_arrived(small_result):
    kernel = small_result.adstock_decay().to_numpy()
    for channel, weeks in enumerate(cool_downs(small_result.fitted_panel)):
        arrived = kernel[: weeks + 1, channel].sum()
        assert arrived >= 0.9 or weeks == 4
        assert weeks == 0 or kernel[:weeks, channel].sum() < 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["chanel_1"]}, "channels names 'chanel_1'; did you mean 'channel_1'"),
        ({"channels": []}, "channels must be a list of one or more"),
        ({"weeks": 40}, "A test of 40 weeks is too long for a panel of 60 weeks: give weeks up to 15"),
        ({"weeks": 0}, "weeks must be a whole number, 1 or more, got 0"),
        ({"weeks": "four"}, "weeks must be a number of weeks"),
        ({"changes": [0.0]}, "changes must be shares of spend from -1"),
        ({"changes": -2}, "changes must be shares of spend from -1"),
        ({"changes": 50}, "0.5 is half as much again"),
        ({"effect": -1.0}, "effect must be an ROI above 0"),
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"margin": 35}, "margin=0.35"),
        ({"level": 0.9}, "The 4 draws are too few for an interval at level 0.9, whose ends take 20"),
        ({"level": 2}, "level must be between 0 and 1"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"budget_plan": "plan"}, "budget_plan must be what optimize_budget returns"),
        ({"regions": [["region_9"]]}, "regions names 'region_9'"),
        ({"limits": dcm.Limits(bounds={"tv": (0, 1)})}, "names the channel 'tv'"),
        ({"limits": {"channel_1": (0, 1)}}, "limits must be of class Limits"),
        ({"limits": dcm.Limits(region_bounds={"region_1": (0, 1)})}, "cannot have region_bounds of regions or weeks"),
        ({"channels": 3}, "channels must be a list of one or more"),
        ({"regions": 3}, "regions names 3"),
    ],
)
def test_bad_input_gets_one_sentence(small_ensemble, options, message):
    with pytest.raises(dcm.DeepCausalMMMError, match=message) as told:
        dcm.plan_experiments(small_ensemble, **(QUICK | options))
    assert "\n" not in str(told.value)


def test_a_fit_without_draws_is_told_where_to_get_them(small_result):
    with pytest.raises(dcm.ConfigError, match=r"needs draws.*bootstrap"):
        dcm.plan_experiments(small_result)


def test_a_plan_of_another_panel_is_refused(small_ensemble):
    budget = dcm.optimize_budget(small_ensemble)
    for channels, message in (
        (budget.channels.rename(index={"channel_1": "tv"}), "has a channel 'tv', which this panel does not have"),
        (budget.channels.drop(index="channel_1"), "has no channel 'channel_1', which this panel has"),
    ):
        other = dataclasses.replace(budget, channels=channels)
        with pytest.raises(dcm.DataError, match=message):
            dcm.plan_experiments(small_ensemble, other, **QUICK)


def test_a_panel_without_spend_is_refused(small_ensemble):
    fitted = dataclasses.replace(small_ensemble.fitted, panel=dataclasses.replace(small_ensemble.panel, spend=None))
    with pytest.raises(dcm.DataError, match="has no spend, so what a test costs is unknown"):
        dcm.plan_experiments(dcm.Ensemble(fitted, small_ensemble.replicates), **QUICK)


def test_without_revenue_costs_and_gains_are_in_kpi_units(small_ensemble):
    panel = dataclasses.replace(small_ensemble.panel, revenue_per_kpi=None)
    bare = dcm.Ensemble(dataclasses.replace(small_ensemble.fitted, panel=panel), small_ensemble.replicates)
    found = dcm.plan_experiments(bare, **QUICK)
    assert any("No revenue per KPI" in note for note in found.notes)
    dark = found.table[found.table["kind"] == "go_dark"]
    assert (dark["cost"] < dark["lift"] / (dark["arrived_pct"] / 100) + 1e-6).all()
    with pytest.raises(dcm.ConfigError, match="There is no candidate 99"):
        found.matches(99)


def _with_national(ensemble, *names):
    weights = np.full(len(ensemble.panel.regions), 1.0 / len(ensemble.panel.regions))
    panel = dataclasses.replace(ensemble.panel, national=names, national_weights=weights)
    return dcm.Ensemble(dataclasses.replace(ensemble.fitted, panel=panel), ensemble.replicates)


def test_a_national_channel_is_not_tested_in_some_regions(small_ensemble):
    found = dcm.plan_experiments(_with_national(small_ensemble, "channel_2"), **QUICK)
    assert set(found.table["channel"]) == {"channel_1", "channel_3"}
    assert any("National" in note and "channel_2" in note for note in found.notes)


@pytest.mark.parametrize(
    ("national", "asked", "error", "said"),
    [
        (("channel_2",), {"channels": ["channel_2"]}, dcm.ConfigError, "'channel_2', which is national"),
        (CHANNELS, {}, dcm.DataError, "No channel but national ones had spend"),
    ],
)
def test_a_test_of_what_is_national_is_refused(small_ensemble, national, asked, error, said):
    with pytest.raises(error, match=said):
        dcm.plan_experiments(_with_national(small_ensemble, *national), **asked, **QUICK)


@pytest.mark.parametrize(("cadence", "longest"), [("daily", 28), ("weekly", 4), ("monthly", 1), ("quarterly", 1)])
def test_measuring_ends_four_weeks_after_a_test_on_every_calendar(monkeypatch, cadence, longest):
    """Not four steps, which are four days or four months: the carry-over takes the same time on each of them."""
    lasting, soon = 0.999 ** np.arange(60), 0.5 ** np.arange(60)
    decay = pd.DataFrame({"lasting": 0.001 * lasting, "soon": 0.5 * soon})
    monkeypatch.setattr(responses, "adstock_decay", lambda fit: decay)
    fit = SimpleNamespace(panel=SimpleNamespace(cadence=Cadence(cadence)))
    assert list(cool_downs(fit)) == [longest, min(3, longest)]  # 15/16 of the second have arrived at lag 3
