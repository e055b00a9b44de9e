"""The panel in a file whose columns are those of an earlier run; prices are found by name or by what they hold."""

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from deepcausalmmm_jax.cli.run_table import PRICE, table_like
from deepcausalmmm_jax.data.files.column_words import Kind, kind_of
from deepcausalmmm_jax.data.panel import MissingKpi, Panel
from deepcausalmmm_jax.data.people_reached import reach_from
from deepcausalmmm_jax.data.regions import NATIONAL, region_positions
from deepcausalmmm_jax.errors import DataError, DataWarning

_SPEND_NAMES = ("{}_spend", "spend_{}", "{} spend", "{}_cost", "cost_{}")
_ALIKE = 0.9  # share of the figures in shared weeks that must agree, so that some may have been revised
_CLOSE = 1e-6  # relative


def panel_like(
    file: Path,
    run: Panel,
    delimiter: str | None,
    *,
    mask_missing_kpi: bool,
    keep_trailing_zeros: bool,
    decimal: str | None = None,
) -> Panel:
    """The panel in a file, with the columns that a run was made with.

    KPI, weeks, regions, channels and controls have the names that they had in the run. A channel's spend, the revenue
    per KPI unit and the population are the columns that hold what the run has in the weeks of both (a population that
    moves: whose mean is that of the run), or for spend and reach one named like the channel where none does; a revenue
    that never changes is taken from the run. A KPI that is per head in the file, and was in the run, is made totals as
    it was there.

    Args:
        file: CSV or Parquet file, one row per region and week.
        run: panel of the run.
        delimiter: between columns; None to find out.
        mask_missing_kpi: whether rows without a KPI are left out of the fit.
        keep_trailing_zeros: whether a KPI of 0 in the last weeks is real.
        decimal: sign before decimals; None to find out.

    Raises:
        DataError: the file lacks a column of the run, or cannot be read as a panel.
    """
    table = table_like(file, delimiter, run, decimal)
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
    others = _Columns(table, bare, run, [str(name) for name in table if name not in needed and PRICE not in str(name)])
    prices: dict[str, object] = dict(_reach(others, run, file)) if reached else {}
    if run.spend is not None:
        prices["spend"] = dict(_spend(others, run, file))
    if run.revenue_per_kpi is not None:
        prices["revenue_per_kpi"] = _revenue(others, run, file)
    if run.population is not None:
        prices |= _population(others, bare, run, file)
    _warn_of_new(others, prices, file)
    return read(**prices) if prices else bare


def _warn_of_new(others: "_Columns", prices: dict[str, object], file: Path) -> None:
    """Say which unused columns have figures in the new weeks alone, as those of a channel that has come up since."""
    tables = [entry.values() if isinstance(entry, dict) else [entry] for entry in prices.values()]
    new = [name for name in others.coming_up() if name not in itertools.chain(*tables)]
    if new:
        sentence = (
            f"{file} has figures of {', '.join(map(repr, new))} in the new weeks alone, which the run does not have "
            "and an update does not use; if that is a channel or a control, fit the file anew."
        )
        warnings.warn(DataWarning(sentence), stacklevel=3)


def _population(others: "_Columns", bare: Panel, run: Panel, file: Path) -> dict[str, object]:
    """The column with the population, and what a KPI per head is per, where the file has one.

    Raises:
        DataError: no column has the population of the run.
    """
    assert run.population is not None
    column = others.holding(np.broadcast_to(run.population[:, None], run.present.shape))
    column = column or others.averaging(run.population)
    if column is None:
        raise DataError(f"{file} has no column with the population that the run has; add it as in the first fit.")
    heads = _people(bare, run, others.like_the_run(column))
    return {"population": column} | ({} if heads is None else {"kpi_per": heads})


