"""Stated priors as arrays over channels and controls."""

import difflib
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.config.priors import Priors
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError


class Beliefs(NamedTuple):
    """Expected value and precision, 1 / sd^2, of channels' quantities, `[channel]`; precision 0: nothing stated."""

    share: np.ndarray
    share_precision: np.ndarray
    decay: np.ndarray
    decay_precision: np.ndarray
    half_saturation: np.ndarray
    half_saturation_precision: np.ndarray
    slope: np.ndarray
    slope_precision: np.ndarray
    control_sign: np.ndarray  # [control], 1, -1, or 0 for either


def beliefs(panel: Panel, weights: np.ndarray, priors: Priors, counted: np.ndarray) -> Beliefs:
    """Arrays from the stated priors; an ROI becomes the share of the KPI that would earn it in the training weeks.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks not learned from.
        priors: as stated.
        counted: `[region, week]`, the KPI that the model counts shares of: its mean is the region's scale.

    Raises:
        ConfigError: an unknown channel or control, or an ROI for a channel without spend.
    """
    for name in priors.channels():
        _refuse_unknown(name, panel.channels, "channel")
    for name, _ in priors.control_sign:
        _refuse_unknown(name, panel.controls, "control")
    share = (*priors.share, *(_as_share(panel, weights, counted, *entry) for entry in priors.roi))
    pairs = [_over_channels(panel, entries) for entries in (share, priors.decay, priors.half_saturation, priors.slope)]
    sign = np.zeros(len(panel.controls))
    for name, direction in priors.control_sign:
        sign[panel.controls.index(name)] = 1.0 if direction == "positive" else -1.0
    return Beliefs(*pairs[0], *pairs[1], *pairs[2], *pairs[3], sign)


def _as_share(
    panel: Panel, weights: np.ndarray, counted: np.ndarray, channel: str, roi: float, sd: float
) -> tuple[str, float, float]:
    used = weights > 0
    spend = 0.0 if panel.spend is None else float(np.nansum(panel.spend[:, :, panel.channels.index(channel)][used]))
    if not spend > 0:
        raise ConfigError(
            f"Setting priors.roi names the channel {channel!r}, which has no spend in the training weeks; state its "
            f"share of the KPI in priors.share instead."
        )
    worth = 1.0 if panel.revenue_per_kpi is None else panel.revenue_per_kpi[used]
    revenue = float((counted[used] * worth).sum())
    return channel, roi * spend / revenue, sd * spend / revenue


def _over_channels(panel: Panel, entries: tuple[tuple[str, float, float], ...]) -> tuple[np.ndarray, np.ndarray]:
    value, precision = np.zeros(len(panel.channels)), np.zeros(len(panel.channels))
    for channel, expected, sd in entries:
        at = panel.channels.index(channel)
        value[at], precision[at] = expected, 1.0 / sd**2
    return value, precision


def _refuse_unknown(name: str, known: tuple[str, ...], kind: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}."
        raise ConfigError(f"Setting priors names the {kind} {name!r}, which the panel does not have; {hint}")
