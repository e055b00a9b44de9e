"""Paths found after training: planted ones are found at their size, and where there is none, none is."""

import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.model.lanes import training_data
from deepcausalmmm_jax.train.fit import model_for
from deepcausalmmm_jax.train.paths import likely_paths
from deepcausalmmm_jax.train.preparation import design_of, inputs_of

DELTA = 1.5


@pytest.fixture(scope="module")
def stage(small_panel, quick):
    """A model with its panel, as training leaves them, and lively media in place of its own."""
    panel, _ = dcm.simulate(30, 100, 2, 1, seed=5)
    fitted = dcm.fit(panel, quick).fitted
    inputs, weights = inputs_of(fitted, panel), jnp.asarray(fitted.weights, jnp.float32)
    planes, internals = model_for(design_of(fitted)).apply(fitted.variables, inputs, method="planes")
    rng = np.random.default_rng(0)
    media = jnp.asarray(0.1 * rng.uniform(0.2, 2.0, planes.media.shape), jnp.float32)
    planes = planes._replace(media=media, variation=jnp.zeros_like(planes.variation))
    internals = internals._replace(noise=jnp.full(30, 0.01), persistence=jnp.asarray(0.1), effective=jnp.ones(()))
    return planes, internals, training_data(inputs, weights)


def world(stage, size, trend_size=0.05, seed=1):
    """Data in which coefficients and trend moved: what `likely_paths` is given, and the moves."""
    planes, internals, data = stage
    rng = np.random.default_rng(seed)
    n_weeks, n_channels, n_regions = planes.media.shape
    shocks = rng.normal(size=(n_weeks, n_channels)) * np.sqrt(1 - np.exp(-2 / 26))
    path = np.zeros((n_weeks, n_channels))
    for t in range(1, n_weeks):
        path[t] = np.exp(-1 / 26) * path[t - 1] + size * shocks[t]
    trend = trend_size / np.sqrt(13) * np.cumsum(rng.normal(size=n_weeks))
    more = (np.asarray(planes.media) * (np.exp(path) - 1)[:, :, None]).sum(axis=1) + trend[:, None]
    noise = 0.01 * rng.normal(size=(n_weeks, n_regions))
    kpi = planes.prediction() + jnp.asarray(more + noise, jnp.float32)
    return planes, internals, data._replace(kpi=kpi), path, trend


def found(planes, internals, data, size=0.1, tune=1.0):
    """The paths, with training having found none."""
    blank = jnp.zeros(planes.media.shape[0])
    return likely_paths(
        planes,
        internals,
        blank,
        data,
        size=jnp.asarray(size),
        tune=jnp.asarray(tune),
        trend_size=jnp.asarray(0.05),
        delta=jnp.asarray(DELTA),
    )


@pytest.mark.parametrize("size", [0.15, 0.4])
def test_moves_are_found_with_their_size_beside_a_trend_that_moves_too(stage, size):
    *given, path, trend = world(stage, size)
    paths = found(*given)
    for m in range(path.shape[1]):
        assert np.corrcoef(paths.coefficient[:, m], path[:, m])[0, 1] > 0.8
        assert 0.5 < np.std(paths.coefficient[:, m]) / np.std(path[:, m]) < 1.3
    assert np.corrcoef(paths.trend, trend)[0, 1] > 0.9
    assert size / 2 < float(paths.size) < 2 * size
    assert float(paths.evidence) > -0.5


def test_where_nothing_moved_coefficients_stay_within_a_few_percent(stage):
    *given, _, _ = world(stage, 0.0)
    paths = found(*given)
    assert np.abs(np.expm1(np.asarray(paths.coefficient))).max() < 0.05
    assert float(paths.size) < 0.05


def test_a_size_that_is_set_is_kept(stage):
    *given, _, _ = world(stage, 0.4)
    paths = found(*given, size=0.002, tune=0.0)
    assert float(paths.size) == pytest.approx(0.002, rel=1e-4)
    assert float(paths.evidence) == pytest.approx(0.0, abs=1e-3)
    assert np.std(paths.coefficient) < 0.5 * np.std(found(*given).coefficient)


def test_freak_weeks_do_not_pass_for_moves(stage):
    planes, internals, data, path, _ = world(stage, 0.15)
    rng = np.random.default_rng(3)
    freaks = jnp.asarray(np.where(rng.uniform(size=data.kpi.shape) < 0.02, 0.3, 0.0), jnp.float32)
    plain = found(planes, internals, data).coefficient
    disturbed = found(planes, internals, data._replace(kpi=data.kpi + freaks)).coefficient
    assert np.sqrt(np.mean((disturbed - plain) ** 2)) < 0.5 * np.std(path)


def test_a_fit_keeps_each_regions_mean_where_training_put_it(small_result):
    fitted = small_result.fitted
    inputs = inputs_of(fitted, fitted.panel)
    planes, _ = model_for(design_of(fitted)).apply(fitted.variables, inputs, method="planes")
    used = np.asarray(fitted.weights > 0).T
    mean = (np.asarray(planes.baseline + planes.media.sum(axis=1)) * used).sum(axis=0) / used.sum(axis=0)
    np.testing.assert_allclose(mean, fitted.variables["params"]["level"]["mean"], atol=1e-5)
    moved = fitted.variables["fitted"]["paths"]["moved"]
    assert float(small_result.tuning.loc["time_variation", "learned"]) == pytest.approx(float(moved["size"]))
