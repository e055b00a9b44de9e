"""Estimates the forecast state: where the KPI stands after training, net of media and controls, and how it decays."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.inputs import WEEKS_IN_QUARTER, Inputs
from deepcausalmmm_jax.model.counts import Working, log_means, working
from deepcausalmmm_jax.model.forecast_state import ForecastValues
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.ops.kalman import FilteredState, ProcessScales, kalman_filter
from deepcausalmmm_jax.ops.quasi_newton import minimised

_EVALUATIONS, _LONGEST_STEP = 25, 0.7  # of the search for the scales; in log ratios
_LIMIT = 3.0  # standard deviations beyond which a week is an outlier
_COUNT_LIMIT = 6.0  # of counts, whose large values are far from their mean more often than normal ones
# Prior medians: of the AR(1) component's standard deviation, as a share of the mean KPI, and of its time scale, weeks.
_AR1, _TIME_SCALE = 0.05, 4.0
_SPREAD = 1.0  # standard deviation of the log ratios
_LEAST_NOISE = 1e-3  # of the mean KPI, where regions are copies: with less, single precision fails the filter
_SHOCK = 0.3  # share of a region's noise, prior median of the weekly shocks that all share beyond those of training


class LogRatios(NamedTuple):
    """Logs of the scales over their prior medians; scalars."""

    level_step: Array
    ar1: Array
    time_scale: Array
    season: Array
    noise: Array


class FilteredSeries(NamedTuple):
    """The national series, or all regions' deviations from it, filtered with given scales."""

    state: FilteredState
    loss: Array  # nats
    scales: ProcessScales


Filter = Callable[[LogRatios | Array], FilteredSeries]


def forecast_state(
    components: Components,
    internals: Internals,
    inputs: Inputs[Array],
    weights: Array,
    scales: PriorScales,
    estimated: ForecastValues | None = None,
    step_weeks: float = 1.0,
) -> ForecastValues:
    """Level, AR(1) components and season after the last training week, by marginal likelihood.

    What media and controls leave of the KPI is split into its mean over regions and each region's deviation from it.
    Each of the two is a random walk, an AR(1) component and a season, whose scales maximise the likelihood of the
    series (type-II maximum likelihood, with log-normal priors around the prior scales). A KPI that holds its level
    then gives the forecast `last`, one that returns gives `mean`, and one with a steady season continues it. Regions
    that move together count as fewer: their mean is less certain, and their deviations weigh less against the priors
    of the scales. Each region's own state still rests on its own noise.

    Args:
        components: of the fitted model, scaled units.
        internals: of the same; its noise, and the share of the region-weeks that counts as independent.
        inputs: the panel.
        weights: `[region, week]`, 0 in weeks the fit does not learn from.
        scales: prior scales.
        estimated: a state whose scales are kept, for draws of the parameters: only the filter runs; None to estimate
            the scales.
        step_weeks: length of a step of the panel, weeks.

    Returns:
        Values of `model.forecast_state.ForecastState`.
    """
    filter_national, filter_regional = filters(components, internals, inputs, weights, scales, step_weeks)
    is_single = inputs.kpi.shape[0] == 1  # a single region is the national level, and has no deviations
    if estimated is None:
        national_ratios = _most_likely(filter_national, jnp.ones(()))
        none = LogRatios(*jnp.zeros(len(LogRatios._fields)))
        regional_ratios = none if is_single else _most_likely(filter_regional, internals.effective)
    else:
        national_ratios = LogRatios(*estimated.national_log_ratios)
        regional_ratios = LogRatios(*estimated.regional_log_ratios)
    national = filter_national(national_ratios).state
    regional = _nowhere(national) if is_single else filter_regional(regional_ratios).state
    return ForecastValues(
        level=national.level + regional.level + _level_offset(inputs),
        national_ar1=national.ar1,
        regional_ar1=regional.ar1,
        season=national.season + regional.season,
        national_time_scale=_TIME_SCALE * jnp.exp(national_ratios.time_scale),
        regional_time_scale=_TIME_SCALE * jnp.exp(regional_ratios.time_scale),
        national_log_ratios=jnp.stack(national_ratios),
        regional_log_ratios=jnp.stack(regional_ratios),
        national_scales=jnp.stack(_in_units(national_ratios, scales.trend, scales.seasonality)),
        regional_scales=jnp.stack(_in_units(regional_ratios, scales.trend_region, scales.seasonality_region)),
    )


def _nowhere(national: FilteredState) -> FilteredState:
    """The state of a single region's deviations, `[region, ...]`."""
    return jax.tree.map(lambda of_nation: jnp.zeros((1, *of_nation.shape)), national)


