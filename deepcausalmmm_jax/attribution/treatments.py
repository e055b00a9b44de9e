"""Tables of treatments and events: what each contributed, and its effect per unit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.credited import control_effects
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import predictions
from deepcausalmmm_jax.attribution.intervals import interval, require_level
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.panel import Panel

TREATMENT, EVENT = "treatment", "event"


class _Told(NamedTuple):
    """What some controls contributed in the weeks up to the last with a KPI, `[..., control]` each."""

    outcome: np.ndarray  # KPI units
    revenue: np.ndarray  # currency; KPI units where no revenue per KPI is known
    per_unit: np.ndarray  # KPI units of a week, of all regions together, per unit of the control in each


def treatment_table(fit: FittedPanel, members: Variables | None, level: float) -> pd.DataFrame:
    """What each treatment contributed against its baseline, in all regions, up to the last week with a KPI.

    Args:
        fit: the fit on its own panel.
        members: sets of variables with a leading axis, for intervals; None without.
        level: of the intervals.

    Returns:
        By treatment: `baseline` as stated; `baseline_value` and `mean_value`, means over regions and weeks in its unit;
        `incremental_outcome`, the prediction less the prediction with the treatment at its baseline, KPI units;
        `pct_of_contribution`, that in percent of the predicted KPI; `outcome_per_unit`, KPI of a week (under a log
        link, of a mean one) if it is one unit higher in every region; and, where revenue per KPI is known, `revenue`:
        the outcome at the revenue per KPI of its week, so that what a price changes per unit sold is not in it. With
        `_low` and `_high` where there are members.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    panel = fit.panel
    at = [panel.controls.index(entry.name) for entry in panel.treatments]
    count, counted = max(float(panel.past.sum()), 1.0), panel.past[:, :, None]
    facts: dict[str, object] = {
        "baseline": [entry.baseline_in_words for entry in panel.treatments],
        "baseline_value": fit.baselines.value[:, at].mean(axis=0),
        "mean_value": np.where(counted, panel.control[:, :, at], 0.0).sum(axis=(0, 1)) / count,
    }
    names = [entry.name for entry in panel.treatments]
    return _with_figures(fit, members, level, facts, at, pd.Index(names, name=TREATMENT, dtype=object), "per_unit")


def event_table(fit: FittedPanel, members: Variables | None, level: float) -> pd.DataFrame:
    """What each event contributed against weeks without it, in all regions, up to the last week with a KPI.

    Args:
        fit: the fit on its own panel.
        members: sets of variables with a leading axis, for intervals; None without.
        level: of the intervals.

    Returns:
        By event: `times`, on how many days it fell in a week with a KPI; `incremental_outcome`, `pct_of_contribution`
        and `revenue` as for treatments; and `outcome_per_event`, KPI of one event in all regions. With `_low` and
        `_high` where there are members.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    panel = fit.panel
    names = panel.event_names
    at = [panel.controls.index(name) for name in names]
    facts: dict[str, object] = {"times": _times(panel, names)}
    return _with_figures(fit, members, level, facts, at, pd.Index(names, name=EVENT, dtype=object), "per_event")


def _times(panel: Panel, names: Sequence[str]) -> list[int]:
    """How often each event fell in a week with a KPI."""
    if panel.events is None:
        return []
    seen = panel.events.times_seen(panel.weeks, panel.regions, panel.cadence, panel.weights > 0)
    return [seen[name] for name in names]


def _with_figures(
    fit: FittedPanel,
    members: Variables | None,
    level: float,
    facts: dict[str, object],
    at: list[int],
    index: pd.Index,
    unit: str,
) -> pd.DataFrame:
    own, predicted = _told(fit, fit.variables, at), _predicted(fit)
    figures = {"incremental_outcome": own.outcome, "pct_of_contribution": 100.0 * own.outcome / predicted}
    figures[f"outcome_{unit}"] = own.per_unit
    has_revenue = fit.panel.revenue_per_kpi is not None
    if has_revenue:
        figures["revenue"] = own.revenue
    drawn: dict[str, np.ndarray] = {}
    if members is not None and at:
        all_of = _told(fit, members, at)
        share = 100.0 * all_of.outcome / _predicted_by_member(fit, members)[:, None]
        drawn = {"incremental_outcome": all_of.outcome, "pct_of_contribution": share}
        drawn |= {f"outcome_{unit}": all_of.per_unit, "revenue": all_of.revenue}
    columns = dict(facts)
    for name, values in figures.items():
        columns[name] = values
        if name in drawn:
            columns[f"{name}_low"], columns[f"{name}_high"] = interval(drawn[name], level)
    return pd.DataFrame(columns, index=index)


def _told(fit: FittedPanel, variables: Variables, at: list[int]) -> _Told:
    panel, scales, counted = fit.panel, fit.scales, fit.panel.past
    if not at:
        return _Told(np.zeros(0), np.zeros(0), np.zeros(0))
    worth = 1.0 if panel.revenue_per_kpi is None else np.where(counted, panel.revenue_per_kpi, 0.0)
    above = (panel.control[:, :, at] - fit.baselines.value[:, None, at]) * counted[:, :, None]
    per_unit = (control_effects(variables, fit.control_sign) / scales.control_scale)[..., at]
    if fit.has_log_link:
        return _multiplied(fit, variables, per_unit, above, np.broadcast_to(worth, counted.shape))
    slope = per_unit * scales.kpi[:, None]
    earned = (above * np.broadcast_to(worth, counted.shape)[:, :, None]).sum(axis=1)
    return _Told((slope * above.sum(axis=1)).sum(axis=-2), (slope * earned).sum(axis=-2), slope.sum(axis=-2))


def _multiplied(
    fit: FittedPanel, variables: Variables, per_unit: np.ndarray, above: np.ndarray, worth: np.ndarray
) -> _Told:
    """The same under a log link: the prediction less the prediction with one control at its baseline.

    Args:
        fit: the fit on its own panel.
        variables: its own, or those of members with a leading axis.
        per_unit: `[..., region, control]`, effects on the log of the KPI per unit of the controls.
        above: `[region, week, control]`, controls less their baselines; 0 in weeks that do not count.
        worth: `[region, week]`, currency per KPI unit.
    """
    counted = fit.panel.past
    prediction = fit.prediction
    if per_unit.ndim == 3:
        drawn = np.asarray(predictions(variables, fit.inputs, fit.design), np.float64)
        prediction = drawn * fit.scales.kpi[:, None]
    lost = np.stack(
        [prediction * -np.expm1(-per_unit[..., k, None] * above[:, :, k]) for k in range(above.shape[2])], axis=-1
    )
    mean = np.where(counted, prediction, 0.0).sum(axis=-1) / np.maximum(counted.sum(axis=1), 1)
    return _Told(
        lost.sum(axis=(-3, -2)),
        (lost * worth[:, :, None]).sum(axis=(-3, -2)),
        (mean[..., None] * np.expm1(per_unit)).sum(axis=-2),
    )


def _predicted(fit: FittedPanel) -> float:
    return float(np.where(fit.panel.past, fit.counted_prediction(), 0.0).sum())


def _predicted_by_member(fit: FittedPanel, members: Variables) -> np.ndarray:
    """The same by member, `[member]`: a share is one of what the member itself predicts, as in `media_summary`."""
    scaled = np.asarray(predictions(members, fit.inputs, fit.design), np.float64)
    counted = scaled * fit.scales.kpi[:, None] + fit.size_over_mean()[:, None]
    return np.asarray(np.where(fit.panel.past, counted, 0.0).sum(axis=(1, 2)))