def _people(bare: Panel, run: Panel, population: np.ndarray) -> float | None:
    """How many people the KPI of the file is per, where that of the run is the same in totals; None where it is one.

    Args:
        bare: the panel of the file, with its KPI as it is there.
        run: the panel of the run.
        population: in the file, `[region, week]` of the run, NaN where the file has no such row.
    """
    regions, weeks = region_positions(bare.regions, run.regions), bare.weeks.get_indexer(run.weeks)
    rows, columns = np.flatnonzero(regions >= 0), np.flatnonzero(weeks >= 0)
    then = np.where(run.weights > 0, run.kpi, np.nan)[np.ix_(rows, columns)]
    now = np.where(bare.weights > 0, bare.kpi, np.nan)[np.ix_(regions[rows], weeks[columns])]
    with np.errstate(invalid="ignore", divide="ignore"):
        people = population[np.ix_(rows, columns)] * now / then
    people = people[np.isfinite(people)]
    if not len(people):
        return None
    if np.isclose(then, now, rtol=_CLOSE, atol=0.0).mean() >= _ALIKE:
        return None
    usual = float(np.median(people))
    power = 10.0 ** round(np.log10(usual)) if usual > 0 else 0.0
    stated = power if run.kpi_per is None else run.kpi_per  # the file may be per another power than the run's table
    agreed = (heads for heads in (stated, power) if np.isclose(people, heads, rtol=_CLOSE, atol=0.0).mean() >= _ALIKE)
    return next(agreed, None)


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

    def holding(self, wanted: np.ndarray, *likely: str, prices: bool = False) -> str | None:
        """The column that holds the figures of the run best in the weeks of both; None where none does.

        Cells in which both are 0 tell nothing: a channel that is seldom on air is 0 in most, as any flag is.

        Args:
            wanted: figures of the run, `[region, week]`.
            likely: names that a column may have, of which the first wins that holds them, some revised figures aside.
            prices: whether to look at means by what was sold too, which are made of a table of days.

        Raises:
            DataError: several columns hold them equally well, and differ in other weeks.
        """
        names = [*self.names, *(str(name) for name in self._table if prices and PRICE in str(name))]
        shares = {name: self._agreement(name, wanted) for name in names}
        best = max(shares.values(), default=0.0)
        if best < _ALIKE:
            return None
        named = [name for name in likely if shares.get(name, 0.0) >= _ALIKE]
        equal = [name for name in names if shares[name] == best]
        others = [name for name in equal if not self._numbers(name).equals(self._numbers(equal[0]))]
        if others and not named:
            raise DataError(
                f"Columns {equal[0]!r} and {others[0]!r} both hold figures of the run in the weeks that it had, and "
                "differ in others; leave one of them out of the file."
            )
        return (named or equal)[0]

    def averaging(self, wanted: np.ndarray) -> str | None:
        """The column whose mean over the weeks of the run is a figure of each region, `[region]`; None without one."""
        for name in self.names:
            found = self.like_the_run(name)
            there = ~np.isnan(found).all(axis=1)
            if there.any() and np.allclose(np.nanmean(found[there], axis=1), wanted[there], rtol=_CLOSE, atol=0.0):
                return name
        return None

    def like_the_run(self, name: str) -> np.ndarray:
        """A column in the weeks of the run, `[region, week]`; NaN where the file has no such row."""
        found = np.full(self._run.present.shape, np.nan)
        both = (self._row >= 0) & (self._week >= 0)
        found[self._row[both], self._week[both]] = self._numbers(name)[both]
        return found

    def holding_throughout(self, value: float) -> list[str]:
        """The columns that have one value in all weeks of the run."""
        both = (self._row >= 0) & (self._week >= 0)
        return [name for name in self.names if both.any() and (self._numbers(name)[both] == value).all()]

    def coming_up(self) -> list[str]:
        """The columns that are 0 or empty in all weeks of the run, and hold other numbers in later ones."""
        old = self._week >= 0
        made = (name for name in self.names if ", averaged" not in name)
        return [
            name
            for name in made
            if old.any() and (self._numbers(name)[old] == 0).all() and (self._numbers(name).fillna(0.0) != 0).any()
        ]

    def changes(self, name: str) -> bool:
        """Whether a column has several values."""
        return self._numbers(name).nunique() > 1

    def _agreement(self, name: str, wanted: np.ndarray) -> float:
        both = (self._row >= 0) & (self._week >= 0)
        known, numbers = wanted[self._row[both], self._week[both]], self._numbers(name).to_numpy()[both]
        telling = np.isfinite(known) & ((known != 0) | (numbers != 0))
        telling = telling if telling.any() else np.isfinite(known)
        return float(np.isclose(numbers, known, rtol=_CLOSE, atol=0.0)[telling].mean()) if telling.any() else 0.0

    def _numbers(self, name: str) -> pd.Series:
        """The numbers of a column; empty cells are 0, and text is none."""
        column = self._table[name]
        return pd.to_numeric(column, errors="coerce").astype(np.float64).where(column.notna(), 0.0)


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
        likely = [name.format(channel) for name in _SPEND_NAMES]
        named = next((name for name in likely if name in others.names), None)
        column = others.holding(own, *likely) or named
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
                column = others.holding(values[:, :, i], named) or (named if named in others.names else None)
                if column is None:
                    raise DataError(
                        f"{file} has no column with the {option} of {channel!r} that the run has; name it {named}."
                    )
                found[channel] = column
        yield option, found


def _revenue(others: _Columns, run: Panel, file: Path) -> str | float:
    assert run.revenue_per_kpi is not None
    known = run.revenue_per_kpi[run.present]
    if np.ptp(known) == 0:
        return _steady_revenue(others, float(known[0]), file)
    for name, own in zip(run.controls, np.moveaxis(run.control, 2, 0), strict=True):  # a price may be both
        if name not in run.event_names and np.allclose(own[run.present], known, rtol=_CLOSE, atol=0.0):
            return name
    named = [name for name in others.names if kind_of(name) is Kind.REVENUE]
    column = others.holding(run.revenue_per_kpi, *named, prices=True)
    if column is not None:
        return column
    raise DataError(f"{file} has no column with the revenue per KPI that the run has; add it as in the first fit.")


def _steady_revenue(others: _Columns, value: float, file: Path) -> str | float:
    """A revenue per KPI that was one number throughout the run, or the column of it that has changed since.

    Raises:
        DataError: a column had that number in all weeks of the run and has others since, but is not named as a revenue.
    """
    holding = others.holding_throughout(value)
    changed = [name for name in holding if others.changes(name)]
    revenue = [name for name in holding if kind_of(name) is Kind.REVENUE]
    if changed and not revenue:
        raise DataError(
            f"{file} has a column {changed[0]!r} that was {value:g} in all weeks of the run, as its revenue per KPI "
            "was, and has other values since; name it revenue_per_kpi if it is that, or leave it out."
        )
    return revenue[0] if revenue else value
