"""Seasonal decomposition of each region's KPI, for the paper's model."""

import numpy as np

_ENOUGH = 0.5  # share of a moving average's weeks that must be observed


def seasonal_profile(kpi: np.ndarray, weights: np.ndarray, n_training_weeks: int, year: int = 52) -> np.ndarray:
    """Yearly profile by additive decomposition of the training weeks, scaled to [0, 1] per region.

    A centred moving average over one period is subtracted (classical decomposition: Kendall & Stuart 1983, chapter
    46), then the profile is the mean of each week of the period. It continues in phase after the training weeks.

    Args:
        kpi: `[region, week]`.
        weights: `[region, week]`, 0 where the KPI is missing or held out.
        n_training_weeks: number of weeks to decompose.
        year: weeks in a year, or as many days or months.

    Returns:
        `[region, period]`, period a year or half of the training weeks; 0 for a region without a season.
    """
    period = max(1, min(year, n_training_weeks // 2))
    seen = (weights[:, :n_training_weeks] > 0).astype(float)
    values = np.where(seen > 0, kpi[:, :n_training_weeks], 0.0)
    detrended, usable = _detrended(values, seen, period)
    phase = np.arange(n_training_weeks) % period
    profile = np.zeros((len(kpi), period))
    for week in range(period):
        here = usable[:, phase == week]
        count = here.sum(axis=1)
        profile[:, week] = (detrended[:, phase == week] * here).sum(axis=1) / np.maximum(count, 1)
    low, high = profile.min(axis=1, keepdims=True), profile.max(axis=1, keepdims=True)
    spread = high - low
    # A profile that is constant up to rounding is not a season.
    flat = spread <= 1e-9 * np.abs(kpi).max(axis=1, initial=1e-30, keepdims=True)
    return np.where(flat, 0.0, (profile - low) / np.where(flat, 1.0, spread))


def _detrended(values: np.ndarray, seen: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Values minus their moving average, and where both are known, `[region, week]` each."""
    window = np.ones(period + 1 - period % 2)
    if period % 2 == 0:
        window[[0, -1]] = 0.5  # an even period is centred by half weights at both ends
    half = len(window) // 2
    n_weeks = values.shape[1]
    mass = np.zeros_like(values)
    total = np.zeros_like(values)
    inside = slice(half, n_weeks - half)
    width = max(0, n_weeks - 2 * half)
    for offset, weight in enumerate(window):
        total[:, inside] += weight * values[:, offset : offset + width]
        mass[:, inside] += weight * seen[:, offset : offset + width]
    known = (mass >= _ENOUGH * period) & (seen > 0)
    return values - total / np.where(mass > 0, mass, 1.0), known.astype(float)
