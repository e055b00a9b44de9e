"""Arrays of whole quarters: what is added has no part in anything, and is cut off again."""

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.forward import run
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.windows import padded
from deepcausalmmm_jax.training.prepare import design_of, inputs_of
from deepcausalmmm_jax.training.room import Room, without_room


@pytest.mark.parametrize(("weeks", "whole"), [(1, 13), (13, 13), (14, 26), (124, 130), (156, 156)])
def test_panels_of_one_quarter_have_one_room(weeks, whole):
    room = Room.of(weeks, weeks, dcm.Config(), Cadence.WEEKLY)
    assert room.weeks == whole
    assert room == Room.of(whole, whole, dcm.Config(), Cadence.WEEKLY)
    assert room.knots >= 2
    assert room.region_knots >= 2


@pytest.mark.parametrize("leading", [(), (3,)])
def test_knots_are_added_like_the_last_and_cut_off_again(small_result, leading):
    fitted = small_result.fitted
    own, design = fitted.variables, design_of(fitted)
    own = jax.tree.map(lambda a: np.broadcast_to(a, (*leading, *np.shape(a))), own)
    room = Room(65, design.n_knots + 3, design.n_region_knots + 2)
    longer = room.variables(own)
    made, was = Parameters.of(longer["params"]), Parameters.of(own["params"])
    assert made.trend.shared.shape == (*leading, room.knots)
    np.testing.assert_array_equal(made.trend.shared[..., -1], was.trend.shared[..., -1])
    np.testing.assert_array_equal(made.trend.region[..., -1], was.trend.region[..., -1])
    np.testing.assert_array_equal(made.coefficients.path[..., -1, :], was.coefficients.path[..., -1, :])
    jax.tree.map(np.testing.assert_array_equal, without_room(longer, design), own)


def test_a_panel_that_fits_is_left_as_it_is(small_result):
    fitted = small_result.fitted
    inputs, design = inputs_of(fitted, fitted.panel), design_of(fitted)
    assert Room(60, design.n_knots, design.n_region_knots).inputs(inputs) is inputs


def test_the_arrays_are_those_of_padded(small_result):
    fitted = small_result.fitted
    inputs = inputs_of(fitted, fitted.panel)
    room = Room.of(60, fitted.n_training_weeks, fitted.config, fitted.panel.cadence)
    jax.tree.map(np.testing.assert_array_equal, room.inputs(inputs), padded(inputs, *room))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small_result", "reached_result"])
def test_terms_and_internals_are_those_of_the_panels_own_arrays(request, name):
    fit = request.getfixturevalue(name).fitted_panel
    terms, inside = run(fit.variables, fit.inputs, fit.design)
    assert fit.in_room.room.weeks > len(fit.panel.weeks)  # else one and the same program would be compared
    for term, own in zip(fit._forward[0], terms, strict=True):
        np.testing.assert_allclose(term, own, rtol=1e-4, atol=1e-6)
    for field in inside._fields:
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
            getattr(fit.internals, field),
            getattr(inside, field),
        )
