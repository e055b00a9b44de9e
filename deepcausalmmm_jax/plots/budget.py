"""Figures on a budget plan beside history."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.analysis.answers import PlanAnswers
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.marks import largest
from deepcausalmmm_jax.plots.theme import BASE_COLOR, channel_colors, escaped, labels, row_height, styled


def plan_against_history(allocation: pd.DataFrame, top: int = 25) -> go.Figure:
    """Spend of the plan (colour) beside that of history (grey), by channel.

    Args:
        allocation: by channel: `spend_history` and `spend_plan`, currency.
        top: channels drawn, by spend.

    Raises:
        DataError: a missing column, or no channel.
    """
    return _beside(allocation, "spend", "Budget: plan (colour) beside history (grey)", "spend, currency", top)


def outcome_against_history(allocation: pd.DataFrame, kpi_name: str = "KPI", top: int = 25) -> go.Figure:
    """Outcome expected of the plan (colour) beside that of history (grey), by channel.

    Args:
        allocation: by channel: `outcome_history` and `outcome_plan`, KPI units; `outcome_plan_low` and `_high` where
            there are refits.
        kpi_name: name of the KPI.
        top: channels drawn, by outcome.

    Raises:
        DataError: a missing column, or no channel.
    """
    title = "Expected outcome: plan (colour) beside history (grey)"
    return _beside(allocation, "outcome", title, escaped(kpi_name), top)


def refuse_unknown_plan(plan: PlanAnswers) -> None:
    """Check that a plan can be shown beside history.

    Raises:
        DataError: a missing column, or no channel.
    """
    _refuse(plan.allocation, "spend")


def _refuse(allocation: pd.DataFrame, what: str) -> None:
    for column in (f"{what}_history", f"{what}_plan"):
        if column not in allocation:
            raise DataError(f"The allocation of a plan has no column {column!r}.")
    if allocation.empty:
        raise DataError("The allocation of a plan has no channel.")


def _beside(allocation: pd.DataFrame, what: str, title: str, unit: str, top: int) -> go.Figure:
    before, after = f"{what}_history", f"{what}_plan"
    _refuse(allocation, what)
    colors, shown = channel_colors(list(allocation.index)), labels(list(allocation.index))
    drawn = allocation.loc[largest(allocation[[before, after]].max(axis=1), top)].sort_values(after)
    names = [shown[name] for name in drawn.index]
    figure = go.Figure()
    for column, label in ((before, "history"), (after, "plan")):
        own = [BASE_COLOR if column == before else colors[name] for name in drawn.index]
        bounds = [drawn.get(f"{column}_{end}") for end in ("low", "high")]
        errors = None
        if bounds[0] is not None and bounds[1] is not None:
            errors = {
                "type": "data",
                "symmetric": False,
                "array": bounds[1] - drawn[column],
                "arrayminus": drawn[column] - bounds[0],
            }
        figure.add_bar(
            x=drawn[column],
            y=names,
            orientation="h",
            name=label,
            marker={"color": own},
            error_x=errors,
            hovertemplate="%{y}: %{x:,.4~r}<extra>" + label + "</extra>",
            meta={"channels": list(drawn.index)},
        )
    styled(figure, title, unit, "", height=row_height(int(1.6 * len(drawn))))
    figure.update_yaxes(tickmode="linear", showgrid=False)
    return figure.update_layout(barmode="group", bargap=0.25, showlegend=False)
