"""Training of the paper's model: warm start, AdamW, a plateau rule and the dual updates of its graph, as published."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, PaperInputs
from deepcausalmmm_jax.model.paper.module import PaperMMM
from deepcausalmmm_jax.training.hyperparameters import PaperHyperparameters
from deepcausalmmm_jax.training.paper.objective import Duals, PaperForward, paper_objective
from deepcausalmmm_jax.training.paper.optimizer import clipped, paper_moments, stepped
from deepcausalmmm_jax.training.paper.start import start_values
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import History, blank_history, recorded

_RHO_GROWTH = 3.0
_RHO_LIMIT = 1e16
_ENOUGH_FALL = 0.25
_BETTER = 1e-4  # share by which the objective must fall to count as better


class PaperProgress(NamedTuple):
    """Progress of the training; all scalars."""

    epoch: Array  # [], int32, warm start included
    status: Array  # [], int32, a FitStatus
    step_size: Array  # [], of AdamW
    best: Array  # [], least objective so far
    waited: Array  # [], epochs since
    rho: Array  # []
    alpha: Array  # []
    last_h: Array  # [], acyclicity at the last increase of its multipliers


class PaperState(NamedTuple):
    """Everything that an epoch changes."""

    parameters: dict[str, Array]
    fitted: dict[str, Array]  # the seasonal profile
    optimizer: optax.OptState  # Adam's moments
    progress: PaperProgress
    key: Array  # of the dropout
    history: History


class PaperRecipe(NamedTuple):
    """The pure functions of a training: its start, and chunks of epochs."""

    design: PaperDesign
    schedule: Schedule

    def start(self, key: Array, inputs: PaperInputs, weights: Array, published: PaperHyperparameters) -> PaperState:
        """State before the first epoch."""
        model = PaperMMM(self.design)
        start_key, dropout_key = jax.random.split(key)
        variables = model.init(start_key, inputs._replace(**_first_weeks(inputs)))
        parameters = {**variables["params"], **start_values(inputs, weights, published)}
        fitted = {"season": inputs.season}
        zero, inf = jnp.zeros(()), jnp.asarray(jnp.inf, jnp.float32)
        progress = PaperProgress(
            epoch=jnp.zeros((), jnp.int32),
            status=jnp.asarray(FitStatus.RUNNING, jnp.int32),
            step_size=jnp.asarray(published.learning_rate, jnp.float32),
            best=inf,
            waited=zero,
            rho=jnp.ones(()),
            alpha=zero,
            last_h=inf,
        )
        duals = Duals(progress.rho, progress.alpha, jnp.asarray(True))

        def evaluate() -> tuple[Array, PaperForward]:
            return paper_objective(parameters, fitted, model, inputs, weights, published, duals)

        return PaperState(
            parameters=parameters,
            fitted=fitted,
            optimizer=paper_moments().init(parameters),
            progress=progress,
            key=dropout_key,
            history=blank_history(evaluate, self.schedule.max_epochs),
        )

    def run_chunk(
        self, state: PaperState, inputs: PaperInputs, weights: Array, published: PaperHyperparameters
    ) -> PaperState:
        """A chunk of epochs."""
        model = PaperMMM(self.design)
        evaluate = jax.value_and_grad(paper_objective, has_aux=True)

        def epoch(carry: PaperState, _: None) -> tuple[PaperState, tuple[Array, PaperForward, Array]]:
            progress = carry.progress
            warm = progress.epoch < published.warm_start_epochs
            main_epoch = progress.epoch - published.warm_start_epochs
            duals = Duals(progress.rho, progress.alpha, main_epoch >= published.graph_warm_up)
            (value, forward), gradient = evaluate(
                carry.parameters,
                carry.fitted,
                model,
                inputs,
                weights,
                published,
                duals,
                squared=warm,
                dropout_key=jax.random.fold_in(carry.key, progress.epoch),
            )
            moments = _fresh(carry.optimizer, main_epoch == 0)
            direction, moments = paper_moments().update(clipped(gradient, published, together=warm), moments)
            step_size = jnp.where(warm, published.warm_start_learning_rate, progress.step_size)
            parameters = stepped(carry.parameters, direction, step_size, published.weight_decay)
            after = _raised(_judged(progress, value, warm, published), main_epoch, forward.acyclicity, published)
            moved = carry._replace(
                parameters=parameters, optimizer=moments, progress=after._replace(epoch=progress.epoch + 1)
            )
            return moved, (value, forward, step_size)

        bare = state._replace(history=None)  # type: ignore[arg-type]
        moved, (values, forward, sizes) = jax.lax.scan(epoch, bare, length=self.schedule.chunk_epochs)
        status = jnp.where(
            jnp.isfinite(values[-1]),
            jnp.where(moved.progress.epoch >= self.schedule.max_epochs, FitStatus.COMPLETED, FitStatus.RUNNING),
            FitStatus.DIVERGED,
        ).astype(jnp.int32)
        history = recorded(state.history, state.progress.epoch, values, forward.acyclicity, forward.terms, sizes)
        return moved._replace(progress=moved.progress._replace(status=status), history=history)

    def warm_start(self, state: PaperState, start: Variables) -> PaperState:
        """The state with the parameters of another fit."""
        return state._replace(parameters=start["params"])

    def finalise(
        self, variables: Variables, inputs: PaperInputs, weights: Array, hyperparameters: PaperHyperparameters
    ) -> Variables:
        """The variables as they are: the paper's model has no forecast state."""
        return variables


def _first_weeks(inputs: PaperInputs) -> dict[str, Array]:
    """Two weeks of the panel, enough to fix every shape."""
    cut = {name: getattr(inputs, name)[:, :2] for name in ("exposure", "control", "kpi")}
    return cut | {"week": inputs.week[:2]}


def _fresh(moments: optax.OptState, restart: Array) -> optax.OptState:
    """Adam's moments, set to zero where AdamW takes over from the warm start."""
    return jax.tree.map(lambda leaf: jnp.where(restart, jnp.zeros_like(leaf), leaf), moments)


def _judged(progress: PaperProgress, value: Array, warm: Array, published: PaperHyperparameters) -> PaperProgress:
    """Step size cut after `plateau_patience` epochs without a lower training objective.

    The published package uses the holdout loss here; ours must not.
    """
    better = value < progress.best * (1.0 - _BETTER)
    waited = jnp.where(better | warm, 0.0, progress.waited + 1.0)
    stalled = waited > published.plateau_patience
    return progress._replace(
        step_size=progress.step_size * jnp.where(stalled, published.plateau_factor, 1.0),
        best=jnp.where(better & ~warm, value, progress.best),
        waited=jnp.where(stalled, 0.0, waited),
    )


def _raised(progress: PaperProgress, main_epoch: Array, h: Array, published: PaperHyperparameters) -> PaperProgress:
    """Dual update of the `notears` graph at every `graph_interval`-th epoch after its warm-up."""
    due = (main_epoch >= published.graph_warm_up) & (main_epoch % published.graph_interval == 0)
    slow = h > _ENOUGH_FALL * progress.last_h
    rho = jnp.where(slow, jnp.minimum(progress.rho * _RHO_GROWTH, _RHO_LIMIT), progress.rho)
    return progress._replace(
        rho=jnp.where(due, rho, progress.rho),
        alpha=jnp.where(due, progress.alpha + rho * h, progress.alpha),
        last_h=jnp.where(due, h, progress.last_h),
    )
