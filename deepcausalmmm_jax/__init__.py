"""Marketing mix modelling on JAX and Flax: what each channel contributed, and how good the forecast is."""

from importlib.metadata import version as _version

from deepcausalmmm_jax import plots as plots
from deepcausalmmm_jax.config.paper import Published as Published
from deepcausalmmm_jax.config.priors import PosteriorSettings as PosteriorSettings
from deepcausalmmm_jax.config.priors import Priors as Priors
from deepcausalmmm_jax.config.settings import Config as Config
from deepcausalmmm_jax.config.settings import Links as Links
from deepcausalmmm_jax.config.settings import Penalties as Penalties
from deepcausalmmm_jax.config.settings import Training as Training
from deepcausalmmm_jax.dag.bootstrap_dag import bootstrap_dag as bootstrap_dag
from deepcausalmmm_jax.dag.edge_frequencies import EdgeFrequencies as EdgeFrequencies
from deepcausalmmm_jax.dag.graph_groups import GraphGroups as GraphGroups
from deepcausalmmm_jax.dag.learn_dag import learn_dag as learn_dag
from deepcausalmmm_jax.dag.learned_graph import LearnedGraph as LearnedGraph
from deepcausalmmm_jax.data.panel import Panel as Panel
from deepcausalmmm_jax.data.simulation.simulate import Truth as Truth
from deepcausalmmm_jax.data.simulation.simulate import simulate as simulate
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
from deepcausalmmm_jax.inference.fit_many import fit_many as fit_many
from deepcausalmmm_jax.inference.from_torch import from_torch_state_dict as from_torch_state_dict
from deepcausalmmm_jax.inference.prior_predictive import prior_predictive as prior_predictive
from deepcausalmmm_jax.inference.prior_predictive import prior_sensitivity as prior_sensitivity
from deepcausalmmm_jax.inference.sample_posterior import sample_posterior as sample_posterior
from deepcausalmmm_jax.io.program_cache import keep_programs as keep_programs
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan as BudgetPlan
from deepcausalmmm_jax.planning.budget_plan import compare as compare
from deepcausalmmm_jax.planning.fit_hill import fit_hill as fit_hill
from deepcausalmmm_jax.planning.limits import Limits as Limits
from deepcausalmmm_jax.planning.optimize_budget import optimize_budget as optimize_budget
from deepcausalmmm_jax.planning.optimize_from_curves import optimize_budget_from_curves as optimize_budget_from_curves
from deepcausalmmm_jax.planning.optimizer.search import Search as Search
from deepcausalmmm_jax.planning.response_curves import ResponseCurves as ResponseCurves
from deepcausalmmm_jax.planning.response_curves import response_curves as response_curves
from deepcausalmmm_jax.planning.scenario import Change as Change
from deepcausalmmm_jax.planning.scenario import scenario as scenario
from deepcausalmmm_jax.planning.targets import Targets as Targets
from deepcausalmmm_jax.plots.report.write import report as report
from deepcausalmmm_jax.results.ensemble import Ensemble as Ensemble
from deepcausalmmm_jax.results.ensemble import load as load
from deepcausalmmm_jax.results.fit_result import FitResult as FitResult

__version__ = _version("deepcausalmmm_jax")

__all__ = [
    # data
    "Panel", "simulate", "Truth",
    # settings
    "Config", "Links", "Penalties", "PosteriorSettings", "Priors", "Published", "Training", "keep_programs",
    # fits
    "fit", "fit_many", "load", "FitResult", "FitStatus", "from_torch_state_dict", "report", "plots",
    # accuracy and uncertainty
    "bootstrap", "cross_validate", "Ensemble", "prior_predictive", "prior_sensitivity", "sample_posterior",
    # planning
    "optimize_budget", "optimize_budget_from_curves", "BudgetPlan", "Limits", "Search", "Targets", "compare",
    "response_curves", "ResponseCurves", "fit_hill", "scenario", "Change",
    # graphs
    "learn_dag", "bootstrap_dag", "LearnedGraph", "GraphGroups", "EdgeFrequencies",
    # errors
    "DeepCausalMMMError", "ConfigError", "DataError", "DataWarning", "FitError", "OutputError", "PlanError",
]  # fmt: skip


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
