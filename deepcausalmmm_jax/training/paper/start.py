"""Start of the paper's model from the data."""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.paper.inputs import PaperInputs
from deepcausalmmm_jax.model.paper.module import share_of_voice
from deepcausalmmm_jax.ops.bijectors import from_above
from deepcausalmmm_jax.training.hyperparameters import PaperHyperparameters

_HALF_QUANTILE = 0.6
_HALVES = (0.05, 0.9)


def start_values(inputs: PaperInputs, weights: Array, published: PaperHyperparameters) -> dict[str, Array]:
    """Parameters that the published training initialises from the data; the others keep their fixed or random start.

    Args:
        inputs: the panel.
        weights: `[region, week]`; region-weeks with weight 0 are ignored.
        published: for the ridge.

    Returns:
        `region_baseline`, the regional mean of the scaled KPI; `hill_g`, the 60th percentile of a channel's shares
        that are not zero; `stable_media_coeff`, sigmoid(|ridge coefficient|) std(y) / std(x) of standardised shares.
    """
    shares = share_of_voice(inputs.exposure)
    used = weights[:, :, None]
    seen = jnp.where((used > 0) & (shares > 0), shares, jnp.nan).reshape(-1, shares.shape[-1])
    half = jnp.nan_to_num(jnp.nanquantile(seen, _HALF_QUANTILE, axis=0), nan=_HALVES[0])
    total = jnp.maximum(weights.sum(), 1e-6)
    x, x_spread = _standardised(shares, used, total)
    y, y_spread = _standardised(inputs.kpi[:, :, None], used, total)
    gram = jnp.einsum("rtm,rtn->mn", x * used, x) + published.ridge * jnp.eye(x.shape[-1])
    coefficient = jnp.linalg.solve(gram, jnp.einsum("rtm,rt->m", x * used, y[:, :, 0]))
    return {
        "region_baseline": (inputs.kpi * weights).sum(axis=1) / jnp.maximum(weights.sum(axis=1), 1e-6),
        "hill_g": from_above(jnp.clip(half, *_HALVES), 0.0),
        "stable_media_coeff": jax.nn.sigmoid(jnp.abs(coefficient)) * y_spread[0] / x_spread,
    }


def _standardised(values: Array, used: Array, total: Array) -> tuple[Array, Array]:
    """Values less their weighted mean over their spread, and the spread, `[..., column]` and `[column]`."""
    mean = (values * used).sum(axis=(0, 1)) / total
    spread = jnp.sqrt(((values - mean) ** 2 * used).sum(axis=(0, 1)) / total)
    spread = jnp.where(spread > 1e-6, spread, 1.0)
    return (values - mean) / spread, spread
