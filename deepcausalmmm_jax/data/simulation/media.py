"""Carry-over and saturation of media in worlds that do not follow the model, in plain NumPy."""

from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit, logit

HISTORY = 40  # weeks before the panel whose exposure still has effects in it; the length of a kernel

SATURATIONS = ("hill", "logarithmic", "power", "tanh", "logistic")


class Kernels(NamedTuple):
    """Carry-over by channel."""

    weights: np.ndarray  # [lag, channel], those of a channel sum to 1
    decay: np.ndarray  # [channel], NaN where the kernel is not geometric
    peak: np.ndarray  # [channel], lag of the largest weight


class Curves(NamedTuple):
    """Saturation by channel, `[channel]` each; exposure in mean weeks on air."""

    family: np.ndarray  # names
    shape: np.ndarray  # exponent, or the midpoint of a logistic curve
    scale: np.ndarray  # exposure at which the curve bends, or the width of a logistic curve


def draw_kernels(rng: np.random.Generator, carry_over: str, n_channels: int) -> Kernels:
    """Kernels of one kind with random parameters."""
    lag = np.arange(HISTORY)[:, None]
    decay = np.full(n_channels, np.nan)
    if carry_over == "geometric":
        decay = rng.uniform(0.0, 0.8, n_channels)
        weights = decay**lag
    elif carry_over == "delayed":
        # A gamma density: unlike a bell curve, it rises to its peak faster than it falls.
        peak, sharpness = rng.integers(1, 5, n_channels), rng.uniform(1.0, 4.0, n_channels)
        after = (lag + 1.0) / (peak + 1.0)
        weights = np.exp(sharpness * (np.log(after) + 1.0 - after))
    elif carry_over == "weibull":
        shape, scale = rng.uniform(0.6, 2.0, n_channels), rng.uniform(0.8, 5.0, n_channels)
        weights = np.exp(-((lag / scale) ** shape))
    elif carry_over == "two_speed":
        fast, slow = rng.uniform(0.0, 0.4, n_channels), rng.uniform(0.75, 0.92, n_channels)
        part = rng.uniform(0.4, 0.8, n_channels)
        weights = part * (1.0 - fast) * fast**lag + (1.0 - part) * (1.0 - slow) * slow**lag
    else:
        raise ValueError(f"unknown carry-over {carry_over!r}")
    return Kernels(weights / weights.sum(axis=0), decay, weights.argmax(axis=0))


def draw_curves(rng: np.random.Generator, families: tuple[str, ...], n_channels: int) -> Curves:
    """A random curve for each channel, concave or S-shaped with equal probability if the family has both."""
    family = rng.choice(np.array(families), n_channels)
    s_shaped = rng.random(n_channels) < 0.5
    bent, level = rng.uniform(0.4, 2.0, n_channels), rng.uniform(size=n_channels)
    shape, scale = np.ones(n_channels), bent.copy()
    for m, name in enumerate(family):
        if name == "hill":
            shape[m] = 1.3 + 1.7 * level[m] if s_shaped[m] else 0.5 + 0.5 * level[m]
        elif name == "power":
            shape[m] = 0.3 + 0.65 * level[m]
        elif name in ("logarithmic", "tanh"):
            shape[m] = 1.3 + 1.2 * level[m] if s_shaped[m] else 1.0
        elif name == "logistic":
            shape[m] = 0.5 + 0.7 * level[m] if s_shaped[m] else 0.0
            scale[m] = 0.3 * bent[m] if s_shaped[m] else 0.6 * bent[m]
    return Curves(family, shape, scale)


def carried(relative: np.ndarray, kernels: Kernels) -> np.ndarray:
    """Carried-over exposure `[region, week, channel]`, with zero exposure before the first week."""
    filtered = [lfilter(kernel, [1.0], relative[:, :, m], axis=1) for m, kernel in enumerate(kernels.weights.T)]
    return np.stack(filtered, axis=2)


def activity(carried_over: np.ndarray, curves: Curves) -> np.ndarray:
    """Saturated exposure `[region, week, channel]`; 1 at the maximum, or in a mean week on air if there is none."""
    bent = [_saturated(carried_over[:, :, m], *curve) for m, curve in enumerate(zip(*curves, strict=True))]
    return np.stack(bent, axis=2)


def half_saturation(curves: Curves) -> np.ndarray:
    """`[channel]`, exposure at half the maximum, in mean weeks on air; NaN for curves without a maximum."""
    half = np.full(len(curves.family), np.nan)
    for m, (family, shape, scale) in enumerate(zip(*curves, strict=True)):
        if family == "hill":
            half[m] = scale
        elif family == "tanh":
            half[m] = scale * np.arctanh(0.5) ** (1.0 / shape)
        elif family == "logistic":
            half[m] = shape + scale * logit(0.5 * (1.0 + expit(-shape / scale)))
    return half


def _saturated(x: np.ndarray, family: str, shape: float, scale: float) -> np.ndarray:
    if family == "linear":
        return x
    if family == "hill":
        return np.asarray(x**shape / (x**shape + scale**shape))
    if family == "power":
        return x**shape
    if family == "logarithmic":
        return np.asarray(np.log1p((x / scale) ** shape) / np.log1p(scale**-shape))
    if family == "tanh":
        return np.tanh((x / scale) ** shape)
    if family == "logistic":
        at_zero = expit(-shape / scale)
        return np.asarray((expit((x - shape) / scale) - at_zero) / (1.0 - at_zero))
    raise ValueError(f"unknown saturation {family!r}")
