"""What figures say that are given something else than what they draw."""

from collections.abc import Callable, Hashable, Mapping
from inspect import signature

import pandas as pd

from deepcausalmmm_jax.checks import shown, whole_number
from deepcausalmmm_jax.dag.graph_groups import GraphGroups
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.planning.experiments.experiment_plan import ExperimentPlan
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.compare_runs import RunComparison
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.health import HealthCard

_FROM: Mapping[type, str] = {
    LearnedGraph: "the graph that learn_dag returns",
    GraphGroups: "what learn_dag(..., groups=...) returns",
    RunComparison: "what compare_runs returns",
    ExperimentPlan: "what plan_experiments returns",
    HealthCard: "what health returns",
}
_TABLES = {
    "response_curves": "the table of response_curves, such as response_curves(result).table",
    "cross_validation": "the table that cross_validate returns",
    "plan_against_history": "a plan's channels, such as optimize_budget(result).channels",
    "outcome_against_history": "a plan's channels, such as optimize_budget(result).channels",
    "refutation": "the table of refute, such as refute(result).table",
}


def check_arguments(figure: Callable[..., object], given: tuple[object, ...], options: Mapping[str, object]) -> None:
    """Compare what a figure is given with the types that it declares.

    Args:
        figure: the function that draws it.
        given: its positional arguments.
        options: its keyword arguments.

    Raises:
        ConfigError: no result where one is needed, or another type of number or region.
        DataError: another panel, table or plan than the figure draws, naming what it needs.
        TypeError: arguments that the figure does not have, as Python says it.
    """
    name, declared = figure.__name__, signature(figure)
    for argument, value in declared.bind(*given, **options).arguments.items():
        kind = declared.parameters[argument].annotation
        if kind is FitResult:
            require_result(value, f"plots.{name}")
        elif kind is Panel:
            require_panel(value, f"plots.{name}")
        elif kind is int or (kind == int | None and value is not None):
            whole_number(argument, value, least=0 if argument == "candidate" else 1)
        elif kind is pd.DataFrame or kind in _FROM:
            wanted = _TABLES[name] if kind is pd.DataFrame else _FROM[kind]
            if not isinstance(value, kind):
                raise DataError(f"plots.{name} needs {wanted}, got {type(value).__name__}.")
        elif argument == "region" and not isinstance(value, Hashable):
            raise ConfigError(f"region must be one region of the panel, got {shown(value)}.")
