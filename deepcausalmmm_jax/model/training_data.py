"""A panel in the layout of training: weeks first, regions last, laid out once before the loop over epochs.

Weeks come first because the model goes through them one by one. Regions come last because a processor works on many
adjacent numbers at once: an epoch takes half the time that it takes with channels last.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.model.innovation_rows import InnovationRows, innovation_rows
from deepcausalmmm_jax.ops.autoregression import SquaredInnovations, squared_innovations
from deepcausalmmm_jax.ops.layout import regions_last


class InputsRegionsLast(NamedTuple):
    """What the forward pass reads by region and week."""

    exposure: Array  # [week, channel, region]
    intensity: Array  # [channel, region]
    history: Array  # [channel, region]
    control: Array  # [week, control, region]
    contacts: Contacts[Array] | None  # `each` as [week, channel, region]; None without reach and frequency
    drivers: Array  # [week, driver, region], inputs of the GRU beside activity: controls, time elapsed, season


class TrainingData(NamedTuple):
    """All that an epoch reads; the same in every epoch."""

    inputs: Inputs[Array]
    regions_last: InputsRegionsLast
    weights: Array  # [week, region], 0 in weeks the fit does not learn from
    kpi: Array  # [week, region]
    innovations: InnovationRows
    season: SquaredInnovations  # [term, region], information on the seasonal terms
    control: SquaredInnovations  # [control, region], information on the controls' effects, given the level
    control_mean: Array  # [control, region], over the training weeks


def inputs_regions_last(inputs: Inputs[Array]) -> InputsRegionsLast:
    """The arrays of a forward pass in the regions-last layout."""
    control = regions_last(inputs.control)
    calendar = jnp.concatenate([inputs.elapsed[:, None], inputs.season_basis], axis=1)
    shared = jnp.broadcast_to(calendar[:, :, None], (*calendar.shape, control.shape[-1]))
    return InputsRegionsLast(
        exposure=regions_last(inputs.exposure),
        intensity=inputs.intensity.T,
        history=inputs.history.T,
        control=control,
        contacts=contacts_regions_last(inputs.contacts),
        drivers=jnp.concatenate([control, shared], axis=1),
    )


def contacts_regions_last(contacts: Contacts[Array] | None) -> Contacts[Array] | None:
    """Contacts with `each` as `[week, channel, region]`."""
    return None if contacts is None else contacts._replace(each=regions_last(contacts.each))


def training_data(inputs: Inputs[Array], weights: Array) -> TrainingData:
    """What training reads of a panel.

    Args:
        inputs: the panel.
        weights: `[region, week]`, how much each observation counts; 0 in weeks the fit does not learn from.
    """
    laid_out, by_week = inputs_regions_last(inputs), weights.T
    weight, trained = by_week[:, None], by_week[:, None] > 0
    total = jnp.maximum(by_week.sum(axis=0), 1e-6)
    control_mean = (laid_out.control * weight).sum(axis=0) / total
    centred = laid_out.control - control_mean
    return TrainingData(
        inputs=inputs,
        regions_last=laid_out,
        weights=by_week,
        kpi=inputs.kpi.T,
        innovations=innovation_rows(inputs.innovations, weights, inputs.graph_constraints.free.shape[0] - 1),
        season=squared_innovations(inputs.season_basis[:, :, None], trained, weight),
        control=squared_innovations(centred, trained, weight),
        control_mean=control_mean,
    )
