"""The linear part of the model, given curves and scales: integrated out, its mean, and draws of it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.autoregression import whitened
from deepcausalmmm_jax.ops.cholesky import inverse_root, log_normal_integral, squared
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs
from deepcausalmmm_jax.posterior.parameters import CoordinatePriors, Quantities
from deepcausalmmm_jax.posterior.tested import LiftGivenKpi, Tested, log_density_given_kpi, shocks_given_tests
from deepcausalmmm_jax.posterior.variation import centred
from deepcausalmmm_jax.posterior.whitening import path_squared, path_times, white, whitening


class Linear(NamedTuple):
    """Coefficients of everything that is linear."""

    variation: Array  # [channel, term], of a coefficient over time, as a share of it
    trend: Array  # [step], in units of `PosteriorInputs.ramps`
    season: Array  # [term]
    control: Array  # [control]
    demand: Array | None  # [channel], share of the KPI that hidden demand behind a tested channel brings
    level: Array  # [region], deviation of the baseline from one less the share of media
    trend_region: Array  # [region, region_step]
    season_region: Array  # [region, term]
    control_region: Array  # [region, control]
    media_region: Array  # [region, channel], deviation of a coefficient from the national one, as a share of it


class Columns(NamedTuple):
    """Regressors, each times the standard deviation of its coefficient, before whitening."""

    shared: Array  # [region, week, shared], of coefficients that all regions share
    own: Array  # [region, week, own], of coefficients of a region's own
    rest: Array  # [region, week], KPI less media at their national coefficients
    path: Array | None  # [week, week], root of the covariance of the national path; None with one region
    inverse_path: Array | None  # [week, week], its inverse


class Solved(NamedTuple):
    """Least-squares products after the regions' own coefficients are integrated out, the first three over all regions.

    `shared` are the weeks of the national path, where there is one, and the shared columns.
    """

    information: Array  # [shared, shared]
    score: Array  # [shared]
    squares: Array  # []
    root: Array  # [region, own, own], inverse Cholesky factor of the precision of its own coefficients
    half: Array  # [region, own, shared + 1], root times the products of its own columns with shared ones and the rest


class Shared(NamedTuple):
    """Sums over the regions, solved for what they share."""

    root: Array  # [shared, shared], inverse Cholesky factor of the precision, coefficients in prior standard deviations
    half: Array  # [shared], root times the score


def columns(found: Quantities, media: Array, inputs: PosteriorInputs, priors: CoordinatePriors) -> Columns:
    """Regressors with their prior standard deviations.

    Args:
        found: curves and scales.
        media: `[region, week, channel]`, contributions at the national coefficients.
        inputs: the panel.
        priors: for the scale of the level.
    """
    n_regions, n_weeks = inputs.kpi.shape

    def everywhere(array: Array) -> Array:
        return jnp.broadcast_to(array, (n_regions, *array.shape))

    free = inputs.control * (inputs.control_sign == 0)
    national = jnp.concatenate([inputs.ramps * found.trend, inputs.season * found.seasonality], axis=1)
    shared, path, inverse = free * found.control, None, None
    varying = variation_columns(media, inputs) * found.time_variation
    if found.demand is not None:
        shared = jnp.concatenate([demand_columns(media, inputs) * found.demand, shared], axis=2)
    own = [jnp.full((n_regions, n_weeks, 1), priors.level)]
    if n_regions == 1:
        shared = jnp.concatenate([varying, everywhere(national), shared], axis=2)
    else:
        shared = jnp.concatenate([varying, shared], axis=2)
        # Regions share a weekly shock beside trend and season, so they count as fewer independent observations.
        covariance = national @ national.T + (found.shock**2 + 1e-10) * jnp.eye(n_weeks)
        inverse = inverse_root(covariance)
        path = covariance @ inverse.T
        own += [
            everywhere(inputs.region_ramps * found.trend_region),
            everywhere(inputs.season * found.seasonality_region),
            free * found.control_region,
            media * found.media_region,
        ]
    expected = 1.0 - found.share.sum() + media.sum(axis=2) + inputs.control @ found.signed_control
    return Columns(shared, jnp.concatenate(own, axis=2), inputs.kpi - expected, path, inverse)


def demand_columns(media: Array, inputs: PosteriorInputs) -> Array:
    """Hidden demand that moves with each channel and brings a share of one: its activity over its mean, centred.

    Args:
        media: `[region, week, channel]`, contributions at the national coefficients.
        inputs: the panel.

    Returns:
        `[region, week, channel]`.
    """
    trained = (inputs.weights > 0)[:, :, None]
    relative = media / jnp.maximum(national_mean(media, inputs), 1e-12)
    own = (relative * trained).sum(axis=1, keepdims=True) / jnp.maximum(trained.sum(axis=1, keepdims=True), 1)
    return relative - own


def variation_columns(media: Array, inputs: PosteriorInputs) -> Array:
    """What each term of each channel's variation over time brings, `[region, week, channel and term]`."""
    columns = media[:, :, :, None] * variation_terms(media, inputs)
    return columns.reshape(*media.shape[:2], media.shape[2] * inputs.variation.shape[1])


