"""Priors keep their meaning in time, whatever the calendar."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.inputs import inputs_from
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.log_prior import _drift
from deepcausalmmm_jax.model.media import TYPICAL_DELAY, Media
from deepcausalmmm_jax.ops.bijectors import to_positive, to_unit

CHANNELS = ("tv", "search")


def kinds(cadence, adstock="delayed_geometric"):
    config = dcm.Config(adstock=adstock)
    return config.curve_kinds(CHANNELS, cadence.lags(config.max_lag), cadence.weeks)


def starting(own):
    arrays = jnp.ones((4, 2, 1)), jnp.zeros((2, 1)), jnp.ones((2, 1))
    return jax.jit(Media(own, 0.05).init)(jax.random.key(0), *arrays)["params"]


@pytest.mark.parametrize("cadence", Cadence)
def test_carry_over_starts_with_a_mean_lag_of_a_week(cadence):
    start = starting(kinds(cadence))
    decay = np.asarray(to_unit(start["decay"]))
    np.testing.assert_allclose(cadence.weeks * decay / (1 - decay), 1.0, rtol=1e-4)
    np.testing.assert_allclose(cadence.weeks * np.asarray(to_positive(start["delay"])), TYPICAL_DELAY, rtol=1e-5)


def test_a_delay_may_take_eight_weeks():
    waits = [kinds(cadence).channels[0].n_waits for cadence in Cadence]
    assert waits == [56, 8, 2, 2]


def test_a_delayed_kernel_is_as_wide_in_days_as_in_weeks():
    days = to_unit(starting(kinds(Cadence.DAILY, "delayed"))["decay"])
    np.testing.assert_allclose(np.asarray(days) ** 49, 0.5, rtol=1e-4)  # seven days from the peak as one week from it


@pytest.mark.parametrize("cadence", Cadence)
def test_a_path_is_as_likely_by_any_step(cadence):
    weeks = np.arange(0.0, 520.0, cadence.weeks)
    path = jnp.asarray(np.sin(weeks / 60.0))[:, None, None]
    cost = _drift(path, 1.0, jnp.ones(len(weeks)), 26.0 / cadence.weeks)
    exact = 26.0 / 60.0**2 / 4.0 * 260.0 + 260.0 / 26.0 / 4.0
    assert float(cost) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("cadence", ["daily", "weekly", "monthly"])
def test_a_trend_may_change_as_much_in_a_quarter(cadence):
    panel, _ = dcm.simulate(1, 105, 1, 1, seed=0, cadence=cadence)
    config, weights = dcm.Config(), training_weights(panel, None)
    inputs = inputs_from(panel, scales_from(panel, weights), weights, config)
    apart = (len(panel.weeks) - 1) * panel.cadence.weeks
    assert inputs.trend_step.sum() == pytest.approx(apart / 13.0, rel=1e-5)
    assert inputs.ahead.max() == 0
    design = Design.of(panel, config, len(panel.weeks))
    assert design.n_knots == len(inputs.trend_step) + 1 == round(apart / max(1.0, panel.cadence.weeks)) + 1
    assert inputs.season_basis.shape[1] == design.n_season_terms == (18 if cadence == "daily" else 12)


def test_stated_decays_and_half_lives_are_in_weeks():
    panel, _ = dcm.simulate(1, 30, 2, 1, seed=0, cadence="daily")
    priors = dcm.Priors(decay=(("channel_1", 0.5, 0.1),), half_life=(("channel_2", 2.0, 0.5),))
    config, weights = dcm.Config(priors=priors), training_weights(panel, None)
    stated = inputs_from(panel, scales_from(panel, weights), weights, config).stated_priors
    assert stated.decay[0] == pytest.approx(7 / 8)
    assert stated.decay_precision[0] ** -0.5 == pytest.approx(0.1 * (1 / 7) / (0.5 + 0.5 / 7) ** 2, rel=1e-5)
    assert (stated.half_life[1], stated.half_life_precision[1]) == pytest.approx((14.0, 1 / 3.5**2))


@pytest.mark.parametrize("adstock", ["geometric", "delayed_geometric", "delayed", "binomial"])
def test_weeks_are_the_program_that_they_were(adstock):
    own = dcm.Config(adstock=adstock).curve_kinds(CHANNELS, 13)
    assert own == kinds(Cadence.WEEKLY, adstock)
    assert own.usual_decay() == (0.0, 0.0)
    assert not np.any(starting(own)["decay"])
