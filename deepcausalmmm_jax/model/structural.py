"""The default model: baseline, trend, season and controls, plus one term a channel."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.baseline import Level, PooledTerms, Present, Trend
from deepcausalmmm_jax.model.coefficients import CoefficientMemory, Coefficients
from deepcausalmmm_jax.model.evidence import Sizes
from deepcausalmmm_jax.model.graph import ChannelGraph, ExposureEquations
from deepcausalmmm_jax.model.inputs import Design, Inputs
from deepcausalmmm_jax.model.media import Media, MediaCurves
from deepcausalmmm_jax.ops.bijectors import to_unit

_START_PERSISTENCE = -2.0  # logit: 12 %
_SIGN_SOFTNESS = 0.01  # share of the mean KPI over which an effect of stated sign bends away from zero


class Components(NamedTuple):
    """Terms of the prediction in scaled units, 1 = the region's mean training week."""

    baseline: Array  # [region, week]
    trend: Array  # [region, week]
    seasonality: Array  # [region, week]
    control: Array  # [region, week, control]
    media: Array  # [region, week, channel]

    def prediction(self) -> Array:
        """Their sum, `[region, week]`."""
        return self.baseline + self.trend + self.seasonality + self.control.sum(axis=-1) + self.media.sum(axis=-1)


class Internals(NamedTuple):
    """What else the forward pass finds on its way."""

    variation: Array  # [region, week, channel], delta: log of the coefficient against its constant part
    coefficient: Array  # [region, week, channel], share of the mean KPI at full activity
    edges: Array  # [channel, channel], B of the channel graph, in standard deviations of the channels' news
    relative_edges: Array  # [channel, channel], B in mean weeks
    blend: Array  # [channel, channel], share of the column's activity that is taken from the row
    structure: Array  # [], negative log-likelihood of the channels' news, nats; 0 when predicting
    curves: MediaCurves
    level: Array  # [region], baseline as a share of the mean KPI
    size_factors: dict[str, Array]  # scalars, logs of what the data made of the penalties' sizes
    persistence: Array  # [], phi: share of a week's residual that is still there a week later
    noise: Array  # [region], standard deviation of what is new in a week's residual, as a share of the mean KPI
    effective: Array  # [], share of the region-weeks that count as independent, see `ops.dependence`


class Memory(NamedTuple):
    """What the weeks before a window leave to media within it."""

    exposure: Array  # [region, lag, channel], see `Media.left_behind`
    coefficient: CoefficientMemory


