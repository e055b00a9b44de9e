r"""Adstock: carry-over of exposure from earlier weeks.

Exposure is `[week, channel]`, or `[week, channel, region]` for regions that share their kernels; carried-over exposure
has the same shape and unit. All kernels sum to one, so that adstock keeps the mean level of exposure.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import append_axes
from deepcausalmmm_jax.ops.weekly_loop import scan_weeks

_LEAST = 1e-30  # decays and delays below it count as it, so that logarithms and their gradients are finite
_LOG_HALF = -0.6931471805599453
_LARGEST_DECAY = 1.0 - 1e-7  # whose logarithm is not 0 in single precision
_LEAST_SCALE = 0.05  # weeks; with it, as with any smaller one, all of an effect comes at once
_LEAST_SHAPE, _LARGEST_SHAPE = 1e-3, 20.0  # beyond them a kernel is flat, or a single week, within its lags
_LARGEST_EXPONENT = 60.0
_LEAST_BINOMIAL = 1e-12  # likewise; its reciprocal, and the square of that, must be finite


def geometric_adstock(exposure: Array, decay: Array, before: Array | None = None) -> Array:
    r"""Geometric carry-over, $A_t = (1 - \alpha) x_t + \alpha A_{t-1}$, from $A_{-1} = 0$ unless `before` is given.

    Normalised to unit sum (Jin et al. 2017, "Bayesian methods for media mix modeling", section 2.1).

    Args:
        exposure: `[week, channel]` or `[week, channel, region]`, any unit.
        decay: `[channel]`, alpha in [0, 1], share carried from one week to the next.
        before: `[channel]` or `[channel, region]`, A of the week before the first.

    Returns:
        Carried-over exposure in the shape and unit of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(exposure, {2, 3})
    _assert_per_channel("decay", decay, exposure)
    if before is not None:
        chex.assert_shape(before, exposure.shape[1:], custom_message=f"before, for exposure {exposure.shape}")
    # Broadcast to a week's exposure: the gradient with respect to decay is then summed over regions once, not weekly.
    decay = jnp.broadcast_to(append_axes(decay, exposure.ndim - 1), exposure.shape[1:])

    def step(carried: Array, x: Array) -> tuple[Array, Array]:
        carried = (1.0 - decay) * x + decay * carried
        return carried, carried

    _, adstocked = scan_weeks(step, jnp.zeros_like(exposure[0]) if before is None else before, exposure)
    return adstocked


def half_life(decay: Array) -> Array:
    r"""Half-life $\ln \frac12 / \ln \alpha$ of geometric carry-over: weeks in which half of what is left fades.

    Args:
        decay: alpha in [0, 1], any shape.

    Returns:
        Weeks, in the shape of `decay`; 0 for a decay of 0, and very large next to 1.
    """
    return _LOG_HALF / jnp.log(jnp.clip(decay, _LEAST, _LARGEST_DECAY))


