"""Inputs of some of a panel's weeks, or of more weeks than it has."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import on_device


def from_week(inputs: Inputs[Array], start: int, stop: int | None = None) -> Inputs[Array]:
    """The weeks from one position to another in every array that contributions are computed from; the rest unchanged.

    Args:
        inputs: the panel.
        start: position of the first week.
        stop: position after the last one; None for the panel's end.
    """
    weeks = slice(start, stop)
    return inputs._replace(
        exposure=inputs.exposure[:, weeks],
        contacts=None if inputs.contacts is None else inputs.contacts._replace(each=inputs.contacts.each[:, weeks]),
        as_it_ran=None if inputs.as_it_ran is None else inputs.as_it_ran[:, weeks],
        control=inputs.control[:, weeks],
        trend_basis=inputs.trend_basis[weeks],
        season_basis=inputs.season_basis[weeks],
        elapsed=inputs.elapsed[weeks],
        ahead=inputs.ahead[weeks],
    )


def first_weeks(inputs: Inputs[Array], count: int) -> Inputs[Array]:
    """The first `count` weeks in every array, as a small panel of its own."""
    innovations, tests = inputs.innovations, inputs.lift_tests
    if tests is not None:
        tests = tests._replace(other=tests.other[:, :, :count], counted=tests.counted[:, :, :count])
    return from_week(inputs, 0, count)._replace(
        lift_tests=tests,
        kpi=inputs.kpi[:, :count],
        region_trend_basis=inputs.region_trend_basis[:count],
        in_panel=inputs.in_panel[:count],
        innovations=innovations._replace(
            regional=innovations.regional[:, :count],
            national=innovations.national[..., :count, :],
            trained=innovations.trained[:, :count],
            on_air=innovations.on_air[..., :count, :],
        ),
    )


@partial(jax.jit, static_argnames=("n_weeks", "n_knots", "n_region_knots"))  # else a program for every array
def padded(inputs: Inputs[Array], n_weeks: int, n_knots: int, n_region_knots: int) -> Inputs[Array]:
    """The same inputs in larger arrays, so that panels of different lengths fit one compiled program.

    Weeks after the panel's last are empty and knots after the last have no influence: the estimates are the same.

    Args:
        inputs: the panel.
        n_weeks: weeks of the larger arrays.
        n_knots: knots of the national trend.
        n_region_knots: knots of the regional deviations.
    """
    return _padded(inputs, n_weeks, n_knots, n_region_knots, jnp.pad)


def padded_on_host(inputs: Inputs[Array], n_weeks: int, n_knots: int, n_region_knots: int) -> Inputs[Array]:
    """`padded` without a program of its own for every number of weeks."""
    host: Inputs[Array] = jax.tree.map(np.asarray, inputs)
    return on_device(_padded(host, n_weeks, n_knots, n_region_knots, np.pad))


def _padded(
    inputs: Inputs[Array], n_weeks: int, n_knots: int, n_region_knots: int, pad: Callable[..., Any]
) -> Inputs[Array]:
    weeks = n_weeks - inputs.elapsed.shape[0]
    knots, region_knots = n_knots - inputs.trend_basis.shape[1], n_region_knots - inputs.region_trend_basis.shape[1]

    def longer(array: Array, *widths: int, fill: float = 0.0) -> Array:
        larger: Array = pad(array, [(0, width) for width in widths], constant_values=fill)
        return larger

    innovations, tests, often = inputs.innovations, inputs.lift_tests, inputs.contacts
    groups = (0,) * (innovations.national.ndim - 2)  # of groups of regions
    if tests is not None:
        tests = tests._replace(other=longer(tests.other, 0, 0, weeks), counted=longer(tests.counted, 0, 0, weeks))
    return inputs._replace(
        lift_tests=tests,
        exposure=longer(inputs.exposure, 0, weeks, 0),
        contacts=None if often is None else often._replace(each=longer(often.each, 0, weeks, 0, fill=1.0)),
        as_it_ran=None if inputs.as_it_ran is None else longer(inputs.as_it_ran, 0, weeks, 0),
        control=longer(inputs.control, 0, weeks, 0),
        trend_basis=longer(inputs.trend_basis, weeks, knots),
        region_trend_basis=longer(inputs.region_trend_basis, weeks, region_knots),
        trend_step=longer(inputs.trend_step, knots, fill=jnp.inf),
        region_trend_step=longer(inputs.region_trend_step, region_knots, fill=jnp.inf),
        season_basis=longer(inputs.season_basis, weeks, 0),
        elapsed=longer(inputs.elapsed, weeks, fill=1.0),
        ahead=longer(inputs.ahead, weeks, fill=1.0),
        in_panel=longer(inputs.in_panel, weeks),
        kpi=longer(inputs.kpi, 0, weeks),
        innovations=innovations._replace(
            regional=longer(innovations.regional, 0, weeks, 0),
            national=longer(innovations.national, *groups, weeks, 0),
            trained=longer(innovations.trained, 0, weeks),
            on_air=longer(innovations.on_air, *groups, weeks, 0),
        ),
    )
