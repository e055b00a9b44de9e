"""Intervals from refits: percentiles over them, beside the point estimate (Efron & Tibshirani 1993, chapter 13)."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.analysis.replicates import Earned
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


def summary_draws(earned: Earned, panel: Panel) -> dict[str, np.ndarray]:
    """Figures of `media_summary` by refit, `[replicate, channel]`; missing where the table has none."""
    n_channels = len(panel.channels)
    spend = np.full(n_channels, np.nan) if panel.spend is None else panel.spend.sum(axis=(0, 1))
    paid = np.where(spend > 0, spend, np.nan)
    positive = np.where(earned.incremental > 0, earned.incremental, np.nan)
    return {
        "incremental_outcome": earned.incremental,
        "pct_of_contribution": 100.0 * earned.incremental / earned.prediction[:, None],
        "roi": earned.revenue / paid,
        "mroi": earned.marginal_revenue / (_MORE * paid),
        "cpik": paid / positive,
        "effectiveness": earned.incremental / panel.exposure.sum(axis=(0, 1)),
    }
