"""`cross_validate`: forecasts from rolling origins, beside naive forecasts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.accuracy import naive_forecasts, scores, to_compare_with
from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.config.asked import require_config
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.experiments import ended_tests
from deepcausalmmm_jax.data.holdout import fewest_steps, refuse_without_kpi, weeks_in_words, weights_before
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.kpi_scale import informative
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.trailing_zeros import ask_about_trailing_zeros
from deepcausalmmm_jax.errors import ConfigError, DataError, FitStatus
from deepcausalmmm_jax.inference.refit_store import identity_of
from deepcausalmmm_jax.inference.rolling_origin import Tasks, forecasts, stacked
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.model.windows import padded
from deepcausalmmm_jax.progress import Progress
from deepcausalmmm_jax.training.prepare import Preparation, prepare, tests_in

_ALL, _MODEL = "all", "model"


class _Fold(NamedTuple):
    """Weeks to learn from and the weeks after them."""

    panel: Panel  # up to the end of the forecast
    weights: np.ndarray  # [region, week], 0 from the origin on
    learned: np.ndarray  # the same, 0 in regions without information
    origin: int
    later: np.ndarray  # [horizon], positions of the weeks to forecast


def cross_validate(
    panel: Panel,
    configs: Config | Sequence[Config],
    horizon: int = 8,
    folds: int = 4,
    *,
    origins: Sequence[int] | None = None,
    seeds: Sequence[int] = (0,),
    batch_size: int = 1,
) -> pd.DataFrame:
    """Fit on the weeks before each origin, forecast those after it (Hyndman & Athanasopoulos 2021, section 5.10).

    Nothing after an origin enters its fit or its scales; a lift test enters only the folds whose origin comes after its
    end. Only weeks in which some region has a KPI are counted: each fold forecasts the next `horizon` such weeks from
    its origin; planned weeks after the last KPI are left out. Keep weeks that are reserved for a final evaluation out
    of the panel. Configurations that differ only in numbers such as the prior scales share one compiled program over
    all folds, settings and seeds.

    Args:
        panel: the training weeks.
        configs: one or more settings.
        horizon: weeks with a KPI to forecast.
        folds: number of origins, `horizon` weeks with a KPI apart, the last one as many before the last KPI.
        origins: positions of the origins in the panel's weeks, in place of `folds`.
        seeds: of the fits' random starts.
        batch_size: fits side by side; on a GPU more are faster, as long as memory allows.

    Returns:
        A row for each configuration, seed and fold, and one with fold `all` for the squared errors of all folds
        together. Columns: `config` (position in `configs`), `seed`, `fold`, `origin` (its week), `rmse` in KPI units,
        `wmape`, `rmse_mean`, `rmse_last`, `rmse_mean8`, `rmse_seasonal`, the best of those as `naive` and
        `rmse_naive`, `ratio` = rmse / rmse_naive, and `status`, how the fit ended. Where one diverged the model's
        errors are missing, in its fold and in that of all.

    Raises:
        DataError: too few weeks for the folds, a fold that cannot be fitted, or a KPI that drops to zero at the panel's
            end.
        ConfigError: no configuration, or a bad number.
    """
    several = isinstance(configs, Iterable) and not isinstance(configs, Config | str | Mapping)
    listed = cast(Iterable[Config], configs) if several else [configs]
    settings = [require_config(one, "cross_validate") for one in listed]
    if not settings:
        raise ConfigError("cross_validate needs at least one configuration.")
    for name, number in (("horizon", horizon), ("folds", folds), ("batch_size", batch_size)):
        whole_number(name, number)
    seeds = [seed_number(seed, "seeds") for seed in (seeds if isinstance(seeds, Iterable) else [seeds])]
    ask_about_trailing_zeros(require_panel(panel, "cross_validate"))
    cut = [_fold(panel, origin, horizon) for origin in _origins(panel, horizon, folds, origins)]
    found: dict[tuple[int, int], list[_Forecast]] = {}
    with Progress("cross_validate", "fits", len(settings) * len(seeds) * len(cut)) as bar:
        for group in _groups(panel, cut, settings):
            for (config, seed, fold), forecast, status in _run(group, cut, seeds, batch_size, bar):
                found.setdefault((config, seed), []).append(_Forecast(fold, status, forecast))
    bar.close("All fits are done.")
    rows = [row for key in sorted(found) for row in _rows(key, found[key], cut, panel)]
    return pd.DataFrame(rows)


def _origins(panel: Panel, horizon: int, folds: int, origins: Sequence[int] | None) -> list[int]:
    """Positions of the origins in the panel's weeks, each with enough weeks with a KPI on both sides."""
    n_weeks, with_kpi = refuse_without_kpi(panel), np.flatnonzero(panel.has_kpi)
    if origins is None:
        before = [n_weeks - horizon * k for k in range(folds, 0, -1)]
        wanted = [int(with_kpi[max(count, 0)]) for count in before]
    else:
        several = isinstance(origins, Iterable) and not isinstance(origins, str)
        wanted = [whole_number("origins", origin, 0) for origin in (origins if several else [origins])]
        before = [int(panel.has_kpi[: max(origin, 0)].sum()) for origin in wanted]
    if not wanted:
        raise ConfigError("cross_validate needs at least one origin.")
    fewest, unit = fewest_steps(panel), panel.cadence.unit
    if min(before) < fewest:
        raise DataError(
            f"The first origin leaves {max(min(before), 0)} {unit}s to train on, and at least {fewest} are needed; the "
            f"folds are cut from {weeks_in_words(panel)}, so ask for fewer folds or a shorter horizon."
        )
    if max(before) + horizon > n_weeks:
        raise DataError(
            f"The origin {max(wanted)} with a horizon of {horizon} goes beyond {weeks_in_words(panel)}; choose an "
            "earlier origin."
        )
    return wanted


