"""A long table -> arrays on a grid of regions and weeks, refusing what does not fit."""

import difflib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.calendar import week_grid, week_text
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.types import STRUCTURAL_COMPONENTS

NATIONAL = "national"
# Names that the tables of a result use beside the columns of the user.
_RESERVED = (*STRUCTURAL_COMPONENTS, "kpi", "prediction")


@dataclass(frozen=True)
class ColumnRoles:
    """Which column of the table is what; every column named here exists, and has one role."""

    region: str | None
    time: str
    kpi: str | None
    media: tuple[str, ...]
    spend: tuple[tuple[str, str], ...]
    controls: tuple[str, ...]
    revenue_per_kpi: str | float | None
    population: str | None
    mask_missing_kpi: bool

    @classmethod
    def checked(
        cls,
        df: pd.DataFrame,
        region: str | None,
        time: str,
        kpi: str | None,
        media: Sequence[str],
        spend: Mapping[str, str] | Sequence[str] | None,
        controls: Sequence[str],
        revenue_per_kpi: str | float | None,
        population: str | None,
        missing_kpi: str,
    ) -> Self:
        """Roles that the table can fill.

        Raises:
            DataError: an empty table, a missing column, a column with two roles, or an unusable request.
        """
        if not isinstance(df, pd.DataFrame):
            raise DataError(f"The data must be a pandas DataFrame, got {type(df).__name__}.")
        if df.empty:
            raise DataError("The table has no rows; it needs one per region and week.")
        for name, value in (("media", media), ("controls", controls)):
            if isinstance(value, str):
                raise DataError(f"{name} must be a list of columns, got the text {value!r}; write [{value!r}].")
        if not media:
            raise DataError("No media column is given; name at least one column of exposure.")
        if missing_kpi not in ("error", "mask"):
            raise DataError(f"missing_kpi must be 'error' or 'mask', got {missing_kpi!r}.")
        roles = cls(
            region,
            time,
            kpi,
            tuple(media),
            _paired_spend(media, spend),
            tuple(controls),
            revenue_per_kpi,
            population,
            missing_kpi == "mask",
        )
        for column in roles.columns():
            _require_column(df, column)
        roles._refuse_double_roles()
        return roles

    def columns(self) -> list[str]:
        """Every column that is read."""
        single = [self.region, self.time, self.kpi, self.population]
        named = [column for column in single if column is not None]
        if isinstance(self.revenue_per_kpi, str):
            named.append(self.revenue_per_kpi)
        return [*named, *self.media, *(column for _, column in self.spend), *self.controls]

    def _refuse_double_roles(self) -> None:
        seen: dict[str, str] = {}
        single = [(self.region, "the region"), (self.time, "the week"), (self.kpi, "the KPI")]
        several = [(name, "a media channel") for name in self.media] + [(name, "a control") for name in self.controls]
        for column, role in [*single, *several]:
            if column is None:
                continue
            if column in _RESERVED and role in ("a media channel", "a control"):
                raise DataError(f"Column {column!r} has a name that results use for themselves; rename it.")
            if column in seen:
                twice = f"twice as {role}" if seen[column] == role else f"both as {seen[column]} and as {role}"
                raise DataError(f"Column {column!r} is given {twice}; leave one out.")
            seen[column] = role


def read_table(path: str | Path, delimiter: str = ",") -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Raises:
        DataError: the file is absent, empty, not a table, or separated by something else than `delimiter`.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    try:
        if path.suffix in (".parquet", ".pq"):
            return pd.read_parquet(path)
        df, cut_off = _read_csv(path, delimiter)
    except pd.errors.EmptyDataError:
        raise DataError(f"The file {path} is empty.") from None
    except ImportError:
        raise DataError(f"Reading {path} needs pyarrow; install it, or convert the file to CSV.") from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = str(error).splitlines()[0]
        raise DataError(
            f"The file {path} cannot be read as a table with {delimiter!r} between columns: {reason}"
        ) from None
    if df.shape[1] == 1:
        _suggest_delimiter(path, str(df.columns[0]), delimiter)
    if cut_off:
        raise DataError(
            f"Rows of {path} have more values than the header has columns; mend the file, or its delimiter."
        )
    if df.empty:
        raise DataError(f"The file {path} has a header but no rows.")
    return df


