"""Figures on tests that could be run next."""

import numpy as np
import plotly.graph_objects as go

from deepcausalmmm_jax.axes import TIME
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.planning.experiments.experiment_plan import ExperimentPlan
from deepcausalmmm_jax.plots.theme import (
    ACTUAL_COLOR,
    BASE_COLOR,
    PREDICTED_COLOR,
    channel_colors,
    escaped,
    labels,
    styled,
)
from deepcausalmmm_jax.plots.units import in_units

_KINDS = {"go_dark": "circle", "heavy_up": "triangle-up"}


def experiment_values(plan: ExperimentPlan) -> go.Figure:
    """What each candidate would add to the budget plan against what it costs; on the line both are equal.

    Args:
        plan: what `plan_experiments` returns.

    Raises:
        DataError: not a plan of experiments.
    """
    _refuse(plan)
    table, unit = plan.table, escaped(plan.units.revenue)
    channels = list(dict.fromkeys(table["channel"]))
    colors, shown = channel_colors(sorted(channels)), labels(channels)
    figure = go.Figure()
    for channel in channels:
        own = table[table["channel"] == channel]
        figure.add_scatter(
            x=own["cost"],
            y=own["value_of_information"],
            mode="markers",
            name=shown[channel],
            marker={
                "color": colors[channel],
                "size": 9,
                "symbol": [_KINDS[kind] for kind in own["kind"]],
                "line": {"width": 1, "color": "white"},
            },
            customdata=np.stack(
                [own.index, 100 * own["spend_change"], own["n_regions"], own["weeks"], own["narrowing_pct"]], axis=1
            ),
            hovertemplate=(
                "candidate %{customdata[0]}: %{customdata[1]:+.0f}% in %{customdata[2]} regions for %{customdata[3]} "
                "weeks<br>value %{y:,.4~r}, cost %{x:,.4~r}<br>ROI interval %{customdata[4]:.0f}% narrower<extra>"
                + escaped(channel)
                + "</extra>"
            ),
            meta={"channel": channel},
        )
    most = float(max(table["cost"].max(), table["value_of_information"].max(), 0.0))
    figure.add_scatter(
        x=[0.0, most],
        y=[0.0, most],
        mode="lines",
        name="value = cost",
        line={"color": BASE_COLOR, "dash": "dot"},
        hoverinfo="skip",
    )
    best = table.iloc[0]
    figure.add_annotation(x=best["cost"], y=best["value_of_information"], text="best", showarrow=True, arrowhead=0)
    verdict = "" if plan.worth_testing else ": nothing is worth testing"
    title = f"Value of information and cost of a test{verdict}"
    gain = f"gain of the plan in {plan.horizon} weeks, {unit}"
    return in_units(styled(figure, title, f"net cost of the test, {unit}", gain), plan.panel)


def experiment_match(plan: ExperimentPlan, candidate: int | None = None) -> go.Figure:
    """KPI of the regions under test before the test, beside the weighted KPI of the regions they are compared with.

    Args:
        plan: what `plan_experiments` returns.
        candidate: its label in the table; the best when None.

    Raises:
        ConfigError: there is no such candidate.
        DataError: not a plan of experiments, or a national test, which has no match.
    """
    _refuse(plan)
    weeks = plan.pre_period(candidate)
    if weeks.empty:
        raise DataError("A national test has no regions to compare with, so there is no match to draw.")
    row = plan.experiment(plan.best.candidate if candidate is None else candidate).figures
    figure = go.Figure()
    for column, name, color in (
        ("observed", "regions under test", ACTUAL_COLOR),
        ("matched", "weighted regions of the match", PREDICTED_COLOR),
    ):
        figure.add_scatter(x=weeks[TIME], y=weeks[column], mode="lines", name=name, line={"color": color, "width": 1.8})
    title = (
        f"Before the test: {row['n_regions']} regions and their match, R2 {row['r2']:.2f}, "
        f"error {row['rmse_pct']:.1f}% of a week"
    )
    return in_units(styled(figure, title, "", f"{escaped(plan.units.outcome)}, all test regions"), plan.panel)


def _refuse(plan: object) -> None:
    if not isinstance(plan, ExperimentPlan):
        raise DataError(f"plan must be what plan_experiments returns, got {type(plan).__name__}.")
