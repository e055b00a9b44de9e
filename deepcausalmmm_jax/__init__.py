"""Marketing mix modelling on JAX and Flax: what each channel contributed, and how good the forecast is."""

from importlib.metadata import version as _version

from deepcausalmmm_jax import plots as plots
from deepcausalmmm_jax.bootstrapping import bootstrap as bootstrap
from deepcausalmmm_jax.config import Config as Config
from deepcausalmmm_jax.config import Links as Links
from deepcausalmmm_jax.config import Penalties as Penalties
from deepcausalmmm_jax.config import Training as Training
from deepcausalmmm_jax.data.panel import Panel as Panel
from deepcausalmmm_jax.data.synthetic import Truth as Truth
from deepcausalmmm_jax.data.synthetic import simulate as simulate
from deepcausalmmm_jax.ensemble import Ensemble as Ensemble
from deepcausalmmm_jax.ensemble import load as load
from deepcausalmmm_jax.errors import ConfigError as ConfigError
from deepcausalmmm_jax.errors import DataError as DataError
from deepcausalmmm_jax.errors import DeepCausalMMMError as DeepCausalMMMError
from deepcausalmmm_jax.errors import FitError as FitError
from deepcausalmmm_jax.errors import FitStatus as FitStatus
from deepcausalmmm_jax.errors import OutputError as OutputError
from deepcausalmmm_jax.fitting import fit as fit
from deepcausalmmm_jax.priors import Priors as Priors
from deepcausalmmm_jax.published import Published as Published
from deepcausalmmm_jax.result import FitResult as FitResult
from deepcausalmmm_jax.result import report as report
from deepcausalmmm_jax.structure import EdgeFrequencies as EdgeFrequencies
from deepcausalmmm_jax.structure import LearnedGraph as LearnedGraph
from deepcausalmmm_jax.structure import bootstrap_dag as bootstrap_dag
from deepcausalmmm_jax.structure import learn_dag as learn_dag
from deepcausalmmm_jax.taking_over import from_torch_state_dict as from_torch_state_dict
from deepcausalmmm_jax.validation import cross_validate as cross_validate

__version__ = _version("deepcausalmmm_jax")
