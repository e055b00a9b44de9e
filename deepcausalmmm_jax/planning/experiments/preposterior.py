"""What a measurement would teach, before it is made: draws reweighted by simulated measurements, all tests at once."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.stats import norm

_MEASUREMENTS = 256  # simulated for each test
FEWEST = 20.0  # effective draws below which weights are replaced by the linear formula
_NODES = 201  # of the standard normal distribution, in steps of equal probability


class Learned(NamedTuple):
    """What each test is expected to teach, `[test]`."""

    width: np.ndarray  # expected width of the channel's ROI interval after the test, as a share of that before
    gain: np.ndarray  # expected gain of the best plan, in the unit of the utilities
    effective: np.ndarray  # mean number of draws that the reweighted ensemble is worth
    linear: np.ndarray  # whether the linear formula was used


def learned(
    lift: np.ndarray, error: np.ndarray, roi: np.ndarray, utilities: np.ndarray, level: float, seed: int
) -> Learned:
    r"""Expected narrowing and value of information of many tests.

    Each test is simulated many times: a draw's lift plus an error of the measurement. Each simulated measurement
    reweights all draws by its likelihood, $w_d \propto \exp(-(m - S_d)^2 / 2s^2)$, and the best plan is chosen again.
    The value of information is $E_m \max_l E(U_l \mid m) - \max_l E(U_l)$ (Raiffa & Schlaifer 1961).

    Where few draws keep a weight, the linear formula takes their place, which is exact where lift, ROI and utilities
    are jointly normal: ROI keeps the share $1 - \rho^2 v/(v + s^2)$ of its variance, and
    $E(U_l \mid m) = E U_l + \mathrm{cov}(U_l, S)(m - E S)/(v + s^2)$ with $v = \mathrm{var}\,S$.

    Args:
        lift: `[test, draw]`, KPI units.
        error: `[test]`, standard error of the measurement, KPI units.
        roi: `[test, draw]`, ROI of the tested channel.
        utilities: `[draw, plan]`.
        level: of the intervals.
        seed: of the simulated measurements.
    """
    n_draws = lift.shape[1]
    rng = np.random.default_rng(seed)
    true = np.resize(rng.permutation(n_draws), _MEASUREMENTS)
    noise = rng.permutation(_normal_nodes(_MEASUREMENTS))
    unit = np.maximum(np.abs(utilities - utilities.mean(axis=1, keepdims=True)).max(), 1e-300)
    apart = (utilities - utilities.mean(axis=1, keepdims=True)) / unit  # what all plans share changes no choice
    center, size = lift.mean(axis=1, keepdims=True), np.maximum(lift.std(axis=1, keepdims=True), error[:, None])
    scaled, shifted = (lift - center) / size, roi - roi.mean(axis=1, keepdims=True)
    spread = np.maximum(shifted.std(axis=1, keepdims=True), 1e-300)
    asked = (scaled, error / size[:, 0], shifted / spread)
    share, gain, effective = (
        np.asarray(part, np.float64)
        for part in _reweighted(
            *(jnp.asarray(part, jnp.float32) for part in asked),
            jnp.asarray(apart, jnp.float32),
            jnp.asarray(true),
            jnp.asarray(noise, jnp.float32),
            level,
        )
    )
    share_linear, gain_linear = _linear(lift, error, roi, apart)
    linear = effective < FEWEST
    ceiling = _perfect(apart)
    return Learned(
        width=np.minimum(np.where(linear, share_linear, share), 1.0),
        gain=unit * np.clip(np.where(linear, gain_linear, gain), 0.0, ceiling),
        effective=effective,
        linear=linear,
    )


def perfect(utilities: np.ndarray) -> float:
    """Expected gain of the best plan from knowing everything: the ceiling of any test's value.

    Args:
        utilities: `[draw, plan]`.
    """
    return _perfect(utilities)


def _perfect(utilities: np.ndarray) -> float:
    return max(float(utilities.max(axis=1).mean() - utilities.mean(axis=0).max()), 0.0)


@partial(jax.jit, static_argnames="level")
def _reweighted(
    lift: Array, error: Array, roi: Array, utilities: Array, true: Array, noise: Array, level: float
) -> tuple[Array, Array, Array]:
    """Share of the interval's width that is left, gain and effective draws, `[test]`."""
    ends = jnp.array([(1 - level) / 2, (1 + level) / 2])

    def one(test: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        lifts, own, returns = test
        measured = lifts[true] + own * noise  # [measurement]
        weights = jax.nn.softmax(-0.5 * ((measured[:, None] - lifts) / own) ** 2, axis=1)  # [measurement, draw]
        expected = weights @ utilities  # [measurement, plan]
        gain = expected.max(axis=1).mean() - expected.mean(axis=0).max()
        order = jnp.argsort(returns)
        even = jnp.full((1, len(returns)), 1.0 / len(returns))
        width, before = (_width(returns[order], part[:, order], ends) for part in (weights, even))
        share = width.mean() / jnp.maximum(before[0], 1e-30)
        return share, gain, (1.0 / (weights**2).sum(axis=1)).mean()

    found: tuple[Array, Array, Array] = jax.lax.map(one, (lift, error, roi))
    return found


def _width(values: Array, weights: Array, ends: Array) -> Array:
    """Width of the interval of weighted values, `[measurement]`; values sorted, weights `[measurement, draw]`."""
    below = jnp.cumsum(weights, axis=1) - 0.5 * weights

    def between(row: Array) -> Array:
        low, high = jnp.interp(ends, row, values)
        width: Array = high - low
        return width

    widths: Array = jax.vmap(between)(below)
    return widths


def _linear(
    lift: np.ndarray, error: np.ndarray, roi: np.ndarray, utilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the interval's width that is left, and gain, `[test]`, by the linear formula."""
    centered = lift - lift.mean(axis=1, keepdims=True)
    variance = (centered**2).mean(axis=1)
    total = variance + error**2
    own = roi - roi.mean(axis=1, keepdims=True)
    both = (centered * own).mean(axis=1)
    left = 1.0 - both**2 / np.maximum(total * (own**2).mean(axis=1), 1e-300)
    slopes = centered @ (utilities - utilities.mean(axis=0)) / lift.shape[1] / np.sqrt(total)[:, None]  # [test, plan]
    mean = utilities.mean(axis=0)
    expected = mean + slopes[:, None, :] * _normal_nodes(_NODES)[:, None]  # [test, node, plan]
    return np.sqrt(np.maximum(left, 0.0)), expected.max(axis=2).mean(axis=1) - mean.max()


def _normal_nodes(count: int) -> np.ndarray:
    """Quantiles of the standard normal distribution in steps of equal probability, with its variance."""
    nodes = norm.ppf((np.arange(count) + 0.5) / count)
    return np.asarray(nodes / nodes.std())
