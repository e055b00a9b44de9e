"""Log density of the posterior, which the mode, Laplace, importance weights and Markov chains all read."""

import dataclasses
from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.lift_tests import lifts
from deepcausalmmm_jax.model.marginal_shares import marginal_shares, stated_marginal
from deepcausalmmm_jax.model.media import Media
from deepcausalmmm_jax.model.parameters import MediaParameters
from deepcausalmmm_jax.model.share_prior import Shares, lost_shares, stated_shares
from deepcausalmmm_jax.ops.bijectors import from_above, from_positive, from_unit
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs
from deepcausalmmm_jax.posterior.linear import columns, log_marginal, national_mean, variation_terms
from deepcausalmmm_jax.posterior.parameters import (
    CoordinatePriors,
    PosteriorParameters,
    Quantities,
    log_prior,
    prior_medians,
    quantities,
)
from deepcausalmmm_jax.posterior.tested import Tested


def log_density(
    parameters: PosteriorParameters, inputs: PosteriorInputs, weights: Array, priors: CoordinatePriors
) -> Array:
    r"""Log of the posterior density of the coordinates, up to a constant; pure.

    $\log p(y \mid \theta) + \log p(\theta)$ with everything that is linear given the curves integrated out: levels,
    national and regional trend, season, controls, deviations of a region's coefficients, variation of coefficients over
    time, and the shocks that all regions share. Lift tests m add $\log p(m \mid y, \theta)$: their lifts are linear in
    the deviations that are integrated out. Each coordinate is standard normal a priori; see `PosteriorParameters` for
    their meaning. The channel graph and the weights of outliers are fixed at the values of the fit.

    Args:
        parameters: the coordinates.
        inputs: the panel.
        weights: `[region, week]`, how much each observation counts, 0 for none.
        priors: medians and spreads of the priors.

    Returns:
        Nats, scalar.
    """
    weighted = dataclasses.replace(inputs, weights=weights)
    found = quantities(parameters, weighted, priors)
    regressors = columns(found, contributions(found, weighted), weighted, priors)
    likelihood = log_marginal(found, regressors, weighted, tested(found, weighted))
    return likelihood + log_prior_density(parameters, weighted, priors)


def log_prior_density(parameters: PosteriorParameters, inputs: PosteriorInputs, priors: CoordinatePriors) -> Array:
    """Log of all priors of the coordinates, default and stated, up to a constant; nats, scalar.

    A stated share, of a channel or of all media, multiplies the default prior of all shares, which is far wider. With
    several regions it counts their own coefficients and is in `tested`, not here, as a stated mROI is.
    """
    prior = log_prior(parameters, inputs, priors)
    if inputs.kpi.shape[0] > 1:
        return prior
    found = quantities(parameters, inputs, priors)
    prior = prior - stated_shares(_shares(found, inputs), inputs.stated)
    if inputs.stated.marginal is None:
        return prior
    return prior - stated_marginal(marginal(found, inputs), inputs.stated)


@jax.jit
def log_priors(vectors: Array, inputs: PosteriorInputs, priors: CoordinatePriors) -> Array:
    """`log_prior_density` by draw, `[draw]`, at `vectors` `[draw, coordinate]`."""
    _, unravel = ravel_pytree(prior_medians(inputs))
    return jax.lax.map(lambda own: log_prior_density(unravel(own), inputs, priors), vectors)


def contributions(found: Quantities, inputs: PosteriorInputs) -> Array:
    """Contributions of media at the national coefficients, `[region, week, channel]`, scaled."""
    return level_of(found, inputs) * _activity(found, inputs)


def _shares(found: Quantities, inputs: PosteriorInputs) -> Shares:
    """The shares that priors are stated of, at the national coefficients."""
    if not inputs.states_lost:
        return Shares(found.share, found.share.sum())
    return lost_shares(contributions(found, inputs), _sold(inputs))


def _sold(inputs: PosteriorInputs) -> Array:
    """The KPI of the training weeks by its log, `[region, week]`, in a unit that regions share; 0 in other weeks."""
    level = jnp.exp(inputs.kpi + inputs.kpi_level[:, None] - 2.0) * inputs.unit[:, None]
    return jnp.where(inputs.weights > 0, level if inputs.counts is None else inputs.counts.observed, 0.0)


