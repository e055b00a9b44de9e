"""Reach and frequency: whether their variation can tell at which frequency a contact brings most."""

from collections.abc import Iterator

import numpy as np

from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, passed
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.people_reached import reach_from
from deepcausalmmm_jax.data.reach import frequencies_seen
from deepcausalmmm_jax.io.grades import Grade

_NARROW = 1.5  # ratio of the frequencies that enclose nine tenths of the contacts, below which the prior decides
_MANY = 20.0  # contacts per person in a week
_SAME = 0.01  # coefficient of variation over weeks, below which reach counts as the same


def frequency_findings(past: Panel) -> Iterator[Finding]:
    """Channels whose frequency hardly varies or is that of a longer time, and whose reach never changes."""
    quiet = True
    for m, name in enumerate(past.channels):
        for finding in _of_channel(past, m, name) if past.has_reach[m] else ():
            quiet = False
            yield finding
    if quiet:
        told = "reach and frequency vary" if any(past.has_reach) else "no channel has reach and frequency"
        yield passed(Check.FREQUENCY, told)


def _of_channel(past: Panel, m: int, name: str) -> Iterator[Finding]:
    low, high = frequencies_seen(past, m)
    if high < _NARROW * low:
        seen = f"at about {low:.3g}" if high < 1.02 * low else f"at {low:.3g} to {high:.3g}"
        yield Finding(
            Grade.LOOK,
            Check.FREQUENCY,
            f"90% of contacts came {seen} per person reached",
            name,
            why="the effect of any other frequency then comes from the prior, and so does the best frequency",
            advice="deliberately cap the frequency in some regions or weeks, or state what you know in Priors",
        )
    if high > _MANY * max(past.cadence.weeks, 1.0):
        assert past.frequency is not None
        most = np.max(past.frequency[:, :, m], initial=high, where=past.present & (past.exposure[:, :, m] > 0))
        yield Finding(
            Grade.LOOK,
            Check.FREQUENCY,
            f"up to {most:.3g} contacts per person reached in a week",
            name,
            why="so many suggest that contacts are counted over a longer period than reach, or that reach is daily",
            advice="check that reach and frequency are both weekly figures",
        )
    people = _steady_reach(past, m)
    if people is not None:
        together = " in all regions together" if len(past.regions) > 1 else ""
        yield Finding(
            Grade.LOOK,
            Check.FREQUENCY,
            f"reach is the same in every week on air, {people:,.6g} people{together}",
            name,
            why="it is then more likely the size of a target group, and the effect is proportional to reach",
            advice="give the number of people reached at least once in the week",
        )


def _steady_reach(past: Panel, m: int) -> float | None:
    """People reached in a week of all regions together where each has the same reach in all weeks on air; else None."""
    assert past.frequency is not None
    reach = reach_from(past.exposure[:, :, m], np.nan_to_num(past.frequency[:, :, m]))
    on = (reach > 0) & past.present
    weeks = on.sum(axis=1)
    mean = np.where(on, reach, 0.0).sum(axis=1) / np.maximum(weeks, 1)
    spread = np.sqrt(np.where(on, (reach - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(weeks, 1))
    several = weeks > 1
    if not several.any() or (spread > _SAME * mean)[several].any():
        return None
    return float(mean.sum())
