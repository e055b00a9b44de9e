"""The fitted model run on a panel, in KPI units."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.data.kpi_scale import describing, kpi_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.training.estimate import model_for
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import design_of, inputs_of


class PanelComponents(NamedTuple):
    """Terms of the prediction in KPI units, double precision, so that they add up to the last digit shown."""

    structural: np.ndarray  # [region, week, 3]: baseline, trend, seasonality
    control: np.ndarray  # [region, week, control]
    media: np.ndarray  # [region, week, channel]

    def prediction(self) -> np.ndarray:
        """`[region, week]`."""
        return self.stacked().sum(axis=-1)

    def stacked(self) -> np.ndarray:
        """`[region, week, component]`: structural, controls, channels."""
        return np.concatenate(self, axis=-1)


def components(fitted: Fitted, panel: Panel) -> PanelComponents:
    """Terms of the prediction for a panel that begins with the training weeks and has all their regions."""
    scaled, _ = _run(fitted.variables, inputs_of(fitted, panel), design_of(fitted))
    unit = fitted.scales.kpi[:, None, None]
    structural = np.stack([scaled.baseline, scaled.trend, scaled.seasonality], axis=-1, dtype=np.float64)
    return PanelComponents(
        structural * unit, np.asarray(scaled.control, np.float64) * unit, np.asarray(scaled.media, np.float64) * unit
    )


def kpi_learned_from(fitted: Fitted) -> float:
    """KPI of the weeks learned from, of which shares are; a region around zero counts with its size, not its mean."""
    return float((fitted.scales.kpi[:, None] * (fitted.weights > 0)).sum())


def counted_prediction(fitted: Fitted, prediction: np.ndarray) -> np.ndarray:
    """The prediction that contributions are percent of, `[region, week]`: a region around zero counts with its size."""
    panel = fitted.panel
    mean = kpi_means(panel.kpi, describing(panel, fitted.weights))
    return prediction + (fitted.scales.kpi - mean)[:, None]


def internals(fitted: Fitted) -> Internals:
    """Coefficients, curves and edges on the panel of the fit, scaled units."""
    _, inside = _run(fitted.variables, inputs_of(fitted, fitted.panel), design_of(fitted))
    return jax.tree.map(np.asarray, inside)


def media_outcome(fitted: Fitted, factor: float) -> np.ndarray:
    """Outcome that hangs on one channel at a time, on the panel of the fit.

    The channel's exposure is multiplied by `factor` in all weeks, and everything downstream of it is recomputed:
    adstock, saturation, the graph, the GRU. What carries over from before the first week stays: nothing that was bought
    in these weeks brought it.

    Args:
        fitted: the model.
        factor: 0 for the incremental outcome; 1.01 for the marginal one (then negative: what 1 % more would add).

    Returns:
        `[region, week, channel]`, KPI units: prediction as it was, less the prediction with the channel changed.
    """
    return outcome_lost(fitted, inputs_of(fitted, fitted.panel), factor)


def outcome_lost(fitted: Fitted, inputs: Any, factor: float | np.ndarray) -> np.ndarray:
    """`media_outcome` on other inputs, with a factor for all weeks or `[week, 1]`."""
    change = changes(fitted.variables, inputs, jnp.asarray(factor, jnp.float32), design_of(fitted))
    return np.moveaxis(np.asarray(change, np.float64), 0, -1) * fitted.scales.kpi[:, None, None]


def effects_by_channel(fitted: Fitted) -> np.ndarray:
    """Direct and total outcome that hang on one channel at a time, on the panel of the fit.

    Returns:
        `[channel, 2, region, week]`, KPI units: what is lost with the channel's exposure at zero and everything that
        other channels do left as it was; and what is lost when the channels it drives fall with it.
    """
    lost = _effects(fitted.variables, inputs_of(fitted, fitted.panel), design_of(fitted))
    return np.asarray(lost, np.float64) * fitted.scales.kpi[:, None]


@partial(jax.jit, static_argnames="design")
def _run(variables: Any, inputs: Any, design: AnyDesign) -> tuple[Components, Internals]:
    outcome: Any = model_for(design).apply(variables, inputs)
    return outcome


@partial(jax.jit, static_argnames="design")
def changes(variables: Any, inputs: Any, factor: Array, design: AnyDesign) -> Array:
    """Prediction as it was less that with one channel's exposure times `factor`, `[channel, region, week]`, scaled.

    The factor holds for all weeks, or is given by week, `[week, 1]`.
    """
    model = model_for(design)
    as_it_was, _ = model.apply(variables, inputs)

    def change(channel: Array) -> Array:
        selected = jnp.arange(design.n_channels) == channel
        exposure = inputs.exposure * jnp.where(selected, factor, 1.0)
        changed, _ = model.apply(variables, inputs._replace(exposure=exposure))
        return difference(as_it_was, changed)

    return jax.lax.map(change, jnp.arange(design.n_channels))


@partial(jax.jit, static_argnames="design")
def _effects(variables: Any, inputs: Any, design: AnyDesign) -> Array:
    model = model_for(design)
    outcome: Any = model.apply(variables, inputs)
    as_it_was, inside = outcome
    channels = jnp.arange(design.n_channels)
    # What a mean week more of channel i adds to channel j, by all paths.
    reach = jnp.linalg.inv(jnp.eye(design.n_channels) - inside.relative_edges)

    def lost(channel: Array) -> Array:
        alone = jnp.where(channels == channel, 0.0, inputs.exposure)
        driven = inputs.exposure[:, :, channel][:, :, None] * reach[channel]
        followed = jnp.where(channels == channel, 0.0, jnp.maximum(inputs.exposure - driven, 0.0))
        direct, _ = model.apply(variables, inputs._replace(exposure=alone), source_exposure=inputs.exposure)
        total, _ = model.apply(variables, inputs._replace(exposure=followed))
        return jnp.stack([difference(as_it_was, direct), difference(as_it_was, total)])

    return jax.lax.map(lost, channels)


def difference(before: Components, after: Components) -> Array:
    """`[region, week]`, term by term: the difference of two sums would lose small effects to rounding."""
    parts = Components(*(_summed(a - b) for a, b in zip(before, after, strict=True)))
    return jax.tree.reduce(jnp.add, parts)


def _summed(term: Array) -> Array:
    """`[region, week]` from `[region, week]` or `[region, week, part]`."""
    return term if term.ndim == 2 else term.sum(axis=-1)
