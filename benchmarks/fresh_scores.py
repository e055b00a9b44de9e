"""Scores of a fit on a panel whose truth is known: shares, returns, their intervals, and forecasts.

All shares are percent of the KPI in the observed training weeks; returns are of all weeks with a KPI, as
`media_summary` has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.simulation.simulate import Truth

HOLDOUT = 8
_BIG, _MISSED = 5.0, 0.2  # percent of the KPI; an estimate below this part of it misses the channel
_MORE = 0.01  # of exposure, of the marginal return
_BOUNDS = (5.0, 95.0, 25.0, 75.0)  # percentiles: of the 90 % interval, of the 50 % interval


@dataclass(frozen=True)
class Score:
    """One fit against the truth; shares in percent of the KPI, None where the fit has no draws.

    Attributes:
        regions: number of them.
        channels: number of them.
        true_total: of all channels.
        found_total: of all channels.
        mae_pp: mean absolute error of a channel's share, in points.
        big: channels whose true share is above 5 %.
        missed: those of them that are estimated below a fifth of it.
        in90: channels whose 90 % interval holds the true share.
        in50: the same, 50 %.
        width90: mean width of the channels' 90 % intervals, in points.
        total_in90: whether the total's 90 % interval holds the true total.
        total_in50: the same, 50 %.
        total_width90: width of the total's 90 % interval, in points.
        with_roi: channels whose true returns are known.
        roi_in90: those of them whose 90 % interval of the ROI holds the true one.
        roi_in50: the same, 50 %.
        mroi_in90: the same for the return of 1 % more spend, 90 %.
        mroi_in50: the same, 50 %.
        forecast_in90: share of held-out region-weeks within the 90 % interval of the forecast.
        rmse_over_naive: of the held-out weeks, over the best naive forecast.
        seconds: of the fit, compilation included.
    """

    regions: int
    channels: int
    true_total: float
    found_total: float
    mae_pp: float
    big: int
    missed: int
    in90: int | None
    in50: int | None
    width90: float | None
    total_in90: bool | None
    total_in50: bool | None
    total_width90: float | None
    with_roi: int
    roi_in90: int | None
    roi_in50: int | None
    mroi_in90: int | None
    mroi_in50: int | None
    forecast_in90: float | None
    rmse_over_naive: float
    seconds: float


def true_shares(panel: dcm.Panel, contributions: np.ndarray, holdout: int | None = HOLDOUT) -> pd.Series:
    """Percent of the KPI by channel over the observed training weeks; contributions `[region, week, channel]`."""
    used = training_weights(panel, holdout) > 0
    share = 100.0 * contributions[used].sum(axis=0) / panel.kpi[used].sum()
    return pd.Series(share, index=list(panel.channels), name="share")


def true_returns(panel: dcm.Panel, truth: Truth) -> pd.DataFrame:
    """`roi` and `mroi` by channel over the weeks with a KPI; as in `media_summary`, `mroi` is of 1 % more."""
    assert panel.spend is not None
    assert panel.revenue_per_kpi is not None
    n, weeks = panel.n_past_weeks, panel.weights[:, : panel.n_past_weeks] > 0
    worth = panel.revenue_per_kpi[:, :n] * weeks
    spend = (panel.spend[:, :n] * weeks[:, :, None]).sum(axis=(0, 1))
    earned = (truth.contributions.values[:, :n] * worth[:, :, None]).sum(axis=(0, 1))
    exposure = panel.exposure[:, :n]
    usual = truth.counterfactual.kpi(exposure)
    more = [
        (truth.counterfactual.kpi(exposure * (1.0 + _MORE * own)) - usual) * worth
        for own in np.eye(len(panel.channels))
    ]
    marginal = np.array([gain.sum() for gain in more]) / (_MORE * spend)
    return pd.DataFrame({"roi": earned / spend, "mroi": marginal}, index=list(panel.channels))


def score(panel: dcm.Panel, true: pd.DataFrame, result: dcm.FitResult, seconds: float | None = None) -> Score:
    """A fit against the truth; `seconds` of the fit, as it recorded them when None."""
    true_share = true["share"]
    found = result.notes()["share"].reindex(true_share.index)
    big = true_share > _BIG
    holdout = result.metrics.loc["holdout"] if result.holdout else None
    naive = np.nan if holdout is None else float(holdout["rmse"] / holdout["rmse_naive"])
    return Score(
        regions=panel.shape[0],
        channels=panel.shape[2],
        true_total=float(true_share.sum()),
        found_total=float(found.sum()),
        mae_pp=float((found - true_share).abs().mean()),
        big=int(big.sum()),
        missed=int((big & (found < _MISSED * true_share)).sum()),
        **_held(true_share, _drawn(result, "share_draws")),
        **_returns_held(true, result),
        forecast_in90=_forecast_held(panel, result),
        rmse_over_naive=naive,
        seconds=result.fitted.record.seconds if seconds is None else seconds,
    )


def table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Figures by kind and of all; `rows` are `Score`s as dicts, with their `kind`."""
    scores = pd.DataFrame(list(rows))
    parts = {str(kind): part for kind, part in scores.groupby("kind", sort=False)} | {"all": scores}
    return pd.DataFrame.from_dict({kind: _figures(part) for kind, part in parts.items()}, orient="index")


