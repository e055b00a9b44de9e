"""A panel as the long table that it can be read from."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.kpi_per_head import POPULATION, kpi_of_table, weekly_population
from deepcausalmmm_jax.data.people_reached import reach_from
from deepcausalmmm_jax.errors import DataError

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.panel import Panel

_REVENUE = "revenue_per_kpi"


def panel_table(panel: "Panel") -> pd.DataFrame:
    """The long table; as `Panel.to_dataframe`."""
    rows, columns = np.nonzero(panel.present)
    table: dict[str, object] = {
        panel.region_name: panel.regions[rows],
        panel.time_name: panel.weeks[columns],
        panel.kpi_name: kpi_of_table(panel)[rows, columns],
    }
    for name, grid in (*_exposure(panel), *_spend(panel), *_others(panel)):
        values = grid[rows, columns]
        if name in table and not np.array_equal(np.asarray(table[name]), values):
            raise DataError(
                f"The table would have two columns called {name!r}, of different content; rename the control or "
                "channel of that name where the panel is made."
            )
        table[name] = values
    return pd.DataFrame(table)


def _exposure(panel: "Panel") -> Iterator[tuple[str, np.ndarray]]:
    """Names and `[region, week]` of what people saw."""
    exposure = panel.national_figures(panel.exposure, "exposure")
    yield from ((name, exposure[:, :, i]) for i, name in enumerate(panel.channels) if not panel.has_reach[i])
    if panel.frequency is None:
        return
    for kind, values in (("reach", reach_from(exposure, panel.frequency)), ("frequency", panel.frequency)):
        yield from ((f"{name}_{kind}", values[:, :, i]) for i, name in enumerate(panel.channels) if panel.has_reach[i])


def _spend(panel: "Panel") -> Iterator[tuple[str, np.ndarray]]:
    """Names and `[region, week]` of the spend of channels that have any."""
    if panel.spend is None:
        return
    spend = panel.national_figures(panel.spend, "spend")
    for i, name in enumerate(panel.channels):
        if not np.isnan(panel.spend[:, :, i]).all():
            yield f"{name}_spend", spend[:, :, i]


def _others(panel: "Panel") -> Iterator[tuple[str, np.ndarray]]:
    """Names and `[region, week]` of controls, revenue per KPI and population."""
    yield from ((name, panel.control[:, :, i]) for i, name in enumerate(panel.controls))
    if panel.revenue_per_kpi is not None:
        yield _REVENUE, panel.revenue_per_kpi
    if panel.population is not None and weekly_population(panel) is None:
        yield POPULATION, np.broadcast_to(panel.population[:, None], panel.kpi.shape)
