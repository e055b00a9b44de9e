"""`unmeasured_confounding`: how strong a hidden cause would have to be to take each channel's interval to zero."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.innovations import since_used
from deepcausalmmm_jax.attribution.intervals import require_level
from deepcausalmmm_jax.attribution.shared_noise import without_shared_shocks
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.data.season import free_season_basis
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.sensitivity import (
    Cause,
    adjusted_error,
    as_strong_as,
    bias_bound,
    critical,
    partial_r2,
    robustness_value,
)

_TIMES = (1, 2, 3)
_STILL = 1e-9  # of a column's own sum of squares: what is left below it is rounding
_FEWEST_DEGREES = 2.0


class Verdict(StrEnum):
    """What a hidden cause could do to a channel's effect; the value is its sentence."""

    UNKNOWN = "unknown: the standard error of the share is unknown"
    NO_EFFECT = "the interval contains zero even without a hidden cause"
    FRAGILE = "a hidden cause as strong as the strongest control would bring the interval to zero"
    DOUBTFUL = "a hidden cause two or three times as strong as the strongest control would bring the interval to zero"
    ROBUST = "a hidden cause three times as strong as the strongest control would not bring the interval to zero"
    NO_CONTROL = "no control to compare a hidden cause with: judge by the robustness value itself"


class _Residuals(NamedTuple):
    """Innovations of everything in the model, weighted by the noise of the region, one row per region-week."""

    kpi: np.ndarray  # [row]
    activity: np.ndarray  # [row, channel]
    control: np.ndarray  # [row, control]
    rest: np.ndarray  # [row, term]: trend and season; levels are gone
    degrees: float  # of freedom


def unmeasured_confounding(result: FitResult, *, level: float = 0.9) -> pd.DataFrame:
    """How strong an unobserved cause of both exposure and KPI would have to be to explain away each channel's effect.

    Cinelli & Hazlett 2020 (Journal of the Royal Statistical Society B 82, 39-67), applied to the fit as a regression of
    the KPI on the activity of all channels (saturated, carried-over exposure), controls, season, trend and regional
    levels, on weekly innovations, so that persistent residuals do not count twice. The share of each channel has the
    standard error that the result states. The degrees of freedom count region-weeks only as far as they are
    independent.

    Args:
        result: a fit of the default model.
        level: of the intervals.

    Returns:
        By channel, shares in percent of the KPI:
        - `estimate`, `low`, `high` and `t`: share, interval and share over standard error;
        - `degrees`: of freedom;
        - `partial_r2`: of activity and KPI, given everything else: a cause that explained all of the remaining KPI
          would need this partial R2 with the activity to bring the estimate to zero;
        - `robustness_value`: partial R2 with both activity and KPI that brings the estimate to zero;
          `robustness_value_interval`: the one that brings the nearer end of the interval to zero, 0 where it is there
          already;
        - `strongest_control`: the one that could move the estimate most, with its partial R2, `control_r2_channel` and
          `control_r2_kpi`;
        - `adjusted_1x`, `adjusted_2x`, `adjusted_3x`: what would be left of the estimate with a hidden cause as strong
          as that control, twice, and three times; missing without controls, and where nothing would be left for so
          strong a cause to explain;
        - `verdict`: whether such a cause brings the interval to zero, a `Verdict`.

    Raises:
        ConfigError: not a fit of the default model, or a level that is not between 0 and 1.
    """
    require_result(result, "unmeasured_confounding")
    if not result.family.has_noise:
        raise ConfigError("unmeasured_confounding needs the default model: the paper's has no standard errors.")
    require_level(level)
    left, trust = _residuals(result.fitted_panel), result.notes()
    rows = []
    for m in range(len(result.panel.channels)):
        share, error = float(trust["share"].iloc[m]), float(trust["share_error"].iloc[m])
        rows.append(_row(share, error, _observed(left, m), result.panel.controls, left.degrees, 1.0 - level))
    return pd.DataFrame(rows, index=pd.Index(result.panel.channels, name=CHANNEL))


