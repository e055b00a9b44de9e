"""Outcome and returns by channel, from the model's own counterfactuals."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind, joined
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import CHANNEL


def media_summary(fit: FittedPanel, planned: bool = False) -> pd.DataFrame:
    """Totals by channel over all region-weeks of the panel that have a row, up to the last week with a KPI.

    Args:
        fit: the fit on its own panel.
        planned: whether weeks after the last one with a KPI count too; a revenue per KPI of 0 there is not known yet,
            and the region's mean over the last year is used, as in plans.

    Returns:
        A table by channel:
        - `exposure`: in the channel's unit;
        - `spend`: currency, for the exposure in these weeks, whatever week or region it was booked in;
        - `incremental_outcome`: KPI units; prediction less the prediction with the channel at zero in all weeks,
          with everything downstream recomputed; under a log link its part of what all media add, so that channels add
          up;
        - `pct_of_contribution`: that, in percent of the predicted KPI (a region whose KPI lies around zero counts with
          its size);
        - `roi`: incremental revenue / spend (incremental KPI / spend where no revenue per KPI is known);
        - `mroi`: the same for 1% more spend;
        - `cpik`: spend / incremental KPI;
        - `effectiveness`: incremental outcome / exposure unit;
        - `note`: why a figure is missing or what its unit is, empty otherwise.
    """
    panel = fit.panel
    counted = panel.present if planned else panel.past
    present = counted[:, :, None]
    incremental = np.where(present, fit.incremental, 0.0)
    marginal = -np.where(present, fit.lost(1.0 + MORE), 0.0)
    predicted = fit.counted_prediction()
    prediction = np.where(counted, predicted, 0.0).sum()
    worth = fit.worth
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
            "mroi": (marginal * worth[:, :, None]).sum(axis=(0, 1)) / (MORE * paid),
            "cpik": np.where(outcome > 0, paid, np.nan) / np.where(outcome > 0, outcome, 1.0),
            "effectiveness": outcome / np.where(exposure > 0, exposure, np.nan),
        },
        index=pd.Index(panel.channels, name=CHANNEL),
    )
    known = panel.revenue_per_kpi is not None
    notes = [_notes(spend[i], outcome[i], known, bool(free[i])) for i in range(len(spend))]
    for i, name in enumerate(panel.channels):
        notes[i] = [ChannelNote(NoteKind.ORGANIC)] if name in panel.organic else notes[i]
    table["note"] = [joined(found) for found in notes]
    return table


def _notes(spend: float, outcome: float, has_revenue: bool, free: bool) -> list[ChannelNote]:
    if np.isnan(spend):
        return [ChannelNote(NoteKind.NO_SPEND)]
    if spend == 0:
        return [ChannelNote(NoteKind.ZERO_SPEND)]
    found = {NoteKind.NO_REVENUE: not has_revenue, NoteKind.FREE_EXPOSURE: free, NoteKind.NO_OUTCOME: outcome <= 0}
    return [ChannelNote(kind) for kind, applies in found.items() if applies]
