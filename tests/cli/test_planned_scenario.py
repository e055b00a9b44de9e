"""`scenario` on the command line: a change that reaches into planned weeks is predicted for them."""

import dataclasses

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.planning import _change, _everything, scenario_command

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ({"first": "2031-01-06"}, "--first names '2031-01-06', which is not a week of the run; they are 2022-01-03 to"),
        ({"last": "soon"}, "--last names 'soon', which is not a week of the run"),
        ({"first": "01/02/2022"}, "--first names '01/02/2022', whose day and month may be taken for one another"),
        ({"first": "2022-06-06", "last": "2022-02-07"}, "--first 2022-06-06 is after --last 2022-02-07; exchange them"),
    ],
)
def test_weeks_that_cannot_be_changed_are_refused_in_the_words_of_the_command(run, tmp_path, ends, message):
    with pytest.raises(dcm.ConfigError, match=message):
        scenario_command(run[1], tmp_path / "what_if.csv", ["channel_2*0"], **ends)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("tv*1.2", dcm.Change("tv", 1.2)),
        ("price = 3.5", dcm.Change("price", to=3.5)),
        ("promo=baseline", dcm.Change("promo", to="baseline")),
    ],
)
def test_a_change_is_a_factor_a_value_or_the_baseline(text, change):
    assert _change(text, None, None) == change


@pytest.mark.parametrize("text", ["tv", "tv*baseline", "promo=low"])
def test_another_change_is_refused(text):
    with pytest.raises(dcm.ConfigError, match=r"like 'tv\*1.2', 'price=3.5' or 'promo=baseline'"):
        _change(text, None, None)


@pytest.mark.parametrize(("cadence", "said"), [("daily", "all days and regions"), ("weekly", "all weeks and regions")])
def test_the_total_is_said_in_the_steps_of_the_panel(cadence, said):
    assert _everything(dcm.simulate(1, 20, 1, 1, seed=0, cadence=cadence)[0]) == said
