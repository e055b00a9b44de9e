"""Figures on contributions, over time and in total."""

from typing import Literal, get_args

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.plots.annotations import (
    OTHERS,
    add_band,
    add_intervals,
    all_regions,
    group_name,
    interval_texts,
    largest,
    mark_holdout,
    rest_color,
    some_of,
)
from deepcausalmmm_jax.plots.theme import (
    BASE_COLOR,
    channel_colors,
    compact,
    escaped,
    labels,
    percent,
    row_height,
    styled,
)
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

BASE_NAME = "baseline, trend, season and controls"
EVENTS = "events"
Kind = Literal["stacked", "lines", "percent"]
_ROUNDING = 1e-9  # of a prediction
_MOST_BANDS = 3  # more would hide each other


def contribution_over_time(result: FitResult, kind: Kind = "stacked", top: int = 12) -> go.Figure:
    """Weekly contributions of all regions together.

    Args:
        result: a fit; for an ensemble, `lines` has 90% intervals for the three largest channels.
        kind: `stacked` on the baseline, channels as `lines`, or in `percent` of the prediction.
        top: channels drawn; the others are added up.

    Raises:
        ConfigError: an unknown kind.
        DataError: in percent, where a week's parts are not all positive.
    """
    if kind not in get_args(Kind):
        raise ConfigError(f"kind must be one of {', '.join(get_args(Kind))}, got {kind!r}.")
    channels = list(result.panel.channels)
    weekly = grouped_contributions(result, top)
    if kind == "percent":
        _refuse_signs(weekly, result.panel.cadence)
    if kind == "lines":
        weekly = weekly.drop(columns=BASE_NAME)
    credited, others = credited_names(result), group_name(result.panel, OTHERS)
    colors, shown = channel_colors([*channels, *credited]), labels([*channels, *credited, others, BASE_NAME])
    figure, is_share = go.Figure(), {"share": True} if kind == "percent" else {}
    amount = "%{y:.3~r}%" if is_share else "%{y:,.4~r}"
    drawn = weekly.mul(100.0 / weekly.sum(axis=1), axis=0) if is_share else weekly
    for name in weekly.columns:
        color = BASE_COLOR if name == BASE_NAME else rest_color(name, colors)
        figure.add_scatter(
            x=weekly.index,
            y=drawn[name],
            name=BASE_NAME if name == BASE_NAME else shown[name],
            mode="lines",
            line={"color": color, "width": 2 if kind == "lines" else 0.5},
            **({} if kind == "lines" else {"stackgroup": "all", "stackgaps": "interpolate"}),
            meta={"series": f"part:{name}", ("channel" if name in channels else "column"): name, **is_share},
            visible="legendonly" if kind == "lines" and name == others else True,
            hovertemplate="%{x}: " + amount + "<extra>%{fullData.name}</extra>",
        )
    if kind == "lines" and isinstance(result, Ensemble):
        interval = result.contribution_intervals()
        for name in banded_channels(weekly, channels):
            low, high = (interval.sel(bound=end, component=name).values for end in ("low", "high"))
            add_band(
                figure, list(weekly.index), low, high, colors[name], {"channel": name, "whole": True, "band": name}
            )
    mark_holdout(figure, result)
    figure.update_yaxes(**({"range": [0, 100]} if kind == "percent" else {"rangemode": "tozero"}))
    title = {
        "stacked": "Contribution over time",
        "lines": "Contribution over time, by channel",
        "percent": "Share of the prediction over time",
    }
    unit = "% of the prediction" if kind == "percent" else escaped(result.panel.kpi_label)
    return styled(figure, title[kind], "week", unit, height=480, scope=all_regions(result.panel))


def _refuse_signs(weekly: pd.DataFrame, cadence: Cadence) -> None:
    """Refuse percentages of parts that have both signs, or of a whole that is not positive."""
    weekly = weekly.dropna(how="all")
    whole = weekly.sum(axis=1)
    odd = int(((whole <= 0) | (weekly.min(axis=1) < -_ROUNDING * whole)).sum())
    if odd:
        raise DataError(
            f"In {odd} of {cadence.several(len(weekly))} the prediction or a part of it is below zero, so that its "
            "parts are no shares of it."
        )


