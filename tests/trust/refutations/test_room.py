import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.training.estimate import start_state
from deepcausalmmm_jax.training.families import forward_pass
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.trust.refutations.room import placed_in_room, with_room, without_room


@pytest.fixture(scope="module")
def rooms(small_result):
    """The fit in its own arrays and in those with room for two more knots, a channel and a control."""
    fitted = small_result.fitted
    ready = prepare(fitted.panel, fitted.weights, fitted.config)
    larger = dataclasses.replace(
        ready.design,
        n_channels=ready.design.n_channels + 1,
        kinds=ready.design.kinds.extended(1),
        n_controls=ready.design.n_controls + 1,
        n_knots=ready.design.n_knots + 2,
    )
    inputs = with_room(ready.inputs, larger)
    weights = jnp.asarray(fitted.weights, jnp.float32)
    state = start_state(
        jax.random.key(0), inputs, weights, ready.hyperparameters, design=larger, schedule=ready.schedule
    )
    template = {"params": state.parameters, "fitted": state.fitted}
    return ready, inputs, larger, template, placed_in_room(fitted.variables, template, ready.design, larger)


@pytest.mark.slow
def test_an_empty_channel_and_control_change_no_prediction(rooms, small_result):
    ready, inputs, larger, _, placed = rooms
    own, _ = forward_pass(small_result.fitted.variables, ready.inputs, ready.design)
    roomy, _ = forward_pass(placed, inputs, larger)
    np.testing.assert_allclose(roomy.media[:, :, :-1], own.media, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(roomy.media[:, :, -1], 0.0)
    np.testing.assert_allclose(roomy.prediction(), own.prediction(), rtol=1e-4)


def test_variables_come_back_as_they_were_placed(rooms, small_result):
    ready, _, larger, _, placed = rooms
    variables = small_result.fitted.variables
    back = without_room(placed, variables, ready.design, larger)
    jax.tree.map(np.testing.assert_array_equal, back, dict(variables))


def test_what_is_new_comes_from_the_template(rooms):
    _, _, _, template, placed = rooms
    kernel = template["params"]["coefficients"]["gru"]["input_kernel"]
    np.testing.assert_array_equal(placed["params"]["coefficients"]["gru"]["input_kernel"][3], kernel[3])
    assert placed["params"]["media"]["decay"].shape == template["params"]["media"]["decay"].shape


def test_a_panel_with_one_channel_gets_a_graph_without_links(quick):
    panel, _ = dcm.simulate(2, 40, 1, 0, seed=1, confounded=0)
    ready = prepare(panel, panel.weights, quick)
    larger = dataclasses.replace(ready.design, n_channels=2, n_controls=1, graph=quick.graph)
    inputs = with_room(ready.inputs, larger)
    assert (np.asarray(inputs.graph_constraints.free) == 0).all()
    assert inputs.control.shape[2] == 1


def test_stated_priors_stay_as_they_are_and_say_nothing_of_an_empty_channel(small_result):
    fitted, (first, *_) = small_result.fitted, small_result.panel.channels
    priors = dcm.Priors(total=(0.2, 0.05), mroi=((first, 2.0, 0.5),), share=((first, 0.1, 0.02),))
    ready = prepare(fitted.panel, fitted.weights, fitted.config.replace(priors=priors))
    own = ready.inputs.stated_priors
    roomy = with_room(
        ready.inputs, dataclasses.replace(ready.design, n_channels=ready.design.n_channels + 1)
    ).stated_priors
    assert roomy.total == own.total
    assert roomy.total_precision == own.total_precision
    for name in ("share_precision", "marginal_precision", "marginal"):
        np.testing.assert_array_equal(getattr(roomy, name), np.append(getattr(own, name), 0.0))
