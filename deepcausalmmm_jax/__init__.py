"""Marketing mix modelling on JAX and Flax: what each channel contributed, and how good the forecast is."""

from importlib.metadata import version as _version

from deepcausalmmm_jax import plots as plots
from deepcausalmmm_jax.analysis.hill_fit import fit_hill as fit_hill
from deepcausalmmm_jax.bootstrapping import bootstrap as bootstrap
from deepcausalmmm_jax.budgeting import optimize_budget as optimize_budget
from deepcausalmmm_jax.compilation import keep_programs as keep_programs
from deepcausalmmm_jax.config import Config as Config
from deepcausalmmm_jax.config import Links as Links
from deepcausalmmm_jax.config import Penalties as Penalties
from deepcausalmmm_jax.config import Training as Training
from deepcausalmmm_jax.curve_planning import optimize_budget_from_curves as optimize_budget_from_curves
from deepcausalmmm_jax.data.panel import Panel as Panel
from deepcausalmmm_jax.data.synthetic import Truth as Truth
from deepcausalmmm_jax.data.synthetic import simulate as simulate
from deepcausalmmm_jax.ensemble import Ensemble as Ensemble
from deepcausalmmm_jax.ensemble import load as load
from deepcausalmmm_jax.errors import ConfigError as ConfigError
from deepcausalmmm_jax.errors import DataError as DataError
from deepcausalmmm_jax.errors import DataWarning as DataWarning
from deepcausalmmm_jax.errors import DeepCausalMMMError as DeepCausalMMMError
from deepcausalmmm_jax.errors import FitError as FitError
from deepcausalmmm_jax.errors import FitStatus as FitStatus
from deepcausalmmm_jax.errors import OutputError as OutputError
from deepcausalmmm_jax.errors import PlanError as PlanError
from deepcausalmmm_jax.fitting import fit as fit
from deepcausalmmm_jax.fitting_many import fit_many as fit_many
from deepcausalmmm_jax.inference.posterior import sample_posterior as sample_posterior
from deepcausalmmm_jax.inference.prior import prior_predictive as prior_predictive
from deepcausalmmm_jax.inference.prior import prior_sensitivity as prior_sensitivity
from deepcausalmmm_jax.plan import BudgetPlan as BudgetPlan
from deepcausalmmm_jax.plan import compare as compare
from deepcausalmmm_jax.priors import PosteriorSettings as PosteriorSettings
from deepcausalmmm_jax.priors import Priors as Priors
from deepcausalmmm_jax.published import Published as Published
from deepcausalmmm_jax.responding import ResponseCurves as ResponseCurves
from deepcausalmmm_jax.responding import response_curves as response_curves
from deepcausalmmm_jax.result import FitResult as FitResult
from deepcausalmmm_jax.result import report as report
from deepcausalmmm_jax.scenarios import Change as Change
from deepcausalmmm_jax.scenarios import scenario as scenario
from deepcausalmmm_jax.structure import EdgeFrequencies as EdgeFrequencies
from deepcausalmmm_jax.structure import LearnedGraph as LearnedGraph
from deepcausalmmm_jax.structure import bootstrap_dag as bootstrap_dag
from deepcausalmmm_jax.structure import learn_dag as learn_dag
from deepcausalmmm_jax.taking_over import from_torch_state_dict as from_torch_state_dict
from deepcausalmmm_jax.validation import cross_validate as cross_validate

__version__ = _version("deepcausalmmm_jax")
