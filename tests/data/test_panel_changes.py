"""What differs between two panels, their fingerprints, and what a later panel may not differ in."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.continuation import continued_by
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.data.panel_changes import columns_of, panel_changes


@pytest.fixture(scope="module")
def panel():
    return dcm.simulate(3, 40, 2, 2, seed=4)[0]


def changed(panel, name, place, factor):
    array = getattr(panel, name).copy()
    array[place] = array[place] * factor
    return dataclasses.replace(panel, **{name: array})


def test_nothing_differs_between_a_panel_and_itself(panel):
    found = panel_changes(panel, panel)
    assert found.revised.empty
    assert found.new_weeks == found.lost_weeks == ()
    assert not any(found.lost.values())
    assert not any(found.new.values())


@pytest.mark.parametrize(
    ("name", "place", "column"),
    [
        ("kpi", (1, 5), "sales"),
        ("exposure", (2, 7, 1), "channel_2"),
        ("spend", (0, 3, 1), "spend of channel_2"),
        ("control", (1, 9, 1), "control_2"),
        ("revenue_per_kpi", (2, 11), "revenue per KPI"),
    ],
)
def test_a_revised_figure_is_named_by_column_region_and_week(panel, name, place, column):
    found = panel_changes(panel, changed(panel, name, place, 1.5)).revised
    assert found["column"].tolist() == [column]
    assert found["region"].tolist() == [panel.regions[place[0]]]
    assert found["week"].tolist() == [panel.week_label(place[1])]
    assert found["after"].iloc[0] == pytest.approx(1.5 * found["before"].iloc[0])


def test_a_kpi_that_was_withdrawn_is_empty_afterwards(panel):
    weights = panel.weights.copy()
    weights[0, 4] = 0.0
    found = panel_changes(panel, dataclasses.replace(panel, weights=weights)).revised
    assert found["column"].tolist() == ["sales"]
    assert np.isnan(found["after"].iloc[0])


def test_differences_of_rounding_are_none(panel):
    assert panel_changes(panel, changed(panel, "kpi", (0, 0), 1 + 1e-9)).revised.empty


def test_weeks_regions_and_columns_of_one_panel_alone_are_listed(panel):
    fewer = panel.select(weeks=slice(0, 37), regions=list(panel.regions[:2]))
    found = panel_changes(fewer, panel)
    assert found.new_weeks == tuple(panel.week_label(at) for at in (37, 38, 39))
    assert found.new["region"] == (str(panel.regions[2]),)
    assert panel_changes(panel, fewer).lost_weeks == found.new_weeks


def test_the_fingerprint_of_a_table_is_the_same_whatever_the_order_of_its_rows(panel):
    table = panel.to_dataframe()
    roles = {"region": "region", "time": "time", "kpi": "sales", "media": list(panel.channels), "controls": list(panel.controls)}  # fmt: skip
    one, other = (dcm.Panel.from_dataframe(rows, **roles) for rows in (table, table.sample(frac=1.0, random_state=0)))
    assert fingerprint(one) == fingerprint(other)


def test_a_fingerprint_is_the_same_on_every_machine():
    table = pd.DataFrame({"week": np.arange(20), "y": np.arange(20) + 1.0, "tv": np.arange(20) % 3.0})
    panel = dcm.Panel.from_dataframe(table, time="week", kpi="y", media=["tv"])
    assert fingerprint(panel) == KNOWN


KNOWN = "6474cd7341b035eb3d9e509d29512d98688fdcfca494250dd6bbdfc02983381f"


@given(st.sampled_from(["kpi", "exposure", "control", "weights"]), st.integers(0, 2), st.integers(0, 39))
def test_any_changed_figure_changes_the_fingerprint(panel, name, region, week):
    array = getattr(panel, name).copy()
    array[region, week] = array[region, week] + 1.0
    assert fingerprint(dataclasses.replace(panel, **{name: array})) != fingerprint(panel)


def test_other_names_change_the_fingerprint(panel):
    assert fingerprint(dataclasses.replace(panel, channels=("a", "b"))) != fingerprint(panel)


def test_minus_zero_and_the_kind_of_missing_leave_the_fingerprint(panel):
    spend = panel.spend.copy()
    spend[0, 0, 0] = np.nan
    other = spend.copy()
    other[0, 0, 0] = -np.float64(np.nan)
    assert fingerprint(dataclasses.replace(panel, spend=spend)) == fingerprint(dataclasses.replace(panel, spend=other))


def without(panel, kind):
    if kind == "region":
        return panel.select(regions=list(panel.regions[:2]))
    if kind == "channel":
        return dataclasses.replace(panel, channels=panel.channels[:1], exposure=panel.exposure[:, :, :1], spend=panel.spend[:, :, :1])  # fmt: skip
    if kind == "control":
        return dataclasses.replace(panel, controls=panel.controls[:1], control=panel.control[:, :, :1])
    if kind == "week":
        return panel.select(weeks=slice(0, 38))
    return dataclasses.replace(panel, **{kind: None})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("region", "lacks the region region_3"),
        ("channel", "lacks the channel channel_2"),
        ("control", "lacks the control control_2"),
        ("week", "lacks the weeks .*, which the run was fitted with"),
        ("spend", "lacks the spend"),
        ("revenue_per_kpi", "lacks the revenue per KPI"),
    ],
)
def test_a_later_panel_that_lost_something_is_refused_by_name(panel, kind, message):
    with pytest.raises(dcm.DataError, match=message):
        continued_by(panel, without(panel, kind))


@pytest.mark.parametrize("kind", ["region", "channel", "control"])
def test_a_later_panel_with_something_new_is_refused_with_the_way_out(panel, kind):
    with pytest.raises(dcm.DataError, match=f"has the {kind} {kind}_[23], .* or fit again with dcm.fit"):
        continued_by(without(panel, kind), panel)


def test_a_panel_that_begins_earlier_is_refused(panel):
    with pytest.raises(dcm.DataError, match="before the run's first week"):
        continued_by(panel.select(weeks=slice(2, 38)), panel)


@pytest.mark.parametrize(
    ("name", "place", "column"),
    [
        ("exposure", np.s_[:, :, 0], "channel_1"),
        ("exposure", np.s_[:, 36:, 1], "channel_2"),
        ("spend", np.s_[:, :, 1], "spend of channel_2"),
        ("kpi", np.s_[:], "sales"),
    ],
)
@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_a_column_in_another_unit_is_refused_by_name(panel, name, place, column, factor):
    with pytest.raises(dcm.DataError, match=f"^Column '{column}' is .*old unit"):
        continued_by(panel.select(weeks=slice(0, 36)), changed(panel, name, place, factor))


def test_regions_in_another_order_are_put_in_that_of_the_run(panel):
    turned = panel.select(regions=list(panel.regions[::-1]))
    ordered, differ = continued_by(turned, panel)
    assert list(ordered.regions) == list(turned.regions)
    np.testing.assert_array_equal(ordered.kpi, turned.kpi)
    assert differ.revised.empty


def test_columns_in_another_order_are_put_in_that_of_the_run(panel):
    turned = dataclasses.replace(
        panel, channels=panel.channels[::-1], exposure=panel.exposure[:, :, ::-1], spend=panel.spend[:, :, ::-1]
    )
    ordered, differ = continued_by(panel, turned)
    assert ordered.channels == panel.channels
    np.testing.assert_array_equal(ordered.exposure, panel.exposure)
    assert differ.revised.empty


def test_a_revision_is_named_by_its_labels_where_the_panels_have_other_regions_weeks_and_orders(panel):
    before = panel.select(weeks=slice(3, 40), regions=[panel.regions[2], panel.regions[1]])
    found = panel_changes(before, changed(panel, "kpi", (1, 30), 2.0))
    assert found.revised.to_numpy().tolist() == [
        ["sales", panel.regions[1], panel.week_label(30), panel.kpi[1, 30], 2.0 * panel.kpi[1, 30]]
    ]
    assert found.new == {"region": (str(panel.regions[0]),), "channel": (), "control": ()}
    assert found.new_weeks == tuple(panel.week_label(at) for at in range(3))
    assert found.lost_weeks == ()


def test_columns_are_those_that_the_panel_has_and_empty_where_it_has_no_row(panel):
    present = np.arange(40) != 7
    bare = dataclasses.replace(
        panel, spend=None, revenue_per_kpi=None, present=panel.present & present, weights=panel.weights * present
    )
    names = ["sales", "channel_1", "channel_2", "control_1", "control_2"]
    assert list(columns_of(bare)) == names
    for figures in columns_of(bare).values():
        np.testing.assert_array_equal(np.isnan(figures), np.broadcast_to(~present, (3, 40)))
    people = dataclasses.replace(bare, population=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(columns_of(people)["population"][:, 0], [1.0, 2.0, 3.0])
    often = np.full(panel.exposure.shape, np.nan)
    often[:, :, 1] = 2.0
    assert list(columns_of(dataclasses.replace(bare, frequency=often))) == [
        *names[:3],
        "frequency of channel_2",
        *names[3:],
    ]


@pytest.mark.parametrize(("control", "column"), [("price", "population"), ("population", "population of the region")])
def test_the_population_of_a_region_is_one_figure_whatever_its_weeks(panel, control, column):
    before = dataclasses.replace(panel, population=np.array([1e3, 2e3, 3e3]), controls=("control_1", control))
    after = dataclasses.replace(before, population=np.array([1e3, 2.1e3, 3e3]))
    (row,) = panel_changes(before, after).revised.itertuples(index=False)  # there were 40, one a week
    assert tuple(row) == (column, panel.regions[1], "", 2e3, 2.1e3)
    revised = changed(before, "control", (0, 4, 1), 2.0)
    assert panel_changes(before, revised).revised["week"].tolist() == [panel.week_label(4)]


@pytest.mark.parametrize(("weeks", "revised"), [(14, ["population"] * 2), (10, [])])
def test_a_population_that_grows_week_by_week_is_not_revised_by_further_weeks(weeks, revised):
    """A region's population is the mean of its weeks."""
    growth = 1.0 + 0.01 * national_table().groupby("region").cumcount()
    grown = national_table().assign(people=lambda table: table["people"] * growth)
    later = grown.assign(people=lambda table: table["people"] * (1.02 if revised else 1.0))
    before = national_panel(grown[grown["time"] < grown["time"].min() + pd.Timedelta(weeks=weeks)])
    found = panel_changes(before, national_panel(later))
    assert len(found.new_weeks) == 14 - weeks
    assert found.revised["column"].tolist() == revised
    assert national_panel(grown).population_moves
    assert not national_panel(national_table()).population_moves