def filters(
    components: Components,
    internals: Internals,
    inputs: Inputs[Array],
    weights: Array,
    scales: PriorScales,
    step_weeks: float = 1.0,
) -> tuple[Filter, Filter]:
    """Filters of the national level and of the regions' deviations from it, as functions of their log ratios `[5]`.

    Args:
        components: of the fitted model, scaled units.
        internals: of the same.
        inputs: the panel.
        weights: `[region, week]`, 0 in weeks the fit does not learn from.
        scales: prior scales.
        step_weeks: length of a step of the panel, weeks.
    """
    media, control = components.media.sum(axis=-1), components.control.sum(axis=-1)
    counted = _as_normal(components, internals, inputs)
    kpi = inputs.kpi if counted is None else components.prediction() + counted.excess
    rest = kpi - _level_offset(inputs)[:, None] - control - media
    if internals.demand is not None:
        rest -= internals.demand
    past, noise = inputs.ahead <= 0, internals.noise
    trained = (weights > 0) & past
    precision = jnp.where(trained, weights / _noise_variance(noise, counted), 0.0)
    national = (rest * precision).sum(axis=0) / jnp.maximum(precision.sum(axis=0), 1e-9)
    total = internals.effective * precision.sum(axis=0)
    deviation = jnp.where(trained, rest - national, 0.0)
    trained_regions = trained.any(axis=1).sum()
    own_noise = _noise_variance(noise, counted) / jnp.maximum(weights, 1e-6)
    limit = _LIMIT if counted is None else _COUNT_LIMIT
    # One ratio for all terms: peaks are expected to be as large beside the rest of the season as the settings say.
    # With a ratio of their own, forecasts of the real panel are worse at seven of ten origins.
    peaks = inputs.season_peaks > 0
    season = jnp.where(peaks, scales.season_peaks, scales.seasonality)
    season_region = jnp.where(peaks, scales.season_peaks_region, scales.seasonality_region)

    def filter_national(log_ratios: LogRatios | Array) -> FilteredSeries:
        ratios = LogRatios(*log_ratios)
        process = _process_scales(ratios, scales.trend, season, scales.baseline, step_weeks)
        variance = shock(internals, log_ratios) ** 2 + 1.0 / jnp.maximum(total, 1e-9)
        mean = jnp.asarray(1.0 - scales.media_total)
        found = kalman_filter(national, variance, total > 0, past, inputs.season_basis, process, mean, limit)
        return FilteredSeries(*found, process)

    def filter_regional(log_ratios: LogRatios | Array) -> FilteredSeries:
        ratios = LogRatios(*log_ratios)
        process = _process_scales(ratios, scales.trend_region, season_region, scales.baseline, step_weeks)

        def one(series: Array, variance: Array, trained: Array) -> tuple[FilteredState, Array]:
            return kalman_filter(series, variance, trained, past, inputs.season_basis, process, jnp.zeros(()), limit)

        several = trained & (trained_regions > 1)  # a single region with a KPI is the national level: no deviation
        factor = jnp.exp(2.0 * ratios.noise) if counted is None else 1.0  # the size of chance is known
        noise = jnp.maximum(own_noise * factor, _LEAST_NOISE**2)
        return FilteredSeries(*jax.vmap(one)(deviation, noise, several), process)

    return filter_national, filter_regional


def _as_normal(components: Components, internals: Internals, inputs: Inputs[Array]) -> Working | None:
    """Normal observations `[region, week]` in place of counts; None of a KPI that is not counted."""
    if inputs.count_unit is None:
        return None
    unit = inputs.count_unit[:, None]
    return working(inputs.kpi * unit, log_means(components.prediction(), unit), internals.noise[:, None])


def _noise_variance(noise: Array, counted: Working | None) -> Array:
    """Variance of a week's noise, `[region, 1]`, or of what stands for its count, `[region, week]`."""
    return noise[:, None] ** 2 if counted is None else counted.variance


def shock(internals: Internals, log_ratios: LogRatios | Array) -> Array:
    """Standard deviation of a week's shock that all regions share, scalar; its prior median holds those of training."""
    usual = jnp.sqrt(_SHOCK**2 + internals.shared) * internals.noise.mean()
    return usual * jnp.exp(LogRatios(*log_ratios).noise)


def _level_offset(inputs: Inputs[Array]) -> Array:
    """Mean KPI less 1, `[region]`: not zero where the KPI is divided by something other than its mean."""
    return inputs.kpi_level - 1.0


def _process_scales(ratios: LogRatios, trend: Array, season: Array, start: Array, step_weeks: float) -> ProcessScales:
    """Scales of a step of the panel."""
    return ProcessScales(
        level_start=jnp.asarray(start),
        level_step=trend / jnp.sqrt(WEEKS_IN_QUARTER / step_weeks) * jnp.exp(ratios.level_step),
        ar1=_AR1 * jnp.exp(ratios.ar1),
        time_scale=_TIME_SCALE / step_weeks * jnp.exp(ratios.time_scale),
        season=season * jnp.exp(ratios.season),
    )


def _in_units(ratios: LogRatios, trend: Array, season: Array) -> tuple[Array, Array, Array]:
    """Scales in the units of `Penalties`: of the trend a quarter, of the AR(1) component, of the season."""
    return trend * jnp.exp(ratios.level_step), _AR1 * jnp.exp(ratios.ar1), season * jnp.exp(ratios.season)


def _most_likely(filtered: Filter, share: Array) -> LogRatios:
    """Log ratios of least loss, searched from zero; the data count by `share`."""

    def loss(ratios: Array) -> Array:
        return share * jnp.sum(filtered(ratios).loss) + 0.5 * jnp.sum((ratios / _SPREAD) ** 2)

    return LogRatios(*minimised(loss, jnp.zeros(len(LogRatios._fields)), _EVALUATIONS, _LONGEST_STEP))
