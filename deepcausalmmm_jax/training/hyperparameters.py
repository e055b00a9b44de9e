"""Hyperparameters that scale a term: traced arrays, so that a grid of them compiles once and can be mapped over."""

import dataclasses
from typing import NamedTuple, Self

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.paper import Published
from deepcausalmmm_jax.config.penalties import Penalties
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.model.share_prior import SharePrior


class Hyperparameters(NamedTuple):
    """Settings of `Config` that decide no shape, scalars; see `Config` and `Training` for their meaning."""

    scales: PriorScales
    share_prior: SharePrior
    learning_rate: Array
    huber_delta: Array
    tolerance: Array
    patience: Array
    step_cuts: Array
    graph_threshold: Array
    graph_evidence: Array
    tune: Array  # 1 where prior scales are learned, 0 where they are fixed

    @classmethod
    def of(cls, config: Config) -> Self:
        """The traced part of a Config."""
        training = config.training
        return cls(
            scales=prior_scales(config.penalties),
            share_prior=SharePrior.of(config.posterior),
            learning_rate=jnp.float32(training.learning_rate),
            huber_delta=jnp.float32(training.huber_delta),
            tolerance=jnp.float32(training.tolerance),
            patience=jnp.float32(training.patience),
            step_cuts=jnp.float32(training.step_cuts),
            graph_threshold=jnp.float32(config.graph_threshold),
            graph_evidence=jnp.float32(config.graph_evidence),
            tune=jnp.float32(config.tune),
        )


class PaperHyperparameters(NamedTuple):
    """Settings of the paper's model that decide no shape, scalars; see `config.Published` for their meaning."""

    warm_start_epochs: Array
    warm_start_learning_rate: Array
    learning_rate: Array
    weight_decay: Array
    plateau_patience: Array
    plateau_factor: Array
    coefficient_clip: Array
    clip: Array
    huber_delta: Array
    media_share: Array
    attribution_weight: Array
    seasonal_weight: Array
    graph_weight: Array
    sparsity_weight: Array
    l1: Array
    l2: Array
    graph_warm_up: Array
    graph_interval: Array
    ridge: Array

    @classmethod
    def of(cls, published: Published) -> Self:
        """The traced part of the published settings."""
        return cls(**{name: jnp.float32(getattr(published, name)) for name in cls._fields})


def prior_scales(penalties: Penalties) -> PriorScales:
    """The user's prior scales as arrays."""
    return PriorScales(**{name: jnp.float32(value) for name, value in dataclasses.asdict(penalties).items()})
