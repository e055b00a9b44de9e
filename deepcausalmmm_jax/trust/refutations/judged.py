"""How far each refit moves the estimate, in standard errors of the estimate itself, and the grade of each test."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.trust.refutations.outcomes import Outcome
from deepcausalmmm_jax.trust.refutations.wanted import NOISE, RefutationTest

_FLOOR = 0.1  # percentage points of the KPI below which a standard error is not believed
_PRIOR_DEGREES = 4.0  # degrees of freedom of the errors that the fit states, beside those of the refits
_HAS_EFFECT = 2.0  # standard errors from which a channel has an effect to lose
_TWO_HALVES = 2.0  # standard error of a difference of two halves, in standard errors of the whole


class Rule(NamedTuple):
    """When a test is passed.

    Attributes:
        look: figure above which the result is to be looked at.
        fail: figure above which the test is failed.
        unit: of both.
        meaning: what passing means.
        advice: what to do otherwise.
        source: where the test comes from.
    """

    look: float
    fail: float
    unit: str
    meaning: str
    advice: str
    source: str


_ERRORS = "standard errors"
RULES: Final[Mapping[RefutationTest, Rule]] = {
    RefutationTest.PLACEBO: Rule(
        1.5,
        3.0,
        _ERRORS,
        "A channel that cannot have an effect is given none.",
        "A channel that cannot have an effect is given one: read shares of this size as noise, and look for a trend, "
        "season or event that the model lacks.",
        "DoWhy, placebo treatment; mmm-eval, placebo test",
    ),
    RefutationTest.FUTURE: Rule(
        1.5,
        3.0,
        _ERRORS,
        "Exposure that has not happened yet explains nothing.",
        "Exposure that has not happened yet seems to work: the budget follows demand, or something drives both; add "
        "that as a control, or test the channel in an experiment.",
        "leads of a treatment, Angrist and Pischke 2009, section 5.2",
    ),
    RefutationTest.SHUFFLED: Rule(
        0.33,
        0.5,
        "share that is kept",
        "With its weeks shuffled a channel loses its effect, so the effect comes from its timing.",
        "A channel keeps its effect with its weeks shuffled: the estimate comes from the prior or from the level of "
        "exposure, not from its timing.",
        "DoWhy, placebo treatment by permutation",
    ),
    RefutationTest.COMMON_CAUSE: Rule(
        0.5,
        1.0,
        _ERRORS,
        "A meaningless control changes nothing.",
        "A meaningless control moves a share: the model has more freedom than the data support.",
        "DoWhy, random common cause",
    ),
    RefutationTest.HALVES: Rule(
        2.5,
        4.0,
        _ERRORS,
        "Both halves of the data agree.",
        "The two halves disagree by more than the standard errors allow: media work differently in them, or the "
        "standard errors are too small.",
        "DoWhy, data subset",
    ),
    RefutationTest.LAST_WEEKS: Rule(
        1.0,
        2.0,
        _ERRORS,
        "The estimate was the same a few weeks ago.",
        "The last weeks move the estimate: look for an event in them, and expect the next update to move it too.",
        "mmm-eval, refresh stability",
    ),
    RefutationTest.PLAN: Rule(
        0.15,
        0.3,
        "share of the budget",
        "The best plan was the same a few weeks ago.",
        "The best plan changes with a few weeks of data: plan in smaller steps.",
        "mmm-eval, refresh stability, for the plan",
    ),
    RefutationTest.NOISE: Rule(
        0.5,
        1.0,
        _ERRORS,
        f"Errors of {NOISE:.0%} in exposure and controls do not matter.",
        "Errors of 1% in the inputs move a share: two inputs are nearly the same; merge them or drop one.",
        "mmm-eval, perturbation",
    ),
    RefutationTest.SEEDS: Rule(
        0.5,
        1.0,
        _ERRORS,
        "The estimate does not depend on the random start.",
        "The estimate depends on the random start: train longer, or report the mean of several fits.",
        "Robyn, several trials",
    ),
    RefutationTest.WARM_START: Rule(
        0.5,
        1.0,
        _ERRORS,
        "Training from the estimate and from a random start reach the same estimate.",
        "Training that starts from the estimate moves away from it, so it had not converged; raise "
        "training.max_epochs.",
        "Ensemble.warm_start_check",
    ),
}


class Judged(NamedTuple):
    """The tables of a refutation."""

    table: pd.DataFrame
    details: pd.DataFrame


def standard_errors(spread: list[Outcome], stated: np.ndarray) -> np.ndarray:
    """Standard errors of the shares, percentage points, `[channel]`.

    Where there are refits to random weights, their variance is drawn towards the errors that the fit states given its
    curves, times a common factor (Smyth 2004, moderated variances): a few refits alone may show far too small a spread.

    Args:
        spread: refits to random weights; none where the errors come from draws.
        stated: `[channel]`, errors that the fit states.
    """
    if not spread:
        return np.fmax(stated, _FLOOR)
    shares = np.stack([one.share for one in spread])
    found, degrees = shares.var(axis=0, ddof=1), len(spread) - 1.0
    # A channel that is near zero in all refits says nothing about the factor, and its stated error is not to scale.
    sized = np.isfinite(stated) & (shares.mean(axis=0) > _HAS_EFFECT * stated)
    factor = max(1.0, float(np.median(found[sized] / stated[sized] ** 2))) if sized.any() else 1.0
    prior = np.where(sized, factor * np.nan_to_num(stated) ** 2, found)
    variance = (_PRIOR_DEGREES * prior + degrees * found) / (_PRIOR_DEGREES + degrees)
    return np.maximum(np.sqrt(variance), _FLOOR)


def details_of(base: Outcome, outcomes: list[Outcome], errors: np.ndarray) -> pd.DataFrame:
    """One row per refit and channel.

    Args:
        base: the refit to the panel as it is.
        outcomes: the other refits.
        errors: `[channel]`, percentage points.

    Returns:
        Columns `test`, `changed`, `channel`, `share` and `share_before` (percent of the KPI), `moved` (their difference
        in standard errors), `roi` and `roi_before`, `rank` and `rank_before` (1 for the largest share).
    """
    rows = []
    names = base.refit.panel.channels
    before = _ranks(base.share)
    for one in outcomes:
        now = _ranks(one.share[: len(names)])
        for m, channel in enumerate(one.refit.panel.channels):
            known = m < len(names)
            rows.append(
                {
                    "test": str(one.refit.test),
                    "changed": one.refit.label,
                    "channel": channel,
                    "share": one.share[m],
                    "share_before": base.share[m] if known else 0.0,
                    "standard_error": errors[m] if known else np.nan,
                    "moved": (one.share[m] - base.share[m]) / errors[m] if known else np.nan,
                    "roi": one.roi[m],
                    "roi_before": base.roi[m] if known else np.nan,
                    "rank": now[m] if known else pd.NA,
                    "rank_before": before[m] if known else pd.NA,
                }
            )
    columns = ["test", "changed", "channel", "share", "share_before", "standard_error", "moved"]
    table = pd.DataFrame(rows, columns=[*columns, "roi", "roi_before", "rank", "rank_before"])
    return table.astype({"rank": "Int64", "rank_before": "Int64"})


class Figure(NamedTuple):
    """The figure of a test, and the channel that it comes from."""

    value: float
    channel: str


def figure_of(
    test: RefutationTest, base: Outcome, outcomes: list[Outcome], errors: np.ndarray, stated: np.ndarray
) -> Figure:
    """The figure that decides a test: the worst over its refits and channels; missing where there is none.

    Args:
        test: any but `plan`.
        base: the refit to the panel as it is.
        outcomes: of the test.
        errors: `[channel]`, percentage points.
        stated: `[channel]`, those that the fit states given its curves.
    """
    names = base.refit.panel.channels
    if test in (RefutationTest.PLACEBO, RefutationTest.FUTURE):
        # An added channel varies as the one it was made from does, so its share is known as well as that one's.
        alike = dict(zip(names, np.fmax(errors, stated), strict=True))
        known = [alike[one.refit.channel] if np.isnan(one.error[-1]) else one.error[-1] for one in outcomes]
        return _worst([(one.share[-1] / own, one.refit.channel) for one, own in zip(outcomes, known, strict=True)])
    if test is RefutationTest.SHUFFLED:
        return _worst(list(_kept(base, outcomes, errors)))
    if test is RefutationTest.HALVES:
        if len(outcomes) < 2:
            return Figure(float("nan"), "")
        apart = np.abs(outcomes[0].share - outcomes[1].share) / (_TWO_HALVES * errors)
        return _worst(list(zip(apart, names, strict=True)))
    return _worst(
        [pair for one in outcomes for pair in zip(np.abs(one.share - base.share) / errors, names, strict=True)]
    )


def _kept(base: Outcome, outcomes: list[Outcome], errors: np.ndarray) -> list[tuple[float, str]]:
    """Share that each shuffled channel keeps, of those that have an effect to lose.

    A mean of draws goes to what the prior expects, not to zero: there a channel keeps nothing if its draws no longer
    tell it from zero.
    """
    found = []
    for one in outcomes:
        m = base.refit.panel.channels.index(one.refit.channel)
        if base.share[m] >= _HAS_EFFECT * errors[m]:
            lost = one.share[m] < _HAS_EFFECT * one.error[m]
            found.append((0.0 if lost else one.share[m] / base.share[m], one.refit.channel))
    return found


def _worst(figures: list[tuple[float, str]]) -> Figure:
    known = [pair for pair in figures if np.isfinite(pair[0])]
    if not known:
        return Figure(float("nan"), "")
    value, channel = max(known, key=lambda pair: pair[0])
    return Figure(float(value), channel)


def grade_of(figure: float, rule: Rule) -> Grade:
    """Grade of a figure; one that is missing has to be looked at."""
    if figure <= rule.look:
        return Grade.PASS
    return Grade.FAIL if figure > rule.fail else Grade.LOOK


def _ranks(share: np.ndarray) -> np.ndarray:
    order = np.argsort(-share, kind="stable")
    ranks = np.empty(len(share), int)
    ranks[order] = np.arange(1, len(share) + 1)
    return ranks
