"""Panels simulated day by day and added up, so that daily, weekly and monthly data have the same truth."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.simulation.request import YEAR, Request, Simulation, autoregressive, channel_index
from deepcausalmmm_jax.errors import DataError

_MEDIA_SHARE, _NOISE = 0.25, 0.06  # noise of a week, as in the kind "hill"
_REVENUE_PER_KPI = 12.5
_WEEKDAY = 0.12  # spread of the effect of a day of the week, share of the mean KPI
_WARM_UP = 280  # days before the panel, whose exposure still has effects in it


class _Days(NamedTuple):
    """The truth by day; terms are shares of a region's mean day without noise."""

    relative: np.ndarray  # [region, day, channel], exposure, 1 in a mean day
    before: np.ndarray  # the same of the days before the panel
    control: np.ndarray  # [region, day, control]
    parts: np.ndarray  # [region, day, 3 + control], level, trend, season and each control
    worth: np.ndarray  # [region, day, channel]
    media: np.ndarray  # [region, day, channel]
    error: np.ndarray  # [region, day]


def simulate_days(
    rng: np.random.Generator, request: Request, cadence: Cadence, placebo: np.ndarray
) -> tuple[Panel, Simulation, np.ndarray]:
    """A panel of any cadence from a truth by day.

    Exposure, KPI, spend and contributions of a step are sums over its days, controls their means; months and quarters
    that lack days at an end are left out. Each channel has geometric carry-over and a Hill curve by the day, exposure
    and KPI have patterns over the days of the week.

    Args:
        rng: for all draws; the same state gives the same truth whatever the cadence.
        request: sizes and shares; its weeks say which days.
        cadence: of the panel.
        placebo: `[channel]`, channels without effect.

    Returns:
        The panel; the simulation, whose terms are shares of a region's mean step; and exposure that counts as 1,
        `[region, channel]`.
    """
    n_days = 7 * len(request.weeks)
    first = request.weeks[0].to_datetime64().astype("datetime64[D]").astype(np.int64)
    size = np.exp(rng.normal(9.0, 0.7, request.n_regions)) / 7.0  # KPI of a mean day
    parameters = _curves(rng, request.n_channels)
    days = _draw(rng, request, n_days, int(first), parameters, placebo)
    reach = np.exp(rng.normal(np.log(30.0), 0.8, request.n_channels)) * size[:, None]
    cost = rng.uniform(2.0, 25.0, request.n_channels) / 1000.0
    kpi = np.maximum(days.parts.sum(axis=2) + days.media.sum(axis=2) + days.error, 0.01) * size[:, None]
    exposure = np.round(days.relative * reach[:, None, :])
    grid = _Grid.of(int(first), n_days, cadence)
    length = float(grid.lengths.mean())
    names = list(parameters.index)
    panel = Panel(
        regions=pd.Index([f"region_{r + 1:0{len(str(request.n_regions))}d}" for r in range(request.n_regions)]),
        weeks=grid.labels,
        channels=tuple(names),
        controls=tuple(f"control_{k + 1}" for k in range(request.n_controls)),
        kpi=grid.summed(kpi),
        weights=np.ones((request.n_regions, len(grid.labels))),
        present=np.ones((request.n_regions, len(grid.labels)), dtype=bool),
        exposure=grid.summed(exposure),
        control=grid.summed(days.control) / grid.lengths[:, None],
        spend=grid.summed(exposure * cost),
        revenue_per_kpi=np.full((request.n_regions, len(grid.labels)), _REVENUE_PER_KPI),
        kpi_name="sales",
        cadence=cadence,
    )
    media, parts = grid.summed(days.media) / length, grid.summed(days.parts) / length
    lost = (media * (size * length)[:, None, None]).sum(axis=(0, 1))
    by_day, parameters = parameters, _as_steps(parameters, lost / panel.kpi.sum(), length, placebo)
    unit = size * length

    def expected(other: np.ndarray) -> np.ndarray:
        scaled = grid.spread(other, days.relative, length)
        last = int(grid.start + grid.lengths[: other.shape[1]].sum())
        both = np.concatenate([days.before, days.relative[:, : grid.start], scaled], axis=1)  # what ran before stays
        effect = (days.worth[:, :last] * _activity(both, by_day)[:, _WARM_UP:]).sum(axis=2)
        return grid.summed(days.parts.sum(axis=2)[:, :last] + effect, other.shape[1]) / length

    made = Simulation(
        size=unit,
        kpi=panel.kpi,
        relative=grid.summed(days.relative) / length,
        control=panel.control,
        parts=parts,
        base=parts.sum(axis=2),
        media=media,
        worth=grid.summed(days.worth) / grid.lengths[:, None],
        parameters=parameters,
        links=np.zeros((1, request.n_channels, request.n_channels)),
        effects=pd.DataFrame({"direct": lost, "mediated": 0.0, "total": lost}, index=parameters.index),
        noise=(_NOISE if request.noise is None else request.noise) * float(np.sqrt(7.0 / length)),
        expected=expected,
    )
    return panel, made, reach * length


