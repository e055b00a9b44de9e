"""`report`: the entry point, which loads the libraries that draw only when a report is written."""

from pathlib import Path

from deepcausalmmm_jax.io.program_cache import make_room_for_more
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.steps import Steps
from deepcausalmmm_jax.trust.refutations.refutation import Refutation

# Seconds of each part on two cores, while curves and planner are computed beside them: with draws, and without.
_WITH_DRAWS = {"checks": 2.0, "tables": 0.2, "charts": 0.8, "planner": 0.2, "page": 0.3}
_WITHOUT = {"checks": 0.8, "tables": 0.2, "charts": 0.4, "planner": 0.1, "page": 0.2}


def report(
    result: FitResult,
    path: str | Path,
    *,
    plan: BudgetPlan | None = None,
    currency: str | None = None,
    refutations: Refutation | None = None,
    previous: FitResult | None = None,
) -> Path:
    """Write one self-contained HTML page, which opens without a network.

    The page starts with what was spent and earned, one verdict with its reason, and what to do. Then come the health
    card, contributions, returns, regions, curves, links, accuracy beside naive forecasts, the data and the training.
    Whatever lacks its data is left out, and the page says why. Every chart has a table and a CSV file behind it;
    regions and channels can be selected.

    Args:
        result: the fit; an ensemble adds intervals.
        path: file to write; it appears whole or not at all.
        plan: a budget plan, which gets a section of its own.
        currency: of spend and revenue, such as EUR, put before amounts on the first page; None for none.
        refutations: what `refute` returned, for the health card; None where it was not run.
        previous: an earlier run, such as `Update.previous`; a section shows what changed since.

    Returns:
        The path written.

    Raises:
        DataError: not the result of a fit, not a plan, or a plan whose table of channels lacks a column.
        ConfigError: a currency that is not a short text, not what `refute` returns, or a previous run that is not a
            result.
        OutputError: the file cannot be written.
    """
    with Steps("report", _WITH_DRAWS if isinstance(result, Ensemble) else _WITHOUT) as wait:
        wait.step("checks")
        make_room_for_more()
        from deepcausalmmm_jax.plots.report.page import write_report

        return write_report(result, path, plan, currency, refutations, previous, wait.step)
