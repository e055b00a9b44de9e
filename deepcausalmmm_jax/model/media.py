"""Media: carry-over and diminishing returns of each channel."""

from collections.abc import Callable

import chex
import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.model.curves import MediaCurves, activity, left_behind
from deepcausalmmm_jax.ops.bijectors import from_above, from_unit, to_above, to_positive, to_unit

TYPICAL_SLOPE = 1.5
TYPICAL_HALF_SATURATION = 1.2  # bursts: advertisers seldom buy far into saturation, see `Inputs.burst`
TYPICAL_ACTIVITY = 0.4  # mean activity over weeks, which turns a share of the KPI into a coefficient
_TYPICAL_LOCALITY = 0.2
TYPICAL_DELAY = 0.1  # weeks; most media have an effect at once, mail and outdoor after a week or two
TYPICAL_SCALE, TYPICAL_SHAPE = 2.0, 1.2  # of a Weibull adstock: weeks, and slightly above a constant decay
TYPICAL_EXPONENT = 0.5
TYPICAL_FREQUENCY_SLOPE = 2.0  # of those who are reached so often; the first contact alone seldom does most
TYPICAL_HALF_FREQUENCY = 3.0  # contacts a week; the rule of thumb of three exposures (Krugman 1972)


class Media(nn.Module):
    r"""Exposure -> saturated, carried-over exposure.

    $H = \mathrm{saturation}(\mathrm{adstock}(x))$ (Jin et al. 2017), or in the other order, with curves shared by all
    regions. A region may saturate relative to its own mean exposure or relative to exposure per head; the model learns
    where between the two the panel lies, $g_{rm} = g_m q_{rm}^{-\kappa}$ with q the region's intensity.

    Most panels begin while media already run. With zero exposure before the first week, carry-over would have to build
    up during the first weeks; no KPI shows that, and the effect of an always-on channel would be estimated as zero. So
    exposure before the first week is a learned share of the mean exposure of the first weeks.

    A parameter that a channel's kind does not have stays where its prior is highest; it has no effect.

    Attributes:
        kinds: of carry-over and saturation, by channel.
        min_slope: lower bound of the Hill slope.
        which: see `MediaCurves`.
    """

    kinds: CurveKinds
    min_slope: float
    which: Array | None = None

    def setup(self) -> None:
        """Declare the curves' parameters."""
        shape = (len(self.kinds.channels),)
        start_slope = from_above(jnp.maximum(TYPICAL_SLOPE, self.min_slope + 0.1), self.min_slope)
        self.decay = self.param("decay", self._decay_start(), shape)
        self.slope = self.param("slope", nn.initializers.constant(start_slope), shape)
        self.half_saturation = self.param("half_saturation", nn.initializers.zeros, shape)
        self.locality = self.param("locality", nn.initializers.constant(from_unit(jnp.asarray(_TYPICAL_LOCALITY))), ())
        self.history = self.param("history", nn.initializers.constant(0.0), ())
        waits = np.log(TYPICAL_DELAY / self.kinds.step_weeks)
        self.delay = self._optional("delay", np.where(self.kinds.with_adstock("delayed"), 0.0, waits))
        self.scale = self._optional("scale", np.log(TYPICAL_SCALE / self.kinds.step_weeks))
        self.shape = self._optional("shape", np.log(TYPICAL_SHAPE))
        self.exponent = self._optional("exponent", np.log(TYPICAL_EXPONENT / (1.0 - TYPICAL_EXPONENT)))
        self.half_frequency = self._optional("half_frequency", np.log(TYPICAL_HALF_FREQUENCY))

    def _decay_start(self) -> Callable[..., Array]:
        if self.kinds.step_weeks == 1.0:
            return nn.initializers.zeros
        usual = np.asarray(self.kinds.usual_decay(), np.float32)
        return lambda _key, shape: jnp.broadcast_to(jnp.asarray(usual), shape)

    def _optional(self, name: str, start: np.ndarray | float) -> Array | None:
        """A parameter by channel, if any channel's kind has it."""
        if not any(self.kinds.having(name)):
            return None
        values = np.broadcast_to(np.asarray(start, np.float32), (len(self.kinds.channels),))
        return self.param(name, lambda _key, shape: jnp.broadcast_to(jnp.asarray(values), shape), values.shape)

    def curves(self) -> MediaCurves:
        """The curves in their own units, as the forward pass uses them."""
        delay = self._delay()
        return MediaCurves(
            decay=to_unit(self.decay),
            delay=delay,
            slope=to_above(self.slope, self.min_slope),
            half_saturation=to_positive(self.half_saturation),
            locality=to_unit(self.locality),
            history=to_unit(self.history),
            scale=None if self.scale is None else to_positive(self.scale),
            shape=None if self.shape is None else to_positive(self.shape),
            exponent=None if self.exponent is None else to_unit(self.exponent),
            half_frequency=None if self.half_frequency is None else to_positive(self.half_frequency),
            which=self.which,
        )

    def _delay(self) -> Array:
        if self.delay is None:
            return jnp.zeros(len(self.kinds.channels))
        peak, wait = (self.kinds.with_adstock(kind) for kind in ("delayed", "delayed_geometric"))
        if all(wait):
            return to_positive(self.delay)
        if all(peak):
            return to_above(self.delay, 0.0)
        later = jnp.where(np.array(peak), to_above(self.delay, 0.0), 0.0)
        return jnp.where(np.array(wait), to_positive(self.delay), later)

    def __call__(
        self,
        exposure: Array,
        intensity: Array,
        history: Array,
        before: Array | None = None,
        contacts: Contacts[Array] | None = None,
    ) -> Array:
        """Saturated exposure.

        Args:
            exposure: `[week, channel, region]`, scaled.
            intensity: `[channel, region]`, log of exposure per head relative to the typical region.
            history: `[channel, region]`, mean exposure of the panel's first weeks.
            before: `[lag, channel, region]`, what earlier weeks left, see `left_behind`; None at the panel's start.
            contacts: per person reached, `each` as `[week, channel, region]`; None without reach and frequency.

        Returns:
            `[week, channel, region]`, see `model.curves.activity`.
        """
        self._check(exposure, intensity, history)
        return activity(exposure, self.curves(), intensity, history, self.kinds, before, contacts)

    def left_behind(
        self, exposure: Array, intensity: Array, history: Array, contacts: Contacts[Array] | None = None
    ) -> Array:
        """What weeks leave to the weeks after them, `[lag, channel, region]`, see `model.curves.left_behind`."""
        self._check(exposure, intensity, history)
        return left_behind(exposure, self.curves(), intensity, history, self.kinds, contacts)

    def _check(self, exposure: Array, *by_region: Array) -> None:
        """Refuse arrays whose channels or regions differ."""
        chex.assert_shape(exposure, (None, len(self.kinds.channels), None))
        chex.assert_shape(by_region, exposure.shape[1:])
