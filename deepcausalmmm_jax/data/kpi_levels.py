"""Regions whose KPI lies too high or too low above zero for the way it moves, next to the other regions."""

import numpy as np

from deepcausalmmm_jax.data.kpi_scale import kpi_means, kpi_sizes, weekly_spread

# Ratios of a level to what the region's moves suggest, up to which a level is taken as it is, and beyond which it is
# not believed at all: of few regions, whose median a single one moves, and of others.
_AMONG_FEW, _AMONG_MANY = (1.5, 1.8), (1.2, 1.45)
ODD = 1.8  # it is mentioned; one of 1,735 regions of 142 ordinary panels is
_FEWEST_REGIONS = 3  # of two that differ, either may be the odd one
_FEWEST_WEEKS = 12  # with a KPI, to see how much it changes
_LEAST_SPREAD = 1e-6  # of the level: a straight line has none but for rounding
_ENOUGH_REGIONS = 8  # to see how the weekly spread grows with the level
_MOST_REGIONS = 400  # that this is seen from
_LEAST_POWER = 0.5  # of the level that the spread grows with: that of pure counts
_ROUNDING = 1e-9  # by which logs of levels that are the same may differ
_LIKE_POISSON = 1.25  # ratio of the spread to the root of the level, either way, that chance alone may have
_SEASON, _BLOCKS = 13.0, 10  # weeks over which slow movements are removed; blocks of weeks of the jackknife
_ERRORS = 1.3  # standard errors by which common movements have to differ
_REACH = 3.0  # standard deviations at which a movement is clipped
_ONE_SD = 0.6827  # of the absolute values of the normal distribution


