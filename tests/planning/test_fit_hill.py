"""Hill curves fitted to a table: found back, in any unit, with intervals; and what holds no curve is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.fit_hill import hill_value

SPEND = np.array([0.0, 1.0, 2.0, 4.0, 6.0, 9.0, 14.0, 20.0, 30.0, 45.0])
NOISE = np.array([0.3, -0.2, 0.1, -0.4, 0.2, 0.5, -0.3, -0.1, 0.2, -0.3])
NO_NUMBERS = [10**400, "many", None, [1], b"x", 1j, pd.NaT, pd.NA, pd.Timestamp("2024-01-01"), np.ones(2)]


def test_a_hill_curve_is_half_way_up_at_its_half_saturation():
    np.testing.assert_allclose(hill_value(np.array([0.0, 3.0, 1e9]), 1.0, 5.0, 3.0, 2.0), [1.0, 3.0, 5.0])
    assert hill_value(np.array(6.0), 1.0, 5.0, 3.0, 2.0) == pytest.approx(1.0 + 4.0 * 4.0 / 5.0)
    assert hill_value(np.array(-1.0), 1.0, 5.0, 3.0, 2.0) == 1.0


@pytest.mark.parametrize(("x_unit", "y_unit"), [(1.0, 1.0), (1e6, 1.0), (1e-3, 1e9)])
def test_a_curve_without_noise_is_found_back_in_any_unit(x_unit, y_unit):
    y = y_unit * hill_value(SPEND, 2.0, 10.0, 8.0, 1.5)
    row = dcm.fit_hill(x_unit * SPEND, y).iloc[0]
    found = row[["bottom", "top", "half_saturation", "slope"]].to_numpy(float)
    np.testing.assert_allclose(found, [2.0 * y_unit, 10.0 * y_unit, 8.0 * x_unit, 1.5], rtol=1e-4)
    assert row["saturation_point"] == pytest.approx(8.0 * x_unit * 9.0 ** (1 / 1.5), rel=1e-4)
    assert (row["rows"], row["largest_x"]) == (10, pytest.approx(45.0 * x_unit))
    assert row["r2"] == pytest.approx(1.0)


def test_fit_and_intervals_are_those_of_least_squares():
    y = hill_value(SPEND, 2.0, 10.0, 8.0, 1.5) + NOISE
    wide, narrow = (dcm.fit_hill(SPEND, y, level=level).iloc[0] for level in (0.9, 0.5))
    fitted = hill_value(SPEND, *wide[["bottom", "top", "half_saturation", "slope"]].to_numpy(float))
    assert ((y - fitted) ** 2).sum() < (NOISE**2).sum()
    assert wide["r2"] == pytest.approx(1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    ratio = t.ppf(0.95, 6) / t.ppf(0.75, 6)  # ten rows, four parameters
    spread = wide["bottom_high"] - wide["bottom_low"], narrow["bottom_high"] - narrow["bottom_low"]
    assert spread[0] / spread[1] == pytest.approx(ratio)
    assert (wide["bottom_high"] + wide["bottom_low"]) / 2 == pytest.approx(wide["bottom"])
    for name in ("half_saturation", "slope"):
        ends = [np.log(row[f"{name}_high"] / row[f"{name}_low"]) for row in (wide, narrow)]
        assert ends[0] / ends[1] == pytest.approx(ratio)
    for name in ("top", "saturation_point"):
        assert wide[f"{name}_low"] < narrow[f"{name}_low"] < wide[name] < narrow[f"{name}_high"] < wide[f"{name}_high"]
    # The standard error of the bottom, from the curvature at the fit by differences.
    p, steps = wide[["bottom", "top", "half_saturation", "slope"]].to_numpy(float), 1e-5
    slopes = [(hill_value(SPEND, *(p + steps * unit)) - fitted) / steps for unit in np.eye(4)]
    covariance = np.linalg.inv(np.array(slopes) @ np.transpose(slopes)) * ((y - fitted) ** 2).sum() / 6
    assert spread[0] / 2 == pytest.approx(t.ppf(0.95, 6) * np.sqrt(covariance[0, 0]), rel=1e-2)
    by_draws = np.log(wide["saturation_point_high"] / wide["saturation_point_low"])
    assert 0.1 < by_draws < 5.0


def test_five_rows_are_enough_and_a_flat_outcome_has_no_r2():
    assert dcm.fit_hill(SPEND[:5], SPEND[:5])["rows"].iloc[0] == 5
    assert np.isnan(dcm.fit_hill(SPEND, np.full(10, 3.0))["r2"].iloc[0])
    with pytest.raises(dcm.DataError, match="needs 5 rows or more, got 4 in region south"):
        dcm.fit_hill(SPEND[:9], SPEND[:9], ["north"] * 5 + ["south"] * 4)
    with pytest.raises(dcm.ConfigError, match="level must be between 0 and 1"):
        dcm.fit_hill(SPEND, SPEND, level=1.0)


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
    with pytest.raises(dcm.DataError, match="region must have a label in every row; some rows have none"):
        dcm.fit_hill(range(1, 7), range(1, 7), ["north"] * 5 + [label])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_curve_that_the_rows_do_not_show_has_wide_ends_and_none_that_is_missing(seed):
    rng = np.random.default_rng(seed)
    row = dcm.fit_hill(rng.uniform(10, 100, 60), 50 + rng.normal(0, 1, 60)).iloc[0]
    assert row["half_saturation_high"] > 1.5 * row["half_saturation_low"]
    assert not row.isna().any()


@pytest.mark.slow
def test_a_curve_seen_below_its_saturation_alone_has_an_interval_that_reaches_beyond_the_rows():
    covered = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.uniform(10, 60, 80)
        row = dcm.fit_hill(x, hill_value(x, 10.0, 50.0, 40.0, 1.0) + rng.normal(0, 1, 80)).iloc[0]
        covered += row["half_saturation_low"] <= 40.0 <= row["half_saturation_high"]
        assert np.isfinite(row["half_saturation_high"])
    assert covered >= 20
