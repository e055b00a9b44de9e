"""What the model reads: a panel scaled and laid out as arrays, and the sizes that fix its shapes."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.signal import lfilter

from deepcausalmmm_jax.config.settings import AdstockKind, Config, GraphKind
from deepcausalmmm_jax.data.bases import fourier_basis, knot_basis
from deepcausalmmm_jax.data.exposure_innovations import channel_activity
from deepcausalmmm_jax.data.graph_constraints import link_masks
from deepcausalmmm_jax.data.kpi_scale import counted_kpi, describing, kpi_means
from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.data.stated_priors import beliefs

DRIFT_WEEKS = 26.0  # over which a drifting coefficient forgets where it was
WEEKS_IN_QUARTER = 13.0
_TYPICAL_DECAY = 0.5


class ActivityInputs(NamedTuple):
    """Weekly news of the channels' exposure; see `data.exposure_innovations.Activity`."""

    regional: Array  # [region, week, channel]
    national: Array  # [week, channel]
    known: Array  # [region, week]
    on: Array  # [week, channel]
    unit: Array  # [channel]


class EdgeMasks(NamedTuple):
    """What is known of the channel graph before training, `[channel, channel]` each, entry [i, j] for i -> j."""

    free: Array  # 1 where an edge may be learned
    required: Array  # 1 where it must be
    fixed: Array  # its value in mean weeks where the user gave it, else 0


class BeliefInputs(NamedTuple):
    """Stated priors; see `data.stated_priors.Beliefs`."""

    share: Array  # [channel], like all that follow but the last
    share_precision: Array
    decay: Array
    decay_precision: Array
    half_saturation: Array
    half_saturation_precision: Array
    slope: Array
    slope_precision: Array
    control_sign: Array  # [control]


class Inputs(NamedTuple):
    """Arrays of one panel in scaled units; the KPI is read by the loss alone."""

    exposure: Array  # [region, week, channel], 1 = the region's mean training week
    intensity: Array  # [region, channel], log of exposure per head against the channel's typical region
    history: Array  # [region, channel], mean exposure of the first weeks, which stands for that of the weeks before
    burst: (
        Array  # [channel], carried-over exposure that a mean unit of exposure meets, in mean weeks; 1 where it is even
    )
    control: Array  # [region, week, control], robust z-scores
    trend_basis: Array  # [week, knot], of the national trend, centred over the training weeks
    region_trend_basis: Array  # [week, region_knot], of the regional deviations, likewise
    trend_step: (
        Array  # [knot - 1], quarters between knots of the national trend; infinite where there is no further knot
    )
    region_trend_step: Array  # [region_knot - 1], the same for the deviations
    season_basis: Array  # [week, 2 * harmonics]
    elapsed: Array  # [week], -1 at the first training week, 1 from the last one on
    ahead: Array  # [week], weeks after the last training week; 0 up to it
    real: Array  # [week], 1; 0 for weeks that only fill the arrays
    kpi_unit: Array  # [region], `Scales.kpi` as a share of its sum over all regions and training weeks
    kpi_level: Array  # [region], mean of the KPI over the training weeks: 1 where it is what the KPI is divided by
    kpi: Array  # [region, week], in `Scales.kpi`; 0 where hidden or missing
    activity: ActivityInputs
    links: EdgeMasks
    beliefs: BeliefInputs


@dataclass(frozen=True)
class Design:
    """Sizes and branches of the model: everything that decides a shape or a program, and nothing else."""

    n_regions: int
    n_channels: int
    n_controls: int
    n_knots: int
    n_region_knots: int
    n_season_terms: int
    adstock: AdstockKind
    max_lag: int
    min_slope: float
    graph: GraphKind
    hidden_size: int

    @classmethod
    def of(cls, panel: Panel, config: Config, n_training_weeks: int) -> Self:
        """Design for a panel of which the first `n_training_weeks` weeks are learned from."""
        n_regions, _, n_channels, n_controls = panel.shape
        return cls(
            n_regions=n_regions,
            n_channels=n_channels,
            n_controls=n_controls,
            n_knots=len(_knot_weeks(n_training_weeks, config.knot_spacing)),
            n_region_knots=len(_knot_weeks(n_training_weeks, config.region_knot_spacing)),
            n_season_terms=2 * config.harmonics,
            adstock=config.adstock,
            max_lag=config.max_lag,
            min_slope=config.min_slope,
            graph=config.graph if n_channels > 1 else "none",
            hidden_size=config.hidden_size,
        )


