"""A fitted model's panel in arrays of whole quarters, so that panels of several lengths share compiled programs."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jax import Array
from jax.typing import ArrayLike

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.room import Room


@dataclass(frozen=True)
class InRoom:
    """What a compiled program reads, and how what it says is cut to the panel's own weeks.

    Attributes:
        inputs: the panel as the model reads it.
        design: of the model.
        n_weeks: of the panel itself.
        room: sizes of the arrays; None of the paper's model, whose arrays are the panel's own.
    """

    inputs: AnyInputs
    design: AnyDesign
    n_weeks: int
    room: Room | None

    @classmethod
    def of(cls, fitted: Fitted, inputs: AnyInputs, design: AnyDesign) -> Self:
        """A fit on a panel.

        Args:
            fitted: the fit.
            inputs: the panel as the model reads it.
            design: of the fitted model.
        """
        n_weeks = inputs.exposure.shape[1]
        if not isinstance(design, Design) or not isinstance(inputs, Inputs):
            return cls(inputs, design, n_weeks, None)
        room = Room.of(n_weeks, fitted.n_training_weeks, fitted.config, fitted.panel.cadence)
        return cls(room.inputs(inputs), room.design(design), n_weeks, room)

    def variables(self, variables: Variables) -> Variables:
        """Variables of the fitted model, or of several with a leading axis."""
        return variables if self.room is None else self.room.variables(variables)

    def by_week(self, array: ArrayLike) -> Array:
        """An array `[..., week]`, on the device: zero in the weeks that are added."""
        return single(array if self.room is None else self.room.by_week(array))

    def cut(self, array: ArrayLike) -> np.ndarray:
        """The panel's own weeks of `[..., week]`, on the host."""
        return np.asarray(array)[..., : self.n_weeks]

    def cut_components(self, terms: Components) -> Components:
        """The panel's own weeks of all terms, on the host."""
        return Components(*(np.asarray(term)[:, : self.n_weeks] for term in terms))  # type: ignore[arg-type]

    def cut_internals(self, inside: Internals) -> Internals:
        """The panel's own weeks of what the model computes on its way, host arrays."""
        own = slice(0, self.n_weeks)
        return inside._replace(
            variation=inside.variation[:, own],
            coefficient=inside.coefficient[:, own],
            demand=None if inside.demand is None else inside.demand[:, own],
        )