def _read_csv(path: Path, delimiter: str) -> tuple[pd.DataFrame, bool]:
    """The table, and whether its rows are longer than its header, of which pandas only warns."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        df = pd.read_csv(path, sep=delimiter, index_col=False)
    return df, any(issubclass(entry.category, pd.errors.ParserWarning) for entry in said)


def arrays_from_table(df: pd.DataFrame, roles: ColumnRoles) -> dict[str, Any]:
    """The fields of a Panel.

    Raises:
        DataError: naming the column, region and week of the first value that does not fit.
    """
    weeks, week_of_row = week_grid(df[roles.time], roles.time)
    regions, region_of_row = _region_grid(df, roles.region)
    _refuse_duplicates(regions, weeks, region_of_row, week_of_row, national=roles.region is None)

    def where(row: int) -> str:
        week = week_text(weeks, week_of_row[row])
        return f"week {week}" if roles.region is None else f"region {regions[region_of_row[row]]}, week {week}"

    def on_grid(values: np.ndarray, absent: float) -> np.ndarray:
        grid = np.full((len(regions), len(weeks)), absent)
        grid[region_of_row, week_of_row] = values
        return grid

    def stacked(columns: Sequence[str], what: str, signed: bool) -> np.ndarray:
        grids = [on_grid(_finite(df, column, what, signed, where), 0.0) for column in columns]
        return np.stack(grids, axis=-1) if grids else np.zeros((len(regions), len(weeks), 0))

    present = on_grid(np.ones(len(df)), 0.0) > 0
    kpi = on_grid(_number_column(df, roles.kpi, where), np.nan) if roles.kpi else np.full(present.shape, np.nan)
    if roles.kpi:
        _refuse_missing_kpi(kpi, present, regions, weeks, roles)
    observed = ~np.isnan(kpi)
    return {
        "regions": regions,
        "weeks": weeks,
        "channels": roles.media,
        "controls": roles.controls,
        "kpi": np.where(observed, kpi, 0.0),
        "weights": observed.astype(np.float64),
        "present": present,
        "exposure": stacked(roles.media, "exposure", signed=False),
        "control": stacked(roles.controls, "control", signed=True),
        "spend": _spend(roles, stacked),
        "revenue_per_kpi": _revenue_per_kpi(roles, present.shape, stacked),
        "population": None
        if roles.population is None
        else _population(df, roles.population, regions, region_of_row, where),
        "kpi_name": roles.kpi or "kpi",
        "region_name": roles.region or "region",
        "time_name": roles.time,
    }


def _paired_spend(media: Sequence[str], spend: Mapping[str, str] | Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    if spend is None:
        return ()
    if isinstance(spend, Mapping):
        for channel in spend:
            if channel not in media:
                raise DataError(f"Spend is given for {channel!r}, which is no media column{_nearest(channel, media)}.")
        return tuple(spend.items())
    if isinstance(spend, str) or len(spend) != len(media):
        raise DataError(
            f"Spend names {1 if isinstance(spend, str) else len(spend)} columns for {len(media)} media columns; give "
            "one each, in the same order, or a mapping from channel to column."
        )
    return tuple(zip(media, spend, strict=True))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _require_column(df: pd.DataFrame, column: str) -> None:
    columns = [str(name) for name in df.columns]
    if column not in columns:
        hint = _nearest(column, columns) or f"; it has {', '.join(columns[:12])}{' ...' if len(columns) > 12 else ''}"
        raise DataError(f"The table has no column {column!r}{hint if hint.endswith('?') else hint + '.'}")
    if columns.count(column) > 1:
        raise DataError(f"The table has {columns.count(column)} columns named {column!r}; rename all but one.")


def _suggest_delimiter(path: Path, header: str, delimiter: str) -> None:
    for other, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas")):
        if other != delimiter and other in header:
            raise DataError(f"The file {path} seems to be separated by {name}; pass --delimiter {other!r}.")


def _region_grid(df: pd.DataFrame, column: str | None) -> tuple[pd.Index, np.ndarray]:
    if column is None:
        return pd.Index([NATIONAL]), np.zeros(len(df), dtype=int)
    labels = df[column]
    if labels.isna().any():
        raise DataError(f"Column {column!r} has no region in row {int(labels.isna().to_numpy().argmax()) + 1}.")
    kinds = {isinstance(label, str) for label in labels.unique()}
    if len(kinds) > 1:  # numbers and words cannot be put in one order
        labels = labels.astype(str)
    regions = pd.Index(sorted(labels.unique()))
    return regions, regions.get_indexer(pd.Index(labels))


def _refuse_duplicates(
    regions: pd.Index, weeks: pd.Index, region_of_row: np.ndarray, week_of_row: np.ndarray, *, national: bool
) -> None:
    cell = region_of_row * len(weeks) + week_of_row
    seen, count = np.unique(cell, return_counts=True)
    if (count > 1).any():
        first = seen[count > 1][0]
        week = week_text(weeks, first % len(weeks))
        place = f"week {week}" if national else f"region {regions[first // len(weeks)]}, week {week}"
        way_out = ", or name the column of regions" if national else ""
        raise DataError(f"There are {count[count > 1][0]} rows for {place}; keep or add up to one{way_out}.")


def _number_column(df: pd.DataFrame, column: str, where: Any) -> np.ndarray:
    """The column as floats, NaN where it is empty; text and infinite values are refused."""
    values = df[column]
    numbers = pd.to_numeric(values, errors="coerce")
    text = numbers.isna() & values.notna()
    if text.any():
        row = int(text.to_numpy().argmax())
        raise DataError(f"Column {column!r} has the text {values.iloc[row]!r} at {where(row)}; it needs numbers.")
    array = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(array).any():
        raise DataError(f"Column {column!r} is infinite at {where(int(np.isinf(array).argmax()))}.")
    return array


def _finite(df: pd.DataFrame, column: str, what: str, signed: bool, where: Any) -> np.ndarray:
    array = _number_column(df, column, where)
    if np.isnan(array).any():
        row = int(np.isnan(array).argmax())
        raise DataError(
            f"Column {column!r} has no value at {where(row)}; write 0 or the value, "
            f"since a missing {what} cannot be masked."
        )
    if not signed and (array < 0).any():
        row = int((array < 0).argmax())
        raise DataError(
            f"Column {column!r} has a negative {what}, {array[row]:g}, at {where(row)}; it must be 0 or more."
        )
    return array


def _refuse_missing_kpi(
    kpi: np.ndarray, present: np.ndarray, regions: pd.Index, weeks: pd.Index, roles: ColumnRoles
) -> None:
    """Rows before a region's first KPI are history; any later row without one is refused, unless masking is wanted."""
    observed = ~np.isnan(kpi)
    silent = ~observed.any(axis=1)
    if roles.mask_missing_kpi:
        return
    if silent.any():
        raise DataError(
            f"Region {regions[silent.argmax()]} has no observed KPI in column {roles.kpi!r}; leave the region out, or "
            "pass missing_kpi='mask' for weeks that are only to be predicted."
        )
    started = np.cumsum(observed, axis=1) > 0
    missing = present & started & ~observed
    if missing.any():
        region, week = np.argwhere(missing)[0]
        raise DataError(
            f"Column {roles.kpi!r} has no value at region {regions[region]}, week {week_text(weeks, week)}; fill it "
            "in, or pass missing_kpi='mask' (--mask-missing-kpi) to give such weeks no weight."
        )


