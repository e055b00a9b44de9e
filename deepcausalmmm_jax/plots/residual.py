"""Figures on the residuals (actual minus predicted)."""

import plotly.graph_objects as go

from deepcausalmmm_jax.plots.annotations import mark_holdout, need
from deepcausalmmm_jax.plots.fit import fit_table
from deepcausalmmm_jax.plots.theme import BASE_COLOR, INK, PREDICTED_COLOR, escaped, styled
from deepcausalmmm_jax.results.fit_result import FitResult


def residuals(result: FitResult, region: object | None = None) -> go.Figure:
    """KPI minus prediction by week, with the held-out weeks shaded.

    Args:
        result: a fit.
        region: one region; None for the sum of all.

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
    unit = f"actual minus predicted {escaped(result.panel.kpi_label)}"
    styled(figure, "Residuals (actual minus predicted)", "week", unit, height=360, scope=name)
    return figure.update_layout(showlegend=False)


def residual_autocorrelation(result: FitResult) -> go.Figure:
    """Autocorrelation of the residuals in the training weeks; bars inside the grey band may be due to chance.

    Raises:
        DataError: too few weeks.
    """
    table = result.residual_autocorrelation()
    need(len(table), "more weeks", "use a longer panel")
    figure = go.Figure()
    bound = float(table["bound"].iloc[0])
    figure.add_hrect(y0=-bound, y1=bound, fillcolor=BASE_COLOR, opacity=0.3, line_width=0, layer="below")
    figure.add_bar(x=table.index, y=table["national"], name="all regions together", marker={"color": PREDICTED_COLOR})
    if len(result.panel.regions) > 1:
        figure.add_scatter(
            x=table.index,
            y=table["region"],
            name="within regions",
            mode="lines+markers",
            line={"color": INK, "width": 1.5},
            marker={"size": 5},
        )
    figure.update_traces(hovertemplate="lag %{x}: %{y:.2f}<extra>%{fullData.name}</extra>")
    styled(figure, "Autocorrelation of the residuals", "lag, weeks", "correlation", height=360)
    return figure.update_layout(showlegend=True)
