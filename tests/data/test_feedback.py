"""Media that follow the KPI, in panels whose KPI is not known everywhere."""

import dataclasses
import re

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.diagnosis.findings import Check


@pytest.fixture(scope="module")
def steered():
    """Two regions; the first channel follows the KPI of the month before, the second that of the same week."""
    panel = dcm.simulate(2, 104, 3, 1, seed=20)[0]
    rng, kpi = np.random.default_rng(0), panel.kpi / panel.kpi.mean(axis=1, keepdims=True)
    month = np.mean([np.roll(kpi, week, axis=1) for week in (1, 2, 3, 4)], axis=0)
    exposure = panel.exposure.copy()
    exposure[:, :, 0] = np.maximum(4.0 * month - 3.0 + 0.3 * rng.standard_normal(kpi.shape), 0.0)
    exposure[:, :, 1] = np.maximum(kpi * (1.0 + 0.05 * rng.standard_normal(kpi.shape)), 0.0)
    return dataclasses.replace(panel, exposure=exposure)


def followed(panel):
    """By channel, what the KPI before explains in percent, or the correlation with the KPI of the same week."""
    rows = [row for row in panel.diagnose().findings if row.check is Check.FOLLOWS_KPI]
    return {row.column: float(re.search(r"(?:explains|correlation) ([\d.]+)", row.what)[1]) for row in rows}


def without_kpi(panel, lost):
    return dataclasses.replace(panel, weights=np.where(lost, 0.0, panel.weights))


def test_weeks_without_a_kpi_do_not_lower_a_correlation_with_the_others(steered):
    seldom = followed(without_kpi(steered, (np.arange(104) % 5 < 2) & (np.arange(104) < 100)))
    assert seldom["channel_2"] == pytest.approx(followed(steered)["channel_2"], abs=0.03)


def test_what_the_kpi_explains_is_a_share_of_the_changes_that_follow_a_kpi(steered):
    gap = followed(without_kpi(steered, (np.arange(104) >= 10) & (np.arange(104) < 40)))
    assert gap["channel_1"] == pytest.approx(followed(steered)["channel_1"], abs=10.0)


def test_a_region_without_a_kpi_does_not_change_what_is_said_of_the_others(steered):
    alone = followed(steered.select(regions=[steered.regions[0]]))
    assert set(alone) == {"channel_1", "channel_2"}
    assert followed(without_kpi(steered, np.array([[False], [True]]))) == alone
