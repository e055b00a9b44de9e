"""From exposure to activity: carry-over and saturation under given curves, kind by kind."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.curves import ANY, BY_REACH, SATURATIONS, CurveKind, CurveKinds
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.ops.adstock import (
    binomial_kernel,
    delayed_kernel,
    geometric_adstock,
    kernel_adstock,
    waiting_kernel,
    weibull_cdf_kernel,
    weibull_pdf_kernel,
)
from deepcausalmmm_jax.ops.frequency import effect_per_contact
from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.ops.saturation import linear, logarithmic, logistic_saturation, michaelis_menten, root

_PER_CHANNEL = ("decay", "delay", "slope", "half_saturation")
OPTIONAL = ("scale", "shape", "exponent", "half_frequency")  # parameters that are there where a channel's kind has them


class MediaCurves(NamedTuple):
    """Curves of the channels in their own units; what a channel's kind does not have has no effect."""

    decay: Array  # [channel], (0, 1)
    delay: Array  # [channel], weeks; 0 unless the adstock has a delay
    slope: Array  # [channel], above the lower bound
    half_saturation: Array  # [channel], in mean training weeks of a region of typical intensity
    locality: Array  # [], 0: a region saturates against its own mean exposure; 1: against exposure per head
    history: Array  # [], exposure before the first week, as a share of that of the first weeks
    scale: Array | None = None  # [channel], weeks, of a Weibull adstock; None where no channel has one, like the next
    shape: Array | None = None  # [channel], likewise
    exponent: Array | None = None  # [channel], (0, 1), of a root; None where no channel has one
    half_frequency: Array | None = None  # [channel], contacts; None where no channel has reach and frequency
    which: Array | None = None  # [], position in `SATURATIONS` of the kind of channels that may have any

    def of(self, channels: Array | np.ndarray) -> "MediaCurves":
        """The curves of some channels, by position."""
        there = [name for name in OPTIONAL if getattr(self, name) is not None]
        return self._replace(**{name: getattr(self, name)[channels] for name in (*_PER_CHANNEL, *there)})


def activity(
    exposure: Array,
    curves: MediaCurves,
    intensity: Array,
    history: Array,
    kinds: CurveKinds,
    before: Array | None = None,
    contacts: Contacts[Array] | None = None,
) -> Array:
    """Saturated, carried-over exposure under given curves.

    Args:
        exposure: `[week, channel, region]`, scaled.
        curves: of the same channels.
        intensity: `[channel, region]`.
        history: `[channel, region]`.
        kinds: of the same channels.
        before: `[lag, channel, region]`, what earlier weeks left, see `left_behind`; None at the panel's start.
        contacts: per person reached, `each` as `[week, channel, region]`; None without reach and frequency.

    Returns:
        `[week, channel, region]`: 1/2 at the half-saturation; below 1 where the kind has a maximum.
    """
    groups = kinds.groups()
    if len(groups) == 1:
        return activity_of_kind(exposure, curves, intensity, history, groups[0][0], kinds.max_lag, before, contacts)
    parts = []
    for kind, positions in groups:
        at = np.asarray(positions)
        own = None if before is None else before[before.shape[0] - _lags(kind, kinds.max_lag) :, at]
        often = contacts_of(contacts, kind, at)
        parts.append(
            activity_of_kind(
                exposure[:, at], curves.of(at), intensity[at], history[at], kind, kinds.max_lag, own, often
            )
        )
    return _in_order(parts, groups)


def activity_of_kind(
    exposure: Array,
    curves: MediaCurves,
    intensity: Array,
    history: Array,
    kind: CurveKind,
    max_lag: int,
    before: Array | None = None,
    contacts: Contacts[Array] | None = None,
) -> Array:
    """`activity` of channels of one kind."""
    exposure = _effective(exposure, curves, kind, contacts)
    half = _reference(curves, kind)[:, None] * jnp.exp(-curves.locality * intensity)
    before = _first(curves, half, history, kind, max_lag) if before is None else before
    if kind.saturation_first:
        return _carried(saturation(exposure, curves, half, kind), curves, before, kind, max_lag)
    return saturation(_carried(exposure, curves, before, kind, max_lag), curves, half, kind)


