import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.frequency import curves_of
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.attribution.planned_frequency import at_frequency, planned_frequency
from deepcausalmmm_jax.cli.planning import frequency_named, optimize_command, scenario_command
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.reach_limits import reach_limits

pytestmark = pytest.mark.slow

STILL = {"relative_bounds": (1.0, 1.0)}  # today's spend, so that only the frequency differs
BY_CELL = {"by": "channel_region_week", "max_steps": 10, "starts": 1}  # limits hold however far the search goes
WEEKS = 8


def changed(result, **fields):
    """The fit with another panel in its place; nothing is learned again."""
    panel = dataclasses.replace(result.panel, **fields)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


def at(result, frequency):
    often = result.panel.frequency
    return changed(result, frequency=np.where(np.isnan(often), np.nan, frequency))


@pytest.fixture(scope="module")
def steady(reached_result):
    """All contacts at 2 per person."""
    return at(reached_result, 2.0)


@pytest.fixture(scope="module")
def peopled(reached_result):
    """Regions in which up to nine tenths of the people were reached in the last weeks."""
    exposure, often = (
        array[:, -WEEKS:, 0] for array in (reached_result.panel.exposure, reached_result.panel.frequency)
    )
    return changed(reached_result, population=(exposure / np.maximum(often, 1.0)).max(axis=1) / 0.9)


def outcome(plan):
    return plan.summary.loc["incremental_outcome", "plan"]


def test_at_the_frequency_of_today_a_plan_is_the_plan(reached_result):
    asked, plan = (dcm.optimize_budget(reached_result, weeks=WEEKS, **more) for more in ({"frequency": "today"}, {}))
    assert asked.table.equals(plan.table)
    assert asked.summary.equals(plan.summary)
    assert (asked.notes, asked.frequency) == (plan.notes, {})
    horizon = past_weeks(reached_result.fitted_panel, WEEKS)
    assert at_frequency(reached_result.fitted_panel, horizon, {}) is horizon


@pytest.mark.parametrize("by", ["channel", "channel_region"])
def test_stating_a_steady_frequency_changes_nothing(steady, by):
    stated, plan = (
        dcm.optimize_budget(steady, weeks=WEEKS, by=by, frequency=frequency)
        for frequency in ({"channel_1": 2.0}, "today")
    )
    np.testing.assert_allclose(stated.table.spend_plan, plan.table.spend_plan, rtol=1e-6)
    assert outcome(stated) == pytest.approx(outcome(plan), rel=1e-6)


@pytest.mark.parametrize("today", [1.0, 2.0, 4.0, 9.0])
def test_the_same_spend_never_brings_less_at_the_best_frequency(reached_result, today):
    plan = dcm.optimize_budget(at(reached_result, today), weeks=WEEKS, frequency="best", **STILL)
    best = curves_of(reached_result.fitted_panel, None).best[0, 0]
    assert plan.frequency == {"channel_1": pytest.approx(best)}
    assert plan.summary.loc["incremental_outcome", "change"] > 0
    assert plan.channels.roi_change["channel_1"] > 0


def test_the_gain_is_that_of_the_curve(steady):
    plan = dcm.optimize_budget(steady, weeks=WEEKS, frequency={"channel_1": 5.0}, **STILL)
    effect = curves_of(steady.fitted_panel, None).effect(np.array([2.0, 5.0]), 0)[0]
    before, after = (plan.channels[f"incremental_outcome_{name}"]["channel_1"] for name in ("today", "plan"))
    assert after / before == pytest.approx(effect[1] / effect[0], rel=1e-4)
    assert plan.channels.frequency_plan["channel_1"] == pytest.approx(5.0)
    assert plan.channels.frequency_today["channel_1"] == pytest.approx(2.0)
    assert plan.channels.frequency_plan[["channel_2", "channel_3"]].isna().all()
    assert any("planned at 5 contacts per person reached in place of 2" in note for note in plan.notes)


def test_plan_and_scenario_agree(steady, tmp_path):
    frequency = {"channel_1": 5.0}
    plan = dcm.optimize_budget(steady, weeks=WEEKS, frequency=frequency, **STILL)
    told = dcm.scenario(steady, weeks=WEEKS, frequency=frequency).iloc[0]
    assert told.change == pytest.approx(plan.summary.loc["incremental_outcome", "change"], rel=1e-3)
    assert dcm.BudgetPlan.load(plan.save(tmp_path / "plan")).frequency == frequency


def test_curves_are_those_at_the_frequency(steady):
    curves = [dcm.response_curves(steady, frequency={"channel_1": f}, multipliers=[1.0]) for f in (2.0, 4.0)]
    effect = curves_of(steady.fitted_panel, None).effect(np.array([2.0, 4.0]), 0)[0]
    before, after = (each.today.set_index("channel").incremental_outcome["channel_1"] for each in curves)
    assert after / before == pytest.approx(effect[1] / effect[0], rel=1e-3)
    assert before == pytest.approx(steady.media_summary().incremental_outcome["channel_1"], rel=1e-4)
    assert curves[1].period.endswith("channel_1 at 4 contacts per person")


