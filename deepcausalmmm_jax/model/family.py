"""The two model families as types: the structural model, which is the default, and the paper's."""

from jax import Array

from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, PaperInputs
from deepcausalmmm_jax.model.paper.module import PaperMMM
from deepcausalmmm_jax.model.structural import StructuralMMM

AnyDesign = Design | PaperDesign
AnyInputs = Inputs[Array] | PaperInputs
AnyModel = StructuralMMM | PaperMMM


def without_demand(inputs: AnyInputs) -> AnyInputs:
    """Inputs whose hidden demand is left out, for differences between predictions, which it does not change."""
    return inputs._replace(as_it_ran=None) if isinstance(inputs, Inputs) else inputs
