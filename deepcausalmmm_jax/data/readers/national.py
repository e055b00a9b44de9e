"""National channels and controls of a regional table: one value a week, brought to the regions."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.calendar import week_text
from deepcausalmmm_jax.data.readers.column_roles import ColumnRoles
from deepcausalmmm_jax.data.regions import region_positions
from deepcausalmmm_jax.errors import DataError

_SAME = 1e-9  # relative: smaller differences come from writing and reading numbers


def national_weights(roles: ColumnRoles, regions: pd.Index, population: np.ndarray | None) -> np.ndarray | None:
    """Share of national media that each region gets, `[region]`, summing to 1; None without a national channel.

    Args:
        roles: of the columns, with the weights as stated.
        regions: labels.
        population: `[region]`; its shares are the weights where none are stated.

    Raises:
        DataError: neither weights nor a population, or weights of other regions.
    """
    if not set(roles.national) & set(roles.media):
        return None
    if not roles.national_weights:
        if population is None:
            channel = next(name for name in roles.national if name in roles.media)
            raise DataError(
                f"The national channel {channel!r} is divided among the regions by population; give the column of the "
                "population, or national_weights by region."
            )
        return np.asarray(population / population.sum())
    at = region_positions(regions, [region for region, _ in roles.national_weights])
    if (at < 0).any():
        unknown = roles.national_weights[int((at < 0).argmax())][0]
        raise DataError(f"national_weights name the region {unknown!r}, which the table does not have.")
    weights = np.full(len(regions), np.nan)
    weights[at] = [weight for _, weight in roles.national_weights]
    if np.isnan(weights).any():
        lacking = regions[int(np.isnan(weights).argmax())]
        raise DataError(f"national_weights have no weight for region {lacking}; write 0 if it gets nothing.")
    return weights


def refuse_regional(
    values: np.ndarray, present: np.ndarray, name: str, what: str, regions: pd.Index, weeks: pd.Index
) -> None:
    """Refuse a national column that differs between regions.

    Args:
        values: `[region, week]`.
        present: `[region, week]`, whether the table has a row.
        name: of the channel or control.
        what: kind of the column, such as `exposure`.
        regions: labels.
        weeks: labels.

    Raises:
        DataError: naming the first week in which regions differ, and two of them.
    """
    low = np.where(present, values, np.inf).min(axis=0)
    high = np.where(present, values, -np.inf).max(axis=0)
    apart = present.any(axis=0) & (high - low > _SAME * np.maximum(np.abs(high), np.abs(low)))
    if not apart.any():
        return
    week = int(apart.argmax())
    first = int(np.where(present[:, week], values[:, week], np.inf).argmin())
    second = int(np.where(present[:, week], values[:, week], -np.inf).argmax())
    one, other = (f"{values[row, week]:,.6g} in region {regions[row]}" for row in (first, second))
    raise DataError(
        f"{name!r} is national, but its {what} in week {week_text(weeks, week)} is {one} and {other}; give the "
        "national figure in every row, or leave it out of national if it is regional."
    )


def paid_shares(weights: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Shares of a national channel's spend, `[region, week]`, which add up to 1 in every week with a row.

    Where regions have no row, the others bear all of the spend: it was paid, whatever it reached elsewhere.

    Args:
        weights: `[region]`.
        present: `[region, week]`, whether the table has a row.
    """
    here = weights[:, None] * present
    total = here.sum(axis=0)
    return np.where(total > 0, here / np.where(total > 0, total, 1.0), weights[:, None])


def adding_up(weights: np.ndarray) -> np.ndarray:
    """Shares of some regions, `[region]`, in what is theirs together, so that national figures are of these regions."""
    return weights / weights.sum() if weights.sum() > 0 else weights


def undivided(values: np.ndarray, weights: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The national figure of a channel that was divided among the regions, the same in all, `[region, week]`.

    Args:
        values: `[region, week]`, as divided.
        weights: `[region]`, or `[region, week]` where the shares differ by week.
        present: `[region, week]`, whether the table had a row.
    """
    shares = (weights.reshape(len(present), -1) * present).sum(axis=0)
    total = np.where(present, values, 0.0).sum(axis=0) / np.where(shares > 0, shares, 1.0)
    return np.broadcast_to(total, values.shape)
