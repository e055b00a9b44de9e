"""Columns of reach and frequency: which channel has them, and what they may hold."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.data.readers.column_names import plain_name
from deepcausalmmm_jax.errors import DataError

_ROUNDING = 1e-6
_COUNTED_TWICE = 1.01  # reach over population up to which both are roundings or estimates of one number


class ReachColumns(NamedTuple):
    """A channel whose exposure is stated as people reached and contacts for each of them."""

    channel: str
    reach: str  # column of people reached at least once in the week
    frequency: str  # column of contacts per person reached


def reach_stated(reach: object, frequency: object, media: Sequence[str]) -> tuple[ReachColumns, ...]:
    """Channels with reach and frequency.

    Args:
        reach: mapping from channel to column; None for none.
        frequency: likewise, of the same channels.
        media: columns of plain exposure that are paid for.

    Raises:
        DataError: no mapping, a channel in only one of the two, or one that is a column of exposure as well.
    """
    people, often = _by_channel("reach", reach), _by_channel("frequency", frequency)
    for own, other, given, lacking in ((people, often, "reach", "frequency"), (often, people, "frequency", "reach")):
        for channel in own:
            if channel not in other:
                raise DataError(
                    f"{given} names the channel {channel!r}, but {lacking} does not; name a column in both, or give "
                    "its impressions in media."
                )
    for channel in people:
        if channel in media:
            raise DataError(
                f"{channel!r} is given both in media and in reach; leave it out of media, since its exposure is reach "
                "times frequency."
            )
    return tuple(ReachColumns(channel, people[channel], often[channel]) for channel in people)


def _by_channel(option: str, given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(part, str) for pair in given.items() for part in pair):
        raise DataError(
            f'{option} must be a mapping from channel to column, such as {{"tv": "tv_{option}"}}, got {shown(given)}.'
        )
    return {plain_name(channel): plain_name(column) for channel, column in given.items()}


def frequency_of_rows(
    columns: ReachColumns, reach: np.ndarray, frequency: np.ndarray, where: Callable[[int], str]
) -> np.ndarray:
    """Contacts per person reached, `[row]`; 0 where nobody is reached, whatever the column says there.

    Args:
        columns: of the channel, for messages.
        reach: `[row]`, 0 or more.
        frequency: `[row]`, NaN for an empty cell.
        where: region and week of a row.

    Raises:
        DataError: people are reached without a frequency, or with one below 1.
    """
    reached = reach > 0
    if (reached & np.isnan(frequency)).any():
        row = int((reached & np.isnan(frequency)).argmax())
        raise DataError(
            f"Column {columns.frequency!r} has no value at {where(row)}, where {columns.reach!r} is {reach[row]:,.6g}; "
            "fill it in."
        )
    low = reached & (frequency < 1.0 - _ROUNDING)
    if low.any():
        row = int(low.argmax())
        raise DataError(
            f"Column {columns.frequency!r} is {frequency[row]:.4g} at {where(row)}, where {columns.reach!r} is "
            f"{reach[row]:,.6g}; everyone who is reached has at least one contact, so give contacts per person "
            "reached."
        )
    return np.where(reached, np.maximum(np.nan_to_num(frequency), 1.0), 0.0)


def refuse_more_than_everyone(
    columns: ReachColumns, reach: np.ndarray, people: np.ndarray, place: Callable[[int, int], str]
) -> None:
    """Refuse a reach above the population.

    Args:
        columns: of the channel, for messages.
        reach: `[region, week]`.
        people: `[region]`.
        place: region and week at given positions.

    Raises:
        DataError: names the first such week.
    """
    beyond = reach > _COUNTED_TWICE * people[:, None]
    if beyond.any():
        region, week = (int(at) for at in np.argwhere(beyond)[0])
        raise DataError(
            f"Column {columns.reach!r} is {reach[region, week]:,.6g} at {place(region, week)}, above the population "
            f"there, {people[region]:,.6g}; give people reached once or more, not impressions, in the unit of the "
            "population."
        )
