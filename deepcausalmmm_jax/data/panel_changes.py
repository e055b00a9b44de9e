"""What differs between two panels: weeks, regions and columns that one lacks, and figures that were revised."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import NATIONAL, region_positions

REVISED_COLUMNS = ("column", "region", "week", "before", "after")
_ROUNDING = 1e-6  # relative: smaller differences come from writing and reading numbers


class Cells(NamedTuple):
    """A column of a panel in the regions and weeks that two panels share."""

    column: str
    before: np.ndarray  # [region, week], NaN where there is no figure; of a national column the same in all regions
    after: np.ndarray  # [region, week]
    national: bool  # in both panels
    steady: bool = False  # one figure of each region for all weeks


class Shared(NamedTuple):
    """Positions in two panels of what both have."""

    regions: tuple[np.ndarray, np.ndarray]
    weeks: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class PanelChanges:
    """What differs between two panels.

    Attributes:
        lost_weeks: labels of weeks that only the first panel has.
        new_weeks: labels of weeks that only the second has.
        lost: names by kind (`region`, `channel`, `control`) that only the first has.
        new: the same for the second.
        revised: a row per figure that both have and that differs: column, region, week, before, after; a figure that is
            missing on one side is empty there. A national figure has one row, whose region is `national`; a region's
            population has one row, without a week, and none where it is the mean of figures by week and the weeks are
            others.
    """

    lost_weeks: tuple[str, ...]
    new_weeks: tuple[str, ...]
    lost: dict[str, tuple[str, ...]]
    new: dict[str, tuple[str, ...]]
    revised: pd.DataFrame


def panel_changes(before: Panel, after: Panel) -> PanelChanges:
    """What differs between two panels, found by labels and names, whatever their order.

    Args:
        before: the first panel.
        after: the second.
    """
    shared = _shared(before, after)
    names = {
        "region": ([str(r) for r in before.regions], [str(r) for r in after.regions]),
        "channel": (list(before.channels), list(after.channels)),
        "control": (list(before.controls), list(after.controls)),
    }
    told = (cells for cells in shared_cells(before, after) if not (cells.steady and _is_another_mean(before, after)))
    rows = [row for cells in told for row in _revised(cells, before, shared)]
    return PanelChanges(
        lost_weeks=_other_weeks(before, shared.weeks[0]),
        new_weeks=_other_weeks(after, shared.weeks[1]),
        lost={kind: _missing(own, other) for kind, (own, other) in names.items()},
        new={kind: _missing(other, own) for kind, (own, other) in names.items()},
        revised=pd.DataFrame(rows, columns=list(REVISED_COLUMNS)),
    )


def shared_cells(before: Panel, after: Panel) -> Iterator[Cells]:
    """Every column that both panels have, in the regions and weeks that both have."""
    shared = _shared(before, after)
    national = set(before.national) & set(after.national)
    whole = national | {_spend_of(name) for name in national} | {_frequency_of(name) for name in national}
    own, other = columns_of(before, national), columns_of(after, national)
    for name in own:
        if name in other:
            old, new = (
                columns[name][np.ix_(regions, weeks)]
                for columns, regions, weeks in zip((own, other), shared.regions, shared.weeks, strict=True)
            )
            yield Cells(name, old, new, name in whole, name == _population_of(before))


def columns_of(panel: Panel, national: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Figures of a panel by column, `[region, week]` each, NaN where there is no row or no figure.

    Args:
        panel: any.
        national: its channels of which every region has the national figure, as the table had it, not its own part.
    """

    def where_present(values: np.ndarray) -> np.ndarray:
        return np.where(panel.present, values, np.nan)

    whole = np.array([name in national for name in panel.channels])
    found = {panel.kpi_name: np.where(panel.weights > 0, panel.kpi, np.nan)}
    exposure = np.where(whole, panel.national_figures(panel.exposure, "exposure"), panel.exposure)
    found |= {name: where_present(exposure[:, :, i]) for i, name in enumerate(panel.channels)}
    if panel.spend is not None:
        spend = np.where(whole, panel.national_figures(panel.spend, "spend"), panel.spend)
        found |= {_spend_of(name): where_present(spend[:, :, i]) for i, name in enumerate(panel.channels)}
    if panel.frequency is not None:
        known = [(i, name) for i, name in enumerate(panel.channels) if panel.has_reach[i]]
        found |= {_frequency_of(name): where_present(panel.frequency[:, :, i]) for i, name in known}
    found |= {name: where_present(panel.control[:, :, i]) for i, name in enumerate(panel.controls)}
    if panel.revenue_per_kpi is not None:
        found["revenue per KPI"] = where_present(panel.revenue_per_kpi)
    if panel.population is not None:
        found[_population_of(panel)] = where_present(np.broadcast_to(panel.population[:, None], panel.present.shape))
    return found


def _is_another_mean(before: Panel, after: Panel) -> bool:
    """Whether populations by region are means over other weeks, which differ though no figure was revised."""
    moves = before.population_moves or after.population_moves
    return moves and not (before.weeks.equals(after.weeks) and np.array_equal(before.present, after.present))


def _spend_of(channel: str) -> str:
    return f"spend of {channel}"


def _frequency_of(channel: str) -> str:
    return f"frequency of {channel}"


def _population_of(panel: Panel) -> str:
    """Name of the regions' population, which may be a control by the week as well."""
    return "population" if "population" not in (*panel.channels, *panel.controls) else "population of the region"


def _shared(before: Panel, after: Panel) -> Shared:
    regions = region_positions(after.regions, before.regions)
    in_both = np.flatnonzero(regions >= 0)
    weeks = after.weeks.get_indexer(before.weeks) if _same_kind(before, after) else np.full(len(before.weeks), -1)
    shared_weeks = np.flatnonzero(weeks >= 0)
    return Shared((in_both, regions[in_both]), (shared_weeks, weeks[shared_weeks]))


def _same_kind(before: Panel, after: Panel) -> bool:
    """Whether labels of the two mean the same steps: Monday's figure in a panel of days is not that of its week."""
    return before.cadence is after.cadence and isinstance(before.weeks, pd.DatetimeIndex) == isinstance(
        after.weeks, pd.DatetimeIndex
    )


def _other_weeks(panel: Panel, shared: np.ndarray) -> tuple[str, ...]:
    return tuple(panel.week_label(at) for at in range(len(panel.weeks)) if at not in set(shared.tolist()))


def _missing(own: list[str], other: list[str]) -> tuple[str, ...]:
    known = set(other)
    return tuple(name for name in own if name not in known)


def _revised(cells: Cells, before: Panel, shared: Shared) -> Iterator[tuple[object, ...]]:
    old, new = cells.before, cells.after
    if cells.national and len(old):  # one figure, that of any region with a row
        old, new = (np.fmax.reduce(values, axis=0, keepdims=True) for values in (old, new))
    if cells.steady and old.size:
        old, new = (np.fmax.reduce(values, axis=1, keepdims=True) for values in (old, new))
    gone = np.isnan(old) != np.isnan(new)
    far = np.abs(new - old) > _ROUNDING * np.maximum(np.abs(old), np.abs(new))
    for row, column in zip(*np.nonzero(gone | far), strict=True):
        region = NATIONAL if cells.national else before.regions[int(shared.regions[0][row])]
        week = "" if cells.steady else before.week_label(int(shared.weeks[0][column]))
        yield cells.column, region, week, float(old[row, column]), float(new[row, column])
