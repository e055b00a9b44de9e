"""The models there are: the structural one, and the paper's."""

from deepcausalmmm_jax.model.inputs import Design
from deepcausalmmm_jax.model.paper.inputs import PaperDesign

AnyDesign = Design | PaperDesign
