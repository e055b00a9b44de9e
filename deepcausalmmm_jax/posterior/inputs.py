"""What the posterior reads: training weeks in double precision, and what it takes as fixed from a fit."""

import dataclasses
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.inputs import WEEKS_IN_QUARTER, Inputs
from deepcausalmmm_jax.data.kpi_link import local_means
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.data.stated_priors import StatedPriors, states_shares
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.model.counts import working
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.graph import blend_by_region
from deepcausalmmm_jax.posterior.variation import variation_basis
from deepcausalmmm_jax.training.fitted import Fitted

_TREND_WEEKS = 4  # between knots of the national trend; faster changes are persistence of the residuals


class Counts(NamedTuple):
    """A KPI that is counted."""

    observed: Array  # [region, week]
    unit: Array  # [region], count of 1 on the scale of the model
    chance: Array  # [region, week], variance that the chance of counting gives the log of the mean


@flax.struct.dataclass
class PosteriorInputs:
    """Arrays of the training weeks, with graph and noise levels from the fit.

    Attributes:
        exposure: `[week, channel, region]`, scaled.
        intensity: `[channel, region]`.
        history: `[channel, region]`.
        burst: `[channel]`.
        blend: `[channel, channel]`, of the channel graph, fixed; `[region, channel, channel]` of graphs by group.
        variation: `[week, term]`, of what coefficients may vary by over time, see `variation_basis`; no term where they
            are held constant.
        kpi: `[region, week]`, scaled, and shifted to a mean of 1 where it has another.
        kpi_level: `[region]`, its mean before the shift.
        weights: `[region, week]`, the panel's; 0 in weeks the fit does not learn from.
        robust: `[region, week]`, factor on the weight, below 1 for outliers.
        noise_ratio: `[region]`, noise of a region relative to the geometric mean over regions.
        unit: `[region]`, a region's mean week as a share of the KPI of all.
        ramps: `[week, step]`, steps of the national trend, centred; each of standard deviation 1 a quarter.
        region_ramps: `[week, region_step]`, of a region's own trend.
        season: `[week, term]`.
        peaks: `[term]`, 1 where a term belongs to a pair beyond the second, else 0.
        control: `[region, week, control]`, z-scores.
        control_sign: `[control]`, 1, -1, or 0 for either.
        stated: stated priors of channels.
        kinds: of the channels' curves.
        min_slope: lower bound of the slope.
        has_peaks: whether the season has pairs beyond the second with a prior scale of their own.
        has_signs: whether any control has a sign.
        lift_tests: of the training weeks; None where there are none.
        contacts: per person reached, `each` as `[week, channel, region]`; None without reach and frequency.
        counts: of a KPI that is counted, whose `kpi` are the normal observations that stand for it; None of any other.
        power: that the likelihood of the KPI is raised to, see `training.coarsening`.
        states_lost: whether a share is stated under a log link, where it is what is lost without the channel.
        which: position in `SATURATIONS` of the kind of channels that may have any; None where kinds are known.
        has_shares: whether anything is stated of the share of a channel, or of all.
    """

    exposure: Array
    intensity: Array
    history: Array
    burst: Array
    blend: Array
    variation: Array
    kpi: Array
    kpi_level: Array
    weights: Array
    robust: Array
    noise_ratio: Array
    unit: Array
    ramps: Array
    region_ramps: Array
    season: Array
    peaks: Array
    control: Array
    control_sign: Array
    stated: StatedPriors[Array]
    kinds: CurveKinds = flax.struct.field(pytree_node=False)
    min_slope: float = flax.struct.field(pytree_node=False)
    has_peaks: bool = flax.struct.field(pytree_node=False)
    has_signs: bool = flax.struct.field(pytree_node=False)
    lift_tests: LiftTests[Array] | None = None
    contacts: Contacts[Array] | None = None
    counts: Counts | None = None
    power: Array | float = 1.0
    states_lost: bool = flax.struct.field(pytree_node=False, default=False)
    which: Array | None = None
    has_shares: bool = flax.struct.field(pytree_node=False, default=False)

    def has(self, parameter: str) -> bool:
        """Whether any channel's curves have a parameter."""
        return any(self.kinds.having(parameter))


def expanded(inputs: PosteriorInputs, log_mean: Array, noise: Array) -> PosteriorInputs:
    """Inputs whose normal observations stand for the counts near other means.

    Args:
        inputs: of a KPI that is counted.
        log_mean: `[region, week]`, log of the mean counts.
        noise: `[region]`, spread of the means beyond the chance of counting.
    """
    counts = inputs.counts
    assert counts is not None
    found = working(counts.observed, log_mean, noise[:, None])
    scaled = log_mean - jnp.log(counts.unit)[:, None] + 1.0 + found.excess
    kpi = jnp.where(inputs.weights > 0, scaled - (inputs.kpi_level - 1.0)[:, None], 0.0)
    return dataclasses.replace(inputs, kpi=kpi, counts=counts._replace(chance=found.variance - noise[:, None] ** 2))


def at_constant_coefficients(inputs: PosteriorInputs) -> PosteriorInputs:
    """The inputs of a posterior in which coefficients do not vary over time."""
    return dataclasses.replace(inputs, variation=inputs.variation[:, :0])


class Knots(NamedTuple):
    """Values of the ramps at the model's knots, which turn steps into the model's parameters."""

    trend: np.ndarray  # [knot, step]
    region: np.ndarray  # [region_knot, region_step]
    variation: np.ndarray  # [knot, term], of the variation of coefficients over time


