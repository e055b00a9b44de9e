"""What each refit says of the channels: by its training alone, or by draws from its posterior."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.attribution.intervals import standard_error
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.inference.sample_posterior import estimated
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.progress import Progress
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.estimate import start_state
from deepcausalmmm_jax.training.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.trust.refutations.refits import Refitted, config_for, counted_weights
from deepcausalmmm_jax.trust.refutations.room import without_room
from deepcausalmmm_jax.trust.refutations.wanted import Refit, RefutationTest


class Outcome(NamedTuple):
    """What a refit says.

    Attributes:
        refit: as asked for.
        share: `[channel]` of its own panel, percent of the KPI.
        roi: `[channel]`, as in `media_summary`; missing where there is no spend.
        status: how it ended.
        error: `[channel]`, standard error of the share from the refit's own draws; missing without draws.
        result: the refit as a result, with draws where it has them; None for tests that ask for no plan.
    """

    refit: Refit
    share: np.ndarray
    roi: np.ndarray
    status: FitStatus
    error: np.ndarray
    result: FitResult | None = None


def trained_outcomes(refitted: list[Refitted], config: Config) -> list[Outcome]:
    """Outcomes at the end of training, without those that diverged."""
    found = []
    for one in refitted:
        kept = slice(0, len(one.refit.panel.channels))
        share = 100.0 * np.asarray(one.said.share, np.float64)[kept]
        roi = np.asarray(one.said.revenue, np.float64)[kept] / _paid(one.refit)
        unknown = np.full(len(share), np.nan)
        result = FitResult(_fitted(one, config), one.ready.inputs) if _is_planned(one, refitted) else None
        found.append(Outcome(one.refit, share, roi, FitStatus(int(one.said.history.status)), unknown, result))
    return [one for one in found if one.status is not FitStatus.DIVERGED]


def drawn_outcomes(refitted: list[Refitted], config: Config, worth: np.ndarray, progress: bool | None) -> list[Outcome]:
    """Outcomes of the posterior's mean, one refit after the other, without those that diverged."""
    found = []
    with Progress("refute", "posteriors", len(refitted), show=progress) as bar:
        for number, one in enumerate(refitted):
            if int(one.said.history.status) != FitStatus.DIVERGED:
                made = estimated(_fitted(one, config), one.ready.inputs)
                assert isinstance(made, Ensemble)
                fit, error = made.fitted_panel, standard_error(made.share_draws().to_numpy())
                shares, earning = counted_weights(refitted[0].refit, one.ready.scales.kpi, worth, config.link)
                scaled = fit.components.media / fit.scales.kpi[:, None, None]
                share = 100.0 * np.einsum("rtm,rt->m", scaled, shares)
                revenue = np.einsum("rtm,rt->m", fit.incremental / fit.scales.kpi[:, None, None], earning)
                result = made if _is_planned(one, refitted) else None  # the others' draws need not be kept
                found.append(Outcome(one.refit, share, revenue / _paid(one.refit), made.status, error, result))
            bar.update(number + 1)
    bar.close("All posteriors are done.")
    return found


def _is_planned(one: Refitted, refitted: list[Refitted]) -> bool:
    """Whether the test `plan` may ask for the best plan of a refit; the first is that to the panel itself."""
    return one is refitted[0] or one.refit.test is RefutationTest.LAST_WEEKS


def _fitted(one: Refitted, config: Config) -> Fitted:
    refit, ready = one.refit, one.ready
    assert isinstance(ready.design, Design)
    weights = np.where(refit.emphasis > 0, refit.weights, 0.0)
    begin = partial(start_state, design=ready.design, schedule=ready.schedule)
    shapes: Any = jax.eval_shape(
        begin, jax.random.key(refit.seed), ready.inputs, jnp.asarray(weights, jnp.float32), ready.hyperparameters
    )
    template = {"params": shapes.parameters, "fitted": shapes.fitted}
    variables = without_room(one.said.variables, template, ready.design, one.design)
    record = TrainingRecord.of(one.said.history, 0.0)
    return Fitted(variables, refit.panel, weights, ready.scales, config_for(refit, config), record, refit.seed)


def _paid(refit: Refit) -> np.ndarray:
    """Spend of the past weeks, `[channel]`; missing without spend."""
    panel = refit.panel
    accrued = spent(panel)
    if accrued is None:
        return np.full(len(panel.channels), np.nan)
    total = np.where(panel.past[:, :, None], accrued, 0.0).sum(axis=(0, 1))
    return np.where(total > 0, total, np.nan)
