"""Stated priors as arrays over channels and controls."""

from typing import Any, Generic, NamedTuple

import numpy as np

from deepcausalmmm_jax.axes import ArrayT
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.config.priors import CURVE_PARAMETERS, Priors
from deepcausalmmm_jax.data.bookings import accrued
from deepcausalmmm_jax.data.cadence import Cadence, decay_per_step
from deepcausalmmm_jax.data.kpi_scale import kpi_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError


class StatedPriors(NamedTuple, Generic[ArrayT]):
    """Prior mean and precision, 1 / sd^2, of each channel's quantities; precision 0 where nothing is stated."""

    share: ArrayT  # [channel], share of the KPI; like all that follow but the last
    share_precision: ArrayT
    decay: ArrayT
    decay_precision: ArrayT
    half_saturation: ArrayT  # mean weeks of exposure
    half_saturation_precision: ArrayT
    slope: ArrayT
    slope_precision: ArrayT
    control_sign: ArrayT  # [control], 1, -1, or 0 for either
    half_life: ArrayT | None = None  # [channel], steps of the panel; None where no channel has one stated
    half_life_precision: ArrayT | None = None
    total: ArrayT | None = None  # [], share of the KPI of all media; None where it is not stated
    total_precision: ArrayT | None = None
    curve: ArrayT | None = None  # [parameter, channel], centres of `CURVE_PARAMETERS` in logs, of the decay in logits
    curve_spread: ArrayT | None = None  # 0 where the default prior holds
    half_frequency: ArrayT | None = None  # [channel], contacts; None where no channel has one stated
    half_frequency_precision: ArrayT | None = None
    marginal: ArrayT | None = None  # [channel], as `model.marginal_shares`; None where no mROI is stated
    marginal_precision: ArrayT | None = None


def states_shares(stated: StatedPriors[Any]) -> bool:
    """Whether a share, ROI, CPIK or total is stated of any channel or of all media."""
    return stated.total is not None or bool((np.asarray(stated.share_precision) > 0).any())


def stated_priors(
    panel: Panel, weights: np.ndarray, priors: Priors, counted_kpi: np.ndarray
) -> StatedPriors[np.ndarray]:
    """Stated priors as arrays; an ROI or CPIK becomes the share of the KPI that would give it in the training weeks.

    An mROI becomes the share of the KPI that the channel would have if all its spend earned as much as the next 1%.

    The standard deviation of a CPIK is carried over to the share to first order: both are the same part of their value.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks the fit does not learn from.
        priors: as the user stated them.
        counted_kpi: `[region, week]`, the KPI of which the model takes shares: its mean is the region's scale.

    Raises:
        ConfigError: an unknown channel or control, an ROI, CPIK or mROI for a channel without spend, or more than the
            whole KPI.
    """
    for name in priors.channels():
        _refuse_unknown(name, panel.channels, "channel")
    for name, _ in priors.control_sign:
        _refuse_unknown(name, panel.controls, "control")
    by_roi = (_share_of_return(panel, weights, counted_kpi, "roi", *entry) for entry in priors.roi)
    by_cost = (_share_of_cost(panel, weights, counted_kpi, *entry) for entry in priors.cpik)
    share = (*priors.share, *by_roi, *by_cost)
    total = sum(mean for _, mean, _ in share)
    if total > 1.0:
        raise ConfigError(
            f"Setting priors.share, priors.roi and priors.cpik together state {total:.0%} of the KPI for media, which "
            "cannot have more than 100%; lower them."
        )
    decay = tuple(_decay_of_step(*entry, panel.cadence) for entry in priors.decay)
    pairs = [_over_channels(panel, entries) for entries in (share, decay, priors.half_saturation, priors.slope)]
    sign = np.zeros(len(panel.controls))
    for name, direction in priors.control_sign:
        sign[panel.controls.index(name)] = 1.0 if direction == "positive" else -1.0
    step = panel.cadence.weeks
    lives = tuple((channel, weeks / step, sd / step) for channel, weeks, sd in priors.half_life)
    half_life = _over_channels(panel, lives) if lives else (None, None)
    of_all = (np.asarray(priors.total[0]), np.asarray(1.0 / priors.total[1] ** 2)) if priors.total else (None, None)
    curves = _curves(panel, priors.curve) if priors.curve else (None, None)
    often = _half_frequency(panel, priors.half_frequency)
    earned = tuple(_share_of_return(panel, weights, counted_kpi, "mroi", *entry) for entry in priors.mroi)
    marginal = _over_channels(panel, earned) if earned else (None, None)
    return StatedPriors(
        *pairs[0],
        *pairs[1],
        *pairs[2],
        *pairs[3],
        sign,
        half_life=half_life[0],
        half_life_precision=half_life[1],
        total=of_all[0],
        total_precision=of_all[1],
        curve=curves[0],
        curve_spread=curves[1],
        half_frequency=often[0],
        half_frequency_precision=often[1],
        marginal=marginal[0],
        marginal_precision=marginal[1],
    )


