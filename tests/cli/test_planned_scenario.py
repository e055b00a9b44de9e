"""`scenario` on the command line: a change that reaches into planned weeks is predicted for them."""

import dataclasses

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.planning import scenario_command


@pytest.fixture(scope="module")
def run(small_panel, quick, tmp_path_factory):
    """A fit of a panel whose last eight weeks have no KPI yet."""
    weights, kpi = small_panel.weights.copy(), small_panel.kpi.copy()
    weights[:, -8:] = kpi[:, -8:] = 0.0
    result = dcm.fit(dataclasses.replace(small_panel, weights=weights, kpi=kpi), quick, holdout=None, progress=False)
    place = tmp_path_factory.mktemp("run")
    result.save(place / "fit.npz")
    return result, place


@pytest.mark.parametrize(("first", "last"), [(53, 56), (53, None), (50, 56)])
def test_planned_weeks_can_be_changed(run, tmp_path, first, last, capsys):
    result, place = run
    week = result.panel.week_label
    out = tmp_path / "what_if.csv"
    ends = {"first": week(first), "last": None if last is None else week(last)}
    scenario_command(place, out, ["channel_2*0"], None, None, **ends)
    change = dcm.Change("channel_2", 0.0, weeks=(week(first), week(59 if last is None else last)))
    right = dcm.scenario(result, change, weeks=(0, 60))
    found = pd.read_csv(out)
    assert found["change"].iloc[0] == pytest.approx(right["change"].iloc[0], rel=1e-6)
    assert found["change"].iloc[0] < 0.0


@pytest.mark.parametrize(("first", "last"), [(10, 20), (10, None)])
def test_a_change_of_the_past_is_of_the_weeks_up_to_the_last_kpi(run, tmp_path, first, last, capsys):
    result, place = run
    week = result.panel.week_label
    out = tmp_path / "what_if.csv"
    ends = {"first": week(first), "last": None if last is None else week(last)}
    scenario_command(place, out, ["channel_2*0"], None, None, **ends)
    change = dcm.Change("channel_2", 0.0, weeks=(week(first), week(51 if last is None else last)))
    assert pd.read_csv(out)["change"].iloc[0] == pytest.approx(dcm.scenario(result, change)["change"].iloc[0], rel=1e-6)
