"""Channel activity as the channel graph explains it: with region, season, controls and persistence taken out."""

from typing import NamedTuple

import numpy as np

_LONGEST_MEMORY = 0.95


class Activity(NamedTuple):
    """Weekly news of each channel, in units of its own standard deviation.

    All steps from exposure to here are the same linear map for every channel, so that if one channel's exposure is
    its own plus a multiple of another's, the same holds for the news (up to the part that controls explain).
    """

    regional: np.ndarray  # [region, week, channel], deviation from the week's national mean
    national: np.ndarray  # [week, channel], that mean over regions
    known: np.ndarray  # [region, week], 1 where this week and the one before are learned from
    on: np.ndarray  # [week, channel], 1 where the channel was on air somewhere, this week and the one before
    unit: np.ndarray  # [channel], standard deviation, in mean training weeks of a region


def channel_activity(exposure: np.ndarray, context: np.ndarray, used: np.ndarray) -> Activity:
    r"""News $z_t = \tilde x_t - \phi \tilde x_{t-1}$, split into a national part and regional deviations.

    $\tilde x$ is exposure less what region, season and controls explain (least squares, coefficients shared by all
    regions); phi, one number for all channels, is the median of their persistence from week to week. Without the
    last step two unrelated channels that both wander would look linked; the national part is kept apart since its
    weeks are few however many regions there are.

    Args:
        exposure: `[region, week, channel]`, relative to the region's mean training week.
        context: `[region, week, term]`, season and controls.
        used: `[region, week]`, whether the region-week may be learned from.
    """
    n_regions, n_weeks, n_channels = exposure.shape
    mask = used.astype(float)[:, :, None]
    own = _without_mean(exposure, mask)
    explained = _without_mean(context, mask)
    left = (explained * mask).reshape(n_regions * n_weeks, -1)
    coefficient = np.linalg.lstsq(left, (own * mask).reshape(-1, n_channels), rcond=None)[0]
    rest = (own - explained @ coefficient) * mask
    known = used & np.concatenate([np.zeros((n_regions, 1), bool), used[:, :-1]], axis=1)
    news = np.zeros_like(rest)
    news[:, 1:] = rest[:, 1:] - _persistence(rest, known) * rest[:, :-1]
    news *= known[:, :, None]
    counts = np.maximum(known.sum(axis=0), 1)[:, None]
    national = news.sum(axis=0) / counts
    regional = (news - national) * known[:, :, None]
    total = known.sum()
    variance = ((regional**2).sum(axis=(0, 1)) + (national**2 * counts * known.any(axis=0)[:, None]).sum(axis=0)) / max(
        total, 1
    )
    unit = np.where(variance > 0, np.sqrt(variance), 1.0)
    aired = ((exposure > 0) & used[:, :, None]).any(axis=0)
    on = aired & np.concatenate([aired[:1], aired[:-1]])
    return Activity(regional / unit, national / unit, known.astype(float), on.astype(float), unit)


def _without_mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over the weeks with mask, `[region, week, ...]`."""
    return values - (values * mask).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1.0)


def _persistence(rest: np.ndarray, known: np.ndarray) -> float:
    """Median over channels of the correlation with the week before, kept from 0 to below 1."""
    pairs = known[:, 1:, None]
    before, now = rest[:, :-1] * pairs, rest[:, 1:] * pairs
    power = np.sqrt((before**2).sum(axis=(0, 1)) * (now**2).sum(axis=(0, 1)))
    correlation = (before * now).sum(axis=(0, 1)) / np.where(power > 0, power, 1.0)
    return float(np.clip(np.median(correlation), 0.0, _LONGEST_MEMORY))
