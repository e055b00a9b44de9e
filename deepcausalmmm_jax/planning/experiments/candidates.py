"""Candidates for a test: every treatment in every set of regions, with what each expects, risks, costs and teaches."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forecast_intervals import forecast_draws
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.experiments import as_evidence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.experiments.designs import Design
from deepcausalmmm_jax.planning.experiments.library import Library
from deepcausalmmm_jax.planning.experiments.power import detectable, power
from deepcausalmmm_jax.planning.experiments.preposterior import learned
from deepcausalmmm_jax.planning.experiments.request import Request
from deepcausalmmm_jax.planning.experiments.responses import Treatment

_LAST_YEAR = 52  # weeks
_EXACT = 1e-6  # share of the KPI that no measurement is more exact than: regions may be copies of each other
_FORECASTS = 1000  # draws of the KPI of a national test's weeks


class Candidate(NamedTuple):
    """One test: a treatment in some regions."""

    treatment: Treatment
    design: int  # position of its design
    start: str
    end: str
    regions: np.ndarray  # positions
    error: float  # standard error of the measurement, KPI units
    windows: int  # placebo windows that it was found from; 0 for a forecast's
    kpi: float  # expected of the regions in the weeks measured, KPI units


class Returns(NamedTuple):
    """What is known of the channels before a test."""

    roi: np.ndarray  # [draw, channel]
    money: float  # what a unit of spend is worth in the unit of revenue: 1, or KPI units where no revenue is known


def candidates_of(
    fit: FittedPanel,
    found: list[Treatment],
    horizon: Horizon,
    designs: list[Design | None],
    forecast: np.ndarray | None,
    level: float,
) -> list[Candidate]:
    """Candidates of one length: each treatment in each set of regions in which the channel has spend.

    Args:
        fit: the fit on its own panel.
        found: treatments of this length.
        horizon: its weeks.
        designs: sets of regions with their matches; None for all regions at once, measured against a forecast.
        forecast: `[draw, week ahead]`, draws of the national KPI without a test; None where designs are matched.
        level: of the intervals.
    """
    panel, past = horizon.panel, fit.until_last_kpi.panel
    weekly = _recent_kpi(past)
    start, end = _label(panel, horizon.start, False), _label(panel, horizon.stop - 1, True)
    candidates = []
    for at, design in enumerate(designs):
        rows = np.arange(len(panel.regions)) if design is None else design.regions
        for treatment in found:
            if not treatment.spend[rows].any():
                continue  # nothing is spent there, so there is nothing to change
            window = treatment.weeks + treatment.cool_down
            error, windows = (
                (float(forecast[:, :window].sum(axis=1).std()), 0)
                if design is None and forecast is not None
                else design.standard_error(window, level)  # type: ignore[union-attr]
            )
            kpi = float(weekly[rows].sum()) * window
            error = max(error, _EXACT * kpi)
            candidates.append(Candidate(treatment, at, start, end, rows, error, windows, kpi))
    return candidates


def national_forecast(fit: FittedPanel, variables: Variables, horizon: Horizon, seed: int) -> np.ndarray:
    """Draws of the KPI of all regions in the weeks of a test, `[draw, week ahead]`, KPI units.

    A test is read by a fit that has learned from every week before it. So the forecast begins right after training,
    where this fit holds weeks out: they would only add to its error.

    Raises:
        ConfigError: the paper's model, which does not model its errors.
    """
    if not fit.family.has_forecast_errors:
        raise ConfigError(
            "A national panel is tested against the model's forecast, and the paper's model has no forecast errors; "
            "use the default model."
        )
    ahead = horizon.panel.select(weeks=slice(horizon.start, None))
    trained = fit.panel.weeks[: fit.n_training_weeks]
    ahead = dataclasses.replace(ahead, weeks=fit.panel.cadence.later(trained, len(ahead.weeks)))
    return np.asarray(forecast_draws(fit, variables, ahead, _FORECASTS, seed).sum(axis=1))


def candidate_table(
    candidates: list[Candidate],
    designs: list[Design | None],
    panel: Panel,
    returns: Returns,
    library: Library,
    request: Request,
) -> pd.DataFrame:
    """The table of `ExperimentPlan`, best first, with the positions of each candidate and of its design."""
    lift, whole, revenue = (
        np.stack([getattr(c.treatment, name)[:, c.regions].sum(axis=1) for c in candidates])
        for name in ("lift", "whole", "revenue")
    )
    error = np.array([c.error for c in candidates])
    channel = np.array([c.treatment.channel for c in candidates])
    spend = np.array([c.treatment.spend[c.regions].sum() for c in candidates])
    expected, arrived = lift.mean(axis=1), _ratio(lift.mean(axis=1), whole.mean(axis=1))
    worth = _ratio(revenue.mean(axis=1), whole.mean(axis=1))
    asked = expected if request.effect is None else request.effect * np.abs(spend) / worth * arrived
    cost = returns.money * spend[:, None] - request.margin * np.sign(spend)[:, None] * revenue
    roi = returns.roi.T[channel]
    taught = learned(lift, as_evidence(error, lift.mean(axis=1)), roi, library.outcomes, request.level, request.seed)
    smallest = detectable(error, request.level)
    value = request.margin * request.horizon * taught.gain
    columns = _what(candidates, designs, panel) | {
        **_with_ends("lift", lift, request.level),
        "arrived_pct": 100.0 * arrived,
        "standard_error": error,
        "error_pct": 100.0 * error / np.array([c.kpi for c in candidates]),
        "placebo_windows": np.array([c.windows for c in candidates]),
        **{name: _of_design(candidates, designs, name) for name in ("r2", "rmse", "rmse_pct")},
        "power": power(asked, error, request.level),
        "detectable_lift": smallest,
        "detectable_roi": smallest / arrived * worth / np.abs(spend),
        **_with_ends("roi", roi, request.level),
        "narrowing_pct": 100.0 * (1.0 - taught.width),
        "spend_difference": spend,
        **_with_ends("cost", cost, request.level),
        "value_of_information": value,
        "net_value": value - np.maximum(cost.mean(axis=1), 0.0),
        "effective_draws": taught.effective,
        "method": np.where(taught.linear, "linear", "reweighted"),
        "extrapolation": np.array([c.treatment.extrapolation[c.regions].any() for c in candidates]),
        "design": np.array([c.design for c in candidates]),
        "position": np.arange(len(candidates)),
    }
    table = pd.DataFrame(columns).sort_values(["net_value", "narrowing_pct"], ascending=False, ignore_index=True)
    return table.rename_axis("candidate")


def _what(candidates: list[Candidate], designs: list[Design | None], panel: Panel) -> dict[str, object]:
    """Columns that say what a candidate is."""
    treatments = [c.treatment for c in candidates]
    return {
        "channel": [panel.channels[t.channel] for t in treatments],
        "kind": ["go_dark" if t.change < 0 else "heavy_up" for t in treatments],
        "spend_change": [t.change for t in treatments],
        "weeks": [t.weeks for t in treatments],
        "cool_down": [t.cool_down for t in treatments],
        "start": [c.start for c in candidates],
        "end": [c.end for c in candidates],
        "n_regions": [len(c.regions) for c in candidates],
        "regions": [tuple(panel.regions[c.regions]) for c in candidates],
    }


def _with_ends(name: str, draws: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """Mean and interval of draws `[candidate, draw]`."""
    low, high = interval(draws.T, level)
    return {name: draws.mean(axis=1), f"{name}_low": low, f"{name}_high": high}


def _of_design(candidates: list[Candidate], designs: list[Design | None], name: str) -> np.ndarray:
    values = [np.nan if design is None else getattr(design, name) for design in designs]
    return np.array([values[c.design] for c in candidates], np.float64)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """1 where there is no effect to take a ratio of."""
    return np.where(whole != 0, part / np.where(whole != 0, whole, 1.0), 1.0)


def _recent_kpi(panel: Panel) -> np.ndarray:
    """Mean KPI of a week of the last year, `[region]`, KPI units."""
    year = slice(-panel.cadence.steps(_LAST_YEAR), None)
    seen = (panel.weights > 0)[:, year]
    return np.asarray(np.where(seen, panel.kpi[:, year], 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))


def _label(panel: Panel, position: int, last_day: bool) -> str:
    """First or last day of a week, ISO date; the number of the week where weeks are numbers."""
    week = panel.weeks[position]
    if isinstance(week, pd.Timestamp):
        following = panel.cadence.later(panel.weeks[: position + 1], 1)[0]
        return f"{following - pd.Timedelta(days=1) if last_day else week:%Y-%m-%d}"
    return str(week)
