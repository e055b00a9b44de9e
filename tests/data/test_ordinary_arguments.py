"""Arguments as people write them work, or are refused in one sentence that says how to write them."""

import datetime
import decimal
import sys

import numpy as np
import pandas as pd
import pytest

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.simulation.simulate import simulate
from deepcausalmmm_jax.errors import DataError

ROLES = {"time": "week", "kpi": "sales", "media": ["tv", "search"], "region": "region"}


def _table(n_regions=3, n_weeks=20):
    rng = np.random.default_rng(0)
    rows = [(f"r{r}", t) for r in range(n_regions) for t in range(n_weeks)]
    numbers = rng.gamma(2.0, size=(len(rows), 5))
    table = pd.DataFrame(rows, columns=["region", "week"])
    table[["tv", "search", "tv_spend", "search_spend", "price"]] = numbers
    return table.assign(sales=100.0 + rng.normal(size=len(rows)), people=table["region"].map({"r0": 1e3, "r1": 2e3, "r2": 5e3}))  # fmt: skip


TABLE = _table()
EXPECTED = Panel.from_dataframe(TABLE, **ROLES, spend=["tv_spend", "search_spend"], controls=["price"])


def panel(table=TABLE, **changed):
    return Panel.from_dataframe(table, **(ROLES | changed))


NAMES = TABLE.columns


