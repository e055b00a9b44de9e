"""Objective: the misfit of the parameters to the weighted observations, plus minus their log prior."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.model.counts import Working, bounded, log_means, negative_log_likelihood, working
from deepcausalmmm_jax.model.graph import blend_by_region
from deepcausalmmm_jax.model.laplace import laplace_terms
from deepcausalmmm_jax.model.lift_tests import lifts
from deepcausalmmm_jax.model.log_prior import hidden_demand, penalty_terms
from deepcausalmmm_jax.model.marginal_shares import marginal_shares, stated_marginal
from deepcausalmmm_jax.model.media import TYPICAL_ACTIVITY
from deepcausalmmm_jax.model.outputs import ComponentsRegionsLast, Internals
from deepcausalmmm_jax.model.parameters import Collection, Parameters
from deepcausalmmm_jax.model.prior_scales import learned_scales
from deepcausalmmm_jax.model.share_prior import Shares, lost_shares, share_penalty
from deepcausalmmm_jax.model.structural import StructuralMMM, predicted_in_training
from deepcausalmmm_jax.model.training_data import TrainingData
from deepcausalmmm_jax.ops.acyclicity import log_determinant, trace_exponential
from deepcausalmmm_jax.ops.autoregression import whitened
from deepcausalmmm_jax.ops.shared_shock import shared_shocks, shock_misfit
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters


class Multipliers(NamedTuple):
    """Augmented Lagrangian of the acyclicity constraint h = 0, and what else changes when the graph is pruned."""

    alpha: Array  # [], Lagrange multiplier of h
    rho: Array  # [], penalty on h^2
    sparsity: Array  # [], 1 while edges are penalised; 0 once the graph is pruned, so that kept edges are not shrunk


class Evaluation(NamedTuple):
    """What one evaluation of the objective returns beside its value."""

    terms: dict[str, Array]  # scalars, nats per observation
    acyclicity: Array  # [], h
    innovations: Array  # [week, region], of the residuals
    fitted: Collection  # variables that follow from the data: centres of the variation, baselines, edges kept


def objective(
    parameters: Collection,
    fitted: Collection,
    model: StructuralMMM,
    data: TrainingData,
    hyperparameters: Hyperparameters,
    multipliers: Multipliers,
) -> tuple[Array, Evaluation]:
    r"""Weighted Huber log-likelihood with a noise level for each region, plus penalties, per observation.

    $\frac{1}{n} [\sum_{rt} w_{rt} (\rho_\delta(e_{rt} / \sigma_r - u_t) + \log \sigma_r) + U + S + \sum_k P_k]
    + \alpha h + \frac{\rho}{2} h^2$ with u the shocks that all regions share, normal, U what they add
    (`ops.shared_shock`), and S the negative log-likelihood of the exposure innovations under the channel graph.
    Because the noise is estimated (Huber 1981, section 7.7), penalties and data are in the same unit, and the same
    prior scales serve a quiet panel and a noisy one. Where regions move together in other ways, w is scaled down to the
    number of independent ones (Pauli, Racugno & Ventura 2011): otherwise 100 regions of which all are like two would
    count as 100 independent observations. A lift test adds $\frac{1}{2} ((m_k - \mathrm{lift}_k) / s_k)^2$, which no
    such factor scales: it is one observation with a known error. The likelihood of counts is negative binomial, with
    the noise as its spread, in place of Huber's, of counts that are `model.counts.bounded`.

    Args:
        parameters: the model's trained variables.
        fitted: variables that training sets by other means.
        model: the module.
        data: the panel; observations with weight 0 have no influence.
        hyperparameters: prior scales and the Huber delta.
        multipliers: of the acyclicity constraint.

    Returns:
        The objective, and the rest of the evaluation.
    """
    chex.assert_equal_shape([data.weights, data.kpi])
    components, internals, updated = predicted_in_training(model, {"params": parameters, "fitted": fitted}, data)
    n = jnp.maximum(jnp.sum(data.weights) * internals.effective, 1.0)
    innovations = residual_innovations(components, internals, data)
    if data.inputs.count_unit is None:
        fit_terms, precision = _data_terms(innovations, internals, data, hyperparameters.huber_delta), None
    else:
        fit_terms, precision = _count_terms(components, internals, data)
    fit_terms["structure"] = internals.structure
    if data.inputs.lift_tests is not None:
        fit_terms["experiments"] = _experiment_term(data.inputs.lift_tests, components, internals, data, model)
    scales = learned_scales(hyperparameters.scales, internals.log_scale_factors, hyperparameters.tune)
    trained = Parameters.of(parameters)
    penalties = penalty_terms(
        trained,
        components,
        internals,
        _shares(components, data, model.design.link),
        scales,
        data.inputs,
        (1.0 - data.inputs.graph_constraints.required) * multipliers.sparsity,
        model.design.kinds,
    )
    usual = jnp.exp(trained.coefficients.level) * TYPICAL_ACTIVITY
    penalties["media"] = share_penalty(usual, hyperparameters.share_prior)
    own = trained.demand
    if own is not None and data.inputs.lift_tests is not None:
        activity = components.media / components.coefficient
        by_channel = own * jnp.einsum("tr,tmr->m", data.weights * data.inputs.kpi_unit, activity)
        penalties["demand"] = hidden_demand(by_channel, data.inputs.lift_tests)
    if data.inputs.stated_priors.marginal is not None:
        penalties["marginal"] = _marginal_term(components, internals, data, model)
    laplace = laplace_terms(components.media, internals, data, scales, model.design.step_weeks, precision)
    penalties["volume"] = sum(laplace.values(), start=jnp.zeros(()))
    in_nats = fit_terms | penalties
    per_observation = jnp.stack(list(in_nats.values())) / n
    h = acyclicity(internals.edges, model.design.graph)
    cycles = multipliers.alpha * h + 0.5 * multipliers.rho * h**2
    terms = dict(zip(in_nats, per_observation, strict=True)) | {"acyclicity": cycles}
    evaluation = Evaluation(terms, h, jax.lax.stop_gradient(innovations), updated)
    return per_observation.sum() + cycles, evaluation


def _shares(components: ComponentsRegionsLast, data: TrainingData, link: LinkKind) -> Shares:
    """The shares that priors are stated of; of the training weeks."""
    unit = data.weights * data.inputs.kpi_unit
    if link == "identity":
        share = jnp.einsum("tr,tmr->m", unit, components.media)
        return Shares(share, share.sum())
    level = data.kpi if data.inputs.count_unit is not None else jnp.exp(data.kpi - 1.0)
    return lost_shares(components.media.transpose(0, 2, 1), unit * level)


def acyclicity(edges: Array, kind: str) -> Array:
    """Smooth measure of cycles; 0 for a graph that is acyclic by its mask. Of graphs by group, the sum."""
    if kind in ("none", "triangular"):
        return jnp.zeros(())
    if edges.ndim == 3:
        return jax.vmap(lambda own: acyclicity(own, kind))(edges).sum()
    if kind == "notears":
        return trace_exponential(edges)
    # Outside the region where the log-determinant is valid, the trace-exponential drives the edges back into it.
    h = log_determinant(edges)
    return jnp.where(jnp.isfinite(h), h, trace_exponential(edges))


def residual_innovations(components: ComponentsRegionsLast, internals: Internals, data: TrainingData) -> Array:
    """Innovations of the residuals, `[week, region]`; 0 in weeks the fit does not learn from.

    Of counts, the residuals in standard deviations (Pearson's): what chance adds to a count does not persist.
    """
    trained = data.weights > 0
    if data.inputs.count_unit is not None:
        found = _working(components, internals, data)
        return jnp.where(trained, found.excess / jnp.sqrt(found.variance), 0.0)
    residual = jnp.where(trained, data.kpi - components.prediction(), 0.0)
    return whitened(residual, trained, internals.persistence)


def _data_terms(innovations: Array, internals: Internals, data: TrainingData, delta: Array) -> dict[str, Array]:
    weights, standardised = data.weights * internals.effective, innovations / internals.noise
    shocks = shared_shocks(standardised, weights, internals.shared)
    return {
        "huber": jnp.sum(weights * optax.huber_loss(standardised - shocks[:, None], delta=delta)),
        "noise": jnp.sum(weights * jnp.log(internals.noise)),
        "shocks": shock_misfit(shocks, weights, internals.shared),
    }


def _count_terms(
    components: ComponentsRegionsLast, internals: Internals, data: TrainingData
) -> tuple[dict[str, Array], Array]:
    """Negative binomial likelihood; and the mean precision of a week on the log scale, `[region]`."""
    assert data.inputs.count_unit is not None
    unit, weights = data.inputs.count_unit, data.weights * internals.effective
    log_mean = log_means(components.prediction(), unit)
    count = jax.lax.stop_gradient(bounded(data.kpi * unit, log_mean, internals.noise))
    nats = negative_log_likelihood(count, log_mean, internals.noise)
    found = _working(components, internals, data)
    total = jnp.maximum(data.weights.sum(axis=0), 1e-6)
    precision = jax.lax.stop_gradient((data.weights / found.variance).sum(axis=0) / total)
    return {"counts": jnp.sum(weights * nats)}, precision


def _working(components: ComponentsRegionsLast, internals: Internals, data: TrainingData) -> Working:
    assert data.inputs.count_unit is not None
    unit = data.inputs.count_unit
    return working(data.kpi * unit, log_means(components.prediction(), unit), internals.noise)


def _experiment_term(
    tests: LiftTests[Array],
    components: ComponentsRegionsLast,
    internals: Internals,
    data: TrainingData,
    model: StructuralMMM,
) -> Array:
    """Negative log-likelihood of the lift tests, nats; both sides are counted in the errors of the tests."""
    read, design = data.regions_last, model.design
    found = lifts(
        tests,
        read.exposure,
        read.intensity,
        read.history,
        internals.curves,
        blend_by_region(internals.blend, data.inputs.innovations.in_group),
        components.coefficient,
        design.kinds,
        read.contacts,
    )
    return 0.5 * jnp.sum((tests.measured - found.sum(axis=(1, 2))) ** 2)


def _marginal_term(
    components: ComponentsRegionsLast, internals: Internals, data: TrainingData, model: StructuralMMM
) -> Array:
    """Minus the log prior of stated returns of the next spend, nats."""
    read = data.regions_last
    found = marginal_shares(
        read.exposure,
        read.intensity,
        read.history,
        internals.curves,
        blend_by_region(internals.blend, data.inputs.innovations.in_group),
        components.coefficient,
        data.weights * data.inputs.kpi_unit,
        model.design.kinds,
        read.contacts,
    )
    return stated_marginal(found.sum(axis=(1, 2)), data.inputs.stated_priors)
