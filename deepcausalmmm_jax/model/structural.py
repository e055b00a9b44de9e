"""The default model: baseline, trend, season and controls, plus one term a channel."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.baseline import Level, PooledTerms, Present, Trend
from deepcausalmmm_jax.model.coefficients import Coefficients
from deepcausalmmm_jax.model.graph import ChannelGraph, ExposureEquations
from deepcausalmmm_jax.model.inputs import Design, Inputs
from deepcausalmmm_jax.model.laplace import Sizes
from deepcausalmmm_jax.model.media import Media
from deepcausalmmm_jax.model.outputs import Components, Internals, Memory, Planes
from deepcausalmmm_jax.model.training_data import Lanes, TrainingData, lanes_of
from deepcausalmmm_jax.ops.bijectors import to_unit
from deepcausalmmm_jax.ops.layout import by_region, regions_last

_START_PERSISTENCE = -2.0  # logit: 12 %
_SIGN_SOFTNESS = 0.01  # share of the mean KPI over which an effect of stated sign bends away from zero


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

    def __call__(self, inputs: Inputs, source_exposure: Array | None = None) -> tuple[Components, Internals]:
        """Components of the prediction.

        Args:
            inputs: the panel; its KPI is not read.
            source_exposure: `[region, week, channel]`, exposure that the graph's edges draw on where it is not the
                panel's own, for what-if questions.
        """
        planes, internals = self.planes(inputs, source_exposure)
        return planes.components(), internals

    def planes(self, inputs: Inputs, source_exposure: Array | None = None) -> tuple[Planes, Internals]:
        """The same with regions last; arguments as for a call."""
        return self._forward(inputs, lanes_of(inputs), None, source_exposure)

    def trained(self, data: TrainingData) -> tuple[Planes, Internals]:
        """The forward pass of training, which centres coefficients and levels on the weeks learned from."""
        return self._forward(data.inputs, data.lanes, data, None)

    def _forward(
        self, inputs: Inputs, lanes: Lanes, data: TrainingData | None, source_exposure: Array | None
    ) -> tuple[Planes, Internals]:
        weights = None if data is None else data.weights
        source = None
        if source_exposure is not None:
            source = self.media(regions_last(source_exposure), lanes.intensity, lanes.history)
        activity = self.graph(self.media(lanes.exposure, lanes.intensity, lanes.history), source)
        coefficient, variation, _ = self.coefficients(
            activity, lanes.drivers, inputs.trend_basis, inputs.ahead, weights
        )
        media = coefficient * activity
        level = self.level(media.sum(axis=1), weights)
        trend = self.trend(inputs.trend_basis, inputs.region_trend_basis)
        seasonality = inputs.season_basis @ self.seasonality().T
        carried, season_ahead = self.present(inputs.ahead, inputs.season_basis)
        if weights is None:
            is_ahead = inputs.ahead[:, None] > 0
            trend = jnp.where(is_ahead, carried - level, trend)
            seasonality = jnp.where(is_ahead, season_ahead, seasonality)
        planes = Planes(
            baseline=level,
            trend=trend,
            seasonality=seasonality,
            control=lanes.control * signed(self.control(), inputs.beliefs.control_sign).T,
            media=media,
            variation=variation,
            coefficient=coefficient,
        )
        return planes, Internals(
            variation=by_region(variation),
            coefficient=by_region(coefficient),
            edges=self.graph.edges(),
            relative_edges=self.graph.relative_edges(),
            blend=self.graph.blend(),
            structure=self._structure(data),
            curves=self.media.curves(),
            level=level,
            size_factors=self.sizes(),
            persistence=to_unit(self.persistence),
            noise=jnp.exp(self.noise),
            effective=self.effective.value,
        )

    def memory(self, inputs: Inputs) -> Memory:
        """What these weeks leave to the weeks after them."""
        lanes = lanes_of(inputs)
        activity = self.graph(self.media(lanes.exposure, lanes.intensity, lanes.history))
        _, _, coefficient = self.coefficients(activity, lanes.drivers, inputs.trend_basis, inputs.ahead, None)
        return Memory(self.media.left_behind(lanes.exposure, lanes.history), coefficient)

    def media_after(self, inputs: Inputs, memory: Memory) -> Array:
        """Contributions of the channels in weeks that follow others, `[region, week, channel]`, scaled.

        Args:
            inputs: the weeks, see `model.inputs.from_week`.
            memory: what the weeks before left; see `memory`.
        """
        lanes = lanes_of(inputs)
        activity = self.graph(self.media(lanes.exposure, lanes.intensity, lanes.history, memory.exposure))
        coefficient, _, _ = self.coefficients(
            activity, lanes.drivers, inputs.trend_basis, inputs.ahead, None, memory.coefficient
        )
        return by_region(coefficient * activity)

    def _structure(self, data: TrainingData | None) -> Array:
        if data is None or self.equations is None:
            return jnp.zeros(())
        return jnp.asarray(self.equations(self.graph.edges(), data.news))


def from_signed(effect: Array) -> Array:
    """Parameters that `signed` turns into `effect`; an effect of zero stands for a sign that is not stated."""
    size = jnp.maximum(jnp.abs(effect), 1e-9) / _SIGN_SOFTNESS
    return jnp.sign(effect) * _SIGN_SOFTNESS * (size + jnp.log(-jnp.expm1(-size)))


def signed(effect: Array, sign: Array) -> Array:
    """Effects of controls as the forward pass uses them, smoothly kept on the side that is stated.

    Args:
        effect: `[region, control]`, parameters.
        sign: `[control]`, 1, -1, or 0 where none is stated and the effect is the parameter.

    Returns:
        `[region, control]`, share of `Scales.kpi` per standard deviation of the control.
    """
    kept = sign * _SIGN_SOFTNESS * nn.softplus(sign * effect / _SIGN_SOFTNESS)
    return jnp.where(sign == 0.0, effect, kept)
