"""All checks of a panel, one after another."""

from collections.abc import Callable, Iterator

from deepcausalmmm_jax.data.diagnosis import (
    breaks,
    columns,
    completeness,
    feedback,
    frequency,
    kpi_values,
    spend,
    zero_weeks,
)
from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis
from deepcausalmmm_jax.data.diagnosis.findings import Finding
from deepcausalmmm_jax.data.holdout import refuse_without_kpi
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.io.grades import ORDER
from deepcausalmmm_jax.steps import Steps

_WHOLE: tuple[Callable[[Panel], Iterator[Finding]], ...] = (  # weeks after the last KPI included
    completeness.fittable_findings,
    completeness.trailing_zero_findings,
)
_PAST: tuple[Callable[[Panel], Iterator[Finding]], ...] = (
    completeness.gap_findings,
    completeness.missing_kpi_findings,
    kpi_values.level_findings,
    kpi_values.count_findings,
    zero_weeks.zero_week_findings,
    kpi_values.outlier_findings,
    kpi_values.repeated_findings,
    kpi_values.doubled_findings,
    breaks.kpi_step_findings,
    breaks.short_week_findings,
    kpi_values.same_region_findings,
    kpi_values.region_total_findings,
    columns.outlier_findings,
    columns.constant_findings,
    columns.variation_findings,
    columns.copy_findings,
    columns.collinearity_findings,
    frequency.frequency_findings,
    breaks.control_step_findings,
    spend.price_findings,
    breaks.region_price_findings,
    spend.spend_findings,
    feedback.mediator_findings,
    feedback.feedback_findings,
    completeness.size_findings,
)


def diagnose(panel: Panel) -> Diagnosis:
    """Check a panel before it is fitted; see `Panel.diagnose`."""
    refuse_without_kpi(panel)
    past = panel.until_last_kpi()
    with Steps("data checks") as wait:
        wait.step(f"{len(_WHOLE) + len(_PAST)} checks")
        rows = [row for check in _WHOLE for row in check(panel)] + [row for check in _PAST for row in check(past)]
    worded = Wording(panel)
    rows = [row.in_units(worded) for row in rows]
    return Diagnosis(tuple(sorted(rows, key=lambda row: -ORDER.index(row.grade))))
