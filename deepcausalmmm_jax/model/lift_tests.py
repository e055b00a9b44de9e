"""What lift tests would have measured if the model were true: the model's own counterfactual for each of them."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.model.curves import MediaCurves, activity_of_kind, contacts_of


def lifts(
    tests: LiftTests[Array],
    exposure: Array,
    intensity: Array,
    history: Array,
    curves: MediaCurves,
    blend: Array,
    coefficient: Array,
    kinds: CurveKinds,
    contacts: Contacts[Array] | None = None,
) -> Array:
    r"""Lift of each test by region and by the channel in whose contribution it shows.

    $\sum_t c_{krt} (H(x) - H(x'))_{rt} \, \beta_{rtj} \, m_{kj}$ with exposure x of the panel and x' of the other arm,
    carried over and saturated by the channel's curve, and m what the graph passes on: the tested channel's own share
    of its activity, and what others take from it. Coefficients stay what they are in the panel: the GRU, which reads
    activity, is not run again.

    Args:
        tests: the tests.
        exposure: `[week, channel, region]`, scaled.
        intensity: `[channel, region]`.
        history: `[channel, region]`.
        curves: of the channels.
        blend: `[channel, channel]`, share of the column's activity that is taken from the row; where regions have
            graphs by group, `[region, channel, channel]`.
        coefficient: `[week, channel, region]`.
        kinds: of the channels' curves.
        contacts: per person reached, the same in both arms, `each` as `[week, channel, region]`; None without reach and
            frequency.

    Returns:
        `[test, region, channel]`, in the errors of the tests; its sum over regions and channels is the lift.
    """
    own = tests.channel
    both = jnp.concatenate([own, own])
    by_arm = jnp.concatenate([exposure[:, own], jnp.moveaxis(tests.other, 2, 0)], axis=1)
    activity = _activity(by_arm, both, curves, intensity[both], history[both], kinds, contacts)
    more = activity[:, : own.shape[0]] - activity[:, own.shape[0] :]
    counted = jnp.moveaxis(tests.counted, 2, 0) * more
    if blend.ndim == 3:
        kept = jax.nn.one_hot(own, blend.shape[-1], dtype=blend.dtype) * (1.0 - blend.sum(axis=1))[:, None, :]
        return jnp.einsum("tkr,tjr,rkj->krj", counted, coefficient, kept + blend[:, own])
    kept = jax.nn.one_hot(own, blend.shape[0], dtype=blend.dtype) * (1.0 - blend.sum(axis=0))
    return jnp.einsum("tkr,tjr->krj", counted, coefficient) * (kept + blend[own])[:, None, :]


def _activity(
    exposure: Array,
    channel: Array,
    curves: MediaCurves,
    intensity: Array,
    history: Array,
    kinds: CurveKinds,
    contacts: Contacts[Array] | None,
) -> Array:
    """Activity of the channels at positions `channel`, which are traced: each kind is run on all, and one is kept."""
    picked, kept = curves.of(channel), None
    for kind, positions in kinds.groups():
        often = contacts_of(contacts, kind, channel)
        found = activity_of_kind(exposure, picked, intensity, history, kind, kinds.max_lag, contacts=often)
        is_kind = np.isin(np.arange(len(kinds.channels)), positions)
        kept = found if kept is None else jnp.where(jnp.asarray(is_kind)[channel][:, None], found, kept)
    assert kept is not None
    return kept