def delayed_kernel(decay: Array, delay: Array, max_lag: int) -> Array:
    r"""Delayed kernel $w_k \propto \alpha^{(k - \theta)^2}$: the effect peaks `delay` weeks after the exposure.

    Jin et al. 2017, equation 3.

    Args:
        decay: `[channel]`, alpha in [0, 1].
        delay: `[channel]`, theta in weeks, 0 or more.
        max_lag: number of lags, so weeks 0 to `max_lag - 1`.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank([decay, delay], 1)
    chex.assert_equal_shape((decay, delay))
    lag = jnp.arange(max_lag, dtype=decay.dtype)[:, None]
    # The softmax normalises, and stays finite where every power itself would underflow.
    return jax.nn.softmax((lag - delay) ** 2 * _log(decay), axis=0)


def binomial_kernel(decay: Array, max_lag: int) -> Array:
    r"""Binomial kernel $w_k \propto (1 - k / L)^{1/\alpha - 1}$: carry-over that ends after `max_lag` weeks.

    Google Meridian's documentation, "Binomial decay"; alpha near 1 is flat, near 0 immediate.

    Args:
        decay: `[channel]`, alpha in [0, 1].
        max_lag: L, number of lags.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.

    Raises:
        AssertionError: decay is not `[channel]`.
    """
    chex.assert_rank(decay, 1)
    lag = jnp.arange(max_lag, dtype=decay.dtype)[:, None]
    steepness = 1.0 / jnp.maximum(decay, _LEAST_BINOMIAL) - 1.0
    return jax.nn.softmax(steepness * jnp.log1p(-lag / max_lag), axis=0)


def weibull_pdf_kernel(scale: Array, shape: Array, max_lag: int) -> Array:
    r"""Weibull density $w_k \propto u_k^{a - 1} e^{-u_k^a}$ with $u_k = (k + \frac12) / \lambda$, the middle of a week.

    Carry-over that may begin late: for shapes above 1 it rises to a peak, then falls; for shapes up to 1 it falls from
    the first week on. Weibull (1951); the kind `weibull_pdf` of the field.

    Args:
        scale: lambda, `[channel]`, weeks, above 0: by then about 63% of the effect has come.
        shape: a, `[channel]`, above 0.
        max_lag: number of lags, so weeks 0 to `max_lag - 1`.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.

    Raises:
        AssertionError: shapes that do not match.
    """
    log_age, shape = _log_age(scale, shape, max_lag, 0.5)
    return jax.nn.softmax((shape - 1.0) * log_age - _bounded_exp(shape * log_age), axis=0)


def weibull_cdf_kernel(scale: Array, shape: Array, max_lag: int) -> Array:
    r"""Weibull survival $w_k \propto e^{-(k / \lambda)^a}$: carry-over that never rises.

    The share of a Weibull distribution that is still to come after k weeks. With a shape of 1 it is geometric; above 1
    it stays high at first and then drops, below 1 it drops at once and then lingers. The kind `weibull_cdf` of the
    field.

    Args:
        scale: lambda, `[channel]`, weeks, above 0: after them the weight is $e^{-1}$ of the first week's.
        shape: a, `[channel]`, above 0.
        max_lag: number of lags, so weeks 0 to `max_lag - 1`.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.

    Raises:
        AssertionError: shapes that do not match.
    """
    log_age, shape = _log_age(scale, shape, max_lag, 0.0)
    is_first = jnp.arange(max_lag)[:, None] == 0
    return jax.nn.softmax(jnp.where(is_first, 0.0, -_bounded_exp(shape * log_age)), axis=0)


def waiting_kernel(delay: Array, n_lags: int) -> Array:
    r"""Poisson kernel $w_k \propto \theta^k / k!$: the wait between exposure and the start of its effect.

    Followed by geometric carry-over it gives kernels that rise to a peak and then decay; as $\theta \to 0$ they become
    the geometric kernel.

    Args:
        delay: `[channel]`, theta, mean wait in weeks, 0 or more.
        n_lags: weeks 0 to `n_lags - 1`.

    Returns:
        `[lag, channel]`, each channel's weights summing to 1.

    Raises:
        AssertionError: delay is not `[channel]`.
    """
    chex.assert_rank(delay, 1)
    lag = jnp.arange(n_lags, dtype=delay.dtype)[:, None]
    return jax.nn.softmax(lag * _log(delay) - jax.lax.lgamma(lag + 1.0), axis=0)


def delayed_geometric_kernel(decay: Array, delay: Array, n_waits: int, max_lag: int) -> Array:
    """Kernel of `waiting_kernel` followed by `geometric_adstock`, cut off for tables.

    Args:
        decay: `[channel]`, alpha in [0, 1].
        delay: `[channel]`, mean wait in weeks, above 0.
        n_waits: lags of the waiting kernel.
        max_lag: weights to return.

    Returns:
        `[lag, channel]`; a channel's weights sum to less than 1 by what later lags would have.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank([decay, delay], 1)
    chex.assert_equal_shape((decay, delay))
    impulse = jnp.zeros((max_lag, decay.shape[0]), decay.dtype).at[0].set(1.0)
    return geometric_adstock(kernel_adstock(impulse, waiting_kernel(delay, n_waits)), decay)


