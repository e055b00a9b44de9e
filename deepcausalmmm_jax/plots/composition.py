"""Figures on what the prediction is made of, all weeks up to the last KPI: a donut and a waterfall."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.annotations import OTHERS, all_regions, group_name, largest, rest_color
from deepcausalmmm_jax.plots.contribution import BASE_NAME, EVENTS, credited_names
from deepcausalmmm_jax.plots.theme import (
    ACTUAL_COLOR,
    BASE_COLOR,
    INK,
    channel_colors,
    compact,
    escaped,
    labels,
    percent,
    row_height,
    styled,
)
from deepcausalmmm_jax.results.fit_result import FitResult

CONTROLS = "controls"
_NOT_DRAWN = " (negative, not drawn: {}; percentages are of the parts drawn)"
_LABELLED = 0.01  # smaller parts carry no number
_DONUT, _WATERFALL = 8, 10  # channels drawn separately


class Parts(NamedTuple):
    """Totals of a prediction by region, KPI units."""

    base: pd.DataFrame  # region x (baseline, trend, seasonality, controls together)
    credited: pd.DataFrame  # region x (treatments, events together, the largest channels, the other channels)


def parts_by_region(result: FitResult, top: int) -> Parts:
    """What the prediction of each region is made of, over its weeks with a row up to the last KPI.

    Args:
        result: a fit.
        top: channels kept apart.
    """
    panel, terms = result.panel, result.contributions
    table = pd.DataFrame(
        np.where(panel.past[:, :, None], terms.values, 0.0).sum(axis=1),
        index=panel.regions,
        columns=[str(name) for name in terms["component"].values],
    )
    channels = list(panel.channels)
    kept = largest(table[channels].sum(), top)
    rest = [name for name in channels if name not in kept]
    treatments, events = [entry.name for entry in panel.treatments], list(panel.event_names)
    controls = [name for name in panel.controls if name not in (*treatments, *events)]
    base = table.drop(columns=[*channels, *treatments, *events, *controls])
    if controls:
        base[group_name(panel, CONTROLS)] = table[controls].sum(axis=1)
    credited = {name: table[name] for name in treatments}
    credited |= {group_name(panel, EVENTS): table[events].sum(axis=1)} if events else {}
    credited |= {name: table[name] for name in kept}
    credited |= {group_name(panel, OTHERS): table[rest].sum(axis=1)} if rest else {}
    return Parts(base, pd.DataFrame(credited, index=panel.regions))


def donut_parts(result: FitResult, top: int = _DONUT) -> pd.DataFrame:
    """Region x part, as the donut shows them."""
    parts = parts_by_region(result, top)
    return pd.concat([parts.base.sum(axis=1).rename(BASE_NAME), parts.credited], axis=1)


def waterfall_parts(result: FitResult, top: int = _WATERFALL) -> pd.DataFrame:
    """Region x step, as the waterfall shows them: the base, then the largest first."""
    parts = parts_by_region(result, top)
    order = parts.credited.sum().sort_values(ascending=False, kind="stable").index
    return pd.concat([parts.base, parts.credited[order]], axis=1)


def _colors(result: FitResult, names: list[str]) -> list[str]:
    """Colours of parts: those of channels everywhere, grey for the base."""
    named = [*result.panel.channels, *credited_names(result)]
    colors, others = channel_colors(named), group_name(result.panel, OTHERS)
    return [rest_color(name, colors) if name in (*named, others) else BASE_COLOR for name in names]


def contribution_donut(result: FitResult, top: int = _DONUT) -> go.Figure:
    """The prediction in parts: baseline, the largest channels, the others; all weeks up to the last KPI.

    Args:
        result: a fit.
        top: channels drawn separately. Negative parts cannot be drawn and are named in the title; the number in the
            middle is the whole prediction, with them.
    """
    parts = donut_parts(result, top).sum()
    shown = labels(list(parts.index)) | {BASE_NAME: "baseline"}
    below = [shown[name] for name in parts.index[parts < 0]]
    names = ["baseline" if name == BASE_NAME else str(name) for name in parts.index]
    drawn = parts.clip(lower=0.0)
    figure = go.Figure(
        go.Pie(
            labels=[shown[name] for name in parts.index],
            values=drawn,
            hole=0.55,
            sort=False,
            direction="clockwise",
            marker={
                "colors": _colors(result, [str(name) for name in parts.index]),
                "line": {"color": "white", "width": 1.5},
            },
            text=[percent(100 * share) if share >= _LABELLED else "" for share in drawn / drawn.sum()],
            textinfo="text",
            textposition="outside",
            hovertemplate="%{label}: %{value:,.3~r}, %{percent:.1%}<extra></extra>",
            automargin=True,
            meta={"parts": "donut", "names": names, "signed": parts.tolist(), "remark": _NOT_DRAWN},
        )
    )
    figure.add_annotation(
        text=f"{compact(float(parts.sum()))}<br>{escaped(result.panel.kpi_label)}", showarrow=False, font={"size": 15}
    )
    remark = _NOT_DRAWN.replace("{}", ", ".join(below)) if below else ""
    return styled(
        figure, "Composition of the prediction", "", "", height=460, scope=all_regions(result.panel), remark=remark
    )


def contribution_waterfall(result: FitResult, top: int = _WATERFALL) -> go.Figure:
    """From the baseline through controls, treatments, events and channels to the prediction, in all regions.

    All weeks up to the last one with a KPI count. Controls are counted from their means, so that over all weeks little
    is left of them; `controls_over_time` shows what they move.

    Args:
        result: a fit.
        top: channels drawn separately.
    """
    steps = waterfall_parts(result, top).sum()
    shown = labels(list(steps.index))
    names, values = [str(name) for name in steps.index], steps.to_numpy()
    starts = np.concatenate([[0.0], np.cumsum(values)])
    look = {
        "orientation": "h",
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"color": INK},
        "hovertemplate": "%{y}: %{text} " + escaped(result.panel.kpi_label) + "<extra></extra>",
    }
    figure = go.Figure()
    figure.add_bar(
        y=[shown[name] for name in names],
        x=values,
        base=starts[:-1],
        text=[compact(float(value)) for value in values],
        marker={"color": _colors(result, names)},
        meta={"parts": "waterfall", "names": names},
        **look,
    )
    figure.add_bar(
        y=["prediction"],
        x=[values.sum()],
        text=[compact(float(values.sum()))],
        marker={"color": [ACTUAL_COLOR]},
        meta={"parts": "waterfall", "sum": True},
        **look,
    )
    low, high = float(starts.min()), float(starts.max())
    figure.update_xaxes(range=[low - 0.2 * (high - low) * (low < 0), high + 0.14 * (high - low)])
    unit = escaped(result.panel.kpi_label)
    styled(
        figure,
        "From the baseline to the prediction",
        unit,
        "",
        height=row_height(len(steps) + 1),
        scope=all_regions(result.panel),
    )
    figure.update_yaxes(autorange="reversed", tickmode="linear", showgrid=False)
    return figure.update_layout(barmode="overlay", showlegend=False)
