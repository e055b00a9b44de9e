"""Accuracy: errors of the predictions, beside those of naive forecasts."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence

SEASON_WEEKS = 52  # a year, so that weeks of days compare the same day of the week
RECENT_WEEKS = 8.0
_ENOUGH_COVERAGE = 0.9  # share of the region-weeks that a naive forecast must cover to be compared with

NAIVE_FORECASTS = ("mean", "last", "mean8", "seasonal")


def naive_forecasts(
    kpi: np.ndarray, weights: np.ndarray, horizon: int, cadence: Cadence = Cadence.WEEKLY
) -> dict[str, np.ndarray]:
    """Forecasts from the training weeks alone.

    Args:
        kpi: `[region, week]` of the training weeks.
        weights: `[region, week]`, 0 where the KPI is not observed.
        horizon: weeks to forecast.
        cadence: of the weeks, which may be days, months or quarters.

    Returns:
        `[region, horizon]` by name: regional `mean`, `last` observed week, `mean8` of the last eight observed weeks
        (56 days, 2 months, 1 quarter), and `seasonal`, the same week a year before (52 weeks, 364 days, 12 months), NaN
        where there is none.
    """
    observed = np.where(weights > 0, kpi, np.nan)
    flat = {"mean": np.nanmean(observed, axis=1)}
    recent = [row[~np.isnan(row)] for row in observed]
    flat["last"] = np.array([row[-1] for row in recent])
    flat["mean8"] = np.array([row[-cadence.steps(RECENT_WEEKS) :].mean() for row in recent])
    forecasts = {name: np.repeat(level[:, None], horizon, axis=1) for name, level in flat.items()}
    source = observed.shape[1] + np.arange(horizon) - cadence.steps(SEASON_WEEKS)
    usable = (source >= 0) & (source < observed.shape[1])
    seasonal = np.full((len(observed), horizon), np.nan)
    seasonal[:, usable] = observed[:, source[usable]]
    forecasts["seasonal"] = seasonal
    return forecasts


def scores(kpi: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Measures over region-weeks with weight; the R2 of a region needs at least 3 weeks with different values.

    Args:
        kpi: `[region, week]`.
        prediction: `[region, week]`, same unit.
        weights: `[region, week]`, 0 leaves a region-week out.

    Returns:
        `r2` about one mean over all regions, `r2_median_region`, `rmse` in KPI units, and `wmape`, the sum of absolute
        errors over the sum of absolute KPI; NaN where that is 0, or where a prediction is none.
    """
    used = weights > 0
    error = np.where(used, kpi - prediction, 0.0)
    within = []
    for region in range(len(kpi)):
        values = kpi[region, used[region]]
        if len(values) >= 3 and np.ptp(values) > 0:
            within.append(1.0 - np.sum(error[region] ** 2) / np.sum((values - values.mean()) ** 2))
    total = np.sum((kpi[used] - kpi[used].mean()) ** 2) if used.any() else 0.0
    size = np.abs(kpi[used]).sum()
    return {
        "r2": float(1.0 - np.sum(error**2) / total) if total > 0 else np.nan,
        "r2_median_region": float(np.median(within)) if within else np.nan,
        "rmse": float(np.sqrt(np.mean(error[used] ** 2))) if used.any() else np.nan,
        "wmape": float(np.abs(error).sum() / size) if size > 0 else np.nan,
    }


def accuracy_table(
    kpi: np.ndarray,
    prediction: np.ndarray,
    observed: np.ndarray,
    n_training_weeks: int,
    holdout: bool,
    cadence: Cadence = Cadence.WEEKLY,
) -> pd.DataFrame:
    """The metrics of a fit.

    Args:
        kpi: `[region, week]`.
        prediction: `[region, week]`.
        observed: `[region, week]`, 0 where the KPI is not observed.
        n_training_weeks: weeks up to the last one learned from; later ones with a KPI are holdout.
        holdout: whether weeks were held out.
        cadence: of the weeks, which may be days, months or quarters.

    Returns:
        Rows `train` and, if there is one, `holdout`; columns `r2`, `r2_median_region`, `rmse`, `wmape`, the RMSE of
        each naive forecast (where there is one) as `rmse_mean`, ..., the least of those that cover nine tenths of the
        region-weeks, with the regional mean in the others, as `rmse_naive` with its name `naive`, and `skill`,
        1 - rmse / rmse_naive. On training weeks the regional mean is the only meaningful naive forecast.
    """
    past = slice(0, n_training_weeks)
    training_mean = naive_forecasts(kpi[:, past], observed[:, past], n_training_weeks)["mean"]
    rows = {"train": _row(kpi[:, past], prediction[:, past], observed[:, past], {"mean": training_mean})}
    if holdout:
        later = slice(n_training_weeks, None)
        naive = naive_forecasts(kpi[:, past], observed[:, past], kpi.shape[1] - n_training_weeks, cadence)
        rows["holdout"] = _row(kpi[:, later], prediction[:, later], observed[:, later], naive)
    return pd.DataFrame.from_dict(rows, orient="index")


def to_compare_with(forecast: np.ndarray, mean: np.ndarray, observed: np.ndarray) -> np.ndarray | None:
    """A naive forecast with the regional mean where it has none, in the shape of both; None where it covers too little.

    One that exists for few region-weeks is not compared with those that cover nearly all. Where it lacks a few, these
    may be of the region with the largest errors of all, which then have to count for it as they do for the model.

    Args:
        forecast: in KPI units, NaN where there is none.
        mean: the regional mean of the training weeks.
        observed: above 0 where the KPI was observed.
    """
    seen = observed > 0
    covered = (seen & ~np.isnan(forecast)).sum() >= _ENOUGH_COVERAGE * seen.sum() > 0
    return np.where(np.isnan(forecast), mean, forecast) if covered else None


def _row(
    kpi: np.ndarray, prediction: np.ndarray, observed: np.ndarray, naive: dict[str, np.ndarray]
) -> dict[str, float | str]:
    row: dict[str, float | str] = dict(scores(kpi, prediction, observed))
    known, seen = {}, observed > 0
    for name in NAIVE_FORECASTS:
        forecast = naive.get(name, np.full(kpi.shape, np.nan))
        row[f"rmse_{name}"] = _rmse(np.where(seen, kpi - forecast, np.nan))
        compared = to_compare_with(forecast, naive["mean"], observed)
        if compared is not None:
            known[name] = _rmse(np.where(seen, kpi - compared, np.nan))
    best = min(known, key=lambda name: known[name]) if known else ""
    row["rmse_naive"] = known[best] if known else np.nan
    row["naive"] = best
    row["skill"] = 1.0 - float(row["rmse"]) / known[best] if known and known[best] > 0 else np.nan
    return row


def _rmse(error: np.ndarray) -> float:
    known = error[~np.isnan(error)]
    return float(np.sqrt(np.mean(known**2))) if known.size else float("nan")


def worse_than_mean(kpi: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> bool:
    """Whether regional means predict the training weeks better; all arrays `[region, week]`."""
    seen = weights > 0
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    mean = np.where(seen, kpi, 0.0).sum(axis=1, keepdims=True) / count
    error, naive = (np.where(seen, kpi - value, 0.0) for value in (prediction, mean))
    return bool((error**2).sum() > (naive**2).sum() > 0)
