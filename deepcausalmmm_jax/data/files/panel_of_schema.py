"""A table whose columns have their roles -> a panel."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.files.days import to_weeks
from deepcausalmmm_jax.data.files.number_style import refuse_other_sign, with_points
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError

_NOTHING = frozenset({"", "na", "n/a", "none", "no", "nan", "null", "-", "0", "false"})
_REVENUE = "revenue of the day, by which its price counts"  # no column of a table has this name


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
    switches = [switch for name in schema.categories for switch in _switches(df, table[name])]
    levels = [*schema.controls, *credited, *switches, *singles]
    channels = [*schema.media, *schema.organic]
    if schema.adds_up_days and schema.reach:
        raise DataError(
            f"Column {schema.reach[0][1]!r} is a reach by day, which does not add up to weeks, since the same people "
            "are reached again; give weekly rows, or keep the days with cadence='daily'."
        )
    if schema.adds_up_days:
        every = list(dict.fromkeys([schema.kpi, *channels, *(column for _, column in schema.spend)]))
        df = _weeks_of_days(df, schema, every, [name for name in levels if name not in every])
    reached = {channel for channel, *_ in schema.reach}
    return Panel.from_dataframe(
        df,
        time=schema.time,
        kpi=schema.kpi,
        media=[name for name in schema.media if name not in reached],
        region=schema.region,
        spend=dict(schema.spend) or None,
        controls=[*schema.controls, *switches],
        revenue_per_kpi=schema.revenue_per_kpi,
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


def _weeks_of_days(df: pd.DataFrame, schema: Schema, flows: list[str], levels: list[str]) -> pd.DataFrame:
    """Weeks of a daily table; the revenue per KPI counts each day with what was sold on it, so that revenue adds up.

    The plain mean of the days holds where nothing was sold, and where returns leave no price.
    """
    worth, kpi = schema.revenue_per_kpi, df[schema.kpi]
    priced = isinstance(worth, str) and worth in levels and all(map(pd.api.types.is_numeric_dtype, (kpi, df[worth])))
    if not priced:
        return to_weeks(df, time=schema.time, flows=flows, levels=levels, region=schema.region)
    revenue = _REVENUE
    df = df.assign(**{revenue: kpi * df[worth]})
    weeks = to_weeks(df, time=schema.time, flows=[*flows, revenue], levels=levels, region=schema.region)
    weighted = weeks[revenue] / weeks[schema.kpi].where(weeks[schema.kpi] > 0)
    weeks[worth] = weighted.where(weighted > 0, weeks[worth])
    return weeks.drop(columns=revenue)


def _exposures(schema: Schema) -> list[str]:
    made = {channel for channel, *_ in (*schema.products, *schema.reach)}
    return [name for name in (*schema.media, *schema.organic) if name not in made]


def _switches(df: pd.DataFrame, words: pd.Series) -> list[str]:
    """Add a control of 0 and 1 to `df` for each word of a column but those that mean nothing; their names."""
    plain = words.fillna("").astype(str).str.strip()
    distinct = [word for word in np.unique(plain.to_numpy(dtype=str)) if word.lower() not in _NOTHING]
    added = []
    for word in distinct:
        name = f"{words.name}_{word}"
        df[name] = (plain == word).astype(float)
        added.append(name)
    return added
