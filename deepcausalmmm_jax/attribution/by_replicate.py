"""What every refit of a bootstrap says: contributions, incremental outcomes, curves and edges, one row a refit."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.forward import changes, counted_prediction
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.training.estimate import model_for
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import design_of, inputs_of

_MORE = 0.01  # for the marginal return


class Contributed(NamedTuple):
    """Contributions by refit, KPI units; components in the order structural, controls, channels."""

    national: np.ndarray  # [replicate, week, component], sum over regions
    regional: np.ndarray  # [replicate, region, component], sum over weeks that have a row
    coefficient: np.ndarray  # [replicate, channel], share of the mean KPI at full activity
    curves: dict[str, np.ndarray]  # [replicate, channel] by name
    edges: np.ndarray  # [replicate, channel, channel]


class Earned(NamedTuple):
    """What hangs on each channel by refit, `[replicate, channel]`."""

    incremental: np.ndarray  # KPI units
    revenue: np.ndarray  # currency, or KPI units where no revenue per KPI is known
    marginal_revenue: np.ndarray  # of 1 % more exposure
    prediction: np.ndarray  # [replicate], KPI units


def contributed(fitted: Fitted, variables: Any) -> Contributed:
    """Contributions, curves and edges of each refit on the panel of the fit."""
    inputs, unit = inputs_of(fitted, fitted.panel), jnp.asarray(fitted.scales.kpi, jnp.float32)
    present = jnp.asarray(fitted.panel.present, jnp.float32)
    n_training = fitted.n_training_weeks
    found = _contributed(variables, inputs, unit, present, design_of(fitted), n_training)
    national, regional, coefficient, curves, edges = jax.tree.map(np.asarray, found)
    return Contributed(national, regional, coefficient, curves, edges)


def earned(fitted: Fitted, variables: Any, planned: bool = False) -> Earned:
    """Incremental outcomes of each refit by the model's own counterfactuals, counted as `media_summary` counts them."""
    panel = fitted.panel
    counted = panel.present if planned else panel.past
    unit = fitted.scales.kpi[:, None] * counted
    worth = np.ones(panel.present.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    weights = jnp.asarray(np.stack([unit, unit * np.where(counted, worth, 0.0)]), jnp.float32)
    found = _earned(variables, inputs_of(fitted, panel), weights, design_of(fitted))
    lost, more, prediction = (np.asarray(part, np.float64) for part in found)
    added = np.where(counted, counted_prediction(fitted, np.zeros(counted.shape)), 0.0).sum()
    return Earned(lost[:, :, 0], lost[:, :, 1], -more[:, :, 1], prediction + added)


def shares(fitted: Fitted, variables: Any) -> np.ndarray:
    """Share of the KPI in the training weeks by refit, `[replicate, channel]`."""
    weights = fitted.weights / (fitted.scales.kpi[:, None] * fitted.weights).sum()
    weights = jnp.asarray(weights * fitted.scales.kpi[:, None], jnp.float32)
    return np.asarray(_shares(variables, inputs_of(fitted, fitted.panel), weights, design_of(fitted)), np.float64)


@partial(jax.jit, static_argnames="design")
def _shares(variables: Any, inputs: Any, weights: Array, design: AnyDesign) -> Array:
    def one(own: Any) -> Array:
        outcome: Any = model_for(design).apply(own, inputs)
        return jnp.einsum("rtm,rt->m", outcome[0].media, weights)

    return jax.lax.map(one, variables)


@partial(jax.jit, static_argnames=("design", "n_training"))
def _contributed(
    variables: Any, inputs: Any, unit: Array, present: Array, design: AnyDesign, n_training: int
) -> tuple[Array, ...]:
    def one(own: Any) -> tuple[Any, ...]:
        outcome: Any = model_for(design).apply(own, inputs)
        terms, inside = outcome
        structural = jnp.stack([terms.baseline, terms.trend, terms.seasonality], axis=-1)
        stacked = jnp.concatenate([structural, terms.control, terms.media], axis=-1) * unit[:, None, None]
        stacked = stacked * present[:, :, None]
        curves = {name: getattr(inside.curves, name) for name in ("decay", "slope", "half_saturation")}
        coefficient = inside.coefficient[:, :n_training].mean(axis=(0, 1))
        return stacked.sum(axis=0), stacked.sum(axis=1), coefficient, curves, inside.relative_edges

    return jax.lax.map(one, variables)


@partial(jax.jit, static_argnames="design")
def _earned(variables: Any, inputs: Any, weights: Array, design: AnyDesign) -> tuple[Array, Array, Array]:
    def one(own: Any) -> tuple[Array, Array, Array]:
        outcome: Any = model_for(design).apply(own, inputs)
        prediction = jnp.sum(outcome[0].prediction() * weights[0])
        without = changes(own, inputs, jnp.float32(0.0), design)
        with_more = changes(own, inputs, jnp.float32(1.0 + _MORE), design)
        return (
            jnp.einsum("mrt,vrt->mv", without, weights),
            jnp.einsum("mrt,vrt->mv", with_more, weights),
            prediction,
        )

    return jax.lax.map(one, variables)