@pytest.mark.parametrize(
    "media",
    [
        NAMES[NAMES.isin(["tv", "search"])],
        np.array(["tv", "search"]),
        ("tv", "search"),
        pd.Series(["tv", "search"]),
        (name for name in ("tv", "search")),
        {"tv": 1, "search": 2}.keys(),
        TABLE[["tv", "search"]],
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_with_an_order_is_a_list_of_columns(media):
    assert panel(media=media).channels == ("tv", "search")


@pytest.mark.parametrize(
    "spend",
    [
        {"search": "search_spend", "tv": "tv_spend"},
        pd.Series({"search": "search_spend", "tv": "tv_spend"}),
        pd.Index(["tv_spend", "search_spend"]),
        np.array(["tv_spend", "search_spend"]),
        TABLE[["tv_spend", "search_spend"]],
    ],
    ids=lambda value: type(value).__name__,
)
def test_spend_goes_to_its_own_channel_however_it_is_given(spend):
    np.testing.assert_array_equal(panel(spend=spend).spend, EXPECTED.spend)


def test_whole_numbers_may_name_columns():
    numbered = TABLE.set_axis(range(TABLE.shape[1]), axis=1)
    at = {name: position for position, name in enumerate(TABLE.columns)}
    found = Panel.from_dataframe(
        numbered, time=at["week"], kpi=at["sales"], region=at["region"], media=[at["tv"], at["search"]],
        spend={at["tv"]: at["tv_spend"]}, controls=[at["price"]], population=at["people"],
    )  # fmt: skip
    np.testing.assert_array_equal(found.spend[:, :, 0], EXPECTED.spend[:, :, 0])
    with pytest.raises(DataError, match="write '6' for the column"):
        Panel.from_dataframe(numbered, time=at["week"], kpi=at["sales"], region=at["region"], media=[at["tv"]], revenue_per_kpi=6)  # fmt: skip


@pytest.mark.parametrize("number", [2, 2.0, np.float32(2), np.int64(2), decimal.Decimal(2), np.array(2.0)])
def test_any_real_number_is_a_revenue(number):
    assert (panel(revenue_per_kpi=number).revenue_per_kpi == 2.0).all()


@pytest.mark.parametrize("controls", [None, (), []])
def test_there_may_be_no_controls(controls):
    assert panel(controls=controls).controls == ()


WRONG = {
    "media is a set": ({"media": {"tv", "search"}}, "media is a set, whose order"),
    "media is a mapping": ({"media": {"tv": "tv_spend"}}, "media must be a list of columns"),
    "media is a number": ({"media": 5}, "media must be a list of columns, got 5"),
    "media is a slice": ({"media": slice(3, 5)}, "media must be a list of columns"),
    "media in a list in a list": ({"media": [["tv"]]}, r"got \['tv'\]; write 'tv'"),
    "media has None": ({"media": [None]}, "must be the name of a column, got None"),
    "controls is a number": ({"controls": 3}, "controls must be a list of columns"),
    "spend is a set": ({"spend": {"tv_spend", "search_spend"}}, "spend is a set, whose order"),
    "spend is frozen": ({"spend": frozenset({"tv_spend", "search_spend"})}, "spend is a set"),
    "spend is a number": ({"spend": 5}, "spend must be a list of columns, got 5"),
    "spend of one is None": ({"spend": {"tv": None}}, "spend of 'tv' must be the name of a column, got None"),
    "spend of one is a list": ({"spend": {"tv": ["tv_spend"]}}, "write 'tv_spend'"),
    "spend of one twice": ({"spend": {"tv": "tv_spend", " tv": "search_spend"}}, "two columns for 'tv'"),
    "spend is a column": ({"spend": TABLE["tv_spend"]}, "Spend names 60 columns for 2"),
    "revenue is true": ({"revenue_per_kpi": True}, "revenue_per_kpi must be a number above 0 or the name"),
    "revenue is a list": ({"revenue_per_kpi": [1]}, "revenue_per_kpi must be a number above 0 or the name"),
    "revenue is complex": ({"revenue_per_kpi": 1 + 2j}, "revenue_per_kpi must be a number above 0 or the name"),
    "revenue is a day": ({"revenue_per_kpi": datetime.date(2024, 1, 1)}, "revenue_per_kpi must be a number"),
    "revenue is a column of a frame": ({"revenue_per_kpi": TABLE["price"]}, "got a Series|got a long Series"),
    "revenue is huge": ({"revenue_per_kpi": 10**400}, "revenue_per_kpi must be a number above 0"),
    "population is a list": ({"population": ["people"]}, "population must be the name of a column"),
    "time is None": ({"time": None}, "time must be the name of a column, got None"),
    "KPI is a list": ({"kpi": ["sales"]}, r"got \['sales'\]; write 'sales'"),
    "missing_kpi is a list": ({"missing_kpi": ["mask"]}, "missing_kpi must be 'error' or 'mask'"),
    "trailing_zeros is a list": ({"trailing_zeros": ["keep"]}, "trailing_zeros must be 'ask' or 'keep'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_refused_in_one_sentence(name):
    changed, message = WRONG[name]
    with pytest.raises(DataError, match=message) as refused:
        panel(**changed)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("role", ["spend", "population", "revenue_per_kpi"])
def test_the_kpi_under_another_name_is_refused_in_any_other_role(role):
    copied = TABLE.assign(copied=TABLE["sales"])
    with pytest.raises(DataError, match="same values as the KPI 'sales'"):
        panel(copied, **{role: {"tv": "copied"} if role == "spend" else "copied"})


def test_a_population_that_varies_by_week_is_refused_and_a_census_a_year_is_not():
    grown = TABLE.assign(people=TABLE["people"] * np.where(TABLE["week"] < 10, 1.0, 1.02))
    np.testing.assert_allclose(panel(grown, population="people").population, [1010.0, 2020.0, 5050.0])
    with pytest.raises(DataError, match="ranges from 1,000 to 2,900 in region r0"):
        panel(TABLE.assign(people=TABLE["people"] * (1 + TABLE["week"] / 10)), population="people")


N = len(TABLE)
NOT_NUMBERS = {
    "days": pd.date_range("2024-01-01", periods=N),
    "days with gaps": pd.to_datetime([None] * 3 + ["2024-01-01"] * (N - 3)),
    "spans": pd.to_timedelta(np.arange(N), unit="D"),
    "months": pd.period_range("2024-01", periods=N, freq="M"),
    "complex numbers": TABLE["tv"] + 1j,
    "complex cells": pd.Series([1 + 2j] * N, dtype=object),
    "days as objects": pd.Series([datetime.datetime(2024, 1, 1)] * N, dtype=object),
    "intervals": pd.cut(TABLE["tv"], 3),
    "lists": pd.Series([[1]] * N),
    "text": TABLE["region"].astype("category"),
    "huge numbers": 1e200,
}


@pytest.mark.parametrize("values", NOT_NUMBERS.values(), ids=NOT_NUMBERS.keys())
@pytest.mark.parametrize("column", ["sales", "tv", "tv_spend", "price", "people"])
def test_what_is_no_real_number_is_never_taken_for_one(column, values):
    wrong = TABLE.assign(**{column: values})
    with pytest.raises(DataError, match=f"Column '{column}' has"):
        panel(wrong, spend={"tv": "tv_spend"}, controls=["price"], population="people")


NUMBERS = {
    "decimals": lambda column: column.map(lambda value: decimal.Decimal(repr(float(value)))),
    "objects": lambda column: column.astype(object),
    "text": lambda column: column.map(repr),
    "nullable": lambda column: column.astype("Float64"),
    "categories": lambda column: column.astype("category"),
    "sparse": lambda column: column.astype(pd.SparseDtype("float")),
}


@pytest.mark.parametrize("form", NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers_of_every_type_are_read(form):
    changed = TABLE.assign(**{name: form(TABLE[name]) for name in ("tv", "sales", "price")})
    found = panel(changed, controls=["price"])
    for name in ("kpi", "exposure", "control"):
        np.testing.assert_array_equal(getattr(found, name), getattr(EXPECTED, name))


MONDAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * TABLE["week"], unit="D")
WEEKS = {
    "categories": TABLE["week"].astype("category"),
    "nullable": TABLE["week"].astype("Int64"),
    "decimals": TABLE["week"].map(decimal.Decimal),
    "objects": TABLE["week"].astype(object),
    "floats": TABLE["week"].astype(float),
    "periods": pd.PeriodIndex(MONDAYS, freq="W"),
    "days": MONDAYS.dt.date,
}


@pytest.mark.parametrize("weeks", WEEKS.values(), ids=WEEKS.keys())
def test_weeks_of_every_type_are_read(weeks):
    found = panel(TABLE.assign(week=weeks))
    assert len(found.weeks) == 20
    np.testing.assert_array_equal(found.kpi, EXPECTED.kpi)
    if isinstance(found.weeks, pd.DatetimeIndex):
        assert found.week_label(0) == "2024-01-01"


@pytest.mark.parametrize(
    "weeks",
    [
        np.where(TABLE["week"] == 3, np.inf, TABLE["week"].astype(float)),
        pd.Series(np.where(TABLE["week"] == 3, np.inf, TABLE["week"].astype(float)), dtype=object),
        TABLE["week"] + 0j,
        TABLE["week"] + 2**53,
        TABLE["week"] > 3,
        pd.to_timedelta(TABLE["week"], unit="D"),
    ],
    ids=["infinite", "infinite cells", "complex", "huge", "true and false", "spans"],
)
def test_what_is_no_week_is_refused_by_name(weeks):
    with pytest.raises(DataError, match="Column 'week' has"):
        panel(TABLE.assign(week=weeks))


LABELS = {
    "numbers and text": (lambda r: [1, 1.5, "x"][r], ["1", "1.5", "x"]),
    "tuples": (lambda r: ("a", r), ["('a', 0)", "('a', 1)", "('a', 2)"]),
    "true and text": (lambda r: [True, "b", "c"][r], ["True", "b", "c"]),
    "numbers beyond 64 bits": (lambda r: 2**70 + r, [str(2**70 + r) for r in range(3)]),
    "floats beyond 64 bits": (lambda r: 1e300 * (1 + r), ["1e+300", "2e+300", "3e+300"]),
    "halves": (lambda r: r + 0.5, ["0.5", "1.5", "2.5"]),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_regions_are_whole_numbers_or_text(name):
    label, expected = LABELS[name]
    regions = pd.Series([label(int(code[1])) for code in TABLE["region"]], dtype=object)
    assert sorted(panel(TABLE.assign(region=regions)).regions) == expected


def test_tables_of_polars_and_pyarrow_are_read():
    polars = pytest.importorskip("polars")
    columns = {name: TABLE[name].to_list() for name in TABLE}
    columns["week"] = [day.date() for day in MONDAYS]
    found = panel(polars.DataFrame(columns), controls=["price"])
    np.testing.assert_array_equal(found.control, EXPECTED.control)
    assert found.week_label(1) == "2024-01-08"
    with pytest.raises(DataError, match=r"call collect\(\) first"):
        panel(polars.LazyFrame(columns))


@pytest.mark.parametrize("table", [[1, 2], {"tv": [1]}, None, TABLE["tv"], TABLE.to_numpy()])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(DataError, match="must be a pandas DataFrame, or one of Polars or PyArrow, got"):
        panel(table)


def test_without_narwhals_other_tables_are_refused_and_pandas_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    assert panel().shape == EXPECTED.shape[:3] + (0,)
    with pytest.raises(DataError, match="must be a pandas DataFrame"):
        panel([1])


@pytest.mark.parametrize("population", [5e-324, 1e-9])
def test_a_population_of_next_to_nobody_is_refused_by_region(population):
    """Exposure per head would be beyond any number."""
    df = simulate(2, 20, 1, 0, seed=1)[0].to_dataframe()
    df["people"] = np.where(df["region"] == df["region"].iloc[0], population, 1000.0)
    with pytest.raises(DataError, match=r"'people' has a population of .* at .*region_1.*, next to nothing beside"):
        Panel.from_dataframe(df, region="region", time="time", kpi="sales", media=["channel_1"], population="people")
