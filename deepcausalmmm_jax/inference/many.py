"""Many independent fits of equal shapes as one program."""

from typing import NamedTuple

from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.ops.batches import map_in_batches
from deepcausalmmm_jax.training.estimate import estimate
from deepcausalmmm_jax.training.family import AnyHyperparameters
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import History


class Task(NamedTuple):
    """What one fit has of its own; in a batch each array has a leading axis `[fit]`."""

    key: Array  # random key
    inputs: AnyInputs  # the panel in scaled units
    weights: Array  # [region, week]
    hyperparameters: AnyHyperparameters
    start: Variables | None = None  # to begin from


class Fits(NamedTuple):
    """The fits of a batch: a function of their tasks, equal and hashed by its settings."""

    design: AnyDesign
    schedule: Schedule
    batch_size: int  # fits computed side by side

    def __call__(self, tasks: Task, _: None) -> tuple[Variables, History]:
        """Variables and history of each fit, with a leading axis `[fit]`."""

        def one(task: Task) -> tuple[Variables, History]:
            fitted: tuple[Variables, History] = estimate(
                task.key,
                task.inputs,
                task.weights,
                task.hyperparameters,
                task.start,
                design=self.design,
                schedule=self.schedule,
            )
            return fitted

        return map_in_batches(one, tasks, self.batch_size)
