"""How firmly the priors hold the parameters of the curves."""

from typing import cast

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.log_prior import curve_penalty
from deepcausalmmm_jax.model.media import Media
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.prior_scales import PriorScales

_LEAST = 0.05  # of a precision: far from its median a prior of logs is not convex in the unconstrained parameter


def curve_precisions(
    parameters: Parameters, inputs: Inputs[Array], scales: PriorScales, design: Design
) -> dict[str, Array]:
    """Curvature of minus the log prior by each unconstrained parameter that a channel's curve has.

    Args:
        parameters: of the model; their place decides the curvature of a stated prior.
        inputs: for the stated priors.
        scales: prior scales.
        design: for the kinds of curves.

    Returns:
        By name in `MediaParameters`, `[channel]` each.
    """
    media = parameters.media
    by_channel = {name: own for name, own in media._asdict().items() if own is not None and own.ndim == 1}

    def penalty(moved: dict[str, Array]) -> Array:
        own = media._replace(**moved)
        module = Media(design.kinds, design.min_slope)
        curves = cast(MediaCurves, module.apply({"params": own.as_flax()}, method="curves"))
        return curve_penalty(parameters._replace(media=own), curves, scales, inputs, design.kinds)

    def curvature(name: str) -> Array:
        def slope(own: Array) -> Array:
            return jax.grad(penalty)(by_channel | {name: own})[name]

        # Channels do not share a term, so that one direction gives the whole diagonal.
        return jax.jvp(slope, (by_channel[name],), (jnp.ones_like(by_channel[name]),))[1]

    return {name: jnp.maximum(curvature(name), _LEAST) for name in by_channel}
