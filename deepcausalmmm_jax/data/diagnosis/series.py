"""Series of a panel without season and trend, for checks that compare how they move."""

import numpy as np

from deepcausalmmm_jax.data.bases import fourier_basis

YEAR = 365.25 / 7.0  # weeks
_HARMONICS = 2  # as in the model's season
_DAYS = 3  # pairs of terms of the week, as in the model's season
_YEARS = 1.5  # with fewer, season and trend are not separable, and only the trend is taken out


def season_and_trend(week_numbers: np.ndarray) -> np.ndarray:
    """Constant, linear and quadratic trend, the season from 1.5 years on, days of the week: `[week, term]`."""
    position = np.linspace(-1.0, 1.0, len(week_numbers))
    terms = [np.ones_like(position), position, position**2]
    if np.ptp(week_numbers) + 1.0 >= _YEARS * YEAR:
        terms += list(fourier_basis(week_numbers, YEAR, _HARMONICS).T)
    if len(week_numbers) > 1 and week_numbers[1] - week_numbers[0] < 0.5:  # days, which follow the week
        terms += list(fourier_basis(week_numbers, 1.0, _DAYS).T)
    return np.stack(terms, axis=1)


def without(values: np.ndarray, known: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Residuals of each region's series after least squares on a basis; 0 where the series is not known.

    Args:
        values: `[region, week, series]`.
        known: `[region, week]`.
        basis: `[week, term]`.

    Returns:
        `[region, week, series]`.
    """
    left = np.zeros(values.shape)
    for r in range(len(values)):
        at = known[r]
        if at.sum() > basis.shape[1]:
            weight, *_ = np.linalg.lstsq(basis[at], values[r, at])
            left[r, at] = values[r, at] - basis[at] @ weight
    return left


def scaled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Each region's series divided by its standard deviation over known weeks; 0 where it does not vary.

    Args:
        values: `[region, week, series]`, with mean 0 over known weeks.
        known: `[region, week]`.
    """
    mask = known[:, :, None]
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    size = np.sqrt(np.where(mask, values**2, 0.0).sum(axis=1, keepdims=True) / count)
    varies = size > 1e-9 * np.abs(values).max(axis=(0, 1), keepdims=True, initial=1e-300)
    return np.where(mask & varies, values / np.where(varies, size, 1.0), 0.0)


def earlier(values: np.ndarray, weeks: int) -> np.ndarray:
    """The series `weeks` weeks before each week, `[region, week, ...]`; 0 before the first."""
    moved = np.zeros_like(values)
    moved[:, weeks:] = values[:, : values.shape[1] - weeks]
    return moved


def median_spread(values: np.ndarray) -> float:
    """Standard deviation of a normal law with the median absolute deviation of the values; 0 without values."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if values.size else 0.0