def _drawn(result: dcm.FitResult, accessor: str) -> Any:
    """Draws of an accessor that not every result has."""
    method = getattr(result, accessor, None)
    return None if method is None else method()


def _held(true_share: pd.Series, draws: pd.DataFrame | None) -> dict[str, Any]:
    """The interval fields of `Score`."""
    names = ("in90", "in50", "width90", "total_in90", "total_in50", "total_width90")
    if draws is None:
        return dict.fromkeys(names)
    values = draws[list(true_share.index)].to_numpy()
    low90, high90, low50, high50 = np.percentile(np.column_stack([values, values.sum(axis=1)]), _BOUNDS, axis=0)
    true = np.append(true_share.to_numpy(), true_share.sum())
    in90, in50 = (low90 <= true) & (true <= high90), (low50 <= true) & (true <= high50)
    width = high90 - low90
    found = (in90[:-1].sum(), in50[:-1].sum(), width[:-1].mean(), in90[-1], in50[-1], width[-1])
    return {name: value.item() for name, value in zip(names, found, strict=True)}


def _returns_held(true: pd.DataFrame, result: dcm.FitResult) -> dict[str, Any]:
    """The fields of `Score` on returns."""
    known = true.index[true["roi"].notna()]
    found: dict[str, Any] = {"with_roi": len(known)}
    for name in ("roi", "mroi"):
        draws = result.draws(name) if isinstance(result, dcm.Ensemble) and len(known) else None
        if draws is None:
            found |= {f"{name}_in90": None, f"{name}_in50": None}
            continue
        low90, high90, low50, high50 = np.percentile(draws[known].to_numpy(), _BOUNDS, axis=0)
        value = true.loc[known, name].to_numpy()
        found[f"{name}_in90"] = int(((low90 <= value) & (value <= high90)).sum())
        found[f"{name}_in50"] = int(((low50 <= value) & (value <= high50)).sum())
    return found


def _forecast_held(panel: dcm.Panel, result: dcm.FitResult) -> float | None:
    """Share of held-out region-weeks within the 90 % interval of `forecast_draws`."""
    draws = _drawn(result, "forecast_draws")
    if draws is None or not result.holdout:
        return None
    later = slice(result.fitted.n_training_weeks, panel.n_past_weeks)
    low, high = np.percentile(draws[:, :, : later.stop - later.start], _BOUNDS[:2], axis=0)
    seen, kpi = panel.weights[:, later] > 0, panel.kpi[:, later]
    return float(((low <= kpi) & (kpi <= high))[seen].mean())


def _figures(part: pd.DataFrame) -> dict[str, float]:
    """A line of the table."""
    drawn = part[part["in90"].notna()]
    channels = drawn["channels"].sum() or np.nan
    return {
        "panels": len(part),
        "true": part["true_total"].mean(),
        "found": part["found_total"].mean(),
        "bias": (part["found_total"] / part["true_total"] - 1.0).mean(),
        "bias_sum": part["found_total"].sum() / part["true_total"].sum() - 1.0,
        "mae_pp": part["mae_pp"].mean(),
        "cover90": drawn["in90"].sum() / channels,
        "cover50": drawn["in50"].sum() / channels,
        "width90": (drawn["width90"] * drawn["channels"]).sum() / channels,
        "total90": drawn["total_in90"].astype(float).mean(),
        "total50": drawn["total_in50"].astype(float).mean(),
        "total_width90": drawn["total_width90"].astype(float).mean(),
        "roi90": _part_of(drawn, "roi_in90"),
        "roi50": _part_of(drawn, "roi_in50"),
        "mroi90": _part_of(drawn, "mroi_in90"),
        "mroi50": _part_of(drawn, "mroi_in50"),
        "missed": part["missed"].sum(),
        "big": part["big"].sum(),
        "forecast90": part["forecast_in90"].astype(float).mean(),
        "over_naive": part["rmse_over_naive"].mean(),
        "seconds": part["seconds"].mean(),
    }


def _part_of(drawn: pd.DataFrame, name: str) -> float:
    known = drawn[drawn["with_roi"] > 0]
    return float(known[name].sum() / known["with_roi"].sum()) if len(known) else np.nan