def _row(
    share: float, error: float, observed: list[Cause], controls: tuple[str, ...], degrees: float, alpha: float
) -> dict[str, object]:
    t = share / error
    known = np.isfinite(t)
    half = critical(alpha, degrees + 1.0) * error
    bounds = [bias_bound(error, degrees, as_strong_as(cause, 1.0)) for cause in observed] if known else []
    strongest = int(np.argmax(bounds)) if bounds else None
    row: dict[str, object] = {
        "estimate": share,
        "low": share - half,
        "high": share + half,
        "t": t,
        "degrees": degrees,
        "partial_r2": partial_r2(t, degrees) if known else np.nan,
        "robustness_value": robustness_value(t, degrees) if known else np.nan,
        "robustness_value_interval": robustness_value(t, degrees, alpha=alpha) if known else np.nan,
        "strongest_control": "" if strongest is None else controls[strongest],
        "control_r2_channel": np.nan if strongest is None else observed[strongest].r2_treatment,
        "control_r2_kpi": np.nan if strongest is None else observed[strongest].r2_outcome,
    }
    crossed = []
    for times in _TIMES:
        cause = None if strongest is None else as_strong_as(observed[strongest], times)
        adjusted = np.nan if cause is None else share - bias_bound(error, degrees, cause)
        row[f"adjusted_{times}x"] = adjusted if np.isfinite(adjusted) else np.nan
        if cause is not None:
            crossed.append(adjusted <= critical(alpha, degrees) * adjusted_error(error, degrees, cause))
    row["verdict"] = str(_verdict(known, share > half, crossed))
    return row


def _verdict(known: bool, clear: bool, crossed: list[bool]) -> Verdict:
    """Verdict from whether the interval reaches zero with a cause once, twice and three times as strong."""
    if not known:
        return Verdict.UNKNOWN
    if not clear:
        return Verdict.NO_EFFECT
    if not crossed:
        return Verdict.NO_CONTROL
    if crossed[0]:
        return Verdict.FRAGILE
    return Verdict.DOUBTFUL if any(crossed) else Verdict.ROBUST


def _residuals(fit: FittedPanel) -> _Residuals:
    """Innovations of KPI, activity, controls, trend and season, each less its regional mean over the weeks used."""
    panel, inside = fit.panel, fit.internals
    used = fit.weights > 0
    terms = fit.scaled_terms
    activity = terms.media / np.maximum(inside.coefficient, 1e-12)
    season = free_season_basis(panel, fit.config)
    season = np.broadcast_to(season, (*used.shape, season.shape[1]))
    trend = terms.trend[:, :, None]
    spread = np.where(fit.scales.control_scale > 0, fit.scales.control_scale, 1.0)[:, None, :]
    columns = [fit.scaled_kpi[:, :, None], activity, panel.control / spread, trend, season]
    ends = np.cumsum([part.shape[2] for part in columns])[:-1]
    every = np.where(used[:, :, None], np.concatenate(columns, axis=2), 0.0)
    count = np.maximum(used.sum(axis=1), 1)[:, None, None]
    every = (every - every.sum(axis=1, keepdims=True) / count) * used[:, :, None]
    innovations, weight = since_used(every, used, 0.0 if fit.config.counts else float(inside.persistence))
    pairs = weight > 0
    standardised = innovations * weight[:, :, None] / np.asarray(fit.residual_noise, np.float64)[:, None, None]
    rows = without_shared_shocks(standardised, pairs, fit)[pairs]
    kpi, activity, control, *rest = np.split(rows, ends, axis=1)
    independent = float(inside.effective) * len(rows)
    terms = rows.shape[1] - 1 + int(pairs.any(axis=1).sum()) * float(inside.effective)  # and one level a region
    degrees = max(independent - terms, _FEWEST_DEGREES)
    return _Residuals(kpi[:, 0], activity, control, np.concatenate(rest, axis=1), degrees)


def _observed(left: _Residuals, channel: int) -> list[Cause]:
    """Strength of each control as a cause of a channel's activity and of the KPI, given everything else."""
    treatment = left.activity[:, channel]
    others = np.concatenate([np.delete(left.activity, channel, axis=1), left.rest], axis=1)
    found = []
    for k in range(left.control.shape[1]):
        control = left.control[:, k]
        given = np.concatenate([others, np.delete(left.control, k, axis=1)], axis=1)
        with_treatment = np.concatenate([given, treatment[:, None]], axis=1)
        found.append(Cause(_partial(treatment, control, given), _partial(left.kpi, control, with_treatment)))
    return found


def _partial(outcome: np.ndarray, cause: np.ndarray, given: np.ndarray) -> float:
    """Partial R2 of two series given others: the squared correlation of what the others leave of both."""
    both = np.stack([outcome, cause], axis=1)
    size = np.sqrt((given**2).sum(axis=0))
    scaled = given[:, size > 0] / size[size > 0]
    rest = both - scaled @ np.linalg.lstsq(scaled, both, rcond=None)[0]
    power = (rest**2).sum(axis=0)
    if (power <= _STILL * (both**2).sum(axis=0)).any():
        return 0.0
    return float((rest[:, 0] @ rest[:, 1]) ** 2 / (power[0] * power[1]))
