"""What 1% more exposure of a channel would bring under given curves, for stated returns of the next spend."""

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.data.stated_priors import StatedPriors
from deepcausalmmm_jax.model.curves import MediaCurves, activity

MORE = 0.01  # of a channel's exposure in every training week


def marginal_shares(
    exposure: Array,
    intensity: Array,
    history: Array,
    curves: MediaCurves,
    blend: Array,
    coefficient: Array,
    unit: Array,
    kinds: CurveKinds,
    contacts: Contacts[Array] | None = None,
) -> Array:
    r"""Share of the KPI that `MORE` exposure of each channel adds, per unit of that increase.

    $\frac{1}{\epsilon} \sum_{rt} u_{rt} (H((1 + \epsilon) x) - H(x))_{rt} \sum_j \beta_{rtj} m_{ij}$ with m what the
    graph passes on: the channel's own share of its activity, and what others take from it. A channel whose effect is
    linear has its share of the KPI, a saturated one less. Exposure before the first week stays as it was, and so do
    coefficients: the GRU, which reads activity, is not run again.

    Args:
        exposure: `[week, channel, region]`, scaled.
        intensity: `[channel, region]`.
        history: `[channel, region]`.
        curves: of the channels.
        blend: `[channel, channel]`, share of the column's activity that is taken from the row; where regions have
            graphs by group, `[region, channel, channel]`.
        coefficient: `[week, channel, region]`.
        unit: `[week, region]`, share of the KPI of all training weeks that a scaled KPI of 1 is; 0 elsewhere.
        kinds: of the channels' curves.
        contacts: per person reached, `each` as `[week, channel, region]`; None without reach and frequency.

    Returns:
        `[channel, region, channel]`, by region and by the channel in whose contribution it shows; `[channel]` sums.
    """
    now, more = (
        activity(exposure * factor, curves, intensity, history, kinds, contacts=contacts)
        for factor in (1.0, 1.0 + MORE)
    )
    if blend.ndim == 3:
        kept = jnp.eye(blend.shape[-1]) * (1.0 - blend.sum(axis=1))[:, None, :]
        return jnp.einsum("tir,tjr,tr,rij->irj", (more - now) / MORE, coefficient, unit, kept + blend)
    passed_on = jnp.diag(1.0 - blend.sum(axis=0)) + blend
    return jnp.einsum("tir,tjr,tr,ij->irj", (more - now) / MORE, coefficient, unit, passed_on)


def stated_marginal(found: Array, stated: StatedPriors[Array]) -> Array:
    """Minus the log density of `marginal_shares` `[channel]` under the stated priors, nats up to a constant."""
    assert stated.marginal is not None
    assert stated.marginal_precision is not None
    return 0.5 * jnp.sum(stated.marginal_precision * (found - stated.marginal) ** 2)
