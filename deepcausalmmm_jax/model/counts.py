"""A KPI that is counted: its negative binomial likelihood, and the normal observations that stand for it."""

from types import ModuleType
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

_LOG_RANGE = 25.0  # of a mean count
_SPREADS = (1e-3, 30.0)
_SHIFT = 8  # up to which Stirling's series is shifted, where it is exact to single precision
_LEAST_MEAN = 1e-3  # count, around which an observation is still expanded
_FAR = 4.0  # standard deviations from the mean; chance takes one count in 500 beyond, even where few are expected


class Working(NamedTuple):
    """Normal observations of the log of the mean that a count stands for, near a mean."""

    excess: Array  # observation less the log of the mean
    variance: Array  # of the observation, from chance and spread


def log_means(scaled: Array, unit: Array) -> Array:
    """Log of the mean count from the terms as the model adds them up, 1 + log(mean / unit); shapes that broadcast."""
    return jnp.clip(scaled - 1.0 + jnp.log(unit), -_LOG_RANGE, _LOG_RANGE)


def bounded(count: Array, log_mean: Array, spread: Array, xp: ModuleType = jnp) -> Array:
    r"""The count, or where it is far from the mean, the nearest value that is not.

    Far is more than four standard deviations, by the mean and the spread as they are. A week beyond, such as a hundred
    times the others by a slip of the pen, then says no more about mean and spread than one at four (Huber's second
    proposal, 1964): under the likelihood alone it would widen the spread until no week says anything.

    Args:
        count: y, 0 or more.
        log_mean: log of $\mu$.
        spread: s, as for `negative_log_likelihood`.
        xp: `jax.numpy`, or `numpy`.

    Returns:
        The shape that the three broadcast to.
    """
    mean = xp.maximum(xp.exp(log_mean), _LEAST_MEAN)
    far = _FAR * xp.sqrt(mean + (mean * spread) ** 2)
    return xp.clip(count, xp.maximum(mean - far, 0.0), mean + far)


def negative_log_likelihood(count: Array, log_mean: Array, spread: Array) -> Array:
    r"""Of a negative binomial count with variance $\mu + \mu^2 s^2$, nats up to a constant of the count.

    With $n = s^{-2}$ it is $-r - y \log \mu + (n + y) \log (n + \mu) - y \log n - n \log n$ with
    $r = \log \Gamma(y + n) - \log \Gamma(n) - y \log n$. For large counts, or large n, these are differences of large
    numbers. What is left where $\mu = y$ is therefore taken together, with the gamma functions by their Stirling series
    at n + 8, and the rest as differences of logs; the constant is that of $y \log y - y$ in place of $\log y!$.

    Args:
        count: y, 0 or more.
        log_mean: log of $\mu$.
        spread: s, standard deviation of the mean beyond the chance of counting, as a share of it.

    Returns:
        The shape that the three broadcast to.
    """
    size = jnp.clip(spread, *_SPREADS) ** -2.0
    far = size + _SHIFT
    at_best = (far - 0.5) * jnp.log1p(count / far) - size * jnp.log1p(count / size)
    at_best += count * jnp.log1p(_SHIFT / (size + count)) + _stirling(far + count) - _stirling(far)
    for below in range(_SHIFT):
        at_best -= jnp.log1p(count / (size + below))
    mean = jnp.exp(log_mean)
    away = (size + count) * _log_ratio(size + mean, size + count, mean - count)
    return away - count * (log_mean - jnp.log(jnp.maximum(count, 1.0))) - at_best


def working(count: Array, log_mean: Array, spread: Array, xp: ModuleType = jnp) -> Working:
    r"""Observations whose normal likelihood has the slope and the expected curvature of that of the counts.

    $\log \mu + (y - \mu) / \mu$ with variance $1 / \mu + s^2$: the working response of iteratively reweighted least
    squares for a log link (McCullagh & Nelder 1989, section 2.5), of counts that are `bounded`.

    Args:
        count: y, 0 or more.
        log_mean: log of $\mu$, near the estimate.
        spread: s, as for `negative_log_likelihood`.
        xp: `jax.numpy`, or `numpy`.

    Returns:
        The shape that the three broadcast to.
    """
    mean = xp.maximum(xp.exp(log_mean), _LEAST_MEAN)
    return Working((bounded(count, log_mean, spread, xp) - mean) / mean, 1.0 / mean + spread**2)


def _stirling(x: Array) -> Array:
    """What Stirling's formula leaves of the log of the gamma function."""
    return 1.0 / (12.0 * x) - 1.0 / (360.0 * x**3)


def _log_ratio(above: Array, below: Array, difference: Array) -> Array:
    """log(above / below) of numbers above 0, from their difference where they are near each other."""
    change = difference / below
    near = jnp.abs(change) < 0.5
    return jnp.where(near, jnp.log1p(jnp.where(near, change, 0.0)), jnp.log(above) - jnp.log(below))
