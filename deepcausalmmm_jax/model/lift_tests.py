"""What lift tests would have measured if the model were true: the model's own counterfactual for each of them."""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import AdstockKind
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.model.media import MediaCurves, saturated


def lifts(
    tests: LiftTests[Array],
    exposure: Array,
    intensity: Array,
    history: Array,
    curves: MediaCurves,
    blend: Array,
    coefficient: Array,
    adstock: AdstockKind,
    max_lag: int,
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
        blend: `[channel, channel]`, share of the column's activity that is taken from the row.
        coefficient: `[week, channel, region]`.
        adstock: kind of carry-over.
        max_lag: lags of the finite kernels, weeks.

    Returns:
        `[test, region, channel]`, standard errors of the test; its sum over regions and channels is the lift.
    """
    own = tests.channel
    both = jnp.concatenate([own, own])
    by_arm = jnp.concatenate([exposure[:, own], jnp.moveaxis(tests.other, 2, 0)], axis=1)
    picked = curves._replace(
        decay=curves.decay[both],
        delay=curves.delay[both],
        slope=curves.slope[both],
        half_saturation=curves.half_saturation[both],
    )
    activity = saturated(by_arm, picked, intensity[both], history[both], adstock, max_lag)
    more = activity[:, : own.shape[0]] - activity[:, own.shape[0] :]
    counted = jnp.moveaxis(tests.counted, 2, 0) * more
    kept = jax.nn.one_hot(own, blend.shape[0], dtype=blend.dtype) * (1.0 - blend.sum(axis=0))
    return jnp.einsum("tkr,tjr->krj", counted, coefficient) * (kept + blend[own])[:, None, :]
