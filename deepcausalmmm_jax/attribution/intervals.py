"""Intervals from refits: percentiles over them, beside the point estimate (Efron & Tibshirani 1993, chapter 13)."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.by_replicate import Earned
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.panel import Panel

_MORE = 0.01


def bounds(values: np.ndarray, level: float) -> np.ndarray:
    """Lower and upper end over the first axis, `[2, ...]`.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    is_number = isinstance(level, int | float) and not isinstance(level, bool)
    require(is_number and 0 < level < 1, "level", level, "between 0 and 1, e.g. 0.9")
    return np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)


def with_bounds(table: pd.DataFrame, draws: dict[str, np.ndarray], level: float) -> pd.DataFrame:
    """The table with `<column>_low` and `<column>_high` after each column that has draws, `[replicate, row]`."""
    shown = table.copy()
    for name, values in draws.items():
        low, high = bounds(values, level)
        at = int(shown.columns.get_loc(name))  # type: ignore[arg-type]
        shown.insert(at + 1, f"{name}_low", low)
        shown.insert(at + 2, f"{name}_high", high)
    return shown


def outside(table: pd.DataFrame) -> np.ndarray:
    """Rows of which an estimate lies outside its own interval, `[row]`; by more than rounding."""
    found = np.zeros(len(table), bool)
    for name in (str(column)[: -len("_low")] for column in table if str(column).endswith("_low")):
        value, low, high = (table[f"{name}{end}"].to_numpy(np.float64) for end in ("", "_low", "_high"))
        slack = 1e-6 * np.maximum(np.abs(low), np.abs(high))
        found |= (value < low - slack) | (value > high + slack)
    return found


def summary_draws(earned: Earned, panel: Panel, planned: bool = False) -> dict[str, np.ndarray]:
    """Figures of `media_summary` by refit, `[replicate, channel]`; missing where the table has none."""
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
        "mroi": earned.marginal_revenue / (_MORE * paid),
        "cpik": paid / positive,
        "effectiveness": earned.incremental / np.where(exposure > 0, exposure, np.nan),
    }
