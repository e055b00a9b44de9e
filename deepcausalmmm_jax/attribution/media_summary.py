"""What each channel earned: incremental outcome, ROI and their kin, by the model's own counterfactuals."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.forward import components, counted_prediction, media_outcome
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.training.fitted import Fitted

_MORE = 0.01  # for the marginal return


def media_summary(fitted: Fitted, planned: bool = False) -> pd.DataFrame:
    """Totals by channel over all region-weeks of the panel that have a row, up to the last week with a KPI.

    Args:
        fitted: the model.
        planned: whether weeks after the last one with a KPI count too.

    Returns:
        A table by channel:
        - `exposure`: in the channel's unit;
        - `spend`: currency, of the exposure in these weeks, in whichever week or region it was booked;
        - `incremental_outcome`: KPI units; prediction less the prediction with the channel at zero in all weeks,
          everything downstream recomputed;
        - `pct_of_contribution`: that, in percent of the predicted KPI (a region whose KPI lies around zero counts with
          its size);
        - `roi`: incremental revenue / spend (incremental KPI / spend where no revenue per KPI is known);
        - `mroi`: the same for the last 1 % of spend more;
        - `cpik`: spend / incremental KPI;
        - `effectiveness`: incremental outcome / exposure unit;
        - `note`: why a figure is missing or what its unit is, empty otherwise.
    """
    panel = fitted.panel
    counted = panel.present if planned else panel.past
    present = counted[:, :, None]
    incremental = np.where(present, media_outcome(fitted, 0.0), 0.0)
    marginal = -np.where(present, media_outcome(fitted, 1.0 + _MORE), 0.0)
    predicted = counted_prediction(fitted, components(fitted, panel).prediction())
    prediction = np.where(counted, predicted, 0.0).sum()
    worth = np.ones(panel.present.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    exposure = np.where(present, panel.exposure, 0.0).sum(axis=(0, 1))
    outcome = incremental.sum(axis=(0, 1))
    unknown = np.full(len(panel.channels), np.nan)
    accrued = spent(panel)
    spend = unknown if accrued is None else np.where(present, accrued, 0.0).sum(axis=(0, 1))
    free = unknown > 0 if accrued is None else (present & (accrued == 0) & (panel.exposure > 0)).any(axis=(0, 1))
    paid = np.where(spend > 0, spend, np.nan)
    table = pd.DataFrame(
        {
            "exposure": exposure,
            "spend": spend,
            "incremental_outcome": outcome,
            "pct_of_contribution": 100.0 * outcome / prediction,
            "roi": (incremental * worth[:, :, None]).sum(axis=(0, 1)) / paid,
            "mroi": (marginal * worth[:, :, None]).sum(axis=(0, 1)) / (_MORE * paid),
            "cpik": np.where(outcome > 0, paid, np.nan) / np.where(outcome > 0, outcome, 1.0),
            "effectiveness": outcome / np.where(exposure > 0, exposure, np.nan),
        },
        index=pd.Index(panel.channels, name=CHANNEL),
    )
    known = panel.revenue_per_kpi is not None
    table["note"] = [_note(spend[i], outcome[i], known, bool(free[i])) for i in range(len(spend))]
    return table


def _note(spend: float, outcome: float, has_revenue: bool, free: bool) -> str:
    if np.isnan(spend):
        return "no spend given: roi, mroi and cpik are unknown"
    if spend == 0:
        return "spend is zero: roi, mroi and cpik are undefined"
    notes = []
    if not has_revenue:
        notes.append("no revenue per KPI given: roi and mroi are in KPI units per unit of spend")
    if free:
        notes.append("part of its exposure was free: roi counts that too, and mroi 1 % more of it")
    if outcome <= 0:
        notes.append("no positive outcome: cpik is undefined")
    return "; ".join(notes)