@pytest.mark.parametrize(("factor", "differs"), [(1 + 0.9e-6, False), (1 + 1.1e-6, True)])
def test_a_millionth_of_a_figure_is_rounding(panel, factor, differs):
    assert len(panel_changes(panel, changed(panel, "kpi", (0, 0), factor)).revised) == differs


def test_weeks_that_are_numbers_are_shared_with_no_dates(panel):
    found = panel_changes(panel, dataclasses.replace(panel, weeks=pd.RangeIndex(40)))
    assert (len(found.lost_weeks), len(found.new_weeks), found.revised.empty) == (40, 40, True)


def national_table():
    """Two regions, of which the second lacks a row; a channel and a control that are national."""
    weeks = pd.date_range("2024-01-01", periods=14, freq="7D")
    table = pd.DataFrame({"region": ["a"] * 14 + ["b"] * 14, "time": [*weeks, *weeks], "sales": 5.0, "tv": 100.0})
    table = table.assign(tv_spend=300.0, mood=7.0, people=[3.0] * 14 + [1.0] * 14, radio=np.arange(28.0))
    return table.drop(index=14 + 4).reset_index(drop=True)


def national_panel(table):
    roles = {"media": ["tv", "radio"], "spend": {"tv": "tv_spend"}, "controls": ["mood"], "national": ["tv", "mood"]}
    return dcm.Panel.from_dataframe(table, region="region", time="time", kpi="sales", population="people", **roles)