def marginal(found: Quantities, inputs: PosteriorInputs) -> Array:
    """Marginal shares of the channels at the national coefficients, `[channel]`, see `model.marginal_shares`."""
    return _marginal_by_region(_constant(level_of(found, inputs), inputs), found, inputs).sum(axis=(1, 2))


def _marginal_by_region(coefficient: Array, found: Quantities, inputs: PosteriorInputs) -> Array:
    """The same at any coefficients `[week, channel, region]`, `[channel, region, channel]`."""
    by_week = (inputs.unit[:, None] * (inputs.weights > 0)).T
    return marginal_shares(
        inputs.exposure,
        inputs.intensity,
        inputs.history,
        cast(MediaCurves, _media(inputs).apply(_variables(found, inputs), method="curves")),
        inputs.blend,
        coefficient,
        by_week / by_week.sum(),
        inputs.kinds,
        inputs.contacts,
    )


def tested(found: Quantities, inputs: PosteriorInputs) -> Tested | None:
    """The lift tests and stated shares, with what they would be at the national coefficients; None without either."""
    every = _lift_tests(found, inputs), _stated_shares(found, inputs), _stated_marginals(found, inputs)
    parts = [part for part in every if part is not None]
    return Tested(*map(jnp.concatenate, zip(*parts, strict=True))) if parts else None


def _stated_shares(found: Quantities, inputs: PosteriorInputs) -> Tested | None:
    """Stated shares as tests of the coefficients in all regions and training weeks; None with one region.

    Regions' own coefficients are a part of a channel's share and are integrated out. A prior of the share at the
    national coefficients alone would leave them free to take the share elsewhere. Variation over time leaves it as it
    is. Under a log link what is lost is linear in them to first order.
    """
    if not inputs.has_shares or inputs.kpi.shape[0] == 1:
        return None
    stated, of_each, of_all, shares = inputs.stated, *_shares_by_region(found, inputs)
    root = jnp.sqrt(stated.share_precision)
    measured = root * (stated.share - shares.each + of_each.sum(axis=0))
    response = jnp.diag(root)[:, None] * of_each
    if stated.total is not None and stated.total_precision is not None:
        over_all = jnp.sqrt(stated.total_precision)
        measured = jnp.append(measured, over_all * (stated.total - shares.total + of_all.sum()))
        response = jnp.concatenate([response, over_all * of_all[None]])
    return Tested(measured, response, jnp.zeros((len(measured), of_each.shape[1], inputs.variation.shape[1])))


def _shares_by_region(found: Quantities, inputs: PosteriorInputs) -> tuple[Array, Array, Shares]:
    """How shares change with the logs of regions' coefficients, and the shares at the national ones.

    Returns:
        `[region, channel]` of each channel's share; the same of the share of all media; and the shares. Without a log
        link the changes are the regions' parts of the shares themselves.
    """
    media = contributions(found, inputs)
    if not inputs.states_lost:
        by_week = inputs.unit[:, None] * (inputs.weights > 0)
        parts = jnp.einsum("rtm,rt->rm", media, by_week) / by_week.sum()
        return parts, parts, Shares(parts.sum(axis=0), parts.sum())
    sold = _sold(inputs)
    each, every = (
        jnp.einsum("rtm,rt->rm", media * jnp.exp(-without), sold) / sold.sum()
        for without in (media, media.sum(axis=2, keepdims=True))
    )
    return each, every, lost_shares(media, sold)


def _stated_marginals(found: Quantities, inputs: PosteriorInputs) -> Tested | None:
    """Stated returns of the next spend as tests, for the same reason; None with one region."""
    stated = inputs.stated
    if stated.marginal is None or stated.marginal_precision is None or inputs.kpi.shape[0] == 1:
        return None
    root, constant = jnp.sqrt(stated.marginal_precision), _constant(level_of(found, inputs), inputs)

    def response(coefficient: Array) -> Array:
        return root[:, None, None] * _marginal_by_region(coefficient, found, inputs)

    return Tested(root * stated.marginal, response(constant), _by_term(response, constant, found, inputs))


