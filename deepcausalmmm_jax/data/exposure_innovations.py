"""Innovations of exposure, which the channel graph explains: what region, season, controls and persistence leave."""

from typing import Generic, NamedTuple

import numpy as np

from deepcausalmmm_jax.axes import ArrayT

_MOST_PERSISTENCE = 0.95


class ExposureInnovations(NamedTuple, Generic[ArrayT]):
    """Weekly innovations of each channel's exposure, in units of their own standard deviation.

    Every step from exposure to innovations is the same linear map for every channel. So if one channel's exposure is
    its own plus a multiple of another's, the same holds for the innovations (up to the part that controls explain).
    """

    regional: ArrayT  # [region, week, channel], deviation from the week's national mean
    national: ArrayT  # [week, channel], that mean over regions
    trained: ArrayT  # [region, week], 1 where the fit learns from this week and from the one before
    on_air: ArrayT  # [week, channel], 1 where the channel was on air in some region, in this week and the one before
    unit: ArrayT  # [channel], their standard deviation, in mean training weeks of a region
    # [group, region], 1 where the region is in the group, with graphs by group; None with one. The mean of a group then
    # stands in the place of the national one: `national` and `on_air` have a leading axis [group].
    in_group: ArrayT | None = None


def exposure_innovations(
    exposure: np.ndarray, context: np.ndarray, trained: np.ndarray
) -> ExposureInnovations[np.ndarray]:
    r"""Innovations $z_t = \tilde x_t - \phi \tilde x_{t-1}$, split into a national mean and regional deviations.

    $\tilde x$ is exposure less what region, season and controls explain (least squares, with coefficients shared by all
    regions). phi is one number for all channels, the median of their week-to-week correlations; without this step two
    unrelated channels that both wander would look linked. The national mean is kept apart because it has only as many
    observations as there are weeks, however many regions there are.

    Args:
        exposure: `[region, week, channel]`, relative to the region's mean training week.
        context: `[region, week, term]`, season and controls.
        trained: `[region, week]`, whether the fit may learn from the region-week.
    """
    n_regions, n_weeks, n_channels = exposure.shape
    mask = trained.astype(float)[:, :, None]
    own = _without_mean(exposure, mask)
    explanatory = _without_mean(context, mask)
    design = (explanatory * mask).reshape(n_regions * n_weeks, -1)
    coefficient = np.linalg.lstsq(design, (own * mask).reshape(-1, n_channels), rcond=None)[0]
    rest = (own - explanatory @ coefficient) * mask
    in_pairs = trained & np.concatenate([np.zeros((n_regions, 1), bool), trained[:, :-1]], axis=1)
    innovations = np.zeros_like(rest)
    innovations[:, 1:] = rest[:, 1:] - _persistence(rest, in_pairs) * rest[:, :-1]
    innovations *= in_pairs[:, :, None]
    counts = np.maximum(in_pairs.sum(axis=0), 1)[:, None]
    national = innovations.sum(axis=0) / counts
    regional = (innovations - national) * in_pairs[:, :, None]
    squares = (regional**2).sum(axis=(0, 1)) + (national**2 * counts * in_pairs.any(axis=0)[:, None]).sum(axis=0)
    variance = squares / max(in_pairs.sum(), 1)
    unit = np.where(variance > 0, np.sqrt(variance), 1.0)
    aired = ((exposure > 0) & trained[:, :, None]).any(axis=0)
    on_air = aired & np.concatenate([aired[:1], aired[:-1]])
    return ExposureInnovations(regional / unit, national / unit, in_pairs.astype(float), on_air.astype(float), unit)


def innovations_by_group(
    exposure: np.ndarray, context: np.ndarray, trained: np.ndarray, in_group: np.ndarray
) -> ExposureInnovations[np.ndarray]:
    """Innovations of groups of regions, each as a panel of its own, in units that all groups share.

    What season and controls explain of a channel differs from group to group where the links do, so that every step
    from exposure to innovations is the same for the channels of a group, not for those of the panel. A channel with the
    same exposure in all regions has no regional deviations in any group; its links are learned from the groups' means.

    Args:
        exposure: as for `exposure_innovations`, like the next two.
        context: likewise.
        trained: likewise.
        in_group: `[group, region]`, 1 where the region is in the group; each region is in one.
    """
    members = in_group > 0
    parts = [exposure_innovations(exposure[own], context[own], trained[own]) for own in members]
    regional, in_pairs = np.zeros_like(exposure), np.zeros(trained.shape)
    squares = np.zeros(exposure.shape[2])
    for own, part in zip(members, parts, strict=True):
        regional[own], in_pairs[own] = part.regional * part.unit, part.trained
        national = part.national * part.unit
        squares += (regional[own] ** 2).sum(axis=(0, 1)) + (national**2 * part.trained.sum(axis=0)[:, None]).sum(axis=0)
    variance = squares / max(in_pairs.sum(), 1)
    unit = np.where(variance > 0, np.sqrt(variance), 1.0)
    national = np.stack([part.national * part.unit for part in parts])
    on_air = np.stack([part.on_air for part in parts])
    return ExposureInnovations(regional / unit, national / unit, in_pairs, on_air, unit, in_group)


def _without_mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over the weeks in the mask, `[region, week, ...]`."""
    mean = (values * mask).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(values - mean)


def _persistence(rest: np.ndarray, in_pairs: np.ndarray) -> float:
    """Median over channels of the correlation with the week before, kept from 0 to below 1."""
    pairs = in_pairs[:, 1:, None]
    before, now = rest[:, :-1] * pairs, rest[:, 1:] * pairs
    power = np.sqrt((before**2).sum(axis=(0, 1)) * (now**2).sum(axis=(0, 1)))
    correlation = (before * now).sum(axis=(0, 1)) / np.where(power > 0, power, 1.0)
    return float(np.clip(np.median(correlation), 0.0, _MOST_PERSISTENCE))
