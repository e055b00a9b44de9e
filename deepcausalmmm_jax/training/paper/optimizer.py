"""AdamW with the published two groups of gradient clipping."""

from collections.abc import Mapping

import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.training.hyperparameters import PaperHyperparameters

_TINY = 1e-6


def paper_moments() -> optax.GradientTransformation:
    """Adam's direction (Kingma & Ba 2015) without a step size, which the caller reduces on a plateau."""
    return optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-8)


def clipped(
    gradient: Mapping[str, Array], published: PaperHyperparameters, together: Array | bool = False
) -> dict[str, Array]:
    """Gradients scaled down to the largest norm of their group.

    Args:
        gradient: by parameter name.
        published: the norms.
        together: whether all parameters are one group with the norm of the second, as in the warm start.
    """
    coefficients = {name: leaf for name, leaf in gradient.items() if "coeff" in name or "range_raw" in name}
    others = {name: leaf for name, leaf in gradient.items() if name not in coefficients}
    norm, other_norm = optax.tree.norm(coefficients), optax.tree.norm(others)
    common = jnp.minimum(1.0, published.clip / (jnp.hypot(norm, other_norm) + _TINY))
    first = jnp.where(together, common, jnp.minimum(1.0, published.coefficient_clip / (norm + _TINY)))
    second = jnp.where(together, common, jnp.minimum(1.0, published.clip / (other_norm + _TINY)))
    return {name: leaf * (first if name in coefficients else second) for name, leaf in gradient.items()}


def stepped(
    parameters: Mapping[str, Array], direction: Mapping[str, Array], step_size: Array, weight_decay: Array | float
) -> dict[str, Array]:
    """AdamW's step with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return {name: value - step_size * (direction[name] + weight_decay * value) for name, value in parameters.items()}
