"""How well each channel's share is known, and why some shares are not."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.conflicts import conflict_notes
from deepcausalmmm_jax.attribution.curves import curve_kinds
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.notes import CLEAR, ChannelNote, ChannelTrust, NoteKind, clear_or_not
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.data.season import season_basis

_RARE = 0.25  # of the training region-weeks
_LATE = 0.2  # of the training weeks
_SATURATED = 0.8  # mean activity in weeks on air
_COLLINEAR = 0.9  # correlation of two channels' exposure
_STILL = 1e-6  # of a term's own size: changes below it are rounding
TINY = 0.005  # of the KPI


def channel_trust(fit: FittedPanel) -> ChannelTrust:
    """How well each channel's share of the KPI is known.

    Returns:
        By channel, over the training weeks: `share` of the KPI in percent; `share_error`, its standard error in
        percentage points given the channel's curve (clustered by week, White 1982; uncertainty about the curve is not
        included); `z`, share over error; and `distinguishable`, whether z is at least 2. With the notes: no clear
        effect, unknown error, in conflict with a lift test, saturated, moves with another channel, seldom on air, late
        start, tiny. An error that the weeks cannot give is missing, never 0; for the paper's model all are.
    """
    panel, used = fit.panel, fit.weights > 0
    media = fit.components.media
    share = media[used].sum(axis=0) / fit.kpi_learned_from()
    error = share * channel_errors(fit) if fit.family.has_noise else np.full(len(share), np.nan)
    error = np.where(error > 0, error, np.nan)  # an error of 0 would claim certainty
    z = share / error
    clear = z >= CLEAR
    about_data = _about_data(fit)
    notes = []
    for m in range(len(share)):
        about_size = clear_or_not(z[m]) if fit.family.has_noise else []
        if share[m] < TINY:
            about_size.append(ChannelNote(NoteKind.TINY, value=TINY))
        notes.append((*about_size, *conflict_notes(fit.fitted, panel.channels[m]), *about_data[m]))
    columns = {"share": 100 * share, "share_error": 100 * error, "z": z, "distinguishable": clear}
    return ChannelTrust(pd.DataFrame(columns, index=pd.Index(panel.channels, name=CHANNEL)), tuple(notes))


def _about_data(fit: FittedPanel) -> list[list[ChannelNote]]:
    """Notes by channel that follow from exposure and curve alone."""
    panel, last = fit.panel, fit.n_training_weeks
    unit = panel.cadence.unit
    exposure, used = panel.exposure[:, :last], fit.weights[:, :last] > 0
    on = exposure > 0
    deviation = np.where(used[:, :, None], exposure / np.maximum(exposure.mean(axis=1, keepdims=True), 1e-12), 0.0)
    deviation -= deviation.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.nan_to_num(np.corrcoef(deviation.reshape(-1, len(panel.channels)).T)).reshape(
            len(panel.channels), -1
        )
    activity = _activity(fit)[:, :last] if fit.family.has_exposure_levels else None
    bounded = curve_kinds(fit).bounded()
    notes: list[list[ChannelNote]] = []
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
        notes.append(found)
    return notes


def _activity(fit: FittedPanel) -> np.ndarray:
    inside = fit.internals
    return fit.scaled_terms.media / np.maximum(inside.coefficient, 1e-12)


def channel_errors(fit: FittedPanel) -> np.ndarray:
    """Standard error of each channel's level, as a share of the level, `[channel]`.

    Least squares on the innovations, all media and controls together. The national trend counts as noise, since a
    channel may have caused it.
    """
    panel, used = fit.panel, fit.weights > 0
    terms, noise = fit.scaled_terms, fit.residual_noise
    season = season_basis(panel, fit.config)
    design = np.concatenate([terms.media, terms.control], axis=-1)
    design = _within(np.concatenate([design, np.where(used[:, :, None], 1.0, 0.0) * season], axis=-1), used)
    rest = np.where(used, fit.scaled_kpi - terms.prediction() + terms.trend, 0.0)
    rest = _within(rest[:, :, None], used)[:, :, 0]
    ready = np.concatenate([design, rest[:, :, None]], axis=-1)
    innovation, weight = _innovations(ready, used)
    innovation *= weight[:, :, None] / noise[:, None, None]
    innovation, residual = innovation[:, :, :-1], innovation[:, :, -1]
    size = np.sqrt((innovation**2).sum(axis=(0, 1)))
    known = size > _STILL * np.sqrt(((design / noise[:, None, None]) ** 2).sum(axis=(0, 1)))
    innovation = innovation / np.where(known, size, 1.0)
    bread = np.linalg.pinv(np.einsum("rti,rtj->ij", innovation, innovation) + 1e-9 * np.eye(len(size)))
    scores = np.einsum("rti,rt->ti", innovation, residual)
    variance = np.maximum(np.diag(bread @ (scores.T @ scores) @ bread), 0.0)  # below 0 by rounding
    error = np.sqrt(variance) / np.where(known, size, 1.0)
    enough = (weight > 0).sum() > len(size)
    return np.where(known & enough & (error > 0), error, np.nan)[: len(panel.channels)]


def _innovations(values: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is new in each used week against the used week before it in its region, however long ago that was.

    Args:
        values: `[region, week, term]`, of which the last term is the residual; its correlation with that of the used
            week before, at the commonest distance, gives the weekly one.
        used: `[region, week]`.

    Returns:
        `[region, week, term]`, 0 in weeks that have no used week before; and `[region, week]`, weights that make the
        variance of the residuals the same whatever the distance.
    """
    week = np.arange(used.shape[1])
    before = np.maximum.accumulate(np.where(used, week, -1), axis=1)
    before = np.concatenate([np.full((len(used), 1), -1), before[:, :-1]], axis=1)
    pairs, distance = used & (before >= 0), np.where(before >= 0, week - before, 1)
    earlier = np.take_along_axis(values, np.maximum(before, 0)[:, :, None], axis=1)
    usual = int(np.bincount(distance[pairs], minlength=2).argmax())
    alike = pairs & (distance == usual)
    product, square = (values[:, :, -1] * earlier[:, :, -1])[alike].sum(), (earlier[:, :, -1] ** 2)[alike].sum()
    weekly = float(np.clip(product / max(square, 1e-12), 0.0, 0.98)) ** (1.0 / max(usual, 1))
    faded = weekly**distance
    weight = np.sqrt((1.0 - weekly**2) / (1.0 - faded**2 + 1e-12))
    return np.where(pairs[:, :, None], values - faded[:, :, None] * earlier, 0.0), np.where(pairs, weight, 0.0)


def _within(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over used weeks, 0 elsewhere, `[region, week, term]`."""
    mask = used[:, :, None].astype(float)
    mean = (values * mask).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    return (values - mean) * mask
