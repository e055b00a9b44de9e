"""The forecast state where regions have next to nothing of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.training.forecast_state import LogRatios, filters
from deepcausalmmm_jax.training.hyperparameters import prior_scales
from deepcausalmmm_jax.training.structural import predicted, structural_model

NO_NOISE = LogRatios(*(jnp.asarray(ratio) for ratio in (-6.0, -5.0, 4.4, -5.5, -8.0)))  # where zeros drive the scales


@pytest.fixture(scope="module")
def parts(small_result):
    fit = small_result.fitted_panel.until_last_kpi
    read = jax.jit(lambda variables, inputs: predicted(structural_model(fit.design), variables, inputs))
    terms = read(small_result.fitted.variables, fit.inputs)
    return terms, fit.inputs, np.asarray(fit.weights, np.float32), prior_scales(small_result.config.penalties)


@jax.jit
def _regional(components, internals, inputs, weights, scales):
    return filters(components, internals, inputs, weights, scales)[1](NO_NOISE)


def test_a_region_that_alone_has_a_kpi_does_not_deviate(parts):
    terms, inputs, weights, scales = parts
    weights = np.where(np.arange(len(weights))[:, None] == 1, weights, 0.0)
    found = _regional(*terms, inputs, jnp.asarray(weights), scales)
    np.testing.assert_array_equal(found.loss, 0.0)
    np.testing.assert_array_equal(found.state.level, 0.0)


def test_regions_that_are_copies_of_one_another_have_a_state(parts):
    """Their deviations are zero, which no noise explains best, and no filter in single precision stands."""
    (components, internals), inputs, weights, scales = parts
    alike = jax.tree.map(lambda array: jnp.broadcast_to(array[:1], array.shape), (components, inputs.kpi))
    found = _regional(alike[0], internals, inputs._replace(kpi=alike[1]), jnp.asarray(weights), scales)
    assert np.isfinite(found.loss).all()
    np.testing.assert_allclose(found.state.level, 0.0, atol=1e-3)
