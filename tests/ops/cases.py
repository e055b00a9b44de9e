"""One call of each op with what plain numpy and scipy make of the same numbers."""

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, stats
from scipy.special import expit, gammaln

from deepcausalmmm_jax.ops import (
    acyclicity,
    adstock,
    autoregression,
    bijectors,
    cholesky,
    effective_sample,
    gru,
    hill,
    layout,
    logistic,
    saturation,
    shared_shock,
)

_RNG = np.random.default_rng(0)
_WEEKS, _CHANNELS, _REGIONS, _LAGS = 9, 3, 4, 5


class Case(NamedTuple):
    """An op, its arrays, and the expected value."""

    op: Any
    arrays: tuple[Any, ...]
    expected: Any


def _f32(*shape: int) -> np.ndarray:
    return _RNG.normal(size=shape).astype(np.float32)


EXPOSURE = np.abs(_f32(_WEEKS, _CHANNELS, _REGIONS)) * (_RNG.random((_WEEKS, _CHANNELS, _REGIONS)) < 0.8)
DECAY, DELAY = np.array([0.2, 0.5, 0.8], np.float32), np.array([0.4, 1.0, 2.5], np.float32)
HALF, SLOPE = np.exp(_f32(_CHANNELS, _REGIONS)), np.array([0.7, 1.0, 2.5], np.float32)
LAG = np.arange(_LAGS)[:, None]
KERNEL = np.abs(_f32(_LAGS, _CHANNELS))
SERIES, OBSERVED = _f32(_WEEKS, _REGIONS), _RNG.random((_WEEKS, _REGIONS)) < 0.8
PHI = np.float32(0.6)
ADJACENCY = (0.4 * _f32(4, 4) * (1 - np.eye(4))).astype(np.float32)
EDGES = np.array([[0, 0.9, 0], [0.5, 0, 0.1], [0, 0, 0]], np.float32)
GRU = gru.GRUParameters(_f32(2, 9), _f32(3, 9), _f32(9), _f32(9))
INPUTS, START = _f32(_WEEKS, 2, _REGIONS), _f32(3)
HALF_MATRIX = _f32(4, 4)
POSITIVE = (HALF_MATRIX @ HALF_MATRIX.T + 4 * np.eye(4)).astype(np.float32)
RAW = np.array([-3.0, 0.0, 2.0], np.float32)
VALUES = np.linspace(-3, 4, 8, dtype=np.float32)


def _geometric(exposure: np.ndarray, decay: np.ndarray) -> np.ndarray:
    carried, weeks = np.zeros(exposure.shape[1:]), []
    for x in exposure:
        carried = (1 - decay[:, None]) * x + decay[:, None] * carried
        weeks.append(carried)
    return np.array(weeks)


