"""What the priors imply before any data."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, softmax

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.kpi_link import as_log_effects
from deepcausalmmm_jax.data.stated_priors import StatedPriors, states_shares

_DRAWS = 2000
_MOVES = 150  # of each chain, from a draw of the default priors
_CLOSE = 1e-9  # of the ellipse, radians: a proposal as near as this is where the chain stands


def prior_shares(
    config: Config, n_channels: int, draws: int, seed: int, stated: StatedPriors[np.ndarray] | None = None
) -> np.ndarray:
    """Draws of channels' shares of the KPI from the priors, `[draw, channel]`; under a log link effects on its log.

    Args:
        config: settings of the default priors.
        n_channels: number of channels.
        draws: number of draws.
        seed: of the draws.
        stated: priors of shares, returns and the total, which multiply the default ones; None for those alone.
    """
    rng = np.random.default_rng(seed)
    default = np.hstack([rng.standard_normal((draws, 1)), rng.standard_normal((draws, n_channels))])

    def shares(coordinates: np.ndarray) -> np.ndarray:
        return _shares(config, coordinates)

    if stated is None or not states_shares(stated):
        return shares(default)
    if config.link == "log":
        stated = as_log_effects(stated)
    return shares(_elliptical(rng, default, lambda coordinates: log_stated(shares(coordinates), stated)))


def log_share_spread(config: Config, n_channels: int, stated: StatedPriors[np.ndarray] | None = None) -> np.ndarray:
    """Standard deviation of the log of each channel's share under the priors, `[channel]`; arguments likewise."""
    return np.asarray(np.log(prior_shares(config, n_channels, _DRAWS, 0, stated)).std(axis=0))


def _shares(config: Config, coordinates: np.ndarray) -> np.ndarray:
    """Shares `[draw, channel]` at coordinates that are standard normal a priori, `[draw, 1 + channel]`."""
    own = config.posterior
    logit = np.log(own.total_share) - np.log1p(-own.total_share)
    total = expit(logit + own.total_spread * coordinates[:, 0])
    return np.asarray(total[:, None] * softmax(own.split_spread * coordinates[:, 1:], axis=1))


def log_stated(shares: np.ndarray, stated: StatedPriors[np.ndarray]) -> np.ndarray:
    """Log density of the stated priors at shares `[draw, channel]`, `[draw]`, up to a constant."""
    centre, precision = (np.asarray(part, np.float64) for part in (stated.share, stated.share_precision))
    nats = -0.5 * (precision * (shares - centre) ** 2).sum(axis=1)
    if stated.total is not None and stated.total_precision is not None:
        nats = nats - 0.5 * float(stated.total_precision) * (shares.sum(axis=1) - float(stated.total)) ** 2
    return np.asarray(nats)


def _elliptical(
    rng: np.random.Generator, start: np.ndarray, log_likelihood: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The ends of chains from each row of `start` for a standard normal prior times a likelihood.

    Elliptical slice sampling (Murray, Adams & MacKay 2010), all chains side by side: it has no step size, and its
    stationary distribution is exact however narrow the likelihood.
    """
    at, value = start.copy(), log_likelihood(start)
    for _ in range(_MOVES):
        other = rng.standard_normal(at.shape)
        least = value + np.log(rng.uniform(size=len(at)))
        angle = rng.uniform(0.0, 2.0 * np.pi, len(at))
        low, high = angle - 2.0 * np.pi, angle.copy()
        moved, found = at.copy(), value.copy()
        open_ = np.arange(len(at))
        while len(open_):
            turn = angle[open_, None]
            proposal = at[open_] * np.cos(turn) + other[open_] * np.sin(turn)
            likelihood = log_likelihood(proposal)
            accepted = (likelihood > least[open_]) | (np.abs(angle[open_]) < _CLOSE)
            moved[open_[accepted]], found[open_[accepted]] = proposal[accepted], likelihood[accepted]
            open_ = open_[~accepted]
            below = angle[open_] < 0.0
            low[open_] = np.where(below, angle[open_], low[open_])
            high[open_] = np.where(below, high[open_], angle[open_])
            angle[open_] = rng.uniform(low[open_], high[open_])
        at, value = moved, found
    return at
