"""Checks of the fit itself: training, draws, starting points, forecasts, residuals."""

import numpy as np
from scipy import special

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.health_card import HealthCheck, HealthRow

_STILL_FALLING = 0.01  # nats per observation over the last tenth of the training
_POOR_SKILL = -1.0
_LEVEL, _FEWEST_WEEKS = 0.9, 4
_BY_CHANCE = 0.02  # of a coverage as low as that, if the intervals were right
_POOR_COVERAGE = 0.5
_CORRELATED, _STRONGLY = 0.3, 0.7  # of residuals one week apart
_HIGH_K, _BAD_K = 0.7, 1.0  # Vehtari et al. (2024)
_HIGH_R_HAT, _BAD_R_HAT = 1.3, 2.0
_APART, _FAR_APART = 1.0, 2.0  # refits from different starts, in standard deviations over refits
_LOST = 0.1  # of the refits that failed
_FEW_DRAWS = 20
_USUAL_HOLDOUT = 8.0  # weeks


def training_row(result: FitResult) -> HealthRow:
    """Whether training ended with usable parameters, and had come to rest."""
    status, objective = result.status, np.asarray(result.fitted.record.objective, float)
    if status in (FitStatus.WORSE_THAN_MEAN, FitStatus.DIVERGED):
        return _fail(HealthCheck.TRAINING, "failed", "converged", status.sentence, "the fit failed")
    if status in (FitStatus.CONVERGED, FitStatus.COMPLETED, FitStatus.TAKEN_OVER):
        return HealthRow(HealthCheck.TRAINING, Grade.PASS, f"{status.name.lower().replace('_', ' ')}", "converged")
    tail = max(1, len(objective) // 10)
    fall = float(objective[-1 - tail] - objective[-1]) if len(objective) > tail else np.inf
    falls = f"still falling by {plain_number(fall, 2)}" if fall >= 0 else f"rising by {plain_number(-fall, 2)}"
    figure = f"stopped after {len(objective):,} epochs, objective {falls} nats per observation"
    advice = "Raise max_epochs, and fit again."
    if abs(fall) > _STILL_FALLING:
        return _fail(HealthCheck.TRAINING, figure, f"up to {_STILL_FALLING:g}", advice, "training has not converged")
    # Not the limit of a fail: the fit meets that one, and is looked at because it did not come to rest.
    return _look(HealthCheck.TRAINING, figure, "converged", advice)


def sampling_row(result: FitResult) -> HealthRow:
    """Whether the draws can be trusted: chains that mixed, importance weights, refits that ended well."""
    check = HealthCheck.SAMPLING
    if not isinstance(result, Ensemble):
        advice = "Run bootstrap, or fit with draws from the posterior, before moving money."
        why = "there are no intervals to say how far off the estimates may be"
        return _look(check, "a single fit without draws", "draws or refits", advice, why)
    made, count = result.replicates, len(result.replicates)
    if count < _FEW_DRAWS:
        return _look(
            check, f"{count} draws", f"{_FEW_DRAWS} or more", "Ask for more of them.", f"{count} draws are too few"
        )
    if not result.from_posterior:
        asked = count + made.failed  # those without usable parameters are not among the members
        failed = (made.failed + int((np.asarray(made.status) == FitStatus.WORSE_THAN_MEAN).sum())) / asked
        figure = f"{failed:.0%} of {asked} refits failed"
        if failed > _LOST:
            return _fail(check, figure, f"up to {_LOST:.0%}", "Check the data of extreme weeks.", "refits fail")
        return HealthRow(check, Grade.PASS, figure, f"up to {_LOST:.0%}")
    laplace = made.method == "laplace"
    value = made.pareto_k if laplace else made.r_hat
    limits = (_HIGH_K, _BAD_K) if laplace else (_HIGH_R_HAT, _BAD_R_HAT)
    figure, limit = f"{'Pareto k' if laplace else 'R-hat'} {value:.2f}, {count} draws", f"below {limits[0]:g}"
    if value < limits[0]:
        return HealthRow(check, Grade.PASS, figure, limit)
    advice = "Draw more with sample_posterior(result, method='nuts')." if laplace else "Draw longer chains."
    cause = "the draws by Laplace's method miss the posterior" if laplace else "the sampler has not converged"
    why = f"{cause}, so intervals are rough"
    bad = not value < limits[1]
    return _fail(check, figure, limit, advice, why) if bad else _look(check, figure, limit, advice, why)


def starts_row(result: FitResult) -> HealthRow:
    """Whether refits from the estimate and from a random start agree."""
    check = HealthCheck.STARTS
    table = result.warm_start_check() if isinstance(result, Ensemble) else None
    if table is None or not len(table):
        return HealthRow(check, Grade.NOT_RUN, "no refits or starts to compare")
    apart = (table["difference"].abs() / table["spread"].where(table["spread"] > 0)).dropna()
    if not len(apart):
        return HealthRow(check, Grade.NOT_RUN, "no spread of refits to compare with")
    name, worst = str(apart.idxmax()), float(apart.max())
    figure = f"{name}: {table['difference'].abs()[name]:.1f} points apart, {worst:.1f} times the spread of refits"
    limit = f"up to {_APART:.1f} times the spread"
    advice = "Train longer, or refit from random starts (warm_start=False)."
    why = "refits from different starts disagree"
    if worst > _FAR_APART:
        return _fail(check, figure, limit, advice, why)
    return _look(check, figure, limit, advice, why) if worst > _APART else HealthRow(check, Grade.PASS, figure, limit)


def skill_row(result: FitResult) -> HealthRow:
    """Forecast error of the held-out weeks beside that of the best naive forecast."""
    check = HealthCheck.SKILL
    if not result.holdout:
        why = "no weeks were held out, so the model was never tested on weeks it had not seen"
        hold_out = f"Fit with holdout={result.panel.cadence.steps(_USUAL_HOLDOUT)}."
        return _look(check, "no weeks held out", "0 or more", hold_out, why)
    skill = float(result.metrics["skill"]["holdout"])
    if np.isnan(skill):
        return HealthRow(check, Grade.NOT_RUN, "no naive forecast to compare with")
    figure = f"skill {skill:+.2f} in {result.holdout} held-out weeks"
    if skill >= 0:
        return HealthRow(check, Grade.PASS, figure, "0 or more")
    advice = "Look for missing controls and for breaks in the KPI; hold out other weeks with cross_validate."
    if skill < _POOR_SKILL:
        why = f"its forecast is {-skill:.0%} worse than the best naive one"
        return _fail(check, figure, f"fails below {_POOR_SKILL:g}", advice, why)
    return _look(check, figure, "0 or more", advice)


def coverage_row(result: FitResult) -> HealthRow:
    """Share of the held-out KPI inside the forecast intervals, judged by how many independent values there are."""
    check = HealthCheck.COVERAGE
    if result.holdout < _FEWEST_WEEKS or not result.family.has_forecast_errors:
        return HealthRow(check, Grade.NOT_RUN, "too few weeks held out, or a model without forecast errors")
    table = result.forecast_intervals(level=_LEVEL, by_region=True)
    table = table[table["kpi"].notna()]
    weeks = ((table["kpi"] >= table["low"]) & (table["kpi"] <= table["high"])).groupby(table["time"].to_numpy())
    coverage, independent = float(weeks.mean().mean()), _independent(weeks.size().to_numpy(), result.effective_regions)
    least = _binomial_quantile(_BY_CHANCE, independent, _LEVEL) / independent
    figure, limit = f"{coverage:.0%} of the KPI inside {_LEVEL:.0%} intervals", f"{least:.0%} or more"
    if coverage >= least:
        return HealthRow(check, Grade.PASS, figure, limit)
    advice = "Something happened that the model cannot see: look at the held-out weeks, and add a control for it."
    why = f"only {coverage:.0%} of the held-out KPI lies inside its 90% forecast intervals"
    if coverage < _POOR_COVERAGE:
        return _fail(check, figure, limit, advice, why)
    return _look(check, figure, limit, advice)


def _independent(counts: np.ndarray, regions: float) -> int:
    """Number of independent values with as much information as a mean over weeks of their means.

    Args:
        counts: `[week]`, regions with a KPI.
        regions: that are independent where all have one; in a week there are no more than have a KPI.
    """
    by_week = np.minimum(counts, max(1.0, regions))
    return max(1, round(len(counts) ** 2 / float((1.0 / by_week).sum())))


def autocorrelation_row(result: FitResult) -> HealthRow:
    """Correlation of the training residuals one week apart."""
    check, table = HealthCheck.AUTOCORRELATION, result.residual_autocorrelation()
    first = table.iloc[0]
    known = first[["region", "national"]].dropna()
    if not len(known):
        return HealthRow(check, Grade.NOT_RUN, "too few residuals in a row")
    value = max(known, key=abs)
    bound = max(_CORRELATED, float(first["bound"]))
    figure, limit = f"{value:+.2f} one week apart", f"-{bound:.2f} to {bound:.2f}"
    if abs(value) <= bound:
        return HealthRow(check, Grade.PASS, figure, limit)
    advice = "The controls lack something that lasts for weeks."
    why = "its errors last for weeks, so something large is missing"
    if value < 0:
        advice = "Errors alternate: check whether sales of a week are booked in the one before or after."
        why = "its errors alternate from week to week"
    if abs(value) > _STRONGLY:
        return _fail(check, figure, limit, advice, why)
    return _look(check, figure, limit, advice)


def _look(check: HealthCheck, figure: str, threshold: str, advice: str, reason: str = "") -> HealthRow:
    """A row to look at; a reason makes it decide."""
    return HealthRow(check, Grade.LOOK, figure, threshold, advice, bool(reason), reason)


def _fail(check: HealthCheck, figure: str, threshold: str, advice: str, reason: str) -> HealthRow:
    return HealthRow(check, Grade.FAIL, figure, threshold, advice, True, reason)


def _binomial_quantile(probability: float, trials: float, chance: float) -> float:
    """The smallest count that so many trials do not exceed with at least this probability."""
    above = float(np.ceil(special.bdtrik(probability, trials, chance)))
    return above - 1.0 if above >= 1.0 and special.bdtr(above - 1.0, trials, chance) >= probability else above
