"""What a forward pass returns: terms of the prediction, laid out for tables and for training, and its internals."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.coefficients import CoefficientMemory
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.ops.layout import by_region


class Components(NamedTuple):
    """Terms of the prediction in scaled units: shares of `Scales.kpi`, as a rule the region's mean training week."""

    baseline: Array  # [region, week]
    trend: Array  # [region, week]
    seasonality: Array  # [region, week]
    control: Array  # [region, week, control]
    media: Array  # [region, week, channel]

    def prediction(self) -> Array:
        """Their sum, `[region, week]`."""
        return self.baseline + self.trend + self.seasonality + self.control.sum(axis=-1) + self.media.sum(axis=-1)


class ComponentsRegionsLast(NamedTuple):
    """Terms of the prediction in the layout of training: weeks first, regions last."""

    baseline: Array  # [region]
    trend: Array  # [week, region]
    seasonality: Array  # [week, region]
    control: Array  # [week, control, region]
    media: Array  # [week, channel, region]
    variation: Array  # [week, channel, region], see `Internals`
    coefficient: Array  # [week, channel, region]
    demand: Array | None = None  # [week, region], hidden demand, a part of the baseline; with lift tests

    def prediction(self) -> Array:
        """Their sum, `[week, region]`."""
        level = self.baseline if self.demand is None else self.baseline + self.demand
        return level + self.trend + self.seasonality + self.control.sum(axis=1) + self.media.sum(axis=1)

    def components(self) -> Components:
        """The same with regions first."""
        level = jnp.broadcast_to(self.baseline[:, None], self.trend.T.shape)
        return Components(
            baseline=level if self.demand is None else level + self.demand.T,
            trend=self.trend.T,
            seasonality=self.seasonality.T,
            control=by_region(self.control),
            media=by_region(self.media),
        )


class Internals(NamedTuple):
    """What else the forward pass computes on its way; where regions have graphs by group, `[*group]` is one axis."""

    variation: Array  # [region, week, channel], delta: log of the coefficient relative to its constant part
    coefficient: Array  # [region, week, channel], share of the mean KPI at full activity
    edges: Array  # [*group, channel, channel], B of the graph, in standard deviations of the exposure innovations
    lagged_edges: Array  # [*group, lag, channel, channel], the same for edges that act one week later, two later, ...
    relative_edges: Array  # [*group, channel, channel], B in mean weeks
    relative_lagged_edges: Array  # [*group, lag, channel, channel], likewise
    blend: Array  # [*group, channel, channel], share of the column's activity that is taken from the row
    structure: Array  # [], negative log-likelihood of the exposure innovations, nats; 0 outside training
    curves: MediaCurves
    level: Array  # [region], baseline as a share of the mean KPI
    log_scale_factors: dict[str, Array]  # scalars, logs of the learned factors on the prior scales
    persistence: Array  # [], phi: share of a week's residual that is left a week later
    noise: Array  # [region], standard deviation of a week's residual innovation, as a share of the mean KPI; of counts,
    # of their mean beyond the chance of counting
    effective: Array  # [], share of the region-weeks that count as independent, see `ops.effective_sample`
    shared: Array  # [], variance of a week's shock that all regions share, over that of their own noise
    demand: Array | None = None  # [region, week], hidden demand, a part of the baseline; with lift tests
    log_variance: Array | None = None  # [region], where the mean on the log needs another than that of the residuals


class Memory(NamedTuple):
    """What the weeks before a window leave to the media within it."""

    exposure: Array  # [lag, channel, region], see `Media.left_behind`
    coefficient: CoefficientMemory