def _convolved(exposure: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    padded = np.concatenate([np.zeros((len(kernel) - 1, *exposure.shape[1:])), exposure])
    later = len(kernel) - 1
    return sum(weight[:, None] * padded[later - k : later - k + len(exposure)] for k, weight in enumerate(kernel))


def _share(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=0)


def _innovations(series: np.ndarray, observed: np.ndarray, phi: float) -> np.ndarray:
    found = np.zeros_like(series)
    for t, r in np.argwhere(observed):
        before = t > 0 and observed[t - 1, r]
        found[t, r] = series[t, r] - phi * series[t - 1, r] if before else np.sqrt(1 - phi**2) * series[t, r]
    return found


def _states(p: gru.GRUParameters, start: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    n, h, weeks = len(start), np.tile(start[:, None], (1, inputs.shape[2])), []
    for x in inputs:
        a, b = p.input_kernel.T @ x + p.input_bias[:, None], p.hidden_kernel.T @ h + p.hidden_bias[:, None]
        r, z = expit(a[:n] + b[:n]), expit(a[n : 2 * n] + b[n : 2 * n])
        h = (1 - z) * np.tanh(a[2 * n :] + r * b[2 * n :]) + z * h
        weeks.append(h)
    return np.array(weeks)


def _effective(series: np.ndarray) -> float:
    n, weeks = series.shape
    squared = ((np.corrcoef(series) ** 2).sum() - n) / (n * (n - 1)) - 1 / weeks
    return 1 / (1 + (n - 1) * np.clip(squared, 0, 1))


def _ratio(series: np.ndarray) -> float:
    """Variance between weeks over that within, the expected part of noise and one standard error of it less."""
    weeks, n = series.shape
    within = series.var(axis=1, ddof=1).mean()
    between = (series.mean(axis=1) ** 2).mean() - within / n * (1 + np.sqrt(2 / weeks))
    return max(between, 0.0) / within


def _rotated(series: np.ndarray, ratio: float) -> np.ndarray:
    """Weeks of independent series, by the symmetric root of the inverse covariance."""
    n = series.shape[1]
    values, vectors = np.linalg.eigh(np.eye(n) + ratio * np.ones((n, n)))
    return series @ (vectors / np.sqrt(values)) @ vectors.T


def _logistic_slopes(v: np.ndarray, location: float, log_scale: float, log_skew: float) -> tuple[np.ndarray, ...]:
    s, c = np.exp(log_scale), np.exp(log_skew)
    up = expit((v - location) / s)
    return (1 - (c + 1) * (1 - up)) / s, (c + 1) * up * (1 - up) / s**2


_ALL = np.ones((6, 40), bool)
_CORRELATED = (_f32(6, 40) + 0.8 * _f32(1, 40)).astype(np.float32)
_NOISE = (np.float32(0.5), np.float32(0.3), np.float32(0.7))
_DENSITY = stats.genlogistic(np.exp(0.7), loc=0.5, scale=np.exp(0.3)).logpdf(VALUES)
_POISSON = _share(np.exp(LAG * np.log(DELAY) - gammaln(LAG + 1)))
_BOTH = _geometric(_convolved(np.eye(_LAGS)[:, :1, None] * np.ones((1, 3, 1)), _POISSON), DECAY)[:, :, 0]

CASES = {
    "geometric_adstock": Case(adstock.geometric_adstock, (EXPOSURE, DECAY), _geometric(EXPOSURE, DECAY)),
    "kernel_adstock": Case(adstock.kernel_adstock, (EXPOSURE, KERNEL), _convolved(EXPOSURE, KERNEL)),
    "delayed_kernel": Case(
        lambda a, d: adstock.delayed_kernel(a, d, _LAGS), (DECAY, DELAY), _share(DECAY ** ((LAG - DELAY) ** 2))
    ),
    "binomial_kernel": Case(
        lambda a: adstock.binomial_kernel(a, _LAGS), (DECAY,), _share((1 - LAG / _LAGS) ** (1 / DECAY - 1))
    ),
    "waiting_kernel": Case(lambda d: adstock.waiting_kernel(d, _LAGS), (DELAY,), _POISSON),
    "delayed_geometric_kernel": Case(
        lambda a, d: adstock.delayed_geometric_kernel(a, d, _LAGS, _LAGS), (DECAY, DELAY), _BOTH
    ),
    "geometric_kernel": Case(lambda a: adstock.geometric_kernel(a, _LAGS), (DECAY,), (1 - DECAY) * DECAY**LAG),
    "half_life": Case(adstock.half_life, (DECAY,), np.log(0.5) / np.log(DECAY)),
    "weibull_pdf_kernel": Case(
        lambda scale, shape: adstock.weibull_pdf_kernel(scale, shape, _LAGS),
        (1.0 + DELAY, SLOPE),
        _share(stats.weibull_min.pdf(LAG + 0.5, SLOPE, scale=1.0 + DELAY)),
    ),
    "weibull_cdf_kernel": Case(
        lambda scale, shape: adstock.weibull_cdf_kernel(scale, shape, _LAGS),
        (1.0 + DELAY, SLOPE),
        _share(stats.weibull_min.sf(LAG, SLOPE, scale=1.0 + DELAY)),
    ),
    "michaelis_menten": Case(saturation.michaelis_menten, (EXPOSURE, HALF), EXPOSURE / (EXPOSURE + HALF)),
    "logistic_saturation": Case(
        saturation.logistic_saturation, (EXPOSURE, HALF), 2 * expit(np.log(3.0) * EXPOSURE / HALF) - 1
    ),
    "logarithmic": Case(saturation.logarithmic, (EXPOSURE, HALF), np.log(1 + EXPOSURE / HALF) / np.log(4.0)),
    "root": Case(saturation.root, (EXPOSURE, DECAY, HALF), (EXPOSURE / HALF) ** DECAY[:, None] / 2),
    "linear": Case(saturation.linear, (EXPOSURE, HALF), EXPOSURE / HALF / 2),
    "hill": Case(
        hill.hill,
        (EXPOSURE, SLOPE, HALF),
        EXPOSURE ** SLOPE[:, None] / (EXPOSURE ** SLOPE[:, None] + HALF ** SLOPE[:, None]),
    ),
    "gru_step": Case(gru.gru_step, (GRU, START, INPUTS[0, :, 0]), _states(GRU, START, INPUTS[:1, :, :1])[0, :, 0]),
    "gru_scan": Case(gru.gru_scan, (GRU, START, INPUTS), _states(GRU, START, INPUTS)),
    "gru_scan_small": Case(gru.gru_scan_small, (GRU, START, INPUTS), _states(GRU, START, INPUTS)),
    "whitened": Case(autoregression.whitened, (SERIES, OBSERVED, PHI), _innovations(SERIES, OBSERVED, 0.6)),
    "squared_innovations": Case(
        lambda e, seen, w, phi: autoregression.squared_innovations(e, seen, w).at(phi),
        (SERIES, OBSERVED, 2.0 * OBSERVED.astype(np.float32), PHI),
        2 * (_innovations(SERIES, OBSERVED, 0.6) ** 2).sum(axis=0),
    ),
    "effective_share": Case(effective_sample.effective_share, (_CORRELATED, _ALL), _effective(_CORRELATED)),
    "shared_shocks": Case(
        shared_shock.shared_shocks,
        (_CORRELATED.T, np.ones((40, 6), np.float32), np.float32(0.7)),
        0.7 * _CORRELATED.sum(axis=0) / (1 + 0.7 * 6),
    ),
    "shock_misfit": Case(
        shared_shock.shock_misfit,
        (_CORRELATED[0], np.ones((40, 6), np.float32), np.float32(0.7)),
        0.5 * ((_CORRELATED[0] ** 2).sum() / 0.7 + 40 * np.log1p(0.7 * 6)),
    ),
    "shared_ratio": Case(shared_shock.shared_ratio, (_CORRELATED.T, _ALL.T), _ratio(_CORRELATED.T)),
    "without_correlation": Case(
        shared_shock.without_correlation, (_CORRELATED.T, _ALL.T, np.float32(0.7)), _rotated(_CORRELATED.T, 0.7)
    ),
    "inverse_root": Case(cholesky.inverse_root, (POSITIVE,), np.linalg.inv(np.linalg.cholesky(POSITIVE))),
    "squared": Case(cholesky.squared, (POSITIVE,), POSITIVE @ POSITIVE),
    "log_normal_integral": Case(
        cholesky.log_normal_integral,
        (POSITIVE, VALUES[: len(POSITIVE)]),
        0.5 * VALUES[: len(POSITIVE)] @ np.linalg.solve(POSITIVE, VALUES[: len(POSITIVE)])
        - 0.5 * np.linalg.slogdet(POSITIVE)[1],
    ),
    "trace_exponential": Case(acyclicity.trace_exponential, (ADJACENCY,), np.trace(linalg.expm(ADJACENCY**2)) - 4),
    "log_determinant": Case(acyclicity.log_determinant, (ADJACENCY,), -np.log(np.linalg.det(np.eye(4) - ADJACENCY**2))),
    "is_acyclic": Case(acyclicity.is_acyclic, (EDGES > 0.6,), True),
    "cut_to_acyclic": Case(acyclicity.cut_to_acyclic, (EDGES,), (EDGES > 0.5, np.float32(0.5))),
    "strongest_acyclic": Case(acyclicity.strongest_acyclic, (EDGES,), (EDGES == 0.9) | (EDGES == 0.1)),
    "skewed_logistic_loss": Case(logistic.skewed_logistic_loss, (VALUES, *_NOISE), -_DENSITY),
    "skewed_logistic_curvature": Case(
        logistic.skewed_logistic_curvature, (VALUES, *_NOISE), _logistic_slopes(VALUES, 0.5, 0.3, 0.7)
    ),
    "to_unit": Case(bijectors.to_unit, (RAW,), expit(RAW)),
    "from_unit": Case(bijectors.from_unit, (expit(RAW),), RAW),
    "to_positive": Case(bijectors.to_positive, (RAW,), np.exp(RAW)),
    "from_positive": Case(bijectors.from_positive, (np.exp(RAW),), RAW),
    "to_above": Case(bijectors.to_above, (RAW, np.float32(0.5)), 0.5 + np.log1p(np.exp(RAW))),
    "from_above": Case(bijectors.from_above, (0.5 + np.log1p(np.exp(RAW)), np.float32(0.5)), RAW),
    "append_axes": Case(lambda a: layout.append_axes(a, 3), (DECAY,), DECAY[:, None, None]),
    "regions_last": Case(layout.regions_last, (EXPOSURE,), EXPOSURE.transpose(1, 2, 0)),
    "by_region": Case(layout.by_region, (EXPOSURE,), EXPOSURE.transpose(2, 0, 1)),
    "over_weeks": Case(layout.over_weeks, (_M := _f32(2, 3), EXPOSURE), np.einsum("om,tmr->tor", _M, EXPOSURE)),
    "mean_of_regions": Case(layout.mean_of_regions, (EXPOSURE,), EXPOSURE.mean(axis=2)),
}
