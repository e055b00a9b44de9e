"""Evidence of kinds of saturation: how well each explains the KPI, averaged over all its likely curves."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.curves import ANY, BY_EVIDENCE, BY_REACH, SATURATIONS, CurveKinds, SaturationKind
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.structural import predicted
from deepcausalmmm_jax.posterior.inputs import at_constant_coefficients, posterior_inputs
from deepcausalmmm_jax.posterior.mode import Density, best_of, maximise, starts
from deepcausalmmm_jax.posterior.parameters import coordinate_priors
from deepcausalmmm_jax.posterior.sample import batch_of, settled_modes
from deepcausalmmm_jax.training.fitted import CurveEvidence, Fitted
from deepcausalmmm_jax.training.prepare import design_of
from deepcausalmmm_jax.training.structural import structural_model

_LEAST_CURVATURE = 0.25  # the prior's is 1; a lower one means that the mode lies on a ridge


def curve_evidence(fitted: Fitted, inputs: Inputs[Array], seed: int) -> CurveEvidence:
    r"""Log evidence of every kind of saturation that may be chosen, for the channels that have none of their own.

    $\log p(y) \approx \log p(y \mid \hat\theta) + \log p(\hat\theta) - \frac12 \log |H|$ with the mode of the
    posterior and its curvature H there (Laplace's approximation; MacKay 1992): the curves, shares and scales are the
    coordinates, everything linear is integrated out exactly. Coordinates are standard normal a priori, so a parameter
    that a kind does not have adds nothing. The channel graph, the noise levels and the weights of outliers are those of
    the fit; coefficients are held constant over time.

    Args:
        fitted: a fit, whose kind of saturation is the one that the others are compared with.
        inputs: its panel up to the last week with a KPI.
        seed: of the random starts.
    """
    design = design_of(fitted)
    assert isinstance(design, Design)
    _, internals = predicted(structural_model(design), fitted.variables, inputs)
    kinds = tuple(dict.fromkeys((fitted.config.saturation, *BY_EVIDENCE)))
    with jax.enable_x64(True):
        own, _ = posterior_inputs(fitted, inputs, design, internals.blend, internals.noise)
        own = dataclasses.replace(at_constant_coefficients(own), kinds=_of_any_saturation(fitted, design.kinds))
        rng = np.random.default_rng(seed)
        density = _of_kind(Density(own, coordinate_priors(fitted.config), batch_of(own)), kinds[0])
        _, settled = settled_modes(density, fitted.config.training.huber_delta, starts(own, density.n_starts, rng))
        found = [laplace_evidence(_of_kind(settled, kind), rng) for kind in kinds]
    return CurveEvidence(kinds, np.array(found))


def _of_kind(density: Density, saturation: SaturationKind) -> Density:
    """The density with the channels that may have any kind of saturation of one; all kinds share its program."""
    which = jnp.asarray(SATURATIONS.index(saturation))
    return Density(dataclasses.replace(density.inputs, which=which), density.priors, density.batch)


def _of_any_saturation(fitted: Fitted, kinds: CurveKinds) -> CurveKinds:
    """The kinds with any saturation of the channels that have none of their own."""
    own = {entry.channel for entry in fitted.config.curves if entry.saturation is not None}
    changed = tuple(
        kind if name in own or kind.saturation == BY_REACH else dataclasses.replace(kind, saturation=ANY)
        for name, kind in zip(fitted.panel.channels, kinds.channels, strict=True)
    )
    return dataclasses.replace(kinds, channels=changed)


def laplace_evidence(density: Density, rng: np.random.Generator) -> float:
    """Laplace's approximation, nats."""
    modes = maximise(density, starts(density.inputs, density.n_starts, rng))
    at = best_of(modes)
    values = np.linalg.eigvalsh(density.curvature(modes.position[at]))
    return float(modes.value[at] - 0.5 * np.log(np.maximum(values, _LEAST_CURVATURE)).sum())
