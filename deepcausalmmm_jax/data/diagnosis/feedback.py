"""Arrows that point the wrong way: controls that follow media, media that follow the KPI.

Both checks ask whether the past of one series predicts another beyond that one's own past (Granger 1969), with season
and trend taken out. What chance alone would give is read from the same series moved in time against each other: every
circular shift of at least `_APART` weeks keeps all their own properties and breaks the link between them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.cadence import decay_per_step
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, not_run, passed, several
from deepcausalmmm_jax.data.diagnosis.series import earlier, scaled, season_and_trend, without
from deepcausalmmm_jax.data.fading import fading_sum
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.grades import Grade

_APART = 8.0  # weeks
_FEWEST = 40  # weeks, and steps where these are longer
_CLEAR = 6.0  # standard deviations of the shifts above their mean
_GAIN, _KPI_GAIN = 0.03, 0.08  # least share of the remaining variance that exposure, and the KPI, explain
# Exposure of the same week counts too where the control moves with exposure before it rather than after it: a control
# that media follow moves with exposure on both sides.
_TOGETHER, _AHEAD, _TIMES = 0.2, 0.2, 3.0  # share explained; more by the week before than by that after; and times
_FADE = 0.6  # of past exposure, left a week later
_MONTH = 4.0  # weeks of KPI that a budget may be set by
_TRACKS = 0.8  # partial correlation in the same week
_CONTROL_WHY = (
    "a control that media move (brand awareness, search volume) absorbs the part of their effect that goes through it"
)
_CONTROL_ADVICE = "leave it out of the controls, unless you want only the effect that bypasses it"
_TREATMENT_WHY = (
    "a treatment that is planned together with media (an advertised promotion) is credited with its own effect, and "
    "media with theirs; one that media drive takes part of their effect"
)
_TREATMENT_ADVICE = "keep it if people set it; if it follows from media, it is not a treatment: leave it out"


class _Link(NamedTuple):
    gain: float  # share of the remaining variance that is explained
    clear: bool  # beyond chance


def mediator_findings(past: Panel) -> Iterator[Finding]:
    """Controls that earlier exposure predicts: on the way from media to the KPI, not beside it."""
    ready = _prepared(past)
    if ready is None or not past.controls:
        why = "no controls" if ready is not None else f"fewer than {_fewest(past)} weeks"
        yield not_run(Check.MEDIATOR, why)
        return
    media, control, _ = ready
    fade, apart = decay_per_step(_FADE, past.cadence), past.cadence.steps(_APART)
    built_up = np.moveaxis(fading_sum(np.moveaxis((1.0 - fade) * media, 1, -1), fade), -1, 1)
    found: list[str] = []
    treatments = {entry.name for entry in past.treatments}
    for k, name in enumerate(past.controls):
        if name in past.event_names:  # no exposure moves the calendar
            continue
        own = control[:, :, k]
        fixed = np.stack([earlier(own, 1), earlier(own, 2), earlier(own, 3)], axis=2)
        before = earlier(built_up, 1)
        link, which = _link(own, fixed, before, _GAIN, apart), "past exposure"
        if not link.clear:
            before, which = built_up, "exposure of the same week and those before"
            link = _link(own, fixed, before, _TOGETHER, apart)
            if not link.clear or not _leads(media, own):
                continue
        found.append(name)
        by = [_gains(own, fixed, before[:, :, [m]])[0] for m in range(len(past.channels))]
        leading = [past.channels[m] for m in np.argsort(by)[::-1][:2] if by[m] > 0.25 * max(by)]
        yield Finding(
            Grade.LOOK,
            Check.MEDIATOR,
            f"{which} explains {link.gain:.0%} of its weekly changes, most of all that of {names(leading)}",
            name,
            why=_TREATMENT_WHY if name in treatments else _CONTROL_WHY,
            advice=_TREATMENT_ADVICE if name in treatments else _CONTROL_ADVICE,
        )
    if not found:
        yield passed(Check.MEDIATOR, f"none of {several(len(past.controls), 'control')} follows exposure")


def feedback_findings(past: Panel) -> Iterator[Finding]:
    """Channels whose exposure follows the KPI of earlier weeks, or moves with it in the same week."""
    ready = _prepared(past)
    if ready is None:
        yield not_run(Check.FOLLOWS_KPI, f"fewer than {_fewest(past)} weeks")
        return
    judged = (ready[2] != 0).any(axis=1)  # a region without a KPI shows nothing of what its budgets follow
    media, control, kpi = (part[judged] for part in ready)
    known = (past.weights > 0)[judged]
    in_month, apart = past.cadence.steps(_MONTH), past.cadence.steps(_APART)
    month = sum((earlier(kpi, week) for week in range(1, in_month + 1)), np.zeros_like(kpi)) / in_month
    after_kpi = np.any([earlier(known, week) for week in range(1, in_month + 1)], axis=0)
    alike = _same_week(past)
    before = f"{in_month} weeks" if in_month > 1 else "week"
    found: list[str] = []
    for m, name in enumerate(past.channels):
        own = media[:, :, m]
        fixed = np.concatenate([earlier(media, 1), earlier(own, 2)[:, :, None], control], axis=2)
        link = _link(own, fixed, month[:, :, None], _KPI_GAIN, apart, after_kpi)
        if not link.clear and alike[m] < _TRACKS:
            continue
        found.append(name)
        what = (
            f"the KPI of the {before} before explains {link.gain:.0%} of its weekly changes"
            if link.clear
            else f"correlation {alike[m]:.2f} with the KPI of the same week after season, trend and controls"
        )
        yield Finding(
            Grade.LOOK,
            Check.FOLLOWS_KPI,
            what,
            name,
            why="a budget that follows sales or demand looks effective whether it works or not",
            advice="add what it follows as a control (demand, distribution), or test it with an experiment",
        )
    if not found:
        yield passed(Check.FOLLOWS_KPI, f"none of {several(len(past.channels), 'channel')} follows the KPI")


def _fewest(past: Panel) -> int:
    """Steps of a region from which shifts show what chance gives, and the panel what a month or two do."""
    return max(_FEWEST, past.cadence.steps(_FEWEST))


def _prepared(past: Panel) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Media, controls and KPI after season and trend, in standard deviations of their region; None if too short."""
    known, basis = past.weights > 0, season_and_trend(past.week_numbers)
    if known.sum(axis=1).max(initial=0) < max(_fewest(past), 2 * basis.shape[1]):
        return None
    present = past.present
    kpi = _moves(past.kpi[:, :, None], known, basis)[:, :, 0]
    return _moves(past.exposure, present, basis), _moves(past.control, present, basis), kpi


