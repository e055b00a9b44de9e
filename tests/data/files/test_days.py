import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm


def days(n=28, start="2024-01-03", **columns):
    rng = np.random.default_rng(0)
    made = {"day": pd.date_range(start, periods=n), "sales": rng.uniform(1, 2, n), "price": rng.uniform(8, 9, n)}
    return pd.DataFrame(made | columns)


def weekly(table, **options):
    return dcm.to_weeks(table, time="day", flows=["sales"], levels=["price"], **options)


def test_flows_are_added_up_and_levels_averaged():
    table = days()
    week = weekly(table)
    np.testing.assert_allclose(week.sales, table.sales.to_numpy().reshape(4, 7).sum(axis=1))
    np.testing.assert_allclose(week.price, table.price.to_numpy().reshape(4, 7).mean(axis=1))
    assert week.day.dt.day_name().eq("Wednesday").all()  # of the first day


def test_the_order_of_rows_does_not_matter():
    table = days()
    pd.testing.assert_frame_equal(weekly(table.sample(frac=1, random_state=2)), weekly(table))


def test_regions_are_kept_apart():
    table = pd.concat([days(geo="a"), days(geo="b", sales=3.0)])
    week = weekly(table, region="geo")
    np.testing.assert_allclose(week.sales[week.geo == "b"], 21.0)
    assert len(week) == 8


def test_a_last_week_that_lacks_days_is_left_out_and_said():
    with pytest.warns(dcm.DataWarning, match="left out: the week from 2024-01-31"):
        assert len(weekly(days(30))) == 4


def test_a_region_that_begins_or_ends_within_a_week_loses_that_week():
    table = pd.concat([days(geo="a"), days(geo="b").iloc[3:24]])
    with pytest.warns(dcm.DataWarning, match="2024-01-03 of region b, and 1 more"):
        week = weekly(table, region="geo")
    assert week.geo.tolist() == ["a"] * 4 + ["b"] * 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(index=9), "Only 6 of 7 days have rows in the week from 2024-01-10; add the others"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "A day occurs twice in the week from 2024-01-03"),
        (lambda t: t.assign(sales=["much", *t.sales[1:]]), "has the text 'much' on 2024-01-03"),
        (lambda t: t.assign(day=[None, *t.day[1:]]), "has no date in row 1"),
        (lambda t: t.drop(columns="price"), "no column 'price'"),
    ],
)
def test_days_that_cannot_be_added_up_are_refused(change, sentence):
    with pytest.raises(dcm.DataError, match=sentence):
        weekly(change(days()))


def test_a_missing_level_of_a_day_is_not_averaged_over():
    table = days()
    table.loc[3, "price"] = np.nan
    assert weekly(table).price.isna().tolist() == [True, False, False, False]


def test_a_missing_kpi_of_a_day_is_a_missing_kpi_of_the_week():
    table = days()
    table.loc[3, "sales"] = np.nan
    assert weekly(table).sales.isna().tolist() == [True, False, False, False]


def test_the_revenue_of_days_survives_adding_them_up_to_weeks(tmp_path):
    rng = np.random.default_rng(1)
    day = pd.date_range("2024-01-01", periods=7 * 40)
    weekend = day.day_of_week >= 5
    table = pd.DataFrame(
        {
            "day": day,
            "orders": np.where(weekend, 60.0, 20.0) + rng.integers(0, 9, len(day)),
            "revenue_per_order": np.where(weekend, 4.0, 8.0),  # a rebate at the weekend, when most is sold
            "tv_impressions": rng.integers(10, 1000, len(day)),
        }
    )
    table.loc[:6, "orders"] = 0.0  # a week without orders has the mean price
    table.to_csv(tmp_path / "days.csv", index=False)
    panel = dcm.read_panel(tmp_path / "days.csv", keep_schema=False)
    earned = (table.orders * table.revenue_per_order).to_numpy().reshape(40, 7).sum(axis=1)
    np.testing.assert_allclose((panel.kpi * panel.revenue_per_kpi)[0], earned, rtol=1e-12)
    np.testing.assert_allclose(panel.revenue_per_kpi[0, 0], table.revenue_per_order[:7].mean())
