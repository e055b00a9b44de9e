"""A table whose columns have their roles -> a panel."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.files.days import weeks_with_prices
from deepcausalmmm_jax.data.files.number_style import refuse_other_sign, with_points
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError

_NOTHING = frozenset({"", "na", "n/a", "none", "no", "nan", "null", "-", "0", "false"})


def panel_of_schema(table: pd.DataFrame, schema: Schema, further: Mapping[str, Any]) -> Panel:
    """The panel of a table.

    Args:
        table: one row per region and week or day, cells as written.
        schema: which column is what.
        further: arguments of `Panel.from_dataframe` that a schema does not hold.

    Raises:
        DataError: the table is invalid; the message names the column, region or week, and a remedy.
    """
    flows = [schema.kpi, *_exposures(schema), *(column for _, column in schema.spend)]
    singles = [name for name in (schema.revenue_per_kpi, schema.population) if isinstance(name, str)]
    df = table[[name for name in (schema.time, schema.region) if name is not None]].copy()
    credited = [name for name, _ in schema.treatments]
    reached_by = [column for _, *pair in schema.reach for column in pair]
    for name in dict.fromkeys([*flows, *schema.controls, *credited, *singles, *reached_by]):
        df[name] = _numbers(table[name], schema)
    for channel, reach, frequency in schema.products:
        pair = [_numbers(table[name], schema) for name in (reach, frequency)]
        if any(not pd.api.types.is_numeric_dtype(part) for part in pair):
            raise DataError(f"Columns {reach!r} and {frequency!r} must contain numbers.")
        df[channel] = pair[0] * pair[1]
    made = [item for column in schema.categories for item in switches(table[column]).items()]
    df, words = df.assign(**dict(made)), [name for name, _ in made]
    levels = [*schema.controls, *credited, *words, *singles]
    channels = [*schema.media, *schema.organic]
    if schema.adds_up_days and schema.reach:
        raise DataError(
            f"Column {schema.reach[0][1]!r} is a reach by day, which does not add up to weeks, since the same people "
            "are reached again; give weekly rows, or keep the days with cadence='daily'."
        )
    worth = schema.revenue_per_kpi
    if schema.adds_up_days:
        every = list(dict.fromkeys([schema.kpi, *channels, *(column for _, column in schema.spend)]))
        df, worth = _weeks_of_days(df, schema, every, [name for name in levels if name not in every])
    reached = {channel for channel, *_ in schema.reach}
    return Panel.from_dataframe(
        df,
        time=schema.time,
        kpi=schema.kpi,
        media=[name for name in schema.media if name not in reached],
        region=schema.region,
        spend=dict(schema.spend) or None,
        controls=[*schema.controls, *words],
        revenue_per_kpi=worth,
        population=schema.population,
        cadence=schema.panel_cadence,
        treatments=dict(schema.treatments),
        organic=schema.organic,
        national=schema.national,
        reach={channel: reach for channel, reach, _ in schema.reach},
        frequency={channel: often for channel, _, often in schema.reach},
        **further,
    )


def _numbers(cells: pd.Series, schema: Schema) -> pd.Series:
    refuse_other_sign(cells, schema.decimal)
    return with_points(cells, schema.decimal)


def _exposures(schema: Schema) -> list[str]:
    made = {channel for channel, *_ in (*schema.products, *schema.reach)}
    return [name for name in (*schema.media, *schema.organic) if name not in made]


def switches(words: pd.Series) -> dict[str, pd.Series]:
    """A control of 0 and 1 for each word of a column but those that mean nothing, by name."""
    plain = words.fillna("").astype(str).str.strip()
    distinct = [word for word in np.unique(plain.to_numpy(dtype=str)) if word.lower() not in _NOTHING]
    return {f"{words.name}_{word}": (plain == word).astype(float) for word in distinct}


def _weeks_of_days(
    df: pd.DataFrame, schema: Schema, flows: list[str], levels: list[str]
) -> tuple[pd.DataFrame, str | float | None]:
    """Weeks of a daily table, and what their revenue per KPI is: as a control or treatment, a price is a plain mean."""
    worth, levels = schema.revenue_per_kpi, list(dict.fromkeys(levels))
    prices: dict[str, str] = {}
    if (
        isinstance(worth, str)
        and worth in levels
        and all(map(pd.api.types.is_numeric_dtype, (df[worth], df[schema.kpi])))
    ):
        has_role = worth in (*schema.controls, *(name for name, _ in schema.treatments))
        prices = {worth: f"{worth} per {schema.kpi}" if has_role else worth}
        worth = prices[worth]
    weeks = weeks_with_prices(
        df, time=schema.time, kpi=schema.kpi, flows=flows, levels=levels, region=schema.region, prices=prices
    )
    return weeks, worth
