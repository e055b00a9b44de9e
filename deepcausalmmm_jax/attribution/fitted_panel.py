"""A fit on a panel: what every table, figure and plan reads, prepared once."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from deepcausalmmm_jax.attribution.credited import Baselines, baselines_of, control_effects
from deepcausalmmm_jax.attribution.forward import changes, effects, incremental, run
from deepcausalmmm_jax.attribution.in_room import InRoom
from deepcausalmmm_jax.attribution.worth import known_worth
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.kpi_link import scaled_kpi
from deepcausalmmm_jax.data.kpi_scale import describing, kpi_means, kpi_sizes
from deepcausalmmm_jax.data.link_groups import stated_groups
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.model.counts import Working, log_means, working
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.link import added_up, residual_variance
from deepcausalmmm_jax.model.marginal_shares import MORE as MORE
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.training.families import family_of
from deepcausalmmm_jax.training.family import ModelFamily
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import design_of, inputs_of, weights_on


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


class ScaledTerms(NamedTuple):
    """Terms as the model adds them up, double precision: in `Scales.kpi`, or on the log of the KPI over it."""

    baseline: np.ndarray  # [region, week]
    trend: np.ndarray  # [region, week]
    seasonality: np.ndarray  # [region, week]
    control: np.ndarray  # [region, week, control]
    media: np.ndarray  # [region, week, channel]

    def prediction(self) -> np.ndarray:
        """Their sum, `[region, week]`."""
        structural = self.baseline + self.trend + self.seasonality
        return np.asarray(structural + self.control.sum(axis=-1) + self.media.sum(axis=-1))

    def added_up(self, internals: Internals) -> "ScaledTerms":
        """The terms of a log link as terms of the expected KPI, in `Scales.kpi`; see `model.link.added_up`."""
        variance = np.asarray(residual_variance(internals), np.float64)
        found = added_up(cast(Components, self), cast(jax.Array, variance), np)
        return ScaledTerms(*map(np.asarray, found))


@dataclass(frozen=True, eq=False)
class FittedPanel:
    """A fitted model with a panel that begins with its training weeks and has all its regions.

    What is computed is computed when it is first read, and kept.

    Attributes:
        fitted: the model.
        panel: that of the fit, or one that continues it.
        prepared: the panel as the model reads it, where it was prepared before; None to prepare it.
    """

    fitted: Fitted
    panel: Panel
    prepared: AnyInputs | None = None

    @classmethod
    def of(cls, fitted: Fitted) -> Self:
        """The fit on its own panel."""
        return cls(fitted, fitted.panel)

    def on(self, panel: Panel) -> Self:
        """The fit on another panel; this one where the panel is the same."""
        return self if panel is self.panel else type(self)(self.fitted, panel)

    @cached_property
    def until_last_kpi(self) -> Self:
        """The fit on the panel without planned weeks: those after the last one with a KPI."""
        return self if self.panel.n_past_weeks == len(self.panel.weeks) else self.on(self.panel.until_last_kpi())

    @cached_property
    def worth(self) -> np.ndarray:
        """Revenue per KPI, `[region, week]`, in planned weeks too; 1 where the panel has none."""
        known, _ = known_worth(self.panel, self.panel.n_past_weeks, self.until_last_kpi.panel)
        return np.ones(self.panel.present.shape) if known is None else known

    @property
    def config(self) -> Config:
        """Settings of the fit."""
        return self.fitted.config

    @property
    def family(self) -> ModelFamily:
        """What the model can answer, and how."""
        return family_of(self.fitted.config)

    @property
    def scales(self) -> Scales:
        """Scales from the training weeks."""
        return self.fitted.scales

    @property
    def variables(self) -> Variables:
        """The model's `params` and `fitted` variables."""
        return self.fitted.variables

    @property
    def link_groups(self) -> tuple[str, ...]:
        """Names of the groups of regions that have graphs of their own; none where all regions have one graph."""
        return tuple(name for name, _ in stated_groups(self.fitted.panel, self.config))

    @property
    def n_training_weeks(self) -> int:
        """Weeks up to the last one learned from."""
        return self.fitted.n_training_weeks

    @cached_property
    def weights(self) -> np.ndarray:
        """`[region, week]`, 0 in weeks that were not learned from."""
        return weights_on(self.fitted, self.panel)

    @cached_property
    def design(self) -> AnyDesign:
        """Sizes and branches of the model."""
        return design_of(self.fitted)

    @cached_property
    def inputs(self) -> AnyInputs:
        """The panel as the model reads it, scaled."""
        return inputs_of(self.fitted, self.panel) if self.prepared is None else self.prepared

    @cached_property
    def in_room(self) -> InRoom:
        """The panel in arrays that panels of other lengths have too."""
        return InRoom.of(self.fitted, self.inputs, self.design)

    @cached_property
    def _forward(self) -> tuple[Components, Internals]:
        room = self.in_room
        outcome = run(room.variables(self.variables), room.inputs, room.design)
        terms, inside = jax.tree.map(np.asarray, outcome)
        return room.cut_components(terms), room.cut_internals(inside)

    @property
    def internals(self) -> Internals:
        """Coefficients, curves and edges as numpy arrays, scaled units."""
        return self._forward[1]

    @cached_property
    def components(self) -> PanelComponents:
        """Terms of the prediction."""
        scaled, unit = self.scaled_terms, self.scales.kpi[:, None, None]
        if self.has_log_link:
            scaled = scaled.added_up(self.internals)
        structural = np.stack([scaled.baseline, scaled.trend, scaled.seasonality], axis=-1)
        return PanelComponents(structural * unit, scaled.control * unit, scaled.media * unit)

    @cached_property
    def scaled_terms(self) -> ScaledTerms:
        """Terms as the model adds them up; treatments and events are counted from their baselines."""
        terms = ScaledTerms(*(np.asarray(part, np.float64) for part in self._forward[0]))
        if not self.baselines.credited.any():
            return terms
        # What a treatment does at its baseline belongs to the baseline of the KPI.
        before = (self.control_effects * self.baselines.score)[:, None, :] * self.panel.present[:, :, None]
        return terms._replace(baseline=terms.baseline + before.sum(axis=-1), control=terms.control - before)

    @property
    def scaled_kpi(self) -> np.ndarray:
        """The KPI in the same unit, `[region, week]`; any number in weeks that were not learned from.

        Of counts, the normal observations that stand for them near their means, see `model.counts.working`.
        """
        kpi = scaled_kpi(self.panel, self.weights, self.scales.kpi, self.config.reading)
        return self.scaled_terms.prediction() + self._counted(kpi).excess if self.config.counts else kpi

    @property
    def residual_noise(self) -> np.ndarray:
        """`[region]`, standard deviation of a week's residual innovation on that scale; of counts, of a usual week."""
        noise = np.asarray(self.internals.noise, float)
        if not self.config.counts:
            return noise
        precision = np.where(self.weights > 0, 1.0 / np.asarray(self._counted(0.0 * self.weights).variance), 0.0)
        used = np.maximum((self.weights > 0).sum(axis=1), 1)
        return np.asarray(1.0 / np.sqrt(np.where(precision.any(axis=1), precision.sum(axis=1) / used, noise**-2.0)))

    def _counted(self, scaled: np.ndarray) -> Working:
        """What stands for counts `[region, week]`, in `Scales.kpi`, near the prediction."""
        unit, noise = self.scales.kpi[:, None], np.asarray(self.internals.noise, np.float64)[:, None]
        log_mean = np.asarray(log_means(jnp.asarray(self.scaled_terms.prediction()), jnp.asarray(unit)), np.float64)
        return working(scaled * unit, log_mean, noise, np)  # type: ignore[arg-type]

    @property
    def has_log_link(self) -> bool:
        """Whether effects multiply."""
        return self.config.link == "log"

    @cached_property
    def baselines(self) -> Baselines:
        """What treatments and events are compared with."""
        return baselines_of(self.fitted.panel, self.scales)

    @property
    def control_effects(self) -> np.ndarray:
        """`[region, control]`, share of `Scales.kpi` per unit of `Scales.control_scale`; of the structural model."""
        return control_effects(self.variables, self.control_sign)

    @property
    def control_sign(self) -> np.ndarray:
        """`[control]`, 1 or -1 where the sign of an effect is stated, else 0."""
        return np.asarray(self.inputs.stated_priors.control_sign) if isinstance(self.inputs, Inputs) else np.zeros(0)

    @cached_property
    def prediction(self) -> np.ndarray:
        """`[region, week]`, KPI units."""
        return self.components.prediction()

    @cached_property
    def incremental(self) -> np.ndarray:
        """Incremental outcome of each channel, `[region, week, channel]`, KPI units.

        What is lost without the channel, see `lost`; under a log link, its part of what is lost without any media.
        """
        if not self.has_log_link:
            return self._lost(0.0, self.inputs)
        room = self.in_room
        return self._in_kpi_units(room.cut(incremental(room.variables(self.variables), room.inputs, room.design)))

    @cached_property
    def _lost_alone(self) -> np.ndarray:
        return self._lost(0.0, self.inputs) if self.has_log_link else self.incremental

    @cached_property
    def _lost_with_more(self) -> np.ndarray:
        return self._lost(1.0 + MORE, self.inputs)

    def lost(self, factor: float | np.ndarray, inputs: AnyInputs | None = None) -> np.ndarray:
        """Outcome that is lost when one channel at a time is changed.

        The channel's exposure is multiplied by `factor`, and everything downstream of it is recomputed: adstock,
        saturation, the graph, the GRU. What carries over from before the first week stays, since nothing that was
        bought in these weeks brought it.

        Args:
            factor: for all weeks, or `[week, 1]`: 0 for the incremental outcome; `1 + MORE` for the marginal one, which
                is then negative: what that much more exposure would add.
            inputs: in place of the panel's.

        Returns:
            `[region, week, channel]`, KPI units: prediction as it was, less the prediction with the channel changed.
        """
        if inputs is None and isinstance(factor, float) and factor in (0.0, 1.0 + MORE):
            return self._lost_alone if factor == 0.0 else self._lost_with_more
        return self._lost(factor, self.inputs if inputs is None else inputs)

    def _lost(self, factor: float | np.ndarray, inputs: AnyInputs) -> np.ndarray:
        room = self.in_room if inputs is self.inputs else InRoom.of(self.fitted, inputs, self.design)
        by_week = single(factor) if np.ndim(factor) == 0 else room.by_week(np.ravel(factor))[:, None]
        return self._in_kpi_units(room.cut(changes(room.variables(self.variables), room.inputs, by_week, room.design)))

    def _in_kpi_units(self, change: ArrayLike) -> np.ndarray:
        """`[region, week, channel]` from `[channel, region, week]`, scaled."""
        return np.moveaxis(np.asarray(change, np.float64), 0, -1) * self.scales.kpi[:, None, None]

    def effects(self) -> np.ndarray:
        """Direct and total outcome of one channel at a time.

        Returns:
            `[channel, 2, region, week]`, KPI units: what is lost with the channel's exposure at zero and all that other
            channels do as it was; and what is lost when the exposure of the channels it drives falls with it.
        """
        room = self.in_room
        lost = room.cut(effects(room.variables(self.variables), room.inputs, room.design))
        return np.asarray(lost, np.float64) * self.scales.kpi[:, None]

    @cached_property
    def kpi_size(self) -> np.ndarray:
        """`[region]`, KPI units: mean training week, or the size of a region whose KPI lies around zero.

        The same as `Scales.kpi`, unless the region's level is odd (`data.kpi_levels`), the fit updates an earlier one
        and so keeps the scales of other weeks, or it has a log link.
        """
        own = self.fitted.panel
        if self.has_log_link:  # whose scale is the geometric mean
            return kpi_means(own.kpi, describing(own, self.fitted.weights))
        return kpi_sizes(own.kpi, describing(own, self.fitted.weights))

    def kpi_learned_from(self) -> float:
        """KPI of the weeks learned from, which shares are shares of.

        A region whose KPI lies around zero counts with its size in place of its mean.
        """
        return float((self.kpi_size[:, None] * (self.weights > 0)).sum())

    def size_over_mean(self) -> np.ndarray:
        """`[region]`, KPI units: what a region whose KPI lies around zero counts for beyond its mean; 0 elsewhere."""
        own = self.fitted.panel
        return np.asarray(self.kpi_size - kpi_means(own.kpi, describing(own, self.fitted.weights)))

    def counted_prediction(self) -> np.ndarray:
        """The prediction that contributions are a percentage of, `[region, week]`, KPI units.

        A region whose KPI lies around zero counts with its size in place of its mean.
        """
        return self.prediction + self.size_over_mean()[:, None]
