"""A few weeks alone do not show how spend is booked: those before them do, in every way to ask for a plan of them."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.prices import Booked, priced
from deepcausalmmm_jax.data.gaps import without_gaps
from deepcausalmmm_jax.planning.next_weeks import next_weeks

N, PLANNED = 110, 6


def _half_free(spend):
    free = np.random.default_rng(0).uniform(size=spend.shape) < 0.5
    return np.where(free, 0.0, spend)


def _monthly(spend, at):
    booked = np.zeros_like(spend)
    for first in range(0, N, 4):
        own = slice(first, min(first + 4, N))
        booked[:, own][:, at] = spend[:, own].sum(axis=1)
    return booked


def _central(spend):
    booked = np.zeros_like(spend)
    booked[0] = spend.sum(axis=0)
    return booked


def _late(spend):
    return np.concatenate([np.zeros_like(spend[:, :2]), spend[:, :-2]], axis=1)


BOOKED = {
    "as it ran": lambda spend: spend,
    "half of it free": _half_free,
    "monthly, in advance": lambda spend: _monthly(spend, 0),
    "monthly, in arrears": lambda spend: _monthly(spend, -1),
    "in head office's region": _central,
    "two weeks late": _late,
}


def panel_of(way, seed=0):
    """Three regions; the last weeks have no KPI; the first channel is booked in some way."""
    panel, _ = dcm.simulate(3, N, 2, 1, seed=seed)
    spend, weights, kpi = panel.spend.copy(), panel.weights.copy(), panel.kpi.copy()
    spend[:, :, 0] = BOOKED[way](spend[:, :, 0])
    weights[:, -PLANNED:] = kpi[:, -PLANNED:] = 0.0
    return dataclasses.replace(panel, spend=spend, weights=weights, kpi=kpi)


@pytest.mark.parametrize("way", BOOKED)
@pytest.mark.parametrize("count", [1, 3, PLANNED, 19])
def test_the_next_weeks_cost_what_the_whole_panel_says_that_they_do(way, count):
    panel = panel_of(way)
    whole, found = priced(panel, None), next_weeks(panel, count)
    start, planned = N - PLANNED, min(count, PLANNED)
    now, before = whole.spend[:, start : start + planned], whole.spend[:, start - 52 + planned : start - 52 + count]
    np.testing.assert_allclose(found.panel.spend, np.concatenate([now, before], axis=1), rtol=1e-9)
    assert found.bookings == whole.bookings


@pytest.mark.parametrize("way", BOOKED)
@pytest.mark.parametrize("count", [2, 3, 4, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_weeks_as_booked_are_read_as_those_before_them(way, count, seed):
    panel = panel_of(way, seed)
    whole = priced(panel, None)
    last = panel.select(weeks=slice(N - count, N))
    before = Booked(panel.spend[:, :-count], panel.exposure[:, :-count])
    found = priced(last, None, whole, before)
    np.testing.assert_allclose(found.spend, whole.spend[:, N - count :], rtol=1e-6, atol=1e-6 * whole.spend.max())


def test_weeks_that_pay_for_themselves_are_taken_at_their_word():
    """A plan by week after invoices by month: nothing of it pays for weeks before it."""
    panel, own = panel_of("monthly, in arrears"), panel_of("as it ran")
    last = own.select(weeks=slice(N - 5, N))
    found = priced(last, None, None, Booked(panel.spend[:, : N - 5], panel.exposure[:, : N - 5]))
    np.testing.assert_allclose(found.spend, last.spend)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["half of it free", "monthly, in arrears", "in head office's region"])
def test_the_same_weeks_cost_and_bring_the_same_however_they_are_asked_for(way, quick):
    panel = panel_of(way)
    result = dcm.fit(panel, quick, progress=False)
    coming = panel.select(weeks=slice(N - PLANNED, N))
    asked = ({"weeks": PLANNED}, {"next_weeks": PLANNED}, {"weeks": coming})
    plans = [dcm.optimize_budget(result, relative_bounds=(1.0, 1.0), starts=1, max_steps=2, **one) for one in asked]
    for plan in plans[1:]:
        for figure in ("spend_today", "incremental_outcome_today", "roi_today"):
            np.testing.assert_allclose(plan.channels[figure], plans[0].channels[figure], rtol=1e-4)
        np.testing.assert_allclose(plan.channels["mroi_today"], plans[0].channels["mroi_today"], rtol=0.01)
        assert [note for note in plan.notes if "channel_1:" in note] == [n for n in plans[0].notes if "channel_1:" in n]


def national():
    """Three regions of unequal weight; channel_2 is national and dark every other week; region_1 lacks four weeks."""
    panel, _ = dcm.simulate(3, 60, 2, 1, seed=2)
    table = panel.to_dataframe()
    weeks = np.sort(table["time"].unique())
    for name in ("channel_2", "channel_2_spend"):
        figure = table.groupby("time")[name].sum() * (np.arange(60) % 2)
        table[name] = table["time"].map(figure)
    lacking = (table["region"] == "region_1") & table["time"].isin(weeks[10:14])
    roles = {"national": ["channel_2"], "national_weights": {"region_1": 0.5, "region_2": 0.3, "region_3": 0.2}}
    roles |= {"region": "region", "time": "time", "kpi": "sales", "media": ["channel_1", "channel_2"]}
    roles |= {"spend": "*_spend", "controls": ["control_1"]}
    return (dcm.Panel.from_dataframe(df, **roles) for df in (table[~lacking], table))


def test_a_gap_has_what_is_national_as_the_country_had_it():
    gaps, whole = national()
    filled = without_gaps(gaps)
    assert filled.present.all()
    np.testing.assert_allclose(filled.exposure[:, :, 1], whole.exposure[:, :, 1])
    np.testing.assert_allclose(filled.spend[:, :, 1], whole.spend[:, :, 1])
    mean = gaps.exposure[0, gaps.present[0], 0].mean()
    np.testing.assert_allclose(filled.exposure[0, 10:14, 0], mean)


@pytest.mark.parametrize("way", ["monthly, in advance", "in head office's region"])
def test_a_plan_may_be_booked_in_another_way_than_the_past(way):
    """Its own reading gives the usual price; with the past, eight weeks in a hundred would count as free exposure."""
    own, booked = panel_of("as it ran"), panel_of(way)
    last, right = (panel.select(weeks=slice(N - 10, N - 2)) for panel in (booked, own))
    found = priced(last, None, None, Booked(own.spend[:, : N - 10], own.exposure[:, : N - 10]))
    total = right.spend[:, :, 0].sum()
    assert found.spend[:, :, 0].sum() == pytest.approx(last.spend[:, :, 0].sum())
    np.testing.assert_allclose(found.spend[:, :, 0], right.spend[:, :, 0], atol=0.25 * total / 8)


def test_a_past_without_spend_says_nothing_of_bookings():
    panel = panel_of("as it ran")
    last, unknown = panel.select(weeks=slice(N - 1, N)), np.full(panel.spend[:, :-1].shape, np.nan)
    found = priced(last, None, None, Booked(unknown, panel.exposure[:, :-1]))
    np.testing.assert_allclose(found.spend, last.spend)
