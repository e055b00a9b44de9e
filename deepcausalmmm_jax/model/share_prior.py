"""The prior of the channels' shares of the KPI, under which the posterior's coordinates are standard normal."""

from typing import NamedTuple, Self

import chex
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.priors import PosteriorSettings

_NEARLY_ALL = 0.95  # share of the KPI beyond which the logit goes on as a straight line: a search may pass 1


class SharePrior(NamedTuple):
    """Scalars; see `config.PosteriorSettings` for their meaning."""

    total_share: Array
    total_spread: Array
    split_spread: Array

    @classmethod
    def of(cls, settings: PosteriorSettings) -> Self:
        """The settings as arrays."""
        return cls(**{name: jnp.float32(getattr(settings, name)) for name in cls._fields})


def share_penalty(share: Array, prior: SharePrior) -> Array:
    r"""Minus the log prior of the shares, nats up to a constant.

    $\frac{1}{2 u^2} (\mathrm{logit}\, S - \mathrm{logit}\, t)^2 + \frac{1}{2 v^2} \sum_m (\log s_m -
    \overline{\log s})^2$ for the share S of all media and the shares s of the channels. A density of logarithms: a
    share that the data leave open is drawn to a plausible size instead of to nothing, and a search that comes near zero
    finds its way back.

    Args:
        share: `[channel]`, of the KPI, above 0.
        prior: median t of S, its spread u, and the spread v of the split.

    Returns:
        Scalar.
    """
    chex.assert_rank(share, 1)
    log_share, total = jnp.log(share), share.sum()
    split = (log_share - log_share.mean()) / prior.split_spread
    away = (_logit(total) - _logit(prior.total_share)) / prior.total_spread
    return 0.5 * (away**2 + jnp.sum(split**2))


def share_precision(share: np.ndarray, prior: SharePrior) -> np.ndarray:
    """Second derivatives of `share_penalty` by the logs of the shares, on the host; the logit counts as a line.

    Args:
        share: `[channel]`, of the KPI, above 0.
        prior: as for the penalty.

    Returns:
        `[channel, channel]`, positive semi-definite.
    """
    inside = min(float(share.sum()), _NEARLY_ALL)
    away = share / (inside * (1.0 - inside) * float(prior.total_spread))
    split = (np.eye(len(share)) - 1.0 / len(share)) / float(prior.split_spread) ** 2
    return np.asarray(split + np.outer(away, away))


def _logit(share: Array) -> Array:
    inside = jnp.minimum(share, _NEARLY_ALL)
    return jnp.log(inside) - jnp.log1p(-inside) + (share - inside) / (_NEARLY_ALL * (1.0 - _NEARLY_ALL))
