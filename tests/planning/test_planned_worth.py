"""Revenue, prices and national figures of weeks to come are those that were stated or known, on any calendar."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.prices import priced
from deepcausalmmm_jax.planning.plan_files import PLAN_FILE

pytestmark = pytest.mark.slow

N = 60


def table(n=N, planned=8, seed=0):
    """Two regions; the last weeks have no KPI."""
    rng, frames = np.random.default_rng(seed), []
    weeks = pd.date_range("2022-01-03", periods=n, freq="W-MON")
    for region in ("a", "b"):
        tv = rng.gamma(2.0, 500.0, n)
        sales = 1000 + 0.1 * tv + rng.normal(0, 20, n)
        sales[n - planned :] = np.nan
        frames.append(pd.DataFrame({"geo": region, "week": weeks, "tv": tv, "cost": 0.01 * tv, "sales": sales}))
    return pd.concat(frames, ignore_index=True)


def fitted(df, quick, link="identity", **roles):
    asked = {"region": "geo", "time": "week", "kpi": "sales", "media": ["tv"], "spend": {"tv": "cost"}}
    panel = dcm.Panel.from_dataframe(df, missing_kpi="mask", **(asked | roles))
    return dcm.fit(panel, dataclasses.replace(quick, link=link), progress=False)


@pytest.fixture(scope="module")
def worth(quick):
    df = table()
    df["rev"] = np.where(df["sales"].isna(), 20.0, 10.0)
    return fitted(df, quick, revenue_per_kpi="rev")


@pytest.mark.parametrize("figure", ["spend", "incremental_outcome", "revenue", "roi"])
def test_planned_weeks_are_worth_the_same_by_number_and_as_the_next_weeks(worth, figure):
    by_number, by_next = dcm.optimize_budget(worth, weeks=8), dcm.optimize_budget(worth, next_weeks=8)
    assert by_next.summary["today"][figure] == pytest.approx(by_number.summary["today"][figure], rel=1e-9)
    assert not any("no revenue" in note for note in by_next.notes)


@pytest.mark.parametrize("asked", [{"weeks": 8}, {"next_weeks": 8}, {"weeks": (40, 50)}])
def test_a_revenue_of_zero_in_planned_weeks_is_not_known_yet(quick, asked):
    df = table()
    df["rev"] = np.where(df["sales"].isna(), 0.0, 10.0)
    plan = dcm.optimize_budget(fitted(df, quick, revenue_per_kpi="rev"), **asked)
    today = plan.summary["today"]
    assert today["revenue"] == pytest.approx(10.0 * today["incremental_outcome"], rel=1e-6)
    assert any("revenue per KPI of 0" in note for note in plan.notes) == (asked != {"weeks": (40, 50)})


@pytest.mark.parametrize("drawn", [False, True])
def test_a_summary_of_planned_weeks_knows_as_much_of_their_revenue(quick, drawn):
    df = table()
    df["rev"] = 10.0
    known = fitted(df, quick, revenue_per_kpi="rev")
    df["rev"] = np.where(df["sales"].isna(), 0.0, 10.0)
    result = fitted(df, quick, revenue_per_kpi="rev")
    if drawn:
        known, result = (dcm.bootstrap(one, 2, progress=False) for one in (known, result))
    right, found = (one.media_summary(planned=True).drop(columns="note") for one in (known, result))
    np.testing.assert_allclose(found.to_numpy(np.float64), right.to_numpy(np.float64), rtol=1e-5)


def test_a_log_link_plans_weeks_of_a_panel_of_their_own(quick):
    whole = table()
    result = fitted(whole, quick, link="log")
    later = whole[whole["sales"].isna()].drop(columns="sales")
    asked = dcm.Panel.from_dataframe(later, region="geo", time="week", kpi=None, media=["tv"], spend={"tv": "cost"})
    np.testing.assert_allclose(result.predict(asked).values, result.predict().values[:, -8:], rtol=1e-5)
    by_panel = dcm.scenario(result, dcm.Change("tv", 1.2), weeks=asked)
    by_number = dcm.scenario(result, dcm.Change("tv", 1.2), weeks=8)
    change = [float(found.loc[found["by"] == "all", "change"].iloc[0]) for found in (by_panel, by_number)]
    assert change[0] == pytest.approx(change[1], rel=1e-4)


@pytest.mark.parametrize(
    ("frequency", "cadence", "last"), [("MS", "monthly", 12), ("D", "daily", 364), ("W", "weekly", 52)]
)
def test_a_channel_that_is_off_costs_what_it_cost_in_the_last_year(frequency, cadence, last):
    n = last + 60
    tv = np.full(n, 100.0)
    df = pd.DataFrame(
        {"day": pd.date_range("2019-01-01", periods=n, freq=frequency), "tv": tv, "sales": 500.0 + np.arange(n)}
    )
    df["cost"] = tv * np.where(np.arange(n) >= n - last, 0.04, 0.01)
    panel = dcm.Panel.from_dataframe(df, time="day", kpi="sales", media=["tv"], spend={"tv": "cost"}, cadence=cadence)
    off = dataclasses.replace(panel, exposure=0.0 * panel.exposure, spend=0.0 * panel.spend)
    assert np.unique(priced(off, None, priced(panel, None)).price) == pytest.approx(0.04)


def test_carry_over_after_weeks_with_a_revenue_is_worth_as_much_where_the_past_has_none(quick):
    """What came after the plan was once valued at the plan's eight weeks spread over a year."""
    df = table()
    result = fitted(df.dropna(), quick)
    later = df[df["sales"].isna()].drop(columns="sales").assign(rev=10.0)
    roles = {"media": ["tv"], "spend": {"tv": "cost"}, "revenue_per_kpi": "rev"}
    asked = dcm.Panel.from_dataframe(later, region="geo", time="week", kpi=None, **roles)
    today = dcm.optimize_budget(result, weeks=asked).summary["today"]
    assert today["revenue"] == pytest.approx(10.0 * today["incremental_outcome"], rel=1e-6)
    told = dcm.scenario(result, dcm.Change("tv", 1.2), weeks=asked)
    assert told["revenue_change"].iloc[0] == pytest.approx(10.0 * told["change"].iloc[0], rel=1e-6)


