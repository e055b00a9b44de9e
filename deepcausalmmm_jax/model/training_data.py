"""A panel as training computes with it: laid out once, before the loop over epochs, in the order that loop wants.

Weeks come first, since the model goes through them one by one, and regions last, side by side: a processor works on
many neighbouring numbers at once, and an epoch takes half the time that it takes with the channels last.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.graph import News, laid_out
from deepcausalmmm_jax.model.inputs import Inputs
from deepcausalmmm_jax.ops.autoregression import NewsEnergy, news_energy
from deepcausalmmm_jax.ops.layout import regions_last


class Lanes(NamedTuple):
    """What the forward pass reads by region and week."""

    exposure: Array  # [week, channel, region]
    intensity: Array  # [channel, region]
    history: Array  # [channel, region]
    control: Array  # [week, control, region]
    drivers: Array  # [week, driver, region], what beside activity may move coefficients: controls, time elapsed, season


class TrainingData(NamedTuple):
    """All that an epoch reads; the same in each."""

    inputs: Inputs
    lanes: Lanes
    weights: Array  # [week, region], 0 in weeks that are not learned from
    kpi: Array  # [week, region]
    news: News
    season: NewsEnergy  # [term, region], what the weeks tell of the seasonal terms
    control: NewsEnergy  # [control, region], what they tell of the controls' effects beside the level


def lanes_of(inputs: Inputs) -> Lanes:
    """The panel's arrays for a forward pass."""
    control = regions_last(inputs.control)
    calendar = jnp.concatenate([inputs.elapsed[:, None], inputs.season_basis], axis=1)
    shared = jnp.broadcast_to(calendar[:, :, None], (*calendar.shape, control.shape[-1]))
    return Lanes(
        exposure=regions_last(inputs.exposure),
        intensity=inputs.intensity.T,
        history=inputs.history.T,
        control=control,
        drivers=jnp.concatenate([control, shared], axis=1),
    )


def training_data(inputs: Inputs, weights: Array) -> TrainingData:
    """What training reads of a panel.

    Args:
        inputs: the panel.
        weights: `[region, week]`, how much each observation counts.
    """
    lanes, by_week = lanes_of(inputs), weights.T
    used, observed = by_week[:, None], by_week[:, None] > 0
    total = jnp.maximum(by_week.sum(axis=0), 1e-6)
    centred = lanes.control - (lanes.control * used).sum(axis=0) / total
    return TrainingData(
        inputs=inputs,
        lanes=lanes,
        weights=by_week,
        kpi=inputs.kpi.T,
        news=laid_out(inputs.activity, weights),
        season=news_energy(inputs.season_basis[:, :, None], observed, used),
        control=news_energy(centred, observed, used),
    )