def variation_terms(media: Array, inputs: PosteriorInputs) -> Array:
    """Terms of the channels' variation over time, `[week, channel, term]`, each of which leaves the share as it is."""
    return centred(inputs.variation, media, inputs.unit[:, None] * (inputs.weights > 0))


def national_mean(series: Array, inputs: PosteriorInputs) -> Array:
    """Mean over the training weeks of all regions, by their size, `[channel]`, of `[region, week, channel]`."""
    by_week = inputs.unit[:, None] * (inputs.weights > 0)
    return jnp.einsum("rtm,rt->m", series, by_week) / by_week.sum()


def log_marginal(found: Quantities, regressors: Columns, inputs: PosteriorInputs, tests: Tested | None = None) -> Array:
    """Log-likelihood with all linear coefficients integrated out, up to a constant; lift tests given the KPI.

    That of the KPI is raised to `PosteriorInputs.power`; tests keep the error that was measured.
    """
    solved = _by_region(found, regressors, inputs)
    own_determinant = -jnp.log(jnp.diagonal(solved.root, axis1=1, axis2=2)).sum()
    explained = log_normal_integral(*_precision(solved, regressors.path))
    exact = _normalisation(found, inputs) - 0.5 * solved.squares - own_determinant + explained
    likelihood = inputs.power * exact
    if tests is None:
        return likelihood
    combined = _combined(solved, regressors.path)
    return likelihood + log_density_given_kpi(tests, lift_given_kpi(found, regressors, solved, combined, tests))


def conditional(
    found: Quantities,
    regressors: Columns,
    inputs: PosteriorInputs,
    key: Array,
    spread: Array | float = 1.0,
    tests: Tested | None = None,
) -> Linear:
    """A draw of the linear coefficients given curves, scales and lift tests; their mean where `spread` is 0."""
    solved = _by_region(found, regressors, inputs)
    combined = _combined(solved, regressors.path)
    first, second = jax.random.split(key)
    shock = spread * jax.random.normal(first, combined.half.shape, combined.root.dtype)
    shocks = spread * jax.random.normal(second, solved.half.shape[:2], combined.root.dtype)
    if tests is not None:
        error = spread * jax.random.normal(jax.random.fold_in(key, 1), tests.measured.shape, combined.root.dtype)
        given_kpi = lift_given_kpi(found, regressors, solved, combined, tests)
        shock, shocks = shocks_given_tests(tests, given_kpi, shock, shocks, error)
    standard = combined.root.T @ (combined.half + shock)
    shared = _scaled(standard, regressors.path)

    left = solved.half[:, :, -1] - solved.half[:, :, :-1] @ shared
    own = jnp.einsum("rji,rj->ri", solved.root, left + shocks)
    return _named(found, regressors, standard, own, inputs)


