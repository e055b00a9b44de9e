"""What stands in a file is what the panel has: names of columns, codes of regions, numbers."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.data.readers.read_table import read_table
from tests.data.test_panel import panel_of, table

ARRAYS = ("kpi", "weights", "present", "exposure", "control", "spend", "revenue_per_kpi", "population")


def priced(n_regions=3):
    df = table(n_regions)
    rng = np.random.default_rng(1)
    return df.assign(
        tv_cost=df["tv"] * 0.1,
        search_cost=df["search"] * 0.3,
        worth=rng.uniform(1, 2, len(df)),
        people=1000.0 * (1 + df.groupby("geo").ngroup()) * rng.uniform(1, 1.1, len(df)),
    )


ALL_ROLES = {"spend": {"tv": "tv_cost", "search": "search_cost"}, "revenue_per_kpi": "worth", "population": "people"}


def assert_same(one, other):
    assert list(one.regions) == list(other.regions)
    pd.testing.assert_index_equal(one.weeks, other.weeks)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def file_of(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def with_regions(labels, **changes):
    df = table(len(labels))
    return df.assign(geo=df["geo"].map({f"r{i}": label for i, label in enumerate(labels)}), **changes)


@given(order=st.permutations(range(60)), columns=st.permutations(range(10)))
@settings(max_examples=10, deadline=None)
def test_neither_the_order_of_rows_nor_that_of_columns_counts(order, columns):
    df = priced()
    moved = df.iloc[list(order), list(columns)]
    assert_same(panel_of(moved, **ALL_ROLES), panel_of(df, **ALL_ROLES))


def test_a_file_gives_the_panel_of_its_table(tmp_path):
    df = priced()
    df.to_csv(tmp_path / "t.csv", index=False)
    assert_same(panel_of(read_table(tmp_path / "t.csv"), **ALL_ROLES), panel_of(df, **ALL_ROLES))


CELL = st.one_of(
    st.sampled_from(["NA", "NaN", "nan", "null", "None", "01", "1E5", "True", "1.0", "-", "a b", 'say "no"', "x,y"]),
    st.text("ab1.0 ", min_size=1, max_size=4),
)


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_no_cell_is_changed_and_none_is_empty_that_is_filled(tmp_path_factory, rows):
    text = io.StringIO()
    csv.writer(text).writerows([("geo", "sales"), *rows])
    df = read_table(file_of(tmp_path_factory.mktemp("cells"), text.getvalue()))
    assert [tuple(row) for row in df.itertuples(index=False)] == rows


def test_regions_stay_as_they_are_written(tmp_path):
    labels = ["NA", "NaN", "null", "01", "1", "1E5", "True", "1.0"]
    with_regions(labels).to_csv(tmp_path / "t.csv", index=False)
    panel = panel_of(read_table(tmp_path / "t.csv"))
    assert list(panel.regions) == sorted(labels)
    assert panel.present.all()


def test_codes_of_digits_stand_in_the_order_of_their_numbers():
    as_text, as_numbers_ = (panel_of(with_regions(codes)) for codes in (["1000", "99", "501"], [1000, 99, 501]))
    assert list(as_text.regions) == ["99", "501", "1000"]
    assert list(as_numbers_.regions) == [99, 501, 1000]
    np.testing.assert_array_equal(as_text.kpi, as_numbers_.kpi)


def test_a_whole_float_is_the_number_that_was_written():
    assert list(panel_of(with_regions([501.0, 99.0])).regions) == [99, 501]


def test_blanks_around_a_region_are_not_part_of_it():
    df = table(1)
    assert list(panel_of(df.assign(geo=["north", " north ", "north\u00a0", "north"] * 5)).regions) == ["north"]


@pytest.mark.parametrize("empty", [np.nan, None, "", "  ", pd.NA])
def test_a_row_without_a_region_is_refused_by_its_number(empty):
    df = with_regions([501, 502]).astype({"geo": object})
    df.loc[6, "geo"] = empty
    with pytest.raises(dcm.DataError, match="'geo' has no region in row 7; every row needs one"):
        panel_of(df)


def test_an_empty_region_beside_codes_is_refused_and_not_made_a_decimal_number(tmp_path):
    text = with_regions([501, 502]).to_csv(index=False).replace("502,4,", ",4,")
    with pytest.raises(dcm.DataError, match="'geo' has no region in row 25"):
        panel_of(read_table(file_of(tmp_path, text)))


@pytest.mark.parametrize(("known", "asked"), [([501, 502], ["501", "502"]), (["501", "502"], [501, 502]), (["7", "8"], [7.0, 8.0])])  # fmt: skip
def test_a_panel_to_predict_matches_regions_by_what_is_written(known, asked):
    history, future = (panel_of(with_regions(labels)) for labels in (known, asked))
    assert continued(history, future)[2].tolist() == [0, 1]
    np.testing.assert_array_equal(history.select(regions=asked[:1]).kpi, history.kpi[:1])


def test_a_code_that_lost_its_zero_is_told_from_the_one_that_has_it():
    with pytest.raises(dcm.DataError, match="not fitted to region 1; did you mean '01', read as text?"):
        continued(panel_of(with_regions(["01", "02"])), panel_of(with_regions([1, 2])))


def test_na_is_missing_where_numbers_belong(tmp_path):
    text = with_regions(["NA"]).to_csv(index=False).replace(f",{table(1)['sales'][7]},", ",NA,")
    df = read_table(file_of(tmp_path, text))
    with pytest.raises(dcm.DataError, match=r"'sales' has no value at region NA, week 7"):
        panel_of(df)
    assert panel_of(df, missing_kpi="mask").weights[0].tolist() == [1.0] * 7 + [0.0] + [1.0] * 12


@pytest.mark.parametrize(
    ("cells", "numbers", "unreadable"),
    [
        (["1", " 2.5 ", "1e3", ""], [1, 2.5, 1000, np.nan], []),
        (["NA", "N/A", "NULL", "3"], [np.nan, np.nan, np.nan, 3], []),
        (["True", "False", "NA"], [1, 0, np.nan], []),
        ([True, None, False], [1, np.nan, 0], []),
        (["True", "7"], [np.nan, 7], [0]),
        (["1,5", "$3", "1_000", "-"], [np.nan] * 4, [0, 1, 2, 3]),
        (pd.to_datetime(["2024-01-01"]), [np.nan], [0]),
        (pd.array([1, None], dtype="Int64"), [1, np.nan], []),
    ],
)
def test_cells_are_numbers_or_missing_or_said_to_be_neither(cells, numbers, unreadable):
    read, bad = as_numbers(pd.Series(cells))
    np.testing.assert_array_equal(read, numbers)
    assert np.flatnonzero(bad).tolist() == unreadable


def twice(df, name, again):
    return pd.concat([df, df[[name]].rename(columns={name: again}) * 3], axis=1)


@pytest.mark.parametrize("again", ["sales", " sales", "sales ", "\ufeffsales"])
def test_two_columns_of_one_name_are_refused_where_the_name_is_asked_for(tmp_path, again):
    df = twice(table(), "sales", again)
    df.to_csv(tmp_path / "t.csv", index=False)
    for read in (df, read_table(tmp_path / "t.csv")):
        with pytest.raises(dcm.DataError, match=r"has 2 columns named 'sales'.*; rename or remove all but one"):
            panel_of(read)


def test_two_columns_of_a_name_that_nobody_asks_for_do_no_harm(tmp_path):
    df = table()
    notes = twice(df.assign(note=1), "note", "note")
    notes.to_csv(tmp_path / "t.csv", index=False)
    assert_same(panel_of(read_table(tmp_path / "t.csv")), panel_of(df))
    assert_same(panel_of(notes), panel_of(df))


def test_parquet_keeps_its_names_and_its_index(tmp_path):
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    df = with_regions(["NA", "01"])
    df.set_index("week").to_parquet(tmp_path / "indexed.parquet")
    assert_same(panel_of(read_table(tmp_path / "indexed.parquet")), panel_of(df))
    both = arrow.Table.from_pandas(df).append_column("sales", arrow.array(df["sales"] * 2))
    parquet.write_table(both, tmp_path / "twice.parquet")
    with pytest.raises(dcm.DataError, match="has 2 columns named 'sales'"):
        panel_of(read_table(tmp_path / "twice.parquet"))


def test_a_column_may_be_called_as_pandas_calls_the_second_of_a_name(tmp_path):
    df = twice(table(), "sales", "sales.1")
    df.to_csv(tmp_path / "t.csv", index=False)
    panel = panel_of(read_table(tmp_path / "t.csv"), kpi="sales.1")
    np.testing.assert_allclose(panel.kpi, 3 * panel_of(table()).kpi)


def test_blanks_and_byte_order_marks_are_no_part_of_a_name(tmp_path):
    df = table()
    text = df.to_csv(index=False).replace("geo,week,sales", '"geo" , week,sales ', 1)
    assert_same(panel_of(read_table(file_of(tmp_path, text, encoding="utf-8-sig"))), panel_of(df))
    assert_same(panel_of(df.rename(columns={"sales": " sales", "tv": "\ufefftv"})), panel_of(df))


def test_numbers_may_name_columns():
    df = table().set_axis(range(6), axis=1)
    panel = dcm.Panel.from_dataframe(df, region=0, time=1, kpi=2, media=[3, 4], controls=[5])
    assert (panel.channels, panel.controls, panel.kpi_name) == (("3", "4"), ("5",), "2")


def test_a_week_in_the_index_is_pointed_at():
    with pytest.raises(dcm.DataError, match=r"'week' is the table's index, not a column; call df.reset_index\(\)"):
        panel_of(table().set_index("week"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spend": {"tv": "tv_cost", "search": "tv_cost"}}, "'tv_cost' is given both as the spend of 'tv' and as the spend of 'search'; split it"),
        ({"spend": ["tv_cost", "tv_cost"]}, "'tv_cost' is given both as the spend of 'tv' and as the spend of 'search'; split it"),
        ({"spend": ["search", "tv"]}, "'search' is given both as a media channel and as the spend of 'tv'"),
        ({"spend": {"tv": "price"}}, "'price' is given both as the spend of 'tv' and as a control"),
        ({"spend": {"tv": "sales"}}, "'sales' is given both as the KPI and as the spend of 'tv'"),
        ({"spend": {"tv": "week"}}, "'week' is given both as the week and as the spend of 'tv'"),
        ({"revenue_per_kpi": "sales"}, "'sales' is given both as the KPI and as the revenue per KPI"),
        ({"population": "sales"}, "'sales' is given both as the KPI and as the population"),
        ({"population": "people", "revenue_per_kpi": "people"}, "'people' is given both as the population and as the revenue per KPI"),
        ({"controls": ["price", "tv_cost"], "spend": {"tv": "tv_cost"}}, "'tv_cost' is given both as the spend of 'tv' and as a control"),
        ({"controls": "price"}, "controls must be a list of columns"),
    ],
)  # fmt: skip
def test_a_column_has_one_role(changes, message):
    with pytest.raises(dcm.DataError, match=message):
        panel_of(priced(), **changes)


def test_spend_may_stand_in_for_exposure_and_a_price_be_worth_and_control():
    panel = panel_of(priced(), spend={"tv": "tv"}, controls=["price", "worth"], revenue_per_kpi="worth")
    np.testing.assert_array_equal(panel.spend[:, :, 0], panel.exposure[:, :, 0])
    np.testing.assert_array_equal(panel.revenue_per_kpi, panel.control[:, :, 1])
