"""The first table of a result: what each channel cost and earned, with intervals, and all of them together."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.by_replicate import Earned
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.axes import ALL_MEDIA, PAID_MEDIA


def main_figures(fit: FittedPanel, table: pd.DataFrame, members: Earned | None, level: float) -> pd.DataFrame:
    """The columns of `media_summary` that are read first, the channel that earned most on top, and a total.

    Args:
        fit: the fit on its own panel.
        table: its `media_summary`, by channel.
        members: outcome of each channel by draw or refit; None without them.
        level: of the intervals.

    Returns:
        One row per channel, in order of outcome, and a row `all media`. Columns `spend`, `revenue` (or
        `incremental_outcome` where no revenue per KPI is known), `roi` with `roi_low` and `roi_high`, and
        `pct_of_contribution`. Where only some channels have spend, a row `paid media` has their totals and return, and
        `all media`, which also holds what cost nothing, has no return. Without any spend: `exposure`,
        `incremental_outcome` with its interval, and `pct_of_contribution`.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    channels = list(fit.panel.channels)
    outcome, revenue = _earned(fit)
    spend = table.loc[channels, "spend"].to_numpy(np.float64)
    paid = spend > 0
    has_revenue = fit.panel.revenue_per_kpi is not None
    earned = {"revenue" if has_revenue else "incremental_outcome": _with_total(revenue if has_revenue else outcome)}
    if paid.any():
        columns = {"spend": np.append(spend, spend[paid].sum())} | earned
        columns |= _with_ends(
            "roi", _per_spend(revenue, spend), None if members is None else members.revenue, spend, level
        )
    else:
        exposure = table.loc[channels, "exposure"].to_numpy(np.float64)
        columns = {"exposure": np.append(exposure, np.nan)}
        drawn = None if members is None else members.incremental
        columns |= _with_ends("incremental_outcome", _with_total(outcome), drawn, None, level)
    share = table.loc[channels, "pct_of_contribution"].to_numpy(np.float64)
    found = pd.DataFrame(
        columns | {"pct_of_contribution": _with_total(share)},
        index=pd.Index([*channels, ALL_MEDIA], name=table.index.name),
    )
    found = found.iloc[[*np.argsort(-outcome, kind="stable"), len(channels)]]
    return _with_paid(found) if paid.any() and not paid.all() else found


def _with_paid(found: pd.DataFrame) -> pd.DataFrame:
    """The table with a total of the channels that cost something, where others cost nothing.

    A return of what was paid for beside the revenue of everything would read as another return.
    """
    table, total = found.iloc[:-1], found.iloc[[-1]]
    paid_only, paid = table[table["spend"] > 0], total.rename(index={ALL_MEDIA: PAID_MEDIA})
    total = total.copy()
    for column in map(str, found.columns):
        if column.startswith("roi"):
            total[column] = np.nan
        else:
            paid[column] = paid_only[column].sum()
    return pd.concat([table, paid, total])


def _earned(fit: FittedPanel) -> tuple[np.ndarray, np.ndarray]:
    """Outcome in KPI units, and revenue (the same where no revenue per KPI is known), `[channel]`."""
    counted = fit.panel.past[:, :, None]
    outcome = np.where(counted, fit.incremental, 0.0)
    worth = 1.0 if fit.panel.revenue_per_kpi is None else np.where(counted, fit.panel.revenue_per_kpi[:, :, None], 0.0)
    return outcome.sum(axis=(0, 1)), (outcome * worth).sum(axis=(0, 1))


def _with_total(values: np.ndarray) -> np.ndarray:
    """Values of the channels along the last axis, and behind them their sum."""
    return np.concatenate([values, values.sum(axis=-1, keepdims=True)], axis=-1)


def _per_spend(earned: np.ndarray, spend: np.ndarray) -> np.ndarray:
    """Returns of the channels with spend along the last axis, missing for others, and that of all of them together."""
    paid = spend > 0
    own = earned / np.where(paid, spend, np.nan)
    together = earned[..., paid].sum(axis=-1, keepdims=True) / spend[paid].sum()
    return np.concatenate([own, together], axis=-1)


def _with_ends(
    name: str, values: np.ndarray, drawn: np.ndarray | None, spend: np.ndarray | None, level: float
) -> dict[str, np.ndarray]:
    """A column, and the ends of its interval where there are draws `[replicate, channel]`."""
    if drawn is None:
        return {name: values}
    low, high = interval(_with_total(drawn) if spend is None else _per_spend(drawn, spend), level)
    return {name: values, f"{name}_low": low, f"{name}_high": high}
