"""Many fits of one program: folds, settings and seeds as one compiled call."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.training.estimate import estimate
from deepcausalmmm_jax.training.families import forward_pass
from deepcausalmmm_jax.training.family import AnyHyperparameters
from deepcausalmmm_jax.training.schedule import Schedule

_Tree = TypeVar("_Tree")


class Tasks(NamedTuple):
    """Fold, setting and seed of each fit, `[task]` each."""

    fold: Array  # int32
    setting: Array  # int32
    key: Array  # random keys


@partial(jax.jit, static_argnames=("design", "schedule", "batch_size"))
def forecasts(
    tasks: Tasks,
    inputs: AnyInputs,
    weights: Array,
    later: Array,
    hyperparameters: AnyHyperparameters,
    *,
    design: AnyDesign,
    schedule: Schedule,
    batch_size: int,
) -> tuple[Array, Array]:
    """Fit each task and forecast the weeks after its origin.

    Args:
        tasks: the fits.
        inputs: of each fold, with a leading axis `[fold]`.
        weights: `[fold, region, week]`, 0 from the origin on.
        later: `[fold, horizon]`, int32, positions of the weeks to forecast.
        hyperparameters: of each setting, with a leading axis `[setting]`.
        design: sizes and branches, the same for all.
        schedule: length of the fits.
        batch_size: fits computed side by side; more need more memory.

    Returns:
        Forecasts `[task, region, horizon]` in scaled units, and how each fit ended `[task]`, a FitStatus.
    """

    def one(task: Tasks) -> tuple[Array, Array]:
        own: AnyInputs = jax.tree.map(lambda leaf: leaf[task.fold], inputs)
        settings: AnyHyperparameters = jax.tree.map(lambda leaf: leaf[task.setting], hyperparameters)
        variables, history = estimate(task.key, own, weights[task.fold], settings, design=design, schedule=schedule)
        prediction = forward_pass(variables, own, design)[0].prediction()
        return jnp.take(prediction, later[task.fold], axis=1), history.status

    by_task: tuple[Array, Array] = jax.lax.map(one, tasks, batch_size=batch_size)
    return by_task


def stacked(trees: Sequence[_Tree]) -> _Tree:
    """Trees of the same shapes as one tree with a leading axis."""
    joined: _Tree = _stacked(*trees)
    return joined


@jax.jit  # as one program instead of one for every array
def _stacked(*trees: _Tree) -> _Tree:
    joined: _Tree = jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
    return joined
