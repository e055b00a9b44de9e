"""Notes on a channel's figures: a kind with its numbers, and a sentence only where one is shown."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd

NOTE = "note"  # the column that holds the sentences


class NoteKind(StrEnum):
    """What a note is about; the value is its sentence, with `{names}` and `{value}` where it takes them."""

    NO_CLEAR_EFFECT = "not distinguishable from zero"
    NEAR_PRIOR = "the data say little: the estimate stays near the prior"
    TINY = "tiny (under {value:.1%} of the KPI)"
    SATURATED = "saturated: more exposure would add little"
    MOVES_WITH = "moves with {names}: the split between them is uncertain"
    SELDOM_ON_AIR = "on air in only {value:.0%} of the region-weeks"
    LATE_START = "starts late, in week {names}"
    OUTSIDE_INTERVAL = (
        "an estimate lies outside its interval: refits drift from the fit, so read the interval as a range of refits"
    )
    NO_SPEND = "no spend given: roi, mroi and cpik are unknown"
    ZERO_SPEND = "spend is zero: roi, mroi and cpik are undefined"
    NO_REVENUE = "no revenue per KPI given: roi and mroi are in KPI units per unit of spend"
    FREE_EXPOSURE = "part of its exposure was free: roi counts that too, and mroi 1% more of it"
    NO_OUTCOME = "no positive outcome: cpik is undefined"


class ChannelNote(NamedTuple):
    """One thing to know of a channel.

    Attributes:
        kind: what it is about.
        names: of the other channels, or the week, concerned.
        value: the share that the note states, between 0 and 1.
    """

    kind: NoteKind
    names: tuple[str, ...] = ()
    value: float = 0.0

    @property
    def sentence(self) -> str:
        """The note in words, without a full stop."""
        return self.kind.value.format(names=", ".join(self.names), value=self.value)


Notes = tuple[ChannelNote, ...]


class ChannelTrust(NamedTuple):
    """How well the channels' shares are known.

    Attributes:
        table: by channel.
        notes: of each channel, in the order of the table.
    """

    table: pd.DataFrame
    notes: tuple[Notes, ...]

    def shown(self) -> pd.DataFrame:
        """The table with each channel's notes in words, in its last column."""
        return self.table.assign(**{NOTE: [joined(notes) for notes in self.notes]})


def joined(notes: Iterable[ChannelNote]) -> str:
    """Notes as the text of one cell."""
    return "; ".join(note.sentence for note in notes)


def with_note(table: pd.DataFrame, rows: Sequence[bool] | np.ndarray, note: ChannelNote) -> pd.DataFrame:
    """The table with one more note in the cells of `rows`."""
    cells = [
        "; ".join(filter(None, (cell, note.sentence))) if add else cell
        for cell, add in zip(table[NOTE], rows, strict=True)
    ]
    return table.assign(**{NOTE: cells})
