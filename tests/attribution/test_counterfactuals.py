"""What is lost with one channel's exposure changed is the difference of two whole predictions, for every kind of model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.attribution.forward import changes, incremental
from deepcausalmmm_jax.training.families import forward_pass
from tests.attribution.log_results import with_log_link
from tests.attribution.test_link_groups import EDGES, with_graphs


@pytest.fixture(params=["plain", "log", "paper", "reach", "groups"])
def result(request, small_result):
    """A fit of each kind, whose GRU is at work."""
    if request.param == "paper":
        return request.getfixturevalue("published_result")
    if request.param == "reach":
        return request.getfixturevalue("reached_result")
    if request.param == "groups":
        return with_graphs(small_result, EDGES)
    return with_log_link(small_result) if request.param == "log" else small_result


def variables_of(result):
    """The variables, with a readout of the GRU that moves coefficients by some per cent for them to be seen."""
    variables = result.fitted_panel.variables
    own = variables["params"].get("coefficients", {})
    if "gru" not in own:
        return variables
    readout = 0.1 * np.random.default_rng(0).standard_normal(own["gru"]["readout"].shape).astype(np.float32)
    own = {**own, "gru": {**own["gru"], "readout": readout}}
    return {**variables, "params": {**variables["params"], "coefficients": own}}


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.0, 1.7])
def test_one_channel_changed_is_a_whole_prediction_with_that_exposure(result, factor):
    fit, variables = result.fitted_panel, variables_of(result)
    kpi = jax.jit(lambda own, inputs: forward_pass(own, inputs, fit.design)[0].prediction())
    was, found = kpi(variables, fit.inputs), changes(variables, fit.inputs, jnp.float32(factor), fit.design)
    for channel in range(fit.design.n_channels):
        exposure = fit.inputs.exposure.at[:, :, channel].multiply(factor)
        by_hand = was - kpi(variables, fit.inputs._replace(exposure=exposure))
        np.testing.assert_allclose(found[channel], by_hand, rtol=1e-3, atol=2e-6)
        assert np.abs(by_hand).max() > 1e-4  # something is lost


def test_without_a_log_link_the_part_of_a_channel_is_what_is_lost_without_it(small_result):
    fit = small_result.fitted_panel
    alone = changes(fit.variables, fit.inputs, jnp.float32(0.0), fit.design)
    np.testing.assert_allclose(incremental(fit.variables, fit.inputs, fit.design), alone, rtol=1e-5, atol=1e-7)