def _fold(panel: Panel, origin: int, horizon: int) -> _Fold:
    later = origin + np.flatnonzero(panel.has_kpi[origin:])[:horizon]
    seen = panel.select(weeks=slice(0, int(later[-1]) + 1))
    weights = weights_before(seen, origin)
    try:
        refuse_unfit(seen, weights)
    except DataError as error:
        raise DataError(f"The fold with its origin at week {panel.week_label(origin)}: {error}") from None
    return _Fold(seen, weights, informative(seen, weights), origin, later)


class _Forecast(NamedTuple):
    """Forecast of one fold."""

    fold: int
    status: FitStatus
    values: np.ndarray  # [region, horizon], KPI units


class _Group(NamedTuple):
    """Fits that share one program."""

    settings: list[int]
    folds: list[int]
    ready: dict[tuple[int, int], Preparation]  # by setting and fold


def _groups(panel: Panel, folds: list[_Fold], settings: list[Config]) -> list[_Group]:
    """Fits by program, paddable ones by model and largest sizes; settings share one where all their folds see the same.

    What a setting sees are arrays, and equal arrays tell more than a list of the settings that decide them could.
    """
    groups: dict[tuple[object, ...], _Group] = {}
    for s, config in enumerate(settings):
        ready = {f: prepare(fold.panel, fold.learned, _as_of(config, panel, fold)) for f, fold in enumerate(folds)}
        seen = identity_of([preparation.inputs for preparation in ready.values()], {})
        for f, preparation in ready.items():
            structural = isinstance(preparation.inputs, Inputs)
            alike = [one for one in ready.values() if _n_tests(one) == _n_tests(preparation)]
            template = max(alike, key=lambda r: r.inputs.exposure.shape[1]) if structural else preparation
            sizes = jax.tree.map(jnp.shape, template.inputs)
            key = (template.design, preparation.schedule, str(sizes), seen)
            group = groups.setdefault(key, _Group([], [], {}))
            shown = preparation._replace(design=template.design, inputs=_as_large(preparation, template))
            group.ready[s, f] = shown
            if s not in group.settings:
                group.settings.append(s)
            if f not in group.folds:
                group.folds.append(f)
    return list(groups.values())


def _as_of(config: Config, panel: Panel, fold: _Fold) -> Config:
    """The settings with the lift tests that had ended by the origin of a fold."""
    if not config.experiments:
        return config
    return config.replace(experiments=ended_tests(panel, fold.origin, config.experiments))


def _n_tests(preparation: Preparation) -> int:
    tests = tests_in(preparation.inputs)
    return 0 if tests is None else len(tests.measured)


def _as_large(preparation: Preparation, template: Preparation) -> AnyInputs:
    like = template.inputs
    if not (isinstance(preparation.inputs, Inputs) and isinstance(like, Inputs)):
        return preparation.inputs
    return padded(
        preparation.inputs, like.exposure.shape[1], like.trend_basis.shape[1], like.region_trend_basis.shape[1]
    )


