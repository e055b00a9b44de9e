"""Figures on a budget plan beside today's budget."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.annotations import largest
from deepcausalmmm_jax.plots.theme import BASE_COLOR, INK, channel_colors, compact, escaped, labels, row_height, styled

_ROOM = 1.3  # times the longest bar


def plan_against_history(
    channels: pd.DataFrame, unit: str = "spend, currency", top: int = 25, names: Sequence[str] | None = None
) -> go.Figure:
    """Spend of the plan (colour) beside today's (grey), by channel.

    Args:
        channels: by channel: `spend_today` and `spend_plan`.
        unit: unit of spend, as shown on the axis.
        top: channels drawn, by spend.
        names: all channels of the panel, for the colours that they have in other figures; those of the plan when None.

    Raises:
        DataError: a missing column, or no channel.
    """
    return _beside(channels, "spend", "Budget: plan (colour) and today (grey)", escaped(unit), top, names)


def outcome_against_history(
    channels: pd.DataFrame, kpi_name: str = "KPI", top: int = 25, names: Sequence[str] | None = None
) -> go.Figure:
    """Expected outcome of the plan (colour) beside that of today's spend (grey), by channel.

    Args:
        channels: by channel: `incremental_outcome_today` and `incremental_outcome_plan`, KPI units, with `_low` and
            `_high` of the plan for an ensemble.
        kpi_name: name of the KPI.
        top: channels drawn, by outcome.
        names: all channels of the panel, for their colours; those of the plan when None.

    Raises:
        DataError: a missing column, or no channel.
    """
    title = "Expected outcome: plan (colour) and today (grey)"
    return _beside(channels, "incremental_outcome", title, f"incremental {escaped(kpi_name)}", top, names)


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


def _beside(
    channels: pd.DataFrame, what: str, title: str, unit: str, top: int, names: Sequence[str] | None
) -> go.Figure:
    _refuse(channels, what)
    before, after = f"{what}_today", f"{what}_plan"
    colors, shown = channel_colors(names or list(channels.index)), labels(list(channels.index))
    drawn = channels.loc[largest(channels[[before, after]].max(axis=1), top)].sort_values(after)
    places = [shown[name] for name in drawn.index]
    figure = go.Figure()
    for column, label in ((before, "today"), (after, "plan")):
        figure.add_bar(
            x=drawn[column],
            y=places,
            orientation="h",
            name=label,
            text=_texts(drawn, column, before),
            textposition="outside",
            cliponaxis=False,
            textfont={"color": INK, "size": 11},
            customdata=_ends(drawn, column),
            marker={"color": [BASE_COLOR if column == before else colors[name] for name in drawn.index]},
            error_x=_bars(drawn, column),
            hovertemplate="%{y}: %{x:,.3~r}%{customdata}<extra>" + label + "</extra>",
            meta={"channels": list(drawn.index), **_bounds(drawn, column)},
        )
    styled(figure, title, unit, "", height=row_height(int(1.6 * len(drawn))))
    figure.update_yaxes(tickmode="linear", showgrid=False)
    if f"{after}_low" not in drawn:  # room for the amounts beside the longest bar
        least, most = (float(end) for end in (drawn[[before, after]].min().min(), drawn[[before, after]].max().max()))
        figure.update_xaxes(range=[_ROOM * min(least, 0.0), _ROOM * max(most, 1e-12)])
    return figure.update_layout(barmode="group", bargap=0.25, showlegend=False)


def _texts(drawn: pd.DataFrame, column: str, before: str) -> list[str] | None:
    """Amounts beside the bars, those of the plan with their change; none where error bars would cross them."""
    if f"{column}_low" in drawn:
        return None
    if column == before:
        return [compact(value) for value in drawn[column]]
    was = drawn[before].where(drawn[before] > 0)
    change = 100.0 * (drawn[column] / was - 1.0)
    return [
        compact(value) + ("" if pd.isna(more) else f" ({more:+.0f}%)")
        for value, more in zip(drawn[column], change, strict=True)
    ]


def _ends(drawn: pd.DataFrame, column: str) -> list[str]:
    """The interval of each bar in words, for its tooltip; empty where there is none."""
    if f"{column}_low" not in drawn:
        return [""] * len(drawn)
    pairs = zip(drawn[f"{column}_low"], drawn[f"{column}_high"], strict=True)
    return [f" (range: {compact(low)} to {compact(high)})" for low, high in pairs]


def _bounds(drawn: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """Both ends of each bar's interval for the table behind the figure; error bars cannot end short of their bar."""
    if f"{column}_low" not in drawn:
        return {}
    return {end: drawn[f"{column}_{end}"].astype(float).tolist() for end in ("low", "high")}


def _bars(drawn: pd.DataFrame, column: str) -> dict[str, object] | None:
    """Error bars, which stay on their bar within a group; none where the plan has no intervals."""
    if f"{column}_low" not in drawn:
        return None
    up = (drawn[f"{column}_high"] - drawn[column]).clip(lower=0)
    down = (drawn[column] - drawn[f"{column}_low"]).clip(lower=0)
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": INK, "thickness": 1.3}
