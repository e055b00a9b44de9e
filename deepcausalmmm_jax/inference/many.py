"""Many independent fits of equal shapes as one program."""

from typing import Any, NamedTuple

import jax
from jax import Array

from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.training.estimate import estimate
from deepcausalmmm_jax.training.schedule import Schedule


class Task(NamedTuple):
    """What is one fit's own; in a batch each array has a leading axis `[fit]`."""

    key: Array  # random key
    inputs: Any  # the panel in scaled units
    weights: Array  # [region, week]
    hyperparameters: Any


class Fits(NamedTuple):
    """The fits of a batch: a function of their tasks, equal and hashed by its settings."""

    design: AnyDesign
    schedule: Schedule
    batch_size: int  # fits computed side by side

    def __call__(self, tasks: Task, _: None) -> tuple[Any, Any]:
        """Variables and history of each fit, with a leading axis `[fit]`."""

        def one(task: Task) -> tuple[Any, Any]:
            return estimate(
                task.key,
                task.inputs,
                task.weights,
                task.hyperparameters,
                design=self.design,
                schedule=self.schedule,
            )

        return jax.lax.map(one, tasks, batch_size=self.batch_size if self.batch_size > 1 else None)
