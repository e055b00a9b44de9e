"""The files of a saved plan: a CSV file a table, and `plan.json` with the rest and a checksum of everything."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import CHANNEL, REGION, TIME
from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.io.atomic_write import write_text, written_together
from deepcausalmmm_jax.io.write_csv import csv_text, unescaped

PLAN_FILE, _CHECKSUM, _SCHEMA = "plan.json", "checksum", "schema"  # plans of the first schema had neither of the latter
_INDEXED = {"channels": CHANNEL, "summary": "figure", "draws": "replicate"}
_NEEDED = {  # columns; older plans have no checksum and are judged by these
    "table": (CHANNEL, "spend_today", "spend_plan"),
    "channels": ("spend_today", "spend_plan"),
    "summary": ("today", "plan", "change"),
    "binding": ("limit",),
    "starts": ("best",),
    "draws": (),
}
TABLES = tuple(_NEEDED)
_NUMBERS = ("total", "chance_better", "shadow_price", "level")


def write_plan(folder: Path, tables: Mapping[str, pd.DataFrame], rest: Mapping[str, object]) -> None:
    """Write the files of a plan, which appear together.

    Args:
        folder: made where it does not exist.
        tables: by name, those of `TABLES`.
        rest: figures and words, as JSON holds them; NaN becomes null.

    Raises:
        OutputError: the folder cannot be written.
    """
    texts = {f"{name}.csv": csv_text(tables[name], index=name in _INDEXED) for name in TABLES}
    told = {name: _plain(value) for name, value in rest.items()} | {_SCHEMA: 2}
    told[_CHECKSUM] = _checksum(texts, told)
    with written_together(folder) as place:
        for name, text in texts.items():
            write_text(place / name, text)
        write_text(place / PLAN_FILE, json.dumps(told, indent=1, default=int))


def read_plan(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Read what `write_plan` wrote: the tables, and the rest.

    Raises:
        OutputError: there is no plan, it is damaged, or one of its files was changed since.
    """
    try:
        told = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        texts = {f"{name}.csv": (folder / f"{name}.csv").read_bytes().decode() for name in TABLES}
        known = told.pop(_CHECKSUM, None)
        if (known is not None or _SCHEMA in told) and known != _checksum(texts, told):
            raise OutputError(
                f"The plan in {folder} is damaged, or one of its files was changed after it was saved; restore it from "
                "a backup, or make the plan again."
            )
        tables = {name: _table(texts[f"{name}.csv"], _INDEXED.get(name)) for name in TABLES}
        told.pop(_SCHEMA, None)
        _refuse_incomplete(tables, told)
        return tables, {name: np.nan if value is None else value for name, value in told.items()}
    except OutputError:
        raise
    except Exception:  # whatever damaged JSON or CSV raises, up to errors of recursion
        raise OutputError(f"{folder} holds no saved plan.") from None


def _checksum(texts: Mapping[str, str], told: Mapping[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=int).encode())
    for name in sorted(texts):
        digest.update(f"\0{name}\0".encode() + texts[name].encode())
    return digest.hexdigest()


def _table(text: str, index: str | None) -> pd.DataFrame:
    """A table with its labels as they were written, and days as days; a region may be called `NA` or `01`."""
    labels = {name: str for name in (CHANNEL, REGION, "limit")}
    table = pd.read_csv(io.StringIO(text), dtype=labels, keep_default_na=False, na_values=[""])
    table.columns = [unescaped(name) for name in table.columns]
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].map(unescaped)
    if REGION in table and all(text.isdecimal() and text == str(int(text)) for text in table[REGION]):
        table[REGION] = table[REGION].astype(int)
    if TIME in table and not pd.api.types.is_numeric_dtype(table[TIME]):  # numbers of weeks stay numbers
        table[TIME] = pd.to_datetime(table[TIME])
    return table if index is None else table.set_index(index)


def _refuse_incomplete(tables: Mapping[str, pd.DataFrame], told: Mapping[str, object]) -> None:
    for name, columns in _NEEDED.items():
        if not set(columns) <= set(tables[name].columns):
            raise ValueError(f"{name} lacks a column")
    for name in _NUMBERS:
        if told[name] is not None and (isinstance(told[name], bool) or not isinstance(told[name], int | float)):
            raise TypeError(f"{name} is not a number")
    for name in ("spend_today", "spend_plan"):
        for of in ("table", "channels"):
            spend = tables[of][name]
            if not (pd.api.types.is_numeric_dtype(spend) and np.isfinite(spend).all()):
                raise ValueError(f"{name} is not a finite number")


def _plain(value: object) -> object:
    return None if isinstance(value, float) and np.isnan(value) else value
