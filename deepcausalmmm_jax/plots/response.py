"""Figures on the channels' curves: carry-over, saturation, coefficients over time, response to spend."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.plots.annotations import add_band, all_regions, interval_texts, largest, mark_holdout, some_of
from deepcausalmmm_jax.plots.smooth import smooth_curve
from deepcausalmmm_jax.plots.theme import (
    BASE_COLOR,
    INK,
    channel_colors,
    compact,
    escaped,
    labels,
    recent_weeks,
    styled,
)
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

Response = Literal["incremental_outcome", "roi", "mroi"]
_MOST_BANDS = 6
_UNIT = "KPI at full activity, % of the mean KPI"
_MOST_RESPONSE_BANDS = 3  # all start at zero, so more would overlap
_RESPONSES = {
    "incremental_outcome": "Response to",
    "roi": "ROI by",
    "mroi": "Marginal ROI by",
}


def adstock_decay(result: FitResult, top: int = 12) -> go.Figure:
    """Share of an exposure's effect that falls in each week after it.

    Args:
        result: a fit.
        top: channels drawn, by outcome.
    """
    decay = result.adstock_decay()[_kept(result, top)]
    figure = _lines(result, decay, hover="%{y:.1%} after %{x} weeks")
    figure.update_traces(mode="lines+markers", marker={"size": 5})
    title = "Carry-over (adstock)" + some_of(decay.shape[1], len(result.panel.channels))
    styled(figure, title, "weeks after the exposure", "share of the total effect")
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def hill_curves(result: FitResult, top: int = 12) -> go.Figure:
    """Saturation against exposure up to the largest week seen; a dot marks the mean of the last eight weeks.

    Args:
        result: a fit; an ensemble adds bands where few channels are drawn.
        top: channels drawn, by outcome.
    """
    channels, kept = list(result.panel.channels), _kept(result, top)
    refitted = isinstance(result, Ensemble) and len(kept) <= _MOST_BANDS
    curves = result.hill_intervals() if isinstance(result, Ensemble) and refitted else result.hill_curves()
    now, colors, shown = result.today(), channel_colors(channels), labels(channels)
    bounded = "activity" not in now  # every curve has a maximum, of which heights are shares
    height = now["saturation" if bounded else "activity"]
    on_curve = "%{y:.0%}" if bounded else "%{y:.2f}"
    reached = f"{on_curve} of the maximum" if bounded else f"activity {on_curve}"
    recent = recent_weeks(result.panel.cadence)
    figure = go.Figure()
    for name in kept:
        curve = curves[curves["channel"] == name]
        if refitted:
            x = list(curve["relative_exposure"])
            add_band(figure, x, curve["saturation_low"], curve["saturation_high"], colors[name], {"channel": name})
        figure.add_scatter(
            x=curve["relative_exposure"],
            y=curve["saturation"],
            name=shown[name],
            mode="lines",
            line={"color": colors[name], "width": 2},
            legendgroup=name,
            meta={"channel": name},
            hovertemplate="%{x:.2f}: " + on_curve + "<extra>" + shown[name] + "</extra>",
        )
        figure.add_scatter(
            x=[now.loc[name, "relative_exposure"]],
            y=[height[name]],
            mode="markers",
            marker={"color": colors[name], "size": 11, "line": {"color": INK, "width": 1.2}},
            legendgroup=name,
            showlegend=False,
            meta={"channel": name},
            hovertemplate=f"{recent}: " + "exposure %{x:.2f}, " + reached + "<extra>" + shown[name] + "</extra>",
        )
    family, hill = result.family, "saturation" not in result.curve_parameters
    title = f"Saturation{' (Hill curves)' if hill else ''}; dots: the {recent}"
    axis = "share of the maximum effect" if bounded else "activity: 1/2 at the half-saturation, or in a mean week"
    title += some_of(len(kept), len(channels))
    styled(figure, title, family.exposure_unit, axis)
    if family.has_exposure_levels:
        figure.add_vline(x=1, line={"dash": "dot", "width": 1, "color": BASE_COLOR})
        reach = float(curves.groupby("channel")["relative_exposure"].max().loc[kept].median())
        figure.update_xaxes(range=[0, 1.6 * reach])
    if bounded:
        return figure.update_yaxes(tickformat=".0%", range=[0, 1])
    return figure.update_yaxes(rangemode="tozero")


def coefficients_over_time(result: FitResult, top: int = 12) -> go.Figure:
    """Weekly KPI at a channel's full activity, mean over regions, week by week.

    Args:
        result: a fit.
        top: channels drawn, by outcome.
    """
    weekly = 100 * result.weekly_coefficients()[_kept(result, top)]
    figure = _lines(result, weekly, hover="%{x}: %{y:.2f}%")
    mark_holdout(figure, result)
    unit = "effect on the log of the KPI at full activity, %" if result.config.link == "log" else _UNIT
    title = "Coefficients over time" + some_of(weekly.shape[1], len(result.panel.channels))
    styled(figure, title, "week", unit, scope=all_regions(result.panel))
    return figure.update_yaxes(rangemode="tozero")


def response_curves(
    table: pd.DataFrame,
    kpi_name: str = "KPI",
    measure: Response = "incremental_outcome",
    unit: str = "currency",
    top: int = 12,
) -> go.Figure:
    """Outcome of each channel at other budgets, with today's point; intervals for the three largest channels.

    Args:
        table: rows by `channel` and `multiplier` (1 = today's spend), with `spend` in currency, the measure,
            optionally `<measure>_low` and `_high`, and `extrapolation`, true where spend goes beyond the range seen in
            training (drawn dotted). Channels without spend are left out; where no channel has spend, all are drawn
            over multiples of today's exposure. Rows of several regions are not added up: pass those of one region, or
            those of all together.
        kpi_name: name of the KPI.
        measure: `incremental_outcome`, `roi` or `mroi`.
        unit: unit of spend.
        top: channels drawn, by incremental outcome today.

    Raises:
        ConfigError: an unknown measure.
        DataError: a missing column, no rows, or rows of several regions.
    """
    if measure not in get_args(Response):
        raise ConfigError(f"measure must be one of {', '.join(get_args(Response))}, got {measure!r}.")
    for column in ("channel", "multiplier", "spend", measure):
        if column not in table:
            raise DataError(f"The table of response curves has no column {column!r}.")
    if table.empty:
        raise DataError("The table of response curves has no rows.")
    if "region" in table and table["region"].nunique() > 1:
        raise DataError("The table of response curves has several regions; pass the rows of one.")
    channels = list(dict.fromkeys(table["channel"]))
    colors, shown = channel_colors(channels), labels(channels)
    is_exposure = "exposure" in table and bool((table["spend"] == table["exposure"]).all())
    priced = bool((table["spend"] > 0).any()) and not is_exposure
    if not priced:  # impressions and clicks have no common axis
        table = table.assign(spend=table["multiplier"])
    kept, banded = _with_curves(table, measure, top), _with_curves(table, measure, _MOST_RESPONSE_BANDS)
    figure = go.Figure()
    for name in kept:
        curve = _smooth(table[table["channel"] == name].sort_values("multiplier"), measure)
        _add_response(figure, curve, measure, colors[name], shown[name], name, banded=name in banded)
    over = f"spend, {escaped(unit)}" if priced else "exposure (1 = today)"
    quantity = {"incremental_outcome": f"incremental {escaped(kpi_name)}", "roi": "ROI", "mroi": "marginal ROI"}[
        measure
    ]
    title = f"{_RESPONSES[measure]} {'spend' if priced else 'exposure'}; dots: today"
    title += some_of(len(kept), len(_with_curves(table, measure, len(table))))
    styled(figure, title, over, quantity, height=460)
    figure.update_xaxes(rangemode="tozero")
    return figure.update_yaxes(rangemode="tozero")


def _with_curves(table: pd.DataFrame, measure: str, top: int) -> list[str]:
    """The largest of the channels that have values on both axes."""
    size = "incremental_outcome" if "incremental_outcome" in table else measure
    usable = table[(table["spend"] > 0) & table[measure].notna()]
    near = (usable["multiplier"] - 1).abs()
    today = usable.loc[near.groupby(usable["channel"], sort=False).idxmin()].set_index("channel")
    if today.empty:
        raise DataError("The table of response curves has no channel with spend or exposure and an outcome.")
    return largest(today[size], top)


def _smooth(curve: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A channel's curve as it is drawn; where spend becomes extrapolation is known to the next level only."""
    known = curve.dropna(subset=[measure, "spend"]).drop_duplicates("multiplier")
    columns = [measure, "spend", *(name for name in (f"{measure}_low", f"{measure}_high") if name in known)]
    drawn = smooth_curve(known, "multiplier", columns)
    if "extrapolation" in known:
        x, at = known["multiplier"].to_numpy(np.float64), drawn["multiplier"].to_numpy(np.float64)
        beyond = known["extrapolation"].astype(bool).to_numpy()
        after, before = np.searchsorted(x, at), np.searchsorted(x, at, side="right") - 1
        drawn["extrapolation"] = beyond[np.minimum(after, len(x) - 1)] | beyond[np.maximum(before, 0)]
        drawn.loc[np.isin(at, x), "extrapolation"] = beyond
    return drawn


def _add_response(
    figure: go.Figure, curve: pd.DataFrame, measure: str, color: str, label: str, name: str, *, banded: bool
) -> None:
    meta = {"channel": name}
    if banded and f"{measure}_low" in curve:
        add_band(figure, list(curve["spend"]), curve[f"{measure}_low"], curve[f"{measure}_high"], color, meta)
    beyond = curve["extrapolation"].astype(bool) if "extrapolation" in curve else pd.Series(False, index=curve.index)
    inside = curve[~beyond]
    look = {
        "mode": "lines",
        "legendgroup": name,
        "meta": meta,
        "hovertemplate": "%{customdata}<extra>" + label + "</extra>",
    }
    figure.add_scatter(
        x=inside["spend"],
        y=inside[measure],
        name=label,
        line={"color": color, "width": 2},
        customdata=_hover_texts(inside, measure),
        **look,
    )
    for side in (curve[beyond & (curve["multiplier"] > 1)], curve[beyond & (curve["multiplier"] < 1)]):
        if len(side):
            joined = pd.concat([side, inside.iloc[[-1 if side["multiplier"].iloc[0] > 1 else 0]]]).sort_values("spend")
            figure.add_scatter(
                x=joined["spend"],
                y=joined[measure],
                showlegend=False,
                line={"color": color, "width": 2, "dash": "dot"},
                customdata=_hover_texts(joined, measure),
                **look,
            )
    now = curve.iloc[[int((curve["multiplier"] - 1).abs().argmin())]]
    figure.add_scatter(
        x=now["spend"],
        y=now[measure],
        mode="markers",
        marker={"color": color, "size": 11, "line": {"color": INK, "width": 1.2}},
        legendgroup=name,
        showlegend=False,
        meta=meta,
        customdata=_hover_texts(now, measure),
        hovertemplate="today: %{customdata}<extra>" + label + "</extra>",
    )


def _hover_texts(curve: pd.DataFrame, measure: str) -> list[str]:
    """Spend, what it brings, and the interval of that, for tooltips."""
    ends = interval_texts(curve, measure)
    rows = zip(curve["spend"], curve[measure], ends, strict=True)
    return [f"{compact(spend)} brings {compact(value)}{end}" for spend, value, end in rows]


def _kept(result: FitResult, top: int) -> list[str]:
    return largest(result.media_summary()["incremental_outcome"], top)


def _lines(result: FitResult, table: pd.DataFrame, hover: str) -> go.Figure:
    """One line per channel."""
    channels = list(result.panel.channels)
    colors, shown = channel_colors(channels), labels(channels)
    figure = go.Figure()
    for name in table.columns:
        figure.add_scatter(
            x=table.index,
            y=table[name],
            name=shown[name],
            mode="lines",
            line={"color": colors[name], "width": 2},
            meta={"channel": name},
            hovertemplate=hover + "<extra>" + shown[name] + "</extra>",
        )
    return figure
