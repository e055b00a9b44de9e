"""Media: carry-over and diminishing returns of each channel."""

import math
from typing import NamedTuple

import chex
import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import AdstockKind
from deepcausalmmm_jax.ops.adstock import (
    binomial_kernel,
    delayed_kernel,
    geometric_adstock,
    kernel_adstock,
    waiting_kernel,
)
from deepcausalmmm_jax.ops.bijectors import from_above, from_unit, to_above, to_positive, to_unit
from deepcausalmmm_jax.ops.hill import hill

TYPICAL_SLOPE = 1.5
TYPICAL_HALF_SATURATION = 1.2  # bursts: advertisers seldom buy far into saturation, see `Inputs.burst`
TYPICAL_ACTIVITY = 0.4  # mean of a Hill curve over weeks, which turns a share of the KPI into a coefficient
_TYPICAL_LOCALITY = 0.2
TYPICAL_DELAY = 0.1  # weeks; most media have an effect at once, mail and outdoor after a week or two
N_WAITS = 8  # weeks within which an effect has set in


class MediaCurves(NamedTuple):
    """Curves of the channels in their own units."""

    decay: Array  # [channel], (0, 1)
    delay: Array  # [channel], weeks; 0 unless the adstock has a delay
    slope: Array  # [channel], above the lower bound
    half_saturation: Array  # [channel], in mean training weeks of a region of typical intensity
    locality: Array  # [], 0: a region saturates against its own mean exposure; 1: against exposure per head
    history: Array  # [], exposure before the first week, as a share of that of the first weeks


class Media(nn.Module):
    r"""Exposure -> saturated, carried-over exposure.

    $H = \mathrm{hill}(\mathrm{adstock}(x))$ (Jin et al. 2017), with curves shared by all regions. A region may saturate
    relative to its own mean exposure or relative to exposure per head; the model learns where between the two the panel
    lies, $g_{rm} = g_m q_{rm}^{-\kappa}$ with q the region's intensity.

    Most panels begin while media already run. With zero exposure before the first week, carry-over would have to build
    up during the first weeks; no KPI shows that, and the effect of an always-on channel would be estimated as zero. So
    exposure before the first week is a learned share of the mean exposure of the first weeks.

    Attributes:
        n_channels: number of channels.
        adstock: kind of carry-over.
        max_lag: lags of the finite kernels, weeks.
        min_slope: lower bound of the Hill slope.
    """

    n_channels: int
    adstock: AdstockKind
    max_lag: int
    min_slope: float

    def setup(self) -> None:
        """Declare the curves' parameters."""
        shape = (self.n_channels,)
        start_slope = from_above(jnp.maximum(TYPICAL_SLOPE, self.min_slope + 0.1), self.min_slope)
        self.decay = self.param("decay", nn.initializers.zeros, shape)
        self.slope = self.param("slope", nn.initializers.constant(start_slope), shape)
        self.half_saturation = self.param("half_saturation", nn.initializers.zeros, shape)
        self.locality = self.param("locality", nn.initializers.constant(from_unit(jnp.asarray(_TYPICAL_LOCALITY))), ())
        self.history = self.param("history", nn.initializers.constant(0.0), ())
        starts = {"delayed": 0.0, "delayed_geometric": math.log(TYPICAL_DELAY)}
        start = nn.initializers.constant(starts.get(self.adstock, 0.0))
        self.delay = self.param("delay", start, shape) if self.adstock in starts else None

    def curves(self) -> MediaCurves:
        """The curves in their own units, as the forward pass uses them."""
        if self.delay is None:
            delay = jnp.zeros(self.n_channels)
        else:
            delay = to_positive(self.delay) if self.adstock == "delayed_geometric" else to_above(self.delay, 0.0)
        return MediaCurves(
            decay=to_unit(self.decay),
            delay=delay,
            slope=to_above(self.slope, self.min_slope),
            half_saturation=to_positive(self.half_saturation),
            locality=to_unit(self.locality),
            history=to_unit(self.history),
        )

    def __call__(self, exposure: Array, intensity: Array, history: Array, before: Array | None = None) -> Array:
        """Saturated exposure.

        Args:
            exposure: `[week, channel, region]`, scaled.
            intensity: `[channel, region]`, log of exposure per head relative to the typical region.
            history: `[channel, region]`, mean exposure of the panel's first weeks.
            before: `[lag, channel, region]`, what earlier weeks left, see `left_behind`; None at the panel's start.

        Returns:
            `[week, channel, region]`, in [0, 1).
        """
        self._check(exposure, intensity, history)
        return saturated(exposure, self.curves(), intensity, history, self.adstock, self.max_lag, before)

    def left_behind(self, exposure: Array, history: Array) -> Array:
        """What weeks leave to the weeks after them, `[lag, channel, region]`.

        For a geometric adstock this is the carried-over exposure of the last week, a single lag. For the finite kernels
        it is the exposure of the last `max_lag - 1` weeks. For a delayed geometric adstock it is both, with the
        carried-over exposure as the last lag.
        """
        self._check(exposure, history)
        curves = self.curves()
        first = _first(curves, history, self.adstock, self.max_lag)
        if self.adstock in ("geometric", "delayed_geometric"):
            carried = _carried(exposure, curves, first, self.adstock, self.max_lag)[-1:]
            return carried if self.adstock == "geometric" else jnp.concatenate([_last(first[:-1], exposure), carried])
        return _last(first, exposure)

    def _check(self, exposure: Array, *by_region: Array) -> None:
        """Refuse arrays whose channels or regions differ."""
        chex.assert_shape(exposure, (None, self.n_channels, None))
        chex.assert_shape(by_region, exposure.shape[1:])