def posterior_inputs(
    fitted: Fitted, inputs: Inputs[Array], design: Design, blend: ArrayLike, noise: ArrayLike
) -> tuple[PosteriorInputs, Knots]:
    """`PosteriorInputs` of a fit, and the `Knots` of its trends; call it with double precision enabled.

    Args:
        fitted: the fit.
        inputs: its panel.
        design: of its model.
        blend: `[*group, channel, channel]`, of the channel graph.
        noise: `[region]`, standard deviation of the residual innovations.
    """
    n, step = fitted.n_training_weeks, design.step_weeks
    in_quarter = WEEKS_IN_QUARTER / step

    def host(array: ArrayLike) -> np.ndarray:  # where no program is compiled for every number of weeks
        return np.asarray(array, np.float64)

    def double(array: ArrayLike) -> Array:
        placed: Array = on_device(host(array))
        return placed

    weights = fitted.weights[:, :n]
    exposure, variation = np.moveaxis(host(inputs.exposure)[:, :n], 0, -1), variation_basis(n, step)
    steps, at_knots = _ramps(n, n_trend_steps(n, step), design.n_knots, in_quarter)
    region_steps, at_region_knots = _ramps(n, max(design.n_region_knots - 1, 1), design.n_region_knots, in_quarter)
    noise_levels = np.asarray(noise, np.float64)
    sign = np.asarray(inputs.stated_priors.control_sign)
    level = host(inputs.kpi_level)
    made = PosteriorInputs(
        exposure=double(exposure),
        intensity=double(inputs.intensity).T,
        history=double(inputs.history).T,
        burst=double(inputs.burst),
        blend=double(blend_by_region(jnp.asarray(blend), inputs.innovations.in_group)),
        variation=double(variation),
        kpi=double(host(inputs.kpi)[:, :n] - (level - 1.0)[:, None]),
        kpi_level=double(level),
        weights=double(weights),
        robust=double(np.ones(weights.shape)),
        noise_ratio=double(noise_levels / np.exp(np.log(noise_levels).mean())),
        unit=double(inputs.kpi_unit),
        ramps=double(steps),
        region_ramps=double(region_steps),
        season=double(host(inputs.season_basis)[:n]),
        peaks=double(inputs.season_peaks),
        control=double(host(inputs.control)[:, :n]),
        control_sign=double(sign),
        stated=jax.tree.map(double, inputs.stated_priors),
        kinds=design.kinds,
        min_slope=design.min_slope,
        has_peaks=bool(np.any(host(inputs.season_peaks))),
        has_signs=bool((sign != 0).any()),
        has_shares=states_shares(inputs.stated_priors),
        lift_tests=_lift_tests(inputs.lift_tests, n),
        contacts=_contacts(inputs.contacts, n),
        states_lost=design.link == "log" and states_shares(inputs.stated_priors),
    )
    if inputs.count_unit is not None:
        counts, unit = double(inputs.kpi)[:, :n] * double(inputs.count_unit)[:, None], double(inputs.count_unit)
        made = dataclasses.replace(made, counts=Counts(counts, unit, jnp.ones(counts.shape)))
        made = expanded(made, jnp.log(double(local_means(np.asarray(counts), weights))), double(noise_levels))
    return made, Knots(at_knots, at_region_knots, _between(variation, design.n_knots))


def _contacts(contacts: Contacts[Array] | None, n_weeks: int) -> Contacts[Array] | None:
    """Contacts in the training weeks, regions last, in double precision."""
    if contacts is None:
        return None
    each = np.moveaxis(np.asarray(contacts.each, np.float64)[:, :n_weeks], 0, -1)
    return Contacts(jnp.asarray(each), jnp.asarray(np.asarray(contacts.usual, np.float64)))


def _lift_tests(tests: LiftTests[Array] | None, n_weeks: int) -> LiftTests[Array] | None:
    """The tests in the training weeks, in double precision."""
    if tests is None:
        return None
    whole = {name: jnp.asarray(np.asarray(array), jnp.float64) for name, array in tests._asdict().items()}
    cut = {name: whole[name][:, :, :n_weeks] for name in ("other", "counted")}
    return LiftTests(**whole | cut | {"channel": jnp.asarray(np.asarray(tests.channel))})


def _between(basis: np.ndarray, n_knots: int) -> np.ndarray:
    """The terms `[week, term]` at the model's knots, which lie evenly between the first week and the last."""
    weeks = np.arange(len(basis))
    at = np.linspace(0.0, len(basis) - 1.0, n_knots)
    return np.stack([np.interp(at, weeks, term) for term in basis.T], axis=1)


def n_trend_steps(n_weeks: int, step_weeks: float) -> int:
    """Steps of the national trend over so many steps of a panel, each of which is `step_weeks` long."""
    return max(1, round((n_weeks - 1) / max(1.0, _TREND_WEEKS / step_weeks)))


def _ramps(n_weeks: int, n_steps: int, n_knots: int, in_quarter: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps of a random walk `[week, step]`, centred over the weeks, and their values at the model's knots.

    Args:
        n_weeks: steps of the panel.
        n_steps: of the walk.
        n_knots: of the model's trend.
        in_quarter: steps of the panel in a quarter.
    """
    ends = np.linspace(0.0, n_weeks - 1.0, n_steps + 1)
    size = np.sqrt(np.diff(ends) / in_quarter)

    def at(weeks: np.ndarray) -> np.ndarray:
        return np.clip((weeks[:, None] - ends[:-1]) / np.diff(ends), 0.0, 1.0) * size

    weeks = at(np.arange(float(n_weeks)))
    return weeks - weeks.mean(axis=0), at(np.linspace(0.0, n_weeks - 1.0, n_knots))
