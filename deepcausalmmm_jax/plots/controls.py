"""Figures on controls: what they move by week, and how far."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.annotations import all_regions, largest, mark_holdout, need
from deepcausalmmm_jax.plots.theme import INK, channel_colors, escaped, labels, row_height, styled
from deepcausalmmm_jax.results.fit_result import FitResult

_MOST_WEEKS = 0.9  # share of the weeks between the ends of a bar


def controls_over_time(result: FitResult, top: int = 8) -> go.Figure:
    """What each control adds in each week, all regions together, against its mean.

    Args:
        result: a fit.
        top: controls drawn, those that move the KPI most.

    Raises:
        DataError: a panel without controls.
    """
    weekly = _weekly(result)
    kept = largest(weekly.std(), top)
    colors, shown = channel_colors(list(weekly.columns)), labels(list(weekly.columns))
    figure = go.Figure()
    for name in kept:
        figure.add_scatter(
            x=weekly.index,
            y=weekly[name],
            name=shown[name],
            mode="lines",
            line={"color": colors[name], "width": 1.8},
            hovertemplate="%{x}: %{y:+,.3~r}<extra>" + shown[name] + "</extra>",
            meta={"series": f"control:{name}", "column": str(name)},
        )
    mark_holdout(figure, result)
    title, unit = "Effect of controls by week, against their means", escaped(result.panel.kpi_label)
    return styled(figure, title, "week", unit, scope=all_regions(result.panel)).update_yaxes(rangemode="tozero")


def control_ranges(result: FitResult, top: int = 20) -> go.Figure:
    """How far each control moves the KPI of all regions together: 90 % of the weeks, and the extremes as lines.

    Args:
        result: a fit.
        top: controls drawn, those that move the KPI most.

    Raises:
        DataError: a panel without controls.
    """
    weekly = _weekly(result)
    ends = weekly.quantile([(1 - _MOST_WEEKS) / 2, (1 + _MOST_WEEKS) / 2])
    low, high = ends.iloc[0], ends.iloc[1]
    kept = (high - low)[largest(high - low, top)].sort_values().index
    colors, shown = channel_colors(list(weekly.columns)), labels(list(weekly.columns))
    names = [shown[name] for name in kept]
    least, most = weekly.min()[kept], weekly.max()[kept]
    figure = go.Figure(
        go.Scatter(
            x=[value for pair in zip(least, most, strict=True) for value in (*pair, None)],
            y=[name for name in names for _ in range(3)],
            mode="lines",
            line={"color": INK, "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for name, values in (("lower end", low[kept]), ("upper end", high[kept])):
        figure.add_bar(
            x=values,
            y=names,
            orientation="h",
            name=name,
            marker={"color": [colors[control] for control in kept]},
            meta={"rows": "control", "names": [str(control) for control in kept]},
            customdata=[[float(a), float(b)] for a, b in zip(low[kept], high[kept], strict=True)],
            hovertemplate="%{y}: %{customdata[0]:+,.3~r} to %{customdata[1]:+,.3~r} in 90% of the weeks<extra></extra>",
        )
    unit = f"{escaped(result.panel.kpi_label)} in a week"
    title = "Range of the effect of controls, against their means: 90% of the weeks; lines: all weeks"
    styled(figure, title, unit, "", height=row_height(len(kept)), scope=all_regions(result.panel))
    figure.update_yaxes(tickmode="linear", showgrid=False)
    return figure.update_layout(barmode="overlay", showlegend=False)


def control_names(result: FitResult) -> list[str]:
    """Controls that are counted from their means; treatments and events have baselines of their own."""
    terms = result.contributions
    kinds = [str(kind) for kind in terms["kind"].values]
    names = [str(name) for name in terms["component"].values]
    return [name for name, kind in zip(names, kinds, strict=True) if kind == "control"]


def _weekly(result: FitResult) -> pd.DataFrame:
    names = control_names(result)
    need(names, "controls", "give the panel its controls")
    return result.weekly_contributions()[names]