class StructuralMMM(nn.Module):
    """adstock -> Hill -> channel graph -> coefficients from a GRU; baseline, trend, season and controls beside it.

    Attributes:
        design: sizes and branches.
        media_start: coefficient of every channel before training, as a share of the mean KPI.
    """

    design: Design
    media_start: float = 0.05

    def setup(self) -> None:
        """Declare the parts."""
        d = self.design
        self.media = Media(d.n_channels, d.adstock, d.max_lag, d.min_slope)
        self.graph = ChannelGraph(d.n_channels, d.graph)
        self.equations = None if d.graph == "none" else ExposureEquations(d.n_channels)
        self.coefficients = Coefficients(d.n_regions, d.n_channels, d.hidden_size, self.media_start)
        self.level = Level(d.n_regions)
        self.trend = Trend(d.n_regions, d.n_knots, d.n_region_knots)
        self.present = Present(d.n_regions, d.n_season_terms)
        self.seasonality = PooledTerms(d.n_regions, d.n_season_terms)
        self.control = PooledTerms(d.n_regions, d.n_controls)
        self.sizes = Sizes()
        self.persistence = self.param("persistence", nn.initializers.constant(_START_PERSISTENCE), ())
        self.effective = self.variable("fitted", "effective", jnp.ones, ())
        self.noise = self.param("noise", nn.initializers.constant(jnp.log(0.1)), (d.n_regions,))

    def __call__(
        self, inputs: Inputs, weights: Array | None = None, source_exposure: Array | None = None
    ) -> tuple[Components, Internals]:
        """Components of the prediction.

        Args:
            inputs: the panel; its KPI is not read.
            weights: `[region, week]` while training, see `Coefficients` and `Level`; None to predict.
            source_exposure: `[region, week, channel]`, exposure that the graph's edges draw on where it is not the
                panel's own, for what-if questions.
        """
        saturated = self.media(inputs.exposure, inputs.intensity)
        source = None if source_exposure is None else self.media(source_exposure, inputs.intensity)
        activity = self.graph(saturated, source)
        coefficient, variation, _ = self.coefficients(
            activity, _drivers(inputs), inputs.trend_basis, inputs.ahead, weights
        )
        media = coefficient * activity
        level = self.level(media.sum(axis=-1), weights)
        trend = self.trend(inputs.trend_basis, inputs.region_trend_basis)
        seasonality = self.seasonality() @ inputs.season_basis.T
        carried, season_ahead = self.present(inputs.ahead, inputs.season_basis)
        if weights is None:
            trend = jnp.where(inputs.ahead > 0, carried - level[:, None], trend)
            seasonality = jnp.where(inputs.ahead > 0, season_ahead, seasonality)
        components = Components(
            baseline=jnp.broadcast_to(level[:, None], activity.shape[:2]),
            trend=trend,
            seasonality=seasonality,
            control=inputs.control * _signed(self.control(), inputs.beliefs.control_sign)[:, None, :],
            media=media,
        )
        return components, Internals(
            variation=variation,
            coefficient=coefficient,
            edges=self.graph.edges(),
            relative_edges=self.graph.relative_edges(),
            blend=self.graph.blend(),
            structure=self._structure(inputs, weights),
            curves=self.media.curves(),
            level=level,
            size_factors=self.sizes(),
            persistence=to_unit(self.persistence),
            noise=jnp.exp(self.noise),
            effective=self.effective.value,
        )

    def memory(self, inputs: Inputs) -> Memory:
        """What these weeks leave to the weeks after them."""
        activity = self.graph(self.media(inputs.exposure, inputs.intensity))
        _, _, coefficient = self.coefficients(activity, _drivers(inputs), inputs.trend_basis, inputs.ahead, None)
        return Memory(self.media.left_behind(inputs.exposure), coefficient)

    def media_after(self, inputs: Inputs, memory: Memory) -> Array:
        """Contributions of the channels in weeks that follow others, `[region, week, channel]`, scaled.

        Args:
            inputs: the weeks, see `model.inputs.from_week`.
            memory: what the weeks before left; see `memory`.
        """
        activity = self.graph(self.media(inputs.exposure, inputs.intensity, memory.exposure))
        coefficient, _, _ = self.coefficients(
            activity, _drivers(inputs), inputs.trend_basis, inputs.ahead, None, memory.coefficient
        )
        return coefficient * activity

    def _structure(self, inputs: Inputs, weights: Array | None) -> Array:
        if weights is None or self.equations is None:
            return jnp.zeros(())
        return jnp.asarray(self.equations(self.graph.edges(), inputs.activity, weights))


def _signed(effect: Array, sign: Array) -> Array:
    """Effects `[region, control]`, smoothly kept on the side that `sign` `[control]` states; free where it is 0."""
    kept = sign * _SIGN_SOFTNESS * nn.softplus(sign * effect / _SIGN_SOFTNESS)
    return jnp.where(sign == 0.0, effect, kept)


def _drivers(inputs: Inputs) -> Array:
    """What may move coefficients beside activity, `[region, week, driver]`: controls, time elapsed, season."""
    n_regions, n_weeks = inputs.control.shape[:2]
    calendar = jnp.concatenate([inputs.elapsed[:, None], inputs.season_basis], axis=1)
    shared = jnp.broadcast_to(calendar, (n_regions, n_weeks, calendar.shape[1]))
    return jnp.concatenate([inputs.control, shared], axis=-1)
