"""Figures on plans and response curves."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.theme import BASE_COLOR, PREDICTED_COLOR, channel_colors, escaped, styled


def allocation(channels: pd.DataFrame, unit: str) -> go.Figure:
    """Spend by channel, today and as planned.

    Args:
        channels: index channel, columns `spend_today` and `spend_plan`.
        unit: what spend is counted in.
    """
    names = [escaped(name) for name in channels.index]
    figure = go.Figure()
    figure.add_bar(x=names, y=channels["spend_today"], name="today", marker_color=BASE_COLOR)
    figure.add_bar(x=names, y=channels["spend_plan"], name="plan", marker_color=PREDICTED_COLOR)
    figure.update_layout(barmode="group")
    return styled(figure, "Budget by channel", "channel", escaped(unit))


def response(table: pd.DataFrame, spend_unit: str, outcome_unit: str) -> go.Figure:
    """Incremental outcome against spend, a line a channel: whole where training saw it, dotted beyond; today marked.

    Args:
        table: rows of one region by channel and multiplier, as `ResponseCurves.table` has them.
        spend_unit: what spend is counted in.
        outcome_unit: what the outcome is counted in.
    """
    channels = list(dict.fromkeys(table["channel"]))
    colors = channel_colors(channels)
    figure = go.Figure()
    for name in channels:
        curve = table[table["channel"] == name]
        x = "spend" if curve["spend"].notna().all() else "exposure"
        seen, beyond = curve[~curve["extrapolation"]], curve[curve["extrapolation"]]
        line = {"color": colors[name]}
        figure.add_scatter(x=seen[x], y=seen["incremental_outcome"], name=escaped(name), mode="lines", line=line)
        if len(beyond):
            joined = pd.concat([seen.tail(1), beyond])
            figure.add_scatter(
                x=joined[x],
                y=joined["incremental_outcome"],
                name=f"{escaped(name)}, beyond training",
                mode="lines",
                line=line | {"dash": "dot"},
                showlegend=False,
            )
        now = curve[curve["multiplier"] == 1.0]
        figure.add_scatter(
            x=now[x],
            y=now["incremental_outcome"],
            mode="markers",
            marker=line | {"size": 9},
            name=f"{escaped(name)} today",
            showlegend=False,
        )
    return styled(figure, "Response curves", escaped(spend_unit), f"incremental {escaped(outcome_unit)}")
