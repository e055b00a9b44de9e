"""Changed panels: a channel or a control more, weeks of a channel shuffled, noise on the inputs."""

import dataclasses
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.panel import Panel

_BLOCK = 4  # weeks that stay together when a channel is shuffled: flights keep their length
_LEAST_SHIFT = 8  # weeks
_CANDIDATES = 40  # placebos drawn, of which the one least like the channels is taken
_ALIKE = 0.3  # correlation with a channel below which a placebo is a channel of its own
_PERSISTENCE = 0.8  # of a random cause, from week to week: as slow as demand
_SHARED = 0.7  # share of the variance of a random cause that all regions have in common


class Placebo(NamedTuple):
    """A channel's exposure at another time."""

    panel: Panel  # with it as the last channel
    channel: int  # whose exposure it is
    weeks: int  # by which it was moved


def with_placebo(panel: Panel, rng: np.random.Generator, name: str) -> Placebo:
    """The panel with one more channel: a channel's exposure moved in time, in a circle.

    It has the flights, the season and the regional sizes of a real channel, at the wrong time. Of several draws the
    first is taken that resembles no channel; the least alike where all do.

    Args:
        panel: the panel.
        rng: draws channel and shift.
        name: of the placebo.
    """
    n_weeks = panel.n_past_weeks
    least = min(panel.cadence.steps(_LEAST_SHIFT), max(1, n_weeks // 4))
    best: tuple[float, int, int] | None = None
    for _ in range(_CANDIDATES):
        channel = int(rng.integers(len(panel.channels)))
        shift = int(rng.integers(least, max(n_weeks - least, least + 1)))
        alike = _likeness(panel, _moved(panel, channel, shift))
        if best is None or alike < best[0]:
            best = alike, channel, shift
        if alike < _ALIKE:
            break
    assert best is not None
    _, channel, shift = best
    return Placebo(with_channel(panel, _moved(panel, channel, shift), name), channel, shift)


def with_future(panel: Panel, channel: int, weeks: int, name: str) -> Panel:
    """The panel with one more channel: the exposure that a channel will have some weeks later.

    Args:
        panel: the panel.
        channel: position.
        weeks: how much later.
        name: of the new channel.
    """
    return with_channel(panel, _moved(panel, channel, -weeks), name)


def with_channel(panel: Panel, exposure: np.ndarray, name: str) -> Panel:
    """The panel with one more channel, without spend.

    Args:
        panel: the panel.
        exposure: `[region, week]`, channel units.
        name: of the channel.
    """
    unpriced = np.full((*exposure.shape, 1), np.nan)
    return dataclasses.replace(
        panel,
        channels=(*panel.channels, name),
        exposure=np.concatenate([panel.exposure, np.where(panel.present, exposure, 0.0)[:, :, None]], axis=2),
        spend=None if panel.spend is None else np.concatenate([panel.spend, unpriced], axis=2),
        frequency=None if panel.frequency is None else np.concatenate([panel.frequency, unpriced], axis=2),
    )


def with_random_cause(panel: Panel, rng: np.random.Generator, name: str) -> Panel:
    """The panel with one more control that has nothing to do with anything: an AR(1) of standard deviation 1.

    Args:
        panel: the panel.
        rng: draws the control.
        name: of the control.
    """
    n_regions, n_weeks = panel.present.shape
    persistence = _PERSISTENCE**panel.cadence.weeks  # of a step
    own, shared = (_autoregressive(rng, rows, n_weeks, persistence) for rows in (n_regions, 1))
    cause = np.sqrt(1.0 - _SHARED) * own + np.sqrt(_SHARED) * shared
    return dataclasses.replace(
        panel,
        controls=(*panel.controls, name),
        control=np.concatenate([panel.control, np.where(panel.present, cause, 0.0)[:, :, None]], axis=2),
    )


def with_shuffled(panel: Panel, channel: int, rng: np.random.Generator) -> Panel:
    """The panel with the past weeks of a channel in another order, the same in all regions, in blocks of four weeks.

    A region keeps all of its exposure: the weeks in which it has a row change places among themselves.

    Args:
        panel: the panel.
        channel: position of the channel.
        rng: draws the order.
    """
    n_weeks, length = panel.n_past_weeks, panel.cadence.steps(_BLOCK)
    offset = int(rng.integers(length))  # so that blocks do not begin where flights do
    blocks = np.array_split(np.roll(np.arange(n_weeks), -offset), max(2, n_weeks // length))
    order = np.concatenate([blocks[b] for b in rng.permutation(len(blocks))])
    exposure, often = panel.exposure.copy(), None if panel.frequency is None else panel.frequency.copy()
    for region, has_row in enumerate(panel.present[:, :n_weeks]):
        to, of = np.flatnonzero(has_row), order[has_row[order]]
        for values in (exposure, often):
            if values is not None:
                values[region, to, channel] = values[region, of, channel]
    return dataclasses.replace(panel, exposure=exposure, frequency=often)


def with_noise(panel: Panel, rng: np.random.Generator, size: float) -> Panel:
    """The panel with noise on exposure and controls.

    Args:
        panel: the panel.
        rng: draws the noise.
        size: its standard deviation, as a share of the exposure, and of the standard deviation of a control over the
            weeks of its region.
    """
    factor = np.maximum(1.0 + size * rng.normal(size=panel.exposure.shape), 0.0)
    spread = np.where(panel.present[:, :, None], panel.control, np.nan)
    with np.errstate(invalid="ignore"):
        deviation = np.nan_to_num(np.nanstd(spread, axis=1, keepdims=True)) if len(panel.controls) else 0.0
    added = size * deviation * rng.normal(size=panel.control.shape)
    control = np.where(panel.present[:, :, None], panel.control + added, panel.control)
    return dataclasses.replace(panel, exposure=panel.exposure * factor, control=control)


def _moved(panel: Panel, channel: int, shift: int) -> np.ndarray:
    """Exposure of a channel some weeks later, in a circle over the past weeks, `[region, week]`."""
    exposure = panel.exposure[:, :, channel].copy()
    n_weeks = panel.n_past_weeks
    exposure[:, :n_weeks] = np.roll(exposure[:, :n_weeks], shift, axis=1)
    return exposure


def _likeness(panel: Panel, exposure: np.ndarray) -> float:
    """Largest correlation over weeks, in size, of an exposure `[region, week]` with a channel of the panel."""
    past = slice(0, panel.n_past_weeks)
    every = np.concatenate([panel.exposure, exposure[:, :, None]], axis=2)[:, past]
    mean = every.mean(axis=1, keepdims=True)
    relative = (every / np.where(mean > 0, mean, 1.0) - 1.0).reshape(-1, every.shape[2])
    size = np.sqrt((relative**2).sum(axis=0))
    products = relative[:, :-1].T @ relative[:, -1]
    return float(np.abs(products / np.maximum(size[:-1] * size[-1], 1e-12)).max())


def _autoregressive(rng: np.random.Generator, rows: int, n_weeks: int, persistence: float) -> np.ndarray:
    shocks = rng.normal(size=(rows, n_weeks)) * np.sqrt(1.0 - persistence**2)
    shocks[:, 0] /= np.sqrt(1.0 - persistence**2)
    made = np.zeros_like(shocks)
    for week in range(n_weeks):
        made[:, week] = shocks[:, week] + (persistence * made[:, week - 1] if week else 0.0)
    return made
