"""`log_to_mlflow`: a run's settings, figures and report as an MLflow run; MLflow is the extra `mlflow`."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd

from deepcausalmmm_jax.config.flat import flat_settings
from deepcausalmmm_jax.errors import ConfigError, OutputError
from deepcausalmmm_jax.io.write_csv import write_csv
from deepcausalmmm_jax.results.fit_result import FitResult

_LONGEST = 500  # characters of a parameter's value that every version of MLflow stores
_MEASURES = ("r2", "r2_median_region", "rmse", "wmape", "skill")
_BY_CHANNEL = ("pct_of_contribution", "roi", "mroi", "cpik")


def log_to_mlflow(
    result: FitResult, experiment: str | None = None, run_name: str | None = None, *, report: bool = True
) -> str:
    """Log a result to MLflow, at the address that the environment or `mlflow.set_tracking_uri` gives.

    Parameters are the settings by dotted name, the seed, and the weeks held out; metrics are the accuracy
    (`holdout.rmse`) and the figures of each channel (`roi.tv`), with its number in the panel where names differ in
    characters only that MLflow does not take (`roi.__ 1`); tags are what `FitResult.provenance` knows; artefacts are
    `fit.npz`, the tables of channels, contributions and accuracy, and the report.

    Args:
        result: the result.
        experiment: name of the MLflow experiment; None for the active one.
        run_name: of the MLflow run; None lets MLflow choose. Within an active run, a nested one is made.
        report: whether to write and log the HTML report.

    Returns:
        The id of the MLflow run.

    Raises:
        ConfigError: not the result of a fit, or MLflow is not installed.
        OutputError: MLflow could not store the run.
    """
    if not isinstance(result, FitResult):
        raise ConfigError(f"log_to_mlflow needs the result of a fit, got {type(result).__name__}; dcm.load reads one.")
    mlflow = _mlflow()
    try:
        if experiment is not None:
            mlflow.set_experiment(experiment)
        with mlflow.start_run(run_name=run_name, nested=mlflow.active_run() is not None) as run:
            mlflow.log_params(_parameters(result))
            mlflow.log_metrics(dict(_metrics(result)))
            mlflow.set_tags({_key(f"provenance.{fact}"): value for fact, value in _facts(result).items() if value})
            with tempfile.TemporaryDirectory() as folder:
                _write(result, Path(folder), report)
                mlflow.log_artifacts(folder)
            return str(run.info.run_id)
    except mlflow.exceptions.MlflowException as error:
        raise OutputError(f"MLflow could not store the run: {str(error).splitlines()[0]}") from None


def _mlflow() -> ModuleType:
    try:
        import mlflow
    except ImportError:
        raise ConfigError(
            "log_to_mlflow needs MLflow: pip install 'deepcausalmmm_jax[mlflow]', or pip install mlflow."
        ) from None
    module: ModuleType = mlflow
    return module


def _parameters(result: FitResult) -> dict[str, str]:
    found = flat_settings(result.config) | {"seed": result.fitted.seed, "holdout": result.holdout}
    shape = dict(zip(("n_regions", "n_weeks", "n_channels", "n_controls"), result.panel.shape, strict=True))
    return {_key(name): str(value)[:_LONGEST] for name, value in (found | shape).items()}


def _metrics(result: FitResult) -> Iterator[tuple[str, float]]:
    """Figures that are known; MLflow keeps no missing ones."""
    for part in result.metrics.index:
        for measure in _MEASURES:
            yield from _known(f"{part}.{measure}", result.metrics.at[part, measure])
    summary = result.media_summary()
    for channel, key in zip(summary.index, _distinct(list(summary.index)), strict=True):
        for figure in _BY_CHANNEL:
            yield from _known(f"{figure}.{key}", summary.at[channel, figure])
    yield from _known("training_seconds", result.fitted.record.seconds)


def _known(name: str, value: object) -> Iterator[tuple[str, float]]:
    number = float(value)  # type: ignore[arg-type]  # cells of a table of numbers
    if math.isfinite(number):
        yield _key(name), number


def _facts(result: FitResult) -> dict[str, str]:
    table: pd.Series = result.provenance.table["value"]
    return {str(fact): str(value) for fact, value in table.items()} | {"data": result.provenance.fingerprint}


def _distinct(names: list[str]) -> list[str]:
    """Keys of the channels, one each: those that would be alike have the channel's number, from 1, put after them."""
    keys = [_key(str(name)) for name in names]
    numbered = [f"{key} {number}" for number, key in enumerate(keys, 1)]
    found = [key if keys.count(key) == 1 else other for key, other in zip(keys, numbered, strict=True)]
    return found if len(set(found)) == len(found) else numbered


def _key(name: str) -> str:
    """A name as MLflow allows it: letters, digits, and `_-. /`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-. /") else "_" for c in name)


def _write(result: FitResult, folder: Path, report: bool) -> None:
    result.save(folder / "fit.npz")
    write_csv(result.media_summary(), folder / "media_summary.csv", index=True)
    write_csv(result.contribution_table(), folder / "contributions.csv", index=False)
    write_csv(result.metrics, folder / "metrics.csv", index=True)
    if report:
        result.report(folder / "report.html")
