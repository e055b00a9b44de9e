"""`health`: whether to act on a result, to test first, or not to use it."""

from collections.abc import Callable

from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.steps import Steps
from deepcausalmmm_jax.trust.estimate_checks import (
    baseline_row,
    clear_row,
    media_share_row,
    prior_row,
    returns_row,
    strengths,
    timing_row,
)
from deepcausalmmm_jax.trust.evidence_checks import data_row, experiment_row, range_row, refutation_row
from deepcausalmmm_jax.trust.fit_checks import (
    autocorrelation_row,
    coverage_row,
    sampling_row,
    skill_row,
    starts_row,
    training_row,
)
from deepcausalmmm_jax.trust.health_card import HealthCard, HealthRow, verdict_of
from deepcausalmmm_jax.trust.refutations.refutation import Refutation

# Seconds of each part on two cores: with draws, and without.
_WITH_DRAWS = {"data": 1.0, "forecasts": 2.8, "baseline": 1.8, "media": 7.0}
_WITHOUT = {"data": 1.0, "forecasts": 2.2, "baseline": 0.1, "media": 2.2}


def health(result: FitResult, refutations: Refutation | None = None, *, plan: BudgetPlan | None = None) -> HealthCard:
    """Check a result before moving money on it.

    Args:
        result: a fit; draws or refits allow more checks.
        refutations: what `refute` returned for it; None leaves that check out.
        plan: a budget plan made from it, whose exposure is compared with that of the training; None for none.

    Returns:
        The card: a grade for each check, and one verdict with its reason.

    Raises:
        ConfigError: not a result, not what `refute` returns, or not a plan.
    """
    require_result(result, "health")
    if plan is not None and not isinstance(plan, BudgetPlan):
        raise ConfigError(f"plan must be what optimize_budget returns, got {type(plan).__name__}.")
    return health_card(result, refutations, plan)


def health_card(
    result: FitResult, refutations: Refutation | None, plan: BudgetPlan | None, diagnosis: Diagnosis | None = None
) -> HealthCard:
    """The card of `health`.

    Args:
        result: a fit.
        refutations: what `refute` returned for it; None leaves that check out.
        plan: a budget plan made from it; None for none.
        diagnosis: of the result's panel and settings, where it is at hand; None makes it anew.
    """
    with Steps("health", _WITH_DRAWS if isinstance(result, Ensemble) else _WITHOUT) as wait:
        rows = _rows(result, refutations, plan, diagnosis, wait.step)
    worded = Wording(result.panel)
    rows = tuple(row.in_units(worded) for row in rows)
    return HealthCard(rows, *verdict_of(rows, worded(strengths(result))))


def _rows(
    result: FitResult,
    refutations: Refutation | None,
    plan: BudgetPlan | None,
    diagnosis: Diagnosis | None,
    step: Callable[[str], None],
) -> tuple[HealthRow, ...]:
    """One row per check."""
    step("data")
    found = result.panel.diagnose().beside(result.config) if diagnosis is None else diagnosis
    rows = [data_row(result, found), training_row(result), sampling_row(result), starts_row(result), skill_row(result)]
    step("forecasts")
    rows += [coverage_row(result), autocorrelation_row(result)]
    step("baseline")
    rows += [baseline_row(result)]
    step("media")
    rows += [media_share_row(result), returns_row(result)]
    rows += [timing_row(result), clear_row(result), prior_row(result)]
    return (*rows, range_row(result, plan), refutation_row(refutations), experiment_row(result))
