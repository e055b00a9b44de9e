"""What may not matter to a fit: the order of its regions, names, dates and units."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

_ROUNDING = 5e-3  # of the largest value: small steps of Adam in another order of sums
_YEARS = 28  # after which every day of the week is back on its day of the year


def reordered(panel, order):
    """The panel with its regions in another order."""
    rows = list(order)
    arrays = {field.name: getattr(panel, field.name) for field in dataclasses.fields(panel)}
    of_regions = (
        "regions",
        "kpi",
        "weights",
        "present",
        "exposure",
        "control",
        "spend",
        "revenue_per_kpi",
        "population",
    )
    return dataclasses.replace(panel, **{name: arrays[name][rows] for name in of_regions if arrays[name] is not None})


def contributions(result):
    """By label, in units of the KPI."""
    found = result.contributions.transpose("region", "time", "component")
    return found.sortby("region").sortby("component")


def assert_close(ours, theirs, rounding=_ROUNDING):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=rounding * np.abs(np.asarray(theirs)).max())


@pytest.fixture(scope="module")
def calm(quick):
    """Small steps: those of the default make tenths of a point out of the rounding of another order of sums."""
    return quick.replace(training=dataclasses.replace(quick.training, learning_rate=0.005))


@pytest.fixture(scope="module")
def calm_result(small_panel, calm):
    return dcm.fit(small_panel, calm, holdout=8, progress=False)


def assert_same_training(ours, theirs):
    one, other = (result.fitted.record.objective for result in (ours, theirs))
    np.testing.assert_allclose(one[:10], other[:10], rtol=1e-5)
    np.testing.assert_allclose(one, other, rtol=1e-2)


@pytest.mark.parametrize(
    "order", [(2, 0, 3, 1), *(pytest.param(order, marks=pytest.mark.slow) for order in ((1, 0, 2, 3), (3, 2, 1, 0)))]
)
def test_the_order_of_regions_does_not_matter(small_panel, calm, order):
    smaller = calm.replace(training=dataclasses.replace(calm.training, learning_rate=0.001))
    plain, found = (
        dcm.fit(panel, smaller, holdout=8, progress=False) for panel in (small_panel, reordered(small_panel, order))
    )
    assert_same_training(found, plain)
    assert_close(contributions(found).values, contributions(plain).values, rounding=1e-4)


def test_names_do_not_matter(small_panel, small_result, quick):
    other = dataclasses.replace(
        small_panel,
        regions=pd.Index(["Örebro", "1", "a b", "Zürich, CH"]),
        channels=("z", "TV (GRP)", "a"),
        controls=("Übermut", "100"),
        kpi_name="visits",
        region_name="dma",
        time_name="when",
    )
    found = dcm.fit(other, quick, holdout=8, progress=False)
    np.testing.assert_array_equal(found.contributions.values, small_result.contributions.values)
    np.testing.assert_array_equal(found.media_summary()["roi"], small_result.media_summary()["roi"])


def test_dates_a_cycle_of_calendars_later_do_not_matter(small_panel, small_result, quick):
    later = dataclasses.replace(small_panel, weeks=small_panel.weeks + pd.DateOffset(years=_YEARS))
    found = dcm.fit(later, quick, holdout=8, progress=False)
    assert_close(found.contributions.values, small_result.contributions.values)


def test_units_of_kpi_spend_and_controls_change_the_figures_by_their_factors_alone(small_panel, calm_result, calm):
    other = dataclasses.replace(
        small_panel,
        kpi=1000.0 * small_panel.kpi,
        revenue_per_kpi=small_panel.revenue_per_kpi / 1000.0,
        spend=small_panel.spend / 7.0,
        control=9.0 + 5.0 * small_panel.control,
    )
    found = dcm.fit(other, calm, holdout=8, progress=False)
    assert_same_training(found, calm_result)
    ours, theirs = found.media_summary(), calm_result.media_summary()
    for name, factor in {
        "incremental_outcome": 1000.0,
        "roi": 7.0,
        "pct_of_contribution": 1.0,
        "spend": 1 / 7.0,
    }.items():
        assert_close(ours[name], factor * theirs[name])


def test_a_region_without_any_weight_is_named(small_panel, quick):
    weights = small_panel.weights.copy()
    weights[2] = 0.0
    with pytest.raises(dcm.DataError, match=f"Region {small_panel.regions[2]} has no observed KPI"):
        dcm.fit(dataclasses.replace(small_panel, weights=weights), quick, holdout=8)


def with_a_copy_of_a_control(panel):
    return dataclasses.replace(
        panel,
        control=np.concatenate([panel.control, panel.control[..., :1]], axis=-1),
        controls=(*panel.controls, "copy"),
    )


def with_a_copy_of_a_region(panel):
    twice = reordered(panel, (*range(len(panel.regions)), 0))
    return dataclasses.replace(twice, regions=pd.Index([*panel.regions, "copy"]))


@pytest.mark.slow
@pytest.mark.parametrize("copied", [with_a_copy_of_a_control, with_a_copy_of_a_region])
def test_what_is_given_twice_is_named_and_moves_no_share_by_more_than_two_points(
    small_panel, calm_result, calm, copied
):
    with pytest.warns(dcm.DataWarning, match="copy"):
        found = dcm.fit(copied(small_panel), calm, holdout=8, progress=False)
    moved = found.notes()["share"] - calm_result.notes()["share"]
    assert moved.abs().max() < 2.0


@pytest.mark.parametrize("times", [8.0, 300.0])
def test_an_amount_on_top_of_one_regions_kpi_leaves_the_others_effects(small_panel, calm_result, calm, times):
    kpi = small_panel.kpi.copy()
    kpi[1] += times * kpi[1].mean()
    with pytest.warns(dcm.DataWarning, match=f"region {small_panel.regions[1]}, next to its weekly changes"):
        found = dcm.fit(dataclasses.replace(small_panel, kpi=kpi), calm, holdout=8, progress=False)
    media = [contributions(result).sel(component=list(small_panel.channels)) for result in (found, calm_result)]
    ours, theirs = (part.drop_sel(region=small_panel.regions[1]).sum(["region", "time"]) for part in media)
    assert np.abs(ours - theirs).max() < 0.05 * theirs.sum()