def contacts_of(
    contacts: Contacts[Array] | None, kind: CurveKind, channels: Array | np.ndarray
) -> Contacts[Array] | None:
    """Contacts of some channels of a kind, by position; None for a kind that does not read them."""
    if contacts is None or kind.saturation != BY_REACH:
        return None
    return Contacts(contacts.each[:, channels], contacts.usual[channels])


def _effective(exposure: Array, curves: MediaCurves, kind: CurveKind, contacts: Contacts[Array] | None) -> Array:
    """Exposure of channels of one kind, in contacts at the usual frequency where they have reach and frequency.

    Twice the people at the same frequency are twice the exposure; before the first week the frequency is the usual one.
    """
    if kind.saturation != BY_REACH or contacts is None:
        return exposure
    assert curves.half_frequency is not None
    return exposure * effect_per_contact(contacts.each, curves.slope, curves.half_frequency, contacts.usual)


def left_behind(
    exposure: Array,
    curves: MediaCurves,
    intensity: Array,
    history: Array,
    kinds: CurveKinds,
    contacts: Contacts[Array] | None = None,
) -> Array:
    """What weeks leave to the weeks after them, `[lag, channel, region]`.

    For a geometric adstock this is the carried-over exposure of the last week, a single lag. For the finite kernels it
    is the exposure of the last `max_lag - 1` weeks. For a delayed geometric adstock it is both, with the carried-over
    exposure as the last lag. Where exposure saturates first, it is saturated exposure. Where channels differ in their
    lags, those of a channel with fewer come last.

    Args:
        exposure: `[week, channel, region]`, scaled.
        curves: of the same channels.
        intensity: `[channel, region]`.
        history: `[channel, region]`.
        kinds: of the same channels.
        contacts: per person reached, `each` as `[week, channel, region]`; None without reach and frequency.
    """
    groups = kinds.groups()
    if len(groups) == 1:
        exposure = _effective(exposure, curves, groups[0][0], contacts)
        return _left_by_kind(exposure, curves, intensity, history, groups[0][0], kinds.max_lag)
    most, parts = max(_lags(kind, kinds.max_lag) for kind, _ in groups), []
    for kind, positions in groups:
        at = np.asarray(positions)
        shown = _effective(exposure[:, at], curves.of(at), kind, contacts_of(contacts, kind, at))
        own = _left_by_kind(shown, curves.of(at), intensity[at], history[at], kind, kinds.max_lag)
        parts.append(jnp.pad(own, ((most - own.shape[0], 0), (0, 0), (0, 0))))
    return _in_order(parts, groups)


def _left_by_kind(
    exposure: Array, curves: MediaCurves, intensity: Array, history: Array, kind: CurveKind, max_lag: int
) -> Array:
    half = _reference(curves, kind)[:, None] * jnp.exp(-curves.locality * intensity)
    first = _first(curves, half, history, kind, max_lag)
    if kind.saturation_first:
        exposure = saturation(exposure, curves, half, kind)
    if kind.adstock in ("geometric", "delayed_geometric"):
        carried = _carried(exposure, curves, first, kind, max_lag)[-1:]
        return carried if kind.adstock == "geometric" else jnp.concatenate([_last(first[:-1], exposure), carried])
    return _last(first, exposure)


def saturation(exposure: Array, curves: MediaCurves, half: Array, kind: CurveKind) -> Array:
    """Saturation of channels of one kind.

    Args:
        exposure: `[week, channel]` or `[week, channel, region]`.
        curves: of the same channels.
        half: `[channel]` or `[channel, region]`, exposure at which it is one half.
        kind: of the channels.

    Returns:
        The shape of `exposure`.
    """
    if kind.saturation == ANY:
        return _saturation_of_any(exposure, curves, half, kind)
    if kind.saturation == "hill":
        return hill(exposure, curves.slope, half)
    if kind.saturation == "root":
        assert curves.exponent is not None
        return root(exposure, curves.exponent, half)
    one_parameter = {
        "michaelis_menten": michaelis_menten,
        "logistic": logistic_saturation,
        "log": logarithmic,
        "linear": linear,
        BY_REACH: linear,  # the frequency has bent it before
    }
    return one_parameter[kind.saturation](exposure, half)