def residual_innovations(found: Quantities, media: Array, linear: Linear, inputs: PosteriorInputs) -> Array:
    """Innovations of the residuals, `[region, week]`, in standard deviations of a region's noise."""
    rest = inputs.kpi - fitted_values(found, media, linear, inputs)
    trained = inputs.weights > 0
    innovations = whitened(jnp.where(trained, rest, 0.0).T, trained.T, found.persistence).T
    return innovations / noise_levels(found, inputs)


def fitted_values(found: Quantities, media: Array, linear: Linear, inputs: PosteriorInputs) -> Array:
    """Prediction in the training weeks, `[region, week]`, scaled."""
    control = linear.control + linear.control_region + found.signed_control
    season = linear.season + linear.season_region
    return (
        (1.0 - found.share.sum() + linear.level)[:, None]
        + inputs.ramps @ linear.trend
        + linear.trend_region @ inputs.region_ramps.T
        + season @ inputs.season.T
        + jnp.einsum("rtk,rk->rt", inputs.control, control)
        + jnp.einsum("rtm,rm->rt", media, 1.0 + linear.media_region)
        + variation_columns(media, inputs) @ linear.variation.ravel()
        + (0.0 if linear.demand is None else demand_columns(media, inputs) @ linear.demand)
    )


def noise_levels(found: Quantities, inputs: PosteriorInputs) -> Array:
    """Standard deviations of the innovations of the residuals, `[region, 1]`; of counts, `[region, week]`."""
    if inputs.counts is None:
        return (found.noise * inputs.noise_ratio)[:, None]
    return jnp.sqrt(inputs.counts.chance + ((found.noise * inputs.noise_ratio)[:, None]) ** 2)


def lift_given_kpi(
    found: Quantities, regressors: Columns, solved: Solved, combined: Shared, tests: Tested
) -> LiftGivenKpi:
    """Distribution of the lifts of tests given the KPI; with one region curves and shares alone decide them."""
    n_tests, n_regions, n_channels = tests.response.shape
    n_own = solved.root.shape[1]
    weight = jnp.zeros((n_tests, n_regions, n_own))
    if regressors.path is not None:  # the deviations of media come last
        weight = weight.at[:, :, n_own - n_channels :].set(found.media_region * tests.response)
    own = jnp.einsum("rij,krj->kri", solved.root, weight)
    across = jnp.einsum("rij,kri->kj", solved.half, own)
    varying = (found.time_variation * tests.variation).reshape(n_tests, tests.variation[0].size)
    n = 0 if regressors.path is None else regressors.path.shape[0]
    pulled = across[:, :-1].at[:, n : n + varying.shape[1]].add(-varying)
    if regressors.path is not None:
        pulled = jnp.concatenate([pulled[:, :n] @ regressors.path, pulled[:, n:]], axis=1)
    shared = pulled @ combined.root.T
    mean = tests.response.sum(axis=(1, 2)) + across[:, -1] - shared @ combined.half
    return LiftGivenKpi(mean, shared, own)


def _by_region(found: Quantities, regressors: Columns, inputs: PosteriorInputs) -> Solved:
    """Every region with its own coefficients integrated out.

    What the regions share is summed before it is multiplied out: one product of tall matrices in place of a square one
    for each region, whose bytes would cost more than its operations.
    """
    precision = jnp.sqrt(inputs.weights * inputs.robust) / noise_levels(found, inputs)
    weeks = whitening(inputs.weights > 0, precision, found.persistence)
    rest = jnp.where(inputs.weights > 0, regressors.rest, 0.0)[:, :, None]
    own = white(regressors.own, weeks)
    beside = white(jnp.concatenate([regressors.shared, rest], axis=2), weeks)
    across = jnp.einsum("rti,rtj->rij", own, beside)
    gram = squared(beside.reshape(-1, beside.shape[2]))
    if regressors.path is not None:
        with_own, with_beside = path_times(weeks, own), path_times(weeks, beside).sum(axis=0)
        across = jnp.concatenate([with_own.transpose(0, 2, 1), across], axis=2)
        gram = jnp.block([[path_squared(weeks), with_beside], [with_beside.T, gram]])
    root = jax.vmap(inverse_root)(jnp.eye(own.shape[2]) + jax.vmap(squared)(own))
    half = root @ across
    left = gram - squared(half.reshape(-1, half.shape[2]))
    return Solved(left[:-1, :-1], left[:-1, -1], left[-1, -1], root, half)