class _Grid(NamedTuple):
    """Whole steps of a calendar within a range of days."""

    start: int  # position of the first day that counts
    lengths: np.ndarray  # [step], days
    labels: pd.DatetimeIndex

    @classmethod
    def of(cls, first: int, n_days: int, cadence: Cadence) -> "_Grid":
        day = first + np.arange(n_days)
        step = (day - first) // 7 if cadence is Cadence.WEEKLY else cadence.step_of(day)
        numbers, begin, lengths = np.unique(step, return_index=True, return_counts=True)
        inside = slice(int(step[0] == cadence.step_of(day[:1] - 1)[0]), len(numbers))
        if cadence in (Cadence.DAILY, Cadence.WEEKLY):
            inside = slice(0, len(numbers))
        elif step[-1] == cadence.step_of(day[-1:] + 1)[0]:
            inside = slice(inside.start, len(numbers) - 1)
        if not len(numbers[inside]):
            raise DataError(f"{n_days // 7} weeks contain no whole {cadence.unit}; simulate more weeks.")
        labels = pd.DatetimeIndex(day[begin[inside]].astype("datetime64[D]").astype("datetime64[ns]"))
        return cls(int(begin[inside][0]), lengths[inside], labels)

    def summed(self, values: np.ndarray, n_steps: int | None = None) -> np.ndarray:
        """Sums `[region, step, ...]` of values `[region, day, ...]`."""
        lengths = self.lengths[:n_steps]
        inside = values[:, self.start : self.start + int(lengths.sum())]
        return np.asarray(np.add.reduceat(inside, np.concatenate([[0], np.cumsum(lengths)[:-1]]), axis=1))

    def spread(self, steps: np.ndarray, days: np.ndarray, length: float) -> np.ndarray:
        """Exposure `[region, step, channel]` by day, in proportion to the days of its step; evenly if all are 0."""
        lengths = self.lengths[: steps.shape[1]]
        total = np.repeat(self.summed(days, steps.shape[1]), lengths, axis=1)
        inside = days[:, self.start : self.start + int(lengths.sum())]
        even = 1.0 / np.repeat(lengths, lengths)[:, None]
        part = np.where(total > 0, inside / np.where(total > 0, total, 1.0), even)
        return np.asarray(np.repeat(steps * length, lengths, axis=1) * part)


def _draw(
    rng: np.random.Generator, request: Request, n_days: int, first: int, parameters: pd.DataFrame, placebo: np.ndarray
) -> _Days:
    n_regions, n_channels, n_controls = request.n_regions, request.n_channels, request.n_controls
    total = _WARM_UP + n_days
    weekday = (first - _WARM_UP + np.arange(total)) % 7
    year = 2.0 * np.pi * (first - _WARM_UP + np.arange(total)) / (7.0 * YEAR)
    control = _slow(rng, (n_regions, total, n_controls), 0.7)
    exposure = _exposure(rng, (n_regions, total, n_channels), weekday, year)
    share = _MEDIA_SHARE if request.media_share is None else request.media_share
    noise = (_NOISE if request.noise is None else request.noise) * np.sqrt(7.0)
    early, kept = slice(0, _WARM_UP), slice(_WARM_UP, None)
    relative = exposure / exposure[:, kept].mean(axis=1, keepdims=True)
    activity = _activity(relative, parameters)
    split = rng.dirichlet(np.full(n_channels, 2.0)) * ~placebo
    coefficient = share * split / split.sum() / activity[:, kept].mean(axis=(0, 1))
    wander = request.drift * _slow(rng, (1, total, n_channels), 0.97)
    worth = coefficient * np.exp(rng.normal(0.0, 0.25, (n_regions, 1, n_channels)) * (n_regions > 1))
    worth = worth * np.exp(wander - wander[:, kept].mean(axis=1, keepdims=True))
    parameters["coefficient"] = coefficient
    level = np.broadcast_to((1.0 - share) * np.exp(rng.normal(0.0, 0.05, (n_regions, 1))), (n_regions, total))
    slope = rng.normal(0.0, 0.1, (n_regions, 1)) * (np.arange(total) / max(n_days, 364) - 0.5)
    trend = slope + 0.03 * _slow(rng, (1, total), 0.85)
    waves = np.concatenate([[np.sin(k * year) / k, np.cos(k * year) / k] for k in (1, 2)])
    days = rng.normal(0.0, _WEEKDAY, 7)
    season = np.broadcast_to(rng.normal(0.0, 0.06, (1, 4)) @ waves + (days - days.mean())[weekday], (n_regions, total))
    effect = np.where(np.arange(n_controls) == 0, 0.06, rng.normal(0.0, 0.03, n_controls))
    parts = np.concatenate([np.stack([level, trend, season], axis=2), control * effect], axis=2)
    error = noise * rng.normal(size=(n_regions, total))
    own = (array[:, kept] for array in (control, parts, worth, worth * activity, error))
    return _Days(relative[:, kept], relative[:, early], *own)