def _run(
    group: _Group, folds: list[_Fold], seeds: Sequence[int], batch_size: int, bar: Progress
) -> list[tuple[tuple[int, int, int], np.ndarray, FitStatus]]:
    """Forecasts in KPI units, `[region, horizon]`, by setting, seed and fold."""
    first = group.settings[0]
    inputs = [group.ready[first, f].inputs for f in group.folds]
    n_weeks = inputs[0].exposure.shape[1]
    weights = [np.pad(folds[f].learned, ((0, 0), (0, n_weeks - folds[f].learned.shape[1]))) for f in group.folds]
    labels = [(s, seed, f) for s in group.settings for seed in seeds for f in group.folds]
    tasks = Tasks(
        fold=jnp.asarray([group.folds.index(f) for _, _, f in labels], jnp.int32),
        setting=jnp.asarray([group.settings.index(s) for s, _, _ in labels], jnp.int32),
        key=jnp.stack([jax.random.key(seed) for _, seed, _ in labels]),
    )
    sample = group.ready[first, group.folds[0]]
    shared = (
        stacked(inputs),
        jnp.asarray(np.stack(weights), jnp.float32),
        jnp.asarray(np.stack([folds[f].later for f in group.folds]), jnp.int32),
        stacked([group.ready[s, group.folds[0]].hyperparameters for s in group.settings]),
    )
    size = min(batch_size, len(labels))
    batches, before = [], bar.done
    for begin in range(0, len(labels), size):  # all of one size, so that they share the program
        rows = np.minimum(np.arange(begin, begin + size), len(labels) - 1)
        own = jax.tree.map(lambda leaf, r=rows: leaf[r], tasks)
        made = forecasts(own, *shared, design=sample.design, schedule=sample.schedule, batch_size=size)
        batches.append([np.asarray(part) for part in made])
        bar.update(before + min(begin + size, len(labels)))
    found, status = (np.concatenate(pieces) for pieces in zip(*batches, strict=True))
    units = [group.ready[s, f].scales.kpi[:, None] for s, _, f in labels]
    forecast = [np.asarray(scaled, np.float64) * unit for scaled, unit in zip(found, units, strict=True)]
    return [(label, forecast[i], FitStatus(int(status[i]))) for i, label in enumerate(labels)]


class _Compared(NamedTuple):
    """KPI and forecasts of one fold."""

    kpi: np.ndarray  # [region, horizon]
    observed: np.ndarray  # [region, horizon], 0 where the KPI is not observed
    forecasts: dict[str, np.ndarray]  # [region, horizon] by name: `model`, and the naive ones


def _rows(key: tuple[int, int], found: list[_Forecast], folds: list[_Fold], panel: Panel) -> list[dict[str, object]]:
    """One row per fold, and one for all of them together."""
    config, seed = key
    rows: list[dict[str, object]] = []
    compared = []
    for forecast in sorted(found, key=lambda one: one.fold):
        fold = folds[forecast.fold]
        past, ahead = slice(0, fold.origin), fold.later - fold.origin
        naive = naive_forecasts(fold.panel.kpi[:, past], fold.weights[:, past], int(ahead[-1]) + 1, fold.panel.cadence)
        shown = {_MODEL: forecast.values} | {name: values[:, ahead] for name, values in naive.items()}
        compared.append(_Compared(fold.panel.kpi[:, fold.later], fold.panel.weights[:, fold.later], shown))
        head = {"config": config, "seed": seed, "fold": forecast.fold, "origin": panel.week_label(fold.origin)}
        rows.append(head | _errors(compared[-1:]) | {"status": forecast.status.name.lower()})
    overall = {"config": config, "seed": seed, "fold": _ALL, "origin": ""}
    return [*rows, overall | _errors(compared) | {"status": ""}]


def _errors(compared: list[_Compared]) -> dict[str, object]:
    """Errors of the model and of the naive forecasts over one or more folds."""
    kpi = np.concatenate([fold.kpi.ravel() for fold in compared])[None]
    observed = np.concatenate([fold.observed.ravel() for fold in compared])[None]
    forecasts = {
        name: np.concatenate([fold.forecasts[name].ravel() for fold in compared])[None]
        for name in compared[0].forecasts
    }

    def of(forecast: np.ndarray) -> dict[str, float]:
        return scores(kpi, np.nan_to_num(forecast), np.where(np.isnan(forecast), 0.0, observed))

    # Not by `of`: without the weeks of a fit that diverged the others would be compared with naive forecasts of all.
    model, naive, whole = scores(kpi, forecasts.pop(_MODEL), observed), {}, {}
    for name, forecast in forecasts.items():
        compared_with = to_compare_with(forecast, forecasts["mean"], observed)
        naive[name] = of(forecast)["rmse"] if compared_with is not None else np.nan
        if compared_with is not None:
            whole[name] = of(compared_with)["rmse"]
    best = min(whole, key=lambda name: whole[name])
    columns: dict[str, object] = {"rmse": model["rmse"], "wmape": model["wmape"]}
    columns |= {f"rmse_{name}": rmse for name, rmse in naive.items()}
    return columns | {"naive": best, "rmse_naive": whole[best], "ratio": model["rmse"] / whole[best]}
