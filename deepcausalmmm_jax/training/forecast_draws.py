"""Uncertainty of a forecast: of the state after training, and of its movement in the weeks ahead."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.forecast_state import ForecastValues
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.model.structural import predicted
from deepcausalmmm_jax.training.forecast_state import Filter, FilteredSeries, filters, shock
from deepcausalmmm_jax.training.structural import structural_model


class Process(NamedTuple):
    """State and process noise of the national level, or of the regions' deviations from it."""

    covariance: Array  # [..., term + 2, term + 2], of level, AR(1) component and season in the first week ahead
    level_step: Array  # standard deviation of the level's change in a week
    ar1_step: Array  # standard deviation of a week's innovation of the AR(1) component
    fade: Array  # share of the AR(1) component that is left after a week


class ForecastDistribution(NamedTuple):
    """Forecast of the weeks after training and the distribution of its errors, scaled units."""

    prediction: Array  # [region, week]
    national: Process
    regional: Process
    shock: Array  # standard deviation of a week's shock that all regions share
    noise: Array  # [region], standard deviation of a region's own noise in a week; of counts, beyond chance


@jit_once("design", "start")
def forecast_distributions(
    variables: Variables, inputs: Inputs[Array], weights: Array, scales: PriorScales, *, design: Design, start: int
) -> ForecastDistribution:
    """Forecast distribution of each set of variables, `[replicate, ...]`.

    Args:
        variables: of the model, with a leading axis `[replicate]`.
        inputs: the panel and the weeks after it.
        weights: `[region, week]` of the same weeks, 0 in weeks the fit does not learn from.
        scales: prior scales.
        design: of the model.
        start: position of the first week after training.
    """

    def one(own: Variables) -> ForecastDistribution:
        components, internals = predicted(structural_model(design), own, inputs)
        both = filters(components, internals, inputs, weights, scales, design.step_weeks)
        return _distribution(components, internals, inputs, both, ForecastValues.of(own), start)

    return jax.lax.map(one, variables)


def _distribution(
    components: Components,
    internals: Internals,
    inputs: Inputs[Array],
    both: tuple[Filter, Filter],
    state: ForecastValues,
    start: int,
) -> ForecastDistribution:
    filter_national, filter_regional = both
    national, regional = filter_national(state.national_log_ratios), filter_regional(state.regional_log_ratios)
    n_regions = inputs.kpi.shape[0]
    several = jnp.asarray(1.0 if n_regions > 1 else 0.0)  # a single region is the national level
    # Deviations from the regions' mean lack the part of the noise that is in the mean, one over the number of regions.
    spread = np.sqrt(n_regions / (n_regions - 1.0)) if n_regions > 1 else 1.0

    def process(filtered: FilteredSeries, share: Array) -> Process:
        found, fade = filtered.scales, jnp.exp(-1.0 / filtered.scales.time_scale)
        ar1_step = found.ar1 * jnp.sqrt(1.0 - fade**2)
        return Process(share * filtered.state.covariance, share * found.level_step, share * ar1_step, fade)

    return ForecastDistribution(
        prediction=components.prediction()[:, start:],
        national=process(national, jnp.ones(())),
        regional=process(regional, several),
        shock=shock(internals, state.national_log_ratios),
        noise=internals.noise
        if inputs.count_unit is not None
        else internals.noise * jnp.exp(several * state.regional_log_ratios[-1]) * spread,
    )
