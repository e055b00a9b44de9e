"""The posterior in larger arrays, so that panels of different lengths share their compiled programs."""

import dataclasses

import numpy as np
from jax import Array
from jax.typing import ArrayLike

from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.posterior.inputs import Knots, PosteriorInputs, n_trend_steps
from deepcausalmmm_jax.posterior.variation import variation_basis
from deepcausalmmm_jax.training.room import Room


def with_room(inputs: PosteriorInputs, knots: Knots, room: Room, step_weeks: float) -> tuple[PosteriorInputs, Knots]:
    """The same posterior in larger arrays; call it with double precision enabled.

    Weeks after the panel's last have no weight, and steps of the trends beyond its last move nothing: they add nothing
    to the density, and draws of them are draws from their prior.

    Args:
        inputs: the panel.
        knots: of its trends.
        room: sizes of the arrays.
        step_weeks: length of a step of the panel, weeks.
    """
    n_weeks = inputs.kpi.shape[1]
    weeks = room.weeks - n_weeks
    steps = n_trend_steps(room.weeks, step_weeks) - inputs.ramps.shape[1]
    region_steps = room.region_knots - 1 - inputs.region_ramps.shape[1]
    tests, often, counts = inputs.lift_tests, inputs.contacts, inputs.counts
    if tests is not None:
        tests = tests._replace(**{k: _longer(getattr(tests, k), 0, 0, weeks) for k in ("other", "counted")})
    if counts is not None:
        counted, chance = _longer(counts.observed, 0, weeks), _longer(counts.chance, 0, weeks, fill=1.0)
        counts = counts._replace(observed=counted, chance=chance)
    larger = dataclasses.replace(
        inputs,
        exposure=_longer(inputs.exposure, weeks, 0, 0),
        variation=on_device(variation_basis(room.weeks, step_weeks)),
        kpi=_longer(inputs.kpi, 0, weeks),
        weights=_longer(inputs.weights, 0, weeks),
        robust=_longer(inputs.robust, 0, weeks, fill=1.0),
        ramps=_longer(inputs.ramps, weeks, steps),
        region_ramps=_longer(inputs.region_ramps, weeks, region_steps),
        season=_longer(inputs.season, weeks, 0),
        control=_longer(inputs.control, 0, weeks, 0),
        lift_tests=tests,
        contacts=None if often is None else often._replace(each=_longer(often.each, weeks, 0, 0, fill=1.0)),
        counts=counts,
    )
    further, further_region = room.knots - len(knots.trend), room.region_knots - len(knots.region)
    at_knots = np.pad(np.pad(knots.trend, ((0, further), (0, 0)), mode="edge"), ((0, 0), (0, steps)))
    at_region_knots = np.pad(
        np.pad(knots.region, ((0, further_region), (0, 0)), mode="edge"), ((0, 0), (0, region_steps))
    )
    terms = larger.variation.shape[1] - knots.variation.shape[1]
    variation = np.pad(np.pad(knots.variation, ((0, further), (0, 0)), mode="edge"), ((0, 0), (0, terms)))
    return larger, Knots(at_knots, at_region_knots, variation)


def _longer(array: ArrayLike, *widths: int, fill: float = 0.0) -> Array:
    """The array with so many more entries along each axis."""
    placed: Array = on_device(np.pad(np.asarray(array), [(0, width) for width in widths], constant_values=fill))
    return placed
