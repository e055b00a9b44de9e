import numpy as np
import pandas as pd
import pytest
from scipy.optimize import differential_evolution

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.fit_hill import hill_value


def _table(seed, n, slopes):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "channel": [f"c{i}" for i in range(n)],
            "bottom": rng.uniform(0, 3, n),
            "top": rng.uniform(5, 40, n),
            "half_saturation": rng.uniform(2, 20, n),
            "slope": rng.uniform(*slopes, n),
            "spend_today": rng.uniform(1, 10, n),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_concave_plans_are_within_a_hundredth_of_a_percent_of_equal_marginal_returns(seed):
    table = _table(seed, 7, (0.5, 1.0))
    plan = dcm.optimize_budget_from_curves(table, 60.0)
    bottom, top, half, slope = table[["bottom", "top", "half_saturation", "slope"]].to_numpy().T

    def spend(price):  # each channel up to where its own marginal return is the price, by halving
        low, high = np.full(7, 1e-12), np.full(7, 1e4)
        for _ in range(200):
            x = np.sqrt(low * high)
            share = hill_value(x, 0, 1, half, slope)
            above = (top - bottom) * slope * share * (1 - share) / x > price
            low, high = np.where(above, x, low), np.where(above, high, x)
        return x

    cheap, dear = 1e-9, 1e9
    for _ in range(200):
        price = np.sqrt(cheap * dear)
        cheap, dear = (price, dear) if spend(price).sum() > 60.0 else (cheap, price)
    best = (hill_value(spend(price), bottom, top, half, slope) - bottom).sum()
    assert plan.summary.loc["incremental_outcome", "plan"] >= best * (1 - 1e-4)
    np.testing.assert_allclose(plan.shadow_price, price, rtol=1e-2)


@pytest.mark.parametrize("seed", range(3))
def test_s_shaped_plans_are_as_good_as_differential_evolution(seed):
    table = _table(seed, 6, (1.5, 4.0))
    plan = dcm.optimize_budget_from_curves(table, 30.0)
    own = table[["bottom", "top", "half_saturation", "slope"]].to_numpy().T

    def falling(z):
        share = z / z.sum(axis=0)
        return -(hill_value(30.0 * share.T, *own) - own[0]).sum(axis=1)

    by_evolution = differential_evolution(
        falling,
        [(1e-6, 1)] * 6,
        vectorized=True,
        updating="deferred",
        maxiter=400,
        popsize=20,
        tol=1e-10,
        polish=False,
        rng=seed,
    )
    assert plan.summary.loc["incremental_outcome", "plan"] >= -by_evolution.fun * (1 - 1e-4)
    assert plan.summary.loc["incremental_outcome", "change"] > -np.inf


def test_tables_of_curves_are_checked():
    table = _table(0, 3, (1.0, 2.0))
    with pytest.raises(dcm.DataError, match="no column 'slope'"):
        dcm.optimize_budget_from_curves(table.drop(columns="slope"), 10.0)
    with pytest.raises(dcm.DataError, match="twice"):
        dcm.optimize_budget_from_curves(pd.concat([table, table]), 10.0)
    with pytest.raises(dcm.ConfigError, match="above 0"):
        dcm.optimize_budget_from_curves(table, -1.0)


CURVES = pd.DataFrame(
    {"channel": ["tv", "radio"], "bottom": 0.0, "top": [5.0, 6.0], "half_saturation": 2.0, "slope": 1.0}
)
NO_NUMBERS = [10**400, "many", None, [1], b"x", 1j, pd.NaT, pd.NA, pd.Timestamp("2024-01-01"), np.ones(2)]


@pytest.mark.parametrize("cell", NO_NUMBERS, ids=str)
@pytest.mark.parametrize("column", ["bottom", "top", "half_saturation", "slope", "spend_today"])
def test_a_cell_of_a_table_of_curves_that_is_no_number_is_refused_by_name(column, cell):
    table = CURVES.assign(spend_today=1.0).astype(object)
    table.at[1, column] = cell
    with pytest.raises(dcm.DataError, match=rf"^The {column} of 'radio' must be a number, got .*\.$"):
        dcm.optimize_budget_from_curves(table, 10.0)


def test_spend_beyond_the_largest_that_is_known_is_extrapolation():
    plan = dcm.optimize_budget_from_curves(CURVES.assign(largest_x=[0.5, np.nan]), 10.0)
    assert plan.table["extrapolation"].tolist() == [True, False]


@pytest.mark.parametrize("cell", [None, [1], np.nan, pd.NaT])
@pytest.mark.parametrize("column", ["channel", "region"])
def test_a_row_of_a_table_of_curves_that_names_nothing_is_refused(column, cell):
    table = CURVES.assign(region="north").astype(object)
    table.at[1, column] = cell
    with pytest.raises(dcm.DataError, match=f"Row 2 of the table of curves has no {column}; every row needs one"):
        dcm.optimize_budget_from_curves(table, 10.0)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
