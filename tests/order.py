"""In which order test files run, and which of them one worker runs because they share fits that take long."""

import pytest
from xdist.scheduler import LoadFileScheduling

# The files that take longest, the longest first: a worker that began one of them last would keep the other waiting. But the
# first is where one worker makes `small_ensemble`, and the other begins with those that need no fit of the small panel: what
# it needs later it finds compiled.
LONGEST = (
    "attribution/test_intervals", "inference/test_sample_posterior", "test_docs", "cli/test_output", "posterior/test_density",
    "dag/test_any_units", "ops/test_acyclicity", "model/test_curves", "dag/test_learn_dag", "posterior/test_tested",
    "training/test_estimate", "inference/test_bootstrap", "inference/test_cross_validate", "plots/test_report",
    "attribution/test_mediation", "model/test_laplace", "inference/test_reach", "benchmarking/test_suite",
    "results/test_fit_result", "training/test_paper", "planning/test_optimize_budget", "inference/test_fit_many",
    "planning/test_laws", "inference/test_lift_tests", "results/test_damaged_runs", "inference/test_calendars",
    "results/test_prepared_once",
)  # fmt: skip

# Those of the first group read `national_ensemble`, `unsure_ensemble`, `earlier_result` or `published_result`, those of the
# second `reached_result`; those of the third begin with one command, whose compiled programs the later finds on disk.
_TOGETHER = (
    (
        "inference/test_sample_posterior", "trust/refutations/test_refute", "plots/test_first_page", "trust/test_health",
        "inference/test_update", "cli/test_update", "inference/test_fit_kpis", "results/test_kpi_fits", "cli/test_fit_kpis",
        "cli/test_check", "posterior/test_evidence", "posterior/test_nuts", "planning/experiments/test_plan_experiments",
        "inference/test_reproduce", "plots/test_planner", "plots/test_numbers", "plots/test_downloads", "trust/test_fit_checks",
        "planning/test_optimize_budget", "planning/test_plan_advice", "planning/experiments/test_start",
        "attribution/test_least_width", "attribution/test_channel_errors", "attribution/test_intervals",
        "parallel/test_devices",
    ),
    ("inference/test_reach", "planning/test_planned_frequency"),
    ("cli/test_output", "cli/test_app"),
)  # fmt: skip
_PLACES = {f"tests/{name}.py": number for number, name in enumerate(LONGEST)}
_GROUPS = {f"tests/{name}.py": f"tests/{group[0]}.py" for group in _TOGETHER for name in group}


def place_of(item: pytest.Item) -> int:
    """Where a test's file stands in the order; files that do not take long come last."""
    return _PLACES.get(item.location[0], len(_PLACES))


class SharedFits(LoadFileScheduling):
    """A file on one worker, together with those that share its fits."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return _GROUPS.get(file, file)
