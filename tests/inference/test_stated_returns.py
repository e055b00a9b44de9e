"""A fit that was told a return can be asked what every other fit can: returns refer to the panel that it learned from."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

pytestmark = pytest.mark.slow

PRIORS = {
    "roi": dcm.Priors(roi={"channel_1": (1.0, 0.3)}),
    "cpik": dcm.Priors(cpik={"channel_1": (5.0, 1.0)}),
    "mroi": dcm.Priors(mroi={"channel_1": (1.0, 0.3)}),
}


@pytest.fixture(scope="module", params=PRIORS)
def told(request, small_panel, quick):
    return dcm.fit(small_panel, dataclasses.replace(quick, priors=PRIORS[request.param]), holdout=8, progress=False)


def coming(panel):
    """Eight weeks after the panel, without a KPI."""
    table = panel.select(weeks=slice(-8, None)).to_dataframe().drop(columns=panel.kpi_name)
    table["time"] += pd.Timedelta(weeks=8)
    roles = {"region": "region", "time": "time", "kpi": None, "media": list(panel.channels), "spend": "*_spend"}
    return dcm.Panel.from_dataframe(table, **roles, controls=list(panel.controls), revenue_per_kpi="revenue_per_kpi")


def test_predictions_of_other_panels_are_the_models(told):
    np.testing.assert_allclose(told.predict(told.panel).values, told.predict().values, rtol=1e-5)
    off = dataclasses.replace(told.panel, exposure=told.panel.exposure * [0.0, 1.0, 1.0], spend=None)
    lost = (told.predict() - told.predict(off)).values.sum()
    outcome = dcm.scenario(told, dcm.Change("channel_1", 0.0)).query("by == 'all'")["change"].iloc[0]
    assert lost == pytest.approx(-outcome, rel=1e-3)
    assert np.isfinite(told.predict(coming(told.panel)).values).all()


@pytest.mark.parametrize("asked", [{"weeks": 10}, {"next_weeks": 8}, {"weeks": "panel"}], ids=str)
def test_other_weeks_are_planned(told, asked):
    if asked == {"weeks": "panel"}:
        asked = {"weeks": coming(told.panel)}
    plan = dcm.optimize_budget(told, starts=1, max_steps=3, **asked)
    assert np.isfinite(plan.channels["roi_plan"]).all()


def test_curves_and_carry_over_are_shown(told):
    assert len(dcm.response_curves(told, weeks=4).table)
    assert np.isfinite(told.carry_over()[["immediate", "carried"]]).all(axis=None)


def test_the_prior_is_the_same_whatever_panel_is_asked_of(told):
    fit = told.fitted_panel
    own, other = fit.inputs.stated_priors, fit.on(dataclasses.replace(told.panel, spend=None)).inputs.stated_priors
    for name in ("share", "share_precision", "marginal", "marginal_precision"):
        if getattr(own, name) is not None:
            np.testing.assert_array_equal(getattr(own, name), getattr(other, name))


def in_the_season():
    """Two years in which television is on air when most is sold, `link="log"`."""
    rng, week = np.random.default_rng(7), np.arange(112)
    season = 0.4 * np.cos(2 * np.pi * (week - 50) / 52.18)
    tv, search = np.where(season > 0.25, rng.uniform(80, 120, 112), 0.0), rng.uniform(20, 60, 112)
    sales = 1000.0 * np.exp(season + 0.001 * tv + 0.002 * search + rng.normal(0, 0.03, 112))
    table = pd.DataFrame({"week": week, "sales": sales, "tv": tv, "search": search})
    return dcm.Panel.from_dataframe(table, time="week", kpi="sales", media=["tv", "search"], cadence="weekly")


@pytest.mark.parametrize("method", ["none", "laplace"])
def test_under_a_log_link_a_stated_share_is_what_is_lost_in_the_weeks_that_sell_most(method):
    panel = in_the_season()
    priors = dcm.Priors(share={"tv": (0.05, 0.0002)}, total=(0.13, 0.0005))
    settings = dcm.PosteriorSettings(method=method)
    config = dcm.Config(link="log", priors=priors, posterior=settings, training=dcm.Training(max_epochs=1500))
    result = dcm.fit(panel, config, holdout=8, progress=False)
    learned = slice(0, 104)
    kpi = panel.kpi[0, learned].sum()
    for stated, on in ((0.05, [0.0, 1.0]), (0.13, [0.0, 0.0])):
        off = dataclasses.replace(panel, exposure=panel.exposure * on)
        lost = (result.predict() - result.predict(off)).values[0, learned].sum()
        assert lost / kpi == pytest.approx(stated, rel=0.02)  # 0.067 and 0.145 by the mean effects on the log
    found = result.priors().set_index("quantity").found
    assert found["share"] == pytest.approx(0.05, rel=0.01)
    assert found["total"] == pytest.approx(0.13, rel=0.01)  # without both, not the sum of what each loses alone