def test_a_scenario_changes_contacts_and_frequency_together(steady):
    half = [dcm.Change("channel_1", 0.5)]
    both = dcm.scenario(steady, half, weeks=WEEKS, frequency={"channel_1": 4.0}).iloc[0]
    fewer = dcm.scenario(at(steady, 4.0), half, weeks=WEEKS).iloc[0]
    moved = dcm.scenario(steady, weeks=WEEKS, frequency={"channel_1": 4.0}).iloc[0]
    assert both.spend_change == pytest.approx(fewer.spend_change)
    assert both.change == pytest.approx(moved.change + fewer.change, rel=0.02)  # the weeks before had another frequency


def test_no_plan_reaches_more_people_than_there_are(peopled):
    plan = dcm.optimize_budget(peopled, weeks=WEEKS, frequency={"channel_1": 3.0}, **BY_CELL)
    table = plan.table[plan.table.channel == "channel_1"]
    people = dict(zip(peopled.panel.regions, peopled.panel.population, strict=True))
    share = table.exposure_plan / table.frequency_plan.fillna(1.0) / table.region.map(people)
    assert share.max() == pytest.approx(1.0, abs=1e-5)
    assert any("everyone in region_" in note and "is reached at 3 contacts per person" in note for note in plan.notes)


def test_without_a_frequency_everyone_reached_is_a_limit_too(peopled):
    plan = dcm.optimize_budget(peopled, weeks=WEEKS, limit="100%", **BY_CELL)
    today, plans = (plan.table.loc[plan.table.channel == "channel_1", f"exposure_{name}"] for name in ("today", "plan"))
    exposure, often = (array[:, -WEEKS:, 0] for array in (peopled.panel.exposure, peopled.panel.frequency))
    most = (peopled.panel.population[:, None] * often)[exposure > 0]
    assert (plans[today > 0].to_numpy() <= most * (1 + 1e-6)).all()


@pytest.mark.parametrize("is_national", [False, True])
def test_the_limit_is_everyone_of_the_region_or_its_share_of_the_country(peopled, is_national):
    weights, people = np.array([0.5, 0.5]), peopled.panel.population
    if is_national:
        peopled, people = changed(peopled, national=("channel_1",), national_weights=weights), weights * people.sum()
    fit = peopled.fitted_panel
    horizon = past_weeks(fit, WEEKS)
    cells = cells_of(horizon, "channel_region_week", fit.scales.exposure)
    most = reach_limits(fit, horizon, at_frequency(fit, horizon, {"channel_1": 3.0}), cells).most
    assert np.isinf(most[cells.channel != 0]).all()
    own = np.flatnonzero((cells.channel == 0) & (cells.today > 0))
    row, week = cells.region[own], cells.week[own]
    reached = horizon.exposure[row, week, 0] / horizon.panel.frequency[row, horizon.start + week, 0]
    np.testing.assert_allclose(most[own] * cells.unit[row, week, 0], 3.0 * np.maximum(people[row], reached), rtol=1e-12)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"frequency": {"channel_1": 1.2}, "fixed": ["channel_1"]}, "The limits ask for .* at least; state a higher"),
        ({"frequency": {"channel_1": 1.1}, "limit": 0.2}, "everyone in region_. in .* is reached at 1.1 contacts"),
        ({"frequency": {"channel_1": 1.2}}, "raise the limits. channel_1 can spend .* At a higher frequency it could"),
        ({"frequency": "bset"}, "frequency must be 'today', 'best', or contacts per person by channel"),
        ({"frequency": 3.0}, "frequency must be 'today', 'best', or contacts per person by channel"),
        ({"frequency": {"channel_2": 3.0}}, "'channel_2', whose reach is not known; .* known for channel_1"),
        ({"frequency": {"chanel_1": 3.0}}, "did you mean 'channel_1'"),
        ({"frequency": {"channel_1": 0.9}}, "must be 1 contact per person reached or more, or 'best', got 0.9"),
        ({"frequency": {"channel_1": float("nan")}}, "must be 1 contact per person reached or more"),
        ({"frequency": {"channel_1": "most"}}, "must be 1 contact per person reached or more"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(peopled, more, told):
    with pytest.raises(dcm.ConfigError, match=told):
        dcm.optimize_budget(peopled, weeks=WEEKS, **more)


def test_a_channel_without_a_budget_stays_as_it_was(reached_result):
    free = changed(reached_result, spend=np.where(np.arange(3) == 0, np.nan, reached_result.panel.spend))
    with pytest.raises(dcm.ConfigError, match="'channel_1', which has no spend and so no budget"):
        dcm.optimize_budget(free, weeks=WEEKS, frequency={"channel_1": 3.0})
    assert dcm.optimize_budget(free, weeks=WEEKS, frequency="best").frequency == {}


def test_a_scenario_of_more_people_than_there_are_is_refused(peopled):
    with pytest.raises(dcm.ConfigError, match=r"channel_1 would reach .* people in region_. in .*, where .* live"):
        dcm.scenario(peopled, [dcm.Change("channel_1", 3.0)], weeks=WEEKS)
    assert dcm.scenario(peopled, [dcm.Change("channel_1", 3.0)], weeks=WEEKS, frequency={"channel_1": 30.0}).size


def test_without_reach_there_is_no_best_frequency(reached_result):
    plain = changed(reached_result, frequency=None).fitted_panel
    with pytest.raises(dcm.ConfigError, match="No channel of the panel has reach and frequency"):
        planned_frequency(plain, "best")
    assert planned_frequency(plain, "today") == planned_frequency(plain, {}) == {}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (None, "today"),
        (["best"], "best"),
        (["tv=3", "radio=best"], {"tv": 3.0, "radio": "best"}),
        (["tv=3, a=b=2.5"], {"tv": 3.0, "a=b": 2.5}),
    ],
)
def test_the_command_line_states_frequencies_by_channel(texts, found):
    assert frequency_named(texts, ["tv", "radio"]) == found


