import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.forecast_state import ForecastState, ForecastValues
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.training.estimate import start_state
from deepcausalmmm_jax.training.prepare import prepare


def _start(panel, config):
    weights = training_weights(panel, 8)
    ready = prepare(panel, weights, config)
    arguments = ready.inputs, jnp.asarray(weights, jnp.float32), ready.hyperparameters
    return start_state(jax.random.key(0), *arguments, design=ready.design, schedule=ready.schedule)


@pytest.mark.parametrize("graph", ["notears", "none"])
@pytest.mark.parametrize("adstock", ["delayed_geometric", "geometric"])
def test_the_view_holds_every_parameter_and_gives_all_back(small_panel, quick, graph, adstock):
    params = jax.eval_shape(lambda: _start(small_panel, quick.replace(graph=graph, adstock=adstock))).parameters
    again = Parameters.of(params).as_flax()
    assert jax.tree.structure(again) == jax.tree.structure(params)
    for ours, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(params), strict=True):
        assert ours is theirs


def test_training_starts_from_the_mean_kpi(small_panel, quick):
    state = _start(small_panel, quick)
    inputs = prepare(small_panel, training_weights(small_panel, 8), quick).inputs
    np.testing.assert_array_equal(Parameters.of(state.parameters).mean, inputs.kpi_level)


def test_prior_scales_are_those_that_users_set():
    assert PriorScales._fields == tuple(dcm.Penalties.__dataclass_fields__)


def test_saved_fits_hold_the_names_that_they_always_held(small_result):
    variables = small_result.fitted.variables
    assert {"media", "coefficients", "level", "trend", "seasonality", "control", "sizes"} <= set(variables["params"])
    assert set(variables["fitted"]["present"]["state"]) == {
        "level",
        "national_swing",
        "regional_swing",
        "season",
        "national_memory",
        "regional_memory",
        "national_scales",
        "regional_scales",
        "national_sizes",
        "regional_sizes",
    }


def test_the_forecast_state_survives_saving_and_decays_by_its_time_scale():
    values = ForecastValues.blank(2, 0)._replace(
        level=jnp.array([1.0, 2.0]),
        regional_ar1=jnp.array([0.5, -0.5]),
        regional_time_scale=jnp.asarray(4.0),
        national_log_ratios=jnp.arange(5.0),
    )
    again = ForecastValues.of(values.placed_in({"params": {}, "fitted": {}}))
    for ours, theirs in zip(again, values, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    ahead = jnp.array([0.0, 4.0])
    variables = {"fitted": {"state": values.as_saved()}}
    level, season = ForecastState(2, 0).apply(variables, ahead, jnp.zeros((2, 0)))
    np.testing.assert_allclose(level, [[1.5, 1.5], [1 + 0.5 / np.e, 2 - 0.5 / np.e]], rtol=1e-6)
    np.testing.assert_array_equal(season, jnp.zeros((2, 2)))
