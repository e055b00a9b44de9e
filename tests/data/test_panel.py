import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.scaling import scales_from


def table(n_regions=2, n_weeks=20):
    rng = np.random.default_rng(0)
    rows = [(f"r{r}", week) for r in range(n_regions) for week in range(n_weeks)]
    df = pd.DataFrame(rows, columns=["geo", "week"])
    df["sales"] = rng.uniform(50, 100, len(df))
    df["tv"] = rng.uniform(0, 10, len(df))
    df["search"] = rng.uniform(0, 10, len(df))
    df["price"] = rng.normal(size=len(df))
    return df


ROLES = {"region": "geo", "time": "week", "kpi": "sales", "media": ["tv", "search"], "controls": ["price"]}


def panel_of(df, **changes):
    return dcm.Panel.from_dataframe(df, **(ROLES | changes))


def test_rows_in_any_order_give_the_same_panel():
    df = table()
    shuffled = panel_of(df.sample(frac=1, random_state=3))
    np.testing.assert_array_equal(shuffled.kpi, panel_of(df).kpi)
    assert list(shuffled.regions) == ["r0", "r1"]


def test_table_comes_back():
    df = table()
    back = panel_of(df).to_dataframe()
    pd.testing.assert_frame_equal(back[df.columns.tolist()], df, check_dtype=False)


@given(gone=st.sets(st.integers(0, 39), min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_gaps_get_no_weight_and_no_exposure(gone):
    df = table()
    panel = panel_of(df.drop(index=list(gone)))
    kept = set(df.index) - gone
    assert panel.weights.sum() == len(kept) == panel.present.sum()
    assert panel.exposure[~panel.present].sum() == 0


def test_exposure_before_the_first_kpi_is_history():
    df = table()
    df.loc[:4, "sales"] = np.nan
    panel = panel_of(df)
    assert panel.weights[0, :5].sum() == 0
    assert panel.present[0, :5].all()
    assert panel.exposure[0, :5].sum() > 0


def test_later_missing_kpi_is_masked_on_request_only():
    df = table()
    df.loc[7, "sales"] = np.nan
    with pytest.raises(dcm.DataError, match=r"'sales' has no value at region r0, week 7"):
        panel_of(df)
    assert panel_of(df, missing_kpi="mask").weights[0, 7] == 0


def test_weeks_after_the_last_kpi_of_any_region_are_planned_ones():
    df = table()
    df.loc[df["week"] >= 18, "sales"] = np.nan
    np.testing.assert_array_equal(panel_of(df).weights, np.repeat([[1.0] * 18 + [0.0] * 2], 2, axis=0))
    df.loc[(df["geo"] == "r1") & (df["week"] == 18), "sales"] = 5.0
    with pytest.raises(dcm.DataError, match="'sales' has no value at region r0, week 18"):
        panel_of(df)


def test_national_table_needs_no_region():
    df = table(1).drop(columns="geo")
    assert panel_of(df, region=None).shape == (1, 20, 2, 1)


def test_dates_and_numbers_are_one_week_apart():
    df = table()
    df["week"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * df["week"], unit="D")
    panel = panel_of(df.astype({"week": str}))
    assert isinstance(panel.weeks, pd.DatetimeIndex)
    np.testing.assert_allclose(np.diff(panel.week_numbers), 1.0)


def _with(row, column, value):
    def change(df):
        df = df.astype({column: object}) if isinstance(value, str) else df
        df.loc[row, column] = value
        return df

    return change


BAD_TABLES = {
    "misspelt column": (lambda df: df.rename(columns={"tv": "tvv"}), r"no column 'tv'; did you mean 'tvv'\?"),
    "duplicate": (lambda df: pd.concat([df, df.iloc[[3]]]), r"2 rows for region r0, week 3"),
    "negative exposure": (_with(5, "tv", -1.0), r"'tv' has a negative exposure, -1, at region r0, week 5"),
    "missing exposure": (_with(5, "tv", np.nan), r"'tv' has no value at region r0, week 5"),
    "infinite exposure": (_with(25, "search", np.inf), r"'search' is infinite at region r1, week 5"),
    "infinite KPI": (_with(5, "sales", np.inf), r"'sales' is infinite at region r0, week 5"),
    "missing control": (_with(6, "price", np.nan), r"'price' has no value at region r0, week 6"),
    "text": (_with(8, "tv", "many"), r"'tv' has the text 'many' at region r0, week 8"),
    "silent region": (lambda df: df.assign(sales=df["sales"].where(df["geo"] == "r0")), r"Region r1 has no observed KPI"),
    "empty": (lambda df: df.iloc[:0], r"no rows"),
    "half weeks": (lambda df: df.assign(week=df["week"] * 1.5), r"weeks must be dates or whole numbers"),
    "year-week codes": (lambda df: df.assign(week=df["week"] + 80 * (df["week"] > 9)), r"jumps from week 9 to 90"),
    "every other week": (lambda df: df.assign(week=df["week"] * 2), r"irregular steps"),
    "uneven dates": (
        lambda df: df.assign(week=pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * df["week"] + (df["week"] == 5), "D")),
        r"Week 2024-02-06 .* not a whole number of weeks",
    ),
    "no dates": (lambda df: df.assign(week="soon"), r"'soon', which is not a date"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_table_is_refused_in_one_sentence(name):
    spoil, message = BAD_TABLES[name]
    with pytest.raises(dcm.DataError, match=message) as caught:
        panel_of(spoil(table()))
    assert "\n" not in str(caught.value)


BAD_PANELS = {
    "all zero": (lambda df: df.assign(tv=0.0), r"'tv' is zero in all training weeks"),
    "constant": (lambda df: df.assign(tv=3.0), r"'tv' never varies"),
    "identical": (lambda df: df.assign(tv=df["search"]), r"'tv' and 'search' are identical"),
    "multiple": (lambda df: df.assign(tv=2 * df["search"]), r"'tv' and 'search' are multiples"),
    "negative KPI": (lambda df: df.assign(sales=-df["sales"]), r"KPI of region r0 averages -"),
}


@pytest.mark.parametrize("name", BAD_PANELS)
def test_unfit_panel_is_refused_before_training(name):
    spoil, message = BAD_PANELS[name]
    with pytest.raises(dcm.DataError, match=message):
        dcm.fit(panel_of(spoil(table())), holdout=4)


@pytest.mark.parametrize(
    ("holdout", "message"),
    [
        (0, "1 or more, got 0"),
        (-1, "1 or more"),
        (20, "holds out all"),
        (99, "holds out all"),
        (10, "leaves 10 to train on"),
        (2.5, "whole number"),
    ],
)
def test_bad_holdout_is_refused(holdout, message):
    with pytest.raises(dcm.DataError, match=message):
        training_weights(panel_of(table()), holdout)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"media": []}, "at least one"),
        ({"media": "tv"}, "must be a list"),
        ({"media": ["tv", "tv"]}, "given twice as a media channel"),
        ({"controls": ["tv"]}, "given both as a media channel and as a control"),
        ({"media": ["tv", "geo"]}, "given both as the region and as a media channel"),
        ({"spend": {"radio": "tv"}}, "'radio', which is not a media column"),
        ({"spend": ["tv"]}, "names 1 columns for 2"),
        ({"revenue_per_kpi": -1.0}, "above 0"),
        ({"missing_kpi": "drop"}, "'error' or 'mask'"),
    ],
)
def test_bad_request_is_refused(changes, message):
    with pytest.raises(dcm.DataError, match=message):
        panel_of(table(), **changes)


