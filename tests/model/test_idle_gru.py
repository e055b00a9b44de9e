"""A GRU that moves no coefficient is switched off after training, and is then not run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.model.coefficients import without_idle_gru
from deepcausalmmm_jax.training.families import forward_pass

_forward = jax.jit(forward_pass, static_argnames="design")  # else operation by operation


@pytest.fixture
def variation_of(small_result):
    """Variables with a readout of a size, centred as training centres them, and their variation."""
    fit = small_result.fitted_panel

    def made(size):
        own = fit.variables["params"]["coefficients"]
        kernel = own["gru"]["input_kernel"]
        readout = size * jax.random.normal(jax.random.key(0), own["gru"]["readout"].shape)
        gru = {**own["gru"], "readout": readout, "input_kernel": kernel + 0.3}
        params = {**fit.variables["params"], "coefficients": {**own, "gru": gru}}
        variables = {**fit.variables, "params": params}
        found = _forward(variables, fit.inputs, fit.design)[1].variation
        trained = np.asarray(fit.weights > 0)[:, :, None]
        mean = np.sum(found, axis=1, where=trained) / trained.sum(axis=1)
        coefficients = variables["fitted"]["coefficients"]
        centred = {**coefficients, "centre": coefficients["centre"] + mean}
        variables = {**variables, "fitted": {**variables["fitted"], "coefficients": centred}}
        return variables, _forward(variables, fit.inputs, fit.design)[1].variation

    return made


def switched_off(fit, variables, variation):
    return without_idle_gru(variables, variation, fit.inputs.trend_basis, jnp.asarray(fit.weights))


@pytest.mark.slow
def test_one_that_moves_coefficients_by_less_than_a_ten_thousandth_is_idle(small_result, variation_of):
    fit, (variables, before) = small_result.fitted_panel, variation_of(1e-6)
    found = switched_off(fit, variables, before)
    after = _forward(found, fit.inputs, fit.design)[1].variation
    assert not np.any(found["params"]["coefficients"]["gru"]["readout"])
    assert np.abs(after - before).max() < 2e-4
    assert not np.array_equal(after, before)


def test_one_that_moves_them_by_more_stays_as_it_is(small_result, variation_of):
    fit, (variables, variation) = small_result.fitted_panel, variation_of(1e-2)
    found = switched_off(fit, variables, variation)
    jax.tree.map(np.testing.assert_array_equal, found, variables)


def test_an_idle_one_is_not_run(small_result, variation_of):
    fit, (variables, before) = small_result.fitted_panel, variation_of(1e-6)
    found = switched_off(fit, variables, before)
    own = found["params"]["coefficients"]
    broken = {**own["gru"], "hidden_kernel": own["gru"]["hidden_kernel"] * jnp.nan}
    variables = {**found, "params": {**found["params"], "coefficients": {**own, "gru": broken}}}
    assert np.isfinite(_forward(variables, fit.inputs, fit.design)[0].media).all()
