"""Units of figures in words, for columns and axes."""

from typing import NamedTuple

from deepcausalmmm_jax.data.panel import Panel


class Units(NamedTuple):
    """Names of the units of a plan's or a curve's figures."""

    spend: str
    outcome: str
    revenue: str
    roi: str
    in_currency: bool = True  # whether spend is money rather than exposure


def units_of(panel: Panel, in_currency: bool, has_revenue: bool) -> Units:
    """Units of a panel's answers: currency where spend and revenue are known, exposure and KPI units otherwise."""
    spend = "spend, currency" if in_currency else "exposure units (no spend given)"
    outcome = f"{panel.kpi_label}, KPI units"
    revenue = "revenue, currency" if has_revenue else f"{panel.kpi_label}, KPI units (no revenue per KPI given)"
    per = "per unit of spend" if in_currency else "per exposure unit"
    roi = f"revenue {per}" if has_revenue else f"KPI units {per}"
    return Units(spend, outcome, revenue, roi, in_currency)
