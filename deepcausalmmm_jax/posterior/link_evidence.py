"""Evidence of the links: how well a KPI that adds up, or multiplies, explains the one that was seen."""

import dataclasses

import jax
import numpy as np

from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.structural import predicted
from deepcausalmmm_jax.posterior.evidence import laplace_evidence
from deepcausalmmm_jax.posterior.inputs import at_constant_coefficients, posterior_inputs
from deepcausalmmm_jax.posterior.mode import Density
from deepcausalmmm_jax.posterior.parameters import coordinate_priors
from deepcausalmmm_jax.posterior.sample import batch_of
from deepcausalmmm_jax.training.fitted import Fitted, LinkEvidence
from deepcausalmmm_jax.training.prepare import design_of, inputs_of
from deepcausalmmm_jax.training.structural import structural_model

_LINKS: tuple[LinkKind, ...] = ("identity", "log")


def link_evidence(fitted: Fitted, panel: Panel, seed: int) -> LinkEvidence:
    """Log evidence of the KPI itself under either link, by Laplace's approximation as for `curve_evidence`.

    The density of the scaled KPI, or of its log, becomes that of the KPI by the derivative of the one to the other.
    Weeks count in full, since a week that is far off under one link may be usual under the other. The channel graph and
    the relative noise of the regions are those of the fit.

    Args:
        fitted: a fit with the identity link.
        panel: of the fit, up to the last week with a KPI.
        seed: of the random starts.
    """
    weights = fitted.weights[:, : len(panel.weeks)]
    used = weights > 0
    if not (panel.kpi[used] > 0).all():
        return LinkEvidence(_LINKS, np.array([0.0, -np.inf]))
    found = []
    for link in _LINKS:
        scales = fitted.scales if link == "identity" else scales_from(panel, weights, link)
        per_kpi = 1.0 / scales.kpi[:, None] if link == "identity" else 1.0 / np.where(used, panel.kpi, 1.0)
        jacobian = float(np.log(np.broadcast_to(per_kpi, used.shape)[used]).sum())
        own = dataclasses.replace(fitted, config=fitted.config.replace(link=link), scales=scales)
        found.append(_evidence_as_read(own, panel, seed) + jacobian)
    return LinkEvidence(_LINKS, np.array(found))


def _evidence_as_read(fitted: Fitted, panel: Panel, seed: int) -> float:
    """Log evidence of the KPI as the model reads it, nats."""
    design, inputs = design_of(fitted), inputs_of(fitted, panel)
    assert isinstance(design, Design)
    assert isinstance(inputs, Inputs)
    _, internals = predicted(structural_model(design), fitted.variables, inputs)
    with jax.enable_x64(True):
        own, _ = posterior_inputs(fitted, inputs, design, internals.blend, internals.noise)
        own = at_constant_coefficients(own)
        density = Density(own, coordinate_priors(fitted.config), batch_of(own))
        return laplace_evidence(density, np.random.default_rng(seed))