def _slow(rng: np.random.Generator, shape: tuple[int, ...], weekly: float) -> np.ndarray:
    """AR(1) by the day with unit variance, of a given memory over a week."""
    return autoregressive(rng, shape, weekly ** (1.0 / 7.0))


def _exposure(
    rng: np.random.Generator, shape: tuple[int, int, int], weekday: np.ndarray, year: np.ndarray
) -> np.ndarray:
    """Exposure by day: it drifts, has a season and days of the week; the first channel has flights of four weeks."""
    n_channels = shape[2]
    log_level = 0.4 * _slow(rng, (1, *shape[1:]), 0.8) + 0.4 * _slow(rng, shape, 0.5)
    log_level += 0.3 * np.sin(year[:, None] + rng.uniform(0, 2 * np.pi, n_channels))
    log_level += rng.normal(0.0, 0.25, (7, n_channels))[weekday] + 0.2 * rng.normal(size=shape)
    on = np.ones((shape[1], n_channels))
    on[:, 0] = (np.arange(shape[1]) // 28) % 2 == rng.integers(2)
    return np.asarray(np.exp(log_level) * on)


def _curves(rng: np.random.Generator, n_channels: int) -> pd.DataFrame:
    """Carry-over by its mean lag in weeks, and Hill curves; half-saturation in mean days."""
    weekly = rng.uniform(0.2, 0.8, n_channels)
    return pd.DataFrame(
        {
            "mean_lag": weekly / (1.0 - weekly),
            "slope": rng.uniform(1.0, 2.5, n_channels),
            "half_saturation": rng.uniform(0.7, 2.0, n_channels),
        },
        index=channel_index(n_channels),
    )


def _activity(relative: np.ndarray, parameters: pd.DataFrame) -> np.ndarray:
    """Adstock and Hill by the day, independent of the model's code so that the truth does not share its errors."""
    activity = np.zeros_like(relative)
    for m, (lag, slope, half) in enumerate(parameters[["mean_lag", "slope", "half_saturation"]].to_numpy()):
        decay = 7.0 * lag / (7.0 * lag + 1.0)
        start = decay * relative[:, :28, m].mean(axis=1, keepdims=True)
        carried, _ = lfilter([1.0 - decay], [1.0, -decay], relative[:, :, m], axis=1, zi=start)
        activity[:, :, m] = carried**slope / (carried**slope + half**slope)
    return activity


def _as_steps(parameters: pd.DataFrame, share: np.ndarray, length: float, placebo: np.ndarray) -> pd.DataFrame:
    """The table of `Truth.parameters`: the decay a step of the same mean lag, and what the channels are."""
    lag = 7.0 * parameters["mean_lag"] / length
    return pd.DataFrame(
        {
            "decay": lag / (lag + 1.0),
            "slope": parameters["slope"],
            "half_saturation": parameters["half_saturation"],
            "coefficient": parameters["coefficient"],
            "share": share,
            "flighted": np.arange(len(parameters)) == 0,
            "national": False,
            "late": False,
            "placebo": placebo,
            "confounded": False,
            "mean_lag": parameters["mean_lag"],
        },
        index=pd.Index(parameters.index, name=CHANNEL),
    )
