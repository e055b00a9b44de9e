"""Figure on two runs side by side."""

import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.theme import MUTED, PREDICTED_COLOR, escaped, labels, row_height, styled
from deepcausalmmm_jax.results.compare_runs import RunComparison

_TITLES = {
    "share": ("Contribution", "% of {}"),
    "roi": ("ROI", "ROI"),
    "weekly_contribution": ("Contribution per week", "KPI units per week"),
}


def run_changes(comparison: RunComparison, figure: str = "share") -> go.Figure:
    """A figure of each channel in two runs, with its standard errors.

    Args:
        comparison: what `compare_runs` returns.
        figure: `share`, `roi` or `weekly_contribution`.

    Raises:
        DataError: not a comparison, another figure, or one that neither run has.
    """
    if not isinstance(comparison, RunComparison):
        raise DataError(f"This figure needs what compare_runs returns, got {type(comparison).__name__}.")
    if figure not in _TITLES:
        raise DataError(f"figure must be one of {', '.join(_TITLES)}, got {figure!r}.")
    table = comparison.figures
    rows = table[table.index.get_level_values("figure") == figure].droplevel("figure")
    rows = rows.dropna(subset=["before", "after"], how="all")
    if not len(rows):
        raise DataError(f"The comparison has no {figure!r} of a channel that both runs have.")
    rows = rows.sort_values("after")
    shown = labels(list(rows.index))
    names = [shown[name] for name in rows.index]
    drawn = go.Figure()
    for column, color, symbol in (("before", MUTED, "circle-open"), ("after", PREDICTED_COLOR, "circle")):
        drawn.add_scatter(
            x=rows[column],
            y=names,
            mode="markers",
            name=column,
            cliponaxis=False,
            marker={"color": color, "symbol": symbol, "size": 10},
            error_x={"type": "data", "array": rows[f"{column}_error"], "color": color, "thickness": 1.5},
            meta={"channels": list(rows.index), "errors": rows[f"{column}_error"].tolist()},
            hovertemplate=f"%{{y}}: %{{x:,.3~r}}<extra>{column}</extra>",
        )
    title, unit = (comparison.cadence.worded(text, ()) for text in _TITLES[figure])
    unit = unit.replace("{}", escaped(comparison.share_of))
    styled(drawn, f"{title}, before and after", unit, "", height=row_height(len(rows)))
    return drawn.update_yaxes(tickmode="linear", showgrid=False).update_layout(showlegend=True)
