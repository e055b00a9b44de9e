"""Figures on what the prediction leaves over."""

import plotly.graph_objects as go

from deepcausalmmm_jax.plots.annotations import mark_holdout, need
from deepcausalmmm_jax.plots.fit import fit_table
from deepcausalmmm_jax.plots.protocols import Answers
from deepcausalmmm_jax.plots.theme import BASE_COLOR, INK, PREDICTED_COLOR, escaped, styled


def residuals(result: Answers, region: object | None = None) -> go.Figure:
    """KPI less prediction by week, the held-out weeks shaded.

    Args:
        result: a fit.
        region: one region; None adds up all.

    Raises:
        DataError: an unknown region.
    """
    table, name = fit_table(result, region)
    figure = go.Figure(
        go.Bar(
            x=table.index,
            y=table["residual"],
            marker={"color": PREDICTED_COLOR},
            meta={"series": "residual"},
            hovertemplate="%{x}: %{y:,.4~r}<extra></extra>",
        )
    )
    mark_holdout(figure, result)
    title = f"What the prediction leaves over, {name}"
    styled(figure, title, "week", f"actual less predicted {escaped(result.panel.kpi_name)}", height=360)
    return figure.update_layout(showlegend=False)


def residual_autocorrelation(result: Answers) -> go.Figure:
    """Autocorrelation of the residuals in the training weeks; bars inside the grey band could be chance.

    Raises:
        DataError: too few weeks.
    """
    table = result.residual_autocorrelation()
    need(len(table), "more weeks", "take a longer panel")
    figure = go.Figure()
    bound = float(table["bound"].iloc[0])
    figure.add_hrect(y0=-bound, y1=bound, fillcolor=BASE_COLOR, opacity=0.3, line_width=0, layer="below")
    figure.add_bar(x=table.index, y=table["national"], name="all regions together", marker={"color": PREDICTED_COLOR})
    if len(result.panel.regions) > 1:
        figure.add_scatter(
            x=table.index,
            y=table["region"],
            name="within a region",
            mode="lines+markers",
            line={"color": INK, "width": 1.5},
            marker={"size": 5},
        )
    figure.update_traces(hovertemplate="lag %{x}: %{y:.2f}", selector={"type": "bar"})
    styled(figure, "Do errors persist?", "weeks apart", "autocorrelation of the residuals", height=360)
    return figure.update_layout(showlegend=True)
