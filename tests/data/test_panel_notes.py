"""What is said of a panel by name before it is fitted, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.panel_notes import NoteKind, panel_notes, warn_of

RNG = np.random.default_rng(4)
REGIONS, WEEKS = ("north", "south", "west"), 40
ROLES = {"region": "geo", "time": "week", "kpi": "sales", "media": ["tv", "search", "social"], "controls": ["price", "promo"], "spend": {"tv": "tv_cost"}}  # fmt: skip


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    rows = [(region, week) for region in REGIONS for week in range(WEEKS)]
    df = pd.DataFrame(rows, columns=["geo", "week"])
    size = df["geo"].map({"north": 1.0, "south": 3.0, "west": 0.2})
    for name in ("tv", "search", "social"):
        df[name] = size * rng.gamma(2.0, 50.0, len(df)) * (rng.random(len(df)) < 0.8)
    df["price"], df["promo"] = rng.normal(5.0, 1.0, len(df)), 1.0 * (rng.random(len(df)) < 0.3)
    df["sales"] = size * (900 + 0.5 * df["tv"] / size + 40 * rng.standard_normal(len(df)))
    df["tv_cost"] = 0.01 * df["tv"]
    return df


def notes_of(df, **roles):
    panel = dcm.Panel.from_dataframe(df, **(ROLES | roles))
    return panel_notes(panel, panel.weights)


def test_an_ordinary_table_has_nothing_to_be_said(table):
    assert notes_of(table) == ()


def _set(**columns):
    return lambda df: df.assign(**{name: made(df) for name, made in columns.items()})


def _in(region, value):
    return lambda df: df["sales"].where(df["geo"] != region, value(df) if callable(value) else value)


def _noisy(values):
    return values * (1.0 + 0.02 * RNG.standard_normal(len(values)))


CASES = {
    "a channel is another one plus noise": (_set(social=lambda df: 7 * _noisy(df["tv"])), NoteKind.COPIES, ("tv", "social"), "cannot separate their effects"),
    "three channels are one": (_set(social=lambda df: _noisy(df["tv"]), search=lambda df: _noisy(df["tv"])), NoteKind.COPIES, ("tv", "search", "social"), "'tv', channel 'search' and channel 'social'"),
    "a control copies a channel": (_set(price=lambda df: 3 + 2 * _noisy(df["search"])), NoteKind.COPIES, ("search", "price"), "keep only one"),
    "a control copies one region by region": (_set(price=lambda df: df["search"] * df["geo"].map({"north": 1.0, "south": 1e-3, "west": 50.0})), NoteKind.COPIES, ("search", "price"), "keep only one"),
    "two controls are opposites": (_set(price=lambda df: 10 - df["promo"]), NoteKind.COPIES, ("price", "promo"), "keep only one"),
    "a control is made of the KPI": (_set(price=lambda df: df["sales"] * 3.5), NoteKind.KPI_COPY, ("price",), "with the KPI 'sales' itself"),
    "a channel is the total of others": (_set(social=lambda df: df["tv"] + df["search"]), NoteKind.SUM, ("social", "tv", "search"), "'social' is a sum of 'tv' and 'search'"),
    "a control never varies": (_set(promo=lambda df: 2.0 + 0 * df["tv"]), NoteKind.CONSTANT_CONTROL, ("promo",), "'promo' never varies"),
    "a control tells regions apart alone": (_set(promo=lambda df: df["geo"].map({"north": 1.0, "south": 2.0, "west": 9.0})), NoteKind.CONSTANT_CONTROL, ("promo",), "of any region"),
    "money was spent on nothing": (_set(tv=lambda df: df["tv"].where(df["week"] > 5, 0.0)), NoteKind.NO_EXPOSURE, ("tv",), "region north, week 0"),
    "a region never moves": (_set(sales=_in("west", 180.0)), NoteKind.CONSTANT_KPI, ("west",), "of region west"),
    "a region moves by rounding alone": (_set(sales=_in("west", lambda df: 180.0 + 1e-6 * RNG.random(len(df)))), NoteKind.CONSTANT_KPI, ("west",), "of region west"),
    "a region is net of a constant": (_set(sales=_in("south", lambda df: df["sales"] - 2800.0)), NoteKind.NET_KPI, ("south",), "of region south"),
    "a region is negative": (_set(sales=_in("south", lambda df: df["sales"] - 9000.0)), NoteKind.NET_KPI, ("south",), "a mean that is negative"),
    "a region has an amount on top": (_set(sales=_in("north", lambda df: df["sales"] + 4000.0)), NoteKind.ODD_LEVEL, ("north",), "region north, next to its weekly changes, is"),
    "a region lacks an amount": (_set(sales=_in("south", lambda df: df["sales"] - 2000.0)), NoteKind.ODD_LEVEL, ("south",), "as if an amount were missing from it, such as returns"),
    "a week has the other sign": (_set(sales=lambda df: df["sales"] * np.where(df["week"] == 11, -1, 1)), NoteKind.TURNED_SIGN, ("11",), "in week 11 in every region"),
    "a week has two zeros too many": (_set(sales=lambda df: df["sales"] * np.where((df["week"] == 11) & (df["geo"] == "west"), 100, 1)), NoteKind.HUGE_KPI, ("west", "11"), "times its median"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_should_be_known_is_said_once_and_by_name(case, table):
    spoil, kind, names, words = CASES[case]
    found = [
        note for note in notes_of(spoil(table)) if note.kind != NoteKind.NO_EXPOSURE or kind == NoteKind.NO_EXPOSURE
    ]
    assert [(note.kind, note.names) for note in found] == [(kind, names)]
    assert words in found[0].sentence
    assert found[0].sentence.endswith(".")
    assert "\n" not in found[0].sentence


def _copied(df, made=lambda sales: sales):
    """The table with another region, `copy`, whose KPI is made of that of the north."""
    north = df[df["geo"] == "north"]
    return pd.concat([df, north.assign(geo="copy", sales=made(north["sales"]))], ignore_index=True)


@pytest.mark.parametrize(
    "made", [lambda s: s, lambda s: 0.37 * s, lambda s: np.round(s), lambda s: s.where(s.index > 9)]
)
def test_a_region_whose_kpi_is_that_of_another_is_named(made, table):
    found = notes_of(_copied(table, made), missing_kpi="mask")
    assert [(note.kind, note.names) for note in found] == [(NoteKind.SAME_REGIONS, ("copy", "north"))]
    assert "regions copy and north is the same in every week, up to a factor" in found[0].sentence


@pytest.mark.parametrize(("share", "alike"), [(0.005, True), (0.02, False)])
def test_regions_that_differ_by_more_than_a_hundredth_of_the_spread_of_their_kpi_are_not_one(share, alike, table):
    noise = np.resize([1.0, -1.0], WEEKS)
    spoilt = _copied(table, lambda sales: 2.0 * (sales + share * sales.std() * noise))
    assert [note.kind for note in notes_of(spoilt)] == [NoteKind.SAME_REGIONS] * alike


@pytest.mark.parametrize("kept", [7, 8])
def test_seven_weeks_of_sales_make_no_copy(kept, table):
    rare = _copied(table).assign(
        sales=lambda df: df["sales"].where((df["week"] % 5 == 0) & (df["week"] < 5 * kept), 0.0)
    )
    kinds = [note.kind for note in notes_of(rare[rare["geo"].isin(["north", "copy"])])]
    assert (NoteKind.SAME_REGIONS in kinds) is (kept == 8)


def _with_total(df, name, of):
    """The table with another region that is the sum of some."""
    columns = ["tv", "search", "social", "sales", "tv_cost"]
    total = df[df["geo"].isin(of)].groupby("week", as_index=False)[columns].sum()
    return pd.concat([df, total.assign(geo=name, price=5.0, promo=0.0)], ignore_index=True)


@pytest.mark.parametrize("of", [["north", "south"], ["north", "south", "west"]])
def test_a_region_that_is_the_total_of_others_is_named_with_them(of, table):
    found = notes_of(_with_total(table, "EMEA", of))
    assert [(note.kind, note.names) for note in found] == [(NoteKind.REGION_TOTAL, ("EMEA", *of))]
    assert "of region EMEA is the sum of that of regions north" in found[0].sentence


def test_a_total_of_totals_is_found_whatever_the_order_of_names(table):
    spoilt = _with_total(_with_total(table, "a part", ["north", "west"]), "zone", ["a part", "south"])
    names = [note.names for note in notes_of(spoilt) if note.kind == NoteKind.REGION_TOTAL]
    assert names == [("a part", "north", "west"), ("zone", "north", "south", "west")]


def test_a_total_of_more_regions_than_weeks_is_found():
    rng, weeks = np.random.default_rng(1), 30
    sales = rng.gamma(4.0, 100.0, (60, weeks))
    rows = np.concatenate([sales, sales.sum(axis=0, keepdims=True)])
    df = pd.DataFrame({"geo": np.repeat([f"g{r}" for r in range(61)], weeks), "week": np.tile(np.arange(weeks), 61)})
    df["sales"], df["tv"] = rows.ravel(), rng.gamma(2.0, 50.0, rows.size)
    panel = dcm.Panel.from_dataframe(df, region="geo", time="week", kpi="sales", media=["tv"])
    found = [note for note in panel_notes(panel, panel.weights) if note.kind == NoteKind.REGION_TOTAL]
    assert [note.names[0] for note in found] == ["g60"]
    assert len(found[0].names) == 61


@pytest.mark.parametrize("share", [0.002, 0.05])
def test_a_sum_is_one_to_a_hundredth_of_its_spread(share, table):
    spoilt = _with_total(table, "EMEA", ["north", "south"])
    own = spoilt["geo"] == "EMEA"
    spoilt.loc[own, "sales"] += share * spoilt.loc[own, "sales"].std() * np.resize([1.0, -1.0], WEEKS)
    kinds = [note.kind for note in notes_of(spoilt)]
    assert kinds == [NoteKind.REGION_TOTAL] * (share < 0.01)


@pytest.mark.parametrize("name", ["Total", "GRAND TOTAL", "Gesamt", "all", "Sub-total:"])
def test_a_region_that_is_called_a_total_is_asked_about(name, table):
    found = notes_of(table.replace({"geo": {"west": name}}))
    assert [(note.kind, note.names) for note in found] == [(NoteKind.REGION_TOTAL, (name,))]
    assert "is called a total: if it holds" in found[0].sentence


def test_a_national_panel_may_be_called_a_total(table):
    assert notes_of(table[table["geo"] == "north"].assign(geo="Total")) == ()


def test_regions_with_the_opposite_moves_are_not_one(table):
    net = _copied(table, lambda sales: -sales)
    assert NoteKind.SAME_REGIONS not in [note.kind for note in notes_of(net)]


def test_weeks_without_a_kpi_do_not_tell_columns_apart(table):
    without = table["week"] % 4 == 0
    spoilt = table.assign(price=table["price"].where(without, table["search"]), sales=table["sales"].where(~without))
    found = notes_of(spoilt, missing_kpi="mask")
    assert [(note.kind, note.names) for note in found] == [(NoteKind.COPIES, ("search", "price"))]


def test_exposure_without_spend_is_fine(table):
    assert notes_of(table.assign(tv_cost=0.0)) == ()


def test_weeks_held_out_and_planned_weeks_are_not_looked_at(table):
    late = table["week"] >= 32
    spoilt = table.assign(social=table["social"].where(~late, table["tv"]), price=table["price"].where(late, 5.0))
    panel = dcm.Panel.from_dataframe(spoilt, **ROLES)
    past = panel.weights * (np.arange(WEEKS) < 32)
    assert [note.names for note in panel_notes(panel, past)] == [("price",)]


def test_many_names_are_counted(table):
    regions = [table[table["geo"] == "north"].assign(geo=f"r{i}", sales=100.0 + i) for i in range(9)]
    note = notes_of(pd.concat([table, *regions]))[0]
    assert len(note.names) == 9
    assert "regions r0, r1, r2, r3 and 5 more" in note.sentence


def test_notes_are_warnings_of_their_own_class_that_name_the_panel(table):
    notes = notes_of(table.assign(promo=1.0))
    with pytest.warns(dcm.DataWarning, match=r"^Panel 3: Control 'promo'"):
        warn_of(notes, "Panel 3: ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of(())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda df: df["sales"] * 0 + 5.0, r"'sales' is the same in all training weeks of each region"),
        (_in("west", 0.0), r"KPI of region west is 0 in all training weeks"),
        (_in("west", -3.0), r"KPI of region west is -3 in all training weeks"),
        (lambda df: -df["sales"], r"KPI of region north averages -.* no region has a KPI above 0; reverse its sign"),
    ],
)
def test_a_kpi_that_says_nothing_is_refused_in_one_sentence(change, message, table):
    panel = dcm.Panel.from_dataframe(table.assign(sales=change(table)), **ROLES)
    with pytest.raises(dcm.DataError, match=message) as caught:
        refuse_unfit(panel, panel.weights)
    assert "\n" not in str(caught.value)


def test_a_negative_region_beside_others_is_welcome(table):
    panel = dcm.Panel.from_dataframe(table.assign(sales=_in("south", lambda df: df["sales"] - 9000.0)(table)), **ROLES)
    refuse_unfit(panel, panel.weights)


@pytest.mark.parametrize("sizes", [(3.0, 30.0, 300.0), (10.0, 10.0, 10.0, 4000.0), (1.0, 2.0, 2000.0, 2000.0)])
def test_shops_of_any_size_that_sell_by_chance_have_the_level_of_one_another(sizes):
    rng = np.random.default_rng(3)
    rows = [(f"r{i}", week, rng.poisson(size), rng.gamma(2.0)) for i, size in enumerate(sizes) for week in range(104)]
    df = pd.DataFrame(rows, columns=["geo", "week", "sales", "tv"])
    found = notes_of(df, media=["tv"], controls=[], spend=None)
    assert [note for note in found if note.kind == NoteKind.ODD_LEVEL] == []


def test_names_of_regions_that_differ_in_case_alone_are_said(table):
    found = notes_of(table.replace({"geo": {"west": "NORTH "}}).assign(geo=lambda df: df["geo"].str.strip()))
    assert [(note.kind, note.names) for note in found] == [(NoteKind.ALIKE_NAMES, ("NORTH", "north"))]


@pytest.mark.parametrize(("made", "said"), [(lambda sales: 7.5 * sales, True), (lambda sales: 7.5 + 0 * sales, False)])
def test_total_revenue_in_place_of_revenue_per_unit_is_said(table, made, said):
    table["money"] = made(table["sales"]) + RNG.normal(0, 0.01, len(table))
    kinds = [note.kind for note in notes_of(table, revenue_per_kpi="money")]
    assert kinds == [NoteKind.TOTAL_REVENUE] * said


def test_one_figure_divided_among_regions_is_no_total(table):
    north = table[table["geo"] == "north"]
    parts = [
        north.assign(geo=name, sales=share * north["sales"]) for name, share in (("a", 0.2), ("b", 0.3), ("c", 0.5))
    ]
    assert {note.kind for note in notes_of(pd.concat(parts))} == {NoteKind.SAME_REGIONS}


def test_a_few_sales_by_chance_make_no_total():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        df = pd.DataFrame({"geo": np.repeat([f"g{r}" for r in range(40)], 60), "week": np.tile(np.arange(60), 40)})
        df["sales"], df["tv"] = rng.poisson(0.02, len(df)).astype(float), rng.gamma(2.0, 50.0, len(df))
        assert NoteKind.REGION_TOTAL not in [note.kind for note in notes_of(df, media=["tv"], controls=[], spend=None)]


@pytest.mark.parametrize("names", [("A", "A+", "A-"), ("1-1", "11", "1.1"), ("north", "north 2", "north_3")])
def test_names_that_differ_in_more_than_case_are_regions_of_their_own(table, names):
    renamed = table.replace({"geo": dict(zip(REGIONS, names, strict=True))})
    assert NoteKind.ALIKE_NAMES not in [note.kind for note in notes_of(renamed)]


def test_a_total_counts_the_regions_that_hardly_sell(table):
    rare = table[table["geo"] == "west"].assign(geo="isle", sales=lambda df: 500.0 * (df["week"] % 20 == 3))
    spoilt = _with_total(pd.concat([table, rare]), "EMEA", ["north", "south", "west", "isle"])
    assert ("EMEA", "isle", "north", "south", "west") in [note.names for note in notes_of(spoilt)]


def test_notes_on_months_say_months(table):
    months = pd.date_range("2021-01-01", periods=WEEKS, freq="MS")
    table["week"] = months[table["week"]]
    notes = notes_of(table.assign(sales=_in("west", 200.0)(table)))
    (note,) = [note for note in notes if note.kind is NoteKind.CONSTANT_KPI]
    assert note.sentence.startswith("The KPI 'sales' is the same in all training months of region west")