def grouped_contributions(result: FitResult, top: int) -> pd.DataFrame:
    """Week x (baseline, treatments, events together, the largest channels, the others), KPI units."""
    panel, channels = result.panel, list(result.panel.channels)
    weekly = result.weekly_contributions()
    kept = largest(weekly[channels].sum(), top)
    rest = [name for name in channels if name not in kept]
    treatments, events = [entry.name for entry in panel.treatments], list(panel.event_names)

    def together(names: list[str]) -> pd.Series:
        return weekly[names].sum(axis=1, min_count=1)  # else 0 in a week in which no region has a row

    parts = {BASE_NAME: together([str(name) for name in weekly if name not in (*channels, *treatments, *events)])}
    parts |= {name: weekly[name] for name in treatments}
    parts |= {group_name(panel, EVENTS): together(events)} if events else {}
    parts |= {name: weekly[name] for name in kept}
    return pd.DataFrame(parts | ({group_name(panel, OTHERS): together(rest)} if rest else {}))


def banded_channels(weekly: pd.DataFrame, channels: list[str]) -> list[str]:
    """The largest channels of `grouped_contributions`, whose lines have bands."""
    return largest(weekly[[column for column in weekly.columns if column in channels]].sum(), _MOST_BANDS)


def credited_names(result: FitResult) -> list[str]:
    """Parts of the grouped contributions that are neither the baseline nor media: treatments, and events together."""
    panel = result.panel
    events = [group_name(panel, EVENTS)] if panel.event_names else []
    return [*(entry.name for entry in panel.treatments), *events]


def contribution_total(result: FitResult, top: int = 25) -> go.Figure:
    """Each channel's share of the predicted KPI or of its size (`share_basis`), with intervals for an ensemble.

    Args:
        result: a fit.
        top: channels drawn, largest first.
    """
    summary = result.media_summary()
    kept = largest(summary["pct_of_contribution"], top)
    ordered = summary.loc[kept].sort_values("pct_of_contribution")
    colors, shown = channel_colors(list(summary.index)), labels(list(summary.index))
    refitted = "pct_of_contribution_low" in summary
    names = [shown[name] for name in ordered.index]
    figure = go.Figure(
        go.Bar(
            x=ordered["pct_of_contribution"],
            y=names,
            name="estimate",
            orientation="h",
            marker={"color": [colors[name] for name in ordered.index]},
            text=None if refitted else [percent(share) for share in ordered["pct_of_contribution"]],
            textposition=None if refitted else "outside",
            cliponaxis=False,
            customdata=[
                f"{text} · {compact(outcome)} {escaped(result.panel.kpi_label)}"
                for text, outcome in zip(
                    interval_texts(ordered, "pct_of_contribution", "%"), ordered["incremental_outcome"], strict=True
                )
            ],
            hovertemplate="%{y}: %{x:.3~r}%%{customdata}<extra></extra>",
            meta={"channels": list(ordered.index), "matrix": "pct_of_contribution"},
        )
    )
    if refitted:
        low, high = ordered["pct_of_contribution_low"], ordered["pct_of_contribution_high"]
        add_intervals(figure, names, low, high, list(ordered.index), "pct_of_contribution", "%")
    ends = ("", "_low", "_high") if refitted else ("",)
    figure.update_xaxes(range=_with_room(pd.concat([ordered[f"pct_of_contribution{end}"] for end in ends])))
    remark = (", 90% intervals" if refitted else "") + some_of(len(kept), len(summary))
    unit = f"% of {escaped(share_basis(result.fitted_panel))}"
    styled(figure, "Contribution of each channel", unit, "", height=row_height(len(ordered)), remark=remark)
    return figure.update_yaxes(tickmode="linear", showgrid=False).update_layout(showlegend=False)


def _with_room(values: pd.Series) -> list[float]:
    """Range of the axis, with space for the numbers beside the longest bars."""
    return [1.15 * min(float(values.min()), 0.0), 1.15 * max(float(values.max()), 1e-12)]
