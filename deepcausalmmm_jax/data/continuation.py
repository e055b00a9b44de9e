"""Whether a panel continues another: the same regions and columns in the same units, and all of its weeks."""

import dataclasses

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_changes import PanelChanges, columns_of, panel_changes, shared_cells
from deepcausalmmm_jax.data.roles_of_run import with_roles_of
from deepcausalmmm_jax.errors import DataError

_NAMED = 4
_SAME_RATIO = 0.01  # spread of the ratios, in logs, up to which all figures count as multiplied by one number
_OTHER_UNIT = np.log(1.9)  # log of the ratio from which that number is another unit rather than a correction
_MOST = 0.9  # share of the figures that must agree on it
_FAR = 100.0  # times the largest, or below the smallest, figure so far
_FEW = 4  # figures that are too few to judge a unit by
_OPTIONAL = {"spend": "spend", "revenue_per_kpi": "revenue per KPI", "population": "population"}


def continued_by(before: Panel, after: Panel) -> tuple[Panel, PanelChanges]:
    """A later panel with its regions and columns in the order of an earlier one, and what differs between the two.

    Args:
        before: the panel of a fit.
        after: the same panel with more weeks, or with revised figures.

    Raises:
        DataError: it lost weeks, regions, channels, controls, spend, revenue or population, has new ones of the first
            four that are not later weeks, has another KPI, one that may be per head where that of the run is a total,
            or a column in another unit; the message names them.
    """
    if before.kpi_name != after.kpi_name:
        raise DataError(
            f"The KPI of the panel is {after.kpi_name!r}, but that of the run is {before.kpi_name!r}; use the same "
            "KPI, or fit again."
        )
    after = with_roles_of(before, after)
    differ = panel_changes(before, after)
    for kind in ("region", "channel", "control"):
        _refuse_lost_or_new(kind, differ)
    _refuse_other_weeks(before, after, differ)
    for field, name in _OPTIONAL.items():
        if getattr(before, field) is not None and getattr(after, field) is None:
            raise DataError(f"The panel lacks the {name} that the run was fitted with; add it as in the first fit.")
    ordered = _ordered(before, after)
    _refuse_rates(before, ordered)
    _refuse_other_units(before, ordered)
    return ordered, differ


def _refuse_lost_or_new(kind: str, differ: PanelChanges) -> None:
    if lost := differ.lost[kind]:
        raise DataError(
            f"The panel lacks {_named(kind, lost)}, which the run was fitted with; add what is missing, or fit again "
            "without it."
        )
    if new := differ.new[kind]:
        raise DataError(
            f"The panel has {_named(kind, new)}, which the run was not fitted with; leave it out, or fit again with "
            "dcm.fit."
        )


def _refuse_other_weeks(before: Panel, after: Panel, differ: PanelChanges) -> None:
    unit = before.cadence.unit
    if isinstance(before.weeks, pd.DatetimeIndex) != isinstance(after.weeks, pd.DatetimeIndex):
        raise DataError("The weeks of the panel and of the run must be both dates or both numbers.")
    if before.cadence is not after.cadence:
        raise DataError(
            f"The panel is {after.cadence}, but the run was fitted to a {before.cadence} one; use the same cadence, or "
            "fit again with dcm.fit."
        )
    if differ.lost_weeks:
        raise DataError(
            f"The panel lacks {_named(unit, differ.lost_weeks)}, which the run was fitted with; include all {unit}s "
            f"from {before.week_label(0)} on, followed by the new ones."
        )
    if after.week_label(0) != before.week_label(0):
        raise DataError(
            f"The panel begins with {unit} {after.week_label(0)}, before the run's first {unit}, "
            f"{before.week_label(0)}; drop the earlier {unit}s with panel.select, or fit again."
        )


def _ordered(before: Panel, after: Panel) -> Panel:
    """The later panel with regions, channels and controls in the order of the earlier one."""
    after = after.select(regions=list(before.regions))
    channel = [after.channels.index(name) for name in before.channels]
    control = [after.controls.index(name) for name in before.controls]
    return dataclasses.replace(
        after,
        channels=before.channels,
        controls=before.controls,
        exposure=after.exposure[:, :, channel],
        control=after.control[:, :, control],
        spend=None if after.spend is None else after.spend[:, :, channel],
        frequency=None if after.frequency is None else after.frequency[:, :, channel],
    )


def _refuse_rates(before: Panel, after: Panel) -> None:
    """Refuse a KPI that may be per head where the run has totals: each region's would be revised by its own factor."""
    if before.kpi_per is None or after.kpi_per is not None:
        return
    kpi = next(shared_cells(before, after))
    both = (kpi.before > 0) & (kpi.after > 0)
    same = np.isclose(kpi.after[both], kpi.before[both], rtol=_SAME_RATIO)
    if same.size and same.mean() < 1.0 - _MOST:
        raise DataError(
            f"The KPI {before.kpi_name!r} of the run is per {before.kpi_per:,.6g} people and was made totals; that of "
            "the panel is neither those totals nor said to be per head: state kpi_per as in the first fit, or fit the "
            "panel anew if all totals were restated."
        )


def _refuse_other_units(before: Panel, after: Panel) -> None:
    for cells in shared_cells(before, after):
        both = (cells.before > 0) & (cells.after > 0)
        if both.sum() < _FEW:
            continue
        ratio = np.log(cells.after[both] / cells.before[both])
        usual = float(np.median(ratio))
        if abs(usual) > _OTHER_UNIT and np.mean(np.abs(ratio - usual) < _SAME_RATIO) >= _MOST:
            raise DataError(
                f"Column {cells.column!r} is {_times(usual)} what it was in the run, in nearly all weeks that both "
                "have; convert it to its old unit, or fit again with dcm.fit."
            )
    _refuse_other_units_in_new_weeks(before, after)


def _refuse_other_units_in_new_weeks(before: Panel, after: Panel) -> None:
    n_before, later = len(before.weeks), columns_of(after)
    for name, earlier in columns_of(before).items():
        new = later[name][:, n_before:] if name in later else np.zeros(0)
        old, new = earlier[earlier > 0], new[new > 0]
        if min(old.size, new.size) < _FEW:
            continue
        typical = float(np.median(new))
        for bound, factor in ((old.max(), 1.0), (old.min(), -1.0)):
            if factor * np.log(typical / bound) > np.log(_FAR):
                side = "largest" if factor > 0 else "smallest positive"
                raise DataError(
                    f"Column {name!r} is typically {amount(typical)} in the new weeks, but its {side} figure so far is "
                    f"{amount(float(bound))}, so its unit seems to have changed; convert it to the old unit, or fit "
                    "again with dcm.fit."
                )


def _times(log_ratio: float) -> str:
    ratio = float(np.exp(abs(log_ratio)))
    number = amount(round(ratio, 2))
    return f"{number} times" if log_ratio > 0 else f"1/{number} of"


def _named(kind: str, names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return f"the {kind}{'' if len(names) == 1 else 's'} {shown}"
