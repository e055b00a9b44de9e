"""Figures on the channel graph: as a network, as a heatmap, and the effects along its edges."""

import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from deepcausalmmm_jax.plots.annotations import largest, need
from deepcausalmmm_jax.plots.theme import (
    BASE_COLOR,
    DIVERGING,
    INK,
    MUTED,
    WARNING,
    channel_colors,
    escaped,
    labels,
    row_height,
    styled,
)
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_MOST_NAMES = 24  # in larger networks the nodes carry no names
_MOST_COLUMNS = 3  # of panels, one a group of regions
_LABEL_AT = 0.38  # of the way from source to target, so that the labels of two opposite arrows do not meet


def graph_heatmap(result: FitResult, top: int = 30) -> go.Figure:
    """Weight of each link from row to column, its lags added up, and the share of refits that contain it.

    Where regions have graphs by group, there is a row for each group and channel that drives another in it.

    Args:
        result: a fit.
        top: channels drawn, those with the strongest links.

    Raises:
        DataError: a single channel, or no link.
    """
    links, channels = _linked(result, top)
    shown, groups = labels(list(result.panel.channels)), _groups(result, links)
    rows, weights, shares, lags = [], [], [], []
    for group, own in groups.items():
        weight = _square(own.groupby(["source", "target"])["weight"].sum(), channels)
        kept = [tail for tail in channels if group is None or (weight.loc[tail] != 0).any()]
        often = _shares(result, own, channels, group)
        delays = own.groupby(["source", "target"])["lag"].agg(_lag_label)
        rows += [shown[tail] if group is None else f"{escaped(group)}: {shown[tail]}" for tail in kept]
        weights.append(weight.loc[kept])
        lags += [[_after_dash(delays.get((tail, head), "")) for head in channels] for tail in kept]
        if often is not None:
            shares += [[f"{share:.0%}" if share > 0 else "" for share in row] for row in often.loc[kept].to_numpy()]
    joined = pd.concat(weights).to_numpy()
    values = np.where(joined != 0, joined, np.nan)
    span = float(np.nanmax(np.abs(values)))
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[shown[name] for name in channels],
            y=rows,
            customdata=lags,
            colorscale=DIVERGING,
            zmin=-span,
            zmax=span,
            xgap=1,
            ygap=1,
            text=shares or None,
            texttemplate="%{text}" if shares and len(channels) <= 16 else None,
            colorbar={"title": {"text": "weight"}, "thickness": 12},
            hovertemplate="%{y} → %{x}: %{z:.2f}%{customdata}"
            + (" · in %{text} of refits" if shares else "")
            + "<extra></extra>",
        )
    )
    remark = "; numbers: share of refits with the edge" if shares else ""
    styled(figure, "Edge weights, in average weeks", "to", "from", remark=remark)
    figure.update_layout(height=row_height(len(rows), base=240))
    figure.update_xaxes(tickangle=-60, tickmode="linear", showgrid=False, ticks="")
    return figure.update_yaxes(autorange="reversed", tickmode="linear", showgrid=False, ticks="")


def graph_network(result: FitResult, top: int = 30) -> go.Figure:
    """Channels on a circle, with an arrow for each pair that is linked; negative weights have the warning colour.

    Links that act with a lag have it written on the arrow, in weeks. Where regions have graphs by group, there is a
    panel for each group, with the number of its regions.

    Args:
        result: a fit; for a bootstrap, links found in few refits are paler.
        top: channels drawn, those with the strongest links.

    Raises:
        DataError: a single channel, or no link.
    """
    links, channels = _linked(result, top)
    angle = {name: 2 * math.pi * i / len(channels) + math.pi / 2 for i, name in enumerate(channels)}
    at = {name: (math.cos(angle[name]), math.sin(angle[name])) for name in channels}
    groups = _groups(result, links)
    figure, n_rows = _panels(result, groups)
    pairs = {group: _pairs(own) for group, own in groups.items()}
    strongest = max(float(own["weight"].abs().max()) for own in pairs.values() if len(own))
    for number, (group, own) in enumerate(groups.items()):
        axes = "" if number == 0 else str(number + 1)
        _add_arrows(figure, pairs[group], at, strongest, _shares(result, own, channels, group), axes)
        _add_nodes(figure, result, at, _as_table(links) if number == 0 else None, axes)
    styled(figure, "Which channel drives which", "", "", height=480 if len(groups) == 1 else 100 + 360 * n_rows)
    figure.update_xaxes(visible=False, range=[-1.75, 1.75])
    return figure.update_yaxes(visible=False, range=[-1.3, 1.3])


