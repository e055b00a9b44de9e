"""The default model: baseline, trend, season and controls, plus one term per channel."""

from typing import cast

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.baseline import Level, PooledTerms, Trend
from deepcausalmmm_jax.model.coefficients import CoefficientMemory, Coefficients
from deepcausalmmm_jax.model.demand import HiddenDemand
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.forecast_state import ForecastState
from deepcausalmmm_jax.model.graph import ChannelGraph, ExposureEquations
from deepcausalmmm_jax.model.media import Media
from deepcausalmmm_jax.model.outputs import Components, ComponentsRegionsLast, Internals, Memory
from deepcausalmmm_jax.model.parameters import Collection
from deepcausalmmm_jax.model.prior_scales import LearnedScales
from deepcausalmmm_jax.model.training_data import InputsRegionsLast, TrainingData, inputs_regions_last
from deepcausalmmm_jax.ops.bijectors import to_unit
from deepcausalmmm_jax.ops.layout import by_region, regions_last

_START_PERSISTENCE = -2.0  # logit: 12 %
_SIGN_SOFTNESS = 0.01  # share of the mean KPI over which an effect of stated sign is bent away from zero


class StructuralMMM(nn.Module):
    """adstock -> saturation -> channel graph -> coefficients from a GRU; baseline, trend, season, controls beside it.

    Attributes:
        design: sizes and branches.
        media_start: coefficient of every channel before training, as a share of the mean KPI.
    """

    design: Design
    media_start: float = 0.05

    def setup(self) -> None:
        """Declare the parts. Explicit names are those that saved fits hold."""
        d = self.design
        self.media = Media(d.kinds, d.min_slope)
        self.graph = ChannelGraph(d.n_channels, d.graph, d.link_lags, d.link_groups)
        has_graph = d.graph != "none"
        self.equations = ExposureEquations(d.n_channels, d.link_lags, d.link_groups) if has_graph else None
        self.coefficients = Coefficients(d.n_regions, d.n_channels, d.hidden_size, self.media_start)
        self.level = Level(d.n_regions)
        self.demand = HiddenDemand(d.n_channels) if d.hidden_demand else None
        self.trend = Trend(d.n_regions, d.n_knots, d.n_region_knots)
        self.forecast_state = ForecastState(d.n_regions, d.n_season_terms, name="present")
        self.seasonality = PooledTerms(d.n_regions, d.n_season_terms)
        self.control = PooledTerms(d.n_regions, d.n_controls)
        self.learned_scales = LearnedScales(name="sizes")
        self.persistence = self.param("persistence", nn.initializers.constant(_START_PERSISTENCE), ())
        self.effective = self.variable("fitted", "effective", jnp.ones, ())
        self.shared = self.variable("fitted", "shared", jnp.zeros, ())
        self.noise = self.param("noise", nn.initializers.constant(jnp.log(0.1)), (d.n_regions,))

    def __call__(self, inputs: Inputs[Array], source_exposure: Array | None = None) -> tuple[Components, Internals]:
        """Components of the prediction.

        Args:
            inputs: the panel; its KPI is not read.
            source_exposure: `[region, week, channel]`, exposure that the graph's edges draw on where it is not the
                panel's own, for what-if questions.
        """
        components, internals = self.components_regions_last(inputs, source_exposure)
        return components.components(), internals

    def components_regions_last(
        self, inputs: Inputs[Array], source_exposure: Array | None = None
    ) -> tuple[ComponentsRegionsLast, Internals]:
        """The same in the regions-last layout; arguments as for a call."""
        return self._forward(inputs, inputs_regions_last(inputs), None, source_exposure)

    def training_forward(self, data: TrainingData) -> tuple[ComponentsRegionsLast, Internals]:
        """The forward pass of training, which centres coefficients and levels on the training weeks."""
        return self._forward(data.inputs, data.regions_last, data, None)

    def _forward(
        self, inputs: Inputs[Array], laid_out: InputsRegionsLast, data: TrainingData | None, source: Array | None
    ) -> tuple[ComponentsRegionsLast, Internals]:
        weights = None if data is None else data.weights
        source_activity = None
        if source is not None:
            source_activity = self.media(
                regions_last(source), laid_out.intensity, laid_out.history, None, laid_out.contacts
            )
        activity = self._activity(laid_out)
        activity = self.graph(activity, source_activity, inputs.innovations.in_group)
        coefficient, variation, _ = self.coefficients(
            activity, laid_out.drivers, inputs.trend_basis, inputs.ahead, weights
        )
        media = coefficient * activity
        demand = self._hidden_demand(activity, inputs, laid_out, data is not None)
        level = self.level(media.sum(axis=1) if demand is None else media.sum(axis=1) + demand, weights)
        trend = self.trend(inputs.trend_basis, inputs.region_trend_basis)
        seasonality = inputs.season_basis @ self.seasonality().T
        level_ahead, season_ahead = self.forecast_state(inputs.ahead, inputs.season_basis)
        if weights is None:
            is_ahead = inputs.ahead[:, None] > 0
            trend = jnp.where(is_ahead, level_ahead - level, trend)
            seasonality = jnp.where(is_ahead, season_ahead, seasonality)
        components = ComponentsRegionsLast(
            baseline=level,
            trend=trend,
            seasonality=seasonality,
            control=laid_out.control * signed(self.control(), inputs.stated_priors.control_sign).T,
            media=media,
            variation=variation,
            coefficient=coefficient,
            demand=demand,
        )
        return components, self._internals(components, data)

    def _hidden_demand(
        self, activity: Array, inputs: Inputs[Array], x: InputsRegionsLast, learns: bool
    ) -> Array | None:
        """`[week, region]`, with exposure as it ran, whatever exposure the question supposes."""
        if self.demand is None or inputs.as_it_ran is None:
            return None
        if not learns:
            ran = self.media(regions_last(inputs.as_it_ran), x.intensity, x.history, None, x.contacts)
            activity = self.graph(ran, None, inputs.innovations.in_group)
        return jnp.asarray(self.demand(activity, inputs.lift_tests, learns))

    def _activity(self, x: InputsRegionsLast, before: Array | None = None) -> Array:
        return self.media(x.exposure, x.intensity, x.history, before, x.contacts)

    def _internals(self, components: ComponentsRegionsLast, data: TrainingData | None) -> Internals:
        links, relative_links = self.graph.links(), self.graph.relative_links()
        return Internals(
            variation=by_region(components.variation),
            coefficient=by_region(components.coefficient),
            edges=links.within,
            lagged_edges=links.lagged,
            relative_edges=relative_links.within,
            relative_lagged_edges=relative_links.lagged,
            blend=self.graph.blend(),
            structure=self._structure(data),
            curves=self.media.curves(),
            level=components.baseline,
            log_scale_factors=self.learned_scales(),
            persistence=to_unit(self.persistence),
            noise=jnp.exp(self.noise),
            effective=self.effective.value,
            shared=self.shared.value,
            demand=None if components.demand is None else components.demand.T,
            # The log of the mean of counts is what the terms add up to: nothing is left to correct it by.
            log_variance=jnp.zeros(self.design.n_regions) if self.design.counts else None,
        )

    def memory(self, inputs: Inputs[Array]) -> Memory:
        """What these weeks leave to the weeks after them."""
        laid_out = inputs_regions_last(inputs)
        activity = self.graph(self._activity(laid_out), None, inputs.innovations.in_group)
        _, _, coefficient = self.coefficients(activity, laid_out.drivers, inputs.trend_basis, inputs.ahead, None)
        return Memory(
            self.media.left_behind(laid_out.exposure, laid_out.intensity, laid_out.history, laid_out.contacts),
            coefficient,
        )

    def media_after(self, inputs: Inputs[Array], memory: Memory) -> Array:
        """Contributions of the channels in weeks that follow others, `[region, week, channel]`, scaled.

        Args:
            inputs: the weeks, see `model.windows.from_week`.
            memory: what the weeks before left; see `memory`.
        """
        laid_out = inputs_regions_last(inputs)
        media = self._media(self._activity(laid_out, memory.exposure), inputs, laid_out, memory.coefficient)
        return by_region(media)

    def activity(self, inputs: Inputs[Array]) -> Array:
        """Saturated exposure, `[week, channel, region]`, before the graph blends it: that of a channel by itself."""
        return self._activity(inputs_regions_last(inputs))

    def media_of(self, activity: Array, inputs: Inputs[Array]) -> Array:
        """Contributions of the channels, `[week, channel, region]`, scaled, had they been so active.

        Args:
            activity: `[week, channel, region]`, see `activity`.
            inputs: the panel; its exposure is not read.
        """
        return self._media(activity, inputs, inputs_regions_last(inputs), None)

    def _media(
        self, activity: Array, inputs: Inputs[Array], x: InputsRegionsLast, memory: CoefficientMemory | None
    ) -> Array:
        blended = self.graph(activity, None, inputs.innovations.in_group)
        coefficient, _, _ = self.coefficients(blended, x.drivers, inputs.trend_basis, inputs.ahead, None, memory)
        return jnp.asarray(coefficient * blended)

    def _structure(self, data: TrainingData | None) -> Array:
        if data is None or self.equations is None:
            return jnp.zeros(())
        return jnp.asarray(self.equations(self.graph.links(), data.innovations))


