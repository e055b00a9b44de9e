"""Columns of exposure and spend -> channels, paired by the words that their names share."""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.files.column_words import (
    OTHER_TIME,
    Kind,
    is_of_all_channels,
    says_total,
    stem_of,
    words_of,
)
from deepcausalmmm_jax.errors import DataError

_SUM, _MOSTLY = 0.02, 0.9  # relative difference from the sum of the others, in this share of the rows
_IMPRESSIONS = {"imp", "imps", "impression", "impressions", "impressionen", "impresiones"}


class Channels(NamedTuple):
    """Channels of a table."""

    names: tuple[str, ...]
    spend: tuple[tuple[str, str], ...]  # channel, column
    products: tuple[tuple[str, str, str], ...]  # channel, reach, frequency
    left_out: tuple[str, ...]  # second measures of a channel, which are neither exposure nor controls

    @property
    def columns(self) -> set[str]:
        """All columns that are read."""
        made = {channel for channel, *_ in self.products}
        pairs = {column for _, *pair in self.products for column in pair}
        return {name for name in self.names if name not in made} | {column for _, column in self.spend} | pairs


def channels_of(
    kinds: Mapping[str, Kind],
    media: Sequence[str] | None,
    spend: Mapping[str, str] | None,
    columns: Sequence[str],
    reach: Sequence[tuple[str, str, str]] = (),
    totals: Set[str] = frozenset(),
) -> Channels:
    """The channels, in the order of the table.

    A channel is a column of exposure, with the column of spend of the same words where there is one (`tv_impressions`
    or `tv`, with `tv_spend`); a pair of reach and frequency, whose product is the exposure; or a column of spend alone.
    Where no name has a word for exposure or spend, columns named after a medium are channels.

    Args:
        kinds: what each column of numbers may be.
        media: columns of exposure where they are stated.
        spend: columns of spend by channel where they are stated.
        columns: all columns.
        reach: stated channels of reach and frequency, with their two columns.
        totals: columns of spend that are the sum of others, see `spend_of_all`.

    Raises:
        DataError: no column is a channel, or two columns of spend fit one.
    """
    paid = {stem: names for stem, names in _by_stem(kinds, Kind.SPEND).items() if not totals & set(names)}
    if media is not None:
        every = (*media, *(channel for channel, *_ in reach))
        pairs = dict(spend) if spend is not None else _paired(every, paid)
        return Channels(every, tuple(pairs.items()), tuple(reach), ())
    shown, second = _first_of_each(_with_priced(kinds, set(paid)))
    products = products_of(kinds, set(shown), columns) | {stem_of(made[0]): made for made in reach}
    measured = (*_by_stem(kinds, Kind.REACH).items(), *_by_stem(kinds, Kind.FREQUENCY).items())
    second += [name for stem, names in measured if stem in shown for name in names]
    shown = {stem: name for stem, name in shown.items() if stem not in products}
    channels = {stem: name for stem, name in shown.items()} | {stem: made[0] for stem, made in products.items()}
    alone = {stem: names[0] for stem, names in paid.items() if stem not in channels}
    named = channels | alone
    if not named:
        named = {(name,): name for name, kind in kinds.items() if kind is Kind.MEDIA}
    if not named:
        known = ", ".join(map(repr, list(columns)[:12]))
        raise DataError(f"No column is named like a media channel; pass media=[...], from {known}.")
    for stem, names in paid.items():
        now = tuple(word for word in stem if word not in OTHER_TIME)
        if stem in alone and now != stem and now in paid:
            names = [*paid[now], *names]
        if len(names) > 1:
            raise DataError(
                f"Columns {names[0]!r} and {names[1]!r} may both be the spend of the same channel; keep one."
            )
    order = {name: at for at, name in enumerate(columns)}
    first = {made[0]: order[made[1]] for made in products.values()}
    names = sorted(named.values(), key=lambda name: first.get(name, order.get(name, 0)))
    found = dict(spend) if spend is not None else {named[stem]: paid[stem][0] for stem in named if stem in paid}
    return Channels(
        tuple(names),
        tuple((name, found[name]) for name in names if name in found),
        tuple(products.values()),
        (*second, *totals),
    )


def spend_of_all(kinds: Mapping[str, Kind], numbers: Mapping[str, pd.Series]) -> frozenset[str]:
    """Columns of spend on all channels together, where there are others: they would count twice.

    A name that says total is enough; one that says no more than advertising has to hold the sum of the others.

    Args:
        kinds: what each column of numbers may be.
        numbers: these columns.
    """
    paid = [name for name, kind in kinds.items() if kind is Kind.SPEND]
    if any(kind is Kind.EXPOSURE and is_of_all_channels(name) for name, kind in kinds.items()):
        return frozenset()
    single = [name for name in paid if not is_of_all_channels(name)]
    if not single:
        return frozenset()
    summed = sum((numbers[name].fillna(0.0) for name in single), start=0.0 * numbers[single[0]].fillna(0.0))
    told = [name for name in paid if is_of_all_channels(name)]
    return frozenset(name for name in told if says_total(name) or _is_close(numbers[name], summed))


def _is_close(column: pd.Series, summed: pd.Series) -> bool:
    return bool(np.isclose(column.fillna(0.0), summed, rtol=_SUM, atol=1e-9).mean() > _MOSTLY)


def _with_priced(kinds: Mapping[str, Kind], paid: set[tuple[str, ...]]) -> dict[str, Kind]:
    """Columns whose whole name is that of a column of spend are exposure, whatever their name says."""
    plain = (Kind.MEDIA, Kind.UNKNOWN)
    return {n: Kind.EXPOSURE if kind in plain and stem_of(n) in paid else kind for n, kind in kinds.items()}


def _by_stem(kinds: Mapping[str, Kind], kind: Kind) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for name, own in kinds.items():
        if own is kind:
            found.setdefault(stem_of(name), []).append(name)
    return found


def _first_of_each(kinds: Mapping[str, Kind]) -> tuple[dict[tuple[str, ...], str], list[str]]:
    """One column of exposure a channel, impressions before clicks; and the others."""
    first: dict[tuple[str, ...], str] = {}
    second: list[str] = []
    for stem, names in _by_stem(kinds, Kind.EXPOSURE).items():
        shown = [
            name
            for name in names
            if {"imp", "imps", "impression", "impressions", "impressionen", "impresiones"} & set(words_of(name))
        ]
        first[stem] = (shown or names)[0]
        second += [name for name in names if name != first[stem]]
    return first, second


def products_of(
    kinds: Mapping[str, Kind], shown: set[tuple[str, ...]], columns: Sequence[str]
) -> dict[tuple[str, ...], tuple[str, str, str]]:
    """Pairs of reach and frequency by stem, each a channel of that name; of its impressions where a column has it.

    Args:
        kinds: what each column of numbers may be.
        shown: stems of the channels that have a column of exposure.
        columns: all columns.
    """
    known = set(columns)

    def name_of(stem: tuple[str, ...]) -> str:
        name = "_".join(stem)
        return name if name and name not in known else "_".join((*stem, "impressions"))

    reach, frequency = _by_stem(kinds, Kind.REACH), _by_stem(kinds, Kind.FREQUENCY)
    return {
        stem: (name_of(stem), reach[stem][0], frequency[stem][0])
        for stem in reach
        if stem in frequency and stem not in shown
    }


def _paired(media: tuple[str, ...], paid: Mapping[tuple[str, ...], list[str]]) -> dict[str, str]:
    stems = {stem_of(name): name for name in media}
    return {stems[stem]: names[0] for stem, names in paid.items() if stem in stems and len(names) == 1}
