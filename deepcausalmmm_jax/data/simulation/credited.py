"""Treatments and events of a simulated panel, drawn separately, so that panels without them do not change."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.events import Events, Occurrence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.simulation.request import Simulation, autoregressive
from deepcausalmmm_jax.data.treatments import Treatment
from deepcausalmmm_jax.errors import DataError

_BY_REGION = 0.2  # spread of an effect over regions, as a share of it
_PROMOTED = 0.15  # of the weeks
_DISCOUNTED = 0.2
_YEARS_AHEAD = 2  # of the calendar, for weeks that are planned later


class Credited(NamedTuple):
    """What was added to a simulation, in the order of its new controls."""

    names: tuple[str, ...]
    treatments: tuple[Treatment, ...]
    events: Events | None
    truth: pd.DataFrame  # by name: kind, baseline, incremental_outcome and outcome_per_unit, KPI units

    def given_to(self, panel: Panel) -> Panel:
        """The panel with the names and roles of the last of its controls."""
        n_controls = len(panel.controls) - len(self.names)
        names = (*panel.controls[:n_controls], *self.names)
        return dataclasses.replace(panel, controls=names, treatments=self.treatments, events=self.events)


_COLUMNS = ["kind", "baseline", "incremental_outcome", "outcome_per_unit"]
NOTHING_CREDITED = Credited((), (), None, pd.DataFrame(columns=_COLUMNS, index=pd.Index([], name="name", dtype=object)))


def with_credited(
    made: Simulation, rng: np.random.Generator, n_treatments: int, n_events: int, weeks: pd.DatetimeIndex
) -> tuple[Simulation, Credited]:
    """A simulation with treatments and events, each a control whose effect is added to the KPI.

    Treatments are by turns a promotion (on or off by region, raises the KPI, baseline `min`) and a price relative to
    the list price (drifts and is discounted, lowers the KPI where it is higher, baseline `max`). Events come once a
    year, some with days around them, and move the KPI of their week by up to two fifths either way.

    Args:
        made: the simulation.
        rng: of all draws.
        n_treatments: how many.
        n_events: how many.
        weeks: of the panel.
    """
    if not n_treatments and not n_events:
        return made, NOTHING_CREDITED
    size, kpi = made.size, made.kpi
    shape = kpi.shape
    columns, baselines, effects, names = [], [], [], []
    treatments = []
    for k in range(n_treatments):
        values, treatment, effect = _treatment(rng, k, shape)
        treatments.append(treatment)
        names.append(treatment.name)
        columns.append(values)
        lowest = treatment.baseline == "min"
        baselines.append(values.min(axis=1) if lowest else values.max(axis=1))
        effects.append(effect * (1.0 + _BY_REGION * rng.normal(size=len(size))))
    events = _events(rng, n_events, weeks) if n_events else None
    if events is not None:
        seen = events.columns(weeks, pd.RangeIndex(len(size)), Cadence.WEEKLY)
        for e, name in enumerate(events.names):
            names.append(name)
            columns.append(seen[:, :, e])
            baselines.append(np.zeros(len(size)))
            effect = rng.choice([-1.0, 1.0], p=[0.3, 0.7]) * rng.uniform(0.08, 0.4)
            effects.append(effect * (1.0 + _BY_REGION * rng.normal(size=len(size))))
    above = np.stack(columns, axis=2) - np.stack(baselines, axis=1)[:, None, :]
    slope = np.stack(effects, axis=1)
    parts = above * slope[:, None, :]
    added = parts.sum(axis=2)
    more = kpi + added * size[:, None]
    parameters = made.parameters.assign(share=made.parameters["share"] * kpi.sum() / more.sum())
    truth = pd.DataFrame(
        {
            "kind": ["treatment"] * n_treatments + ["event"] * n_events,
            "baseline": [*(str(entry.baseline) for entry in treatments), *["none"] * n_events],
            "incremental_outcome": (parts * size[:, None, None]).sum(axis=(0, 1)),
            "outcome_per_unit": size @ slope,
        },
        index=pd.Index(names, name="name"),
    )
    grown = made._replace(
        kpi=more,
        control=np.concatenate([made.control, np.stack(columns, axis=2)], axis=2),
        parts=np.concatenate([made.parts, parts], axis=2),
        base=made.base + added,
        parameters=parameters,
        expected=lambda other: made.expected(other) + added[:, : other.shape[1]],
    )
    return grown, Credited(tuple(names), tuple(treatments), events, truth)


def check_credited(n_treatments: object, n_events: object, multiplicative: bool, cadence: str | None) -> None:
    """Refuse numbers that are none, and simulations that have no effects to add.

    Raises:
        DataError: naming the option.
    """
    for name, value in (("treatments", n_treatments), ("events", n_events)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 0:
            raise DataError(f"{name} must be a whole number of 0 or more, got {value!r}.")
        if value and multiplicative:
            raise DataError(f"{name}={value} is added to the KPI; the kind 'multiplicative' has no such effects.")
        if value and cadence is not None:
            raise DataError(f"{name}={value} is for simulations without a cadence; leave one of them out.")


def _treatment(rng: np.random.Generator, k: int, shape: tuple[int, int]) -> tuple[np.ndarray, Treatment, float]:
    """Values `[region, week]`, the treatment, and its effect per unit as a share of the size."""
    if k % 2 == 0:
        on = rng.random(shape) < _PROMOTED
        on[:, :2] = [True, False]  # each region has both
        return on.astype(float), Treatment(f"treatment_{k + 1}", "min"), float(rng.uniform(0.06, 0.2))
    drifting = 1.0 + 0.03 * autoregressive(rng, shape, 0.95)
    discount = np.where(rng.random(shape) < _DISCOUNTED, rng.uniform(0.05, 0.25, shape), 0.0)
    return drifting - discount, Treatment(f"treatment_{k + 1}", "max"), float(-rng.uniform(0.3, 1.2))


def _events(rng: np.random.Generator, n_events: int, weeks: pd.DatetimeIndex) -> Events:
    """One day a year for each, on the same day every year."""
    years = range(weeks[0].year - 1, weeks[-1].year + _YEARS_AHEAD + 1)
    day_of_year, windows = rng.permutation(np.arange(14, 350, 7))[:n_events], rng.integers(0, 4, (n_events, 2))
    if len(day_of_year) < n_events:
        raise DataError(f"events must be at most {len(day_of_year)}, got {n_events}.")
    found = [
        Occurrence(
            f"event_{e + 1}",
            int(np.datetime64(f"{year}-01-01", "D").astype(np.int64)) + int(day_of_year[e]),
            None,
            int(windows[e, 0]),
            int(windows[e, 1]),
        )
        for e in range(n_events)
        for year in years
    ]
    return Events(tuple(found), int(np.datetime64(f"{years[-1]}-12-31", "D").astype(np.int64)))
