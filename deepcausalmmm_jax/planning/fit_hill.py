"""Hill curves fitted to a table of spend and outcome by least squares, without a model."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.stats import t as student

from deepcausalmmm_jax.axes import REGION
from deepcausalmmm_jax.checks import is_number, require, seed_number, shown
from deepcausalmmm_jax.errors import DataError

_FEWEST = 5  # rows: four parameters, and one degree of freedom
_SLOPES = (0.2, 10.0)
_SATURATED = 0.9  # share of the way from bottom to top
_WHOLE = "all"
_NAMES = ("bottom", "top", "half_saturation", "slope")
# Standard deviations that the parameters of a curve may have, in units of the outcome's range and in logs: where the
# rows say nothing of one, its interval is as wide as this, and not a point.
_SPREADS = np.array([100.0, 20.0, 20.0, 5.0])


class _Fit(NamedTuple):
    parameters: np.ndarray  # bottom, log of the rise, log of the half-saturation, log of the slope
    covariance: np.ndarray  # [4, 4]
    r2: float


_Parameter = float | np.ndarray


def hill_value(
    x: np.ndarray, bottom: _Parameter, top: _Parameter, half_saturation: _Parameter, slope: _Parameter
) -> np.ndarray:
    """$b + (t - b) x^a / (x^a + g^a)$, in the unit of the outcome; parameters broadcast with `x`, 0 or more."""
    with np.errstate(divide="ignore"):
        ratio = np.log(np.maximum(x, 0.0)) - np.log(half_saturation)
    return np.asarray(bottom + (top - bottom) / (1.0 + np.exp(-np.clip(slope * ratio, -700.0, 700.0))))


def fit_hill(x: object, y: object, region: object | None = None, *, level: float = 0.9, seed: int = 0) -> pd.DataFrame:
    r"""Fit $y = b + (t - b) x^a / (x^a + g^a)$ by least squares from several starts.

    Args:
        x: `[row]`, spend or exposure, 0 or more.
        y: `[row]`, outcome.
        region: `[row]`, labels; a curve is fitted to each region. One curve overall when None.
        level: of the intervals.
        seed: of the draws that give the intervals of `top` and of the saturation point.

    Returns:
        One row per region (or one row, `all`): `bottom`, `top` (unit of y), `half_saturation` (unit of x), `slope`,
        `saturation_point` (x at which the curve has covered 90% of the way from bottom to top), each with `_low` and
        `_high` from the curvature at the best fit and wide bounds on what curves may be; `r2`, `rows`, and `largest_x`,
        beyond which the curve is extrapolation.

    Raises:
        ConfigError: a level that is not between 0 and 1.
        DataError: lengths that differ, values that are not finite, negative x, fewer than 5 rows, or an x that does
            not vary; the message names the region.
    """
    require(is_number(level) and 0 < level < 1, "level", level, "between 0 and 1, e.g. 0.9")
    seed = seed_number(seed)
    spend, outcome = _numbers("x", x), _numbers("y", y)
    labels = np.full(len(spend), _WHOLE, object) if region is None else np.asarray(region, object).ravel()
    if not len(spend) == len(outcome) == len(labels):
        raise DataError(f"x has {len(spend)} rows, y {len(outcome)} and region {len(labels)}; they must be equal.")
    if not all(pd.api.types.is_scalar(label) and not pd.isna(label) for label in labels):
        raise DataError("region must have a label in every row; some rows have none.")
    rows = []
    for label in pd.unique(labels):
        here = labels == label
        _refuse(spend[here], outcome[here], label)
        rows.append({REGION: label} | _row(spend[here], outcome[here], level, seed))
    return pd.DataFrame(rows)


def _numbers(name: str, given: object) -> np.ndarray:
    """An argument as an array, `[row]`."""
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "mMc":  # dates and complex numbers would become others in silence
            return array.astype(np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{name} must be a list or a column of numbers, got {shown(given)}.")


def _refuse(x: np.ndarray, y: np.ndarray, label: object) -> None:
    where = "" if label == _WHOLE else f" in region {label}"
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError(f"x and y must be finite numbers; {where.strip() or 'the table'} has others.")
    if (x < 0).any():
        raise DataError(f"x must be 0 or more, got {x.min():,.6g}{where}.")
    if len(x) < _FEWEST:
        raise DataError(f"A Hill curve needs {_FEWEST} rows or more, got {len(x)}{where}.")
    if np.ptp(x) == 0:
        raise DataError(f"x does not vary{where}, so no curve can be fitted.")


def _row(x: np.ndarray, y: np.ndarray, level: float, seed: int) -> dict[str, float]:
    fit = _fitted(x, y)
    spread = float(student.ppf(0.5 + level / 2, max(len(x) - 4, 1)))
    error = np.sqrt(np.maximum(fit.covariance.diagonal(), 0.0))
    ends = np.stack([fit.parameters, fit.parameters - spread * error, fit.parameters + spread * error])
    draws = _natural(np.random.default_rng(seed).multivariate_normal(fit.parameters, fit.covariance, 2000))
    own = _natural(ends)
    row: dict[str, float] = {}
    for k, name in enumerate(_NAMES):
        row[name] = float(own[0, k])
        if name == "top":  # a sum of two parameters
            row["top_low"], row["top_high"] = _ends(draws[:, k], level)
        else:
            row[f"{name}_low"], row[f"{name}_high"] = float(own[1, k]), float(own[2, k])
    reached = np.concatenate([own[:1], draws])
    with np.errstate(over="ignore"):
        point = reached[:, 2] * (_SATURATED / (1 - _SATURATED)) ** (1 / reached[:, 3])
    row["saturation_point"] = float(point[0])
    row["saturation_point_low"], row["saturation_point_high"] = _ends(point[1:], level)
    return row | {"r2": fit.r2, "rows": len(x), "largest_x": float(x.max())}


def _ends(drawn: np.ndarray, level: float) -> tuple[float, float]:
    """Ends of an interval from draws, of which some may be infinite."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(low), float(high)


