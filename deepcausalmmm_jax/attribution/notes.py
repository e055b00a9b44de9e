"""Notes on a channel's figures: a kind with its numbers, and a sentence only where one is shown."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

NOTE = "note"  # the column that holds the sentences
CLEAR = 2.0  # standard errors from which a share is distinguishable from zero
REACH = 1.645  # standard errors from an estimate to the end of its 90% interval
TINY = 0.005  # of the KPI
_FEW_DRAWS = 20  # with fewer, the ends of a 90% interval are the outermost draws or lie beyond them


class NoteKind(StrEnum):
    """What a note is about; the value is its sentence, with `{names}`, `{value}` and `{unit}` where it takes them."""

    NO_CLEAR_EFFECT = "not distinguishable from zero"
    UNKNOWN_ERROR = "its standard error is unknown: there are too few weeks with a KPI, or too few draws"
    NEAR_PRIOR = "the data say little: the estimate stays near the prior"
    TINY = "tiny (under {value:.1%} of the KPI)"
    MAY_BE_MORE = "found tiny, but the data allow up to {value:.0%} of the KPI"
    FOLLOWS_KPI = (
        "may follow demand rather than drive it: the KPI moves with its exposure one and two {unit}s later too, "
        "{value:.2g} times as far as the model says it does with that of the same {unit}"
    )
    SATURATED = "saturated in weeks on air: 1% more exposure there adds far less than 1% to its effect"
    MOVES_WITH = "moves with {names}: the split between them is uncertain"
    SELDOM_ON_AIR = "on air in only {value:.0%} of the region-{unit}s"
    LATE_START = "starts late, in {unit} {names}"
    OUTSIDE_INTERVAL = "an estimate lies outside the range of its refits or draws, which drift from the fit"
    LINK_OUTSIDE_INTERVAL = "the weight lies outside the range of its refits, which drift from the fit or lack the link"
    NARROW_BLOCKS = (
        "intervals are too narrow: on simulated panels, 90% intervals from refits to blocks of residuals alone covered "
        "the true value in only 70% of cases"
    )
    NARROW_REFITS = (
        "intervals of anything but shares, outcomes and returns are too narrow: refits show what noise does to an "
        "estimate, not how far the curves may be off; on simulated panels whose curves are not the model's, 90% "
        "intervals from them alone covered the true value in only 36 to 65% of cases"
    )
    NARROW_AFTER_TEST = (
        "intervals of channels with a lift test may be too narrow: on simulated panels with a hidden cause, 90% "
        "intervals covered the tested channel's true share in 10 of 12 national and 6 of 8 regional cases"
    )
    TEST_CONFLICT = "disagrees with the lift test {names} by {value:.1f} standard errors"
    UNTESTED_DEMAND = (
        "no lift test: its estimate may count demand as effect, as that of {names} did until it was tested"
    )
    DRAWS_MISS = (
        "the draws by Laplace's method miss the posterior: treat the {names} as rough, and draw with "
        "sample_posterior(result, method='nuts')"
    )
    NOT_MIXED = "the sampler has not converged: treat the {names} as rough, and draw more with sample_posterior"
    FEW_DRAWS = "{value:.0f} refits are too few for intervals: 20 or more are needed for 90%"
    LINKS_DIFFER = "the channels that it drives differ by group of regions"
    ORGANIC = "organic: not paid for, so it has no roi, mroi or cpik, and no budget"
    NATIONAL = "national: its effect is known from {value:.0f} {unit}s, not from every region's"
    NO_SPEND = "no spend given: roi, mroi and cpik are unknown"
    ZERO_SPEND = "spend is zero: roi, mroi and cpik are undefined"
    NO_REVENUE = "no revenue per KPI given: roi and mroi are in KPI units per unit of spend"
    FREE_EXPOSURE = "part of its exposure was free: roi counts that too, and mroi 1% more of it"
    NO_OUTCOME = "no positive outcome: cpik is undefined"


class ChannelNote(NamedTuple):
    """One thing to know of a channel.

    Attributes:
        kind: what it is about.
        names: of the other channels, the week or the lift test concerned, or what the reader knows the intervals as.
        value: the share that the note states, between 0 and 1, or the number of draws, weeks or standard errors.
        unit: of the steps of the panel.
    """

    kind: NoteKind
    names: tuple[str, ...] = ()
    value: float = 0.0
    unit: str = "week"

    @property
    def sentence(self) -> str:
        """The note in words, without a full stop."""
        return self.kind.value.format(names=", ".join(self.names), value=self.value, unit=self.unit)


Notes = tuple[ChannelNote, ...]


def clear_or_not(z: float, clear: float = CLEAR) -> list[ChannelNote]:
    """The note on whether a share is distinguishable from zero, where there is one to make.

    Args:
        z: share over its standard error; missing where that is unknown.
        clear: standard errors from which it is.
    """
    if np.isnan(z):
        return [ChannelNote(NoteKind.UNKNOWN_ERROR)]
    return [] if z >= clear else [ChannelNote(NoteKind.NO_CLEAR_EFFECT)]


def clear_from(n_draws: int) -> float:
    """Standard errors from which a share is distinguishable from zero where the error comes from so many draws.

    The quantile of Student's t at the chance that `CLEAR` has under a normal law: an error from a few draws may be far
    too small. Infinite for a single draw.

    Args:
        n_draws: refits or draws from the posterior.
    """
    return -float(special.stdtrit(n_draws - 1, special.ndtr(-CLEAR))) if n_draws > 1 else float("inf")


def tiny_or_not(share: float, high: float) -> list[ChannelNote]:
    """The note on a share that is found to be tiny: that it is, or how large the data allow it to be.

    Args:
        share: of the KPI.
        high: upper end of its 90% interval; missing where that is unknown.
    """
    if share >= TINY or np.isnan(high):
        return []
    if high <= TINY:
        return [ChannelNote(NoteKind.TINY, value=TINY)]
    return [ChannelNote(NoteKind.MAY_BE_MORE, value=min(high, 1.0))]


def few_or_not(n_draws: int) -> list[ChannelNote]:
    """The note that there are too few refits or draws for intervals, where there are."""
    return [ChannelNote(NoteKind.FEW_DRAWS, value=n_draws)] if n_draws < _FEW_DRAWS else []


def narrow_or_not(*, from_posterior: bool, blocks: bool, tested: bool = False) -> list[ChannelNote]:
    """The note that intervals are too narrow, with their measured coverage (docs/accuracy.md), where they are.

    Args:
        from_posterior: whether the members are draws from the posterior.
        blocks: whether the members are refits to blocks of residuals.
        tested: whether lift tests were learned from (docs/tasks/experiments.md).
    """
    found = {
        NoteKind.NARROW_BLOCKS: blocks,
        NoteKind.NARROW_REFITS: not from_posterior and not blocks,
        NoteKind.NARROW_AFTER_TEST: tested,
    }
    return [ChannelNote(kind) for kind, applies in found.items() if applies]


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
