"""Immediate and carried effect, and payback, against laws of the adstock and against the simulator."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.carry_over import Arrivals, _pulses, carry_over, figures
from deepcausalmmm_jax.attribution.horizon import even_weeks, settling_weeks
from deepcausalmmm_jax.ops.bijectors import from_above, from_positive, from_unit


def with_curves(result, decay, slope=1.0, half_saturation=1e4):
    """The result with curves in place of those that were learned; nearly linear by default."""
    params = jax.tree.map(np.asarray, dict(result.fitted.variables["params"]))
    media = dict(params["media"])
    media["decay"] = np.asarray(from_unit(np.asarray(decay, np.float32)))
    media["slope"] = np.full(3, from_above(np.float32(slope), result.config.min_slope), np.float32)
    media["half_saturation"] = np.full(3, from_positive(np.float32(half_saturation)), np.float32)
    if "delay" in media:
        media["delay"] = np.full(3, -30.0, np.float32)  # no wait
    variables = dict(result.fitted.variables) | {"params": params | {"media": media}}
    return dcm.FitResult(dataclasses.replace(result.fitted, variables=variables))


def test_the_parts_add_up_to_the_incremental_outcome(small_result):
    table = small_result.carry_over()
    whole = small_result.media_summary()["incremental_outcome"]
    np.testing.assert_allclose(table["immediate"] + table["carried"], whole, rtol=1e-6)
    np.testing.assert_allclose(table["immediate_pct"] + table["carried_pct"], 100.0, rtol=1e-6)
    np.testing.assert_allclose(table["incremental_outcome"], whole, rtol=1e-6)


def test_a_geometric_adstock_with_a_linear_curve_carries_the_share_of_its_decay(small_result):
    decay = np.array([0.2, 0.45, 0.8])
    table = with_curves(small_result, decay).carry_over()
    np.testing.assert_allclose(table["carried_pct"], 100 * decay, atol=1.0)  # 1 % may lie beyond the last week counted
    np.testing.assert_array_equal(table["weeks_to_50"], [1, 1, 4])
    np.testing.assert_array_equal(table["weeks_to_90"], [2, 3, 11])


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [1, 0, 3, 2]])
def test_the_order_of_regions_decides_nothing(small_result, order):
    fitted = small_result.fitted

    def reordered(tree, like):
        return jax.tree.map(lambda a: a[order] if np.ndim(a) and len(a) == like else a, tree)

    panel = small_result.panel.select(regions=[small_result.panel.regions[at] for at in order])
    scales = fitted.scales._replace(
        **{name: a[order] for name, a in fitted.scales._asdict().items() if a is not None and len(a) == len(order)}
    )
    other = dataclasses.replace(
        fitted,
        panel=panel,
        weights=fitted.weights[order],
        scales=scales,
        variables=jax.tree.map(np.asarray, reordered(dict(fitted.variables), len(order))),
    )
    found, right = dcm.FitResult(other).carry_over(), small_result.carry_over()
    for name in ("immediate_pct", "carried_pct", "payback_weeks"):
        np.testing.assert_allclose(found[name], right[name], rtol=1e-3)


def test_of_many_regions_each_has_its_own_week_whatever_their_order(small_result):
    panel, _ = dcm.simulate(24, 60, 3, 2, seed=1)
    order = np.random.default_rng(0).permutation(24)
    other = panel.select(regions=[panel.regions[at] for at in order])
    weeks = [_pulses(small_result.fitted_panel.on(one)).week for one in (panel, other)]
    np.testing.assert_array_equal(weeks[1], weeks[0][:, order])
    assert len(np.unique(weeks[0][0, :, 0])) > 5


@settings(deadline=None, max_examples=50)
@given(st.floats(0.01, 0.95), st.floats(0.1, 10), st.floats(0.5, 20))
def test_figures_of_a_geometric_kernel_are_those_of_the_formula(decay, effect, worth):
    lags = np.arange(2000)
    kpi = effect * (1 - decay) * decay**lags
    found = figures(Arrivals(kpi[None, None], worth * kpi[None, None]), np.array([1.0]))
    assert found["carried_pct"].item() == pytest.approx(100 * decay, rel=1e-6)
    assert found["weeks_to_90"].item() == pytest.approx(np.ceil(np.log(0.1) / np.log(decay)), abs=1)
    if effect * worth <= 1:
        assert np.isinf(found["payback_weeks"].item())
    else:
        needed = np.log(1 - 1 / (effect * worth)) / np.log(decay)
        assert found["payback_weeks"].item() == pytest.approx(max(np.ceil(needed), 1), abs=1)


def test_payback_is_missing_with_a_reason(small_result):
    panel = small_result.panel
    costly = np.where(np.arange(3) == 0, 1e6 * panel.spend, panel.spend)
    free = np.where(np.arange(3) == 1, 0.0, costly)
    unknown = np.where(np.arange(3) == 2, np.nan, free)
    table = _of(small_result, spend=unknown).carry_over()
    assert table["payback_weeks"].isna().all()
    assert table["note"].tolist() == [
        "a week's spend brings less than it costs, carry-over included",
        "spend of these weeks is zero: there is nothing to pay back",
        "no spend given: payback is unknown",
    ]
    without = _of(small_result, revenue_per_kpi=None).carry_over()
    assert without["payback_weeks"].isna().all()
    assert (without["note"] == "no revenue per KPI given: payback is unknown").all()


def _of(result, **changes):
    panel = dataclasses.replace(result.panel, **changes)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


def test_spend_that_is_known_in_some_regions_is_covered_by_what_these_earn(small_result):
    """Every region would add its revenue, and a week of spend would seem to pay that never does."""
    panel = small_result.panel
    spend = np.full(panel.exposure.shape, np.nan)
    spend[:2] = 100.0 * panel.spend[:2]  # so dear that no week pays
    worth = panel.revenue_per_kpi.copy()
    tables = []
    for others in (1.0, 1000.0):
        worth[2:] = others * panel.revenue_per_kpi[2:]
        own = dataclasses.replace(panel, spend=spend, revenue_per_kpi=worth)
        tables.append(carry_over(dcm.FitResult(dataclasses.replace(small_result.fitted, panel=own)).fitted_panel))
    assert tables[0].equals(tables[1])
    assert tables[0]["note"].str.contains("brings less than it costs").any()


def test_cheaper_spend_pays_back_no_later(small_result):
    dear, cheap = (
        _of(small_result, spend=factor * small_result.panel.spend).carry_over()["payback_weeks"].fillna(np.inf)
        for factor in (1.0, 0.5)
    )
    assert (cheap <= dear).all()


def by_hand(result):
    """What each channel's pulses bring by steps after them, `[channel, lag]`, by a prediction without each of them."""
    fit = result.fitted_panel
    pulses, panel, lags = _pulses(fit), even_weeks(fit, 1, settled=False).panel, settling_weeks(fit) + 1
    found = np.zeros((len(panel.channels), lags))
    for run, region, channel in np.ndindex(pulses.week.shape):
        at, exposure = pulses.week[run, region, channel], panel.exposure.copy()
        exposure[region, at, channel] = 0.0
        without = fit.on(dataclasses.replace(panel, exposure=exposure)).prediction
        found[channel] += (fit.on(panel).prediction - without)[region, at : at + lags]
    return found


