"""Observations as the search wants them: each row beside those before it, as deviations from the unit's mean."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import whole_number
from deepcausalmmm_jax.errors import DataError


class Samples(NamedTuple):
    """Rows of the regressions; `D = d * (1 + lags)` columns: the `d` variables, then those a row before, and so on."""

    values: np.ndarray  # [row, D], deviations from the unit's mean
    unit: np.ndarray  # [row], index of the unit
    names: tuple[Hashable, ...]  # of the d variables
    units: tuple[Hashable, ...]  # of the units
    lags: int

    @property
    def n_variables(self) -> int:
        """The d variables, without their lags."""
        return len(self.names)


def read_samples(
    X: np.ndarray | pd.DataFrame, lags: int, units: Hashable | Sequence[Hashable] | None, mask: np.ndarray | None
) -> Samples:
    """Check and arrange observations.

    Args:
        X: `[sample, variable]`, rows in the order of time where `lags` is above 0, or `[unit, time, variable]`.
        lags: how many rows before are put beside each row.
        units: of a table or `[sample, variable]` array: the unit of each row, or the name of the column that holds it.
        mask: `[sample]` or `[unit, time]`, which rows were observed; None for all.

    Raises:
        DataError: `X`, `units` or `mask` is unsuitable, or a unit is too short.
        ConfigError: `lags` is no whole number, 0 or more.
    """
    whole_number("lags", lags, least=0)
    values, names, of_row, labels = _read(X, units)
    observed = _observed(mask, X, values, of_row)
    _refuse_gaps(values, observed, names, of_row, labels)
    blocks, unit = [], []
    for u, label in enumerate(labels):
        rows = np.flatnonzero(of_row == u)
        n = len(rows)
        if n <= lags:
            raise DataError(
                f"{_unit_name(label, labels)} has {n} rows, and {lags} lags need at least {lags + 1}; "
                "use fewer lags or drop it."
            )
        beside = [rows[lags - lag : n - lag] for lag in range(lags + 1)]
        kept = np.logical_and.reduce([observed[r] for r in beside])
        block = np.concatenate([values[r] for r in beside], axis=1)[kept]
        blocks.append(block - block.mean(axis=0) if len(block) else block)
        unit.append(np.full(len(block), u))
    samples = Samples(np.concatenate(blocks), np.concatenate(unit), names, labels, int(lags))
    _refuse_few(samples)
    return samples


def _read(
    X: np.ndarray | pd.DataFrame, units: Hashable | Sequence[Hashable] | None
) -> tuple[np.ndarray, tuple[Hashable, ...], np.ndarray, tuple[Hashable, ...]]:
    """Values `[row, variable]`, names, the unit of each row, and the names of the units."""
    if isinstance(X, pd.DataFrame):
        X, units = _without_unit_column(X, units)
        values, names = _table(X)
    else:
        values = np.asarray(X)
        if values.ndim == 3 and units is None and np.issubdtype(values.dtype, np.number):
            n_units, n_times, d = values.shape
            of_row = np.repeat(np.arange(n_units), n_times)
            return values.reshape(-1, d).astype(np.float64), tuple(range(d)), of_row, tuple(range(n_units))
        if values.ndim != 2 or not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
            raise DataError(
                "X must be an array of numbers [sample, variable] or, without `units`, [unit, time, variable]; "
                f"got {values.dtype} {values.shape}."
            )
        values, names = values.astype(np.float64), tuple(range(values.shape[1]))
    if units is None:
        return values, names, np.zeros(len(values), int), (0,)
    given = pd.Series(list(units) if not isinstance(units, str) and np.iterable(units) else [units])
    if len(given) != len(values) or given.isna().any():
        raise DataError(f"units must name the unit of each of the {len(values)} rows, got {len(given.dropna())} names.")
    codes, labels = pd.factorize(given)
    return values, names, codes, tuple(labels)


def _without_unit_column(
    X: pd.DataFrame, units: Hashable | Sequence[Hashable] | None
) -> tuple[pd.DataFrame, Hashable | Sequence[Hashable] | None]:
    if units is None or (np.iterable(units) and not isinstance(units, str)):
        return X, units
    if units not in X.columns:
        raise DataError(f"X has no column {units!r} to take the units from; its columns are {list(X.columns)}.")
    return X.drop(columns=units), X[units].tolist()


def _table(X: pd.DataFrame) -> tuple[np.ndarray, tuple[Hashable, ...]]:
    names: tuple[Hashable, ...] = tuple(X.columns)
    for j, name in enumerate(names):
        if names.count(name) > 1:
            raise DataError(f"X has two columns {name!r}; rename one.")
        kind = X.iloc[:, j].dtype
        if not pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_complex_dtype(kind):
            raise DataError(f"Column {name!r} of X is not numeric; drop or encode it.")
    return X.to_numpy(np.float64, na_value=np.nan), names


def _observed(
    mask: np.ndarray | None, X: np.ndarray | pd.DataFrame, values: np.ndarray, of_row: np.ndarray
) -> np.ndarray:
    if mask is None:
        return np.ones(len(values), bool)
    given, wanted = np.asarray(mask), np.shape(X)[:-1]
    if given.shape != wanted or not np.isin(given, (0, 1)).all():
        raise DataError(f"mask must hold True or False for each row, {wanted}, got {given.dtype} {given.shape}.")
    return given.reshape(len(of_row)).astype(bool)


def _refuse_gaps(
    values: np.ndarray,
    observed: np.ndarray,
    names: tuple[Hashable, ...],
    of_row: np.ndarray,
    labels: tuple[Hashable, ...],
) -> None:
    if values.shape[1] < 2:
        raise DataError(f"X has {values.shape[1]} variable; a graph needs 2 or more.")
    missing = ~np.isfinite(values) & observed[:, None]
    if missing.any():
        row, j = np.argwhere(missing)[0]
        within = int((of_row[:row] == of_row[row]).sum())
        where = f"row {within}" if len(labels) == 1 else f"row {within} of unit {labels[of_row[row]]!r}"
        raise DataError(f"Column {names[j]!r} of X is {values[row, j]} in {where}; drop, mask or fill it.")
    for j, name in enumerate(names):
        if observed.any() and np.ptp(values[observed, j]) == 0:
            raise DataError(f"Column {name!r} of X never varies; drop it.")


def _refuse_few(samples: Samples) -> None:
    n, D = samples.values.shape
    means = len(set(samples.unit.tolist()))
    if n < D + means + 1:
        counted = f"{samples.n_variables} variables" + (f" with {samples.lags} lags" if samples.lags else "")
        raise DataError(f"X has {n} samples of {counted}; at least {D + means + 1} are needed.")
    spread = (samples.values**2).sum(axis=0)
    if (spread[: samples.n_variables] == 0).any():
        name = samples.names[int(np.argmin(spread[: samples.n_variables]))]
        raise DataError(f"Column {name!r} of X never varies within a unit; drop it.")


def _unit_name(label: Hashable, labels: tuple[Hashable, ...]) -> str:
    return "X" if len(labels) == 1 else f"Unit {label!r}"