@pytest.mark.parametrize("asked", [{"weeks": np.int64(8)}, {"weeks": (np.int64(40), 50)}, {"next_weeks": np.int64(4)}])
def test_a_plan_asked_for_with_a_numpy_number_is_saved(worth, tmp_path, asked):
    dcm.optimize_budget(worth, **asked).save(tmp_path / "plan")
    told = json.loads((tmp_path / "plan" / PLAN_FILE).read_text())
    assert [told[name] for name in asked] in ([8], [[40, 50]], [4])


NATIONAL = {"national": ["tv"], "national_weights": {"a": 0.25, "b": 0.75}}


def national(quick, lacking=0):
    df = table(planned=0)
    one = df[df["geo"] == "a"].set_index("week")
    for name in ("tv", "cost"):
        df[name] = df["week"].map(one[name])
    weeks = np.sort(df["week"].unique())
    return one, fitted(df[(df["geo"] == "a") | (df["week"] >= weeks[lacking])], quick, **NATIONAL)


def test_a_value_of_a_national_channel_is_the_countrys(quick):
    one, result = national(quick)
    week = one.index[10]
    at = (str(week.date()),) * 2
    same = dcm.scenario(result, dcm.Change("tv", to=float(one["tv"][week]), weeks=at)).iloc[0]
    assert same["change"] == pytest.approx(0.0, abs=1e-3)
    assert same["spend_change"] == pytest.approx(0.0, abs=1e-9)
    twice = dcm.scenario(result, dcm.Change("tv", to=2.0 * float(one["tv"][week]), weeks=at)).iloc[0]
    factor = dcm.scenario(result, dcm.Change("tv", 2.0, weeks=at)).iloc[0]
    assert twice["spend_change"] == pytest.approx(factor["spend_change"], rel=1e-6)
    assert twice["change"] == pytest.approx(factor["change"], rel=1e-4)


def test_no_national_spend_is_lost_where_a_region_has_no_rows(quick):
    one, result = national(quick, lacking=30)
    assert result.media_summary()["spend"]["tv"] == pytest.approx(one["cost"].sum(), rel=1e-9)
    more = dcm.scenario(result, dcm.Change("tv", 1.2))
    assert more.loc[more["by"] == "all", "spend_change"].iloc[0] == pytest.approx(0.2 * one["cost"].sum(), rel=1e-9)
    back = result.panel.to_dataframe().drop_duplicates("week").set_index("week")
    np.testing.assert_allclose(back["tv_spend"].to_numpy(), one["cost"].to_numpy(), rtol=1e-9)


@pytest.mark.parametrize("weeks", [("03/02/2022", "03/03/2022"), ("2022-02-07", "14.2.2022")])
def test_weeks_whose_day_and_month_could_be_swapped_are_asked_about(worth, weeks):
    with pytest.raises(
        dcm.ConfigError, match=r"whose day and month may be taken for one another; write it as 2024-01-29"
    ):
        dcm.scenario(worth, dcm.Change("tv", 1.1, weeks=weeks))


@pytest.mark.parametrize(("by", "told"), [("channel", False), ("channel_region", True)])
def test_a_split_by_region_says_that_a_national_channel_cannot_be_bought_so(quick, by, told):
    plan = dcm.optimize_budget(national(quick)[1], by=by)
    assert any(note.startswith("National, so that nobody can buy it") for note in plan.notes) == told
