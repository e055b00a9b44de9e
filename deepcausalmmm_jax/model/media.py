"""Media: carry-over and diminishing returns of each channel."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config import AdstockKind
from deepcausalmmm_jax.ops.adstock import binomial_kernel, delayed_kernel, geometric_adstock, kernel_adstock
from deepcausalmmm_jax.ops.bijectors import from_above, from_unit, to_above, to_positive, to_unit
from deepcausalmmm_jax.ops.hill import hill

TYPICAL_SLOPE = 1.5
TYPICAL_HALF_SATURATION = 1.2  # bursts: an advertiser seldom buys deep in saturation, see `Inputs.burst`
TYPICAL_ACTIVITY = 0.4  # mean of a Hill curve over weeks, to turn a share of the KPI into a coefficient
_TYPICAL_LOCALITY = 0.2


class MediaCurves(NamedTuple):
    """Curves of the channels in their own units."""

    decay: Array  # [channel], (0, 1)
    delay: Array  # [channel], weeks; 0 unless the adstock is delayed
    slope: Array  # [channel], above the lower bound
    half_saturation: Array  # [channel], in mean training weeks of a region of typical intensity
    locality: Array  # [], 0: a region saturates against its own mean exposure; 1: against exposure per head


class Media(nn.Module):
    r"""Exposure -> saturated, carried-over exposure.

    $H = \mathrm{hill}(\mathrm{adstock}(x))$ (Jin et al. 2017), curves shared by all regions. What counts as much
    exposure may be judged against the region's own mean or against exposure per head; the model learns where between
    the two the panel lies, $g_{rm} = g_m q_{rm}^{-\kappa}$ with q the region's intensity.

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
        self.delay = self.param("delay", nn.initializers.zeros, shape) if self.adstock == "delayed" else None

    def curves(self) -> MediaCurves:
        """The parameters in their own units, as the forward pass uses them."""
        delay = jnp.zeros(self.n_channels) if self.delay is None else to_above(self.delay, 0.0)
        return MediaCurves(
            decay=to_unit(self.decay),
            delay=delay,
            slope=to_above(self.slope, self.min_slope),
            half_saturation=to_positive(self.half_saturation),
            locality=to_unit(self.locality),
        )

    def __call__(self, exposure: Array, intensity: Array, before: Array | None = None) -> Array:
        """Saturated exposure.

        Args:
            exposure: `[week, channel, region]`, scaled.
            intensity: `[channel, region]`, log of exposure per head against the typical region.
            before: what earlier weeks left behind, see `left_behind`; None where there are none.

        Returns:
            `[week, channel, region]`, in [0, 1).
        """
        curves = self.curves()
        half = curves.half_saturation[:, None] * jnp.exp(-curves.locality * intensity)
        return hill(self._carry(exposure, curves, before), curves.slope, half)

    def left_behind(self, exposure: Array) -> Array:
        """What weeks leave to the weeks after them, `[lag, channel, region]`.

        Carried-over exposure of the last week for a geometric adstock, a single lag; exposure of the last
        `max_lag - 1` weeks for the others.
        """
        if self.adstock == "geometric":
            return geometric_adstock(exposure, self.curves().decay)[-1:]
        return jnp.pad(exposure, ((self.max_lag - 1, 0), (0, 0), (0, 0)))[exposure.shape[0] :]

    def _carry(self, exposure: Array, curves: MediaCurves, before: Array | None) -> Array:
        if self.adstock == "geometric":
            return geometric_adstock(exposure, curves.decay, None if before is None else before[0])
        if self.adstock == "delayed":
            return kernel_adstock(exposure, delayed_kernel(curves.decay, curves.delay, self.max_lag), before)
        return kernel_adstock(exposure, binomial_kernel(curves.decay, self.max_lag), before)
