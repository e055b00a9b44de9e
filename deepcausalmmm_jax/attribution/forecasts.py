"""KPI, prediction and naive forecasts side by side, and the residuals."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.accuracy import NAIVE_FORECASTS, naive_forecasts
from deepcausalmmm_jax.axes import TIME
from deepcausalmmm_jax.data.panel import Panel

_LAGS = 26
_FEWEST_PAIRS = 8


def regional_forecasts(panel: Panel, prediction: np.ndarray, n_training: int) -> pd.DataFrame:
    """One row per region and week with an observed KPI.

    Args:
        panel: with the KPI.
        prediction: `[region, week]`, KPI units.
        n_training: weeks up to the last one learned from; later ones with a KPI are held out.

    Returns:
        Columns: the panel's region and week; `kpi`, `prediction`, `residual` (KPI less prediction); `scaled_kpi` and
        `scaled_prediction`, both over the region's mean KPI in the training weeks; `held_out`; and the naive forecasts
        `mean`, `last`, `mean8`, `seasonal`, empty in training weeks and where there is none.
    """
    past = slice(0, n_training)
    n_regions, n_weeks = panel.kpi.shape
    seen = panel.weights[:, past]
    mean = (panel.kpi[:, past] * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1e-12)
    unit = np.where(mean > 0, mean, np.nan)[:, None]
    naive = {name: np.full((n_regions, n_weeks), np.nan) for name in NAIVE_FORECASTS}
    if n_training < n_weeks:
        for name, values in naive_forecasts(panel.kpi[:, past], seen, n_weeks - n_training, panel.cadence).items():
            naive[name][:, n_training:] = values
    grids = {
        "kpi": panel.kpi,
        "prediction": prediction,
        "residual": panel.kpi - prediction,
        "scaled_kpi": panel.kpi / unit,
        "scaled_prediction": prediction / unit,
        "held_out": np.broadcast_to(np.arange(n_weeks) >= n_training, panel.kpi.shape),
    } | naive
    rows, columns = np.nonzero(panel.weights > 0)
    keys = {panel.region_name: panel.regions[rows], panel.time_name: panel.weeks[columns]}
    return pd.DataFrame(keys | {name: grid[rows, columns] for name, grid in grids.items()})


def national_forecasts(table: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """`regional_forecasts` of all regions together, one row per week.

    KPI units are summed over the regions observed in the week (a naive forecast is empty where it lacks one of them);
    scaled values are averaged.
    """
    weeks = table.groupby(panel.time_name)
    sums = weeks[["kpi", "prediction", "residual"]].sum()
    means = weeks[["scaled_kpi", "scaled_prediction"]].mean()
    naive = weeks[list(NAIVE_FORECASTS)].sum().where(weeks[list(NAIVE_FORECASTS)].count().eq(weeks.size(), axis=0))
    return pd.concat([sums, means, weeks[["held_out"]].any(), naive], axis=1).rename_axis(TIME)


def autocorrelation(panel: Panel, prediction: np.ndarray, n_training: int) -> pd.DataFrame:
    """Autocorrelation of the residuals of the training weeks.

    Returns:
        By `lag` in weeks: `region`, pooled over regions with each region's mean taken out; `national`, of the sum over
        regions; and `bound`, two standard errors of the national one if there is no autocorrelation (2 / sqrt(weeks
        with a KPI)). A correlation is missing where too few weeks with a KPI lie that far apart.
    """
    used = panel.weights[:, :n_training] > 0
    left = np.where(used, panel.kpi[:, :n_training] - prediction[:, :n_training], 0.0)
    size = np.sqrt((left**2).sum(axis=1, keepdims=True) / np.maximum(used.sum(axis=1, keepdims=True), 1))
    own = _centred(left / np.where(size > 0, size, 1.0), used)
    whole = np.asarray(used.any(axis=0, keepdims=True))
    together = _centred(left.sum(axis=0, keepdims=True), whole)
    lags = range(1, max(2, min(_LAGS + 1, n_training - _FEWEST_PAIRS)))
    return pd.DataFrame(
        {
            "region": [_correlation(own, used, lag) for lag in lags],
            "national": [_correlation(together, whole, lag) for lag in lags],
            "bound": 2.0 / np.sqrt(max(int(whole.sum()), 1)),
        },
        index=pd.Index(lags, name="lag"),
    )


def _centred(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    mean = (values * used).sum(axis=1, keepdims=True) / np.maximum(used.sum(axis=1, keepdims=True), 1)
    return np.where(used, values - mean, 0.0)


def _correlation(values: np.ndarray, used: np.ndarray, lag: int) -> float:
    """Mean product of pairs `lag` weeks apart over the mean square; missing where there are too few pairs."""
    pairs = (used[:, lag:] & used[:, :-lag]).sum()
    square = (values**2).sum() / max(used.sum(), 1)
    if pairs < _FEWEST_PAIRS or square <= 0:
        return float("nan")
    return float((values[:, lag:] * values[:, :-lag]).sum() / pairs / square)
