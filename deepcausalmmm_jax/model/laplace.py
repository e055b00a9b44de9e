"""Laplace terms: the part of the evidence by which the data decide how far each part of the model may move."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.inputs import WEEKS_IN_QUARTER
from deepcausalmmm_jax.model.coefficients import DRIFT_WEEKS, is_constant_in_training
from deepcausalmmm_jax.model.outputs import Internals
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.model.training_data import TrainingData
from deepcausalmmm_jax.ops.autoregression import whitened
from deepcausalmmm_jax.ops.weekly_loop import scan_weeks


def laplace_terms(
    media: Array,
    internals: Internals,
    data: TrainingData,
    scales: PriorScales,
    step_weeks: float = 1.0,
    precision: Array | None = None,
) -> dict[str, Array]:
    r"""Laplace's correction for what is estimated rather than known, $\frac12 \log |1 + s^2 I|$ by family of terms.

    The penalties alone favour the best single value of each quantity; what counts is the fit averaged over all its
    likely values (MacKay 1992, "Bayesian interpolation", where this is the Occam factor). Penalty and Laplace term
    together are the negative log evidence of the prior scale s: the Laplace term penalises a scale that is too large,
    the penalty one that is too small. The information I is computed quantity by quantity, and for paths over time by
    the Kalman filter's recursion of variances.

    Args:
        media: `[week, channel, region]`, contributions, scaled.
        internals: noise, share of the region-weeks that counts as independent, and persistence of the residuals: slow
            variation is known less well where residuals vary slowly too.
        data: the panel.
        scales: s by family.
        step_weeks: length of a step of the panel, weeks.
        precision: `[region]`, of a week's count on the log of its mean; None where the KPI is not counted.

    Returns:
        Scalars by family, nats.
    """
    if precision is None:
        persistence, per_noise = internals.persistence, internals.effective / internals.noise**2
    else:
        persistence, per_noise = jnp.zeros(()), internals.effective * precision
    trained, weight, total = data.weights[:, None] > 0, data.weights[:, None], data.weights.sum(axis=0)
    season, control = (energy.at(persistence) * per_noise for energy in (data.season, data.control))
    # A region's level absorbs the mean over weeks of a channel's innovations.
    mean = (media * weight).sum(axis=0) / jnp.maximum(total, 1e-6)
    innovations = whitened(media, trained, persistence)
    level_innovations = whitened(jnp.ones_like(weight), trained, persistence)
    channel = (weight * (innovations - mean * level_innovations) ** 2).sum(axis=0) * per_noise
    lost = _lost_to_shocks(internals, data)
    drift = (weight * innovations**2 * per_noise).sum(axis=-1) - lost(innovations)
    steps, region_steps = data.inputs.trend_step, data.inputs.region_trend_step
    n_knots, n_region_knots = (1.0 + jnp.isfinite(step).sum() for step in (steps, region_steps))
    by_region, in_quarter = total * per_noise, WEEKS_IN_QUARTER / step_weeks
    national = by_region.sum() - lost(jnp.ones_like(weight)).sum()
    seen = national / jnp.maximum(by_region.sum(), 1e-6)  # a season that all regions share is seen as their trend is
    shared_season, peaks = seen * season.sum(axis=-1), data.inputs.season_peaks
    centred = data.regions_last.control - data.control_mean
    shared_control = control.sum(axis=-1) - lost(whitened(centred, trained, persistence)).sum(axis=0)
    return {
        "media_region": _independent(channel, scales.media_region),
        "time_variation": jnp.zeros(())
        if is_constant_in_training(media.shape[2])
        else _drift(drift, scales.time_variation, DRIFT_WEEKS / step_weeks),
        "trend": _random_walk(national / n_knots, scales.trend, steps, persistence, in_quarter),
        "trend_region": _random_walk(
            by_region / n_region_knots, scales.trend_region, region_steps, persistence, in_quarter
        ),
        "seasonality": _independent((1.0 - peaks) * shared_season, scales.seasonality),
        "seasonality_region": _independent((1.0 - peaks)[:, None] * season, scales.seasonality_region),
        "season_peaks": _independent(peaks * shared_season, scales.season_peaks),
        "season_peaks_region": _independent(peaks[:, None] * season, scales.season_peaks_region),
        "control": _independent(jnp.maximum(shared_control, 0.0), scales.control),
        "control_region": _independent(control, scales.control_region),
    }


def _lost_to_shocks(internals: Internals, data: TrainingData) -> Callable[[Array], Array]:
    r"""What shocks that all regions share take from the information of each week on an effect of the nation.

    $c_t (\sum_r w_{rt} x_{rt} / \sigma_r)^2$ with $c_t = \tau^2 / (1 + \tau^2 \sum_r w_{rt})$, from the inverse of the
    covariance of a week's noise (Sherman & Morrison 1950).

    Returns:
        Function of the innovations of a term x, `[week, term, region]`, that returns `[week, term]`.
    """
    weights, ratio = data.weights * internals.effective, internals.shared
    lost = ratio / (1.0 + ratio * weights.sum(axis=1, keepdims=True))
    by_region = (weights / internals.noise)[:, None]

    def of_term(innovations: Array) -> Array:
        return lost * (by_region * innovations).sum(axis=-1) ** 2

    return of_term


def _independent(information: Array, scale: Array | float) -> Array:
    """Laplace term of quantities that are independent, nats."""
    return 0.5 * jnp.sum(jnp.log1p(scale**2 * information))


def _random_walk(
    information: Array, scale: Array | float, quarters: Array, persistence: Array, in_quarter: float
) -> Array:
    r"""Laplace term of random walks over knots, nats.

    Residuals with persistence phi observe $(1 - \phi) p_{k-1} + c d_k$ of a walk p with steps d, with c from 1 for
    one step of the panel to $1 - \phi$ for long ones.

    Args:
        information: of each interval between knots; any shape, one walk an element.
        scale: standard deviation of the walk's change in a quarter.
        quarters: `[knot - 1]`, between knots; infinite after the last knot.
        persistence: phi, from one step of the panel to the next.
        in_quarter: steps of the panel in a quarter.
    """
    is_knot = jnp.isfinite(quarters)
    apart = jnp.where(is_knot, quarters, 1.0 / in_quarter)  # finite, or the gradient would not be
    steps, weeks = scale**2 * apart, in_quarter * apart
    level = 1.0 - persistence
    noise = 1.0 / jnp.maximum(information, 1e-6)

    def step(variance: Array, knot: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        added, loading, exists = knot
        signal = level**2 * variance + loading**2 * added
        covariance = level * variance + loading * added
        left = variance + added - covariance**2 / (signal + noise)
        return jnp.where(exists, left, variance), jnp.where(exists, 0.5 * jnp.log1p(signal / noise), 0.0)

    # The level before the first step is free: its variance is what one interval leaves.
    start = noise / jnp.maximum(level, 0.05) ** 2
    _, terms = scan_weeks(step, start, (steps, level + persistence / weeks, is_knot))
    return terms.sum()


def _drift(information: Array, scale: Array | float, time_scale: float) -> Array:
    """Laplace term of Ornstein-Uhlenbeck paths, nats; `information` is `[week, channel]`, the time scale in steps."""
    keep = jnp.exp(-2.0 / time_scale)
    stationary = jnp.broadcast_to(jnp.asarray(scale) ** 2, information.shape[1:])

    def step(variance: Array, week: Array) -> tuple[Array, Array]:
        ratio = 1.0 + week * variance
        return keep * variance / ratio + (1.0 - keep) * stationary, 0.5 * jnp.log(ratio)

    _, terms = scan_weeks(step, stationary, information)
    return terms.sum()