def _combined(solved: Solved, path: Array | None) -> Shared:
    precision, score = _precision(solved, path)
    root = inverse_root(precision)
    return Shared(root, root @ score)


def _precision(solved: Solved, path: Array | None) -> tuple[Array, Array]:
    """Of what the regions share, in prior standard deviations: precision `[shared, shared]` and score `[shared]`."""
    information, score = solved.information, solved.score
    if path is not None:
        n = path.shape[0]
        weeks, beside = path.T @ information[:n, :n] @ path, path.T @ information[:n, n:]
        information = jnp.block([[weeks, beside], [beside.T, information[n:, n:]]])
        score = jnp.concatenate([path.T @ score[:n], score[n:]])
    return jnp.eye(len(score)) + information, score


def _scaled(standard: Array, path: Array | None) -> Array:
    """Coefficients of what is shared: of the path, its weeks."""
    if path is None:
        return standard
    n = path.shape[0]
    return jnp.concatenate([path @ standard[:n], standard[n:]])


def _normalisation(found: Quantities, inputs: PosteriorInputs) -> Array:
    trained = inputs.weights > 0
    alone = trained & ~jnp.pad(trained[:, :-1], ((0, 0), (1, 0)))
    if inputs.counts is None:
        noise = trained * jnp.log(found.noise * inputs.noise_ratio)[:, None]
    else:
        noise = trained * jnp.log(noise_levels(found, inputs))
    return 0.5 * alone.sum() * jnp.log1p(-(found.persistence**2)) - noise.sum()


def _named(found: Quantities, regressors: Columns, shared: Array, own: Array, inputs: PosteriorInputs) -> Linear:
    n_steps, n_terms, n_controls = inputs.ramps.shape[1], inputs.season.shape[1], inputs.control.shape[2]
    n_regions, n_channels = inputs.kpi.shape[0], inputs.exposure.shape[1]
    first = 0 if regressors.path is None else regressors.path.shape[0]
    n_varying = n_channels * inputs.variation.shape[1]
    variation = found.time_variation * shared[first : first + n_varying].reshape(n_channels, n_varying // n_channels)
    control = found.control * shared[shared.shape[0] - n_controls :] * (inputs.control_sign == 0)
    level = own[:, 0] * regressors.own[0, 0, 0]
    demand = None
    if found.demand is not None:
        end = shared.shape[0] - n_controls
        demand = found.demand * shared[end - n_channels : end]
    if regressors.inverse_path is None:
        return Linear(
            variation=variation,
            trend=found.trend * shared[n_varying : n_varying + n_steps],
            season=found.seasonality * shared[n_varying + n_steps : n_varying + n_steps + n_terms],
            control=control,
            demand=demand,
            level=level,
            trend_region=jnp.zeros((n_regions, inputs.region_ramps.shape[1])),
            season_region=jnp.zeros((n_regions, n_terms)),
            control_region=jnp.zeros((n_regions, n_controls)),
            media_region=jnp.zeros((n_regions, n_channels)),
        )
    # Of the national path, what is trend and season; the shocks are the weeks' own.
    pulled = regressors.inverse_path.T @ shared[: inputs.kpi.shape[1]]
    cuts = [n_steps := inputs.region_ramps.shape[1]]
    cuts += [cuts[-1] + n_terms, cuts[-1] + n_terms + n_controls]
    trend, season, controls, media = jnp.split(own[:, 1:], cuts, axis=1)
    return Linear(
        variation=variation,
        trend=found.trend**2 * inputs.ramps.T @ pulled,
        season=found.seasonality**2 * (inputs.season.T @ pulled),
        control=control,
        demand=demand,
        level=level,
        trend_region=found.trend_region * trend,
        season_region=found.seasonality_region * season,
        control_region=found.control_region * controls * (inputs.control_sign == 0),
        media_region=found.media_region * media,
    )