def geometric_kernel(decay: Array, max_lag: int) -> Array:
    r"""First weights $(1 - \alpha) \alpha^k$ of `geometric_adstock`, for tables.

    Args:
        decay: `[channel]`, alpha in [0, 1].
        max_lag: weights to return.

    Returns:
        `[lag, channel]`; a channel's weights sum to less than 1 by what later lags would have.

    Raises:
        AssertionError: decay is not `[channel]`.
    """
    chex.assert_rank(decay, 1)
    lag = jnp.arange(max_lag, dtype=decay.dtype)[:, None]
    return (1.0 - decay) * jnp.exp(lag * _log(decay))


def kernel_adstock(exposure: Array, kernel: Array, before: Array | None = None) -> Array:
    r"""Carry-over by a finite kernel, $A_t = \sum_k w_k x_{t-k}$, with zeros before the first week unless given.

    Args:
        exposure: `[week, channel]` or `[week, channel, region]`, any unit.
        kernel: `[lag, channel]`.
        before: `[lag - 1, channel]` or `[lag - 1, channel, region]`, exposure of the weeks before the first.

    Returns:
        Carried-over exposure in the shape and unit of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank([exposure, kernel], [{2, 3}, 2])
    _assert_per_channel("a lag of the kernel", kernel[0], exposure)
    adstocked = _sum_of_lags(exposure, kernel)
    if before is None:
        return adstocked
    # What earlier weeks add ends with the kernel. Convolved on its own, a `before` that depends on parameters leaves
    # the gradient of `exposure`, as large as the panel at every lag, out of the program: it is seldom asked for.
    n_earlier = kernel.shape[0] - 1
    chex.assert_shape(before, (n_earlier, *exposure.shape[1:]), custom_message=f"before, for kernel {kernel.shape}")
    n_reached = min(n_earlier, exposure.shape[0])
    followed = jnp.concatenate([before, jnp.zeros((n_reached, *before.shape[1:]), before.dtype)])
    reached = _sum_of_lags(followed, kernel)[n_earlier:]
    return jnp.concatenate([adstocked[:n_reached] + reached, adstocked[n_reached:]])


def _sum_of_lags(exposure: Array, kernel: Array) -> Array:
    """`kernel_adstock` with zeros before the first week."""
    n_weeks, n_lags = exposure.shape[0], kernel.shape[0]
    padded = jnp.concatenate([jnp.zeros((n_lags - 1, *exposure.shape[1:]), exposure.dtype), exposure])

    @jax.checkpoint  # the gradient slices once more; kept, the slices would be the panel times the number of lags
    def add_lag(total: Array, lag: Array) -> tuple[Array, None]:
        shifted = jax.lax.dynamic_slice_in_dim(padded, n_lags - 1 - lag, n_weeks)
        return total + append_axes(kernel[lag], exposure.ndim - 1) * shifted, None

    adstocked, _ = scan_weeks(add_lag, jnp.zeros_like(exposure), jnp.arange(n_lags))
    return adstocked


def _log(value: Array) -> Array:
    """Logarithm, of `_LEAST` where the value is smaller."""
    return jnp.log(jnp.maximum(value, _LEAST))


def _log_age(scale: Array, shape: Array, max_lag: int, start: float) -> tuple[Array, Array]:
    """Logarithm of the age of an effect in units of `scale`, `[lag, channel]`, and the shape, `[1, channel]`."""
    chex.assert_rank([scale, shape], 1)
    chex.assert_equal_shape((scale, shape))
    age = jnp.arange(max_lag, dtype=scale.dtype)[:, None] + start
    scale = jnp.maximum(scale, _LEAST_SCALE)
    return jnp.log(jnp.maximum(age, 0.5)) - jnp.log(scale), jnp.clip(shape, _LEAST_SHAPE, _LARGEST_SHAPE)[None]


def _bounded_exp(exponent: Array) -> Array:
    """Exponential, up to where it and its gradient are finite: a weight of e to minus that is 0 in any precision."""
    return jnp.exp(jnp.minimum(exponent, _LARGEST_EXPONENT))


def _assert_per_channel(name: str, value: Array, exposure: Array) -> None:
    message = f"{name} {value.shape} [channel] for exposure {exposure.shape} [week, channel, ...]"
    chex.assert_shape(value, exposure.shape[1:2], custom_message=message)
