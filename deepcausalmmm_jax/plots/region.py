"""Figures by region: heatmaps of the largest regions, and maps of US states and television markets."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.attribution.share_basis import sized_share
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.plots.annotations import largest, need
from deepcausalmmm_jax.plots.geography import Geography, geography_of, tile_grid
from deepcausalmmm_jax.plots.theme import GRID, INK, MUTED, SEQUENTIAL, compact, escaped, labels, row_height, styled
from deepcausalmmm_jax.results.fit_result import FitResult

Measure = Literal["pct_of_contribution", "roi"]
_NAMES = {"pct_of_contribution": "Contribution by region", "roi": "ROI by region"}
_UNITS = {"pct_of_contribution": "% of the<br>region's KPI", "roi": "ROI"}


def region_heatmap(
    result: FitResult, measure: Measure = "pct_of_contribution", top: int = 25, top_channels: int = 20
) -> go.Figure:
    """Region x channel: the largest regions, and the others together in the last row.

    Args:
        result: a fit.
        measure: `pct_of_contribution` or `roi`.
        top: regions drawn separately, by their KPI.
        top_channels: channels drawn, by their outcome.

    Raises:
        ConfigError: an unknown measure.
        DataError: a national panel, or no spend for `roi`.
    """
    table = _wide(result, measure, top)
    summary = result.media_summary()
    columns = largest(summary.loc[list(table.columns), "incremental_outcome"], top_channels)
    table = table[columns].dropna(axis=1, how="all")
    names, shown = labels(list(table.index)), labels(list(table.columns))
    geography = geography_of(result.panel)
    rows = [_row_name(name, names, geography) for name in table.index]
    values, unit = table.to_numpy(), _UNITS[measure]
    if measure == "pct_of_contribution" and sized_share(result.fitted_panel):
        unit += "<br>or its size"
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[shown[name] for name in table.columns],
            y=rows,
            colorscale=SEQUENTIAL,
            zmin=min(0.0, float(np.nanmin(values))),
            zmax=float(np.nanquantile(values, 0.99)),
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": unit, "font": {"size": 12}}, "thickness": 12, "len": 0.9},
            hovertemplate="%{y}, %{x}: %{z:,.3~r}<extra></extra>",
            meta={"columns": list(table.columns), "rows": "region"},
        )
    )
    styled(figure, _NAMES[measure], "", "", height=row_height(len(table), base=220))
    figure.update_xaxes(tickangle=-60, tickmode="linear", showgrid=False, ticks="")
    return figure.update_yaxes(autorange="reversed", tickmode="linear", type="category", showgrid=False, ticks="")


def region_map(result: FitResult, measure: Measure = "pct_of_contribution") -> go.Figure:
    """Media's share of the KPI, or ROI, on a map: US states as tiles, DMAs as bubbles at their main city.

    The map needs no tiles from the network, so it opens offline.

    Raises:
        ConfigError: an unknown measure.
        DataError: regions that are neither US states nor DMA codes, or no spend for `roi`.
    """
    geography = geography_of(result.panel)
    if geography is None:
        raise DataError("The map needs US states, or DMA codes in a column with dma in its name, as regions.")
    table = _wide(result, measure, None)
    values = table.sum(axis=1) if measure == "pct_of_contribution" else _overall_roi(result)
    kpi = result.regional_summary().groupby("region", sort=False)["kpi"].first()
    title = {"pct_of_contribution": "Media's share of the KPI", "roi": "ROI of all media"}[measure]
    figure = _tiles(values, geography) if geography.kind == "states" else _bubbles(values, kpi, geography)
    styled(figure, f"{title}, by {'state' if geography.kind == 'states' else 'market'}", "", "", height=520)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1.0 if geography.kind == "states" else 1.25)
    unit = "%" if measure == "pct_of_contribution" else "ROI"
    low, high = values.quantile([0.02, 0.98])  # one extreme region must not wash out the others
    axis = {"colorscale": SEQUENTIAL, "cmin": low, "cmax": high, "colorbar": {"title": unit, "thickness": 12}}
    return figure.update_layout(coloraxis=axis)


def _tiles(values: pd.Series, geography: Geography) -> go.Figure:
    """One square a state; states outside the panel are pale, so that the shape of the country remains visible."""
    x, y = zip(*(geography.at[name] for name in values.index), strict=True)
    rest = {code: at for code, at in tile_grid().items() if code not in geography.label.values()}
    dark = values > values.quantile(0.02) + 0.55 * (values.quantile(0.98) - values.quantile(0.02))
    figure = go.Figure()
    figure.add_scatter(
        x=[column for column, _ in rest.values()],
        y=[row for _, row in rest.values()],
        mode="markers+text",
        text=list(rest),
        textfont={"size": 11, "color": MUTED},
        marker={"symbol": "square", "size": 36, "color": GRID},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=[geography.label[name] for name in values.index],
        textfont={"size": 11, "color": ["white" if deep else INK for deep in dark]},
        marker={
            "symbol": "square",
            "size": 36,
            "color": values,
            "coloraxis": "coloraxis",
            "line": {"color": INK, "width": 0.5},
        },
        customdata=[escaped(name) for name in values.index],
        hovertemplate="%{customdata}: %{marker.color:,.3~r}<extra></extra>",
        showlegend=False,
    )
    return figure


def _bubbles(values: pd.Series, kpi: pd.Series, geography: Geography) -> go.Figure:
    x, y = zip(*(geography.at[name] for name in values.index), strict=True)
    size = np.sqrt(kpi.loc[values.index].to_numpy() / kpi.max())
    return go.Figure(
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            text=[f"{geography.label[name]} ({escaped(name)})" for name in values.index],
            customdata=[compact(float(value)) for value in kpi.loc[values.index]],
            marker={
                "size": 7 + 34 * size,
                "color": values,
                "coloraxis": "coloraxis",
                "opacity": 0.85,
                "line": {"color": INK, "width": 0.6},
            },
            hovertemplate="%{text}: %{marker.color:,.3~r}, KPI %{customdata}<extra></extra>",
        )
    )


def _row_name(name: object, names: dict[object, str], geography: Geography | None) -> str:
    if geography is None or name not in geography.label or geography.kind == "states":
        return names[name]
    return f"{geography.label[str(name)]} ({names[name]})"


def _wide(result: FitResult, measure: str, top: int | None) -> pd.DataFrame:
    if measure not in get_args(Measure):
        raise ConfigError(f"measure must be one of {', '.join(get_args(Measure))}, got {measure!r}.")
    need(len(result.panel.regions) > 1, "several regions", "a national panel has one")
    table = result.regional_summary(top)[measure].unstack("channel", sort=False)
    need(bool(table.notna().any().any()), "spend", "give the panel its spend columns")
    return table[[name for name in result.panel.channels if table[name].notna().any()]]


def _overall_roi(result: FitResult) -> pd.Series:
    """ROI of all priced channels together, by region: their ROIs weighted by spend."""
    table = result.regional_summary()
    priced = table[table["spend"] > 0]
    revenue = (priced["roi"] * priced["spend"]).groupby("region", sort=False).sum()
    return revenue / priced["spend"].groupby("region", sort=False).sum()
