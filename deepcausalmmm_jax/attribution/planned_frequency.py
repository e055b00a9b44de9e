"""The frequency at which contacts are planned: as they ran, at the best one, or as stated."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.frequency import curves_of
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.checks import did_you_mean, is_number, shown
from deepcausalmmm_jax.data.people_reached import reach_from
from deepcausalmmm_jax.data.reach import frequencies_seen
from deepcausalmmm_jax.errors import ConfigError

_EVEN = 1.02  # ratio of frequencies up to which they are shown as one
Frequency = Literal["today", "best"] | Mapping[str, float | Literal["best"]]


def planned_frequency(fit: FittedPanel, wanted: Frequency, budgeted: Sequence[str] | None = None) -> dict[str, float]:
    """Contacts per person reached at which channels are planned, by channel; those that stay as they ran are left out.

    Args:
        fit: the fit on its own panel.
        wanted: `today` for none; `best` for every channel with reach and frequency at the estimate's best frequency,
            one number for all draws, since a plan is one decision; or contacts per person by channel, or `best`.
        budgeted: channels that can be planned; None for all.

    Raises:
        ConfigError: no channel with reach and frequency, an unknown channel or one without them, one without a budget,
            or a frequency below 1.
    """
    if isinstance(wanted, str) and wanted == "today":
        return {}
    panel = fit.panel
    reached = [name for name, has in zip(panel.channels, panel.has_reach, strict=True) if has]
    best = dict(zip(reached, curves_of(fit, None).best[0].tolist(), strict=True))
    if not isinstance(wanted, Mapping):
        if not (isinstance(wanted, str) and wanted == "best"):
            raise ConfigError(
                f"frequency must be 'today', 'best', or contacts per person by channel, such as "
                f"{{{(reached or ['tv'])[0]!r}: 3.0}}, got {shown(wanted)}."
            )
        if not reached:
            raise ConfigError("No channel of the panel has reach and frequency, so none can be planned at its best.")
        return {name: best[name] for name in reached if budgeted is None or name in budgeted}
    for name, each in wanted.items():
        _refuse_channel(name, panel.channels, reached, budgeted)
        if not (isinstance(each, str) and each == "best") and not (is_number(each) and float(each) >= 1.0):
            raise ConfigError(
                f"The frequency of {name} must be 1 contact per person reached or more, or 'best', got {shown(each)}."
            )
    return {name: best[name] if isinstance(each, str) else float(each) for name, each in wanted.items()}


def _refuse_channel(
    name: object, channels: tuple[str, ...], reached: list[str], budgeted: Sequence[str] | None
) -> None:
    if name not in channels:
        known = f"; the model has {', '.join(channels)}."
        raise ConfigError(f"frequency names the channel {name!r}{did_you_mean(name, channels, known)}")
    if name not in reached:
        having = f"known for {', '.join(reached)}" if reached else "not known for any channel"
        raise ConfigError(f"frequency names {name!r}, whose reach is not known; reach and frequency are {having}.")
    if budgeted is not None and name not in budgeted:
        raise ConfigError(f"frequency names {name!r}, which has no spend and so no budget; it stays as it was.")


def at_frequency(fit: FittedPanel, horizon: Horizon, planned: Mapping[str, float]) -> Horizon:
    """The same weeks with channels at stated frequencies: the same contacts, of more people or of fewer.

    Args:
        fit: the fit on its own panel.
        horizon: weeks of a plan.
        planned: contacts per person reached, by channel with reach and frequency.

    Returns:
        The horizon, with a note on each channel; the very same where nothing is planned.
    """
    if not planned:
        return horizon
    panel, weeks = horizon.panel, slice(horizon.start, horizon.stop)
    assert panel.frequency is not None
    often, notes = panel.frequency.copy(), []
    for name, each in planned.items():
        m = panel.channels.index(name)
        often[:, weeks, m] = np.where(horizon.present, each, often[:, weeks, m])
        ran = contacts_per_person(horizon, horizon.exposure)[m]
        before = ", as it ran on average" if f"{ran:.3g}" == f"{each:.3g}" else f" in place of {ran:.3g}"
        was = "" if np.isnan(ran) else before
        notes.append(
            f"{name} is planned at {each:.3g} contacts per person reached{was}; what a contact costs stays the same."
        )
        low, high = frequencies_seen(fit.panel, m)
        if each < low or each > high:
            seen = f"about {low:.3g}" if high < _EVEN * low else f"{low:.3g} to {high:.3g}"
            notes.append(
                f"90% of the contacts of {name} came at {seen} per person, so its effect at {each:.3g} rests on the "
                "assumed shape of the curve."
            )
    changed = dataclasses.replace(panel, frequency=often)
    return dataclasses.replace(horizon, panel=changed, notes=(*horizon.notes, *notes))


def contacts_per_person(horizon: Horizon, exposure: np.ndarray) -> np.ndarray:
    """Contacts per person reached over the plan's weeks, `[channel]`; NaN without reach, or where nobody is reached.

    Args:
        horizon: weeks of a plan, with their frequency.
        exposure: `[region, plan week, channel]`, contacts.
    """
    contacts, people = contacts_and_people(horizon, exposure)
    total, reached = contacts.sum(axis=(0, 1)), people.sum(axis=(0, 1))
    return np.where(reached > 0, total / np.where(reached > 0, reached, 1.0), np.nan)


def contacts_and_people(horizon: Horizon, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Contacts whose frequency is known, and the people that they reach, `[region, plan week, channel]` each."""
    frequency = horizon.panel.frequency
    if frequency is None:
        return np.zeros(exposure.shape), np.zeros(exposure.shape)
    often = np.nan_to_num(frequency[:, horizon.start : horizon.stop])
    return np.where(often > 0, exposure, 0.0), reach_from(exposure, often)
