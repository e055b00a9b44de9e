"""Marketing mix modelling on JAX and Flax: what each channel contributed, and how good the forecast is."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from deepcausalmmm_jax.io.versions import version_of as _version_of

if TYPE_CHECKING:  # what type checkers and editors read; at run time each name is imported when it is first used
    from deepcausalmmm_jax import plots as plots
    from deepcausalmmm_jax.config.curves import ChannelCurves as ChannelCurves
    from deepcausalmmm_jax.config.lift_tests import LiftTest as LiftTest
    from deepcausalmmm_jax.config.links import Links as Links
    from deepcausalmmm_jax.config.paper import Published as Published
    from deepcausalmmm_jax.config.penalties import Penalties as Penalties
    from deepcausalmmm_jax.config.priors import PosteriorSettings as PosteriorSettings
    from deepcausalmmm_jax.config.priors import Priors as Priors
    from deepcausalmmm_jax.config.settings import Config as Config
    from deepcausalmmm_jax.config.settings import Training as Training
    from deepcausalmmm_jax.dag.bootstrap_dag import bootstrap_dag as bootstrap_dag
    from deepcausalmmm_jax.dag.edge_frequencies import EdgeFrequencies as EdgeFrequencies
    from deepcausalmmm_jax.dag.graph_groups import GraphGroups as GraphGroups
    from deepcausalmmm_jax.dag.learn_dag import learn_dag as learn_dag
    from deepcausalmmm_jax.dag.learned_graph import LearnedGraph as LearnedGraph
    from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis as Diagnosis
    from deepcausalmmm_jax.data.events import Events as Events
    from deepcausalmmm_jax.data.files.days import to_weeks as to_weeks
    from deepcausalmmm_jax.data.files.read_panel import read_panel as read_panel
    from deepcausalmmm_jax.data.files.schema import Schema as Schema
    from deepcausalmmm_jax.data.holidays import holidays as holidays
    from deepcausalmmm_jax.data.panel import Panel as Panel
    from deepcausalmmm_jax.data.readers.arrays import panel_from_arrays as panel_from_arrays
    from deepcausalmmm_jax.data.readers.lift_tests import read_lift_tests as read_lift_tests
    from deepcausalmmm_jax.data.simulation.funnel import simulate_funnel as simulate_funnel
    from deepcausalmmm_jax.data.simulation.simulate import Truth as Truth
    from deepcausalmmm_jax.data.simulation.simulate import simulate as simulate
    from deepcausalmmm_jax.data.treatments import Treatment as Treatment
    from deepcausalmmm_jax.errors import ConfigError as ConfigError
    from deepcausalmmm_jax.errors import DataError as DataError
    from deepcausalmmm_jax.errors import DataWarning as DataWarning
    from deepcausalmmm_jax.errors import DeepCausalMMMError as DeepCausalMMMError
    from deepcausalmmm_jax.errors import FitError as FitError
    from deepcausalmmm_jax.errors import FitStatus as FitStatus
    from deepcausalmmm_jax.errors import OutputError as OutputError
    from deepcausalmmm_jax.errors import PlanError as PlanError
    from deepcausalmmm_jax.inference.bootstrap import bootstrap as bootstrap
    from deepcausalmmm_jax.inference.cross_validate import cross_validate as cross_validate
    from deepcausalmmm_jax.inference.fit import fit as fit
    from deepcausalmmm_jax.inference.fit_kpis import fit_kpis as fit_kpis
    from deepcausalmmm_jax.inference.fit_many import fit_many as fit_many
    from deepcausalmmm_jax.inference.from_torch import from_torch_state_dict as from_torch_state_dict
    from deepcausalmmm_jax.inference.posterior_density import PosteriorDensity as PosteriorDensity
    from deepcausalmmm_jax.inference.posterior_density import posterior_density as posterior_density
    from deepcausalmmm_jax.inference.prior_predictive import prior_predictive as prior_predictive
    from deepcausalmmm_jax.inference.prior_predictive import prior_sensitivity as prior_sensitivity
    from deepcausalmmm_jax.inference.sample_posterior import sample_posterior as sample_posterior
    from deepcausalmmm_jax.inference.update import update as update
    from deepcausalmmm_jax.io.program_cache import keep_programs as keep_programs
    from deepcausalmmm_jax.planning.budget_plan import BudgetPlan as BudgetPlan
    from deepcausalmmm_jax.planning.budget_plan import compare as compare
    from deepcausalmmm_jax.planning.experiments.experiment_plan import Experiment as Experiment
    from deepcausalmmm_jax.planning.experiments.experiment_plan import ExperimentPlan as ExperimentPlan
    from deepcausalmmm_jax.planning.experiments.plan_experiments import plan_experiments as plan_experiments
    from deepcausalmmm_jax.planning.fit_hill import fit_hill as fit_hill
    from deepcausalmmm_jax.planning.limits import Limits as Limits
    from deepcausalmmm_jax.planning.optimize_budget import optimize_budget as optimize_budget
    from deepcausalmmm_jax.planning.optimize_from_curves import (
        optimize_budget_from_curves as optimize_budget_from_curves,
    )
    from deepcausalmmm_jax.planning.optimizer.search import Search as Search
    from deepcausalmmm_jax.planning.response_curves import ResponseCurves as ResponseCurves
    from deepcausalmmm_jax.planning.response_curves import response_curves as response_curves
    from deepcausalmmm_jax.planning.saved import load as load
    from deepcausalmmm_jax.planning.scenario import Change as Change
    from deepcausalmmm_jax.planning.scenario import scenario as scenario
    from deepcausalmmm_jax.planning.targets import Targets as Targets
    from deepcausalmmm_jax.plots.report.write import report as report
    from deepcausalmmm_jax.results.compare_runs import RunComparison as RunComparison
    from deepcausalmmm_jax.results.compare_runs import compare_runs as compare_runs
    from deepcausalmmm_jax.results.ensemble import Ensemble as Ensemble
    from deepcausalmmm_jax.results.fit_result import FitResult as FitResult
    from deepcausalmmm_jax.results.kpi_fits import KpiFits as KpiFits
    from deepcausalmmm_jax.results.log_to_mlflow import log_to_mlflow as log_to_mlflow
    from deepcausalmmm_jax.results.provenance import Provenance as Provenance
    from deepcausalmmm_jax.results.run_update import Update as Update
    from deepcausalmmm_jax.trust.confounding import unmeasured_confounding as unmeasured_confounding
    from deepcausalmmm_jax.trust.health import health as health
    from deepcausalmmm_jax.trust.health_card import HealthCard as HealthCard
    from deepcausalmmm_jax.trust.health_card import Verdict as Verdict
    from deepcausalmmm_jax.trust.refutations.refutation import Refutation as Refutation
    from deepcausalmmm_jax.trust.refutations.refute import refute as refute

__version__ = _version_of("deepcausalmmm_jax")

__all__ = [
    # data
    "Panel", "Diagnosis", "read_panel", "panel_from_arrays", "Schema", "to_weeks", "simulate", "Truth",
    "simulate_funnel",
    "Treatment", "Events", "holidays",
    # settings
    "ChannelCurves", "Config", "LiftTest", "Links", "Penalties", "PosteriorSettings", "Priors", "Published", "Training",
    "keep_programs", "read_lift_tests",
    # fits
    "fit", "fit_many", "fit_kpis", "KpiFits", "load", "FitResult", "FitStatus", "from_torch_state_dict",
    "report", "plots",
    # the next month
    "update", "Update", "compare_runs", "RunComparison", "Provenance", "log_to_mlflow",
    # accuracy and uncertainty
    "bootstrap", "cross_validate", "Ensemble", "PosteriorDensity", "posterior_density",
    "prior_predictive", "prior_sensitivity", "sample_posterior",
    # judgement
    "refute", "Refutation", "unmeasured_confounding", "health", "HealthCard", "Verdict",
    # planning
    "optimize_budget", "optimize_budget_from_curves", "BudgetPlan", "Limits", "Search", "Targets", "compare",
    "response_curves", "ResponseCurves", "fit_hill", "scenario", "Change",
    "plan_experiments", "ExperimentPlan", "Experiment",
    # graphs
    "learn_dag", "bootstrap_dag", "LearnedGraph", "GraphGroups", "EdgeFrequencies",
    # errors
    "DeepCausalMMMError", "ConfigError", "DataError", "DataWarning", "FitError", "OutputError", "PlanError",
]  # fmt: skip

_PLACES = {
    "config.curves": ("ChannelCurves",),
    "config.lift_tests": ("LiftTest",),
    "config.links": ("Links",),
    "config.paper": ("Published",),
    "config.penalties": ("Penalties",),
    "config.priors": ("PosteriorSettings", "Priors"),
    "config.settings": ("Config", "Training"),
    "dag.bootstrap_dag": ("bootstrap_dag",),
    "dag.edge_frequencies": ("EdgeFrequencies",),
    "dag.graph_groups": ("GraphGroups",),
    "dag.learn_dag": ("learn_dag",),
    "dag.learned_graph": ("LearnedGraph",),
    "data.diagnosis.diagnosis": ("Diagnosis",),
    "data.files.days": ("to_weeks",),
    "data.files.read_panel": ("read_panel",),
    "data.files.schema": ("Schema",),
    "data.events": ("Events",),
    "data.holidays": ("holidays",),
    "data.panel": ("Panel",),
    "data.treatments": ("Treatment",),
    "data.readers.arrays": ("panel_from_arrays",),
    "data.readers.lift_tests": ("read_lift_tests",),
    "data.simulation.funnel": ("simulate_funnel",),
    "data.simulation.simulate": ("Truth", "simulate"),
    "errors": (
        "ConfigError",
        "DataError",
        "DataWarning",
        "DeepCausalMMMError",
        "FitError",
        "FitStatus",
        "OutputError",
        "PlanError",
    ),
    "inference.bootstrap": ("bootstrap",),
    "inference.cross_validate": ("cross_validate",),
    "inference.fit": ("fit",),
    "inference.fit_kpis": ("fit_kpis",),
    "inference.fit_many": ("fit_many",),
    "inference.from_torch": ("from_torch_state_dict",),
    "inference.prior_predictive": ("prior_predictive", "prior_sensitivity"),
    "inference.posterior_density": ("PosteriorDensity", "posterior_density"),
    "inference.sample_posterior": ("sample_posterior",),
    "inference.update": ("update",),
    "io.program_cache": ("keep_programs",),
    "planning.budget_plan": ("BudgetPlan", "compare"),
    "planning.experiments.experiment_plan": ("Experiment", "ExperimentPlan"),
    "planning.experiments.plan_experiments": ("plan_experiments",),
    "planning.fit_hill": ("fit_hill",),
    "planning.limits": ("Limits",),
    "planning.optimize_budget": ("optimize_budget",),
    "planning.optimize_from_curves": ("optimize_budget_from_curves",),
    "planning.optimizer.search": ("Search",),
    "planning.response_curves": ("ResponseCurves", "response_curves"),
    "planning.scenario": ("Change", "scenario"),
    "planning.saved": ("load",),
    "planning.targets": ("Targets",),
    "plots.report.write": ("report",),
    "results.compare_runs": ("RunComparison", "compare_runs"),
    "results.ensemble": ("Ensemble",),
    "results.fit_result": ("FitResult",),
    "results.kpi_fits": ("KpiFits",),
    "results.log_to_mlflow": ("log_to_mlflow",),
    "results.provenance": ("Provenance",),
    "results.run_update": ("Update",),
    "trust.confounding": ("unmeasured_confounding",),
    "trust.health": ("health",),
    "trust.health_card": ("HealthCard", "Verdict"),
    "trust.refutations.refutation": ("Refutation",),
    "trust.refutations.refute": ("refute",),
}
_PLACE = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used: the whole package takes seconds, most work needs a part of it."""
    if name == "plots":
        return _import_module(f"{__name__}.plots")
    if name not in _PLACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(f"{__name__}.{_PLACE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