@pytest.mark.parametrize("option", ["total", "periods", "method", "fixed", "bounds"])
def test_what_is_no_number_and_no_name_is_refused_as_an_option(option, value):
    value = "" if value is None and option in ("method", "bounds") else value  # there None is the default, or open
    given = {"fixed": [value], "bounds": {"tv": (0.0, value)}}.get(option, value)
    with pytest.raises(dcm.ConfigError) as refused:
        dcm.optimize_budget_from_curves(CURVES, **({"total": 10.0} | {option: given}))
    assert "\n" not in str(refused.value)


def test_a_plan_of_todays_spend_has_the_outcome_of_the_curves_and_its_sums():
    table = pd.DataFrame(
        {
            "channel": ["tv", "tv", "radio", "radio", "mail"], "region": ["a", "b", "a", "b", "a"],
            "bottom": 1.0, "top": [5.0, 9.0, 5.0, 1.0, 5.0], "half_saturation": [2.0, 4.0, 3.0, 3.0, 3.0],
            "slope": 1.0, "spend_today": [2.0, 4.0, 6.0, 3.0, 0.0], "largest_x": [2.0, 3.9, 9.0, 9.0, 9.0],
        }
    )  # fmt: skip
    plan = dcm.optimize_budget_from_curves(table, 15.0, fixed=["tv", "radio", "mail"], starts=1)
    outcome = [2.0, 4.0, 4.0 * 2 / 3, 0.0, 0.0]
    for name in ("today", "plan"):
        np.testing.assert_allclose(plan.table[f"spend_{name}"], table["spend_today"], atol=1e-9)
        np.testing.assert_allclose(plan.table[f"incremental_outcome_{name}"], outcome, atol=1e-9)
        np.testing.assert_allclose(plan.channels[f"spend_{name}"], [6.0, 9.0, 0.0], atol=1e-9)
        np.testing.assert_allclose(plan.channels[f"roi_{name}"].iloc[:2], [1.0, 4.0 * 2 / 3 / 9.0])
        whole = 6.0 + 4.0 * 2 / 3
        np.testing.assert_allclose(plan.summary[name], [15.0, whole, whole / 15.0])
    assert np.isnan(plan.channels["roi_today"].iloc[2])
    np.testing.assert_allclose(plan.table["change"], 0.0, atol=1e-9)
    np.testing.assert_allclose(plan.summary["change"], 0.0, atol=1e-9)
    assert plan.table["extrapolation"].tolist() == [False, True, False, False, False]
    assert list(plan.table.columns[:2]) == ["channel", "region"]
    assert (plan.total, plan.split, len(plan.draws)) == (pytest.approx(15.0), "channel_region", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"half_saturation": [2.0, 0.0]}, "half_saturation of 'radio' must be above 0"),
        ({"slope": [-1.0, 1.0]}, "slope of 'tv' must be above 0"),
        ({"top": [5.0, -0.1]}, "The top of 'radio' lies below its bottom"),
        ({"channel": ["tv", "tv"]}, "a channel \\(or a channel and region\\) twice"),
    ],
)
def test_parameters_that_make_no_curve_are_refused(change, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.optimize_budget_from_curves(CURVES.assign(**change), 10.0)
    with pytest.raises(dcm.DataError, match="has no rows"):
        dcm.optimize_budget_from_curves(CURVES.iloc[:0], 10.0)
    dcm.optimize_budget_from_curves(CURVES.assign(top=0.0), 10.0, starts=1)  # a curve may be flat


def test_over_several_periods_a_plan_is_that_of_one_as_often():
    one, four = (dcm.optimize_budget_from_curves(CURVES, 10.0 * n, periods=n) for n in (1, 4))
    np.testing.assert_allclose(four.table["spend_plan"], 4 * one.table["spend_plan"], rtol=1e-3)
    assert four.summary.loc["incremental_outcome", "plan"] == pytest.approx(
        4 * one.summary.loc["incremental_outcome", "plan"], rel=1e-6
    )
    assert four.shadow_price == pytest.approx(one.shadow_price, rel=1e-3)
    assert (one.period, four.period) == ("1 periods of the curves", "4 periods of the curves")
    assert one.starts["start"].iloc[-1] == "random 7"  # the last of eight


@pytest.mark.parametrize(("periods", "beyond"), [(1.0, True), (4.0, False), (0.25, True)])
def test_extrapolation_is_of_one_periods_spend(periods, beyond):
    table = _table(0, 2, (0.5, 1.0)).assign(largest_x=50.0)
    plan = dcm.optimize_budget_from_curves(table, 160.0, periods=periods, bounds={"c0": (120.0, 120.0)})
    assert plan.table["extrapolation"].iloc[0] == beyond


def test_what_is_fixed_at_todays_spend_needs_it():
    table = _table(0, 2, (0.5, 1.0)).drop(columns="spend_today")
    with pytest.raises(dcm.DataError, match="Fixed channels keep 'spend_today'"):
        dcm.optimize_budget_from_curves(table, 60.0, fixed=["c0"])
