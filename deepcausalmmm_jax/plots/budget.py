"""Figures on a budget plan beside today's budget."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.annotations import largest
from deepcausalmmm_jax.plots.theme import BASE_COLOR, INK, channel_colors, escaped, labels, row_height, styled


def plan_against_history(channels: pd.DataFrame, unit: str = "spend, currency", top: int = 25) -> go.Figure:
    """Spend of the plan (colour) beside today's (grey), by channel.

    Args:
        channels: by channel: `spend_today` and `spend_plan`.
        unit: unit of spend, as shown on the axis.
        top: channels drawn, by spend.

    Raises:
        DataError: a missing column, or no channel.
    """
    return _beside(channels, "spend", "Budget: plan (colour) and today (grey)", escaped(unit), top)


def outcome_against_history(channels: pd.DataFrame, kpi_name: str = "KPI", top: int = 25) -> go.Figure:
    """Expected outcome of the plan (colour) beside that of today's spend (grey), by channel.

    Args:
        channels: by channel: `incremental_outcome_today` and `incremental_outcome_plan`, KPI units, with `_low` and
            `_high` of the plan for an ensemble.
        kpi_name: name of the KPI.
        top: channels drawn, by outcome.

    Raises:
        DataError: a missing column, or no channel.
    """
    title = "Expected outcome: plan (colour) and today (grey)"
    return _beside(channels, "incremental_outcome", title, f"incremental {escaped(kpi_name)}", top)


def refuse_unknown_plan(plan: BudgetPlan) -> None:
    """Check that a plan can be shown beside today's budget.

    Raises:
        DataError: not a plan, a missing column, or no channel.
    """
    if not isinstance(plan, BudgetPlan):
        raise DataError(f"plan must be what optimize_budget returns, got {type(plan).__name__}.")
    _refuse(plan.channels, "spend")


def _refuse(channels: pd.DataFrame, what: str) -> None:
    for column in (f"{what}_today", f"{what}_plan"):
        if column not in channels:
            raise DataError(f"The plan's table of channels has no column {column!r}.")
    if channels.empty:
        raise DataError("The plan has no channel.")


def _beside(channels: pd.DataFrame, what: str, title: str, unit: str, top: int) -> go.Figure:
    _refuse(channels, what)
    before, after = f"{what}_today", f"{what}_plan"
    colors, shown = channel_colors(list(channels.index)), labels(list(channels.index))
    drawn = channels.loc[largest(channels[[before, after]].max(axis=1), top)].sort_values(after)
    names = [shown[name] for name in drawn.index]
    figure = go.Figure()
    for column, label in ((before, "today"), (after, "plan")):
        figure.add_bar(
            x=drawn[column],
            y=names,
            orientation="h",
            name=label,
            marker={"color": [BASE_COLOR if column == before else colors[name] for name in drawn.index]},
            error_x=_bars(drawn, column),
            hovertemplate="%{y}: %{x:,.4~r}<extra>" + label + "</extra>",
            meta={"channels": list(drawn.index)},
        )
    styled(figure, title, unit, "", height=row_height(int(1.6 * len(drawn))))
    figure.update_yaxes(tickmode="linear", showgrid=False)
    return figure.update_layout(barmode="group", bargap=0.25, showlegend=False)


def _bars(drawn: pd.DataFrame, column: str) -> dict[str, object] | None:
    """Error bars, which stay on their bar within a group; none where the plan has no intervals."""
    if f"{column}_low" not in drawn:
        return None
    up = (drawn[f"{column}_high"] - drawn[column]).clip(lower=0)
    down = (drawn[column] - drawn[f"{column}_low"]).clip(lower=0)
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": INK, "thickness": 1.3}