def _groups(result: FitResult, links: pd.DataFrame) -> dict[str | None, pd.DataFrame]:
    """Links by group of regions; under None where all regions have one graph."""
    names = result.fitted_panel.link_groups
    return {name: links[links["group"] == name] for name in names} if names else {None: links}


def _panels(result: FitResult, groups: dict[str | None, pd.DataFrame]) -> tuple[go.Figure, int]:
    """An empty figure with a panel for each group, and its rows."""
    if None in groups:
        return go.Figure(), 1
    size = result.link_groups.value_counts().to_dict()
    titles = [f"{escaped(str(name))}: {size[name]} region{'s' * (size[name] > 1)}" for name in groups]
    n_rows = math.ceil(len(titles) / _MOST_COLUMNS)
    columns = min(_MOST_COLUMNS, len(titles))
    return make_subplots(n_rows, columns, subplot_titles=titles, horizontal_spacing=0.02), n_rows


def _pairs(links: pd.DataFrame) -> pd.DataFrame:
    """One row per pair of channels: source, target, weight of all lags and these lags in words."""
    grouped = links.groupby(["source", "target"], as_index=False)
    return grouped.agg(weight=("weight", "sum"), lag=("lag", _lag_label))


def _add_arrows(
    figure: go.Figure,
    pairs: pd.DataFrame,
    at: dict[str, tuple[float, float]],
    strongest: float,
    often: pd.DataFrame | None,
    axes: str,
) -> None:
    """Arrows of one graph; `axes` is the number of its axes, empty for the first."""
    for tail, head, weight, lag in zip(*(pairs[name].tolist() for name in pairs), strict=True):
        figure.add_annotation(
            x=at[head][0],
            y=at[head][1],
            ax=at[tail][0],
            ay=at[tail][1],
            xref=f"x{axes}",
            yref=f"y{axes}",
            axref=f"x{axes}",
            ayref=f"y{axes}",
            text="",
            showarrow=True,
            arrowhead=2,
            arrowwidth=1 + 3 * abs(weight) / strongest,
            arrowcolor=MUTED if weight > 0 else WARNING,
            opacity=1.0 if often is None else 0.25 + 0.75 * float(often.loc[tail, head]),
            standoff=13,
            startstandoff=13,
        )
        if lag:
            x, y = (a + _LABEL_AT * (b - a) for a, b in zip(at[tail], at[head], strict=True))
            figure.add_annotation(
                x=x,
                y=y,
                xref=f"x{axes}",
                yref=f"y{axes}",
                text=lag,
                showarrow=False,
                bgcolor="white",
                font={"size": 10},
            )


def _lag_label(lags: pd.Series) -> str:
    """Lags of the links between two channels, such as `lag 1`; empty where they are linked in the same week alone."""
    weeks = sorted(lags)
    if weeks == [0]:
        return ""
    return f"{'lag' if len(weeks) == 1 else 'lags'} {', '.join(map(str, weeks))}"


def _after_dash(text: str) -> str:
    return f" · {text}" if text else ""


def _square(by_pair: pd.Series, channels: list[str]) -> pd.DataFrame:
    """Values by (source, target) as a table channel x channel; 0 elsewhere."""
    return by_pair.unstack().reindex(index=channels, columns=channels).fillna(0.0)


def _shares(result: FitResult, links: pd.DataFrame, channels: list[str], group: str | None) -> pd.DataFrame | None:
    """Share of the refits with a link, channel x channel, of the lag found most often; None without such refits."""
    if not isinstance(result, Ensemble) or result.from_posterior:
        return None
    found = _square(links.groupby(["source", "target"])["share_of_refits"].max(), channels)
    often = result.edge_frequency if group is None else result.edge_frequency.loc[group]
    return found.clip(lower=pd.DataFrame(often).loc[channels, channels])


