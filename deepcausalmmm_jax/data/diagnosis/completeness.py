"""What is missing: rows, values of the KPI, the last weeks' sales; and whether there is enough of the rest."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from deepcausalmmm_jax.data.checks import identical_channels, refuse_unfit, varies_within_regions
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, passed, several, span
from deepcausalmmm_jax.data.diagnosis.series import scaled, season_and_trend, without
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.trailing_zeros import zeros_at_end
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.grades import Grade

_MISSING, _LONG = 0.05, 4  # share of region-weeks, and weeks in a row, from which missing values deserve a look
_PER_CHANNEL = 2  # parameters that the data rather than the priors have to give: a level and a carry-over
_SEASON, _LEVELS = 4, 2  # the two pairs that priors hardly hold back; level and trend
_FEW, _TOO_FEW = 4.0, 1.0  # observations per parameter


def fittable_findings(panel: Panel) -> Iterator[Finding]:
    """Whether `fit` would accept the panel, apart from constant or identical channels and zeros at the end.

    Those are named by checks of their own.
    """
    used = panel.weights > 0
    twins = {second for _, second in identical_channels(panel, used)}
    varying = [m for m in range(len(panel.channels)) if varies_within_regions(panel.exposure[:, :, m], used)]
    good = [m for m in varying if m not in twins]
    kept = dataclasses.replace(
        panel,
        channels=tuple(panel.channels[m] for m in good),
        exposure=panel.exposure[:, :, good],
        spend=None if panel.spend is None else panel.spend[:, :, good],
        frequency=None if panel.frequency is None else panel.frequency[:, :, good],
        trailing_zeros="keep",
    )
    try:
        training_weights(kept, None)
        if good:
            refuse_unfit(kept, kept.weights)
    except DataError as refusal:
        yield Finding(Grade.FAIL, Check.FITTABLE, str(refusal), why="fit refuses this panel")
        return
    left = len(panel.channels) - len(good)
    if good:
        yield passed(Check.FITTABLE, f"yes, without {several(left, 'channel')} named below" if left else "yes")
    else:
        yield Finding(Grade.FAIL, Check.FITTABLE, "no channel varies", why="fit refuses this panel")


def gap_findings(past: Panel) -> Iterator[Finding]:
    """Weeks without a row between the first and the last row of a region."""
    gap = ~past.present & _between(past.present)
    if not gap.any():
        yield passed(Check.GAPS, "every region has a row in every week")
        return
    regions = np.flatnonzero(gap.any(axis=1))
    weeks = np.flatnonzero(gap.any(axis=0))
    share = gap.sum() / _between(past.present).sum()
    yield Finding(
        Grade.LOOK,
        Check.GAPS,
        f"{several(int(gap.sum()), 'region-week')} ({share:.1%}) have no row, in {several(len(regions), 'region')}",
        region=names(past.regions[regions]),
        weeks=span(past.week_label(int(weeks[0])), past.week_label(int(weeks[-1]))),
        why="exposure counts as 0 there, so carry-over into the weeks after is too small",
        advice="add the rows with their exposure, and leave only the KPI empty where it is unknown",
    )


def missing_kpi_findings(past: Panel) -> Iterator[Finding]:
    """Rows without a KPI after the first KPI of a region."""
    known = past.weights > 0
    inside = past.present & (np.cumsum(known, axis=1) > 0)
    lost = inside & ~known
    share, longest = lost.sum() / max(int(inside.sum()), 1), _longest_run(lost)
    early = int((past.present & ~inside).sum())  # rows that may be there for the sake of carry-over
    apart = f", apart from {several(early, 'region-week')} before the first KPI of a region" if early else ""
    if not lost.any():
        yield passed(Check.MISSING_KPI, f"every row has a KPI{apart}")
        return
    weeks, regions = np.flatnonzero(lost.any(axis=0)), np.flatnonzero(lost.any(axis=1))
    what = (
        f"{several(int(lost.sum()), 'region-week')} ({share:.1%}) have no KPI, at most {several(longest, 'week')} "
        f"in a row, in {several(len(regions), 'region')}{apart}"
    )
    if share <= _MISSING and longest <= _LONG:
        yield passed(Check.MISSING_KPI, what)
        return
    yield Finding(
        Grade.LOOK,
        Check.MISSING_KPI,
        what,
        past.kpi_name,
        names(past.regions[regions]),
        span(past.week_label(int(weeks[0])), past.week_label(int(weeks[-1]))),
        why="these weeks carry no information; if they are missing because sales were unusual, the rest is not a fair "
        "sample",
        advice="load them where they exist, and check that they are not missing because of what happened in them",
    )


def trailing_zero_findings(panel: Panel) -> Iterator[Finding]:
    """A KPI that turns to 0 at the end, and was never 0 for so long."""
    found = zeros_at_end(panel)
    if found.weeks:
        yield Finding(
            Grade.FAIL,
            Check.ZEROS_AT_END,
            f"the KPI of every region is 0 in {several(len(found.weeks), 'last week')}",
            panel.kpi_name,
            weeks=span(found.weeks[0], found.weeks[-1]),
            why="sales that are not loaded yet look like a collapse, and fit refuses to guess",
            advice="leave the KPI empty there and pass missing_kpi='mask'; trailing_zeros='keep' if they are real",
        )
    elif found.regions:
        order = [panel.week_label(week) for week in range(len(panel.weeks))]  # of weeks that are numbers, 98 before 104
        yield Finding(
            Grade.LOOK,
            Check.ZEROS_AT_END,
            f"the KPI of {several(len(found.regions), 'region')} is 0 at the end, but not elsewhere",
            panel.kpi_name,
            names(found.regions),
            f"{min(found.since, key=order.index)} on",
            why="sales that are not loaded yet look like a collapse of these regions",
            advice="leave the KPI empty there and pass missing_kpi='mask'; trailing_zeros='keep' if they are real",
        )
    else:
        yield passed(Check.ZEROS_AT_END, "the KPI does not drop to zero")


def size_findings(past: Panel) -> Iterator[Finding]:
    """Observations for each parameter that the data have to give."""
    known = past.weights > 0
    own, alike = known.sum(axis=1), _likeness(past)
    count = int((own > 0).sum())
    weeks = float(own.sum() / max(count, 1))  # of the regions with any
    regions = count / (1.0 + (count - 1) * alike)
    parameters = _PER_CHANNEL * len(past.channels) + len(past.controls) + _SEASON + _LEVELS
    ratio = weeks * regions / parameters
    what = (
        f"{ratio:.1f} observations per parameter: {weeks:.0f} weeks in {regions:.1f} independent "
        f"{'region' if regions < 1.05 else 'regions'}, {parameters} parameters"
    )
    if ratio >= _FEW:
        yield passed(Check.SIZE, what)
        return
    yield Finding(
        Grade.LOOK if ratio >= _TOO_FEW else Grade.FAIL,
        Check.SIZE,
        what,
        why="with so few observations the priors decide much of the answer",
        advice="add weeks or regions, add up small channels, or state what you know as priors",
    )


def _likeness(past: Panel) -> float:
    """Mean correlation of the regions' KPI after season and trend, over the weeks that two of them have, 0 to 1."""
    known = past.weights > 0
    basis = season_and_trend(past.week_numbers)
    moves = scaled(without(past.kpi[:, :, None], known, basis), known)[:, :, 0]
    counted = known & (moves != 0).any(axis=1, keepdims=True)
    both = counted.sum(axis=0)
    pairs = float((both * (both - 1)).sum())
    products = float((moves.sum(axis=0) ** 2).sum() - (moves**2).sum())  # of all pairs, each counted twice like them
    return min(1.0, max(0.0, products / pairs)) if pairs else 0.0


def _between(present: np.ndarray) -> np.ndarray:
    """Whether a week lies between the first and the last row of its region, `[region, week]`."""
    after, before = np.cumsum(present, axis=1) > 0, np.cumsum(present[:, ::-1], axis=1)[:, ::-1] > 0
    return np.asarray(after & before)


def _longest_run(marks: np.ndarray) -> int:
    run, longest = np.zeros(len(marks), int), 0
    for week in range(marks.shape[1]):
        run = np.where(marks[:, week], run + 1, 0)
        longest = max(longest, int(run.max(initial=0)))
    return longest
