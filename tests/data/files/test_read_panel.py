"""One table in the layouts that people's files have: each gives the panel of the plain one, or one clear sentence."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.data.files.tables import WEEKS, by_channel, daily, day, read, table

LAYOUTS = {
    "plain": lambda t, p: t.to_csv(p, index=False),
    "byte order mark": lambda t, p: t.to_csv(p, index=False, encoding="utf-8-sig"),
    "utf-16": lambda t, p: t.to_csv(p, index=False, encoding="utf-16"),
    "latin-1": lambda t, p: t.rename(columns={"price": "prix_réel"}).to_csv(p, index=False, encoding="latin-1"),
    "an index in front": lambda t, p: t.to_csv(p),
    "semicolons and decimal commas": lambda t, p: t.to_csv(p, index=False, sep=";", decimal=","),
    "tabs": lambda t, p: t.to_csv(p, index=False, sep="\t"),
    "currency signs": lambda t, p: (
        t.assign(spend_1=t.spend_1.map("${:,.2f}".format), imp_1=t.imp_1.map("{:,}".format)).to_csv(p, index=False)
    ),
    "euros as Germans write them": lambda t, p: (
        t.assign(
            spend_1=t.spend_1.map(lambda v: f"{v:,.2f} €".translate(str.maketrans(",.", ".,"))),
            imp_1=t.imp_1.map(lambda v: f"{v:,}".replace(",", ".")),
        ).to_csv(p, index=False, sep=";", decimal=",")
    ),
    "day first": lambda t, p: t.assign(week=day(t).dt.strftime("%d/%m/%Y")).to_csv(p, index=False),
    "day first with points": lambda t, p: t.assign(week=day(t).dt.strftime("%d.%m.%Y")).to_csv(p, index=False),
    "month first": lambda t, p: t.assign(week=day(t).dt.strftime("%-m/%-d/%Y")).to_csv(p, index=False),
    "named months": lambda t, p: t.assign(week=day(t).dt.strftime("%b %d, %Y")).to_csv(p, index=False),
    "ISO weeks": lambda t, p: t.assign(week=day(t).dt.strftime("%G-W%V")).to_csv(p, index=False),
    "YYYYMMDD": lambda t, p: t.assign(week=day(t).dt.strftime("%Y%m%d")).to_csv(p, index=False),
    "time stamps": lambda t, p: t.assign(week=day(t).dt.strftime("%Y-%m-%d %H:%M:%S")).to_csv(p, index=False),
    "days": lambda t, p: daily(t).to_csv(p, index=False),
    "one row per number": lambda t, p: (
        t.melt(id_vars="week", var_name="VariableName", value_name="VariableValue").to_csv(p, index=False)
    ),
    "one row per channel": lambda t, p: by_channel(t).to_csv(p, index=False),
    "Robyn": lambda t, p: (
        t.rename(columns={"week": "DATE", "sales": "revenue", "imp_1": "tv_I", "spend_1": "tv_S", "imp_2": "search_clicks_P", "spend_2": "search_S", "price": "competitor_sales_B"}).to_csv(p, index=False)
    ),
    "Meridian": lambda t, p: (
        t.rename(columns={"week": "time", "sales": "conversions", "imp_1": "TV_impression", "spend_1": "TV_spend", "imp_2": "Search_impression", "spend_2": "Search_spend", "price": "price_control"}).to_csv(p, index=False)
    ),
    "another order": lambda t, p: t[[*reversed(t.columns)]].sample(frac=1, random_state=1).to_csv(p, index=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    file = tmp_path_factory.mktemp("plain") / "plain.csv"
    table().to_csv(file, index=False)
    return dcm.read_panel(file)


def assert_same(panel, plain, order=(0, 1)):
    for name in ("kpi", "weights", "control"):
        np.testing.assert_allclose(getattr(panel, name), getattr(plain, name), rtol=1e-9)
    for name in ("exposure", "spend"):
        np.testing.assert_allclose(getattr(panel, name)[..., list(order)], getattr(plain, name), rtol=1e-9)
    assert list(panel.weeks) == list(plain.weeks)


def test_the_plain_file_is_the_panel_that_its_columns_say(plain):
    frame = table()
    said = dcm.Panel.from_dataframe(
        frame,
        time="week",
        kpi="sales",
        media=["imp_1", "imp_2"],
        spend=["spend_1", "spend_2"],
        controls=["price"],
    )
    assert_same(plain, said)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_panel_of_the_plain_file(name, plain, tmp_path):
    file = tmp_path / "file.csv"
    LAYOUTS[name](table(), file)
    swapped = name in ("one row per channel", "another order")  # search comes before tv
    assert_same(read(file), plain, (1, 0) if swapped else (0, 1))
    assert_same(read(file), plain, (1, 0) if swapped else (0, 1))  # now by the schema beside it


@pytest.mark.parametrize("name", ["plain", "days", "one row per number", "day first"])
def test_regions_are_found_by_the_column_that_tells_rows_apart(name, tmp_path):
    file = tmp_path / "file.csv"
    frame = table(3)
    if name == "one row per number":
        frame.melt(id_vars=["geo", "week"], var_name="metric", value_name="value").to_csv(file, index=False)
    else:
        LAYOUTS[name](frame, file)
    panel = read(file)
    assert list(panel.regions) == ["r0", "r1", "r2"]
    np.testing.assert_allclose(panel.kpi.ravel(), frame.sales, rtol=1e-9)


def test_a_region_may_be_called_na_or_01(tmp_path):
    frame = table(2).replace({"geo": {"r0": "NA", "r1": "01"}})
    frame.to_csv(tmp_path / "file.csv", index=False)
    assert list(read(tmp_path / "file.csv").regions) == ["01", "NA"]


def test_a_workbook_with_a_note_before_the_data_is_read(plain, tmp_path):
    pytest.importorskip("openpyxl")
    file = tmp_path / "book.xlsx"
    with pd.ExcelWriter(file) as book:
        pd.DataFrame({"note": ["exported by finance"]}).to_excel(book, sheet_name="read me", index=False)
        table().assign(week=day(table())).to_excel(book, sheet_name="data", index=False, startrow=2)
    assert_same(read(file), plain)
    with pytest.raises(dcm.DataError, match="has no sheet 'dat'; it has 'read me', 'data'"):
        dcm.read_panel(file, sheet="dat")
    with pytest.raises(dcm.DataError, match="Sheet 'read me' of .* has no row of at least 3 distinct column names"):
        dcm.read_panel(file, sheet="read me")


def test_two_sheets_with_a_table_are_asked_about(tmp_path):
    pytest.importorskip("openpyxl")
    file = tmp_path / "book.xlsx"
    with pd.ExcelWriter(file) as book:
        table().to_excel(book, sheet_name="2022", index=False)
        table().to_excel(book, sheet_name="2023", index=False)
    with pytest.raises(dcm.DataError, match="2 sheets with a table, '2022', '2023'; name one"):
        dcm.read_panel(file)
    assert read(file, sheet="2023").shape == (1, WEEKS, 2, 1)


def test_a_parquet_file_and_a_query_give_the_same_panel(plain, tmp_path):
    pytest.importorskip("pyarrow")
    table().to_parquet(tmp_path / "file.parquet")
    assert_same(read(tmp_path / "file.parquet"), plain)


def test_a_query_gives_the_same_panel(plain):
    with closing(sqlite3.connect(":memory:")) as connection:  # by itself it ends a transaction and stays open
        table().to_sql("weeks", connection, index=False)
        assert_same(read("select * from weeks", connection=connection), plain)
        with pytest.raises(dcm.DataError, match="The query failed: .*no such table: no_table"):
            dcm.read_panel("select * from no_table", connection=connection)


def test_words_become_switches_and_words_for_nothing_none(tmp_path):
    frame = table()
    event = np.where(day(frame).dt.month == 3, "sale", np.where(day(frame).dt.month == 5, "fair", "na"))
    frame.assign(event=event).to_csv(tmp_path / "file.csv", index=False)
    panel = read(tmp_path / "file.csv")
    assert panel.controls == ("price", "event_fair", "event_sale")
    np.testing.assert_array_equal(panel.control[0, :, 2], (event == "sale").astype(float))


@pytest.mark.parametrize("names", [("tv", "search"), ("x1", "x2"), ("zlorp", "channel_2")])
def test_a_column_named_as_a_spend_without_that_word_is_its_exposure(names, plain, tmp_path):
    renamed = {"imp_1": names[0], "imp_2": names[1], "spend_1": f"{names[0]}_spend", "spend_2": f"{names[1]}_spend"}
    table().rename(columns=renamed).to_csv(tmp_path / "file.csv", index=False)
    panel = read(tmp_path / "file.csv")
    assert panel.channels == names
    assert_same(panel, plain)


def test_a_simulated_panel_is_read_back(tmp_path):
    panel, _ = dcm.simulate(2, 30, 2, 1, seed=0)
    panel.to_dataframe().to_csv(tmp_path / "file.csv", index=False)
    again = read(tmp_path / "file.csv")
    assert (again.channels, again.controls) == (panel.channels, panel.controls)
    np.testing.assert_allclose(again.spend, panel.spend)
    np.testing.assert_allclose(again.revenue_per_kpi, panel.revenue_per_kpi)


def test_spend_without_exposure_is_the_exposure(tmp_path):
    table().drop(columns=["imp_1", "imp_2"]).to_csv(tmp_path / "file.csv", index=False)
    panel = read(tmp_path / "file.csv")
    assert panel.channels == ("spend_1", "spend_2")
    np.testing.assert_array_equal(panel.spend, panel.exposure)


def test_a_column_without_a_telling_name_is_a_control_and_is_said(tmp_path):
    table().assign(zlorp=np.arange(WEEKS) ** 2).to_csv(tmp_path / "file.csv", index=False)
    with pytest.warns(dcm.DataWarning, match="zlorp are taken as controls"):
        panel = dcm.read_panel(tmp_path / "file.csv")
    assert panel.controls == ("price", "zlorp")
    assert read(tmp_path / "file.csv", controls=["price"]).controls == ("price",)


def test_columns_that_count_rows_are_not_used(tmp_path):
    table().assign(t=np.arange(WEEKS), row=np.arange(5, WEEKS + 5)).to_csv(tmp_path / "file.csv", index=False)
    assert read(tmp_path / "file.csv").controls == ("price",)


def test_a_channel_without_a_row_ran_not_and_an_empty_cell_is_refused(tmp_path):
    file = tmp_path / "file.csv"
    rows = by_channel(table()).reset_index(drop=True)
    rows.drop(index=4).to_csv(file, index=False)  # tv in the fifth week
    panel = read(file, keep_schema=False)
    tv = panel.channels.index("tv_impressions")
    assert panel.exposure[0, 4, tv] == panel.spend[0, 4, tv] == 0.0
    rows.loc[4, "impressions"] = np.nan
    rows.to_csv(file, index=False)
    with pytest.raises(dcm.DataError, match="'tv_impressions' has no value at week 2023-01-30"):
        dcm.read_panel(file)


BAD = {
    "two KPIs": (lambda t: t.assign(orders=t.sales * 2), "'sales' and 'orders' may all be the KPI; choose one, as in kpi='sales'"),
    "two regions": (lambda t: pd.concat([t.assign(geo="a", market="x"), t.assign(geo="b", market="y")]), "'geo' and 'market' may all be the regions"),
    "no KPI": (lambda t: t.rename(columns={"sales": "zlorp"}), "No column is named like a KPI"),
    "no media": (lambda t: t[["week", "sales", "price"]], "No column is named like a media channel"),
    "no weeks": (lambda t: t.drop(columns="week"), "No column holds dates"),
    "two columns of dates": (lambda t: t.assign(day=t.week), "'week' and 'day' may all be the weeks; choose one"),
    "rows that nothing tells apart": (lambda t: pd.concat([t, t]), "Several rows have the same 'week'"),
    "mixed date orders": (lambda t: t.assign(week=[*t.week[:-1], "29/01/2024"]), "dates in two formats"),
    "not a calendar date": (lambda t: t.assign(week=["2023-W54", *day(t).dt.strftime("%G-W%V")[1:]]), "'2023-W54', which is not a calendar date"),
    "decimals of two kinds": (lambda t: t.assign(price=["1,5", *["1.5"] * (WEEKS - 1)]), "writes decimals in two ways, '1.5' and '1,5'"),
    "text among numbers": (lambda t: t.assign(imp_1=["a lot", *map(str, t.imp_1[1:])]), "'imp_1' has 'a lot' in row 1 and numbers in most others"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_told_is_asked_in_one_sentence(name, tmp_path):
    change, sentence = BAD[name]
    change(table()).to_csv(tmp_path / "file.csv", index=False)
    with pytest.raises(dcm.DataError, match=sentence) as refused:
        dcm.read_panel(tmp_path / "file.csv")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is empty"), (b"\x00\x01\x02" * 50, "is not a text file"), (b"a,b\n", "has a header but no rows")],
)
def test_a_file_that_is_no_table_is_refused_in_one_sentence(content, sentence, tmp_path):
    (tmp_path / "file.csv").write_bytes(content)
    with pytest.raises(dcm.DataError, match=sentence):
        dcm.read_panel(tmp_path / "file.csv")


@pytest.mark.parametrize(
    "stated",
    [{"kpi": "sale"}, {"time": "weak"}, {"media": ["imp_3"]}, {"spend": {"imp_1": "spent"}}, {"region": "geo"}],
)
def test_a_stated_column_that_is_not_there_is_named(stated, tmp_path):
    table().to_csv(tmp_path / "file.csv", index=False)
    name = next(iter(stated.values()))
    name = name if isinstance(name, str) else next(iter(name.values() if isinstance(name, dict) else name))
    with pytest.raises(dcm.DataError, match=f"no column '{name}'"):
        dcm.read_panel(tmp_path / "file.csv", **stated)
