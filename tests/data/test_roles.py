"""Roles of columns: treatments, organic media, national channels and controls."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.credited import baselines_of
from deepcausalmmm_jax.attribution.prices import priced
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.data.inputs import inputs_from
from deepcausalmmm_jax.data.roles_of_run import with_roles_of
from deepcausalmmm_jax.data.scaling import scales_from

WEEKS = pd.date_range("2022-01-03", periods=30, freq="7D")
PLAIN = {"region": "geo", "time": "week", "kpi": "sales", "media": ["tv", "search"], "spend": {"tv": "tv_cost"}}
ROLES = PLAIN | {
    "controls": ["gdp"],
    "treatments": ["promo", dcm.Treatment("price", "max")],
    "organic": ["mail"],
    "national": ["tv", "gdp"],
    "population": "people",
}


def table(n_weeks=30):
    rng = np.random.default_rng(0)
    df = pd.DataFrame([(geo, week) for geo in "abc" for week in WEEKS[:n_weeks]], columns=["geo", "week"])
    for name in ("sales", "search", "mail", "price"):
        df[name] = rng.uniform(1, 10, len(df))
    df["promo"] = (rng.random(len(df)) < 0.3).astype(float)
    for name in ("tv", "gdp"):
        df[name] = np.tile(rng.uniform(1, 10, n_weeks), 3)
    df["tv_cost"], df["people"] = 3 * df["tv"], df["geo"].map({"a": 10.0, "b": 30.0, "c": 60.0})
    return df


def panel_of(df=None, **changes):
    return dcm.Panel.from_dataframe(table() if df is None else df, **(ROLES | changes))


def test_each_column_is_where_its_role_puts_it():
    panel = panel_of()
    assert panel.channels == ("tv", "search", "mail")
    assert panel.controls == ("gdp", "promo", "price")
    assert panel.treatments == (dcm.Treatment("promo", "min"), dcm.Treatment("price", "max"))
    assert panel.organic == ("mail",)
    assert np.isnan(panel.spend[:, :, 2]).all()


def test_a_national_channel_and_its_spend_add_up_to_the_national_figures():
    df, panel = table(), panel_of()
    whole = df[df["geo"] == "a"]
    np.testing.assert_allclose(panel.exposure[:, :, 0].sum(axis=0), whole["tv"])
    np.testing.assert_allclose(panel.spend[:, :, 0].sum(axis=0), whole["tv_cost"])
    np.testing.assert_allclose(panel.exposure[:, 0, 0] / panel.exposure[:, 0, 0].sum(), [0.1, 0.3, 0.6])
    np.testing.assert_allclose(panel.control[:, :, 0], np.tile(whole["gdp"], (3, 1)))


@settings(max_examples=20, deadline=None)
@given(gone=st.sets(st.integers(0, 89), max_size=30), zero=st.booleans())
def test_the_table_comes_back_with_its_national_figures(gone, zero):
    df = table().drop(index=list(gone)).reset_index(drop=True)
    weights = {"a": 0.0, "b": 0.4, "c": 0.6} if zero else {"a": 0.2, "b": 0.3, "c": 0.5}
    panel = panel_of(df, national_weights=weights)
    back = dcm.Panel.from_dataframe(
        panel.to_dataframe(),
        **(ROLES | {"spend": {"tv": "tv_spend"}, "population": "population"}),
        national_weights=weights,
    )
    shared = panel.present[1] | panel.present[2]  # the figures of other weeks went to a region without any
    shared &= np.isin(panel.weeks, back.weeks)
    for name in ("exposure", "spend"):
        kept = getattr(panel, name)[:, shared]
        again = getattr(back, name)[:, np.isin(back.weeks, panel.weeks[shared])]
        np.testing.assert_allclose(kept, again, atol=1e-12)
    assert (back.treatments, back.organic, back.national) == (panel.treatments, panel.organic, panel.national)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatments": "price"}, r"write \['price'\]"),
        ({"treatments": ["price", "price"]}, "given twice"),
        ({"treatments": {"price": "mean"}}, "'min', 'max' or a number"),
        ({"treatments": {"price": float("nan")}}, "'min', 'max' or a number"),
        ({"controls": ["gdp", "price"]}, "both as a control and as a treatment"),
        ({"media": ["tv", "search", "mail"]}, "both as a media channel and as organic media"),
        ({"spend": {"mail": "tv_cost"}}, "which is organic"),
        ({"national": ["search"]}, "in week 2022-01-03 is .* in region . and .* in region ."),
        ({"national": ["tv", "nothing"]}, "national names 'nothing'"),
        ({"population": None}, "population, or national_weights"),
        ({"national_weights": {"a": 0.5, "b": 0.6}}, "sum to 1.1, and must sum to 1"),
        ({"national_weights": {"a": 0, "b": 0}}, "sum to 0, and must sum to 1; give each region its share"),
        ({"national_weights": {"a": 1e308, "b": 1e308}}, "sum to inf, and must sum to 1; give each region its share"),
        ({"national_weights": {"a": 0.5, "b": 0.5}}, "no weight for region c"),
        ({"national_weights": {"a": 0.5, "z": 0.5}}, "region 'z'"),
        ({"national_weights": {"a": -0.5, "b": 1.5}}, "must be 0 or more"),
        ({"national": [], "national_weights": {"a": 1.0}}, "without a national channel"),
        ({"media": [], "organic": []}, "No media column"),
    ],
)
def test_roles_that_cannot_be_are_refused_in_a_sentence(changes, message):
    if changes.get("media") == []:
        changes = changes | {"spend": None, "national": []}
    with pytest.raises(dcm.DataError, match=message):
        panel_of(**changes)


def test_a_table_that_is_national_as_a_whole_has_no_national_columns():
    df = table().query("geo == 'a'")
    with pytest.raises(dcm.DataError, match="national as a whole"):
        dcm.Panel.from_dataframe(df, **(PLAIN | {"region": None}), national=["tv"])


def test_the_model_reads_a_treatment_as_it_reads_a_control():
    panel = panel_of()
    bare = dataclasses.replace(panel, treatments=(), organic=())
    scales = scales_from(panel, panel.weights)
    for own, other in zip(
        inputs_from(panel, scales, panel.weights, dcm.Config()),
        inputs_from(bare, scales_from(bare, bare.weights), bare.weights, dcm.Config()),
        strict=True,
    ):
        np.testing.assert_equal(own, other)


@pytest.mark.parametrize(("baseline", "wanted"), [("min", np.min), ("max", np.max), (4.0, lambda values: 4.0)])
def test_a_baseline_is_the_lowest_or_highest_value_of_each_region_or_a_number(baseline, wanted):
    panel = panel_of(treatments={"price": baseline})
    found = baselines_of(panel, scales_from(panel, panel.weights))
    at = panel.controls.index("price")
    assert found.credited.tolist() == [name == "price" for name in panel.controls]
    np.testing.assert_allclose(found.value[:, at], [wanted(panel.control[r, :, at]) for r in range(3)])


def test_planned_weeks_do_not_move_a_baseline():
    df = table()
    df.loc[df["week"] >= WEEKS[25], "price"] = -100.0
    df.loc[df["week"] >= WEEKS[25], "sales"] = np.nan
    panel = panel_of(df, missing_kpi="mask", treatments={"price": "min"})
    found = baselines_of(panel, scales_from(panel, panel.weights))
    assert (found.value[:, panel.controls.index("price")] > 0).all()


def test_roles_are_part_of_the_fingerprint_and_their_absence_is_not():
    panel = panel_of()
    plain = dataclasses.replace(panel, treatments=(), organic=(), national=(), national_weights=None)
    assert (
        len({fingerprint(panel), fingerprint(plain), fingerprint(dataclasses.replace(plain, organic=("mail",)))}) == 3
    )


def test_a_later_panel_takes_over_the_roles_that_it_does_not_state():
    panel = panel_of()
    later = dataclasses.replace(panel, treatments=(), organic=())
    assert with_roles_of(panel, later).treatments == panel.treatments
    assert with_roles_of(panel, later).organic == ("mail",)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"treatments": (dcm.Treatment("promo", "max"),)}, "treatments of the panel differ"),
        ({"organic": ("search",)}, "organic channels of the panel differ"),
        ({"national": ("gdp",), "national_weights": None}, "tv: national only in the panel of the fit"),
    ],
)
def test_a_later_panel_with_other_roles_is_refused(other, message):
    panel = panel_of()
    with pytest.raises(dcm.DataError, match=message):
        with_roles_of(panel, dataclasses.replace(panel, **other))


def test_future_weeks_of_some_regions_get_their_share_of_national_media():
    panel = panel_of(table(29))
    later = table().query("week == @WEEKS[29] and geo != 'a'").drop(columns="sales")
    asked = panel_of(later, kpi=None)
    full, weeks, regions = continued(panel, asked)
    whole = float(later["tv"].iloc[0])
    np.testing.assert_allclose(full.exposure[regions, weeks, 0].ravel(), whole * np.array([0.3, 0.6]))


def test_organic_media_have_no_price_and_take_none():
    panel = dataclasses.replace(panel_of(), spend=None)
    assert np.isnan(priced(panel, None).price[:, :, 2]).all()
    assert (priced(panel, None).price[:, :, :2] == 1.0).all()
    with pytest.raises(dcm.DataError, match="'mail', which is organic"):
        priced(panel, {"mail": 2.0})


def test_some_regions_keep_their_roles():
    some = panel_of().select(regions=["b", "c"])
    np.testing.assert_allclose(some.national_weights, [1 / 3, 2 / 3])  # of what is theirs together
    assert some.treatments == panel_of().treatments


def test_national_figures_of_some_regions_are_theirs(tmp_path):
    """Read back, the panel of these regions is the same: exposure and spend are divided alike."""
    weeks = pd.date_range("2023-01-02", periods=30, freq="7D")
    rows = [(region, week, 100.0 + week.day, 1000.0 + week.day, 500.0) for region in "abc" for week in weeks]
    df = pd.DataFrame(rows, columns=["region", "week", "sales", "tv", "cost"])
    roles = {"region": "region", "time": "week", "kpi": "sales", "media": ["tv"], "spend": {"tv": "cost"}}
    whole = dcm.Panel.from_dataframe(df, **roles, national=["tv"], national_weights={"a": 0.2, "b": 0.3, "c": 0.5})
    some = whole.select(regions=["a", "b"])
    roles |= {"spend": {"tv": "tv_spend"}, "national": ["tv"]}
    again = dcm.Panel.from_dataframe(some.to_dataframe(), **roles, national_weights={"a": 0.4, "b": 0.6})
    np.testing.assert_allclose(again.exposure, some.exposure)
    np.testing.assert_allclose(again.spend, some.spend)
    np.testing.assert_allclose(some.exposure, whole.exposure[:2])
    assert some.summary().loc["tv", "cost_per_unit"] == pytest.approx(whole.summary().loc["tv", "cost_per_unit"])


@pytest.mark.parametrize("name", ["all media", "paid media", "baseline", "prediction"])
def test_a_column_named_like_a_row_or_column_of_results_is_refused(small_panel, name):
    table = small_panel.to_dataframe().rename(columns={"channel_1": name})
    with pytest.raises(dcm.DataError, match=f"Column '{name}' has a name that is reserved for results; rename it"):
        dcm.Panel.from_dataframe(table, region="region", time="time", kpi="sales", media=[name, "channel_2"])


@pytest.mark.parametrize("role", ["region", "time"])
def test_a_key_named_like_a_column_of_results_is_refused(small_panel, role):
    """Tables of contributions have it once already: a finished fit ended in an error of pandas."""
    table = small_panel.to_dataframe().rename(columns={role: "prediction"})
    roles = {"region": "region", "time": "time"} | {role: "prediction"}
    with pytest.raises(dcm.DataError, match="Column 'prediction' has a name that is reserved for results; rename it"):
        dcm.Panel.from_dataframe(table, **roles, kpi="sales", media=["channel_1"])
