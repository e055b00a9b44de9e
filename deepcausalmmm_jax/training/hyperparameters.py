"""Hyperparameters that scale a term: traced arrays, so that a grid of them compiles once and may be mapped over."""

import dataclasses
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.paper import Published
from deepcausalmmm_jax.config.settings import Config, Penalties


class Hyperparameters(NamedTuple):
    """Settings of `Config` that decide no shape.

    `penalties` holds arrays in place of numbers; see `Config`, `Penalties` and `Training` for the meanings.
    """

    penalties: Penalties
    learning_rate: Array
    huber_delta: Array
    tolerance: Array
    patience: Array
    step_cuts: Array
    graph_threshold: Array
    graph_evidence: Array
    tune: Array  # 1 where the sizes of penalties are learned, 0 where they are fixed

    @classmethod
    def of(cls, config: Config) -> Self:
        """The traced part of a Config."""
        training = config.training
        numbers = cls(
            penalties=config.penalties,
            learning_rate=training.learning_rate,  # type: ignore[arg-type]
            huber_delta=training.huber_delta,  # type: ignore[arg-type]
            tolerance=training.tolerance,  # type: ignore[arg-type]
            patience=float(training.patience),  # type: ignore[arg-type]
            step_cuts=float(training.step_cuts),  # type: ignore[arg-type]
            graph_threshold=config.graph_threshold,  # type: ignore[arg-type]
            graph_evidence=config.graph_evidence,  # type: ignore[arg-type]
            tune=float(config.tune),  # type: ignore[arg-type]
        )
        return jax.tree.map(jnp.float32, numbers)


def hyperparameters_of(config: Config) -> Hyperparameters | Published:
    """The traced part of a Config, for the model it asks for."""
    if config.model == "paper":
        return jax.tree.map(jnp.float32, config.published)
    return Hyperparameters.of(config)


def _register(cls: type[Penalties] | type[Published]) -> None:
    """Let settings pass through JAX transformations, with arrays in place of their numbers."""
    names = tuple(item.name for item in dataclasses.fields(cls))

    def flatten(settings: object) -> tuple[tuple[object, ...], None]:
        return tuple(getattr(settings, name) for name in names), None

    def unflatten(_: None, values: tuple[object, ...]) -> Any:
        # Tracers stand in for numbers here, so the checks of the constructor are passed by.
        settings: Any = object.__new__(cls)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(settings, name, value)
        return settings

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)


_register(Penalties)
_register(Published)