def _half_frequency(
    panel: Panel, entries: tuple[tuple[str, float, float], ...]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    for channel, *_ in entries:
        if not panel.has_reach[panel.channels.index(channel)]:
            raise ConfigError(
                f"Setting priors.half_frequency names the channel {channel!r}, whose reach and frequency are not in "
                "the panel; name their columns in reach= and frequency=, or leave the prior out."
            )
    return _over_channels(panel, entries) if entries else (None, None)


def _share_of_return(
    panel: Panel, weights: np.ndarray, counted_kpi: np.ndarray, prior: str, channel: str, roi: float, sd: float
) -> tuple[str, float, float]:
    """The share of the KPI, and its standard deviation, that would earn a stated return on all spend."""
    spend = _spend(panel, weights > 0, channel, prior)
    revenue = float(revenue_where_on_air(panel, weights, counted_kpi)[panel.channels.index(channel)])
    return channel, roi * spend / revenue, sd * spend / revenue


def revenue_where_on_air(panel: Panel, weights: np.ndarray, counted_kpi: np.ndarray) -> np.ndarray:
    """What the KPI of the training weeks would earn, had all of it the revenue per KPI that each channel's effect has.

    A channel earns where and when it runs: one that ran in a single country, or before prices rose, earns less or more
    from the same share of the KPI than another. Its effect is taken to be as large a part of the KPI in each region
    that it runs in, and spread over the weeks as exposure is; carry-over and saturation are not known yet.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks the fit does not learn from.
        counted_kpi: `[region, week]`, see `stated_priors`.

    Returns:
        `[channel]`, currency; KPI units where no revenue per KPI is known.
    """
    trained = weights > 0
    total = float(counted_kpi[trained].sum())
    if panel.revenue_per_kpi is None:
        return np.full(len(panel.channels), total)
    size = kpi_means(counted_kpi, trained.astype(np.float64))
    ran = np.where(trained[:, :, None], panel.exposure, 0.0)
    mean = ran.sum(axis=1, keepdims=True) / np.maximum(trained.sum(axis=1), 1)[:, None, None]
    effect = size[:, None, None] * ran / np.where(mean > 0, mean, 1.0)  # [region, week, channel]
    silent = effect.sum(axis=(0, 1)) <= 0
    effect[:, :, silent] = np.where(trained, counted_kpi, 0.0)[:, :, None]
    worth = np.where(trained, panel.revenue_per_kpi, 0.0)
    return np.asarray(total * np.einsum("rtm,rt->m", effect, worth) / effect.sum(axis=(0, 1)))


def _share_of_cost(
    panel: Panel, weights: np.ndarray, counted_kpi: np.ndarray, channel: str, cost: float, sd: float
) -> tuple[str, float, float]:
    """The share of the KPI that a stated cost per incremental unit of it would buy, and its standard deviation."""
    trained = weights > 0
    share = _spend(panel, trained, channel, "cpik") / (cost * float(counted_kpi[trained].sum()))
    return channel, share, share * sd / cost


def _spend(panel: Panel, trained: np.ndarray, channel: str, prior: str) -> float:
    spend, m = 0.0, panel.channels.index(channel)
    if panel.spend is not None:  # what the weeks' exposure cost, whatever weeks or regions it was booked in
        paid = accrued(np.nan_to_num(panel.spend[:, :, m]), panel.exposure[:, :, m], panel.cadence).spend
        spend = float(paid[trained].sum())
    if not spend > 0:
        raise ConfigError(
            f"Setting priors.{prior} names the channel {channel!r}, which has no spend in the training weeks; state "
            "its share of the KPI in priors.share instead."
        )
    return spend


def _decay_of_step(channel: str, decay: float, sd: float, cadence: Cadence) -> tuple[str, float, float]:
    """The decay a step, with its standard deviation, of one stated by the week."""
    if cadence is Cadence.WEEKLY:
        return channel, decay, sd
    slope = cadence.weeks / (decay + cadence.weeks * (1.0 - decay)) ** 2
    return channel, decay_per_step(decay, cadence), sd * slope


def _curves(panel: Panel, entries: tuple[tuple[str, str, float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of priors that are normal in a log or logit, `[parameter, channel]` each."""
    centre, spread = (np.zeros((len(CURVE_PARAMETERS), len(panel.channels))) for _ in range(2))
    for channel, parameter, median, wide in entries:
        at = CURVE_PARAMETERS.index(parameter), panel.channels.index(channel)
        if parameter == "decay":
            median = decay_per_step(median, panel.cadence)
        centre[at] = np.log(median) - (np.log1p(-median) if parameter == "decay" else 0.0)
        spread[at] = wide
    return centre, spread


def _over_channels(panel: Panel, entries: tuple[tuple[str, float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and precision, `[channel]` each."""
    mean, precision = np.zeros(len(panel.channels)), np.zeros(len(panel.channels))
    for channel, expected, sd in entries:
        at = panel.channels.index(channel)
        mean[at], precision[at] = expected, 1.0 / sd**2
    return mean, precision


def _refuse_unknown(name: str, known: tuple[str, ...], kind: str) -> None:
    if name not in known:
        hint = did_you_mean(name, known, f"; known are {', '.join(known) or 'none'}.")
        raise ConfigError(f"Setting priors names the {kind} {name!r}, which the panel does not have{hint}")