def test_a_revised_national_figure_is_listed_once_as_the_table_has_it():
    before, table = national_panel(national_table()), national_table()
    table.loc[table["time"] == "2024-01-15", ["tv", "tv_spend", "mood"]] = [150.0, 450.0, 8.0]
    table.loc[table["time"] == "2024-01-29", "tv_spend"] = 330.0
    table.loc[3, "radio"] = 99.0
    found = panel_changes(before, national_panel(table)).revised
    assert found[["column", "region", "week"]].to_numpy().tolist() == [
        ["tv", "national", "2024-01-15"],
        ["radio", "a", "2024-01-22"],
        ["spend of tv", "national", "2024-01-15"],
        ["spend of tv", "national", "2024-01-29"],
        ["mood", "national", "2024-01-15"],
    ]
    np.testing.assert_allclose(found["before"], [100.0, 3.0, 300.0, 300.0, 7.0])
    np.testing.assert_allclose(found["after"], [150.0, 99.0, 450.0, 330.0, 8.0])


def test_another_division_of_a_national_figure_revises_none_of_them():
    before, table = national_panel(national_table()), national_table()
    more = table.iloc[[4]].assign(region="b", people=1.0, radio=0.0)
    table = pd.concat([table, more]).assign(people=lambda t: t["people"].replace(1.0, 2.0))
    found = panel_changes(before, national_panel(table)).revised
    assert not found["column"].str.contains("tv").any()
    assert {"sales", "radio", "population"} == set(found["column"])


def test_rates_are_refused_where_the_run_made_them_totals():
    """Each region's KPI would be revised by a factor of its own, which is no other unit of all."""
    table = dcm.simulate(3, 40, 2, 1, seed=4)[0].to_dataframe()
    people = table["region"].map(dict(zip(table["region"].unique(), [4_000, 9_000, 20_000], strict=True)))
    table = table.assign(people=people, rate=500 * table["sales"] / people)
    roles = {"region": "region", "time": "time", "media": ["channel_1", "channel_2"], "population": "people"}
    before = dcm.Panel.from_dataframe(table, kpi="rate", kpi_per=500, **roles).select(weeks=slice(0, 36))
    rates = dcm.Panel.from_dataframe(table, kpi="rate", **roles)
    with pytest.raises(dcm.DataError, match="KPI 'rate' of the run is per 500 people and was made totals"):
        continued_by(before, rates)
    said = dcm.Panel.from_dataframe(table, kpi="rate", kpi_per=500, **roles)
    for totals in (said, dataclasses.replace(said, kpi_per=None)):
        assert continued_by(before, totals)[1].revised.empty


def test_a_column_at_half_its_size_is_said_in_a_fraction(panel):
    before = dataclasses.replace(panel, control=np.abs(panel.control) + 1.0)
    after = dataclasses.replace(before, control=before.control * np.array([0.5, 1.0]))
    with pytest.raises(dcm.DataError, match="Column 'control_1' is 1/2 of what it was in the run"):
        continued_by(before, after)
