"""What a KPI unit is worth, also in weeks to come for which nobody knows it yet."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel

_LAST_YEAR = 52  # weeks


def last_year(panel: Panel) -> slice:
    """The panel's last year of weeks."""
    return slice(max(0, len(panel.weeks) - panel.cadence.steps(_LAST_YEAR)), None)


def mean_worth(panel: Panel) -> np.ndarray:
    """Revenue per KPI, `[region]`, over the last year's weeks that have a row; the panel has some."""
    assert panel.revenue_per_kpi is not None
    recent = last_year(panel)
    present = panel.present[:, recent]
    total = np.where(present, panel.revenue_per_kpi[:, recent], 0.0).sum(axis=1)
    return total / np.maximum(present.sum(axis=1), 1)


def usual_worth(panel: Panel, past: Panel) -> np.ndarray:
    """Revenue per KPI of weeks for which none is known, `[region]`: the mean of the last year.

    Args:
        panel: with a revenue per KPI.
        past: weeks up to the last one with a KPI, whose last year it is; where they have none, the mean of those weeks
            of the panel that have one.
    """
    return _stated_worth(panel) if past.revenue_per_kpi is None else mean_worth(past)


def _stated_worth(panel: Panel) -> np.ndarray:
    """Mean revenue per KPI, `[region]`, of the weeks that have one: those of a plan, after weeks that have none."""
    assert panel.revenue_per_kpi is not None
    stated = panel.present & (panel.revenue_per_kpi != 0)
    total = np.where(stated, panel.revenue_per_kpi, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(stated.sum(axis=1), 1))


def known_worth(panel: Panel, n_past_weeks: int, past: Panel) -> tuple[np.ndarray | None, np.ndarray]:
    """Revenue per KPI, `[region, week]`, None where the panel has none; and where it is 0 for not being known yet.

    A table must have a number in planned weeks too, and people write 0: these have the usual one.

    Args:
        panel: from the first week of the fit on.
        n_past_weeks: weeks up to the last one with a KPI.
        past: these weeks, see `usual_worth`.
    """
    worth = panel.revenue_per_kpi
    if worth is None:
        return None, np.zeros(panel.present.shape, bool)
    unknown = (np.arange(len(panel.weeks)) >= n_past_weeks) & (worth == 0)
    return np.where(unknown, usual_worth(panel, past)[:, None], worth), unknown
