"""The prior of the channels' shares of the KPI, under which the posterior's coordinates are standard normal."""

from typing import NamedTuple, Self

import chex
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.priors import PosteriorSettings
from deepcausalmmm_jax.data.stated_priors import StatedPriors

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


class Shares(NamedTuple):
    """Shares of the KPI as users state them."""

    each: Array  # [channel]; under a log link what is lost without that channel alone
    total: Array  # [], of all media; under a log link what is lost without all of them


def lost_shares(effects: Array, kpi: Array) -> Shares:
    r"""Share of the KPI that is lost without a channel, or without all of them, by their effects on its log.

    $\sum_{rt} y_{rt} (1 - e^{-m_{rt}}) / \sum_{rt} y_{rt}$ with the KPI y and the effects m. A campaign in a week of
    high sales brings more than one of the same effect in a quiet week, so that the mean effect says little of the share
    of a channel that is on air in the season.

    Args:
        effects: `[..., channel]`, on the log of the KPI.
        kpi: `[...]`, in any unit that regions share; 0 in weeks outside training.
    """
    part = kpi / jnp.maximum(kpi.sum(), 1e-12)
    each = jnp.einsum("...,...m->m", part, -jnp.expm1(-effects))
    return Shares(each, jnp.sum(part * -jnp.expm1(-effects.sum(axis=-1))))


def stated_shares(found: Shares, stated: StatedPriors[Array]) -> Array:
    """Minus the log density of shares under the stated priors, nats up to a constant."""
    nats = 0.5 * jnp.sum(stated.share_precision * (found.each - stated.share) ** 2)
    if stated.total is None or stated.total_precision is None:
        return nats
    return nats + 0.5 * stated.total_precision * (found.total - stated.total) ** 2


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
