"""Size of a region's KPI: its mean, unless the mean does not reflect the size of the region."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last

_QUARTILES_TO_SD = 1.349  # width of the normal distribution's middle half, in standard deviations
_REACH = 3.0  # standard deviations at which a weekly change is clipped
_SURE = 3.0  # ratio of mean to weekly spread above which a negative KPI is only chance
_USUAL = 8.0  # ratio of mean to weekly spread that is assumed if no region shows the usual one
# Relative to the usual ratio: above the first the mean reflects the size of the region, below the second it does not,
# and in between the size is interpolated.
_STEADY, _UNSTEADY = 1 / 3, 1 / 6
_ROUNDING = 1e-6  # of the largest value


def kpi_sizes(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Size of each region's KPI, above 0, which shares are shares of.

    It is exactly the mean wherever the mean reflects size. A KPI that becomes negative, perhaps because it is
    net of returns, may have any mean, near zero or negative, which would make pooled effects meaningless as shares of
    it. Its weekly spread still reflects the size of the region: the size is then the mean that goes with this spread
    in the other regions, unless the region's own mean comes close to that.

    Args:
        kpi: `[region, week]`.
        weights: `[region, week]`, 0 in weeks outside training; above 0 somewhere in each region.

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
    """Mean KPI of each region over the weeks with weight, `[region]`; 0 if there are none."""
    return np.asarray((kpi * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300))


def counted_kpi(panel: Panel, weights: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The KPI that shares refer to, `[region, week]`: shifted to a mean equal to its size where the two differ.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.
        size: `[region]`, from `kpi_sizes`.
    """
    shift = size - kpi_means(panel.kpi, describing(panel, weights))
    return np.asarray(panel.kpi + shift[:, None])


def informative(panel: Panel, weights: np.ndarray) -> np.ndarray:
    """The weights, with 0 in regions whose KPI is constant: they would suggest that nothing has an effect.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.
    """
    return np.where(is_constant(panel.kpi, weights)[:, None], 0.0, weights)


def describing(panel: Panel, weights: np.ndarray) -> np.ndarray:
    """The weights, and in regions without weight those of their observed training weeks.

    Such a region still needs a scale, by which effects learned in other regions are converted to its size.
    """
    training = np.arange(len(panel.weeks)) < weeks_up_to_last(weights)
    return np.where((weights > 0).any(axis=1, keepdims=True), weights, panel.weights * training)


def weekly_spread(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standard deviation of a week's KPI around its neighbours, `[region]`; 0 for a constant KPI.

    Computed from weekly differences, which remove growth and season; the largest are clipped so that no single week
    dominates, except where most differences are zero.
    """
    found = np.zeros(len(kpi))
    varies, seen = ~is_constant(kpi, weights), weights > 0
    if not varies.any():
        return found
    weeks = seen[np.argmax(varies)]
    alike = varies & (seen == weeks).all(axis=1)  # in most panels all regions, at once
    found[alike] = _spread(kpi[alike][:, weeks])
    for r in np.flatnonzero(varies & ~alike):
        found[r] = _spread(kpi[r : r + 1, seen[r]])[0]
    return found


def _spread(kpi: np.ndarray) -> np.ndarray:
    """The same of regions whose weeks all count, `[region]`."""
    moves = np.diff(kpi, axis=1) / np.sqrt(2.0)
    low, median, high = np.quantile(moves, [0.25, 0.5, 0.75], axis=1)[:, :, None]
    reach = _REACH * (high - low) / _QUARTILES_TO_SD
    return np.asarray(np.where(reach > 0, np.clip(moves, median - reach, median + reach), moves).std(axis=1))


def is_constant(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether the KPI is constant up to rounding over the weeks with weight, `[region]`; true if there are none."""
    used = weights > 0
    low, high = (pick(kpi, axis=1, where=used, initial=end) for pick, end in ((np.min, np.inf), (np.max, -np.inf)))
    return np.asarray(~used.any(axis=1) | (high - low <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))))
