"""What each member of an ensemble says: contributions, shares, incremental outcomes, curves and edges."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.credited import control_effects
from deepcausalmmm_jax.attribution.curves import curve_kinds, having
from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.forward import changes_from
from deepcausalmmm_jax.axes import STRUCTURAL_COMPONENTS, Variables
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.curves import OPTIONAL
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.training.families import forward_pass

CURVES = ("decay", "slope", "half_saturation", *OPTIONAL)  # as far as some channel has them


class Contributed(NamedTuple):
    """Contributions and curves by member; components in the order structural, controls, channels."""

    national: np.ndarray  # [replicate, week, component], KPI units, sum over regions
    regional: np.ndarray  # [replicate, region, component], KPI units, sum over weeks that have a row
    share: np.ndarray  # [replicate, channel], of the KPI in the training weeks
    coefficient: np.ndarray  # [replicate, channel], share of the mean KPI at full activity
    curves: dict[str, np.ndarray]  # [replicate, channel] by name; NaN where a channel's kind has no such parameter
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
    kinds = curve_kinds(fit)
    by_member = by_member._replace(
        share=by_member.share.astype(np.float64),
        curves={name: having(kinds, name, values) for name, values in by_member.curves.items()},
    )
    return _from_baselines(by_member, fit, variables) if fit.baselines.credited.any() else by_member


def _from_baselines(found: Contributed, fit: FittedPanel, variables: Variables) -> Contributed:
    """Treatments and events counted from their baselines, as `FittedPanel.components` does it."""
    effect = control_effects(variables, fit.control_sign) * fit.scales.kpi[:, None]
    before = effect * fit.baselines.score  # [replicate, region, control], KPI units in every week with a row
    present = fit.panel.present.astype(np.float64)
    n, n_controls = len(STRUCTURAL_COMPONENTS), before.shape[2]
    national, regional = found.national.astype(np.float64), found.regional.astype(np.float64)
    by_week, by_region = np.einsum("krc,rt->ktc", before, present), before * present.sum(axis=1)[:, None]
    for values, moved in ((national, by_week), (regional, by_region)):
        values[:, :, n : n + n_controls] -= moved
        values[:, :, 0] += moved.sum(axis=2)
    return found._replace(national=national, regional=regional)


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


@jit_once("design", "n_training")
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
            {name: getattr(inside.curves, name) for name in CURVES if getattr(inside.curves, name) is not None},
            jnp.concatenate([inside.relative_edges[None], inside.relative_lagged_edges]),
        )

    return Contributed(*jax.lax.map(one, variables))


@jit_once("design")
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