@pytest.mark.parametrize("text", ["tv", "tv=", "=3", "tv=often", "best,tv=3", "tv=3,tv=4"])
def test_a_frequency_of_another_form_is_refused(text):
    with pytest.raises(dcm.ConfigError, match="--at-frequency"):
        frequency_named([text], ["tv"])


def test_the_commands_plan_at_a_frequency(steady, tmp_path, capsys):
    steady.save(tmp_path / "fit.npz")
    optimize_command(tmp_path, tmp_path / "plan", weeks=WEEKS, at_frequency=["channel_1=5"])
    told = capsys.readouterr().out
    assert "frequency_plan" in told
    assert "channel_1 is planned at 5 contacts per person reached in place of 2" in told
    assert dcm.load(tmp_path / "plan").frequency == {"channel_1": 5.0}
    scenario_command(tmp_path, tmp_path / "what_if.csv", at_frequency=["best"])
    assert (tmp_path / "what_if.csv").is_file()
    with pytest.raises(dcm.ConfigError, match="changes nothing; give at least one Change, or a frequency"):
        scenario_command(tmp_path, tmp_path / "what_if.csv")


@pytest.mark.parametrize("change", [[], ["channel_2*0.5"]])
def test_the_command_counts_the_weeks_in_which_a_frequency_is_planned(steady, tmp_path, change, capsys):
    steady.save(tmp_path / "fit.npz")
    week, out = steady.panel.week_label, tmp_path / "what_if.csv"
    scenario_command(tmp_path, out, change, ["channel_1=4"], first=week(20), last=week(29))
    changes = [dcm.Change("channel_2", 0.5)] if change else []
    right = dcm.scenario(steady, changes, weeks=(20, 30), frequency={"channel_1": 4.0}).iloc[0]
    found = pd.read_csv(out).iloc[0]
    assert found["change"] == pytest.approx(right["change"], rel=1e-6)
    assert found["prediction"] == pytest.approx(right["prediction"], rel=1e-6)


def test_a_frequency_of_some_regions_is_refused(steady, tmp_path):
    steady.save(tmp_path / "fit.npz")
    with pytest.raises(dcm.ConfigError, match="--at-frequency holds in all regions; leave out --region"):
        scenario_command(tmp_path, tmp_path / "what_if.csv", None, ["channel_1=4"], ["region_1"])


def test_curves_end_where_everyone_of_a_region_is_reached(reached_result):
    exposure, often = reached_result.panel.exposure[:, :, 0], reached_result.panel.frequency[:, :, 0]
    reached = exposure / np.where(often > 0, often, 1.0)
    peopled = changed(reached_result, population=reached.max(axis=1) * np.array([1.25, 1.55]))
    national = dcm.response_curves(peopled)
    last = national.table.groupby("channel").multiplier.max()
    assert last.to_dict() == {"channel_1": 1.2, "channel_2": 2.0, "channel_3": 2.0}
    assert "channel_1 up to 1.25 times today's spend, where everyone in region_1 is reached" in national.period
    regional = dcm.response_curves(peopled, by="region").table
    assert regional[regional.channel == "channel_1"].groupby("region").multiplier.max().tolist() == [1.2, 1.5]
    free = dcm.response_curves(reached_result).table
    both = free.merge(national.table, on=["channel", "region", "multiplier"], suffixes=("", "_capped"))
    np.testing.assert_allclose(both.incremental_outcome_capped, both.incremental_outcome, rtol=1e-6)
    with pytest.raises(dcm.ConfigError, match="live; state a higher frequency"):
        dcm.response_curves(peopled, frequency={"channel_1": 1.0})
