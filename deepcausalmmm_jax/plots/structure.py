"""Figures of graphs learned from observations: with lags, with directions left open, and by group."""

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from deepcausalmmm_jax.dag.graph_groups import GraphGroups
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph
from deepcausalmmm_jax.plots.annotations import need
from deepcausalmmm_jax.plots.theme import BASE_COLOR, INK, MUTED, WARNING, escaped, styled

_LABEL_AT = 0.42  # of the way from source to target: labels of opposite edges stay apart
_ASIDE = 0.07  # how far an edge lies to the side, so that opposite edges stay apart


def learned_graph(graph: LearnedGraph) -> go.Figure:
    """Variables on a circle, with an arrow an edge, and its lag written on it.

    An edge whose direction the observations do not decide is dashed and has no head. Negative weights have the warning
    colour. Effects of a variable on itself are left out.

    Args:
        graph: from `learn_dag`.

    Raises:
        DataError: no edge was found.
    """
    need(not graph.edges().empty, "an edge between variables", "none was found in these observations")
    figure = go.Figure()
    _draw(figure, graph, "x", "y")
    styled(figure, "Which variable drives which", "", "", remark=_remark(graph), height=480)
    figure.update_xaxes(visible=False, range=[-1.75, 1.75])
    return figure.update_yaxes(visible=False, range=[-1.3, 1.3])


def graph_groups(groups: GraphGroups, columns: int = 3) -> go.Figure:
    """The graph of each group side by side, as in `learned_graph`, with the number of its units.

    Args:
        groups: from `learn_dag(groups=...)`.
        columns: graphs a row.

    Raises:
        DataError: no edge was found in any group.
    """
    need(not groups.edges().empty, "an edge between variables", "none was found in any group")
    size = groups.labels.value_counts().to_dict()
    titles = [f"{escaped(str(name))}: {size[name]} unit{'s' if size[name] > 1 else ''}" for name in groups.graphs]
    n_columns = min(columns, len(titles))
    n_rows = math.ceil(len(titles) / n_columns)
    figure = make_subplots(n_rows, n_columns, subplot_titles=titles, horizontal_spacing=0.02)
    for number, graph in enumerate(groups.graphs.values()):
        axis = "" if number == 0 else str(number + 1)
        _draw(figure, graph, f"x{axis}", f"y{axis}")
    remark = _remark(*groups.graphs.values())
    styled(figure, "Graphs by group of units", "", "", remark=remark, height=80 + 330 * n_rows)
    figure.update_xaxes(visible=False, range=[-1.75, 1.75])
    return figure.update_yaxes(visible=False, range=[-1.3, 1.3])


def _remark(*graphs: LearnedGraph) -> str:
    is_open = any(((graph.adjacency != 0) & ~graph.decided).any() for graph in graphs)
    return "; dashed: the data do not decide the direction" if is_open else ""


def _draw(figure: go.Figure, graph: LearnedGraph, x_axis: str, y_axis: str) -> None:
    n = len(graph.names)
    angle = [2 * math.pi * i / n + math.pi / 2 for i in range(n)]
    at = {name: (math.cos(a), math.sin(a)) for name, a in zip(graph.names, angle, strict=True)}
    table = graph.edges()
    strongest = float(table["weight"].abs().max()) if len(table) else 1.0
    for source, target, lag, weight, decided in table.itertuples(index=False):
        tail, head = _shifted(at[source], at[target])
        width, color = 1 + 2 * abs(weight) / strongest, MUTED if weight > 0 else WARNING
        if decided:
            figure.add_annotation(
                x=head[0],
                y=head[1],
                ax=tail[0],
                ay=tail[1],
                xref=x_axis,
                yref=y_axis,
                axref=x_axis,
                ayref=y_axis,
                text="",
                showarrow=True,
                arrowhead=2,
                arrowwidth=width,
                arrowcolor=color,
                standoff=13,
                startstandoff=13,
            )
        else:
            line = {"color": color, "width": width, "dash": "dash"}
            figure.add_shape(
                type="line", x0=tail[0], y0=tail[1], x1=head[0], y1=head[1], xref=x_axis, yref=y_axis, line=line
            )
        if lag:
            x, y = (a + _LABEL_AT * (b - a) for a, b in zip(tail, head, strict=True))
            font = {"size": 10}
            figure.add_annotation(
                x=x, y=y, xref=x_axis, yref=y_axis, text=f"lag {lag}", showarrow=False, bgcolor="white", font=font
            )
    figure.add_trace(
        go.Scatter(
            x=[point[0] for point in at.values()],
            y=[point[1] for point in at.values()],
            xaxis=x_axis,
            yaxis=y_axis,
            mode="markers+text",
            text=[escaped(str(name)) for name in at],
            textposition=[_side(x, y) for x, y in at.values()],
            textfont={"color": INK, "size": 11},
            marker={"size": 16, "color": BASE_COLOR},
            hoverinfo="text",
            showlegend=False,
        )
    )


def _side(x: float, y: float) -> str:
    """Where a name stands: outside the circle, clear of the edges."""
    if abs(x) > 0.2:
        return "middle right" if x > 0 else "middle left"
    return "top center" if y > 0 else "bottom center"


def _shifted(tail: tuple[float, float], head: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    dx, dy = head[0] - tail[0], head[1] - tail[1]
    length = math.hypot(dx, dy)
    aside = (-_ASIDE * dy / length, _ASIDE * dx / length)
    return (tail[0] + aside[0], tail[1] + aside[1]), (head[0] + aside[0], head[1] + aside[1])
