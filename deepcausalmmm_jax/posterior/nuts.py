"""The no-U-turn sampler of BlackJAX, as an alternative to our own short chains."""

from functools import partial
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.posterior.hmc import Chains
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs
from deepcausalmmm_jax.posterior.mode import Density, flat_density
from deepcausalmmm_jax.posterior.parameters import CoordinatePriors

CHAINS = 4
_WARM_UP = 300
_MOST_DOUBLINGS = 7


def require_blackjax() -> Any:
    """BlackJAX.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return import_module("blackjax")
    except ImportError:
        raise ConfigError(
            'method="nuts" needs BlackJAX: pip install "deepcausalmmm_jax[bayes]", or use "hmc", which needs no extra '
            "package."
        ) from None


def run_nuts(seed: int, density: Density, starts: np.ndarray, root: np.ndarray, draws: int) -> Chains:
    """Chains of the no-U-turn sampler (Hoffman & Gelman 2014), with step size and mass matrix tuned in a warm-up.

    Args:
        seed: random seed.
        density: of the panel.
        starts: `[chain, coordinate]`.
        root: `[coordinate, coordinate]`, Cholesky factor of the covariance that the chains are scaled by.
        draws: of each chain.

    Raises:
        ConfigError: BlackJAX is not installed.
    """
    require_blackjax()
    centre = jnp.asarray(starts.mean(axis=0))
    begins = np.linalg.solve(root, (starts - np.asarray(centre)).T).T
    keys = jax.random.split(jax.random.key(seed), len(starts))
    position, value, accepted, step = _chains(
        keys, jnp.asarray(begins), centre, jnp.asarray(root), density.inputs, density.priors, draws=draws
    )
    moved = np.moveaxis(np.asarray(position), 1, 0)
    return Chains(moved, np.asarray(value).T, float(np.mean(accepted)), float(np.mean(step)))


@partial(jax.jit, static_argnames="draws")
def _chains(
    keys: Array,
    begins: Array,
    centre: Array,
    root: Array,
    inputs: PosteriorInputs,
    priors: CoordinatePriors,
    *,
    draws: int,
) -> tuple[Array, Array, Array, Array]:
    """Positions `[chain, draw, coordinate]`, log density and acceptance `[chain, draw]`, step `[chain]`."""
    blackjax = require_blackjax()
    _, log_density = flat_density(inputs, priors)

    def scaled(z: Array) -> Array:
        return log_density(centre + root @ z)

    def one(key: Array, begin: Array) -> tuple[Array, Array, Array, Array]:
        of_warm_up, of_draws = jax.random.split(key)
        warm_up = blackjax.window_adaptation(blackjax.nuts, scaled, max_num_doublings=_MOST_DOUBLINGS)
        (state, settings), _ = warm_up.run(of_warm_up, begin, num_steps=_WARM_UP)
        kernel = blackjax.nuts(scaled, **settings)

        def move(now: Any, own: Array) -> tuple[object, tuple[Array, Array, Array]]:
            now, info = kernel.step(own, now)
            return now, (centre + root @ now.position, now.logdensity, info.acceptance_rate)

        _, (position, value, rate) = jax.lax.scan(move, state, jax.random.split(of_draws, draws))
        return position, value, rate, settings["step_size"]

    return jax.vmap(one)(keys, begins)