def predicted(model: StructuralMMM, variables: Variables, inputs: Inputs[Array]) -> tuple[Components, Internals]:
    """Forward pass of a fitted model."""
    return cast(tuple[Components, Internals], model.apply(variables, inputs))


def predicted_in_training(
    model: StructuralMMM, variables: Variables, data: TrainingData
) -> tuple[ComponentsRegionsLast, Internals, Collection]:
    """Forward pass of training; last the collection `fitted`, with centres and baselines that follow from the data."""
    outcome = model.apply(variables, data, mutable=["fitted"], method="training_forward")
    (components, internals), updated = cast(tuple[tuple[ComponentsRegionsLast, Internals], Collection], outcome)
    return components, internals, updated["fitted"]


def from_signed(effect: Array) -> Array:
    """Parameters that `signed` turns into `effect`; an effect of zero means that no sign is stated."""
    size = jnp.maximum(jnp.abs(effect), 1e-9) / _SIGN_SOFTNESS
    return jnp.sign(effect) * _SIGN_SOFTNESS * (size + jnp.log(-jnp.expm1(-size)))


def signed(effect: Array, sign: Array) -> Array:
    """Effects of controls as the forward pass uses them, kept smoothly on the stated side of zero.

    Args:
        effect: `[region, control]`, parameters.
        sign: `[control]`, 1, -1, or 0 where none is stated and the effect is the parameter.

    Returns:
        `[region, control]`, share of `Scales.kpi` per standard deviation of the control.
    """
    kept = sign * _SIGN_SOFTNESS * nn.softplus(sign * effect / _SIGN_SOFTNESS)
    return jnp.where(sign == 0.0, effect, kept)