@pytest.mark.slow
def test_days_are_called_days_and_are_those_of_pulses_by_hand(quick):
    panel, _ = dcm.simulate(2, 20, 2, 1, seed=3, cadence="daily")
    result = dcm.fit(panel, quick, holdout=28)
    table, arrived = result.carry_over(), by_hand(result)
    assert not [name for name in table if "week" in name]
    np.testing.assert_allclose(table["immediate_pct"], 100 * arrived[:, 0] / arrived.sum(axis=1), rtol=1e-3)
    share = np.cumsum(arrived, axis=1) / arrived.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(table["days_to_90"], (share >= 0.9).argmax(axis=1) + 1)
    costly = _of(result, spend=1e6 * panel.spend).carry_over()
    assert costly["payback_days"].isna().all()
    assert (costly["note"] == "a day's spend brings less than it costs, carry-over included").all()


def test_members_give_intervals_around_the_estimate_of_their_kind(small_ensemble):
    table = small_ensemble.carry_over(level=0.5)
    for name in ("immediate_pct", "carried_pct", "weeks_to_50", "weeks_to_90"):
        assert (table[f"{name}_low"] <= table[f"{name}_high"]).all()
    np.testing.assert_allclose(table["immediate_pct_low"] + table["carried_pct_high"], 100, rtol=0.2)
    with pytest.raises(dcm.ConfigError, match="level must be between 0 and 1"):
        small_ensemble.carry_over(level=1.5)


def test_a_result_computes_its_table_once_and_gives_copies(small_result):
    first = small_result.carry_over()
    first["carried"] = 0.0
    assert (
        small_result.carry_over()["incremental_outcome"] == carry_over(small_result.fitted_panel)["incremental_outcome"]
    ).all()
    assert small_result.carry_over()["carried"].abs().sum() > 0


@pytest.mark.slow
def test_a_member_that_carries_on_longer_than_the_estimate_is_followed_to_its_own_end(small_result, small_ensemble):
    """It had been counted as long as the estimate lasts: 90% of what is seen by then had arrived much sooner."""
    quick, slow = (with_curves(small_result, np.full(3, decay)) for decay in (0.3, 0.9))
    variables = jax.tree.map(lambda *members: np.stack(members), quick.fitted.variables, slow.fitted.variables)
    made = dcm.Ensemble(quick.fitted, dataclasses.replace(small_ensemble.replicates, variables=variables))
    table, own = made.carry_over(level=0.9), slow.carry_over()
    assert settling_weeks(slow.fitted_panel) > 3 * settling_weeks(quick.fitted_panel)
    np.testing.assert_array_equal(table["weeks_to_90_high"], own["weeks_to_90"])
    np.testing.assert_allclose(table["carried_pct_high"], own["carried_pct"], rtol=1e-3)
