"""A panel in one table, a row per column of the data, and in one line."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.panel import Panel  # which shows itself by these functions


def panel_line(panel: "Panel") -> str:
    """Size, period and KPI of a panel, such as `4 regions x 60 weeks, 2022-01-03 to 2023-02-20, KPI sales, ...`."""
    regions, weeks = panel.shape[:2]
    period = f", {panel.week_label(0)} to {panel.week_label(-1)}" if weeks else ""
    return (
        f"{_counted(regions, 'region')} x {panel.cadence.several(weeks)}{period}, KPI {panel.kpi_label}, "
        f"{columns_line(panel)}"
    )


def columns_line(panel: "Panel") -> str:
    """Number of columns by role, such as `4 channels, 2 treatments, 1 control`."""
    n_treatments, n_events = len(panel.treatments), len(panel.event_names)
    counted = [_counted(len(panel.channels), "channel")]
    counted += [_counted(n, name) for n, name in ((n_treatments, "treatment"), (n_events, "event")) if n]
    return ", ".join([*counted, _counted(len(panel.controls) - n_treatments - n_events, "control")])


def panel_summary(panel: "Panel") -> pd.DataFrame:
    """A row a column: its role, and figures over the region-weeks that have a row.

    Returns:
        By column name: `role` (KPI, channel, organic channel, control, treatment or event); `total` of the KPI and of
        exposure; `mean`, `least` and `most` of a region-week; `spend`, currency; `cost_per_unit`, currency per unit of
        exposure; `on_air_pct`, percent of the region-weeks with exposure; `missing_pct`, percent of the region-weeks
        without a row, or for the KPI without a KPI. What does not apply is missing.
    """
    there = panel.present
    n_cells = max(there.size, 1)
    rows = {panel.kpi_label: _figures("KPI", panel.kpi[panel.weights > 0], n_cells, summed=True)}
    for i, name in enumerate(panel.channels):
        exposure = panel.exposure[:, :, i][there]
        row = _figures("organic channel" if name in panel.organic else "channel", exposure, n_cells, summed=True)
        row["on_air_pct"] = 100.0 * (exposure > 0).mean() if exposure.size else np.nan
        own = None if panel.spend is None else panel.spend[:, :, i][there]
        if own is not None and not np.isnan(own).all():
            row["spend"] = float(np.nansum(own))
            row["cost_per_unit"] = row["spend"] / exposure.sum() if exposure.sum() > 0 else np.nan
        rows[name] = row
    credited, events = {entry.name for entry in panel.treatments}, set(panel.event_names)
    for i, name in enumerate(panel.controls):
        role = "treatment" if name in credited else "event" if name in events else "control"
        rows[name] = _figures(role, panel.control[:, :, i][there], n_cells, summed=False)
    columns = ["role", "total", "mean", "least", "most", "spend", "cost_per_unit", "on_air_pct", "missing_pct"]
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns).rename_axis("column")
    return table.dropna(axis="columns", how="all")


def _figures(role: str, values: np.ndarray, n_cells: int, *, summed: bool) -> dict[str, object]:
    known = values.size > 0
    return {
        "role": role,
        "total": float(values.sum()) if summed else np.nan,
        "mean": float(values.mean()) if known else np.nan,
        "least": float(values.min()) if known else np.nan,
        "most": float(values.max()) if known else np.nan,
        "missing_pct": 100.0 * (1.0 - values.size / n_cells),
    }


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
