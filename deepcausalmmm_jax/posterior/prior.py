"""What the priors imply before any data."""

from functools import lru_cache

import numpy as np
from scipy.special import expit, softmax

from deepcausalmmm_jax.config.settings import Config

_DRAWS = 4000


def prior_shares(config: Config, n_channels: int, draws: int, seed: int) -> np.ndarray:
    """Draws of channels' shares of the KPI from the default priors, `[draw, channel]`; stated priors play no part."""
    own, rng = config.posterior, np.random.default_rng(seed)
    logit = np.log(own.total_share) - np.log1p(-own.total_share)
    total = expit(logit + own.total_spread * rng.standard_normal(draws))
    split = softmax(own.split_spread * rng.standard_normal((draws, n_channels)), axis=1)
    return total[:, None] * split


@lru_cache(maxsize=32)
def log_share_spread(config: Config, n_channels: int) -> float:
    """Standard deviation of the log of a channel's share under the priors."""
    return float(np.log(prior_shares(config, n_channels, _DRAWS, 0)).std())