def _as_table(links: pd.DataFrame) -> dict[str, list[Any]]:
    """The links behind the picture, for the table and the file beside it: the nodes' coordinates say nothing."""
    columns = {"group": "group"} if "group" in links else {}
    columns |= {"source": "from", "target": "to", **({"lag": "lag, weeks"} if links["lag"].any() else {})}
    columns |= {"weight": "weight, average weeks"}
    return {"header": list(columns.values()), "rows": links[list(columns)].astype(object).to_numpy().tolist()}


def _add_nodes(
    figure: go.Figure,
    result: FitResult,
    at: dict[str, tuple[float, float]],
    table: dict[str, list[Any]] | None,
    axes: str,
) -> None:
    channels = list(at)
    colors, shown = channel_colors(list(result.panel.channels)), labels(list(result.panel.channels))
    side = {
        name: "middle right" if x > 0.2 else "middle left" if x < -0.2 else "top center" if y > 0 else "bottom center"
        for name, (x, y) in at.items()
    }
    figure.add_scatter(
        x=[at[name][0] for name in channels],
        y=[at[name][1] for name in channels],
        mode="markers+text" if len(channels) <= _MOST_NAMES else "markers",
        text=[shown[name] for name in channels],
        textposition=[side[name] for name in channels],
        textfont={"size": 11},
        marker={"size": 18, "color": [colors[name] for name in channels], "line": {"color": INK, "width": 1}},
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
        showlegend=False,
        meta=None if table is None else {"table": table},
        xaxis=f"x{axes}",
        yaxis=f"y{axes}",
    )


def _linked(result: FitResult, top: int) -> tuple[pd.DataFrame, list[str]]:
    """Links between the channels drawn, and these channels."""
    links, channels = result.links(), list(result.panel.channels)
    need(len(channels) > 1, "several channels", "a single channel has no links")
    need(len(links) > 0, "a link between channels", "the fit found none that is clearly above zero")
    strength = _square(links["weight"].abs().groupby([links["source"], links["target"]]).sum(), channels)
    strongest = strength.max(axis=0) + strength.max(axis=1)
    kept = list(largest(strongest[strongest > 0] if len(channels) > top else strongest, top))
    return links[links["source"].isin(kept) & links["target"].isin(kept)], kept


def effects(result: FitResult, top: int = 20) -> go.Figure:
    """Outcome lost without each channel: its own, and through the channels that it drives.

    Args:
        result: a fit.
        top: channels drawn, by total effect.
    """
    table = FitResult.effects(result)  # without the intervals of an ensemble, which take a run of the model a member
    drawn = table.loc[largest(table["total"], top)].sort_values("total")
    colors, shown = channel_colors(list(table.index)), labels(list(table.index))
    figure = go.Figure()
    for part in ("direct", "mediated"):
        figure.add_bar(
            x=drawn[part],
            y=[shown[name] for name in drawn.index],
            orientation="h",
            name="direct" if part == "direct" else "mediated by other channels (hatched)",
            marker={
                "color": [colors[name] for name in drawn.index],
                "pattern": {"shape": "" if part == "direct" else "/", "fgcolor": "white", "size": 6},
            },
            customdata=[f" by {escaped(name)}" if name else "" for name in drawn["through"]],
            hovertemplate="%{y}: %{x:,.4~r} "
            + ("direct" if part == "direct" else "mediated%{customdata}")
            + "<extra></extra>",
            meta={"channels": list(drawn.index)},
        )
    figure.add_scatter(
        x=drawn["total"],
        y=[shown[name] for name in drawn.index],
        mode="markers",
        name="total",
        marker={"symbol": "line-ns", "size": 16, "line": {"color": INK, "width": 2.5}},
        hovertemplate="%{y}: %{x:,.4~r} in total<extra></extra>",
        meta={"channels": list(drawn.index)},
    )
    styled(figure, "Direct, mediated and total effects", escaped(result.panel.kpi_label), "")
    figure.update_layout(barmode="relative", height=row_height(len(drawn), base=190))
    figure.update_xaxes(zerolinecolor=BASE_COLOR)
    return figure.update_yaxes(tickmode="linear", showgrid=False)
