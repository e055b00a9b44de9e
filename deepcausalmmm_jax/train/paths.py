"""Paths: how far coefficients really moved, once training has settled what they move about."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.evidence import tuned
from deepcausalmmm_jax.model.inputs import DRIFT_WEEKS, WEEKS_IN_QUARTER, Inputs
from deepcausalmmm_jax.model.lanes import TrainingData, training_data
from deepcausalmmm_jax.model.terms import Internals, Planes
from deepcausalmmm_jax.ops.persistence import whitened
from deepcausalmmm_jax.ops.smoothing import Motion, compressed, smoothed
from deepcausalmmm_jax.train.hyperparameters import Hyperparameters

_SIZES = 12  # sizes of movement that are compared
_LEAST, _MOST = 0.1, 8.0  # of the size that is held likely
_SPREAD = 1.0  # of the log of the size, before the data are seen
_ROUNDS = 3  # Gauss-Newton steps: contributions follow the paths as exponentials


class Paths(NamedTuple):
    """What training left to find, over the weeks."""

    coefficient: Array  # [week, channel], log of a coefficient against its constant part, for all regions
    trend: Array  # [week], the nation's trend beside it, share of the mean KPI
    size: Array  # [], standard deviation of the coefficients' paths
    evidence: Array  # [], nats by which that size is likelier than the one that was set


def likely_paths(
    planes: Planes,
    internals: Internals,
    trend: Array,
    data: TrainingData,
    *,
    size: Array,
    tune: Array,
    trend_size: Array,
    delta: Array,
) -> Paths:
    r"""Posterior mean of the coefficients' paths and of the nation's trend together, curves and levels as trained.

    A path that all regions share and a move of the nation's trend look much alike, and a descent that may size both
    at once gives a saturated channel the part of a second trend. So training keeps paths small, and what they are is
    asked here, of the regions' differences: each path an Ornstein-Uhlenbeck process, the trend a random walk, in one
    smoother. The size of the paths is averaged over, by the likelihood of each and a log-normal prior.

    Args:
        planes: of the trained model.
        internals: of the same.
        trend: `[week]`, the nation's trend as trained.
        data: the panel.
        size: standard deviation of a path that is held likely.
        tune: 0 where that is taken as it is.
        trend_size: standard deviation of a quarter's step of the trend.
        delta: standard deviations beyond which a residual counts linearly.
    """
    observed, phi = data.weights > 0, internals.persistence
    news = whitened(jnp.where(observed, data.kpi - planes.prediction(), 0.0), observed, phi)
    weights = data.weights * internals.effective / internals.noise**2
    known = planes.variation.mean(axis=-1)
    before = whitened(jnp.ones_like(news), observed, phi) - 1.0  # what a week shows of the week before's trend
    logs = jnp.linspace(jnp.log(_LEAST), jnp.log(_MOST), _SIZES)
    sizes = jnp.where(tune > 0, size * jnp.exp(logs), size)
    prior = jnp.where(tune > 0, -0.5 * (logs / _SPREAD) ** 2, 0.0)

    def improved(paths: Paths, _: None) -> tuple[Paths, None]:
        moved = planes.media * jnp.exp(paths.coefficient - known)[:, :, None]
        shown = whitened(moved, observed[:, None], phi)
        rows = jnp.concatenate([shown, observed[:, None] * 1.0, (observed * before)[:, None]], axis=1)
        here = jnp.concatenate([paths.coefficient, paths.trend[:, None], _earlier(paths.trend)[:, None]], axis=1)
        # The residual of these paths, linearised about them.
        change = (moved - planes.media).sum(axis=1) + (paths.trend - trend)[:, None]
        residual = news - whitened(change, observed, phi)
        far = jnp.abs(residual) / internals.noise
        precision = weights * jnp.minimum(1.0, delta / jnp.maximum(far, delta))
        few, seen = compressed(rows, residual, precision)

        def under(one: Array) -> tuple[Array, Array]:
            return smoothed(_motion(one, trend_size, shown.shape[1]), few, seen, here)

        courses, likelihood = jax.vmap(under)(jnp.append(sizes, size))
        share = jax.nn.softmax(likelihood[:-1] + prior)
        course = jnp.einsum("k,kts->ts", share, courses[:-1])
        found = jnp.exp(share @ jnp.log(sizes))
        better = tune * (jnp.interp(jnp.log(found / size), logs, likelihood[:-1]) - likelihood[-1])
        return Paths(course[:, :-2], course[:, -2], found, better), None

    paths, _ = jax.lax.scan(improved, Paths(known, trend, size, jnp.zeros(())), length=_ROUNDS)
    return paths


def _earlier(trend: Array) -> Array:
    return jnp.concatenate([trend[:1], trend[:-1]])


def _motion(size: Array, trend_size: Array, n_channels: int) -> Motion:
    """Of the paths, the trend, and the trend a week ago."""
    fade = jnp.exp(-1.0 / DRIFT_WEEKS)
    transition = jnp.diag(jnp.concatenate([jnp.full(n_channels, fade), jnp.array([1.0, 0.0])]))
    moved = jnp.full(n_channels, size * jnp.sqrt(1.0 - fade**2))
    step = jnp.stack([trend_size / jnp.sqrt(WEEKS_IN_QUARTER), jnp.zeros(())])
    return Motion(
        transition=transition.at[-1, -2].set(1.0),
        moved=jnp.diag(jnp.concatenate([moved, step])),
        start=jnp.diag(jnp.concatenate([jnp.full(n_channels, size), jnp.ones(2)])),
    )


def with_paths(
    variables: Any, planes: Planes, internals: Internals, inputs: Inputs, weights: Array, settings: Hyperparameters
) -> tuple[Any, Planes]:
    """A trained model with its paths as they are likely, and the baseline that goes with them.

    Args:
        variables: of the model.
        planes: of its forward pass.
        internals: of the same.
        inputs: the panel.
        weights: `[region, week]`, 0 in weeks not learned from.
        settings: sizes, whether they are learned, and the Huber delta.

    Returns:
        The variables with what was found, and the terms of the prediction up to the last training week.
    """
    parameters = variables["params"]
    shared = inputs.trend_basis @ parameters["trend"]["shared"]
    data = training_data(inputs, weights)
    paths = likely_paths(
        planes,
        internals,
        shared,
        data,
        size=jnp.asarray(settings.penalties.time_variation),
        tune=settings.tune,
        trend_size=jnp.asarray(tuned(settings.penalties, internals.size_factors, settings.tune).trend),
        delta=settings.huber_delta,
    )
    trained = (inputs.ahead <= 0) & (inputs.real > 0)
    moves = jnp.concatenate(
        [paths.coefficient - planes.variation.mean(axis=-1), (paths.trend - shared)[:, None]], axis=1
    )
    knots = _at_knots(inputs.trend_basis, jnp.where(trained[:, None], moves, 0.0), trained)
    moved = {"coefficient": knots[:, :-1], "trend": knots[:, -1], "size": paths.size, "evidence": paths.evidence}
    grown = jnp.exp(inputs.trend_basis @ moved["coefficient"])[:, :, None]
    used = (data.weights > 0).astype(moves.dtype)
    media = planes.media * grown
    mean = (media.sum(axis=1) * used).sum(axis=0) / jnp.maximum(used.sum(axis=0), 1.0)
    level = parameters["level"]["mean"] - mean
    fitted = {**variables["fitted"], "paths": {"moved": moved}, "level": {"baseline": level}}
    trend = planes.trend + (inputs.trend_basis @ moved["trend"])[:, None]
    after = planes._replace(
        baseline=level,
        trend=trend,
        media=media,
        coefficient=planes.coefficient * grown,
        variation=planes.variation + jnp.log(grown),
    )
    return {**variables, "fitted": fitted}, after


def _at_knots(basis: Array, series: Array, trained: Array) -> Array:
    """Values at the knots `[knot, series]`, zero in the mean, that come nearest to series `[week, series]` less theirs.

    The basis is centred, so a constant over the knots shows nothing; left free, it would be rounding made large.
    """
    rows = jnp.where(trained[:, None], basis, 0.0)
    exists = ((rows**2).sum(axis=0) > 0).astype(series.dtype)[:, None]
    knots = jnp.linalg.solve(rows.T @ rows + 1e-4 * jnp.eye(basis.shape[1]), rows.T @ series)
    return (knots - (knots * exists).sum(axis=0) / jnp.maximum(exists.sum(), 1.0)) * exists