def _natural(parameters: np.ndarray) -> np.ndarray:
    """Bottom, top, half-saturation and slope, `[..., 4]`, from `_Fit.parameters`."""
    bottom, rise, half, slope = np.moveaxis(parameters, -1, 0)
    with np.errstate(over="ignore"):
        return np.stack([bottom, bottom + np.exp(rise), np.exp(half), np.exp(slope)], axis=-1)


def _fitted(x: np.ndarray, y: np.ndarray) -> _Fit:
    size, level = float(np.ptp(y)) or 1.0, float(y.min())
    unit = float(np.median(x[x > 0]))
    scaled_x, scaled_y = x / unit, (y - level) / size

    def miss(p: np.ndarray) -> np.ndarray:
        own = _natural(p)
        return hill_value(scaled_x, own[0], own[1], own[2], own[3]) - scaled_y

    largest = float(scaled_x.max())
    low = [-10.0, -10.0, np.log(largest) - 12.0, np.log(_SLOPES[0])]
    high = [10.0, 5.0, np.log(largest) + 5.0, np.log(_SLOPES[1])]
    guesses = [(np.log(half), np.log(slope)) for half in (0.3, 1.0, 3.0) for slope in (0.8, 1.5, 3.0)]
    found = [least_squares(miss, [0.0, 0.2, half, slope], bounds=(low, high)) for half, slope in guesses]
    best = min(found, key=lambda one: one.cost)
    noise = 2 * best.cost / max(len(x) - 4, 1)
    covariance = np.linalg.inv(best.jac.T @ best.jac / max(noise, 1e-12) + np.diag(_SPREADS**-2.0))
    # Back to the units of x and y: the bottom is scaled and shifted, the logs are shifted.
    parameters = best.x * [size, 1, 1, 1] + [level, np.log(size), np.log(unit), 0.0]
    stretch = np.array([size, 1, 1, 1])
    spread = scaled_y.var()
    r2 = 1.0 - 2 * best.cost / (len(y) * spread) if spread > 0 else float("nan")
    return _Fit(parameters, covariance * np.outer(stretch, stretch), float(r2))