def _moves(values: np.ndarray, at: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Series `[region, week, series]` without a basis, in standard deviations of their region; 0 elsewhere."""
    return scaled(without(values, at, basis), at)


def _same_week(past: Panel) -> list[float]:
    """Correlation of each channel with the KPI after season, trend and controls, over the weeks with a KPI."""
    known, basis = past.weights > 0, season_and_trend(past.week_numbers)
    kpi = _moves(past.kpi[:, :, None], known, basis)[:, :, 0]
    counted = known & (kpi != 0).any(axis=1, keepdims=True)
    media, control = (_moves(part, counted, basis)[counted] for part in (past.exposure, past.control))
    return [_partial(own, kpi[counted], control) for own in media.T]


def _leads(media: np.ndarray, control: np.ndarray) -> bool:
    """Whether a control moves with the exposure of the week before much more than with that of the week after."""
    nothing = np.zeros((*control.shape, 0))
    before = float(_gains(control, nothing, earlier(media, 1))[0])
    after = float(_gains(control, nothing, earlier(media[:, ::-1], 1)[:, ::-1])[0])
    return before - after >= _AHEAD and before >= _TIMES * after


def _link(
    target: np.ndarray,
    fixed: np.ndarray,
    moved: np.ndarray,
    least: float,
    apart: int,
    shown: np.ndarray | None = None,
) -> _Link:
    """What `moved` explains of the target beyond `fixed`, against the same at every shift in time.

    It is clear where no shift of `apart` steps or more explains as much, and where it is at least the share `least`.
    The share is that of the region-weeks `shown`, all of them when None: where `moved` is not known it explains
    nothing, at no shift, and the target's changes there are none that it could have explained.
    """
    gains = _gains(target, fixed, moved)
    chance = gains[apart : len(gains) - apart + 1]
    size = float(chance.std())
    clear = gains[0] > chance.max() and gains[0] - chance.mean() > _CLEAR * size
    share = gains[0]
    if shown is not None and not shown.all():
        share = _gains(target * shown, fixed * shown[:, :, None], moved)[0]
    return _Link(float(share), bool(clear and share >= least))


def _gains(target: np.ndarray, fixed: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Share of the target's variance left by `fixed` that `moved` explains, at every circular shift of it.

    Products at all shifts come from one Fourier transform over weeks; coefficients are shared by the regions.

    Args:
        target: `[region, week]`.
        fixed: `[region, week, term]`.
        moved: `[region, week, term]`.

    Returns:
        `[shift]`, at 0 as observed.
    """
    n_weeks = target.shape[1]
    still = np.concatenate([fixed, target[:, :, None]], axis=2)
    waves, moving = np.fft.rfft(still, axis=1), np.fft.rfft(moved, axis=1)
    across = np.fft.irfft(np.einsum("rfi,rfj->fij", waves, moving.conj()), n=n_weeks, axis=0)  # [shift, still, moved]
    own, gram = np.einsum("rti,rtj->ij", still, still), np.einsum("rti,rtj->ij", moved, moved)
    n_fixed, n_moved = fixed.shape[2], moved.shape[2]
    ridge = 1e-6 * max(float(np.trace(own) + np.trace(gram)), 1e-12) / (n_fixed + 1 + n_moved)
    inner = own[:n_fixed, :n_fixed] + ridge * np.eye(n_fixed)
    by_fixed = np.linalg.solve(inner, own[:n_fixed, n_fixed]) if n_fixed else np.zeros(0)
    left = own[n_fixed, n_fixed] - own[:n_fixed, n_fixed] @ by_fixed
    if left <= ridge:
        return np.zeros(n_weeks)
    crossed = across[:, :n_fixed]  # [shift, fixed, moved]
    solved = np.linalg.solve(np.broadcast_to(inner, (n_weeks, *inner.shape)), crossed) if n_fixed else crossed
    rest = gram - np.einsum("sim,sin->smn", crossed, solved) + ridge * np.eye(n_moved)
    score = across[:, n_fixed] - np.einsum("sim,i->sm", crossed, by_fixed)
    explained = np.einsum("sm,sm->s", score, np.linalg.solve(rest, score[:, :, None])[:, :, 0])
    return np.asarray(np.clip(explained / left, 0.0, 1.0))


def _partial(first: np.ndarray, second: np.ndarray, given: np.ndarray) -> float:
    """Correlation of two series `[region-week]` after least squares on others `[region-week, term]`."""
    pair = np.stack([first, second], axis=1)
    if given.shape[1]:
        pair = pair - given @ np.linalg.lstsq(given, pair)[0]
    size = np.sqrt((pair**2).sum(axis=0))
    return float(pair[:, 0] @ pair[:, 1] / (size[0] * size[1])) if (size > 0).all() else 0.0
