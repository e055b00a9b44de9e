"""What not to trust: how well each channel's share is known, and why some cannot be."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.forward import components, internals, kpi_learned_from
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.training.fitted import Fitted

_CLEAR = 2.0  # standard errors
_RARE = 0.25  # of the training region-weeks
_LATE = 0.2  # of the training weeks
_SATURATED = 0.8  # mean activity in weeks on air
_COLLINEAR = 0.9  # correlation of two channels' exposure
TINY = 0.005  # of the KPI


def channel_notes(fitted: Fitted) -> pd.DataFrame:
    """How far each channel's share of the KPI can be trusted.

    Returns:
        By channel, over the training weeks: `share` of the KPI in percent; `share_error`, its standard error in points,
        given the channel's curve (robust to what the regions of a week have in common, White 1982; the doubt about the
        curve itself comes on top); `z`, share over error; `distinguishable`, whether z is at least 2; and
        `note`, in words: not distinguishable from zero, saturated, moves with another channel, seldom on air, late
        start, tiny. For the paper's model the errors are missing.
    """
    panel, used = fitted.panel, fitted.weights > 0
    media = components(fitted, panel).media
    share = media[used].sum(axis=0) / kpi_learned_from(fitted)
    error = np.full(len(share), np.nan) if fitted.config.model == "paper" else share * _relative_errors(fitted)
    z = np.where(error > 0, share / np.where(error > 0, error, 1.0), np.nan)
    clear = z >= _CLEAR
    about_data = _about_data(fitted)
    rows = []
    for m in range(len(share)):
        notes = [] if clear[m] or np.isnan(z[m]) else ["not distinguishable from zero"]
        if share[m] < TINY:
            notes.append(f"tiny: below {TINY:.1%} of the KPI")
        rows.append((100 * share[m], 100 * error[m], z[m], bool(clear[m]), "; ".join(notes + about_data[m])))
    columns = ["share", "share_error", "z", "distinguishable", "note"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(panel.channels, name=CHANNEL))


def _about_data(fitted: Fitted) -> list[list[str]]:
    """Notes by channel that follow from exposure and curve alone."""
    panel, last = fitted.panel, fitted.n_training_weeks
    exposure, used = panel.exposure[:, :last], fitted.weights[:, :last] > 0
    on = exposure > 0
    deviation = np.where(used[:, :, None], exposure / np.maximum(exposure.mean(axis=1, keepdims=True), 1e-12), 0.0)
    deviation -= deviation.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.nan_to_num(np.corrcoef(deviation.reshape(-1, len(panel.channels)).T)).reshape(
            len(panel.channels), -1
        )
    activity = None if fitted.config.model == "paper" else _activity(fitted)[:, :last]
    notes: list[list[str]] = []
    for m in range(len(panel.channels)):
        found = []
        if activity is not None and on[:, :, m].any() and activity[:, :, m][on[:, :, m]].mean() > _SATURATED:
            found.append("saturated: more exposure would add little")
        others = [panel.channels[j] for j in np.flatnonzero(np.abs(alike[m]) > _COLLINEAR) if j != m]
        if others:
            found.append(f"moves with {', '.join(others)}: the split between them is uncertain")
        if on[:, :, m][used].mean() < _RARE:
            found.append(f"on air in {on[:, :, m][used].mean():.0%} of the region-weeks only")
        first = int(on[:, :, m].any(axis=0).argmax())
        if first > _LATE * last:
            found.append(f"starts late, in week {panel.week_label(first)}")
        notes.append(found)
    return notes


def _activity(fitted: Fitted) -> np.ndarray:
    inside = internals(fitted)
    scaled = components(fitted, fitted.panel).media / fitted.scales.kpi[:, None, None]
    return scaled / np.maximum(inside.coefficient, 1e-12)


def _relative_errors(fitted: Fitted) -> np.ndarray:
    """Standard error of each channel's level, as a share of the level, `[channel]`.

    Least squares of what is new in a week, all media and controls side by side. The national trend counts as noise:
    it could have been a channel's doing.
    """
    panel, used = fitted.panel, fitted.weights > 0
    terms = components(fitted, panel)
    unit, noise = fitted.scales.kpi[:, None, None], np.asarray(internals(fitted).noise, float)
    design = np.concatenate([terms.media, terms.control], axis=-1) / unit
    design = _within(np.concatenate([design, np.where(used[:, :, None], 1.0, 0.0) * _season(fitted)], axis=-1), used)
    rest = np.where(used, panel.kpi - terms.prediction() + terms.structural[:, :, 1], 0.0) / unit[:, :, 0]
    rest = _within(rest[:, :, None], used)
    pairs = used[:, 1:] & used[:, :-1]
    before, now = rest[:, :-1, 0] * pairs, rest[:, 1:, 0] * pairs
    memory = float(np.clip((before * now).sum() / max((before**2).sum(), 1e-12), 0.0, 0.98))
    weight = pairs[:, :, None] / noise[:, None, None]
    news = (design[:, 1:] - memory * design[:, :-1]) * weight
    left = (rest[:, 1:] - memory * rest[:, :-1]) * weight
    size = np.sqrt((news**2).sum(axis=(0, 1)))
    size = np.where(size > 0, size, 1.0)
    news = news / size
    bread = np.linalg.pinv(np.einsum("rti,rtj->ij", news, news) + 1e-9 * np.eye(len(size)))
    scores = np.einsum("rti,rt->ti", news, left[:, :, 0])
    error = np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread)) / size
    return error[: len(panel.channels)]


def _season(fitted: Fitted) -> np.ndarray:
    weeks = fitted.panel.week_numbers
    angle = 2 * np.pi * np.outer(weeks, np.arange(1, fitted.config.harmonics + 1)) / fitted.config.season_length
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def _within(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over used weeks, 0 elsewhere, `[region, week, term]`."""
    mask = used[:, :, None].astype(float)
    mean = (values * mask).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    return (values - mean) * mask
