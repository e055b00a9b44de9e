"""Scales that bring regions, channels and controls to the order of one, computed from training weeks only."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.config.kpi_link import KpiReading
from deepcausalmmm_jax.data.kpi_link import scales_of_kpi
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.reach import usual_frequency

_QUARTILES_TO_SD = 1.349  # width of the normal distribution's middle half, in standard deviations
_FIRST_WEEKS = 8  # their mean exposure is assumed for the weeks before the panel
_FEWEST_REGIONS = 5  # to decide whether a control grows with the region
# Of an event, whose column is 1 in a week that is the event's as a whole: the prior of its effect should not depend on
# how rare it is, as it would in standard deviations. A control's effect of 4 % a unit makes 16 % for a whole event.
_EVENT_UNIT = 0.25


class Scales(NamedTuple):
    """Scales of a panel.

    Exposure is divided by a fixed number per region and channel, which preserves its level: twice the exposure in all
    channels is twice the scaled exposure.
    """

    kpi: np.ndarray  # [region], KPI units: mean over the training weeks, or its replacement; see `scales_of_kpi`
    exposure: np.ndarray  # [region, channel], exposure units: mean over the training weeks
    intensity: np.ndarray  # [region, channel], exposure per capita relative to the channel's typical region
    history: np.ndarray  # [region, channel], exposure units: mean over the first weeks, assumed for weeks before
    control_center: np.ndarray  # [region, control]
    control_scale: np.ndarray  # [region, control]
    frequency: np.ndarray | None = None  # [region, channel], usual contacts per person reached; see `data.reach`


def scales_from(panel: Panel, weights: np.ndarray, reading: KpiReading = "identity") -> Scales:
    """Scales from the weeks with weight.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.
        reading: `Config.reading`.

    Raises:
        DataError: a log link, and a KPI of 0 or less; or counts that are none.
    """
    kpi = scales_of_kpi(panel, weights, reading)
    last = int(np.nonzero(weights.sum(axis=0))[0][-1]) + 1
    present = panel.present[:, :last]
    mean = panel.exposure[:, :last].sum(axis=1) / np.maximum(present.sum(axis=1), 1)[:, None]
    heads = kpi if panel.population is None else panel.population
    per_head = mean / heads[:, None]
    typical = np.array([np.exp(np.log(column[column > 0]).mean()) for column in per_head.T])
    # A region without any exposure gets the scale of a typical region of its size.
    exposure = np.where(mean > 0, mean, typical * heads[:, None])
    center, scale = _control_scales(np.where(present[:, :, None], panel.control[:, :last], np.nan))
    scale = np.where(np.isin(np.array(panel.controls, dtype=str), panel.event_names), _EVENT_UNIT, scale)
    first = slice(0, min(panel.cadence.steps(_FIRST_WEEKS), last))
    history = panel.exposure[:, first].sum(axis=1) / np.maximum(panel.present[:, first].sum(axis=1), 1)[:, None]
    usual = usual_frequency(panel, last)
    return Scales(kpi, exposure, exposure / heads[:, None] / typical, history, center, scale, usual)


def ran_in_training(panel: Panel, n_training_weeks: int) -> np.ndarray:
    """Where a channel has exposure in some training week, `[region, channel]`; everywhere, where it has none at all.

    Elsewhere `Scales.exposure` is that of a typical region, so that nothing about the region's own weeks follows from
    it.

    Args:
        panel: with the scales' regions.
        n_training_weeks: weeks up to the last one learned from.
    """
    ran = (panel.exposure[:, :n_training_weeks] > 0).any(axis=1)
    return np.asarray(ran | ~ran.any(axis=0))


def _control_scales(control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and scale of each control, `[region, control]` each, from `[region, week, control]` with NaN for no row.

    Controls are centred within regions, since the baseline holds the level. All regions share one spread, unless the
    control grows with the region, as the number of stores does: then the spread is relative to the regional mean.
    """
    center = np.nanmean(control, axis=1)
    unit = np.where(_grows_with_region(control, center), np.abs(center), 1.0)
    deviation = (control - center[:, None, :]) / unit[:, None, :]
    return center, unit * _robust_spread(deviation.reshape(center.shape[0] * control.shape[1], control.shape[2]))


def _grows_with_region(control: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Whether a control's spread within regions is proportional to its regional mean, `[control]`."""
    spread = np.nanstd(control, axis=1)
    grows = np.zeros(control.shape[2], dtype=bool)
    for k in range(control.shape[2]):
        varies = spread[:, k] > 0
        if varies.sum() < _FEWEST_REGIONS or (center[:, k] <= 0).any():
            continue
        size, width = np.log(center[varies, k]), np.log(spread[varies, k])
        grows[k] = size.std() > 0.1 and width.std() > 0 and np.corrcoef(size, width)[0, 1] > 0.8
    return grows


def _robust_spread(values: np.ndarray) -> np.ndarray:
    """Spread of each column of `[row, control]` from its quartiles, which are robust to outliers."""
    if values.shape[1] == 0:
        return np.ones(0)
    low, high = np.nanquantile(values, [0.25, 0.75], axis=0)
    spread = (high - low) / _QUARTILES_TO_SD
    deviation = np.nanstd(values, axis=0)
    # A control that is nearly always constant, such as a promotion, has equal quartiles.
    spread = np.where(spread > 0.1 * deviation, spread, deviation)
    return np.where(spread > 0, spread, 1.0)
