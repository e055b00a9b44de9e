import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.trust.refutations.changed import (
    with_future,
    with_noise,
    with_placebo,
    with_random_cause,
    with_shuffled,
)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_a_placebo_is_a_channels_exposure_at_another_time(small_panel, rng):
    panel, source, weeks = with_placebo(small_panel, rng, "placebo")
    assert panel.channels == (*small_panel.channels, "placebo")
    original, placebo = small_panel.exposure[:, :, source], panel.exposure[:, :, -1]
    np.testing.assert_array_equal(placebo, np.roll(original, weeks, axis=1))
    assert 8 <= weeks <= len(small_panel.weeks) - 8
    assert np.isnan(panel.spend[:, :, -1]).all()


def test_a_placebo_does_not_resemble_a_channel_where_another_would_do(small_panel):
    def likeness(panel):
        relative = panel.exposure / panel.exposure.mean(axis=1, keepdims=True) - 1
        flat = relative.reshape(-1, relative.shape[2])
        return np.abs(np.corrcoef(flat.T)[-1, :-1]).max()

    drawn = [with_placebo(small_panel, np.random.default_rng(seed), "p")[0] for seed in range(20)]
    assert max(map(likeness, drawn)) < 0.5


def test_future_exposure_is_that_of_later_weeks(small_panel):
    panel = with_future(small_panel, 1, 2, "future")
    np.testing.assert_array_equal(panel.exposure[:, :-2, -1], small_panel.exposure[:, 2:, 1])


def test_shuffling_moves_blocks_of_one_channel_and_nothing_else(small_panel, rng):
    panel = with_shuffled(small_panel, 1, rng)
    before, after = small_panel.exposure, panel.exposure
    np.testing.assert_array_equal(np.delete(after, 1, axis=2), np.delete(before, 1, axis=2))
    np.testing.assert_allclose(np.sort(after[:, :, 1], axis=1), np.sort(before[:, :, 1], axis=1))
    order = [int(np.flatnonzero((week == before[:, :, 1].T).all(axis=1))[0]) for week in after[:, :, 1].T]
    together = np.mean(np.diff(order) == 1)
    assert 0.5 < together < 0.95  # weeks of a block stay together, blocks do not
    assert panel.kpi is small_panel.kpi


def test_a_region_that_began_late_keeps_its_exposure_when_weeks_are_shuffled(reached_panel):
    """Weeks without a row have none, which is no week off air of the channel."""
    present = reached_panel.present.copy()
    present[0, :35] = False
    there = present[:, :, None]
    panel = dataclasses.replace(
        reached_panel,
        present=present,
        weights=reached_panel.weights * present,
        exposure=np.where(there, reached_panel.exposure, 0.0),
        frequency=np.where(there | np.isnan(reached_panel.frequency), reached_panel.frequency, 0.0),
    )
    shuffled = with_shuffled(panel, 0, np.random.default_rng(3))
    whole = with_shuffled(reached_panel, 0, np.random.default_rng(3))
    for name in ("exposure", "frequency"):
        before, after = (getattr(one, name)[:, :, 0] for one in (panel, shuffled))
        np.testing.assert_array_equal(np.sort(after, axis=1), np.sort(before, axis=1))
        np.testing.assert_array_equal(after[~present], 0.0)
        np.testing.assert_array_equal(after[1], getattr(whole, name)[1, :, 0])  # which has all of its rows
    assert (shuffled.exposure[0, 35:, 0] != panel.exposure[0, 35:, 0]).any()


def test_a_random_cause_is_a_control_of_standard_deviation_one(small_panel, rng):
    panel = with_random_cause(small_panel, rng, "cause")
    assert panel.controls == (*small_panel.controls, "cause")
    cause = panel.control[:, :, -1]
    assert 0.5 < cause.std() < 1.5
    assert np.corrcoef(cause[:, 1:].ravel(), cause[:, :-1].ravel())[0, 1] > 0.5


def test_noise_is_a_share_of_exposure_and_of_the_spread_of_controls(small_panel, rng):
    panel = with_noise(small_panel, rng, 0.01)
    on = small_panel.exposure > 0
    assert (panel.exposure[on] / small_panel.exposure[on]).std() == pytest.approx(0.01, rel=0.1)
    assert (panel.exposure[~on] == 0).all()
    added = (panel.control - small_panel.control) / small_panel.control.std(axis=1, keepdims=True)
    assert added.std() == pytest.approx(0.01, rel=0.1)


def test_changes_last_as_long_on_days_as_on_weeks(rng):
    """Steps of the panel are not weeks: a placebo eight days late still has the effect of the channel it copies."""
    panel = dcm.simulate(1, 160, 2, 1, seed=1, cadence="daily")[0]
    assert min(with_placebo(panel, np.random.default_rng(seed), "placebo").weeks for seed in range(30)) >= 56
    order = with_shuffled(with_days(panel), 0, rng).exposure[0, :, 0]
    assert (np.diff(order) != 1.0).sum() <= 2 + len(panel.weeks) // 28
    cause = with_random_cause(panel, rng, "cause").control[0, :, -1]
    assert np.corrcoef(cause[:-7], cause[7:])[0, 1] == pytest.approx(0.8, abs=0.15)


def with_days(panel):
    """The panel with the number of each day as the exposure of the first channel."""
    exposure = panel.exposure.copy()
    exposure[:, :, 0] = np.arange(exposure.shape[1])
    return dataclasses.replace(panel, exposure=exposure)
