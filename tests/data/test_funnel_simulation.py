"""Simulated funnels: panels of one table, and effects by every way."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm


@pytest.fixture(scope="module")
def funnel():
    return dcm.simulate_funnel(("clicks", "visits", "sales"), n_regions=1, n_weeks=60, n_channels=3, seed=3)


def test_stages_share_media_and_differ_in_their_kpi(funnel):
    panels, _ = funnel
    assert [panel.kpi_name for panel in panels.values()] == list(panels) == ["clicks", "visits", "sales"]
    for panel in panels.values():
        np.testing.assert_array_equal(panel.exposure, panels["clicks"].exposure)
        assert (panel.kpi > 0).all()
    assert [panel.revenue_per_kpi is None for panel in panels.values()] == [True, True, False]


def test_effects_by_every_way_add_up(funnel):
    _, truth = funnel
    effects = truth.effects
    np.testing.assert_allclose(effects["direct"] + effects["mediated"], effects["total"], rtol=1e-12)
    assert (effects.loc["clicks", "mediated"] == 0).all()
    assert (effects.loc[["visits", "sales"]] > 0).all(axis=None)


def test_what_is_mediated_is_the_effect_on_each_earlier_stage_times_what_comes_from_it(funnel):
    panels, truth = funnel
    # of one region, as shares of the usual week
    usual = {kpi: panel.kpi.mean() for kpi, panel in panels.items()}
    effect = {kpi: truth.effects.loc[kpi] / usual[kpi] for kpi in panels}
    through = truth.through["share"]
    by_way = sum(through["sales", stage] * effect[stage]["total"] for stage in ("clicks", "visits"))
    np.testing.assert_allclose(effect["sales"]["mediated"], by_way, rtol=0.02)  # the mean of a stage is near its size
    by_clicks = through["visits", "clicks"] * effect["clicks"]["total"]
    np.testing.assert_allclose(effect["visits"]["mediated"], by_clicks, rtol=0.02)
    assert 0.4 <= through["sales"].sum() <= 0.7


def test_a_common_cause_moves_all_stages_and_leaves_the_effects(funnel):
    stages = ("visits", "sales")
    (plain, truth), (moved, same) = (dcm.simulate_funnel(stages, 2, 50, 2, 0, 5, common=c) for c in (0.0, 0.5))
    np.testing.assert_array_equal(truth.effects.loc["sales"], same.effects.loc["sales"])
    demand = [moved[kpi].kpi - plain[kpi].kpi for kpi in stages]
    for r in range(2):
        assert np.corrcoef(demand[0][r], demand[1][r])[0, 1] > 0.99


@pytest.mark.parametrize(
    ("stages", "options", "said"),
    [
        (["sales"], {}, "stages must be a list of two or more names"),
        ("visits", {}, "stages must be a list of two or more names, first to last, got 'visits'"),
        (["visits", "sales", "visits"], {}, "stages names 'visits' twice"),
        (["channel_1", "sales"], {}, "stages names 'channel_1', which is a column of the panel"),
        (["visits", "sales"], {"common": -1.0}, "common must be a number of 0 or more"),
        (["visits", "sales"], {"n_channels": 0}, "n_channels must be a whole number, 1 or more"),
    ],
)
def test_what_is_no_funnel_is_refused(stages, options, said):
    with pytest.raises(dcm.DataError, match=said):
        dcm.simulate_funnel(stages, 1, 30, **options)
