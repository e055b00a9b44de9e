"""Larger arrays than a panel needs, so that panels of several lengths share their compiled programs."""

import dataclasses
from typing import NamedTuple, Self

import jax
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.inputs import Inputs, knot_weeks
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.windows import padded_on_host

_WHOLE = 13  # steps, a quarter of weeks: arrays are padded to a multiple of it


def whole_quarters(n_weeks: int) -> int:
    """Steps of a panel, rounded up so that they are quarters of weeks."""
    return -(-n_weeks // _WHOLE) * _WHOLE


class Room(NamedTuple):
    """Sizes of arrays, no smaller than those of the panel.

    What is added has no part in any estimate: empty weeks come after the last, and knots that no week is near.
    """

    weeks: int  # steps of the panel
    knots: int  # of the national trend
    region_knots: int

    @classmethod
    def of(cls, n_weeks: int, n_training_weeks: int, config: Config, cadence: Cadence) -> Self:
        """Room for all panels with so many steps, and training steps, once both are rounded up to whole quarters."""
        trained = whole_quarters(n_training_weeks)
        spacings = (config.knot_spacing, config.region_knot_spacing)
        knots, region_knots = (len(knot_weeks(trained, cadence.steps(spacing))) for spacing in spacings)
        return cls(whole_quarters(n_weeks), knots, region_knots)

    def design(self, design: Design) -> Design:
        """The model in such arrays."""
        return dataclasses.replace(design, n_knots=self.knots, n_region_knots=self.region_knots)

    def inputs(self, inputs: Inputs[Array]) -> Inputs[Array]:
        """A panel in such arrays."""
        if self == (*inputs.trend_basis.shape, inputs.region_trend_basis.shape[1]):
            return inputs
        return padded_on_host(inputs, self.weeks, self.knots, self.region_knots)

    def by_week(self, array: ArrayLike) -> np.ndarray:
        """An array `[..., week]` with zeros in the weeks that are added."""
        own = np.asarray(array)
        return np.pad(own, [(0, 0)] * (own.ndim - 1) + [(0, self.weeks - own.shape[-1])])

    def variables(self, variables: Variables) -> Variables:
        """Variables of the model with so many knots, new ones like the last; all may have a leading axis, of draws."""
        own = Parameters.of(variables["params"])
        national, regional = self.knots - own.trend.shared.shape[-1], self.region_knots - own.trend.region.shape[-1]
        if not national and not regional:
            return variables
        longer = own._replace(
            trend=own.trend._replace(
                shared=_longer(own.trend.shared, -1, national), region=_longer(own.trend.region, -1, regional)
            ),
            coefficients=own.coefficients._replace(path=_longer(own.coefficients.path, -2, national)),
        )
        return {"params": longer.as_flax(), "fitted": variables["fitted"]}


def without_room(variables: Variables, design: Design) -> Variables:
    """Variables of the model without the knots that were added, numpy arrays; all may have a leading axis, of draws."""
    n_knots, n_region_knots = design.n_knots, design.n_region_knots
    own = Parameters.of(jax.tree.map(np.asarray, variables["params"]))
    cut = own._replace(
        trend=own.trend._replace(shared=own.trend.shared[..., :n_knots], region=own.trend.region[..., :n_region_knots]),
        coefficients=own.coefficients._replace(path=own.coefficients.path[..., :n_knots, :]),
    )
    return {"params": cut.as_flax(), "fitted": jax.tree.map(np.asarray, variables["fitted"])}


def _longer(array: ArrayLike, axis: int, more: int) -> Array:
    """The array with its last entry along an axis repeated."""
    own = np.asarray(array)
    widths = [(0, 0)] * own.ndim
    widths[axis] = (0, more)
    placed: Array = on_device(np.pad(own, widths, mode="edge"))
    return placed