def inputs_from(
    panel: Panel, scales: Scales, weights: np.ndarray, config: Config, n_training_weeks: int | None = None
) -> Inputs:
    """Scale a panel that begins where training began; weeks after the training weeks may follow.

    Args:
        panel: regions in the order of `scales`.
        scales: from the training weeks.
        weights: `[region, week]` of the training weeks, 0 in weeks that are not learned from. The KPI of those is
            left out of the arrays.
        config: for the season and the knots.
        n_training_weeks: weeks up to the last one learned from; read off `weights` when None.
    """
    n_training = training_weeks(weights) if n_training_weeks is None else n_training_weeks
    steps = np.arange(len(panel.weeks))

    def trend(spacing: int) -> tuple[np.ndarray, np.ndarray]:
        knots = _knot_weeks(n_training, spacing)
        centre = knot_basis(steps[:n_training], knots).mean(axis=0)
        return knot_basis(steps, knots) - centre, np.diff(knots) / WEEKS_IN_QUARTER

    known = np.where(weights > 0, panel.kpi, 0.0)
    season = fourier_basis(panel.week_numbers, config.season_length, config.harmonics)
    exposure = panel.exposure / scales.exposure[:, None, :]
    (basis, step), (region_basis, region_step) = trend(config.knot_spacing), trend(config.region_knot_spacing)
    control = np.where(panel.present[:, :, None], _standardised(panel, scales), 0.0)
    level, counted = kpi_means(panel.kpi, describing(panel, weights)), counted_kpi(panel, weights, scales.kpi)
    return Inputs(
        exposure=_on_device(exposure),
        intensity=_on_device(np.log(scales.intensity)),
        history=_on_device(scales.history / scales.exposure),
        burst=_on_device(_burst(exposure[:, :n_training])),
        control=_on_device(control),
        trend_basis=_on_device(basis),
        region_trend_basis=_on_device(region_basis),
        trend_step=_on_device(step),
        region_trend_step=_on_device(region_step),
        season_basis=_on_device(season),
        elapsed=_on_device(np.minimum(2.0 * steps / max(n_training - 1, 1) - 1.0, 1.0)),
        ahead=_on_device(np.maximum(steps - (n_training - 1.0), 0.0)),
        real=_on_device(np.ones(len(steps))),
        kpi_unit=_on_device(scales.kpi / (scales.kpi * weights.sum(axis=1)).sum()),
        kpi_level=_on_device(level / scales.kpi),
        kpi=_on_device(known / scales.kpi[:, None]),
        activity=_activity(exposure, control, season, weights),
        beliefs=BeliefInputs(*map(_on_device, beliefs(panel, weights, config.priors, counted))),
        links=EdgeMasks(*map(_on_device, link_masks(panel.channels, config))),
    )


def _on_device(array: np.ndarray) -> Array:
    return jnp.asarray(array, jnp.float32)


def _burst(exposure: np.ndarray) -> np.ndarray:
    """How large exposure is where it falls, `[channel]`: its mean weighted with itself, carried over as is typical.

    A channel on air in one week of ten buys ten mean weeks at once, and saturates, if at all, at that level.
    """
    carried = lfilter([1.0 - _TYPICAL_DECAY], [1.0, -_TYPICAL_DECAY], exposure, axis=1)
    total = carried.sum(axis=(0, 1))
    return np.where(total > 0, (carried**2).sum(axis=(0, 1)) / np.where(total > 0, total, 1.0), 1.0)


def _activity(exposure: np.ndarray, control: np.ndarray, season: np.ndarray, weights: np.ndarray) -> ActivityInputs:
    shared = np.broadcast_to(season, (len(exposure), *season.shape))
    found = channel_activity(exposure, np.concatenate([control, shared], axis=-1), weights > 0)
    return ActivityInputs(*map(_on_device, found))


def _standardised(panel: Panel, scales: Scales) -> np.ndarray:
    return (panel.control - scales.control_center[:, None, :]) / scales.control_scale[:, None, :]


def from_week(inputs: Inputs, start: int, stop: int | None = None) -> Inputs:
    """The weeks from one position to another, as far as media are made of them; the rest is left as it is."""
    weeks = slice(start, stop)
    return inputs._replace(
        exposure=inputs.exposure[:, weeks],
        control=inputs.control[:, weeks],
        trend_basis=inputs.trend_basis[weeks],
        season_basis=inputs.season_basis[weeks],
        elapsed=inputs.elapsed[weeks],
        ahead=inputs.ahead[weeks],
    )


def padded(inputs: Inputs, n_weeks: int, n_knots: int, n_region_knots: int) -> Inputs:
    """The same inputs in larger arrays: weeks after the last are empty, knots after the last touch nothing.

    Panels of different lengths then fit one compiled program. Their estimates are the same.
    """
    weeks = n_weeks - inputs.elapsed.shape[0]
    knots, region_knots = n_knots - inputs.trend_basis.shape[1], n_region_knots - inputs.region_trend_basis.shape[1]

    def longer(array: Array, *widths: int, fill: float = 0.0) -> Array:
        return jnp.pad(array, [(0, width) for width in widths], constant_values=fill)

    news = inputs.activity
    return inputs._replace(
        exposure=longer(inputs.exposure, 0, weeks, 0),
        control=longer(inputs.control, 0, weeks, 0),
        trend_basis=longer(inputs.trend_basis, weeks, knots),
        region_trend_basis=longer(inputs.region_trend_basis, weeks, region_knots),
        trend_step=longer(inputs.trend_step, knots, fill=np.inf),
        region_trend_step=longer(inputs.region_trend_step, region_knots, fill=np.inf),
        season_basis=longer(inputs.season_basis, weeks, 0),
        elapsed=longer(inputs.elapsed, weeks, fill=1.0),
        ahead=longer(inputs.ahead, weeks, fill=1.0),
        real=longer(inputs.real, weeks),
        kpi=longer(inputs.kpi, 0, weeks),
        activity=news._replace(
            regional=longer(news.regional, 0, weeks, 0),
            national=longer(news.national, weeks, 0),
            known=longer(news.known, 0, weeks),
            on=longer(news.on, weeks, 0),
        ),
    )


def training_weeks(weights: np.ndarray) -> int:
    """Number of weeks up to the last one that any region learns from."""
    return weeks_up_to_last(weights)


def _knot_weeks(n_training_weeks: int, spacing: int) -> np.ndarray:
    """Knots `spacing` weeks apart that end with the last training week, from where on the level is held."""
    intervals = max(1, round((n_training_weeks - 1) / spacing))
    return np.linspace(0.0, n_training_weeks - 1.0, intervals + 1)