def _spend(roles: ColumnRoles, stacked: Any) -> np.ndarray | None:
    if not roles.spend:
        return None
    column_of = dict(roles.spend)
    priced = stacked([column_of[name] for name in roles.media if name in column_of], "spend", signed=False)
    spend = np.full((*priced.shape[:2], len(roles.media)), np.nan)
    spend[:, :, [i for i, name in enumerate(roles.media) if name in column_of]] = priced
    return spend


def _revenue_per_kpi(roles: ColumnRoles, shape: tuple[int, int], stacked: Any) -> np.ndarray | None:
    if roles.revenue_per_kpi is None:
        return None
    if isinstance(roles.revenue_per_kpi, str):
        return stacked([roles.revenue_per_kpi], "revenue per KPI", signed=False)[:, :, 0]
    if not np.isfinite(roles.revenue_per_kpi) or roles.revenue_per_kpi <= 0:
        raise DataError(f"revenue_per_kpi must be a number above 0 or a column, got {roles.revenue_per_kpi!r}.")
    return np.full(shape, float(roles.revenue_per_kpi))


def _population(df: pd.DataFrame, column: str, regions: pd.Index, region_of_row: np.ndarray, where: Any) -> np.ndarray:
    values = _finite(df, column, "population", False, where)
    if (values <= 0).any():
        raise DataError(f"Column {column!r} has no inhabitants at {where(int((values <= 0).argmax()))}.")
    total, rows = np.zeros(len(regions)), np.zeros(len(regions))
    np.add.at(total, region_of_row, values)
    np.add.at(rows, region_of_row, 1.0)
    return total / rows
