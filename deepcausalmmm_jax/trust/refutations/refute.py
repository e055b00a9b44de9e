"""`refute`: try to break an estimate by changing what it should not depend on."""

import time
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.diagnostics import share_errors
from deepcausalmmm_jax.attribution.intervals import standard_error
from deepcausalmmm_jax.checks import did_you_mean, seed_number, shown, whole_number
from deepcausalmmm_jax.data.holdout import fewest_steps
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.errors import ConfigError, DeepCausalMMMError
from deepcausalmmm_jax.inference.sample_posterior import has_draws
from deepcausalmmm_jax.parallel.devices import Devices, devices_for
from deepcausalmmm_jax.parallel.engines import Engine, engine_named
from deepcausalmmm_jax.planning.optimize_budget import optimize_budget
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.refutations.judged import (
    RULES,
    Figure,
    Judged,
    details_of,
    figure_of,
    grade_of,
    standard_errors,
)
from deepcausalmmm_jax.trust.refutations.outcomes import Outcome, drawn_outcomes, trained_outcomes
from deepcausalmmm_jax.trust.refutations.refits import Machine, run_refits
from deepcausalmmm_jax.trust.refutations.refutation import Refutation
from deepcausalmmm_jax.trust.refutations.wanted import (
    DROPPED_WEEKS,
    RefutationTest,
    Request,
    has_one_region,
    wanted_refits,
)

_FEWEST_REGIONS = 8  # from which the estimate is the end of training, and below which it comes from draws
_FEWEST_DRAWS = 20  # of an ensemble whose standard errors are used
_MOST_CHANNELS = 10  # shuffled or moved ahead
_ROUNDING = 1e-9  # of the budget: less is no move between channels


