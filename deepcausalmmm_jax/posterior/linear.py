"""The linear part of the model, given curves and scales: integrated out, its mean, and draws of it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.autoregression import whitened
from deepcausalmmm_jax.ops.cholesky import inverse_root
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs
from deepcausalmmm_jax.posterior.parameters import PriorScales, Quantities


class Linear(NamedTuple):
    """Coefficients of everything that is linear."""

    trend: Array  # [step], in units of `PosteriorInputs.ramps`
    season: Array  # [term]
    control: Array  # [control]
    level: Array  # [region], deviation of the baseline from one less the share of media
    trend_region: Array  # [region, region_step]
    season_region: Array  # [region, term]
    control_region: Array  # [region, control]
    media_region: Array  # [region, channel], deviation of a coefficient from the nation's, as a share of it


class Columns(NamedTuple):
    """Regressors, each times the standard deviation of its coefficient, before whitening."""

    shared: Array  # [region, week, shared], coefficients the same in all regions
    own: Array  # [region, week, own], coefficients a region's own
    rest: Array  # [region, week], KPI less media at their nation-wide coefficients
    path: Array | None  # [week, week], root of the covariance of a path that all regions share; several regions
    inverse_path: Array | None  # [week, week], its inverse


class _Solved(NamedTuple):
    """What is left of a region once its own coefficients are integrated out.

    What regions share are the weeks of the path, where there is one, and the shared columns.
    """

    information: Array  # [shared, shared]
    score: Array  # [shared]
    squares: Array  # []
    root: Array  # [own, own], inverse Cholesky factor of the precision of its own coefficients
    half: Array  # [own, shared + 1], root times their products with what is shared and the rest


class _All(NamedTuple):
    """The regions together."""

    root: Array  # [shared, shared], inverse Cholesky factor of the precision of what is shared, in standard deviations
    pulled: Array  # [shared], root times the score


def columns(found: Quantities, media: Array, inputs: PosteriorInputs, scales: PriorScales) -> Columns:
    """Regressors with their prior standard deviations.

    Args:
        found: scales.
        media: `[region, week, channel]`, contributions at nation-wide coefficients.
        inputs: the panel.
        scales: for the level.
    """
    n_regions, n_weeks = inputs.kpi.shape

    def everywhere(array: Array) -> Array:
        return jnp.broadcast_to(array, (n_regions, *array.shape))

    free = inputs.control * (inputs.control_sign == 0)
    national = jnp.concatenate([inputs.ramps * found.trend, inputs.season * found.seasonality], axis=1)
    shared, path, inverse = free * found.control, None, None
    own = [jnp.full((n_regions, n_weeks, 1), scales.level)]
    if n_regions == 1:
        shared = jnp.concatenate([everywhere(national), shared], axis=2)
    else:
        # The regions of a week share a shock beside trend and season: they count as fewer independent observations.
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


def log_marginal(found: Quantities, made: Columns, inputs: PosteriorInputs) -> Array:
    """Log-likelihood with all linear coefficients integrated out, up to a constant."""
    solved = _by_region(found, made, inputs)
    together = _together(solved, made.path)
    volume = -jnp.log(jnp.diagonal(solved.root, axis1=1, axis2=2)).sum() - jnp.log(jnp.diagonal(together.root)).sum()
    explained = together.pulled @ together.pulled
    return _normalisation(found, inputs) - 0.5 * (solved.squares.sum() - explained) - volume


def conditional(
    found: Quantities, made: Columns, inputs: PosteriorInputs, key: Array, spread: Array | float = 1.0
) -> Linear:
    """A draw of the linear coefficients given curves and scales; their mean where `spread` is 0."""
    solved = _by_region(found, made, inputs)
    together = _together(solved, made.path)
    first, second = jax.random.split(key)
    shock = spread * jax.random.normal(first, together.pulled.shape, together.root.dtype)
    shocks = spread * jax.random.normal(second, solved.half.shape[:2], together.root.dtype)
    standard = together.root.T @ (together.pulled + shock)
    shared = _scaled(standard, made.path)

    def of_region(own: _Solved, shock: Array) -> Array:
        left = own.half[:, -1] - own.half[:, :-1] @ shared
        return own.root.T @ (left + shock)

    return _named(found, made, standard, jax.vmap(of_region)(solved, shocks), inputs)


def residual_innovations(found: Quantities, media: Array, linear: Linear, inputs: PosteriorInputs) -> Array:
    """What is new in each week's residual, `[region, week]`, in standard deviations of a region's noise."""
    rest = inputs.kpi - fitted_values(found, media, linear, inputs)
    observed = inputs.weights > 0
    news = whitened(jnp.where(observed, rest, 0.0).T, observed.T, found.persistence).T
    return news / (found.noise * inputs.noise_ratio)[:, None]


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
    )


def _by_region(found: Quantities, made: Columns, inputs: PosteriorInputs) -> _Solved:
    """Each region with its own coefficients integrated out, `[region, ...]` each."""
    observed = inputs.weights > 0
    precision = jnp.sqrt(inputs.weights * inputs.robust) / (found.noise * inputs.noise_ratio)[:, None]
    stacked = jnp.concatenate([made.shared, made.own, made.rest[:, :, None]], axis=2)
    n_own = made.own.shape[2]

    def one(series: Array, seen: Array, root: Array) -> _Solved:
        white = whitened(jnp.where(seen[:, None], series, 0.0), seen[:, None], found.persistence) * root[:, None]
        gram = white.T @ white
        if made.path is not None:
            gram = _with_path(gram, white, seen, root, found.persistence)
        return _solve(gram, gram.shape[0] - n_own - 1)

    return jax.vmap(one)(stacked, observed, precision)


def _with_path(gram: Array, white: Array, seen: Array, root: Array, persistence: Array) -> Array:
    """The products with the weeks of a path before the columns: whitened, a week touches itself and the next alone."""
    follows = seen & jnp.pad(seen[:-1], (1, 0))
    now = root * jnp.where(follows, 1.0, jnp.sqrt(1.0 - persistence**2)) * seen
    before = jnp.pad((root * persistence * follows)[1:], (0, 1))  # on a week, by the week after it
    later = jnp.pad(now[1:], (0, 1))
    beside = -before * later
    path = jnp.diag(now**2 + before**2) + jnp.diag(beside[:-1], 1) + jnp.diag(beside[:-1], -1)
    across = now[:, None] * white - before[:, None] * jnp.pad(white[1:], ((0, 1), (0, 0)))
    return jnp.block([[path, across], [across.T, gram]])


def _solve(gram: Array, n_shared: int) -> _Solved:
    own = slice(n_shared, gram.shape[0] - 1)
    root = inverse_root(jnp.eye(gram.shape[0] - 1 - n_shared) + gram[own, own])
    across = jnp.concatenate([gram[own, :n_shared], gram[own, -1:]], axis=1)
    half = root @ across
    explained = half.T @ half
    return _Solved(
        information=gram[:n_shared, :n_shared] - explained[:-1, :-1],
        score=gram[:n_shared, -1] - explained[:-1, -1],
        squares=gram[-1, -1] - explained[-1, -1],
        root=root,
        half=half,
    )


def _together(solved: _Solved, path: Array | None) -> _All:
    information, score = solved.information.sum(axis=0), solved.score.sum(axis=0)
    if path is not None:
        n = path.shape[0]
        weeks, beside = path.T @ information[:n, :n] @ path, path.T @ information[:n, n:]
        information = jnp.block([[weeks, beside], [beside.T, information[n:, n:]]])
        score = jnp.concatenate([path.T @ score[:n], score[n:]])
    root = inverse_root(jnp.eye(len(score)) + information)
    return _All(root, root @ score)


def _scaled(standard: Array, path: Array | None) -> Array:
    """Coefficients of what is shared: of the path, its weeks."""
    if path is None:
        return standard
    n = path.shape[0]
    return jnp.concatenate([path @ standard[:n], standard[n:]])


def _normalisation(found: Quantities, inputs: PosteriorInputs) -> Array:
    observed = inputs.weights > 0
    alone = observed & ~jnp.pad(observed[:, :-1], ((0, 0), (1, 0)))
    noise = observed * jnp.log(found.noise * inputs.noise_ratio)[:, None]
    return 0.5 * alone.sum() * jnp.log1p(-(found.persistence**2)) - noise.sum()


def _named(found: Quantities, made: Columns, shared: Array, own: Array, inputs: PosteriorInputs) -> Linear:
    n_steps, n_terms, n_controls = inputs.ramps.shape[1], inputs.season.shape[1], inputs.control.shape[2]
    n_regions, n_channels = inputs.kpi.shape[0], inputs.exposure.shape[1]
    control = found.control * shared[shared.shape[0] - n_controls :] * (inputs.control_sign == 0)
    level = own[:, 0] * made.own[0, 0, 0]
    if made.inverse_path is None:
        return Linear(
            trend=found.trend * shared[:n_steps],
            season=found.seasonality * shared[n_steps : n_steps + n_terms],
            control=control,
            level=level,
            trend_region=jnp.zeros((n_regions, inputs.region_ramps.shape[1])),
            season_region=jnp.zeros((n_regions, n_terms)),
            control_region=jnp.zeros((n_regions, n_controls)),
            media_region=jnp.zeros((n_regions, n_channels)),
        )
    # Of the national path, what is trend and season; the shocks are the weeks' own.
    pulled = made.inverse_path.T @ shared[: inputs.kpi.shape[1]]
    cuts = [n_steps := inputs.region_ramps.shape[1]]
    cuts += [cuts[-1] + n_terms, cuts[-1] + n_terms + n_controls]
    trend, season, controls, media = jnp.split(own[:, 1:], cuts, axis=1)
    return Linear(
        trend=found.trend**2 * inputs.ramps.T @ pulled,
        season=found.seasonality**2 * inputs.season.T @ pulled,
        control=control,
        level=level,
        trend_region=found.trend_region * trend,
        season_region=found.seasonality_region * season,
        control_region=found.control_region * controls * (inputs.control_sign == 0),
        media_region=found.media_region * media,
    )