def _by_term(response: Callable[[Array], Array], constant: Array, found: Quantities, inputs: PosteriorInputs) -> Array:
    """Change of `response` by each term of a coefficient's variation over time, `[test, channel, term]`."""
    terms = variation_terms(contributions(found, inputs), inputs)
    if not terms.shape[2]:
        return jnp.zeros((response(constant).shape[0], terms.shape[1], 0))
    by_term: Array = jax.vmap(lambda term: response(constant * term[:, :, None]).sum(axis=1), 2, 2)(terms)
    return by_term


def _lift_tests(found: Quantities, inputs: PosteriorInputs) -> Tested | None:
    if inputs.lift_tests is None:
        return None
    given = inputs.lift_tests
    curves = cast(MediaCurves, _media(inputs).apply(_variables(found, inputs), method="curves"))
    constant = _constant(level_of(found, inputs), inputs)

    def response(coefficient: Array) -> Array:
        x = inputs
        return lifts(given, x.exposure, x.intensity, x.history, curves, x.blend, coefficient, x.kinds, x.contacts)

    return Tested(given.measured, response(constant), _by_term(response, constant, found, inputs))


def level_of(found: Quantities, inputs: PosteriorInputs) -> Array:
    """Coefficients that give each channel its share of the KPI, `[channel]`."""
    return found.share / jnp.maximum(national_mean(_activity(found, inputs), inputs), 1e-9)


def media_parameters(found: Quantities, inputs: PosteriorInputs) -> MediaParameters:
    """The curves as parameters of `model.media.Media`."""
    return MediaParameters(
        decay=from_unit(jnp.clip(found.decay, 2e-6, 1.0 - 2e-6)),
        slope=from_above(jnp.maximum(found.slope, inputs.min_slope + 1e-6), inputs.min_slope),
        half_saturation=from_positive(found.half_saturation),
        locality=from_unit(jnp.clip(found.locality, 2e-6, 1.0 - 2e-6)),
        history=from_unit(jnp.clip(found.history, 2e-6, 1.0 - 2e-6)),
        delay=_delay(found.delay, inputs) if inputs.has("delay") else None,
        scale=None if found.scale is None else from_positive(found.scale),
        shape=None if found.shape is None else from_positive(found.shape),
        exponent=None if found.exponent is None else from_unit(jnp.clip(found.exponent, 2e-6, 1.0 - 2e-6)),
        half_frequency=None if found.half_frequency is None else from_positive(found.half_frequency),
    )


def _delay(delay: Array, inputs: PosteriorInputs) -> Array:
    peak = inputs.kinds.with_adstock("delayed")
    if not any(peak):
        return from_positive(delay)
    if all(peak):
        return from_above(delay, 0.0)
    return jnp.where(np.array(peak), from_above(delay, 0.0), from_positive(delay))


def _activity(found: Quantities, inputs: PosteriorInputs) -> Array:
    """Saturated, carried-over exposure, blended, `[region, week, channel]`."""
    variables = _variables(found, inputs)
    x = inputs
    raw = jnp.asarray(_media(x).apply(variables, x.exposure, x.intensity, x.history, None, x.contacts))
    if x.blend.ndim == 3:
        blended = (1.0 - x.blend.sum(axis=1)).T * raw + jnp.einsum("rij,tir->tjr", x.blend, raw)
    else:
        blended = (1.0 - x.blend.sum(axis=0))[:, None] * raw + jnp.einsum("ij,tir->tjr", x.blend, raw)
    return jnp.moveaxis(blended, -1, 0)


def _constant(level: Array, inputs: PosteriorInputs) -> Array:
    """Coefficients `[channel]` in every week and region, `[week, channel, region]`."""
    return jnp.broadcast_to(level[:, None], inputs.exposure.shape)


def _media(inputs: PosteriorInputs) -> Media:
    return Media(inputs.kinds, inputs.min_slope, inputs.which)


def _variables(found: Quantities, inputs: PosteriorInputs) -> Variables:
    return {"params": media_parameters(found, inputs).as_flax()}
