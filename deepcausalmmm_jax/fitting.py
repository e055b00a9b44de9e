"""`fit`: from a panel to a result, in one call."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.config import Config
from deepcausalmmm_jax.data.diagnose import refuse_unfit
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.split import training_weights
from deepcausalmmm_jax.errors import DataError, FitError, FitStatus
from deepcausalmmm_jax.result import FitResult
from deepcausalmmm_jax.telling import Telling
from deepcausalmmm_jax.train.fit import estimate_in_chunks
from deepcausalmmm_jax.train.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.train.preparation import prepare
from deepcausalmmm_jax.train.progress import epoch_bar
from deepcausalmmm_jax.train.state import History


def fit(
    panel: Panel,
    config: Config | None = None,
    holdout: int | None = 8,
    seed: int = 0,
    *,
    tune: bool | None = None,
    progress: bool | None = None,
) -> FitResult:
    """Fit the model to a panel.

    Args:
        panel: the data.
        config: settings; the defaults when None.
        holdout: number of last weeks whose KPI is hidden from everything and used to judge the forecast; None learns
            from all weeks.
        seed: of the random start; the same seed on the same machine gives the same numbers.
        tune: whether the data adjust the sizes of the penalties (`Config.tune`); None does as the settings say.
        progress: whether to show a progress bar; None shows one where there is a terminal.

    Returns:
        The result.

    Raises:
        DataError: the panel cannot be learned from, or the holdout does not fit it.
        FitError: training ended without usable parameters.
    """
    if not isinstance(panel, Panel):
        raise DataError(f"fit needs a Panel, got {type(panel).__name__}; build one with Panel.from_dataframe.")
    config = config if config is not None else Config()
    if tune is not None:
        config = config.replace(tune=tune)
    began = time.perf_counter()
    weights = training_weights(panel, holdout)
    refuse_unfit(panel, weights)
    ready = prepare(panel, weights, config)
    telling = Telling("training, epochs", ready.schedule.max_epochs)
    with epoch_bar(ready.schedule.max_epochs, progress) as move:

        def on_chunk(epoch: int, objective: float) -> None:
            move(epoch, objective)
            telling.at(epoch)

        variables, history = estimate_in_chunks(
            jax.random.key(seed),
            ready.inputs,
            jnp.asarray(weights, dtype=jnp.float32),
            ready.hyperparameters,
            design=ready.design,
            schedule=ready.schedule,
            on_chunk=on_chunk,
        )
    record = _record(history, time.perf_counter() - began)
    telling.end(record.status.sentence)
    if record.status is FitStatus.DIVERGED:
        raise FitError(record.status.sentence)
    on_host = jax.tree.map(np.asarray, variables)
    return FitResult(Fitted(on_host, panel, weights, ready.scales, config, record, seed))


def _record(history: History, seconds: float) -> TrainingRecord:
    run = int(history.epochs)
    return TrainingRecord(
        objective=np.asarray(history.objective)[:run],
        acyclicity=np.asarray(history.acyclicity)[:run],
        learning_rate=np.asarray(history.learning_rate)[:run],
        terms={name: np.asarray(term)[:run] for name, term in history.terms.items()},
        status=FitStatus(int(history.status)),
        seconds=seconds,
    )