def saturated(
    exposure: Array,
    curves: MediaCurves,
    intensity: Array,
    history: Array,
    adstock: AdstockKind,
    max_lag: int,
    before: Array | None = None,
) -> Array:
    """Saturated, carried-over exposure under given curves.

    Args:
        exposure: `[week, channel, region]`, scaled.
        curves: of the same channels.
        intensity: `[channel, region]`.
        history: `[channel, region]`.
        adstock: kind of carry-over.
        max_lag: lags of the finite kernels, weeks.
        before: `[lag, channel, region]`, what earlier weeks left, see `Media.left_behind`; None at the panel's start.

    Returns:
        `[week, channel, region]`, in [0, 1).
    """
    half = curves.half_saturation[:, None] * jnp.exp(-curves.locality * intensity)
    before = _first(curves, history, adstock, max_lag) if before is None else before
    return hill(_carried(exposure, curves, before, adstock, max_lag), curves.slope, half)


def _first(curves: MediaCurves, history: Array, adstock: AdstockKind, max_lag: int) -> Array:
    """What the weeks before the panel left behind, `[lag, channel, region]`."""
    lags = {"geometric": 1, "delayed_geometric": N_WAITS}.get(adstock, max_lag - 1)
    return jnp.broadcast_to(curves.history * history, (lags, *history.shape))


def _carried(exposure: Array, curves: MediaCurves, before: Array, adstock: AdstockKind, max_lag: int) -> Array:
    if adstock == "geometric":
        return geometric_adstock(exposure, curves.decay, before[0])
    if adstock == "delayed_geometric":
        begun = kernel_adstock(exposure, waiting_kernel(curves.delay, N_WAITS), before[:-1])
        return geometric_adstock(begun, curves.decay, before[-1])
    if adstock == "delayed":
        return kernel_adstock(exposure, delayed_kernel(curves.decay, curves.delay, max_lag), before)
    return kernel_adstock(exposure, binomial_kernel(curves.decay, max_lag), before)


def _last(before: Array, exposure: Array) -> Array:
    """Exposure of the last weeks, as many as `before` has, `[lag, channel, region]`."""
    return jnp.concatenate([before, exposure])[exposure.shape[0] :]
