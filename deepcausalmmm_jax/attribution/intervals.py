"""Intervals from draws or refits: percentiles beside the estimate (Efron & Tibshirani 1993, chapter 13)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.by_replicate import Earned
from deepcausalmmm_jax.attribution.fitted_panel import MORE
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.panel import Panel

LEAST_RANGE = 0.9  # level of the narrowest interval that an estimate can be said to have drifted from
_SAME = 1e-9  # of the largest: draws that differ by less are the same but for rounding
_ROUNDING = 1e-5  # of single precision: marginal returns are differences of two nearly equal predictions


def require_level(level: float) -> None:
    """Refuse a level that no interval can have.

    Raises:
        ConfigError: it is not between 0 and 1.
    """
    is_number = isinstance(level, int | float) and not isinstance(level, bool)
    require(is_number and 0 < level < 1, "level", level, "between 0 and 1, e.g. 0.9")


def interval(draws: np.ndarray, level: float) -> np.ndarray:
    """Lower and upper end of the central interval, `[2, ...]`; missing where there are fewer than two draws.

    Args:
        draws: `[replicate, ...]`.
        level: share of the draws inside it.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    if len(draws) < 2:  # one draw says nothing about the spread: an interval of width 0 would claim certainty
        return np.full((2, *np.shape(draws)[1:]), np.nan)
    return np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)


def standard_error(draws: np.ndarray) -> np.ndarray:
    """Standard deviation over the draws, `[...]`; missing, never 0, where they do not differ.

    Args:
        draws: `[replicate, ...]`.
    """
    if len(draws) < 2:
        return np.full(np.shape(draws)[1:], np.nan)
    spread = draws.std(axis=0, ddof=1)
    return np.where(spread > _SAME * np.abs(draws).max(axis=0), spread, np.nan)


def with_interval(table: pd.DataFrame, draws: Mapping[str, np.ndarray], level: float) -> pd.DataFrame:
    """The table with `<column>_low` and `<column>_high` after each column that has draws, `[replicate, row]`.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    shown = table.copy()
    for name, values in draws.items():
        low, high = interval(values, level)
        at = list(shown.columns).index(name)
        shown.insert(at + 1, f"{name}_low", low)
        shown.insert(at + 2, f"{name}_high", high)
    return shown


def outside(table: pd.DataFrame) -> np.ndarray:
    """Rows in which an estimate lies outside its own interval by more than rounding, `[row]`."""
    found = np.zeros(len(table), bool)
    ends = (str(column).removesuffix("_low") for column in table if str(column).endswith("_low"))
    for name in filter(table.columns.__contains__, ends):  # a range, as of the frequencies seen, has no estimate
        value, low, high = (table[f"{name}{end}"].to_numpy(np.float64) for end in ("", "_low", "_high"))
        slack = _ROUNDING * np.maximum(np.abs(low), np.abs(high))
        found |= (value < low - slack) | (value > high + slack)
    return found


def drifted(table: pd.DataFrame, draws: Mapping[str, np.ndarray], level: float) -> np.ndarray:
    """Rows in which an estimate lies outside the range of its draws, `[row]`.

    The range is the interval shown, or one of 90% where that is narrower: outside of one of 50% lies half of what is
    right.

    Args:
        table: the estimates.
        draws: `[replicate, row]` by column.
        level: of the intervals that are shown.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    return outside(with_interval(table, draws, max(level, LEAST_RANGE)))


def summary_draws(earned: Earned, panel: Panel, planned: bool = False) -> dict[str, np.ndarray]:
    """Figures of `media_summary` by member, `[replicate, channel]`; missing where the table has none.

    Args:
        earned: outcome of each channel by member.
        panel: of the fit.
        planned: whether weeks after the last one with a KPI count too.
    """
    counted = (panel.present if planned else panel.past)[:, :, None]
    unknown = np.full(len(panel.channels), np.nan)
    accrued = spent(panel)
    spend = unknown if accrued is None else np.where(counted, accrued, 0.0).sum(axis=(0, 1))
    exposure = np.where(counted, panel.exposure, 0.0).sum(axis=(0, 1))
    paid = np.where(spend > 0, spend, np.nan)
    positive = np.where(earned.incremental > 0, earned.incremental, np.nan)
    return {
        "incremental_outcome": earned.incremental,
        "pct_of_contribution": 100.0 * earned.incremental / earned.prediction[:, None],
        "roi": earned.revenue / paid,
        "mroi": earned.marginal_revenue / (MORE * paid),
        "cpik": paid / positive,
        "effectiveness": earned.incremental / np.where(exposure > 0, exposure, np.nan),
    }
