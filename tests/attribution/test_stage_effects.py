"""What goes through a stage of a funnel, against the model's own prediction with the stage lowered."""

import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.stage_effects import Fit, Outcome, mediated, stage_table


def _members(result, count):
    return jax.tree.map(lambda array: np.stack([np.asarray(array)] * count), result.fitted.variables)


@pytest.fixture(scope="module")
def stage(small_result):
    """The small fit as that of a stage; it is also the fit of the KPI after it, whose last control is the stage."""
    return Fit(small_result.fitted_panel, _members(small_result, 3))


def test_what_goes_through_a_stage_is_what_the_kpi_loses_when_the_stage_falls_by_it(small_panel, small_result, stage):
    past = small_panel.past
    found = mediated([stage], stage, past)
    for m in range(len(small_panel.channels)):
        control = small_panel.control.copy()
        control[:, :, -1] -= small_result.fitted_panel.incremental[:, :, m]
        fallen = small_result.fitted_panel.on(dataclasses.replace(small_panel, control=control)).prediction
        lost = (small_result.fitted_panel.prediction - fallen)[past].sum()
        np.testing.assert_allclose(found.estimate[m], lost, rtol=1e-3)
    np.testing.assert_allclose(found.drawn, np.stack([found.estimate] * 3), rtol=1e-5)


def test_weeks_that_do_not_count_add_nothing_and_a_fit_without_draws_has_no_draws(small_panel, stage):
    first, last = (np.zeros(small_panel.kpi.shape, bool) for _ in range(2))
    first[:, :30], last[:, 30:] = True, True
    without = stage._replace(members=None)
    parts = [mediated([without], stage, counted) for counted in (first, last)]
    np.testing.assert_allclose(sum(part.estimate for part in parts), mediated([stage], stage, first | last).estimate)
    assert parts[0].drawn is None


def test_two_stages_bring_what_each_brings_by_its_own_control(small_panel, stage):
    both = mediated([stage, stage], stage, small_panel.past).estimate
    last = mediated([stage], stage, small_panel.past).estimate
    swapped = dataclasses.replace(stage.panel.panel, controls=small_panel.controls[:1])  # the first control is the last
    first = mediated([stage], Fit(dataclasses.replace(stage.panel, panel=swapped), None), small_panel.past).estimate
    np.testing.assert_allclose(both, first + last, rtol=1e-6)


def test_direct_and_mediated_add_up_to_the_total_in_every_draw_and_its_interval():
    rng = np.random.default_rng(0)
    total = Outcome(np.array([10.0, 4.0]), rng.normal([10.0, 4.0], 0.5, (400, 2)))
    by_way = Outcome(np.array([3.0, 8.0]), rng.normal([3.0, 8.0], 0.5, (500, 2)))
    table = stage_table(("tv", "search"), total, by_way, ("visits",), 0.9)
    np.testing.assert_allclose(table["direct"] + table["mediated"], table["total"])
    np.testing.assert_allclose(table["pct_mediated"], [30.0, 200.0])
    width = table["direct_high"] - table["direct_low"]
    np.testing.assert_allclose(width, 2 * 1.645 * 0.5 * np.sqrt(2.0), rtol=0.1)
    assert table.loc["tv", "note"] == ""
    assert table.loc["search", "note"].startswith("the total is smaller than the part through visits: a common cause")


def test_without_draws_there_are_no_intervals():
    table = stage_table(
        ("tv",), Outcome(np.array([0.0]), None), Outcome(np.array([-1.0]), None), ("visits", "carts"), 0.9
    )
    assert list(table) == ["direct", "mediated", "total", "pct_mediated", "through", "note"]
    assert table.loc["tv", "through"] == "visits, carts"
    assert np.isnan(table.loc["tv", "pct_mediated"])
    with pytest.raises(dcm.ConfigError, match="level"):
        stage_table((), Outcome(np.zeros(0), None), Outcome(np.zeros(0), None), (), 2.0)


def test_members_of_fits_of_one_seed_are_paired_as_independent(small_panel, small_result, stage):
    """Such fits draw by the same random numbers, so that members of the same number are alike."""
    logs = np.random.default_rng(0).normal(0.0, 0.3, 200)
    alike = _members(small_result, len(logs))
    alike["params"]["coefficients"]["level"] += logs.astype(np.float32)[:, None]
    alike["params"]["control"]["shared"] *= np.exp(logs).astype(np.float32)[:, None]
    alike["params"]["control"]["region"] *= np.exp(logs).astype(np.float32)[:, None, None]
    same = stage._replace(members=alike)
    found = mediated([same], same, small_panel.past)
    by_way = np.log(found.drawn / found.estimate)
    np.testing.assert_allclose(by_way.std(axis=0), np.sqrt(2.0) * logs.std(), rtol=0.1)  # twice 0.3 where they go along
    correlation = [np.corrcoef(logs, part)[0, 1] for part in by_way.T]  # with the total, which is of the same seed
    assert np.abs(correlation).max() < 0.2
