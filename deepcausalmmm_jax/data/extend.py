"""Panels for prediction: the training weeks, which adstock and GRU need, followed by the requested weeks."""

import dataclasses

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.data.roles_of_run import with_roles_of
from deepcausalmmm_jax.errors import DataError


def continued(history: Panel, asked: Panel, *, followed: bool = False) -> tuple[Panel, slice, np.ndarray]:
    """Append requested weeks to the history before them.

    Args:
        history: the panel that a model was fitted to.
        asked: a panel of some of its regions, whose weeks begin within the history or right after it. Where the two
            overlap, exposure and controls come from `asked`.
        followed: whether weeks that the history has after the requested ones follow them.

    Returns:
        A panel of all regions of the history from its first week to the last requested one, or the last of the history
        where that is later and wanted, without weights; the positions of the requested weeks in it; and `[region]`
        positions of the requested regions.

    Raises:
        DataError: a channel, control or region that the history lacks, or weeks that do not follow on from it.
    """
    asked = with_roles_of(history, asked)
    _refuse_other_columns(history, asked)
    regions = region_positions(history.regions, asked.regions)
    if (regions < 0).any():
        unknown = asked.regions[int((regions < 0).argmax())]
        way_out = nearly(history.regions, unknown) or "; predict only for the regions of the fit."
        raise DataError(f"The model was not fitted to region {unknown}{way_out}")
    start = _start_position(history, asked)
    stop = start + len(asked.weeks)
    n_weeks = max(stop, len(history.weeks)) if followed else stop
    weeks = history.weeks[:start].append([asked.weeks, history.weeks[stop:n_weeks]])
    channel = [asked.channels.index(name) for name in history.channels]
    control = [asked.controls.index(name) for name in history.controls]

    def joined(past: np.ndarray, new: np.ndarray) -> np.ndarray:
        array = np.zeros((past.shape[0], n_weeks, *past.shape[2:]), dtype=past.dtype)
        known = min(past.shape[1], n_weeks)
        array[:, :known] = past[:, :known]
        array[regions, start:stop] = new
        return array

    panel = dataclasses.replace(
        history,
        weeks=weeks,
        kpi=_until(history.kpi, n_weeks),
        weights=np.zeros((len(history.regions), n_weeks)),
        present=joined(history.present, asked.present),
        exposure=joined(history.exposure, asked.exposure[:, :, channel]),
        control=joined(history.control, asked.control[:, :, control]),
        frequency=None
        if history.frequency is None or asked.frequency is None
        else np.where(history.has_reach, joined(history.frequency, asked.frequency[:, :, channel]), np.nan),
        spend=None,
        revenue_per_kpi=None,
    )
    return panel, slice(start, stop), regions


def _until(past: np.ndarray, n_weeks: int) -> np.ndarray:
    """Figures by region and week of the history, with zeros behind it, or without its last weeks."""
    known = min(past.shape[1], n_weeks)
    return np.pad(past[:, :known], ((0, 0), (0, n_weeks - known)))


def _refuse_other_columns(history: Panel, asked: Panel) -> None:
    for what, known, given in (
        ("channel", history.channels, asked.channels),
        ("control", history.controls, asked.controls),
    ):
        for name in known:
            if name not in given:
                raise DataError(f"The panel to predict lacks the {what} {name!r}, which the model was fitted with.")
        for name in given:
            if name not in known:
                raise DataError(f"The panel to predict has the {what} {name!r}, which the model was not fitted with.")


def _start_position(history: Panel, asked: Panel) -> int:
    """Position of the first requested week, counted from the first week of the history."""
    dated = isinstance(history.weeks, pd.DatetimeIndex)
    if dated != isinstance(asked.weeks, pd.DatetimeIndex):
        raise DataError(
            "The weeks of the panel to predict and of the training panel must be both dates or both numbers."
        )
    first, wanted = history.week_label(0), asked.week_label(0)
    unit = history.cadence.unit
    if asked.cadence is not history.cadence:
        raise DataError(
            f"The panel to predict is {asked.cadence}, but that of the fit is {history.cadence}; build it with "
            f"cadence={str(history.cadence)!r}, one row per region and {unit}."
        )
    offset, rest = history.cadence.apart(history.weeks[0], asked.weeks[0])
    if rest:
        raise DataError(
            f"{unit.capitalize()} {wanted} is not a whole number of {unit}s after the first training {unit}, {first}."
        )
    if offset < 0:
        raise DataError(f"The panel to predict begins with {unit} {wanted}, before the first training {unit}, {first}.")
    if offset > len(history.weeks):
        raise DataError(
            f"The panel to predict begins with {unit} {wanted}, but exposure is known only up to {unit} "
            f"{history.week_label(-1)}; include the {unit}s in between."
        )
    return offset
