"""What is said of a file that was read without a schema: the roles of its columns, and what may be wrong."""

import logging
import warnings

import pandas as pd

from deepcausalmmm_jax.data.files.column_words import Kind, kind_of
from deepcausalmmm_jax.data.files.recognise import Stated, bought_alone, by_elimination, misread, set_aside
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.errors import DataWarning

_LOG = logging.getLogger("deepcausalmmm_jax")


def tell(schema: Schema, table: pd.DataFrame, stated: Stated) -> None:
    """Log the summary, and warn of what may be wrong."""
    guessed = stated.controls is None
    _LOG.info("%s", schema.summary)
    unclear = by_elimination(schema) if guessed else []
    said = []
    if unclear:
        said.append(
            f"{', '.join(unclear)} are taken as controls, since their names suggest no other role; pass controls= or "
            "media= if that is wrong"
        )
    if apart := set_aside(schema) if guessed else []:
        said.append(
            f"{', '.join(apart)} {'is' if len(apart) == 1 else 'are'} not used: a total of the channels, a price or "
            f"share of media, or the value of something else than {schema.kpi}"
        )
    if alone := bought_alone(schema) if guessed and not stated.media else []:
        said.append(
            f"{', '.join(alone)} {'is a channel' if len(alone) == 1 else 'are channels'}, since the name says spend"
        )
    if schema.region and not stated.region and kind_of(schema.region) is not Kind.REGION:
        said.append(f"{schema.region} is taken as the region, since it tells the rows of a {schema.time} apart")
    if texts := misread(table, schema) if guessed else []:
        said.append(f"{', '.join(texts)} {'holds' if len(texts) == 1 else 'hold'} text that is no number and not used")
    said += [f"{channel} is {reach} times {often}" for channel, reach, often in schema.products]
    if said:
        warnings.warn(DataWarning("; ".join(said) + "."), stacklevel=5)
