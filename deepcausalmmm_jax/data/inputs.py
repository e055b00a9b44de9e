"""What the model reads of a panel: arrays in scaled units, made in one visit, on the host."""

from typing import Generic, NamedTuple

import numpy as np

from deepcausalmmm_jax.axes import ArrayT
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.bases import knot_basis
from deepcausalmmm_jax.data.cadence import Cadence, decay_per_step
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.exposure_innovations import (
    ExposureInnovations,
    exposure_innovations,
    innovations_by_group,
)
from deepcausalmmm_jax.data.fading import fading_sum
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints, graph_constraints, refuse_lags_without_weeks
from deepcausalmmm_jax.data.kpi_link import scaled_kpi, scaled_level
from deepcausalmmm_jax.data.kpi_scale import counted_kpi, describing, kpi_sizes
from deepcausalmmm_jax.data.link_groups import in_group
from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last
from deepcausalmmm_jax.data.reach import Contacts, contacts_from
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.data.season import free_season_basis, peak_terms, season_basis
from deepcausalmmm_jax.data.stated_priors import StatedPriors, stated_priors

WEEKS_IN_QUARTER = 13.0
_TYPICAL_DECAY = 0.5


class Inputs(NamedTuple, Generic[ArrayT]):
    """Arrays of one panel in scaled units; the KPI is read by the loss alone."""

    exposure: ArrayT  # [region, week, channel], 1 = the region's mean training week
    intensity: ArrayT  # [region, channel], log of exposure per head relative to the channel's typical region
    history: ArrayT  # [region, channel], mean exposure of the first weeks, which stands in for the weeks before them
    burst: ArrayT  # [channel], typical exposure when the channel is on air, in mean weeks; 1 where exposure is even
    control: ArrayT  # [region, week, control], robust z-scores
    trend_basis: ArrayT  # [week, knot], of the national trend, centred over the training weeks
    region_trend_basis: ArrayT  # [week, region_knot], of the regional deviations, likewise
    trend_step: ArrayT  # [knot - 1], quarters between knots of the national trend; infinite after the last knot
    region_trend_step: ArrayT  # [region_knot - 1], the same for the deviations
    season_basis: ArrayT  # [week, term], see `data.season`
    season_peaks: ArrayT  # [term], 1 where a term of the season belongs to a pair beyond the second, else 0
    elapsed: ArrayT  # [week], -1 at the first training week, 1 from the last one on
    ahead: ArrayT  # [week], weeks (of 7 days) after the last training week; 0 up to it
    in_panel: ArrayT  # [week], 1; 0 for weeks that only pad the arrays
    kpi_unit: ArrayT  # [region], `Scales.kpi` as a share of the KPI of all regions and training weeks, see `kpi_sizes`
    kpi_level: ArrayT  # [region], mean of the KPI over the training weeks: 1 where the KPI is divided by that mean
    kpi: ArrayT  # [region, week], in `Scales.kpi`, or its log (`data.kpi_link`); 0 where hidden or missing
    innovations: ExposureInnovations[ArrayT]
    graph_constraints: GraphConstraints[ArrayT]
    stated_priors: StatedPriors[ArrayT]
    contacts: Contacts[ArrayT] | None = None  # None where no channel has reach and frequency
    count_unit: ArrayT | None = None  # [region], `Scales.kpi` of a KPI that is counted; None of any other
    as_it_ran: ArrayT | None = None  # [region, week, channel], exposure that hidden demand moved with; with lift tests
    lift_tests: LiftTests[ArrayT] | None = None  # to learn from, see `training.family.ModelFamily.prepared`


class LearnedFrom(NamedTuple):
    """What a fit learned from."""

    panel: Panel
    weights: np.ndarray  # [region, week], 0 in weeks that it did not learn from


