"""Hyperparameters that scale a term: traced arrays, so that a grid of them compiles once and may be mapped over."""

from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config import Config, Penalties


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
        )
        return jax.tree.map(jnp.float32, numbers)


def _flatten(penalties: Penalties) -> tuple[tuple[object, ...], None]:
    return tuple(getattr(penalties, name) for name in _PENALTIES), None


def _unflatten(_: None, values: tuple[object, ...]) -> Penalties:
    # Tracers stand in for numbers here, so the checks of the constructor are passed by.
    penalties = object.__new__(Penalties)
    for name, value in zip(_PENALTIES, values, strict=True):
        object.__setattr__(penalties, name, value)
    return penalties


_PENALTIES = tuple(Penalties.__dataclass_fields__)
jax.tree_util.register_pytree_node(Penalties, _flatten, _unflatten)
