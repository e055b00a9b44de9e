"""How well each channel's share is known, and why some shares are not."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.channel_errors import channel_covariance
from deepcausalmmm_jax.attribution.conflicts import conflict_notes
from deepcausalmmm_jax.attribution.curves import curve_kinds
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.leads import follow_kpi
from deepcausalmmm_jax.attribution.links import link_weights
from deepcausalmmm_jax.attribution.notes import (
    CLEAR,
    REACH,
    ChannelNote,
    ChannelTrust,
    NoteKind,
    clear_or_not,
    tiny_or_not,
)
from deepcausalmmm_jax.attribution.shares import shares
from deepcausalmmm_jax.axes import CHANNEL

_RARE = 0.25  # of the training region-weeks
_LATE = 0.2  # of the training weeks
_SATURATED = 0.8  # mean activity in weeks on air
_COLLINEAR = 0.9  # correlation of two channels' exposure


def channel_trust(fit: FittedPanel, error: np.ndarray | None = None) -> ChannelTrust:
    """How well each channel's share of the KPI is known.

    Args:
        fit: the fit.
        error: `[channel]`, standard errors of the shares of the KPI; None for `share_errors`.

    Returns:
        By channel, over the training weeks: `share` of the KPI in percent; `share_error`, its standard error in
        percentage points; `z`, share over error; and `distinguishable`, whether z is at least 2.
        With the notes: no clear effect, unknown error, tiny or found tiny, in conflict with a lift test, follows the
        KPI, saturated, moves with another channel, seldom on air, late start, links that differ by group of regions.
        An error that the weeks cannot give is missing, never 0; for the paper's model all are.
    """
    panel, share = fit.panel, shares(fit)
    if error is None:
        error = share_errors(fit)
    error = np.where(error > 0, error, np.nan)  # an error of 0 would claim certainty
    z = share / error
    clear = z >= CLEAR
    about_data, early = _about_data(fit), follow_kpi(fit)
    notes = []
    for m in range(len(share)):
        about_size = clear_or_not(z[m]) if fit.family.has_noise else []
        about_size += tiny_or_not(share[m], share[m] + REACH * error[m])
        about_size += conflict_notes(fit.fitted, panel.channels[m])
        if early[m] > 0:
            about_size.append(ChannelNote(NoteKind.FOLLOWS_KPI, value=float(early[m]), unit=panel.cadence.unit))
        notes.append((*about_size, *about_data[m]))
    columns = {"share": 100 * share, "share_error": 100 * error, "z": z, "distinguishable": clear}
    return ChannelTrust(pd.DataFrame(columns, index=pd.Index(panel.channels, name=CHANNEL)), tuple(notes))


def share_errors(fit: FittedPanel, *, given_curves: bool = False) -> np.ndarray:
    """Standard errors of the shares of the KPI by the fit alone, `[channel]`; missing for the paper's model.

    Args:
        fit: the fit.
        given_curves: as in `channel_errors`.
    """
    return np.sqrt(np.diag(share_covariance(fit, given_curves=given_curves)))


def share_covariance(fit: FittedPanel, *, given_curves: bool = False) -> np.ndarray:
    """Covariance of the shares of the KPI by the fit alone, `[channel, channel]`; missing for the paper's model.

    Args:
        fit: the fit.
        given_curves: as in `channel_covariance`.
    """
    share = shares(fit)
    if not fit.family.has_noise:
        return np.full((len(share), len(share)), np.nan)
    return np.asarray(np.outer(share, share) * channel_covariance(fit, given_curves=given_curves))


def _likeness(exposure: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Correlation of channels within regions over the weeks with weight, `[channel, channel]`; 0 where undefined.

    Args:
        exposure: `[region, week, channel]`.
        used: `[region, week]`.
    """
    counted = used[:, :, None]
    mean = np.where(counted, exposure, 0.0).sum(axis=1, keepdims=True) / np.maximum(
        counted.sum(axis=1, keepdims=True), 1
    )
    rows = ((exposure - mean) / np.maximum(mean, 1e-12))[used]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.corrcoef(rows.T)).reshape(exposure.shape[2], -1)


def _about_data(fit: FittedPanel) -> list[list[ChannelNote]]:
    """Notes by channel that follow from exposure and curve alone."""
    panel, last = fit.panel, fit.n_training_weeks
    unit = panel.cadence.unit
    exposure, used = panel.exposure[:, :last], fit.weights[:, :last] > 0
    on = exposure > 0
    alike = _likeness(exposure, used)
    activity = _activity(fit)[:, :last] if fit.family.has_exposure_levels else None
    bounded = curve_kinds(fit).bounded()
    notes: list[list[ChannelNote]] = []
    differ = _links_differ(fit)
    for m in range(len(panel.channels)):
        found: list[ChannelNote] = []
        on_air = on[:, :, m]
        if activity is not None and bounded[m] and on_air.any() and activity[on_air, m].mean() > _SATURATED:
            found.append(ChannelNote(NoteKind.SATURATED))
        others = tuple(panel.channels[j] for j in np.flatnonzero(np.abs(alike[m]) > _COLLINEAR) if j != m)
        if others:
            found.append(ChannelNote(NoteKind.MOVES_WITH, others))
        if on[:, :, m][used].mean() < _RARE:
            found.append(ChannelNote(NoteKind.SELDOM_ON_AIR, value=float(on[:, :, m][used].mean()), unit=unit))
        first = int(on[:, :, m].any(axis=0).argmax())
        if first > _LATE * last:
            found.append(ChannelNote(NoteKind.LATE_START, (panel.week_label(first),), unit=unit))
        if panel.channels[m] in panel.national:
            found.append(ChannelNote(NoteKind.NATIONAL, value=float(used.any(axis=0).sum()), unit=unit))
        if differ[m]:
            found.append(ChannelNote(NoteKind.LINKS_DIFFER))
        notes.append(found)
    return notes


def _links_differ(fit: FittedPanel) -> np.ndarray:
    """Whether a channel drives other channels in one group of regions than in another, boolean `[channel]`."""
    if not fit.link_groups:
        return np.zeros(len(fit.panel.channels), bool)
    drives = (link_weights(fit) != 0).any(axis=1)  # [group, channel, channel]
    return np.asarray((drives != drives[0]).any(axis=(0, 2)))


def _activity(fit: FittedPanel) -> np.ndarray:
    inside = fit.internals
    return fit.scaled_terms.media / np.maximum(inside.coefficient, 1e-12)
