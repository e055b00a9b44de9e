"""Outcome and returns by region and channel."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import CHANNEL, REGION


def regional_summary(fit: FittedPanel, top: int | None = None) -> pd.DataFrame:
    """Totals by region and channel over all weeks that have a row, up to the last one with a KPI.

    Args:
        fit: the fit on its own panel.
        top: keep the regions with the largest KPI, this many, and add up the others; None keeps all.

    Returns:
        Rows by `region`, largest KPI first, and `channel`: `kpi` (of the region), `exposure`, `spend` (currency),
        `incremental_outcome` (KPI units, as in `media_summary`, to which it adds up), `pct_of_contribution` (percent of
        the region's predicted KPI), `roi` and `effectiveness`. Regions that were added up come last, as
        `other N regions`.
    """
    panel = fit.panel
    present = panel.past[:, :, None]
    outcome = np.where(present, fit.incremental, 0.0)
    worth = 1.0 if panel.revenue_per_kpi is None else panel.revenue_per_kpi[:, :, None]
    prediction = fit.counted_prediction()
    predicted = np.where(panel.past, prediction, 0.0).sum(axis=1)
    kpi = (panel.kpi * (panel.weights > 0)).sum(axis=1)
    accrued = spent(panel)
    spend = np.full(panel.exposure.shape, np.nan) if accrued is None else np.where(present, accrued, 0.0)
    names, groups = _groups(panel.regions, kpi, top)

    def total(values: np.ndarray) -> np.ndarray:
        """`[region, ...]` to `[group, ...]`."""
        summed = np.zeros((len(names), *values.shape[1:]))
        np.add.at(summed, groups, values)
        return summed

    summed, revenue = total(outcome.sum(axis=1)), total((outcome * worth).sum(axis=1))
    paid, exposure = total(spend.sum(axis=1)), total(np.where(present, panel.exposure, 0.0).sum(axis=1))
    whole = total(predicted)[:, None]
    shape = summed.shape
    columns = {
        "kpi": np.broadcast_to(total(kpi)[:, None], shape),
        "exposure": exposure,
        "spend": paid,
        "incremental_outcome": summed,
        "pct_of_contribution": 100.0 * summed / np.where(whole > 0, whole, np.nan),
        "roi": revenue / np.where(paid > 0, paid, np.nan),
        "effectiveness": summed / np.where(exposure > 0, exposure, np.nan),
    }
    index = pd.MultiIndex.from_product([names, panel.channels], names=[REGION, CHANNEL])
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)


def _groups(regions: pd.Index, kpi: np.ndarray, top: int | None) -> tuple[list[str], np.ndarray]:
    """Names of the rows, and the row of each region, `[region]`."""
    order = np.argsort(-kpi, kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    names = [str(regions[r]) for r in order]
    if top is None or top >= len(names):
        return names, rank
    return [*names[:top], f"other {len(names) - top} regions"], np.minimum(rank, top)
