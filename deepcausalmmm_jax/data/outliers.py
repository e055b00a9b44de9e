"""Single cells of a panel that are too far from all others to be anything but an error of typing or of units."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.panel import Panel

_FAR_CONTROL, _FAR_AMOUNT = 100.0, 1000.0  # multiples of the usual largest deviation; exposure and spend come in bursts
_SHARE = 0.05  # of a region's weeks that may be out, one week at least
_FEWEST = 8  # weeks of a region that show what is usual


class Outlier(NamedTuple):
    """One cell."""

    column: str  # what it is, with its name: `control 'price'`
    region: str
    week: str
    value: float  # in the column's unit
    times: float  # its deviation from the region's median, in multiples of the usual largest one


def outliers(panel: Panel) -> list[Outlier]:
    """Cells of controls, exposure, spend and KPI that are far from all others of their region, the farthest first.

    A KPI is only judged here where it is below the others; see `kpi_notes.huge_weeks` for those above.
    """
    found = []
    for name, values, known, far in _series(panel):
        for region, week, times in _far_cells(values, known, far):
            value = float(values[region, week])
            found.append(Outlier(name, str(panel.regions[region]), panel.week_label(week), value, times))
    return sorted(found, key=lambda cell: -cell.times)


def _series(panel: Panel) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    """Name, `[region, week]` values, whether each is known, and the multiple from which a cell is far."""
    observed = panel.weights > 0
    low = panel.kpi.copy()
    for r in np.flatnonzero(observed.any(axis=1)):
        low[r] = np.minimum(low[r], np.median(low[r, observed[r]]))
    yield f"KPI {panel.kpi_name!r}", low, observed, _FAR_CONTROL
    for k, name in enumerate(panel.controls):
        yield f"control {name!r}", panel.control[:, :, k], panel.present, _FAR_CONTROL
    for m, name in enumerate(panel.channels):
        yield f"exposure of {name!r}", panel.exposure[:, :, m], panel.present, _FAR_AMOUNT
        if panel.spend is not None and not np.isnan(panel.spend[:, :, m]).all():
            yield f"spend of {name!r}", np.nan_to_num(panel.spend[:, :, m]), panel.present, _FAR_AMOUNT


def _far_cells(values: np.ndarray, known: np.ndarray, far: float) -> Iterator[tuple[int, int, float]]:
    """Positions of the cells and their multiples."""
    deviation = np.zeros(values.shape)
    for r in np.flatnonzero(known.any(axis=1)):
        deviation[r, known[r]] = np.abs(values[r, known[r]] - np.median(values[r, known[r]]))
    moving = deviation[deviation > 0]
    # Series such as a mark of rare events are at their median otherwise: what they do elsewhere is the measure then.
    elsewhere = float(np.median(moving)) if len(moving) > 1 else 0.0
    for r in np.flatnonzero(known.sum(axis=1) >= _FEWEST):
        ordered = np.sort(deviation[r, known[r]])[::-1]
        usual = ordered[max(1, int(_SHARE * len(ordered)))] or elsewhere
        if usual > 0:
            for t in np.flatnonzero(deviation[r] > far * usual):
                yield int(r), int(t), float(deviation[r, t] / usual)
