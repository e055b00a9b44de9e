"""Level, trend, season, controls and noise of the KPI in worlds that do not follow the model."""

import numpy as np

from deepcausalmmm_jax.data.simulation.media import HISTORY
from deepcausalmmm_jax.data.simulation.request import YEAR, autoregressive

_SHARED_SHOCK = 1.5  # national shock relative to the noise of a region


def draw_controls(rng: np.random.Generator, n_regions: int, n_weeks: int, n_controls: int) -> np.ndarray:
    """Controls `[region, week, control]` with unit variance, some varying fast and some slowly."""
    memories = rng.uniform(0.0, 0.9, n_controls)
    drawn = [autoregressive(rng, (n_regions, n_weeks, 1), memory) for memory in memories]
    return np.concatenate([np.zeros((n_regions, n_weeks, 0)), *drawn], axis=2)


def draw_season(rng: np.random.Generator, day_of_year: float, n_weeks: int) -> np.ndarray:
    """A yearly season with mean 0 and variance 1, `[week]`; every other time with a peak before the end of the year."""
    time = np.arange(n_weeks) + day_of_year / 7.0
    angle = 2.0 * np.pi * time / YEAR
    season = sum((rng.normal(0.0, 1.0 / k**2, 2) @ np.stack([np.sin(k * angle), np.cos(k * angle)])) for k in (1, 2, 3))
    if rng.random() < 0.5:
        season = season + rng.uniform(1.0, 2.5) * np.exp(-0.5 * ((time % YEAR - 50.0) / 1.5) ** 2)
    return np.asarray((season - season.mean()) / max(float(season.std()), 1e-12))


def draw_demand(rng: np.random.Generator, n_regions: int, n_weeks: int) -> np.ndarray:
    """Unobserved demand, `[region, week]`, mean 0, variance 1: AR(1), or peaks at irregular times."""
    if rng.random() < 0.5:
        national = autoregressive(rng, (1, n_weeks), rng.uniform(0.8, 0.95))
    else:
        peaks = np.arange(0.0, n_weeks + YEAR, YEAR / 2.0)
        peaks = peaks + rng.uniform(-10.0, 10.0, len(peaks))
        heights, width = rng.uniform(0.3, 2.0, len(peaks)), rng.uniform(3.0, 6.0)
        national = (heights * np.exp(-0.5 * ((np.arange(n_weeks)[:, None] - peaks) / width) ** 2)).sum(axis=1)[None]
        national = national + 0.2 * rng.normal(size=national.shape)
    demand = national / national.std() + 0.5 * autoregressive(rng, (n_regions, n_weeks), 0.8)
    return np.asarray((demand - demand.mean()) / demand.std())


def draw_parts(
    rng: np.random.Generator,
    trend: str,
    season: np.ndarray,
    control: np.ndarray,
    n_active: int,
    demand: np.ndarray | None,
) -> np.ndarray:
    """Level, trend, season and each control as deviations of the log baseline, `[region, week, 3 + control]`.

    Args:
        rng: of all draws.
        trend: `smooth`, `breaks` or `walk`.
        season: `[week]`, variance 1.
        control: `[region, week, control]`.
        n_active: number of controls with an effect; these are the first.
        demand: `[region, week]`, counted as part of the trend.
    """
    n_regions, n_weeks, n_controls = control.shape
    level = np.broadcast_to(rng.normal(0.0, 0.05, (n_regions, 1)), (n_regions, n_weeks))
    moved = _trend(rng, trend, n_regions, n_weeks)
    if demand is not None:
        moved = moved + rng.uniform(0.04, 0.10) * demand
    by_region = 1.0 + rng.normal(0.0, 0.2, (n_regions, 1))
    seasonal = rng.uniform(0.03, 0.12) * season * by_region
    effect = np.where(np.arange(n_controls) == 0, 0.05 * rng.choice([-1.0, 1.0]), rng.normal(0.0, 0.03, n_controls))
    effect = effect * (1.0 + rng.normal(0.0, 0.3, (n_regions, n_controls))) * (np.arange(n_controls) < n_active)
    return np.concatenate([np.stack([level, moved, seasonal], axis=2), control * effect[:, None, :]], axis=2)


def draw_noise(rng: np.random.Generator, noise: str, spread: float, shape: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Errors `[region, week]` and their standard deviation; `normal`, `heavy`-tailed or `shared` by regions."""
    if noise == "heavy":
        return spread * rng.standard_t(3.0, shape) / np.sqrt(3.0), spread
    own = rng.normal(size=shape)
    if noise == "shared":
        national = _SHARED_SHOCK * rng.normal(size=(1, shape[1]))
        return spread * (own + national), spread * float(np.sqrt(1.0 + _SHARED_SHOCK**2))
    return spread * own, spread


def _trend(rng: np.random.Generator, trend: str, n_regions: int, n_weeks: int) -> np.ndarray:
    """`[region, week]`: a slope and a slow AR(1) component, plus breaks or a random walk."""
    time = np.arange(n_weeks) / n_weeks - 0.5
    moved = (rng.normal(0.0, 0.1) + rng.normal(0.0, 0.05, (n_regions, 1))) * time
    moved = moved + rng.uniform(0.01, 0.03) * autoregressive(rng, (1, n_weeks), 0.9)
    if trend == "breaks":
        by_region = 1.0 + rng.normal(0.0, 0.2, (n_regions, 1))
        for _ in range(rng.integers(1, 4)):
            moved = moved + by_region * _break(rng, n_weeks)
    elif trend == "walk":
        walk = np.cumsum(rng.normal(size=n_weeks))
        moved = moved + rng.uniform(0.06, 0.12) * (walk - walk.mean()) / max(float(walk.std()), 1e-12)
    return moved


def _break(rng: np.random.Generator, n_weeks: int) -> np.ndarray:
    """A break of the level or the slope, `[week]`, away from both ends of the panel."""
    week = np.arange(n_weeks) - HISTORY
    length = n_weeks - HISTORY
    after = week - rng.uniform(0.15, 0.85) * length
    size = rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.15)
    if rng.random() < 0.5:
        return np.asarray(size * (after >= 0))
    return np.asarray(2.0 * size * np.maximum(after, 0.0) / length)
