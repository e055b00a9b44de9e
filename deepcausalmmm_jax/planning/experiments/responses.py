"""What each set of parameters expects of a test: the model's own counterfactual in the weeks after the panel."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.attribution.curves import adstock_decay
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon, even_weeks
from deepcausalmmm_jax.attribution.planned_frequency import at_frequency
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.planning.cells import Cells, cells_of, exposure_of
from deepcausalmmm_jax.planning.outcome import Outcome

ARRIVED = 0.9  # share of a channel's effect that has arrived when measuring ends
_LONGEST_COOL_DOWN = 4  # weeks: longer ones add more noise than effect


@dataclass(frozen=True, eq=False)
class Treatment:
    """One channel's spend changed for some weeks in every region; a test changes it in some of them.

    Attributes:
        channel: position of the channel.
        change: share by which its spend changes; -1 takes it off the air.
        weeks: length of the test.
        cool_down: steps of the panel after it that are measured too, for the carry-over.
        lift: `[draw, region]`, effect in the weeks measured, KPI units, positive where exposure raises the KPI.
        whole: `[draw, region]`, the same with all of the carry-over.
        revenue: `[draw, region]`, of `whole`; KPI units where no revenue per KPI is known.
        spend: `[region]`, change of spend, below 0 where the channel goes dark.
        extrapolation: `[region]`, whether exposure exceeds that of every week of training.
    """

    channel: int
    change: float
    weeks: int
    cool_down: int
    lift: np.ndarray
    whole: np.ndarray
    revenue: np.ndarray
    spend: np.ndarray
    extrapolation: np.ndarray


def cool_downs(fit: FittedPanel) -> np.ndarray:
    """Steps after a test until nine tenths of a channel's effect have arrived, `[channel]`, four weeks at most."""
    arrived, longest = adstock_decay(fit).cumsum().to_numpy() >= ARRIVED, fit.panel.cadence.steps(_LONGEST_COOL_DOWN)
    return np.minimum(np.where(arrived.any(axis=0), arrived.argmax(axis=0), longest), longest)


def treatments(
    fit: FittedPanel,
    variables: Variables,
    channels: np.ndarray,
    changes: tuple[float, ...],
    weeks: int,
    base: np.ndarray,
    frequency: Mapping[str, float],
) -> tuple[list[Treatment], Horizon]:
    """Effects of every channel and change for a test of `weeks` weeks, each with one run of the model a draw.

    Regions do not act on one another, so the effect of a test in some regions is the sum of theirs.

    Args:
        fit: the fit on its own panel.
        variables: sets of parameters, with a leading axis.
        channels: positions of the channels to test.
        changes: shares by which spend changes.
        weeks: length of the test.
        base: `[channel]`, spend without the test, in multiples of the mean week of the last year.
        frequency: contacts per person reached, by channel that is planned at another one than its usual.

    Returns:
        The treatments, and the weeks of the test.
    """
    horizon = at_frequency(fit, even_weeks(fit, weeks, settled=False), frequency)
    cells = cells_of(horizon, "channel", fit.scales.exposure)
    after = cool_downs(fit)
    kinds = np.unique(after[channels])
    outcome = Outcome(fit, variables, horizon, cells, _windows(horizon, weeks, kinds))
    usual = cells.today * base[cells.channel]
    asked = [(int(channel), float(change)) for channel in channels for change in changes]
    plans = np.stack([usual, *(_changed(usual, cells, channel, change) for channel, change in asked)])
    on_air = np.ones((len(plans), outcome.n_channels))
    for i, (channel, change) in enumerate(asked):
        on_air[i + 1, channel] = 0.0 if change == -1.0 else 1.0
    values = outcome.values_in_turn(plans, on_air)
    spend = np.nansum(horizon.spend, axis=1)  # [region, channel]
    found = []
    for i, (channel, change) in enumerate(asked):
        lift = np.sign(change) * (values[i + 1] - values[0])  # [draw, value, region]
        found.append(
            Treatment(
                channel=channel,
                change=change,
                weeks=weeks,
                cool_down=int(after[channel]),
                lift=lift[:, 2 + int(np.searchsorted(kinds, after[channel]))],
                whole=lift[:, 0],
                revenue=lift[:, 1],
                spend=change * base[channel] * spend[:, channel],
                extrapolation=_beyond(fit, horizon, cells, plans[i + 1], channel),
            )
        )
    return found, horizon


def _changed(usual: np.ndarray, cells: Cells, channel: int, change: float) -> np.ndarray:
    return np.where(cells.channel == channel, (1.0 + change) * usual, usual)


def _windows(horizon: Horizon, weeks: int, cool_downs: np.ndarray) -> np.ndarray:
    """What a KPI unit is worth, `[value, region, week from start]`: as KPI, as revenue, and within each window."""
    week = np.arange(horizon.counted.shape[1])
    inside = [np.broadcast_to(week < weeks + after, horizon.worth.shape) for after in cool_downs]
    return np.stack([np.ones(horizon.worth.shape), horizon.worth, *inside]).astype(np.float64)


def _beyond(fit: FittedPanel, horizon: Horizon, cells: Cells, plan: np.ndarray, channel: int) -> np.ndarray:
    """Whether a channel's exposure exceeds that of every week of training, `[region]`."""
    largest = fit.panel.exposure[:, : fit.n_training_weeks, channel].max(axis=1)
    planned = exposure_of(cells, horizon, plan)[:, :, channel].max(axis=1)
    return np.asarray(planned > largest * (1 + 1e-6))
