"""Draws of the KPI in the weeks after training, and their intervals."""

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.axes import REGION, TIME, Variables
from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.fading import fading_sum
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.training.forecast_draws import ForecastDistribution, Process, forecast_distributions
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters

_FEWEST = 20
_LEAST_SPREAD, _LARGEST = 1e-3, 1e15  # of a mean beyond chance, as a share of it; count that can be drawn


def forecast_draws(fit: FittedPanel, variables: Variables, panel: Panel | None, draws: int, seed: int) -> np.ndarray:
    """Draws of the KPI, `[draw, region, week]`, KPI units, of the weeks after training.

    Each draw combines one set of variables, the filtered state of level, AR(1) component and season with its
    uncertainty, their process noise from week to week, shocks that all regions share, and each region's own noise.

    Args:
        fit: the fit on its own panel.
        variables: sets of variables, with a leading axis; their differences are the uncertainty of the parameters.
        panel: weeks that continue the fit's; None for its own weeks after training, held out or planned.
        draws: number of draws.
        seed: of the draws.

    Raises:
        ConfigError: the paper's model, or too few draws.
        DataError: no week after training, or a panel that does not continue the fit's.
    """
    if not fit.family.has_forecast_errors:
        raise ConfigError("Intervals of forecasts need the default model; the paper's does not model its errors.")
    whole_number("draws", draws, _FEWEST)
    seed = seed_number(seed)
    full, weeks, regions = _weeks(fit, panel)
    start = fit.n_training_weeks
    own = fit.on(full)
    inputs, design, weights = own.inputs, own.design, single(own.weights)
    assert isinstance(inputs, Inputs)
    assert isinstance(design, Design)
    penalties = Hyperparameters.of(fit.config).scales
    found = forecast_distributions(variables, inputs, weights, penalties, design=design, start=start)
    found = jax.tree.map(lambda array: np.asarray(array, np.float64), found)
    basis = np.asarray(inputs.season_basis, np.float64)[start:]
    rng, count = np.random.default_rng(seed), len(found.prediction)
    chosen = np.sort(np.arange(draws) % count) if draws >= count else np.sort(rng.choice(count, draws, replace=False))
    numbers = np.bincount(chosen, minlength=count)
    made = []
    for k in np.flatnonzero(numbers):
        own_set = jax.tree.map(lambda array, k=k: array[k], found)
        scaled = _simulated(own_set, basis, int(numbers[k]), rng, with_noise=not fit.config.counts)
        if fit.has_log_link:
            scaled = np.exp(scaled - 1.0)
        kpi = scaled * fit.scales.kpi[:, None]
        made.append(_counted(kpi, own_set.noise[:, None], rng) if fit.config.counts else kpi)
    return np.concatenate(made)[:, regions][:, :, weeks]


def forecast_table(
    prediction: np.ndarray, draws: np.ndarray, panel: Panel, level: float, by_region: bool, whole: bool = False
) -> pd.DataFrame:
    """Forecasts with their intervals.

    Args:
        prediction: `[region, week]`, KPI units.
        draws: `[draw, region, week]`.
        panel: of these weeks and regions.
        level: of the intervals.
        by_region: one row per region and week; else one row per week for all regions together: those with a KPI in the
            week, or all that have a row where none has a KPI.
        whole: whether the KPI is a count: then `low` and `high` are the whole numbers that enclose the interval.

    Returns:
        Columns region (where asked for) and time, `kpi` (empty where it is not observed), `prediction`, `low`, `high`,
        all three empty where no row says what runs.
    """
    observed, is_known = panel.weights > 0, panel.present
    known = np.where(observed, panel.kpi, np.nan)
    if not by_region:
        some = observed.any(axis=0)
        counted = np.where(some, observed, panel.present)
        prediction, draws = (np.where(counted, part, 0.0).sum(axis=-2) for part in (prediction, draws))
        known, is_known = np.where(some, np.nansum(known, axis=0), np.nan), np.asarray(counted.any(axis=0))
    prediction, draws = (np.where(is_known, part, np.nan) for part in (prediction, draws))
    low, high = interval(draws, level)
    if whole:
        low, high = np.floor(low), np.ceil(high)
    keys: dict[str, object] = {TIME: panel.weeks}
    if by_region:
        grid = pd.MultiIndex.from_product([panel.regions, panel.weeks])
        keys = {REGION: grid.get_level_values(0), TIME: grid.get_level_values(1)}
    values = {"kpi": known, "prediction": prediction, "low": low, "high": high}
    return pd.DataFrame(keys | {name: np.ravel(part) for name, part in values.items()})


def _weeks(fit: FittedPanel, panel: Panel | None) -> tuple[Panel, slice, np.ndarray]:
    """The panel up to the last week asked for, positions of those weeks after training, and of their regions."""
    start, unit = fit.n_training_weeks, fit.panel.cadence.unit
    if panel is None:
        if start == len(fit.panel.weeks):
            raise DataError(
                f"The fit has no {unit} after its training {unit}s; hold some out, or give a panel of future {unit}s."
            )
        return fit.panel, slice(0, None), np.arange(len(fit.panel.regions))
    full, weeks, regions = continued(fit.panel, panel)
    if weeks.start < start:
        raise DataError(
            f"The panel begins with {unit} {panel.week_label(0)}, which is a training {unit}; forecasts begin after "
            f"{fit.panel.week_label(start - 1)}."
        )
    return full, slice(weeks.start - start, None), regions


def _simulated(
    distribution: ForecastDistribution, basis: np.ndarray, draws: int, rng: np.random.Generator, *, with_noise: bool
) -> np.ndarray:
    """`[draw, region, week]`, scaled units, from one set of variables."""
    n_regions, n_weeks = distribution.prediction.shape
    national = _moved(distribution.national, basis, (draws, 1), rng)
    regions = _moved(distribution.regional, basis, (draws, n_regions), rng)
    shocks = distribution.shock * rng.standard_normal((draws, 1, n_weeks))
    drawn = np.asarray(distribution.prediction + national + regions + shocks)
    return drawn + distribution.noise[:, None] * rng.standard_normal(drawn.shape) if with_noise else drawn


def _counted(means: np.ndarray, spread: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Negative binomial counts around means; whole numbers, `[draw, region, week]`.

    Args:
        means: `[draw, region, week]`.
        spread: `[region, 1]`, of the means beyond the chance of counting, as a share of them.
        rng: draws the counts.
    """
    size = np.maximum(spread, _LEAST_SPREAD) ** -2.0
    return rng.poisson(np.minimum(means * rng.gamma(size, 1.0 / size, means.shape), _LARGEST)).astype(float)


def _moved(process: Process, basis: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Deviations of level, AR(1) component and season together, `[draw, series, week]`."""
    n_weeks = len(basis)
    covariance = np.broadcast_to(process.covariance, (shape[1], *process.covariance.shape[-2:]))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    start = np.einsum("rij,drj->dri", root, rng.standard_normal((*shape, covariance.shape[-1])))
    steps = process.level_step * rng.standard_normal((*shape, n_weeks))
    added = process.ar1_step * rng.standard_normal((*shape, n_weeks))
    steps[..., 0], added[..., 0] = start[..., 0], start[..., 1]  # the filtered state is already that of the first week
    component = fading_sum(np.asarray(added), float(process.fade))
    return np.cumsum(steps, axis=-1) + component + start[..., 2:] @ basis.T
