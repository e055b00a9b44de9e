r"""Adstock: how exposure of earlier weeks goes on working.

Each function takes exposure `[week, channel]`, or `[week, channel, region]` for regions that share their kernels, and
returns the carried-over exposure in the same unit. All kernels sum to one, so that the mean level of exposure is the
same before and after.
"""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import over_lanes


def geometric_adstock(exposure: Array, decay: Array, before: Array | None = None) -> Array:
    r"""Geometric carry-over, $A_t = (1 - \alpha) x_t + \alpha A_{t-1}$, from $A_{-1} = 0$ unless told.

    Normalised to unit sum (Jin et al. 2017, "Bayesian methods for media mix modeling", section 2.1).

    Args:
        exposure: `[week, channel, ...]`, any unit.
        decay: `[channel]`, alpha in (0, 1), share carried from one week to the next.
        before: `[channel, ...]`, A of the week before the first.

    Returns:
        The shape and unit of `exposure`.
    """
    # As wide as a week's exposure: the gradient by decay is then summed over regions once, not week by week.
    decay = jnp.broadcast_to(over_lanes(decay, exposure[0]), exposure.shape[1:])

    def step(carried: Array, x: Array) -> tuple[Array, Array]:
        carried = (1.0 - decay) * x + decay * carried
        return carried, carried

    _, adstocked = jax.lax.scan(step, jnp.zeros_like(exposure[0]) if before is None else before, exposure)
    return adstocked


def delayed_kernel(decay: Array, delay: Array, max_lag: int) -> Array:
    r"""Weights $w_k \propto \alpha^{(k - \theta)^2}$: the effect peaks `delay` weeks after the exposure.

    Jin et al. 2017, equation 3.

    Args:
        decay: `[channel]`, alpha in (0, 1).
        delay: `[channel]`, theta in weeks, 0 or more.
        max_lag: number of lags, so weeks 0 to `max_lag - 1`.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.
    """
    lag = jnp.arange(max_lag, dtype=decay.dtype)[:, None]
    # The softmax is the normalisation, and stays finite where every plain power would underflow.
    return jax.nn.softmax((lag - delay) ** 2 * jnp.log(decay), axis=0)


def binomial_kernel(decay: Array, max_lag: int) -> Array:
    r"""Weights $w_k \propto (1 - k / L)^{1/\alpha - 1}$: carry-over that ends after `max_lag` weeks.

    Google Meridian's documentation, "Binomial decay"; alpha near 1 is flat, near 0 immediate.

    Args:
        decay: `[channel]`, alpha in (0, 1).
        max_lag: L, number of lags.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.
    """
    lag = jnp.arange(max_lag, dtype=decay.dtype)[:, None]
    return jax.nn.softmax((1.0 / decay - 1.0) * jnp.log1p(-lag / max_lag), axis=0)


def waiting_kernel(delay: Array, n_lags: int) -> Array:
    r"""Poisson weights $w_k \propto \theta^k / k!$: how long exposure waits before it begins to work.

    Followed by a geometric carry-over this gives kernels that rise to a peak and then decay, and with $\theta = 0$ the
    geometric kernel itself.

    Args:
        delay: `[channel]`, theta, mean wait in weeks, above 0.
        n_lags: weeks 0 to `n_lags - 1`.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.
    """
    lag = jnp.arange(n_lags, dtype=delay.dtype)[:, None]
    return jax.nn.softmax(lag * jnp.log(delay) - jax.lax.lgamma(lag + 1.0), axis=0)


def delayed_geometric_kernel(decay: Array, delay: Array, n_waits: int, max_lag: int) -> Array:
    """First `max_lag` weights of `waiting_kernel` followed by `geometric_adstock`, `[lag, channel]`, for tables."""
    impulse = jnp.zeros((max_lag, decay.shape[0]), decay.dtype).at[0].set(1.0)
    return geometric_adstock(kernel_adstock(impulse, waiting_kernel(delay, n_waits)), decay)


def geometric_kernel(decay: Array, max_lag: int) -> Array:
    r"""First `max_lag` weights $(1 - \alpha) \alpha^k$ of `geometric_adstock`, `[lag, channel]`, for tables."""
    lag = jnp.arange(max_lag, dtype=decay.dtype)[:, None]
    return (1.0 - decay) * jnp.exp(lag * jnp.log(decay))


def kernel_adstock(exposure: Array, kernel: Array, before: Array | None = None) -> Array:
    r"""Carry-over by a finite kernel, $A_t = \sum_k w_k x_{t-k}$, with zeros before the first week unless told.

    Args:
        exposure: `[week, channel, ...]`, any unit.
        kernel: `[lag, channel]`.
        before: `[lag - 1, channel, ...]`, exposure of the weeks before the first.

    Returns:
        The shape and unit of `exposure`.
    """
    n_weeks, n_lags = exposure.shape[0], kernel.shape[0]
    silent = jnp.zeros((n_lags - 1, *exposure.shape[1:]), exposure.dtype)
    padded = jnp.concatenate([silent if before is None else before, exposure])

    def add_lag(total: Array, lag: Array) -> tuple[Array, None]:
        shifted = jax.lax.dynamic_slice_in_dim(padded, n_lags - 1 - lag, n_weeks)
        return total + over_lanes(kernel[lag], shifted[0]) * shifted, None

    adstocked, _ = jax.lax.scan(add_lag, jnp.zeros_like(exposure), jnp.arange(n_lags))
    return adstocked
