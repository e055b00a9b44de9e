"""Scales by hand: of KPI and exposure, of controls by their quartiles, and of controls that grow with the region."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.scaling import scales_from

WEEKS = 40


def panel_of(exposure, control, **columns):
    """A panel with one channel and one control, `[region, week]` each."""
    shape = np.shape(exposure)
    plain = {
        "regions": pd.Index([f"r{r}" for r in range(shape[0])]), "weeks": pd.RangeIndex(shape[1]), "channels": ("tv",),
        "controls": ("price",), "kpi": np.full(shape, 10.0) + np.arange(shape[1]) % 2, "weights": np.ones(shape),
        "present": np.ones(shape, bool), "exposure": np.asarray(exposure, float)[:, :, None],
        "control": np.asarray(control, float)[:, :, None], "kpi_name": "sales",
    }  # fmt: skip
    return dcm.Panel(**(plain | columns))


def constant(*values):
    return np.repeat(np.array(values, float)[:, None], WEEKS, axis=1)


def test_exposure_is_scaled_by_the_mean_of_training_weeks_with_a_row():
    present = np.ones((2, WEEKS), bool)
    present[0, :10] = False
    exposure = np.where(present, constant(4.0, 8.0), 0.0)
    exposure[:, 30:] = 1e6  # not in training
    panel = panel_of(exposure, constant(1, 1), present=present)
    weights = panel.weights * (np.arange(WEEKS) < 30)
    found = scales_from(panel, weights)
    np.testing.assert_allclose(found.exposure[:, 0], [4.0, 8.0])
    np.testing.assert_allclose(found.history[:, 0], [0.0, 8.0])  # the first eight weeks as they stand
    np.testing.assert_allclose(found.kpi, [10.5, 10.5])


def test_weeks_before_the_panel_are_like_its_first_eight():
    exposure = np.where(np.arange(WEEKS) < 8, 3.0, 100.0)[None]
    assert scales_from(panel_of(exposure, constant(1)), np.ones((1, WEEKS))).history[0, 0] == 3.0


@pytest.mark.parametrize("population", [None, np.array([1e5, 2e5, 4e5])])
def test_intensity_is_exposure_a_head_relative_to_the_geometric_mean_of_regions(population):
    panel = panel_of(constant(2.0, 8.0, 0.0), constant(1, 1, 1), population=population)
    found = scales_from(panel, panel.weights)
    heads = np.full(3, 10.5) if population is None else population
    typical = np.sqrt(2.0 / heads[0] * 8.0 / heads[1])
    np.testing.assert_allclose(found.intensity[:2, 0], np.array([2.0, 8.0]) / heads[:2] / typical)
    assert found.intensity[2, 0] == pytest.approx(1.0)  # without exposure: that of a typical region of its size
    assert found.exposure[2, 0] == pytest.approx(typical * heads[2])


def control_scales(control, present=None):
    control = np.asarray(control, float)
    there = np.ones(control.shape, bool) if present is None else present
    panel = panel_of(np.ones(control.shape), control, present=there)
    found = scales_from(panel, panel.weights)
    return found.control_center[:, 0], found.control_scale[:, 0]


def test_a_control_is_scaled_by_its_quartiles_within_regions():
    pattern = np.resize([-3.0, -1.0, 1.0, 3.0], WEEKS)  # quartiles at -1.5 and 1.5 of 40 values
    center, scale = control_scales([5.0 + pattern, 7.0 + pattern])
    np.testing.assert_allclose(center, [5.0, 7.0])
    np.testing.assert_allclose(scale, (np.quantile(pattern, 0.75) - np.quantile(pattern, 0.25)) / 1.349)


def test_a_control_that_is_nearly_always_the_same_is_scaled_by_its_standard_deviation():
    rare = (np.arange(WEEKS) % 10 == 0).astype(float)
    np.testing.assert_allclose(control_scales([rare])[1], rare.std())
    # quartiles a hundredth apart beside a spread of .3 do not count, half of it does
    small = rare + 0.01 * (np.arange(WEEKS) % 2)
    np.testing.assert_allclose(control_scales([small])[1], (small - small.mean()).std())
    wide = rare + 0.15 * (np.arange(WEEKS) % 2)
    assert control_scales([wide])[1][0] == pytest.approx(np.ptp(np.quantile(wide, [0.25, 0.75])) / 1.349)
    np.testing.assert_array_equal(control_scales(constant(3.0))[1], 1.0)


def test_weeks_without_a_row_say_nothing_of_a_control():
    pattern = np.resize([-3.0, -1.0, 1.0, 3.0], WEEKS)
    present = np.arange(WEEKS)[None] >= 4
    spoilt = np.where(present, pattern, 1e9)
    assert control_scales(spoilt, present)[1][0] == pytest.approx(control_scales(pattern[None, 4:])[1][0])


STORES = np.array([10.0, 20.0, 40.0, 80.0, 160.0])
WAVE = np.resize([-1.0, 1.0], WEEKS)


@pytest.mark.parametrize(
    ("control", "grows"),
    [
        (STORES[:, None] * (1.0 + 0.1 * WAVE), True),
        (STORES[:4, None] * (1.0 + 0.1 * WAVE), False),  # too few regions to tell
        (STORES[:, None] + 0.1 * WAVE, False),  # the same spread everywhere
        ((STORES - 10.0)[:, None] * (1.0 + 0.1 * WAVE), False),  # a region at zero
        (np.linspace(10, 11, 5)[:, None] * (1.0 + 0.1 * WAVE), False),  # regions of about one size
        (STORES[:, None] + STORES[[1, 0, 4, 2, 3], None] * 0.1 * WAVE, False),  # correlation of .7 in logs
    ],
)
def test_the_spread_of_a_control_that_grows_with_the_region_is_a_share_of_its_level(control, grows):
    center, scale = control_scales(control)
    assert bool(np.ptp(scale) > 1e-9) is grows
    if grows:
        np.testing.assert_allclose(scale, center * 0.2 / 1.349)


def test_an_event_is_scaled_by_a_quarter_of_a_whole_one():
    weeks = pd.date_range("2022-01-03", periods=WEEKS, freq="7D")
    table = pd.DataFrame({"week": weeks, "sales": np.arange(WEEKS) + 1.0, "tv": 1.0 + np.arange(WEEKS) % 3})
    events = dcm.Events.from_table(pd.DataFrame({"name": ["fair"], "date": ["2022-03-07"]}))
    panel = dcm.Panel.from_dataframe(table, time="week", kpi="sales", media=["tv"], events=events)
    np.testing.assert_array_equal(scales_from(panel, panel.weights).control_scale, [[0.25]])
    assert dataclasses.replace(panel).event_names == ("fair",)


def test_history_is_the_mean_of_the_first_weeks_that_have_a_row(small_panel):
    present, exposure = small_panel.present.copy(), small_panel.exposure.copy()
    present[0, :4], exposure[0, :4] = False, 0.0
    panel = dataclasses.replace(small_panel, present=present, exposure=exposure, weights=small_panel.weights * present)
    history = scales_from(panel, panel.weights).history
    np.testing.assert_allclose(history[0], small_panel.exposure[0, 4:8].mean(axis=0))
    np.testing.assert_allclose(history[1], small_panel.exposure[1, :8].mean(axis=0))
