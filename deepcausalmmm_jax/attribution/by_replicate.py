"""What each member of an ensemble says: contributions, shares, incremental outcomes, curves and edges."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.forward import changes_from
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.training.families import forward_pass

CURVES = ("decay", "slope", "half_saturation")


class Contributed(NamedTuple):
    """Contributions and curves by member; components in the order structural, controls, channels."""

    national: np.ndarray  # [replicate, week, component], KPI units, sum over regions
    regional: np.ndarray  # [replicate, region, component], KPI units, sum over weeks that have a row
    share: np.ndarray  # [replicate, channel], of the KPI in the training weeks
    coefficient: np.ndarray  # [replicate, channel], share of the mean KPI at full activity
    curves: dict[str, np.ndarray]  # [replicate, channel] by name
    edges: np.ndarray  # [replicate, 1 + lag, channel, channel], mean weeks


class Earned(NamedTuple):
    """Outcome of each channel by member, `[replicate, channel]`."""

    incremental: np.ndarray  # KPI units
    revenue: np.ndarray  # currency, or KPI units where no revenue per KPI is known
    marginal_revenue: np.ndarray  # of `MORE` exposure
    prediction: np.ndarray  # [replicate], KPI units


def contributed(fit: FittedPanel, variables: Variables) -> Contributed:
    """Contributions, shares, curves and edges of each member on the panel of the fit, by one forward pass each.

    Args:
        fit: the fit on its own panel.
        variables: of the members, each array with a leading axis `[replicate]`.
    """
    unit, present = fit.scales.kpi, fit.panel.present
    trained = fit.weights * unit[:, None] / (fit.kpi_size[:, None] * fit.weights).sum()
    found = _contributed(
        variables,
        fit.inputs,
        jnp.asarray(unit, jnp.float32),
        jnp.asarray(present, jnp.float32),
        jnp.asarray(trained, jnp.float32),
        fit.design,
        fit.n_training_weeks,
    )
    by_member: Contributed = jax.tree.map(np.asarray, found)
    return by_member._replace(share=by_member.share.astype(np.float64))


def earned(fit: FittedPanel, variables: Variables, planned: bool = False) -> Earned:
    """Incremental outcomes of each member by the model's own counterfactuals, counted as `media_summary` counts them.

    Args:
        fit: the fit on its own panel.
        variables: of the members, each array with a leading axis `[replicate]`.
        planned: whether weeks after the last one with a KPI count too.
    """
    panel = fit.panel
    counted = panel.present if planned else panel.past
    unit = fit.scales.kpi[:, None] * counted
    worth = np.ones(panel.present.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    weights = jnp.asarray(np.stack([unit, unit * np.where(counted, worth, 0.0)]), jnp.float32)
    found = _earned(variables, fit.inputs, weights, fit.design)
    lost, more, prediction = (np.asarray(part, np.float64) for part in found)
    added = np.where(counted, fit.size_over_mean()[:, None], 0.0).sum()
    return Earned(lost[:, :, 0], lost[:, :, 1], -more[:, :, 1], prediction + added)


@partial(jax.jit, static_argnames=("design", "n_training"))
def _contributed(
    variables: Variables,
    inputs: AnyInputs,
    unit: Array,
    present: Array,
    trained: Array,
    design: AnyDesign,
    n_training: int,
) -> Contributed:
    def one(own: Variables) -> tuple[Array | dict[str, Array], ...]:
        terms, inside = forward_pass(own, inputs, design)
        structural = jnp.stack([terms.baseline, terms.trend, terms.seasonality], axis=-1)
        stacked = jnp.concatenate([structural, terms.control, terms.media], axis=-1) * unit[:, None, None]
        stacked = stacked * present[:, :, None]
        return (
            stacked.sum(axis=0),
            stacked.sum(axis=1),
            jnp.einsum("rtm,rt->m", terms.media, trained),
            inside.coefficient[:, :n_training].mean(axis=(0, 1)),
            {name: getattr(inside.curves, name) for name in CURVES},
            jnp.concatenate([inside.relative_edges[None], inside.relative_lagged_edges]),
        )

    return Contributed(*jax.lax.map(one, variables))


@partial(jax.jit, static_argnames="design")
def _earned(variables: Variables, inputs: AnyInputs, weights: Array, design: AnyDesign) -> tuple[Array, Array, Array]:
    def one(own: Variables) -> tuple[Array, Array, Array]:
        as_it_was, _ = forward_pass(own, inputs, design)
        without, with_more = (
            jnp.einsum("mrt,vrt->mv", changes_from(as_it_was, own, inputs, jnp.float32(factor), design), weights)
            for factor in (0.0, 1.0 + MORE)
        )
        return without, with_more, jnp.sum(as_it_was.prediction() * weights[0])

    by_member: tuple[Array, Array, Array] = jax.lax.map(one, variables)
    return by_member