def test_rows_of_several_regions_without_a_region_column_say_what_is_missing():
    with pytest.raises(dcm.DataError, match=r"rows for week 0; keep one or add them up, or name the region column"):
        panel_of(table(), region=None)


def test_scales_keep_the_level_and_see_training_weeks_only():
    df = table()
    panel = panel_of(df)
    weights = training_weights(panel, 4)
    scales = scales_from(panel, weights)
    later = panel_of(df.assign(**{c: df[c].where(df["week"] < 16, 1e6) for c in ("sales", "tv", "price")}))
    for name, ours, theirs in zip(scales._fields, scales, scales_from(later, training_weights(later, 4)), strict=True):
        assert ours is theirs is None or np.testing.assert_allclose(ours, theirs, err_msg=name) is None
    np.testing.assert_allclose(scales.kpi, panel.kpi[:, :16].mean(axis=1))


def test_dma_panel_lacks_316_region_weeks(shared_data):
    df = pd.read_csv(shared_data / "dma_panel" / "panel.csv")
    media = [name for name in df if name.startswith("impressions_")]
    panel = dcm.Panel.from_dataframe(df, region="dmacode", time="weekid", kpi="target_visits", media=media)
    assert panel.shape == (190, 101, 13, 0)
    assert (panel.weights == 0).sum() == 316


def test_simulation_repeats_and_adds_up():
    (panel, truth), (again, _) = dcm.simulate(3, 40, 2, 1, seed=5), dcm.simulate(3, 40, 2, 1, seed=5)
    np.testing.assert_array_equal(panel.kpi, again.kpi)
    noise = (panel.kpi - truth.baseline.values - truth.contributions.sum("channel").values) / panel.kpi.mean(axis=1)[
        :, None
    ]
    assert 0.5 * truth.noise < noise.std() < 1.5 * truth.noise
    np.testing.assert_allclose(truth.contributions.sum() / panel.kpi.sum(), truth.parameters["share"].sum())


def test_a_table_of_two_columns_with_one_name_is_refused(small_panel):
    """The spend was lost under a control called `channel_1_spend`, and read back as what the channel cost."""
    renamed = dataclasses.replace(small_panel, controls=("channel_1_spend", *small_panel.controls[1:]))
    with pytest.raises(dcm.DataError, match="two columns called 'channel_1_spend', of different content; rename"):
        renamed.to_dataframe()


def test_a_population_that_is_a_control_too_keeps_its_weeks():
    panel = dcm.simulate(2, 20, 1, 1, seed=1)[0]
    people = np.linspace(900.0, 1100.0, 40)
    table = panel.to_dataframe().assign(population=people)
    roles = {"region": "region", "time": "time", "kpi": "sales", "media": ["channel_1"], "population": "population"}
    made = dcm.Panel.from_dataframe(table, **roles, controls=["population"])
    np.testing.assert_array_equal(made.to_dataframe()["population"], people)
