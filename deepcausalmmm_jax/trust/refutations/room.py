"""Room for one more channel and one more control, so that all refits of a test share one compiled program."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.data.stated_priors import StatedPriors
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.windows import padded

_GRU_INPUT = "input_kernel"  # its rows are activity, controls and calendar, in this order


@partial(jax.jit, static_argnames="design")  # as one program instead of one for every array
def with_room(inputs: Inputs[Array], design: Design) -> Inputs[Array]:
    """The same inputs in the arrays of a larger design: empty channels, controls and knots come last.

    An empty channel has no exposure, no links and an unstated prior; an empty control is 0 in every week. Neither has
    any part in the prediction. In the likelihood of the exposure an empty channel repeats the first one: without
    innovations, the scale of its equation would shrink for ever, and training would not end.

    Args:
        inputs: the panel.
        design: the larger sizes.
    """
    longer = padded(inputs, inputs.exposure.shape[1], design.n_knots, design.n_region_knots)
    channels = design.n_channels - inputs.exposure.shape[2]
    controls = design.n_controls - inputs.control.shape[2]

    def wider(array: Array, fill: float = 0.0, more: int = channels) -> Array:
        return jnp.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)], constant_values=fill)

    def repeated(array: Array) -> Array:
        return jnp.concatenate([array, jnp.repeat(array[..., :1], channels, axis=-1)], axis=-1)

    innovations, stated, tests = longer.innovations, inputs.stated_priors, longer.lift_tests
    if tests is not None:
        scale, centre = wider(tests.demand_scale), wider(tests.demand_centre)
        tests = tests._replace(demand_scale=scale, demand_centre=centre)
    square = [(0, 0), (0, channels), (0, channels)]
    return longer._replace(
        exposure=wider(longer.exposure),
        lift_tests=tests,
        as_it_ran=None if longer.as_it_ran is None else wider(longer.as_it_ran),
        contacts=None if longer.contacts is None else Contacts(*(wider(part, 1.0) for part in longer.contacts)),
        intensity=wider(longer.intensity),
        history=wider(longer.history),
        burst=wider(longer.burst, 1.0),
        control=wider(longer.control, more=controls),
        innovations=innovations._replace(
            regional=repeated(innovations.regional),
            national=repeated(innovations.national),
            on_air=repeated(innovations.on_air),
            unit=repeated(innovations.unit),
        ),
        graph_constraints=GraphConstraints(*(jnp.pad(part, square) for part in inputs.graph_constraints)),
        stated_priors=StatedPriors(
            **{
                name: wider(part, more=controls if name == "control_sign" else channels)
                for name, part in stated._asdict().items()
                if part is not None
            }
        ),
    )


def placed_in_room(variables: Variables, template: Variables, plain: Design, design: Design) -> Variables:
    """Variables of a model within those of a larger one; what is new is taken from the template.

    Args:
        variables: of the plain model.
        template: variables of the larger model, such as a random start.
        plain: sizes of the plain model.
        design: sizes of the larger one.
    """

    def placed(name: str, own: Any, larger: Any) -> Any:
        if isinstance(larger, Mapping):
            return {key: placed(key, own[key], part) if key in own else part for key, part in larger.items()}
        own, made = np.asarray(own), np.array(larger)
        made[_place(name, own.shape, plain, design)] = own
        return made

    found: Variables = {key: placed(key, variables[key], part) for key, part in template.items()}
    return found


def without_room(variables: Variables, template: Variables, plain: Design, design: Design) -> Variables:
    """Variables of a larger model without its empty channels, controls and knots; the inverse of `placed_in_room`.

    Args:
        variables: of the larger model.
        template: variables of the plain model, or their shapes.
        plain: sizes of the plain model.
        design: sizes of the larger one.
    """

    def cut(name: str, larger: Any, own: Any) -> object:
        if isinstance(own, Mapping):
            return {key: cut(key, larger[key], part) for key, part in own.items()}
        return np.asarray(larger)[_place(name, own.shape, plain, design)]

    found: Variables = {key: cut(key, variables[key], part) for key, part in template.items()}
    return found


def _place(name: str, shape: tuple[int, ...], plain: Design, design: Design) -> tuple[np.ndarray | slice, ...]:
    """Where an array of the plain model stands in that of the larger one: first, but for the rows of the GRU."""
    if name != _GRU_INPUT:
        return tuple(slice(0, size) for size in shape)
    row = np.arange(shape[0])
    after_channels = (row >= plain.n_channels) * (design.n_channels - plain.n_channels)
    after_controls = (row >= plain.n_channels + plain.n_controls) * (design.n_controls - plain.n_controls)
    return row + after_channels + after_controls, slice(None)
