"""`update FILE` takes the columns that the run was made of, not others that look like them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.run_columns import panel_like

OLD = slice(0, 50)


def like(table, run, tmp_path):
    table.to_csv(tmp_path / "file.csv", index=False)
    return panel_like(tmp_path / "file.csv", run, None, mask_missing_kpi=False, keep_trailing_zeros=False)


@pytest.fixture
def table(small_panel):
    return small_panel.to_dataframe()


def later(table, small_panel):
    """Whether a row is of a week that the run did not have."""
    return pd.to_datetime(table["time"]) >= small_panel.weeks[50]


def test_a_flag_that_is_nearly_always_0_is_not_the_spend_of_a_channel_seldom_on_air(small_panel, table, tmp_path):
    seldom = table["channel_1"].where(np.arange(len(table)) % 15 == 0, 0.0)
    table["channel_1"], table["eur_1"] = seldom, 0.02 * seldom
    table.insert(3, "openings", 1.0 * (np.arange(len(table)) % 59 == 0))
    columns = {"region": "region", "time": "time", "kpi": "sales", "media": list(small_panel.channels)}
    whole = dcm.Panel.from_dataframe(table, **columns, spend={"channel_1": "eur_1"})
    run = dataclasses.replace(whole, control=small_panel.control, controls=small_panel.controls).select(weeks=OLD)
    found = like(table.drop(columns="channel_1_spend"), run, tmp_path)
    np.testing.assert_allclose(found.spend[:, :, 0], whole.spend[:, :, 0])


def test_the_column_that_holds_the_spend_is_taken_before_one_that_is_named_like_it(small_panel, table, tmp_path):
    table["tv_net"] = table["channel_1_spend"]
    table["channel_1_spend"] *= 1.7
    found = like(table, small_panel.select(weeks=OLD), tmp_path)
    np.testing.assert_allclose(found.spend, small_panel.spend)


def test_a_spend_that_was_revised_throughout_is_found_by_its_name(small_panel, table, tmp_path):
    table["channel_1_spend"] *= 1.7
    found = like(table, small_panel.select(weeks=OLD), tmp_path)
    np.testing.assert_allclose(found.spend[:, :, 0], 1.7 * small_panel.spend[:, :, 0])


def test_two_columns_that_differ_in_new_weeks_alone_are_asked_about(small_panel, table, tmp_path):
    held = table["channel_1_spend"]
    table = table.assign(net=held, gross=held.where(~later(table, small_panel), 2.0 * held))
    with pytest.raises(dcm.DataError, match="Columns 'net' and 'gross' both hold figures of the run"):
        like(table.drop(columns="channel_1_spend"), small_panel.select(weeks=OLD), tmp_path)


def test_a_revenue_that_was_one_number_is_not_taken_from_a_column_that_happened_to_hold_it(
    small_panel, table, tmp_path
):
    run = dataclasses.replace(small_panel, revenue_per_kpi=np.full(small_panel.kpi.shape, 10.0)).select(weeks=OLD)
    table = table.drop(columns="revenue_per_kpi")
    steady = like(table.assign(list_price=10.0), run, tmp_path)
    np.testing.assert_array_equal(steady.revenue_per_kpi, 10.0)
    changed = np.where(later(table, small_panel), 14.0, 10.0)
    with pytest.raises(
        dcm.DataError, match="a column 'list_price' that was 10 in all weeks of the run, as its revenue"
    ):
        like(table.assign(list_price=changed), run, tmp_path)
    named = like(table.assign(revenue_per_order=changed), run, tmp_path)
    assert set(named.revenue_per_kpi.ravel()) == {10.0, 14.0}


@pytest.mark.parametrize("people", [1000.0, 1e5, 500.0])
def test_a_kpi_per_head_is_made_totals_as_in_the_run(small_panel, table, tmp_path, people):
    heads = dict(zip(small_panel.regions, [80_000.0, 125_000.0, 2e5, 7e4], strict=True))
    table["heads"] = table["region"].map(heads)
    table["sales"] = table["sales"] / table["heads"] * people
    columns = {"region": "region", "time": "time", "kpi": "sales", "media": list(small_panel.channels)}
    columns |= {"population": "heads", "controls": list(small_panel.controls)}
    run = dcm.Panel.from_dataframe(table, **columns, kpi_per=people).select(weeks=OLD)
    found = like(table, run, tmp_path)
    np.testing.assert_allclose(found.kpi, small_panel.kpi, rtol=1e-9)


@pytest.mark.parametrize("people", [None, 1000.0])
def test_a_population_that_moves_is_found_again_and_counts_by_week(small_panel, table, tmp_path, people):
    growth = 1.0 + 0.002 * table.groupby("region").cumcount()
    table["heads"] = growth * table["region"].map(
        dict(zip(small_panel.regions, [80_000.0, 125_000.0, 2e5, 7e4], strict=True))
    )
    table["sales"] = table["sales"] / (1.0 if people is None else table["heads"] / people)
    columns = {"region": "region", "time": "time", "kpi": "sales", "media": list(small_panel.channels)}
    columns |= {"population": "heads", "controls": list(small_panel.controls)}
    run = dcm.Panel.from_dataframe(table[~later(table, small_panel)], **columns, kpi_per=people)
    found = like(table, run, tmp_path)
    np.testing.assert_allclose(found.kpi, small_panel.kpi, rtol=1e-9)
    np.testing.assert_allclose(found.population, table.groupby("region")["heads"].mean())


@pytest.mark.filterwarnings("ignore:Incomplete weeks")
@pytest.mark.parametrize("labelled_by_last_day", [False, True])
def test_days_are_added_up_to_the_weeks_of_the_run(small_panel, tmp_path, labelled_by_last_day):
    weeks = small_panel.to_dataframe()
    days = weeks.loc[weeks.index.repeat(7)].reset_index(drop=True)
    days["time"] = days["time"] + pd.to_timedelta(days.groupby(["region", "time"]).cumcount(), unit="D")
    flows = ["sales", *small_panel.channels, *(f"{name}_spend" for name in small_panel.channels)]
    days[flows] /= 7
    earlier = days[days["time"] < days["time"].min() + pd.Timedelta(days=3)]
    earlier = earlier.assign(time=earlier["time"] - pd.Timedelta(days=3))  # of a week that the run did not have
    later = pd.Timedelta(days=6 if labelled_by_last_day else 0)
    run = dataclasses.replace(small_panel, weeks=small_panel.weeks + later)
    panel = like(pd.concat([earlier, days]), run, tmp_path)
    for name in ("kpi", "exposure", "spend", "control", "revenue_per_kpi"):
        np.testing.assert_allclose(getattr(panel, name), getattr(small_panel, name), rtol=1e-6)
    assert panel.weeks.equals(run.weeks)


@pytest.mark.filterwarnings("ignore:Incomplete weeks")
def test_days_that_add_up_to_no_week_of_the_run_are_refused(small_panel, tmp_path):
    days = pd.DataFrame({"time": pd.date_range("2022-01-03", periods=420, freq="D")})
    columns = {name: np.arange(420.0) % 11 for name in ("sales", *small_panel.channels, *small_panel.controls)}
    table = pd.concat([days.assign(region=region, **columns) for region in small_panel.regions])
    with pytest.raises(dcm.DataError, match="neither the weeks that begin on the run's dates nor those that end there"):
        like(table, small_panel, tmp_path)


def test_a_file_of_days_is_not_read_as_months(tmp_path):
    months = pd.DataFrame({"time": pd.date_range("2022-01-01", periods=30, freq="MS"), "sales": 9.0, "tv": 3.0})
    run = dcm.Panel.from_dataframe(months, time="time", kpi="sales", media=["tv"])
    days = pd.DataFrame({"time": pd.date_range("2022-01-01", periods=900, freq="D"), "sales": 0.3, "tv": 0.1})
    with pytest.raises(dcm.DataError, match="has a row per day, and the run one per month; give a row per month"):
        like(days, run, tmp_path)


def test_a_file_in_another_style_than_the_first_is_read(small_panel, table, tmp_path):
    run = small_panel.select(weeks=OLD)
    table.to_csv(tmp_path / "other.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    found = panel_like(tmp_path / "other.csv", run, None, mask_missing_kpi=False, keep_trailing_zeros=False)
    np.testing.assert_allclose(found.kpi, small_panel.kpi)


def test_a_named_spend_of_which_a_week_was_revised_is_taken_before_an_unrevised_budget(small_panel, table, tmp_path):
    table["budget"] = table["channel_1_spend"]
    spent = np.where(np.arange(len(table)) == 7, 1.5, 1.0) * table["channel_1_spend"]
    found = like(table.assign(channel_1_spend=spent), small_panel.select(weeks=OLD), tmp_path)
    assert found.spend[:, :, 0].sum() > small_panel.spend[:, :, 0].sum()


def test_columns_of_one_name_that_the_run_did_not_have_do_not_matter(small_panel, table, tmp_path):
    doubled = pd.concat([table.assign(note=1.0), pd.DataFrame({"note": np.zeros(len(table))})], axis=1)
    found = like(doubled, small_panel.select(weeks=OLD), tmp_path)
    np.testing.assert_allclose(found.kpi, small_panel.kpi)


def test_a_steady_revenue_that_is_named_is_taken_beside_a_flag_that_changed(small_panel, table, tmp_path):
    run = dataclasses.replace(small_panel, revenue_per_kpi=np.ones(small_panel.kpi.shape)).select(weeks=OLD)
    open_ = np.where(later(table, small_panel), 0.0, 1.0)
    found = like(table.assign(revenue_per_kpi=1.0, store_open=open_), run, tmp_path)
    np.testing.assert_array_equal(found.revenue_per_kpi, 1.0)


def test_weeks_that_lack_days_are_told_once_and_of_the_weeks_of_the_run(small_panel, tmp_path):
    weeks = small_panel.to_dataframe()
    days = weeks.loc[weeks.index.repeat(7)].reset_index(drop=True)
    days["time"] = days["time"] + pd.to_timedelta(days.groupby(["region", "time"]).cumcount(), unit="D")
    last = days["time"].max()
    with pytest.warns(dcm.DataWarning) as told:
        like(days[days["time"] < last - pd.Timedelta(days=2)], small_panel.select(weeks=OLD), tmp_path)
    assert len(told) == 1
    assert f"the week from {(last - pd.Timedelta(days=6)).date()} of region" in str(told[0].message)


def test_a_channel_that_comes_up_in_the_new_weeks_is_named(small_panel, table, tmp_path):
    run = small_panel.select(weeks=OLD)
    table["tiktok"] = np.where(later(table, small_panel), 5.0, 0.0)
    with pytest.warns(dcm.DataWarning, match="has figures of 'tiktok' in the new weeks alone, which the run does not"):
        assert like(table, run, tmp_path).channels == run.channels
