"""A fit and what follows it, on days and on months."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import future_weeks, settling_weeks
from deepcausalmmm_jax.results.run_update import CAUSES, Update

pytestmark = pytest.mark.slow

WEEKS = {"daily": 20, "monthly": 157}


@pytest.fixture(scope="module")
def brief():
    """A training that only begins."""
    return dcm.Config(
        graph="none",
        training=dataclasses.replace(dcm.Training(), max_epochs=20, chunk_epochs=20),
        posterior=dcm.PosteriorSettings(method="none"),
    )


@pytest.fixture(scope="module", params=WEEKS)
def fitted(request, brief):
    panel, _ = dcm.simulate(1, WEEKS[request.param], 2, 1, seed=3, cadence=request.param)
    return dcm.fit(panel, brief, holdout=panel.cadence.steps(4), progress=False)


def following(panel, n):
    """The next steps with the exposure, spend and controls of the last ones."""
    table = panel.to_dataframe().tail(n).assign(time=list(panel.cadence.later(panel.weeks, n)))
    return dcm.Panel.from_dataframe(
        table,
        time="time",
        region="region",
        kpi=None,
        media=list(panel.channels),
        spend=[f"{name}_spend" for name in panel.channels],
        controls=list(panel.controls),
        revenue_per_kpi="revenue_per_kpi",
        cadence=str(panel.cadence),
    )


def test_a_fit_has_its_figures(fitted):
    unit = fitted.panel.cadence.unit
    assert np.isfinite(fitted.media_summary()["roi"]).all()
    assert f"{unit}s" in repr(fitted)
    assert np.isfinite(fitted.metrics.loc["holdout", "rmse_seasonal"]) == (unit == "month")  # a year before
    assert (fitted.adstock_decay().sum() <= 1.0 + 1e-6).all()


def test_a_forecast_goes_on_with_the_next_steps(fitted):
    coming = following(fitted.panel, 3)
    assert coming.weeks.tolist() == fitted.panel.cadence.later(fitted.panel.weeks, 3).tolist()
    assert np.isfinite(fitted.predict(coming)).all()


def test_the_steps_of_a_plan_and_the_carry_over_after_them_follow_the_calendar(fitted):
    panel, coming = fitted.panel, following(fitted.panel, 2)
    horizon = future_weeks(fitted.fitted_panel, coming)
    assert horizon.weeks.tolist() == coming.weeks.tolist()
    grid = horizon.panel.weeks
    assert grid.tolist() == [panel.weeks[0], *panel.cadence.later(panel.weeks[:1], len(grid) - 1)]
    assert 1 <= settling_weeks(fitted.fitted_panel) <= panel.cadence.steps(52)
    changed = dcm.scenario(fitted, dcm.Change(panel.channels[0], factor=1.2), weeks=2)
    assert np.isfinite(changed.select_dtypes("number").to_numpy()).any()


def test_a_saved_run_keeps_its_calendar(fitted, tmp_path):
    fitted.save(tmp_path / "run.npz")
    again = dcm.load(tmp_path / "run.npz")
    assert again.panel.cadence is fitted.panel.cadence
    pd.testing.assert_frame_equal(again.media_summary(), fitted.media_summary(), rtol=1e-4)


def test_comparisons_and_updates_are_told_in_the_units_of_the_panel(fitted):
    unit, panel = fitted.panel.cadence.unit, fitted.panel
    own, cut = fitted.fitted, panel.select(weeks=slice(0, len(panel.weeks) - 1))
    other = dcm.FitResult(dataclasses.replace(own, panel=cut, weights=own.weights[:, :-1]))
    found = dcm.compare_runs(other, fitted)
    assert f"of shared {unit}s differ" in found.summary()
    assert {f"last {unit}", f"{unit}s"} <= set(found.data.index)
    figure = dcm.plots.run_changes(found, "weekly_contribution")
    assert figure.layout.title.text.startswith(f"Contribution per {unit}")
    assert figure.layout.xaxis.title.text == f"KPI units per {unit}"
    moved = found.figures.assign(**dict.fromkeys(CAUSES, 0.0))
    made = Update(fitted, other, moved, found.revised, (panel.week_label(-1),), False)
    assert made.summary().startswith(
        f"1 new {unit} ({panel.week_label(-1)}); no figure of the old {unit}s was revised."
    )
    assert not re.search(r"\bweeks?\b", found.summary() + made.summary() + " ".join(found.data.index))


def test_data_and_result_are_checked_in_the_units_of_the_panel(fitted):
    said = " ".join(fitted.panel.diagnose().shown()["what"]) + " ".join(dcm.health(fitted).table["figure"])
    assert "week" not in said
