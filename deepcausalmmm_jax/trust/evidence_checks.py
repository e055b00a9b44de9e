"""Checks against what lies outside the fit: its data, the range of exposure, refutations, experiments."""

import numpy as np

from deepcausalmmm_jax.attribution.conflicts import untested, with_hidden_demand
from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis
from deepcausalmmm_jax.data.diagnosis.findings import Check
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.health_card import HealthCheck, HealthRow
from deepcausalmmm_jax.trust.refutations.refutation import Refutation

_BEYOND = 0.1  # of the region-weeks
_NAMED = 3


def data_row(result: FitResult, diagnosis: Diagnosis) -> HealthRow:
    """The worst of the data checks, by the diagnosis of the result's panel and settings."""
    found = diagnosis.findings
    if not found:
        return HealthRow(HealthCheck.DATA, Grade.PASS, "no finding")
    names = list(dict.fromkeys(finding.check.value for finding in found))
    figure = f"{len(found)} finding{'s' if len(found) > 1 else ''}: {', '.join(names[:_NAMED])}"
    figure += " ..." if len(names) > _NAMED else ""
    advice = "See the data checks (panel.diagnose())."
    if diagnosis.worst is Grade.FAIL:
        first = next(finding for finding in found if finding.grade is Grade.FAIL)
        reason = f"the data must be fixed first ({first.check.value}{': ' + first.where if first.where else ''})"
        return HealthRow(HealthCheck.DATA, Grade.FAIL, figure, "none to fix", advice, True, reason)
    backward = [finding.column for finding in found if finding.check is Check.FOLLOWS_KPI]
    reason = f"media may follow sales rather than drive them ({', '.join(backward[:_NAMED])})" if backward else ""
    doubted = tuple(dict.fromkeys(name for name in backward if name in result.panel.channels))
    return HealthRow(HealthCheck.DATA, Grade.LOOK, figure, "none to fix", advice, bool(backward), reason, doubted)


def range_row(result: FitResult, plan: BudgetPlan | None) -> HealthRow:
    """Held-out weeks, and a plan, with more exposure than any week of training."""
    check, panel, start = HealthCheck.RANGE, result.panel, result.fitted.n_training_weeks
    limit, figures, grade = f"up to {_BEYOND:.0%} of region-weeks", [], Grade.PASS
    if result.holdout:
        later = slice(start, panel.n_past_weeks)
        most = panel.exposure[:, :start].max(axis=1, keepdims=True)
        beyond = (panel.exposure[:, later] > most * (1.0 + 1e-9))[panel.present[:, later]]
        share = beyond.mean(axis=0)
        name, worst = panel.channels[int(share.argmax())], float(share.max())
        figures.append(
            f"held-out weeks: {worst:.0%} beyond training ({name})"
            if worst > 0
            else "held-out weeks: none beyond training"
        )
        grade = Grade.LOOK if worst > _BEYOND else grade
    if plan is not None and "extrapolation" in plan.table:
        share_plan = float(np.asarray(plan.table["extrapolation"], bool).mean())
        figures.append(f"plan: {share_plan:.0%} of its cells beyond training")
        grade = Grade.LOOK if share_plan > 0 else grade
    if grade is Grade.PASS:
        if not figures:
            return HealthRow(check, Grade.NOT_RUN, "no held-out weeks and no plan")
        return HealthRow(check, grade, "; ".join(figures), limit)
    advice = "Beyond the exposure seen in training a response is a guess: plan smaller steps there."
    return HealthRow(check, grade, "; ".join(figures), limit, advice)


def refutation_row(refutations: Refutation | None) -> HealthRow:
    """Outcome of the tests that try to break the estimate."""
    check = HealthCheck.REFUTATIONS
    if refutations is None:
        return HealthRow(check, Grade.NOT_RUN, "none given")
    if not isinstance(refutations, Refutation):
        raise ConfigError(f"refutations must be the result of refute, got {type(refutations).__name__}.")
    table = refutations.table
    failed, doubtful = (
        [str(name) for name in table.loc[table["grade"].astype(str) == grade.value, "test"]]
        for grade in (Grade.FAIL, Grade.LOOK)
    )
    figure = f"{len(table) - len(failed) - len(doubtful)} of {len(table)} passed"
    if failed:
        reason = f"the estimate did not survive a refutation ({', '.join(failed[:_NAMED])})"
        advice = "Do not act on estimates that a harmless change to the data moves this far."
        return HealthRow(check, Grade.FAIL, f"{figure}; failed: {', '.join(failed)}", "all pass", advice, True, reason)
    if doubtful:
        reason = f"a refutation moves the estimate ({', '.join(doubtful[:_NAMED])})"
        figure += f"; to look at: {', '.join(doubtful)}"
        return HealthRow(check, Grade.LOOK, figure, "all pass", "Check what moved, and how far.", True, reason)
    return HealthRow(check, Grade.PASS, figure, "all pass")


def experiment_row(result: FitResult) -> HealthRow:
    """Lift tests that the model contradicts."""
    check, table = HealthCheck.EXPERIMENTS, result.lift_tests()
    if not len(table):
        return HealthRow(check, Grade.NOT_RUN, "no experiment given")
    conflict, known = table["conflict"].astype(bool), table["z"].notna()
    figure = f"{int((known & ~conflict).sum())} of {len(table)} agree with the model"
    if not known.all():  # as of a channel whose effect by the KPI alone is next to none
        figure += f"; {int((~known).sum())} cannot be compared, since the error of what the KPI says is unknown"
    if not conflict.any():
        return HealthRow(check, Grade.PASS if known.any() else Grade.NOT_RUN, figure, "within 2 standard errors")
    channels = list(dict.fromkeys(table.loc[conflict, "channel"].astype(str)))
    reason = f"the model contradicts an experiment on {', '.join(channels[:_NAMED])}"
    advice = "Find out which is wrong: the design of the test, or the model, which may be missing a cause."
    confounded, others = with_hidden_demand(result.fitted), untested(result.fitted)
    if confounded and others:
        advice += (
            f" Demand that moved with {_listed(confounded)} had been counted as effect, and nothing rules that out for "
            f"channels without a test ({_listed(others)})."
        )
    return HealthRow(check, Grade.LOOK, figure, "within 2 standard errors", advice, True, reason, tuple(channels))


def _listed(names: tuple[str, ...]) -> str:
    """The first few names."""
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
