"""A region whose KPI lies around zero, or never moves, beside ordinary ones: fits, draws and what is said of them."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm

REGION = 2


def _changed(panel, change):
    kpi = panel.kpi.copy()
    kpi[REGION] = change(kpi[REGION])
    return dataclasses.replace(panel, kpi=kpi)


def _others(result):
    """Incremental outcome of the other regions, region x channel."""
    table = result.regional_summary()["incremental_outcome"].unstack()
    return table.drop(index=str(result.panel.regions[REGION]))


@pytest.fixture(
    scope="module", params=[0.01, -0.5, -6.0], ids=["near zero", "negative", "so that all sum to less than 0"]
)
def net_result(request, small_panel, quick):
    """The small panel's fit with a constant taken off a region's KPI, which leaves its mean at this share."""
    panel = _changed(small_panel, lambda kpi: kpi + (request.param - 1.0) * kpi.mean())
    with pytest.warns(
        dcm.DataWarning,
        match=rf"of region {panel.regions[REGION]} has a mean that is negative, or small next to its weekly changes",
    ):
        return dcm.fit(panel, quick, holdout=8)


def test_a_constant_taken_off_a_region_leaves_the_effects_of_the_others(net_result, small_result):
    found, right = _others(net_result), _others(small_result)
    np.testing.assert_allclose(found.sum(), right.sum(), rtol=0.06)
    np.testing.assert_allclose(net_result.notes()["share"], small_result.notes()["share"], rtol=0.1, atol=0.2)


def test_its_own_effects_and_forecast_are_those_of_its_size(net_result, small_result):
    name = str(net_result.panel.regions[REGION])
    found, right = (r.regional_summary()["incremental_outcome"].loc[name] for r in (net_result, small_result))
    np.testing.assert_allclose(found.sum(), right.sum(), rtol=0.1)
    shift = (net_result.panel.kpi - small_result.panel.kpi)[REGION, 0]
    apart = net_result.predict().values[REGION] - small_result.predict().values[REGION] - shift
    assert np.abs(apart).max() < 0.1 * small_result.panel.kpi[REGION].mean()
    assert net_result.status != dcm.FitStatus.WORSE_THAN_MEAN


def test_notes_are_kept_with_the_fit(net_result, tmp_path):
    again = dcm.load(net_result.save(tmp_path / "fit.npz"))
    assert again.panel_notes().equals(net_result.panel_notes())
    assert list(net_result.panel_notes()["kind"]) == ["KPI around zero"]


@pytest.fixture(scope="module")
def still_result(small_panel, quick):
    """The small panel's fit with a region's KPI the same in every week."""
    name = small_panel.regions[REGION]
    with pytest.warns(
        dcm.DataWarning, match=rf"same in all training weeks of region {name}: nothing is learned from it"
    ):
        return dcm.fit(_changed(small_panel, lambda kpi: np.full_like(kpi, 4000.0)), quick, holdout=8)


def test_a_region_that_never_moves_is_named_and_counts_for_nothing(still_result):
    assert still_result.fitted.weights[REGION].sum() == 0
    assert np.isfinite(still_result.contributions.values).all()


@pytest.mark.slow
def test_a_region_that_never_moves_gets_what_the_others_say(still_result, small_panel, quick):
    without = dcm.fit(small_panel.select(regions=np.delete(small_panel.regions, REGION)), quick, holdout=8)
    right = without.regional_summary()["incremental_outcome"].unstack()
    np.testing.assert_allclose(_others(still_result).sum(), right.sum(), rtol=0.1)


def test_an_ordinary_panel_is_fitted_without_a_word(small_result):
    assert small_result.panel_notes().empty
