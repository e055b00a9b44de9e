"""The health card as a figure."""

import textwrap

import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.plots.theme import escaped, row_height, styled
from deepcausalmmm_jax.trust.health_card import HealthCard

_LOOKS = {
    Grade.NOT_RUN: ("circle-open", "#6b7785"),
    Grade.PASS: ("circle", "#009E73"),
    Grade.LOOK: ("diamond", "#E69F00"),
    Grade.FAIL: ("x", "#D55E00"),
}
_WIDTH = 60  # characters of a line of the text that a pointer shows


def health_card(card: HealthCard) -> go.Figure:
    """Every check of a health card in the column of its grade; the title has the verdict.

    Args:
        card: what `health` returns.

    Raises:
        DataError: not a health card.
    """
    if not isinstance(card, HealthCard):
        raise DataError(f"health_card draws what health returns, got {type(card).__name__}.")
    rows = card.rows[::-1]
    symbols, colors = zip(*(_LOOKS[row.grade] for row in rows), strict=True)
    figure = go.Figure(
        go.Scatter(
            x=[row.grade.value for row in rows],
            y=[row.check.value for row in rows],
            name="grade",
            mode="markers",
            marker={"size": 15, "symbol": list(symbols), "color": list(colors)},
            customdata=["<br>".join(textwrap.wrap(escaped(row.figure), _WIDTH)) for row in rows],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    )
    styled(figure, f"Health: {card.verdict.value}", "", "", height=row_height(len(rows), base=110))
    figure.update_xaxes(categoryorder="array", categoryarray=[grade.value for grade in Grade], side="top")
    figure.update_xaxes(range=[-0.5, len(Grade) - 0.5])
    return figure.update_yaxes(tickmode="linear").update_layout(showlegend=False)
