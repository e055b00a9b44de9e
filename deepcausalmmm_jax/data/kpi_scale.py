"""What a region's KPI is divided by: its mean, unless the mean says nothing of the region's size."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last

_QUARTILES_TO_SD = 1.349  # width of the normal distribution's middle half, in standard deviations
_REACH = 3.0  # standard deviations at which a weekly move is cut
_SURE = 3.0  # mean over weekly spread above which a KPI is below zero by accident alone
_USUAL = 8.0  # mean over weekly spread of a KPI, where no region shows what is usual
# Of what is usual: above the first the mean is the region's size, below the second it is not, and between them the
# scale goes over from one to the other.
_STEADY, _UNSTEADY = 1 / 3, 1 / 6
_ROUNDING = 1e-6  # of the largest value


def kpi_scales(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scale of each region's KPI, above 0.

    It is the mean, and exactly so, wherever that is a size. A KPI that falls below zero, since it is net of returns or
    had something taken off, may have any mean, near zero or negative, and pooled effects would be shares of nothing.
    Its weekly spread still tells how large the region is: it gets the mean that would go with its spread in the other
    regions, unless its own comes near that.

    Args:
        kpi: `[region, week]`.
        weights: `[region, week]`, 0 in weeks that are not learned from; some in each region.

    Returns:
        `[region]`, KPI units.
    """
    mean, spread = kpi_means(kpi, weights), weekly_spread(kpi, weights)
    varies, falls_below_zero = spread > 0, ((kpi < 0) & (weights > 0)).any(axis=1)
    steadiness = mean / np.where(varies, spread, 1.0)
    sized = varies & (mean > 0) & (~falls_below_zero | (steadiness > _SURE))
    usual = float(np.median(steadiness[sized])) if sized.any() else _USUAL
    share = np.where(falls_below_zero & varies, steadiness / usual, 1.0)
    keeps = np.log(np.maximum(share, 1e-9) / _UNSTEADY) / np.log(_STEADY / _UNSTEADY)
    keeps = np.clip(keeps, 0.0, 1.0)
    between = np.maximum(mean, 1e-300) ** keeps * (usual * spread) ** (1.0 - keeps)
    return np.where((keeps == 1.0) | ~varies, mean, between)


def kpi_means(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean KPI of each region over the weeks with weight, `[region]`; 0 without such weeks."""
    return (kpi * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300)


def counted_kpi(panel: Panel, weights: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The KPI that shares are counted of, `[region, week]`: the KPI, moved to its scale in regions of another mean.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not learned from.
        scale: `[region]`, from `kpi_scales`.
    """
    return panel.kpi + (scale - kpi_means(panel.kpi, describing(panel, weights)))[:, None]


def informative(panel: Panel, weights: np.ndarray) -> np.ndarray:
    """The weights with 0 in regions whose KPI is the same in all training weeks: they would say that nothing works.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not learned from.
    """
    return np.where(is_constant(panel.kpi, weights)[:, None], 0.0, weights)


def describing(panel: Panel, weights: np.ndarray) -> np.ndarray:
    """The weights, and in regions that nothing is learned from those of their observed training weeks.

    Such a region still has a scale, by which what others say is brought to its size.
    """
    training = np.arange(len(panel.weeks)) < weeks_up_to_last(weights)
    return np.where((weights > 0).any(axis=1, keepdims=True), weights, panel.weights * training)


def weekly_spread(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standard deviation of a week's KPI around its neighbours, `[region]`; 0 for a KPI that is constant.

    From weekly differences, which know neither growth nor season, the largest of them cut, so that no single week blows
    it up; uncut where most differences are zero.
    """
    found = np.zeros(len(kpi))
    varies: np.ndarray = ~is_constant(kpi, weights)
    for r in np.flatnonzero(varies):
        moves = np.diff(kpi[r, weights[r] > 0]) / np.sqrt(2.0)
        low, median, high = np.quantile(moves, [0.25, 0.5, 0.75])
        reach = _REACH * (high - low) / _QUARTILES_TO_SD
        found[r] = (np.clip(moves, median - reach, median + reach) if reach > 0 else moves).std()
    return found


def is_constant(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether the KPI is the same, but for rounding, in all weeks with weight, `[region]`; true without such weeks."""
    used = weights > 0
    low, high = (pick(kpi, axis=1, where=used, initial=end) for pick, end in ((np.min, np.inf), (np.max, -np.inf)))
    return np.asarray(~used.any(axis=1) | (high - low <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))))