def _saturation_of_any(exposure: Array, curves: MediaCurves, half: Array, kind: CurveKind) -> Array:
    """Saturation of the kind at `curves.which`, so that one program serves all kinds."""
    assert curves.which is not None
    own = curves.half_saturation if half.ndim == 1 else curves.half_saturation[:, None]

    def of(known: CurveKind) -> Callable[[], Array]:
        reference = half if "half_saturation" in known.parameters else half / own
        return lambda: saturation(exposure, curves, reference, known)

    kinds = [dataclasses.replace(kind, saturation=name) for name in SATURATIONS]
    chosen: Array = jax.lax.switch(curves.which, [of(known) for known in kinds])
    return chosen


def saturation_by_channel(exposure: Array, curves: MediaCurves, kinds: CurveKinds) -> Array:
    """Saturation `[week, channel]` of exposure `[week, channel]`, in mean weeks of a region of typical intensity."""
    groups, parts = kinds.groups(), []
    for kind, positions in groups:
        at = np.asarray(positions)
        own = curves.of(at)
        parts.append(saturation(exposure[:, at], own, _reference(own, kind), kind))
    return _in_order(parts, groups)


def _reference(curves: MediaCurves, kind: CurveKind) -> Array:
    """Exposure at which saturation is one half, in mean weeks of a region of typical intensity, `[channel]`."""
    has_own = "half_saturation" in kind.parameters
    return curves.half_saturation if has_own else jnp.ones_like(curves.half_saturation)


def _first(curves: MediaCurves, half: Array, history: Array, kind: CurveKind, max_lag: int) -> Array:
    """What the weeks before the panel left behind, `[lag, channel, region]`."""
    each = curves.history * history
    if kind.saturation_first:
        each = saturation(each[None], curves, half, kind)[0]
    return jnp.broadcast_to(each, (_lags(kind, max_lag), *history.shape))


def _lags(kind: CurveKind, max_lag: int) -> int:
    """Lags of what weeks leave behind."""
    return {"geometric": 1, "delayed_geometric": kind.n_waits, "none": 0}.get(kind.adstock, max_lag - 1)


def _carried(exposure: Array, curves: MediaCurves, before: Array, kind: CurveKind, max_lag: int) -> Array:
    if kind.adstock == "none":
        return exposure
    if kind.adstock == "geometric":
        return geometric_adstock(exposure, curves.decay, before[0])
    if kind.adstock == "delayed_geometric":
        begun = kernel_adstock(exposure, waiting_kernel(curves.delay, kind.n_waits), before[:-1])
        return geometric_adstock(begun, curves.decay, before[-1])
    return kernel_adstock(exposure, finite_kernel(curves, kind, max_lag), before)


def finite_kernel(curves: MediaCurves, kind: CurveKind, max_lag: int) -> Array:
    """Weights `[lag, channel]` of channels whose carry-over ends after `max_lag` weeks."""
    if kind.adstock == "delayed":
        return delayed_kernel(curves.decay, curves.delay, max_lag)
    if kind.adstock == "binomial":
        return binomial_kernel(curves.decay, max_lag)
    assert curves.scale is not None
    assert curves.shape is not None
    kernel = weibull_pdf_kernel if kind.adstock == "weibull_pdf" else weibull_cdf_kernel
    return kernel(curves.scale, curves.shape, max_lag)


def _last(before: Array, exposure: Array) -> Array:
    """Exposure of the last weeks, as many as `before` has, `[lag, channel, region]`."""
    return jnp.concatenate([before, exposure])[exposure.shape[0] :]


def _in_order(parts: list[Array], groups: tuple[tuple[CurveKind, tuple[int, ...]], ...]) -> Array:
    """Parts by group, joined in the order of the channels, `[..., channel, ...]` with channels second."""
    if len(parts) == 1:
        return parts[0]
    order = np.argsort([at for _, positions in groups for at in positions])
    return jnp.concatenate(parts, axis=1)[:, order]
