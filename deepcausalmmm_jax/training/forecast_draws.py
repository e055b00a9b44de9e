"""How the KPI may depart from its forecast: what is not known of the state after training, and how it moves on."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.settings import Penalties
from deepcausalmmm_jax.model.inputs import Design, Inputs
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.training.forecast_state import Filtered, shock, trackers
from deepcausalmmm_jax.training.structural import structural_model


class Course(NamedTuple):
    """Of the nation, or of the regions' deviations from it."""

    covariance: Array  # [..., term + 2, term + 2], of level, swing and season in the first week after training
    level_step: Array  # standard deviation of the level's change in a week
    swing_step: Array  # standard deviation of what a week adds to the swing
    fade: Array  # share of a swing that is left after a week


class Outlook(NamedTuple):
    """Forecast of the weeks after training and how it may be missed, scaled units."""

    prediction: Array  # [region, week]
    nation: Course
    regions: Course
    shock: Array  # standard deviation of a week's shock that all regions share
    noise: Array  # [region], standard deviation of a region's own noise in a week


@partial(jax.jit, static_argnames=("design", "start"))
def outlooks(
    variables: Any, inputs: Inputs, weights: Array, penalties: Penalties, *, design: Design, start: int
) -> Outlook:
    """Outlook of each set of variables `[replicate, ...]`.

    Args:
        variables: of the model, with a leading axis.
        inputs: the panel and the weeks after it.
        weights: `[region, week]` of the same weeks, 0 in weeks not learned from.
        penalties: prior scales.
        design: of the model.
        start: position of the first week after training.
    """

    def one(own: Any) -> Outlook:
        outcome: Any = structural_model(design).apply(own, inputs)
        components, internals = outcome
        state = own["fitted"]["present"]["state"]
        return _outlook(components, internals, inputs, weights, penalties, state, start)

    return jax.lax.map(one, variables)


def _outlook(
    components: Components,
    internals: Internals,
    inputs: Inputs,
    weights: Array,
    penalties: Penalties,
    state: dict[str, Array],
    start: int,
) -> Outlook:
    of_nation, of_regions = trackers(components, internals, inputs, weights, penalties)
    nation, regions = of_nation(state["national_scales"]), of_regions(state["regional_scales"])
    n_regions = inputs.kpi.shape[0]
    several = jnp.asarray(1.0 if n_regions > 1 else 0.0)  # a single region is the nation
    # Deviations from the nation lack what the regions' noise has in common by chance: a share of one over their number.
    spread = np.sqrt(n_regions / (n_regions - 1.0)) if n_regions > 1 else 1.0

    def course(filtered: Filtered, share: Array) -> Course:
        motion, fade = filtered.motion, jnp.exp(-1.0 / filtered.motion.memory)
        added = motion.swing * jnp.sqrt(1.0 - fade**2)
        return Course(share * filtered.state.covariance, share * motion.level_step, share * added, fade)

    return Outlook(
        prediction=components.prediction()[:, start:],
        nation=course(nation, jnp.ones(())),
        regions=course(regions, several),
        shock=shock(internals.noise, state["national_scales"]),
        noise=internals.noise * jnp.exp(several * state["regional_scales"][-1]) * spread,
    )
