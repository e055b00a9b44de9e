"""Inputs of the paper's model: a panel as arrays, and the sizes that determine its shapes."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.settings import Config, GraphKind
from deepcausalmmm_jax.data.inputs import LearnedFrom
from deepcausalmmm_jax.data.kpi_scale import describing, kpi_means, kpi_sizes
from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.data.seasonal_profile import seasonal_profile
from deepcausalmmm_jax.errors import DataError

_PER_QUARTILES = 1.349
_CONTROL_LIMIT = 5.0


class PaperInputs(NamedTuple):
    """Arrays of one panel; only the loss reads the KPI."""

    exposure: Array  # [region, week, channel], as observed: the model turns it into shares of voice
    control: Array  # [region, week, control], robust z-scores, clipped
    week: Array  # [week], int32, counted from the first training week
    season: Array  # [region, period], seasonal profile of the training weeks
    kpi: Array  # [region, week], 1 = the region's mean training week; 0 where hidden or missing


@dataclass(frozen=True)
class PaperDesign:
    """Sizes and branches of the paper's model: everything that determines a shape or a program."""

    n_regions: int
    n_channels: int
    n_controls: int
    season_period: int
    hidden_size: int
    dropout: float
    burn_in: int
    padding: int
    temperature: float
    graph: GraphKind

    @classmethod
    def of(cls, panel: Panel, config: Config, season_period: int) -> Self:
        """Design for a panel; it is preceded by as many weeks of zeros as the burn-in has."""
        n_regions, _, n_channels, n_controls = panel.shape
        published = config.published
        return cls(
            n_regions=n_regions,
            n_channels=n_channels,
            n_controls=n_controls,
            season_period=season_period,
            hidden_size=published.hidden_size,
            dropout=published.dropout,
            burn_in=published.burn_in,
            padding=published.burn_in,
            temperature=published.temperature,
            graph=config.graph,
        )


def paper_scales(panel: Panel, weights: np.ndarray) -> Scales:
    """Scales of the paper's model from the weeks with weight.

    The KPI is divided by its regional mean; controls become (c - median) / (1.349 IQR) over all regions and weeks, the
    published constant (a standard deviation would be IQR / 1.349). Exposure is not scaled.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not learned from.

    Raises:
        DataError: a region whose mean KPI is small beside its weekly changes.
    """
    n_regions, _, n_channels, n_controls = panel.shape
    kpi = _usable_means(panel, weights)
    last = weeks_up_to_last(weights)
    values = panel.control[:, :last][panel.present[:, :last]]
    low, center, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0) if n_controls else np.zeros((3, 0))
    spread = (high - low) * _PER_QUARTILES
    deviation = values.std(axis=0)
    spread = np.where(spread > 0, spread, np.where(deviation > 0, deviation, 1.0))
    one = np.ones((n_regions, n_channels))
    return Scales(kpi, one, one, np.zeros_like(one), np.tile(center, (n_regions, 1)), np.tile(spread, (n_regions, 1)))


def _usable_means(panel: Panel, weights: np.ndarray) -> np.ndarray:
    """Mean KPI of each region, `[region]`, all above 0 and large enough beside the KPI's weekly changes."""
    seen = describing(panel, weights)
    mean = kpi_means(panel.kpi, seen)
    for region in panel.regions[kpi_sizes(panel.kpi, seen) != mean]:
        raise DataError(
            f"The KPI of region {region} averages {mean[panel.regions.get_loc(region)]:g} over the training weeks, "
            "which is small next to its weekly changes, and the paper's model divides by that mean; leave the region "
            "out, or use the default model."
        )
    return mean


def paper_inputs_from(
    panel: Panel,
    scales: Scales,
    weights: np.ndarray,
    n_training_weeks: int,
    learned_from: LearnedFrom | None = None,
) -> PaperInputs:
    """Arrays of a panel that begins where training began; weeks after the training weeks may follow.

    Args:
        panel: regions in the order of `scales`; it may end before training did.
        scales: from the training weeks.
        weights: `[region, week]` of the training weeks, 0 in weeks that are not learned from. The KPI of those is left
            out of the arrays.
        n_training_weeks: weeks up to the last one learned from.
        learned_from: the panel of the fit, whose season is continued; this one when None.
    """
    own = learned_from or LearnedFrom(panel, weights)
    season = seasonal_profile(
        np.where(own.weights > 0, own.panel.kpi, 0.0), own.weights, n_training_weeks, panel.cadence.steps(52)
    )
    control = (panel.control - scales.control_center[:, None, :]) / scales.control_scale[:, None, :]
    known = np.where(weights > 0, panel.kpi, 0.0)
    return PaperInputs(
        exposure=jnp.asarray(panel.exposure, jnp.float32),
        control=jnp.asarray(
            np.where(panel.present[:, :, None], np.clip(control, -_CONTROL_LIMIT, _CONTROL_LIMIT), 0.0), jnp.float32
        ),
        week=jnp.arange(panel.kpi.shape[1], dtype=jnp.int32),
        season=jnp.asarray(season, jnp.float32),
        kpi=jnp.asarray(known / scales.kpi[:, None], jnp.float32),
    )
