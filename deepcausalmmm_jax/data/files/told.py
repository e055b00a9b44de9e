"""What is said of a file that was read without a schema: the roles of its columns, and what may be wrong."""

import logging
import warnings

import pandas as pd

from deepcausalmmm_jax.data.files.column_words import Kind, currency_of, is_of_all_channels, kind_of, scale_of, stem_of
from deepcausalmmm_jax.data.files.number_style import is_currency, mixed_currencies
from deepcausalmmm_jax.data.files.recognise import Stated
from deepcausalmmm_jax.data.files.row_keys import reads_as_numbers
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.errors import DataWarning

_LOG = logging.getLogger("deepcausalmmm_jax")
_UNCLEAR = (Kind.UNKNOWN, Kind.MEDIA, Kind.REGION, Kind.TIME)  # of a control
_APART = (Kind.RATE, Kind.REVENUE, Kind.REACH, Kind.FREQUENCY)


def tell(schema: Schema, table: pd.DataFrame, stated: Stated, cells: pd.DataFrame) -> None:
    """Log the summary where any role was found out, and warn of what may be wrong.

    Args:
        schema: of the file.
        table: with one row per region and week or day.
        stated: the roles that were not guessed.
        cells: of the file as written.
    """
    guessed = stated.controls is None
    if not stated.is_all:
        _LOG.info("%s", schema.summary)
    unclear = _by_elimination(schema) if guessed else []
    said = []
    if unclear:
        said.append(
            f"{', '.join(unclear)} are taken as controls, since their names suggest no other role; pass controls= or "
            "media= if that is wrong"
        )
    if apart := _set_aside(schema) if guessed else []:
        said.append(
            f"{', '.join(apart)} {'is' if len(apart) == 1 else 'are'} not used: a total of the channels, a price or "
            f"share of media, or the value of something else than {schema.kpi}"
        )
    if alone := _bought_alone(schema) if guessed and not stated.media else []:
        said.append(
            f"{', '.join(alone)} {'is a channel' if len(alone) == 1 else 'are channels'}, since the name says spend"
        )
    said += _other_units(schema)
    if schema.region and not stated.region and kind_of(schema.region) is not Kind.REGION:
        said.append(f"{schema.region} is taken as the region, since it tells the rows of a {schema.time} apart")
    if texts := _misread(table, schema) if guessed else []:
        said.append(f"{', '.join(texts)} {'holds' if len(texts) == 1 else 'hold'} text that is no number and not used")
    if marks := mixed_currencies(_of_money(cells, schema)):
        said.append(f"amounts are in {', '.join(marks)} and are used as they are; convert them to one currency")
    said += [f"{channel} is {reach} times {often}" for channel, reach, often in schema.products]
    if said:
        warnings.warn(DataWarning("; ".join(said) + "."), stacklevel=5)


def _of_money(cells: pd.DataFrame, schema: Schema) -> list[pd.Series]:
    """Columns of the file that may hold amounts, and those that say which currency they are in."""
    used = {schema.kpi, schema.revenue_per_kpi, *schema.media, *(column for _, column in schema.spend)}
    long = schema.names is not None  # its columns are none of the schema's
    return [
        column
        for name, column in cells.items()  # by position: an unused name may stand above two columns
        if long or name in used or all(is_currency(str(cell)) for cell in column.dropna().unique())
    ]


def _by_elimination(schema: Schema) -> list[str]:
    """Controls whose names say nothing, and which are controls because they are nothing else."""
    return [name for name in (*schema.controls, *schema.categories) if kind_of(name) in _UNCLEAR]


def _set_aside(schema: Schema) -> list[str]:
    """Columns of media that are not used: totals of all channels, prices and shares, and values of something else."""
    apart = [name for name in schema.ignored if kind_of(name) in _APART]
    return apart + [name for name in schema.ignored if kind_of(name) is Kind.SPEND and is_of_all_channels(name)]


def _bought_alone(schema: Schema) -> list[str]:
    """Channels whose exposure is a column of spend with no medium in its name, beside others that have one."""
    alone = [channel for channel, column in schema.spend if channel == column]
    stems = {name: stem_of(name) for name in alone}
    named = {name for name, stem in stems.items() if any(word.isalpha() for word in stem)}
    odd = [name for name in alone if name in named and kind_of(" ".join(stems[name])) is not Kind.MEDIA]
    return odd if len(odd) < len(schema.media) else []


def _other_units(schema: Schema) -> list[str]:
    """Amounts of money whose names state different currencies, or thousands beside units."""
    amounts, said = list(dict.fromkeys([*(column for _, column in schema.spend), schema.kpi])), []
    currencies = {name: currency_of(name) for name in amounts if currency_of(name)}
    scales = {name: scale_of(name) or "units" for name in amounts}
    for what, found in (("currencies", currencies), ("units", scales)):
        if len(set(found.values())) > 1:
            told = ", ".join(f"{name} in {unit}" for name, unit in found.items())
            said.append(f"the names state different {what}, and returns compare them as they are: {told}")
    return said


def _misread(cells: pd.DataFrame, schema: Schema) -> list[str]:
    """Columns of text that are not used although their names suggest a role."""
    texts = [name for name in schema.ignored if name in cells and cells[name].nunique() > 1]
    texts = [name for name in texts if not reads_as_numbers(cells[name])]
    return [name for name in texts if kind_of(name) not in (Kind.UNKNOWN, Kind.CALENDAR, Kind.TIME, Kind.REGION)]