def inputs_from(
    panel: Panel,
    scales: Scales,
    weights: np.ndarray,
    config: Config,
    n_training_weeks: int | None = None,
    learned_from: LearnedFrom | None = None,
) -> Inputs[np.ndarray]:
    """Scale a panel that begins where training began; weeks after the training weeks may follow.

    Args:
        panel: regions in the order of `scales`; it may end before training did.
        scales: from the training weeks.
        weights: `[region, week]` of the training weeks, 0 in weeks the fit does not learn from, whose KPI is left out
            of the arrays.
        config: for season, knots, stated priors and links.
        n_training_weeks: weeks up to the last one learned from; read off `weights` when None.
        learned_from: the panel of the fit, to whose spend and KPI stated returns refer; this one when None.

    Returns:
        Arrays in single precision.

    Raises:
        ConfigError: a stated prior, a link or a group that does not fit the panel, or more lags than weeks in a row.
    """
    n_training = training_weeks(weights) if n_training_weeks is None else n_training_weeks
    learned_from = learned_from or LearnedFrom(panel, weights)
    refuse_lags_without_weeks(config.link_lags, learned_from.weights > 0, panel.cadence.unit)
    steps, cadence = np.arange(len(panel.weeks)), panel.cadence

    def trend(spacing: int) -> tuple[np.ndarray, np.ndarray]:
        knots = knot_weeks(n_training, cadence.steps(spacing))
        centre = knot_basis(np.arange(n_training), knots).mean(axis=0)  # of all of them, if the panel ends before
        return knot_basis(steps, knots) - centre, np.diff(knots) * cadence.weeks / WEEKS_IN_QUARTER

    free_season = free_season_basis(panel, config)
    exposure = panel.exposure / scales.exposure[:, None, :]
    (basis, step), (region_basis, region_step) = trend(config.knot_spacing), trend(config.region_knot_spacing)
    control = np.where(panel.present[:, :, None], _standardised(panel, scales), 0.0)
    own = describing(panel, weights)
    kpi = scaled_kpi(panel, own, scales.kpi, config.reading)
    level = scaled_level(panel, own, scales.kpi, config.reading)
    size = _kpi_size(panel, own, config, scales)
    learned = (size * weights.sum(axis=1)).sum()
    stated = _stated(*learned_from, config, scales)
    contacts = contacts_from(panel, scales.frequency)
    return Inputs(
        exposure=_single(exposure),
        intensity=_single(np.log(scales.intensity)),
        history=_single(scales.history / scales.exposure),
        burst=_single(_burst(exposure[:, :n_training], cadence)),
        control=_single(control),
        trend_basis=_single(basis),
        region_trend_basis=_single(region_basis),
        trend_step=_single(step),
        region_trend_step=_single(region_step),
        season_basis=_single(season_basis(panel, config)),
        season_peaks=_single(peak_terms(cadence, config)),
        elapsed=_single(np.minimum(2.0 * steps / max(n_training - 1, 1) - 1.0, 1.0)),
        ahead=_single(np.maximum(steps - (n_training - 1.0), 0.0) * cadence.weeks),
        in_panel=_single(np.ones(len(steps))),
        kpi_unit=_single(scales.kpi / (learned if learned > 0 else 1.0)),  # nobody asks for shares of no weeks
        kpi_level=_single(level),
        kpi=_single(np.where(weights > 0, kpi, 0.0)),
        innovations=_innovations(exposure, control, free_season, weights, in_group(panel, config)),
        stated_priors=_single_priors(stated),
        graph_constraints=GraphConstraints(*map(_single, graph_constraints(panel.channels, config))),
        contacts=None if contacts is None else Contacts(*map(_single, contacts)),
        count_unit=_single(scales.kpi) if config.counts else None,
        as_it_ran=_single(exposure) if config.experiments else None,
    )


def training_weeks(weights: np.ndarray) -> int:
    """Number of weeks up to the last one that any region learns from."""
    return weeks_up_to_last(weights)


def knot_weeks(n_training_weeks: int, spacing: int) -> np.ndarray:
    """Knots of a trend, about `spacing` steps apart; the last is the last training week, after which the trend is flat.

    Args:
        n_training_weeks: steps of the panel up to the last one learned from.
        spacing: steps of the panel.

    Returns:
        `[knot]`, in steps, two at least.
    """
    intervals = max(1, round((n_training_weeks - 1) / spacing))
    return np.linspace(0.0, n_training_weeks - 1.0, intervals + 1)


def _single(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, np.float32)


def _kpi_size(panel: Panel, weights: np.ndarray, config: Config, scales: Scales) -> np.ndarray:
    """KPI of a mean week that shares are shares of, `[region]`, KPI units."""
    if config.reading != "identity":
        return scales.kpi
    size = kpi_sizes(panel.kpi, weights)
    return np.where(size > 0, size, scales.kpi)  # weeks to come have no KPI, and nobody asks for their shares


def _stated(panel: Panel, weights: np.ndarray, config: Config, scales: Scales) -> StatedPriors[np.ndarray]:
    """Stated priors of shares of the KPI; under a log link of what is lost without a channel, or without all."""
    if config.link == "identity":
        size = _kpi_size(panel, weights, config, scales)
        return stated_priors(panel, weights, config.priors, counted_kpi(panel, weights, size))
    return stated_priors(panel, weights, config.priors, panel.kpi)


def _single_priors(stated: StatedPriors[np.ndarray]) -> StatedPriors[np.ndarray]:
    return stated._replace(**{name: _single(part) for name, part in stated._asdict().items() if part is not None})


def _burst(exposure: np.ndarray, cadence: Cadence) -> np.ndarray:
    """Typical exposure while a channel is on air, `[channel]`: the mean of its carry-over, weighted with itself.

    A channel that is on air in one week of ten buys ten mean weeks at once, and if it saturates, it does so at that
    level.
    """
    decay = decay_per_step(_TYPICAL_DECAY, cadence)
    carried = (1.0 - decay) * np.moveaxis(fading_sum(np.moveaxis(exposure, 1, -1), decay), -1, 1)
    total = carried.sum(axis=(0, 1))
    return np.where(total > 0, (carried**2).sum(axis=(0, 1)) / np.where(total > 0, total, 1.0), 1.0)


def _innovations(
    exposure: np.ndarray, control: np.ndarray, season: np.ndarray, weights: np.ndarray, groups: np.ndarray | None
) -> ExposureInnovations[np.ndarray]:
    shared = np.broadcast_to(season, (len(exposure), *season.shape))
    context = np.concatenate([control, shared], axis=-1)
    if groups is None:
        found = exposure_innovations(exposure, context, weights > 0)
    else:
        found = innovations_by_group(exposure, context, weights > 0, groups)
    return found._replace(**{name: _single(part) for name, part in found._asdict().items() if part is not None})


def _standardised(panel: Panel, scales: Scales) -> np.ndarray:
    return np.asarray((panel.control - scales.control_center[:, None, :]) / scales.control_scale[:, None, :])
