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


def test_curves_are_fitted_back_by_region_and_the_interval_holds_the_truth():
    rng = np.random.default_rng(0)
    x = np.tile(rng.uniform(0, 60, 80), 2)
    region = np.repeat(["north", "south"], 80)
    top = np.where(region == "north", 30.0, 50.0)
    y = hill_value(x, 5.0, top, 12.0, 1.6) + rng.normal(0, 0.5, 160)
    table = dcm.fit_hill(x, y, region).set_index("region")
    for label, true in (("north", 30.0), ("south", 50.0)):
        row = table.loc[label]
        for name, value in {"bottom": 5.0, "top": true, "half_saturation": 12.0, "slope": 1.6}.items():
            np.testing.assert_allclose(row[name], value, rtol=0.25)
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
        np.testing.assert_allclose(row["saturation_point"], 12.0 * 9 ** (1 / 1.6), rtol=0.25)
        assert row["r2"] > 0.98
    assert list(dcm.fit_hill(x, y)["region"]) == ["all"]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3], [1, 2, 3], "5 rows or more"),
        ([1] * 6, range(6), "does not vary"),
        ([-1, 2, 3, 4, 5], range(5), "0 or more"),
        ([1, 2, 3, 4, np.nan], range(5), "finite"),
        ([1, 2, 3, 4, 5], range(6), "must be equal"),
    ],
)
def test_tables_that_hold_no_curve_are_refused(x, y, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.fit_hill(x, y)


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


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_value_that_is_no_number_makes_no_curve(name, value):
    spend = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]
    for wrong in ([*spend[:5], value], value):
        with pytest.raises(dcm.DataError) as refused:
            dcm.fit_hill(**({"x": spend, "y": spend} | {name: wrong}))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("label", [None, [1], np.nan, pd.NaT, np.ones(2)], ids=str)
def test_a_row_without_the_label_of_a_region_makes_no_curve(label):
    with pytest.raises(dcm.DataError, match="region must have the label of a region in every row; some rows have none"):
        dcm.fit_hill(range(1, 7), range(1, 7), ["north"] * 5 + [label])
