"""The panel in a file whose columns are those of an earlier run; prices are found by name or by what they hold."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.panel import MissingKpi, Panel, reach_from
from deepcausalmmm_jax.data.readers.column_names import with_plain_names
from deepcausalmmm_jax.data.readers.read_table import read_table
from deepcausalmmm_jax.data.regions import NATIONAL, region_positions
from deepcausalmmm_jax.errors import DataError

_SPEND_NAMES = ("{}_spend", "spend_{}", "{} spend", "{}_cost", "cost_{}")
_ALIKE = 0.9  # share of the figures in shared weeks that must agree, so that some may have been revised
_CLOSE = 1e-6  # relative


def panel_like(file: Path, run: Panel, delimiter: str, *, mask_missing_kpi: bool, keep_trailing_zeros: bool) -> Panel:
    """The panel in a file, with the columns that a run was made with.

    KPI, weeks, regions, channels and controls have the names that they had in the run. A channel's spend, the revenue
    per KPI unit and the population are the columns that hold what the run has in the weeks of both, or for spend one
    named like the channel; a revenue that never changes is taken from the run.

    Args:
        file: CSV or Parquet file, one row per region and week.
        run: panel of the run.
        delimiter: between columns.
        mask_missing_kpi: whether rows without a KPI are left out of the fit.
        keep_trailing_zeros: whether a KPI of 0 in the last weeks is real.

    Raises:
        DataError: the file lacks a column of the run, or cannot be read as a panel.
    """
    table = with_plain_names(read_table(file, delimiter))
    national = list(run.regions) == [NATIONAL] and run.region_name not in table
    written = [name for name in run.controls if name not in run.event_names]  # events come from the run's calendar
    reached = [name for name, has in zip(run.channels, run.has_reach, strict=True) if has]
    plain = [name for name in run.channels if name not in reached]
    needed = [run.time_name, run.kpi_name, *plain, *written, *([] if national else [run.region_name])]
    missing = [name for name in needed if name not in table]
    if missing:
        raise DataError(
            f"{file} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} of the run; name the "
            "columns as in the first fit."
        )
    missing_kpi: MissingKpi = "mask" if mask_missing_kpi else "error"
    weights = None if run.national_weights is None else dict(zip(run.regions, run.national_weights, strict=True))

    unused = next(name for name in map("_{}".format, itertools.count()) if name not in table)

    def read(**prices: object) -> Panel:
        """The panel with its prices; without them, for its layout, channels of reach are left out."""
        return Panel.from_dataframe(
            table if plain or "reach" in prices else table.assign(**{unused: 0.0}),
            region=None if national else run.region_name,
            time=run.time_name,
            kpi=run.kpi_name,
            media=[name for name in plain if name not in run.organic] if plain or "reach" in prices else [unused],
            controls=[name for name in written if name not in {entry.name for entry in run.treatments}],
            treatments=run.treatments,
            organic=[name for name in run.organic if name in plain or "reach" in prices],
            national=[name for name in run.national if name not in reached or "reach" in prices],
            national_weights=weights if "reach" in prices or set(run.national) & set(plain) else None,
            events=run.events,
            missing_kpi=missing_kpi,
            cadence=str(run.cadence),
            trailing_zeros="keep" if keep_trailing_zeros or run.trailing_zeros == "keep" else "ask",
            **prices,  # type: ignore[arg-type]
        )

    bare = read()
    others = _Columns(table, bare, run, [str(name) for name in table if name not in needed])
    prices: dict[str, object] = dict(_reach(others, run, file)) if reached else {}
    if run.spend is not None:
        prices["spend"] = dict(_spend(others, run, file))
    if run.revenue_per_kpi is not None:
        prices["revenue_per_kpi"] = _revenue(others, run, file)
    if run.population is not None:
        column = others.holding(np.broadcast_to(run.population[:, None], run.present.shape))
        if column is None:
            raise DataError(f"{file} has no column with the population that the run has; add it as in the first fit.")
        prices["population"] = column
    return read(**prices) if prices else bare


class _Columns:
    """Columns of a table that have no role yet, laid out like the run."""

    def __init__(self, table: pd.DataFrame, panel: Panel, run: Panel, names: list[str]) -> None:
        self.names = names
        self._run = run
        regions = region_positions(run.regions, panel.regions)
        weeks = {run.week_label(at): at for at in range(len(run.weeks))}
        place = panel.to_dataframe()
        labels = pd.Index([panel.week_label(at) for at in range(len(panel.weeks))])
        self._row = regions[panel.regions.get_indexer(pd.Index(place[panel.region_name]))]
        at = panel.weeks.get_indexer(pd.Index(place[panel.time_name]))
        self._week = np.array([weeks.get(label, -1) for label in labels[at]])
        self._table = self._in_order(table, panel)

    def _in_order(self, table: pd.DataFrame, panel: Panel) -> pd.DataFrame:
        """Rows of the table in the order of the panel: by region, then week."""
        one = Panel.from_dataframe(
            pd.DataFrame(
                {
                    "region": table.get(panel.region_name, NATIONAL),
                    "time": table[panel.time_name],
                    "row": np.arange(len(table), dtype=float),
                }
            ),
            region="region",
            time="time",
            kpi=None,
            media=["row"],
            cadence=str(panel.cadence),
        )
        order = one.exposure[:, :, 0][one.present].astype(int)
        return table.iloc[order].reset_index(drop=True)

    def holding(self, wanted: np.ndarray) -> str | None:
        """The column that holds the figures `[region, week]` of the run in the weeks of both; None where none does."""
        both = (self._row >= 0) & (self._week >= 0)
        known = wanted[self._row[both], self._week[both]]
        sure = np.isfinite(known)
        for name in self.names:
            numbers = pd.to_numeric(self._table[name], errors="coerce").to_numpy(np.float64)[both]
            close = np.isclose(np.nan_to_num(numbers), np.nan_to_num(known), rtol=_CLOSE, atol=0.0)
            if sure.any() and close[sure].mean() >= _ALIKE:
                return name
        return None


def _spend(others: _Columns, run: Panel, file: Path) -> Iterator[tuple[str, str]]:
    assert run.spend is not None
    spend, exposure = run.national_figures(run.spend, "spend"), run.national_figures(run.exposure, "exposure")
    for i, channel in enumerate(run.channels):
        own = spend[:, :, i]
        if np.isnan(own).all():
            continue
        if np.array_equal(np.nan_to_num(own), exposure[:, :, i]):
            yield channel, channel
            continue
        named = next((name.format(channel) for name in _SPEND_NAMES if name.format(channel) in others.names), None)
        column = named or others.holding(own)
        if column is None:
            raise DataError(
                f"{file} has no column with the spend of {channel!r} that the run has; name it {channel}_spend."
            )
        yield channel, column


def _reach(others: _Columns, run: Panel, file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    assert run.frequency is not None
    reach = reach_from(run.national_figures(run.exposure, "exposure"), run.frequency)
    for option, values in (("reach", reach), ("frequency", run.frequency)):
        found = {}
        for i, channel in enumerate(run.channels):
            if run.has_reach[i]:
                named = f"{channel}_{option}"
                column = named if named in others.names else others.holding(values[:, :, i])
                if column is None:
                    raise DataError(
                        f"{file} has no column with the {option} of {channel!r} that the run has; name it {named}."
                    )
                found[channel] = column
        yield option, found


def _revenue(others: _Columns, run: Panel, file: Path) -> str | float:
    assert run.revenue_per_kpi is not None
    known = run.revenue_per_kpi[run.present]
    column = others.holding(run.revenue_per_kpi)
    if column is not None:
        return column
    if np.ptp(known) == 0:
        return float(known[0])
    raise DataError(f"{file} has no column with the revenue per KPI that the run has; add it as in the first fit.")