def kpi_scales(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scale that each region's KPI is divided by, above 0.

    It is exactly `kpi_sizes`, in most regions the mean, unless the level is odd: an amount that is missing in one
    region, such as returns, or was added to it, would change its effects relative to its scale, and through pooling
    those of all regions. An odd level is replaced by the one that the region's moves suggest.

    Args:
        kpi: `[region, week]`.
        weights: `[region, week]`, 0 in weeks outside training; above 0 somewhere in each region.

    Returns:
        `[region]`, KPI units.
    """
    ratios = level_ratios(kpi, weights)
    believed, doubted = _AMONG_FEW if _comparable(kpi, weights).sum() < _ENOUGH_REGIONS else _AMONG_MANY
    beyond = np.log(np.maximum(ratios, 1.0 / ratios) / believed) / np.log(doubted / believed)
    return np.asarray(kpi_sizes(kpi, weights) * ratios ** -np.clip(beyond, 0.0, 1.0))


def level_ratios(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A usual week as a multiple of the one that the region's weekly spread suggests, `[region]`.

    In other regions the spread shows how much a week changes that is so high. It grows with the level, or with a power
    of it: chance weighs more in a small region. A region is out of line where it is so under both, and the ratio is the
    one closer to 1. Few regions do not show the power; it may then be that of counts, unless the movements that regions
    have in common, which chance leaves as they are, also show the level to be out of line. Counts that change from week
    to week by chance alone, as much as their level says, are in line whatever the others do.

    Args:
        kpi: `[region, week]`.
        weights: `[region, week]`, 0 in weeks outside training.

    Returns:
        1 for a region in line, for one whose KPI lies around zero (see `kpi_sizes`), and where fewer than three regions
        can be compared.
    """
    ratios, compared = np.ones(len(kpi)), _comparable(kpi, weights)
    if compared.sum() < _FEWEST_REGIONS:
        return ratios
    level, spread = _usual_weeks(kpi, weights)[compared], weekly_spread(kpi, weights)[compared]
    few = len(level) < _ENOUGH_REGIONS
    power = _LEAST_POWER if few else _power(level, spread)
    proportional = _out_of_line(level, spread, 1.0)
    by_power = _out_of_line(level, spread, power)
    # In terms of the level, which would magnify the chance of the farthest of many regions.
    found = _closer_to_zero(proportional, by_power / power if few else by_power)
    if few and (np.abs(proportional) > np.log(_AMONG_FEW[0])).any():
        moves = _movements(kpi[compared], weights[compared], spread) / level[:, None]
        sure = np.clip(-_common_size(moves) * np.sign(proportional) / np.log(_AMONG_FEW[0]), 0.0, 1.0)
        found = np.where(np.abs(sure * proportional) > np.abs(found), sure * proportional, found)
    ratios[compared] = np.exp(np.where(_pure_chance(kpi[compared], weights[compared], level, spread), 0.0, found))
    return ratios


def _comparable(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether a region's KPI shows how it changes, and lies above zero by its mean and its usual week, `[region]`."""
    mean = kpi_means(kpi, weights)
    level, enough = _usual_weeks(kpi, weights), (weights > 0).sum(axis=1) >= _FEWEST_WEEKS
    in_size = (mean > 0) & (kpi_sizes(kpi, weights) == mean) & (level > 0)
    return np.asarray(in_size & enough & (weekly_spread(kpi, weights) > _LEAST_SPREAD * level))


def _pure_chance(kpi: np.ndarray, weights: np.ndarray, level: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Whether a region's KPI counts something and its spread is that of a Poisson distribution, `[region]`."""
    whole = ((kpi == np.round(kpi)) | (weights == 0)).all(axis=1)
    return np.asarray(whole & (np.abs(np.log(spread / np.sqrt(level))) < np.log(_LIKE_POISSON)))


def _power(level: np.ndarray, spread: np.ndarray) -> float:
    """Of the level, that the weekly spread grows with (Theil 1950, Sen 1968), between the root and 1."""
    some = np.argsort(level)[:: -(-len(level) // _MOST_REGIONS)]  # of all sizes; the number of pairs grows fast
    low, high = np.triu_indices(len(some), 1)
    step = np.log(level[some][high] / level[some][low])
    apart = step > _ROUNDING
    if not apart.any():
        return 1.0
    # SciPy's `theilslopes` does the same, but every command would wait a third of a second for `scipy.stats`.
    slopes = np.log(spread[some][high] / spread[some][low])[apart] / step[apart]
    return float(np.clip(np.median(slopes), _LEAST_POWER, 1.0))


def _usual_weeks(kpi: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Median KPI, `[region]`, which one huge week leaves as it is; 0 for a region without weeks."""
    return np.array([np.median(own[seen]) if seen.any() else 0.0 for own, seen in zip(kpi, weights > 0, strict=True)])


def _out_of_line(level: np.ndarray, spread: np.ndarray, power: float) -> np.ndarray:
    """Log of the spread that goes with the level over the spread, `[region]`.

    It grows with this power of the level, from that of a region of median level and steadiness.
    """
    steadiness, size = np.log(level / spread), np.log(level)
    return np.asarray(steadiness - np.median(steadiness) - (1.0 - power) * (size - np.median(size)))


def _closer_to_zero(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smaller of two deviations, 0 where they differ in sign."""
    return np.where(one * other > 0, np.sign(one) * np.minimum(np.abs(one), np.abs(other)), 0.0)


def _movements(kpi: np.ndarray, weights: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Deviations of the KPI from its slow movements, clipped, `[region, week]`; 0 in weeks without weight."""
    week, seen = np.arange(kpi.shape[1]), weights > 0
    near = np.exp(-0.5 * ((week[:, None] - week) / _SEASON) ** 2)
    slow = (np.where(seen, kpi, 0.0) @ near) / np.maximum(seen @ near, 1e-9)
    moves = np.where(seen, kpi - slow, 0.0) / spread[:, None]
    reach = _REACH * np.quantile(np.abs(moves), _ONE_SD, axis=1, keepdims=True)
    return np.asarray(np.clip(moves, -reach, reach) * spread[:, None])


def _common_size(moves: np.ndarray) -> np.ndarray:
    """Log of a region's part in movements that all have in common, next to other regions, `[region]`.

    Brought closer to 0 by so many of its standard errors, from a jackknife over blocks of weeks.
    """
    size = _loadings(moves)
    blocks = np.array_split(np.arange(moves.shape[1]), _BLOCKS)
    without = np.stack([_loadings(np.delete(moves, block, axis=1)) for block in blocks])
    error = np.sqrt((_BLOCKS - 1) * without.var(axis=0))
    return np.asarray(np.sign(size) * np.maximum(np.abs(size) - _ERRORS * error, 0.0))


def _loadings(moves: np.ndarray) -> np.ndarray:
    """Log of each region's loading on a single common factor, the median at 0; `[region]`.

    Off its diagonal a covariance is the product of two loadings, whatever each region's own noise, so that each pair of
    other regions shows the square of a loading (Spearman 1904); their median is taken.
    """
    covariance = moves @ moves.T
    logs = np.full(len(moves), np.nan)
    for r in range(len(moves)):
        others = np.delete(np.arange(len(moves)), r)
        one, other = others[np.array(np.triu_indices(len(others), 1))]
        related = covariance[one, other] > 0
        squares = covariance[r, one[related]] * covariance[r, other[related]] / covariance[one, other][related]
        if squares.size and np.median(squares) > 0:
            logs[r] = 0.5 * np.log(np.median(squares))
    seen = np.isfinite(logs)
    return np.where(seen, logs - np.median(logs[seen]), 0.0) if seen.any() else np.zeros(len(logs))
