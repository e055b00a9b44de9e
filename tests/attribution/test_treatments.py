"""Treatments and events as contributions of their own, with the tables, plans and files that hold them."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.plots.report.credited import credited_sentences, credited_tables

STRUCTURAL = ["baseline", "trend", "seasonality"]


def with_roles(panel, **roles):
    """The panel with its two controls as a treatment and an event."""
    day = str(panel.weeks[20].date())
    events = dcm.Events.from_table(pd.DataFrame({"name": ["control_2"], "date": [day]}), until="2030-01-01")
    given = {"treatments": (dcm.Treatment("control_1", "max"),), "events": events} | roles
    return dataclasses.replace(panel, **given)


def with_panel(result, panel):
    fitted = dataclasses.replace(result.fitted, panel=panel)
    return dcm.Ensemble(fitted, result.replicates) if isinstance(result, dcm.Ensemble) else dcm.FitResult(fitted)


@pytest.fixture(scope="module")
def credited(small_result):
    return with_panel(small_result, with_roles(small_result.panel))


@pytest.fixture(scope="module")
def drawn(small_ensemble):
    return with_panel(small_ensemble, with_roles(small_ensemble.panel))


def test_contributions_add_up_to_the_same_prediction(credited, small_result):
    own, plain = credited.contributions, small_result.contributions
    np.testing.assert_allclose(own.sum("component"), plain.sum("component"), rtol=1e-12)
    changed = [
        name for name in own.component.values if not np.allclose(own.sel(component=name), plain.sel(component=name))
    ]
    assert changed == ["baseline", "control_1", "control_2"]
    assert list(own.kind.values) == ["baseline"] * 3 + ["treatment", "event"] + ["media"] * 3


def test_a_contribution_is_what_the_counterfactual_loses(credited):
    for name, table in (("control_1", credited.treatments()), ("control_2", credited.events())):
        lost = dcm.scenario(credited, dcm.Change(name, to="baseline")).query("by == 'all'").iloc[0]
        part = credited.weekly_contributions()[name].sum()
        assert table.loc[name, "incremental_outcome"] == pytest.approx(part, rel=1e-6)
        assert -lost["change"] == pytest.approx(part, rel=1e-3)
        assert table.loc[name, "revenue"] == pytest.approx(-lost["revenue_change"], rel=1e-3)


def test_a_unit_more_in_every_region_brings_the_effect_per_unit(credited):
    panel = credited.panel
    week = panel.weeks[30]
    before = panel.control[:, 30, 0]
    changes = [
        dcm.Change("control_1", to=float(v) + 1.0, regions=[r], weeks=(week, week))
        for r, v in zip(panel.regions, before, strict=True)
    ]
    gained = dcm.scenario(credited, changes).query("by == 'all'")["change"].iloc[0]
    assert credited.treatments().loc["control_1", "outcome_per_unit"] == pytest.approx(gained, rel=1e-3)


def test_only_treatments_and_events_have_a_baseline(small_result):
    with pytest.raises(dcm.ConfigError, match="control_1 has no baseline"):
        dcm.scenario(small_result, dcm.Change("control_1", to="baseline"))
    with pytest.raises(dcm.ConfigError, match="must be a number, got 'low'"):
        dcm.scenario(small_result, dcm.Change("control_1", to="low"))


def test_intervals_are_those_of_the_members(drawn):
    table, (low, high) = (
        drawn.treatments(),
        drawn.contribution_intervals().sel(component="control_1").sum("time").values,
    )
    assert (table["incremental_outcome_low"] < table["incremental_outcome_high"]).all()
    members = members_of(drawn)
    outcomes = [member.treatments().loc["control_1", "incremental_outcome"] for member in members]
    np.testing.assert_allclose(
        table.loc["control_1", ["incremental_outcome_low", "incremental_outcome_high"]].astype(float),
        np.quantile(outcomes, [0.05, 0.95]),
        rtol=1e-6,
    )
    parts = np.stack([member.weekly_contributions()["control_1"].to_numpy() for member in members])
    np.testing.assert_allclose([low, high], np.quantile(parts, [0.05, 0.95], axis=0).sum(axis=1), rtol=1e-3)
    regional = np.stack([member.contributions.sum("time").values for member in members])
    np.testing.assert_allclose(
        drawn.region_intervals().values, np.quantile(regional, [0.05, 0.95], axis=0), rtol=1e-2, atol=2.0
    )


@pytest.mark.parametrize("level", [0.9, 0.5])
@pytest.mark.parametrize(("away", "said"), [(0.0, False), (10.0, True)])
def test_an_estimate_outside_the_range_of_its_draws_says_so(drawn, level, away, said):
    middle = jax.tree.map(lambda own: own.mean(axis=0), drawn.replicates.variables["params"]["control"])
    params = drawn.fitted.variables["params"] | {"control": middle | {"shared": middle["shared"] + away}}
    fitted = dataclasses.replace(drawn.fitted, variables=dict(drawn.fitted.variables) | {"params": params})
    moved = dcm.Ensemble(fitted, drawn.replicates)
    for table in (moved.treatments(level), moved.events(level)):
        assert (table["note"].str.contains("outside the range of its refits or draws") == said).all()


def members_of(drawn):
    """Each member of an ensemble as a fit of its own."""
    return [
        with_panel(
            dcm.FitResult(
                dataclasses.replace(
                    drawn.fitted,
                    variables={
                        k: {n: _one(v, i) for n, v in own.items()} for k, own in drawn.replicates.variables.items()
                    },
                )
            ),
            drawn.panel,
        )
        for i in range(len(drawn.replicates))
    ]


def test_a_share_of_a_draw_is_one_of_what_the_draw_predicts(drawn):
    """Not of the estimate's prediction: a member's parts add up to its own 100%, channels and treatments alike."""
    members = members_of(drawn)
    for table, name, own in (
        (drawn.treatments(), "control_1", [member.treatments() for member in members]),
        (drawn.events(), "control_2", [member.events() for member in members]),
    ):
        shares = [one.loc[name, "pct_of_contribution"] for one in own]
        ends = table.loc[name, ["pct_of_contribution_low", "pct_of_contribution_high"]].astype(float)
        np.testing.assert_allclose(ends, np.quantile(shares, [0.05, 0.95]), rtol=1e-5)


def test_the_baseline_of_the_draws_leaves_out_planned_weeks(drawn):
    """As all totals do: what is planned after the last KPI is no part of what was sold without media."""
    planned = drawn.panel.weights.copy()
    planned[:, -4:] = 0.0
    panel = dataclasses.replace(drawn.panel, weights=planned)
    found = with_panel(drawn, panel).baseline_draws()
    base = [
        member.contributions.isel(time=slice(0, -4)).sum(("region", "time")).values[: -len(panel.channels)].sum()
        for member in members_of(drawn)
    ]
    np.testing.assert_allclose(found, base, rtol=1e-5)
    assert (found < drawn.baseline_draws()).all()


def _one(tree, i):
    return {name: _one(leaf, i) for name, leaf in tree.items()} if isinstance(tree, dict) else np.asarray(tree)[i]


def test_planned_weeks_need_no_column_of_an_event(credited):
    last = credited.panel.select(weeks=slice(52, 60))
    without = np.stack([last.control[:, :, 0], np.zeros(last.present.shape)], axis=2)
    bare = dataclasses.replace(
        last, controls=("control_1",), control=last.control[:, :, :1], events=None, treatments=()
    )
    expected = credited.predict(dataclasses.replace(last, control=without))
    np.testing.assert_allclose(credited.predict(bare), expected, rtol=1e-6)
    parts = credited.contributions_of(bare)
    np.testing.assert_allclose(parts.sum("component"), expected, rtol=1e-6)
    np.testing.assert_allclose(parts.sel(component="control_2"), 0.0, atol=1e-2)


def test_a_plain_result_has_empty_tables(small_result):
    assert len(small_result.treatments()) == len(small_result.events()) == 0
    assert credited_tables(small_result) == credited_sentences(small_result) == []


def test_roles_are_saved_with_a_run(credited, tmp_path):
    again = dcm.load(credited.save(tmp_path / "run.npz"))
    pd.testing.assert_frame_equal(again.treatments(), credited.treatments())
    pd.testing.assert_frame_equal(again.events(), credited.events())
    assert again.panel.events == credited.panel.events


def test_an_organic_channel_has_an_outcome_but_no_return_and_no_part_in_the_total(small_result):
    spend = small_result.panel.spend.copy()
    spend[:, :, 0] = np.nan
    panel = dataclasses.replace(small_result.panel, organic=("channel_1",), spend=spend)
    result = with_panel(small_result, panel)
    summary, plain = result.media_summary(), small_result.media_summary()
    assert summary.loc["channel_1", "incremental_outcome"] == plain.loc["channel_1", "incremental_outcome"]
    assert summary.loc["channel_1", ["spend", "roi", "mroi", "cpik"]].isna().all()
    assert summary.loc["channel_1", "note"].startswith("organic")
    paid, short = plain.loc[["channel_2", "channel_3"]], result.summary()
    assert short.loc["paid media", "roi"] == pytest.approx((paid["roi"] * paid["spend"]).sum() / paid["spend"].sum())
    assert short.loc["paid media", "roi"] == pytest.approx(
        short["revenue"]["paid media"] / short["spend"]["paid media"]
    )
    assert short["revenue"]["all media"] == pytest.approx(small_result.summary()["revenue"]["all media"])
    assert np.isnan(short.loc["all media", "roi"])
    with pytest.raises(dcm.DataError, match="organic"):
        dcm.scenario(result, dcm.Change("channel_1", 2.0), cost={"channel_1": 1.0})


@pytest.mark.parametrize("priced", [True, False])
def test_an_organic_channel_has_no_part_in_a_budget(small_result, priced):
    spend = small_result.panel.spend.copy()
    spend[:, :, 0] = np.nan
    panel = dataclasses.replace(small_result.panel, organic=("channel_1",), spend=spend if priced else None)
    horizon = past_weeks(with_panel(small_result, panel).fitted_panel)
    assert set(cells_of(horizon, "channel", np.ones((4, 3))).channel) == {1, 2}


def test_the_report_speaks_of_them(credited):
    told = " ".join(credited_sentences(credited))
    assert "Against its highest value, control_1 brought" in told
    assert "Events moved predicted sales" in told
    assert [table.key for table in credited_tables(credited)] == ["treatments", "events"]
    waterfall = dcm.plots.contribution_waterfall(credited).data[0]
    assert {"control 1", "control_1"} & set(waterfall.y)
    assert "events" in waterfall.y
    assert "controls" not in waterfall.y
    assert np.nansum([x for x in waterfall.x if x is not None]) == pytest.approx(
        credited.weekly_contributions().iloc[: credited.panel.n_past_weeks].sum().sum()
    )


def test_the_published_model_credits_no_treatment(small_panel):
    with pytest.raises(dcm.DataError, match="gives 'control_1' no contribution of its own"):
        dcm.fit(with_roles(small_panel, events=None), dcm.Config.paper(), progress=False)


def test_a_national_channel_is_known_from_weeks_alone(small_result):
    result = with_panel(small_result, dataclasses.replace(small_result.panel, national=("channel_2",)))
    notes = result.notes()["note"]
    assert "national: its effect is known from 52 weeks" in notes["channel_2"]
    assert "national" not in notes["channel_1"]


@pytest.mark.parametrize("level", [90, 0.0, None, "x"])
def test_a_level_that_no_interval_has_is_refused_with_draws_or_without(credited, level):
    for table in (credited.treatments, credited.events):
        with pytest.raises(dcm.ConfigError, match="level"):
            table(level=level)