def refute(
    result: FitResult,
    tests: Sequence[str] | None = None,
    refits: int = 2,
    seed: int = 0,
    *,
    engine: Engine | None = None,
    batch_size: int | None = None,
    devices: Devices = None,
    progress: bool | None = None,
) -> Refutation:
    """Refit the model to changed panels, and see whether the estimate behaves as a true effect would.

    Each test either adds something that cannot have an effect (a placebo channel, future exposure, a channel whose
    weeks are shuffled) or makes a change that should move no effect (a random control, half of the regions, fewer
    weeks, noise of 1%, another start). How far shares move is measured in standard errors of the estimate itself: from
    its draws or refits where it is an `Ensemble`, else from refits with random weights on regions, or on blocks of
    weeks of a single region. Passing does not prove an estimate; failing says what is wrong with it. No such test can
    detect a hidden cause that leaves no trace in the inputs; see `unmeasured_confounding`.

    All refits are compared with a refit to the panel itself, in a model with room for one more channel and control, so
    that they share one compiled program. They train from random starts, those of an `update` too, whose own estimate
    may be another: `estimator` says how far the two are apart. Below eight regions, where the estimate is the mean of
    draws from the posterior, each refit gets draws too, so that each takes as long as a fit.

    Args:
        result: the fit; its held-out weeks stay held out.
        tests: names of tests: `placebo`, `future`, `shuffled`, `common_cause`, `halves`, `last_weeks`, `plan`, `noise`,
            `seeds`, `warm_start`; all when None. `plan` is made from the refits of `last_weeks`, which then run too.
            `warm_start` is none of those below eight regions: draws do not start where training ended.
        refits: draws of each random test; with standard errors from refits with random weights, four times as many.
        seed: of the draws.
        engine: one of `parallel.engines.Engine`; None takes the one that suits the devices.
        batch_size: refits side by side on a core or device; None takes 1 on a CPU, and as many as fit into memory
            elsewhere.
        devices: `cpu`, `gpu` or `tpu`, or some of `jax.local_devices()`; None takes all that JAX finds.
        progress: whether to show progress; None shows it on a terminal only.

    Raises:
        ConfigError: not a fit of the default model, an unknown test, or one that could not fail, a bad number or
            engine, or devices that this host does not have.
        FitError: the refit to the panel itself ended without usable parameters.
    """
    began = time.perf_counter()
    chosen = _checked(result, tests, refits, engine, batch_size)
    machine = Machine(devices_for(devices), engine, batch_size, progress)
    panel = result.panel.until_last_kpi()
    weights = result.fitted.weights[:, : len(panel.weeks)]
    drawn = _is_drawn(result)
    has_errors = isinstance(result, Ensemble) and len(result.replicates) >= _FEWEST_DRAWS
    request = Request(
        panel=panel,
        weights=weights,
        share=result.notes()["share"].to_numpy(),
        seed=result.fitted.seed,
        draws=int(refits),
        random=seed_number(seed),
        spread=not (has_errors or drawn),
        dropped=_droppable(weights, drawn, panel),
        most_channels=_MOST_CHANNELS,
    )
    worth = np.ones(weights.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    worth = np.where(panel.present, worth, 0.0)
    fitted = result.fitted
    start = fitted.variables if fitted.trained is None else fitted.trained
    config = result.config
    refitted = run_refits(wanted_refits(request, chosen), config, start, worth, machine)
    outcomes = drawn_outcomes(refitted, config, worth, progress) if drawn else trained_outcomes(refitted, config)
    base, others = outcomes[0], outcomes[1:]
    if isinstance(result, Ensemble) and not request.spread:
        stated = standard_error(result.share_draws().to_numpy())
    else:
        stated = 100.0 * share_errors(result.fitted_panel, given_curves=True)
    errors = standard_errors([one for one in others if one.refit.test is None], stated)
    tested = [one for one in others if one.refit.test is not None]
    judged = _judged(chosen, base, tested, (errors, stated), result)
    estimator = "Shares are means of draws from the posterior" if drawn else "Shares are those at the end of training"
    weighted = f"blocks of {panel.cadence.unit}s" if has_one_region(weights) else "regions"
    source = f"refits with random weights on {weighted}" if request.spread else "draws or refits of the result"
    sentence = f"{estimator}; standard errors come from {source}.{_of_an_update(result, base, errors)}"
    return Refutation(judged.table, judged.details, sentence, time.perf_counter() - began)


def _of_an_update(result: FitResult, base: Outcome, errors: np.ndarray) -> str:
    """How far the refit to the panel itself is from an update, which goes on from an earlier run; empty for a fit."""
    if not result.fitted.keeps_earlier_scales:
        return ""
    apart = np.abs(result.notes()["share"].to_numpy() - base.share[: len(errors)]) / errors
    return (
        " The run updates an earlier one, and refits start from scratch: what the tests try to break is a new fit to "
        f"its panel, whose shares differ from the run's by up to {apart.max():.2g} standard errors "
        f"({result.panel.channels[int(apart.argmax())]})."
    )


def _is_drawn(result: FitResult) -> bool:
    """Whether the estimate is the mean of draws, so that each refit, as any fit like it, gets draws too."""
    gets_draws = has_draws(result.config, result.panel) and len(result.panel.regions) < _FEWEST_REGIONS
    return isinstance(result, Ensemble) and result.fitted.trained is not None and gets_draws


def _checked(
    result: FitResult, tests: Sequence[str] | None, refits: int, engine: str | None, batch_size: int | None
) -> tuple[RefutationTest, ...]:
    require_result(result, "refute")
    if not result.family.has_noise:
        raise ConfigError("refute needs the default model: the paper's has no standard errors to compare changes with.")
    whole_number("refits", refits)
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    engine_named(engine)
    wanted = set(_named(result, tests))
    if RefutationTest.PLAN in wanted:
        wanted.add(RefutationTest.LAST_WEEKS)  # the plan is made from its refits
    return tuple(test for test in RefutationTest if test in wanted)


def _named(result: FitResult, tests: Sequence[str] | None) -> list[RefutationTest]:
    """The tests that are asked for by name; all that can say something of the result when None."""
    every = [str(test) for test in RefutationTest]
    if tests is None:
        alone, drawn = len(result.panel.channels) == 1, _is_drawn(result)
        nothing = {RefutationTest.PLAN: alone, RefutationTest.WARM_START: drawn}  # no budget to divide; could not fail
        return [test for test in RefutationTest if not nothing.get(test, False)]
    if not isinstance(tests, str | Iterable):
        raise ConfigError(f"tests must be a list of tests, got {shown(tests)}; there are {', '.join(every)}.")
    asked = [tests] if isinstance(tests, str) else list(tests)
    for name in asked:
        if name not in every:
            hint = did_you_mean(name, every, f"; there are {', '.join(every)}.")
            raise ConfigError(f"There is no test {name!r}{hint}")
    if not asked:
        raise ConfigError(f"refute needs at least one test; there are {', '.join(every)}.")
    if str(RefutationTest.WARM_START) in asked and _is_drawn(result):
        raise ConfigError(
            f"Below {_FEWEST_REGIONS} regions the estimate comes from draws, which do not start where training ended, "
            "so that the test warm_start could not fail; leave it out: seeds starts everything elsewhere."
        )
    return [RefutationTest(name) for name in asked]


def _droppable(weights: np.ndarray, drawn: bool, panel: Panel) -> tuple[int, ...]:
    """Numbers of last steps whose loss leaves enough to learn from; with draws one, since each has its own program."""
    trained = int((weights > 0).any(axis=0).sum())
    wanted = sorted({panel.cadence.steps(weeks) for weeks in DROPPED_WEEKS})
    fitting = tuple(steps for steps in wanted if trained - steps >= 2 * fewest_steps(panel))
    return fitting[len(fitting) // 2 :][:1] if drawn else fitting


def _judged(
    tests: tuple[RefutationTest, ...],
    base: Outcome,
    outcomes: list[Outcome],
    errors: tuple[np.ndarray, np.ndarray],
    result: FitResult,
) -> Judged:
    worded, rows = Wording(result.panel), []
    for test in tests:
        own, rule = [one for one in outcomes if one.refit.test is test], RULES[test]
        if test is RefutationTest.PLAN:
            found, changed, count = _plan(base, outcomes)
        else:
            found, changed, count = figure_of(test, base, own, *errors), _changed(own), len(own)
        grade = grade_of(found.value, rule)
        passed = rule.meaning if found.value <= rule.look else rule.advice
        rows.append(
            {
                "test": str(test),
                "changed": changed,
                "refits": count,
                "figure": found.value,
                "unit": rule.unit,
                "look_above": rule.look,
                "fail_above": rule.fail,
                "grade": str(grade),
                "channel": found.channel,
                "meaning": worded(passed) if np.isfinite(found.value) else "Not tested: there was nothing to compare.",
                "source": rule.source,
            }
        )
    return Judged(pd.DataFrame(rows), details_of(base, outcomes, errors[0]))


def _changed(outcomes: list[Outcome]) -> str:
    return "; ".join(one.refit.label for one in outcomes)


def _plan(base: Outcome, outcomes: list[Outcome]) -> tuple[Figure, str, int]:
    """Share of the budget that the best plan moves between channels when the most weeks are dropped.

    Both plans are what `optimize_budget` says of such a result: where shares are means of draws, from draws.
    """
    dropped = [one for one in outcomes if one.refit.test is RefutationTest.LAST_WEEKS]
    if not dropped or len(base.refit.panel.channels) < 2:
        return Figure(float("nan"), ""), "", 0
    shortest = max(dropped, key=lambda one: one.refit.weeks)
    try:
        made = [one.result for one in (base, shortest) if one.result is not None]
        before, after = (optimize_budget(one, limit=None).channels["spend_plan"] for one in made)
    except DeepCausalMMMError:  # no plan can be made, such as where all channels are without effect
        return Figure(float("nan"), ""), "", 0
    moved = (after - before).abs()
    share = float(moved.sum() / (2.0 * before.sum()))
    figure = Figure(share, str(moved.idxmax())) if share > _ROUNDING else Figure(0.0, "")
    return figure, shortest.refit.label, 1
