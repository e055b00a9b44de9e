"""Coefficients: what a unit of a channel's activity is worth, by region and week."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.inputs import DRIFT_WEEKS
from deepcausalmmm_jax.ops.bijectors import to_positive
from deepcausalmmm_jax.ops.gru import GRUParameters, gru_scan

# A step of Adam in units of the path: small beside what a path may learn, or the unrest of the descent would pass for
# movement and keep the learned size of it up.
_PATH_UNIT = 0.05


class VariationGRU(nn.Module):
    """GRU over weeks, shared by all regions, that says by how much coefficients deviate from constant.

    Attributes:
        hidden_size: states.
        n_outputs: channels.
    """

    hidden_size: int
    n_outputs: int

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Deviations in logs, zero before training.

        Args:
            inputs: `[region, week, feature]`.

        Returns:
            `[region, week, channel]`.
        """
        gates = 3 * self.hidden_size
        parameters = GRUParameters(
            input_kernel=self.param("input_kernel", nn.initializers.lecun_normal(), (inputs.shape[-1], gates)),
            hidden_kernel=self.param("hidden_kernel", nn.initializers.orthogonal(), (self.hidden_size, gates)),
            input_bias=self.param("input_bias", nn.initializers.zeros, (gates,)),
            hidden_bias=self.param("hidden_bias", nn.initializers.zeros, (gates,)),
        )
        start = self.param("start", nn.initializers.zeros, (self.hidden_size,))
        readout = self.param("readout", nn.initializers.zeros, (self.hidden_size, self.n_outputs))
        return jax.vmap(gru_scan, in_axes=(None, None, 0))(parameters, start, inputs) @ readout


class Coefficients(nn.Module):
    r"""$\beta_{rtm} = \beta^0_{rm} e^{\delta_{rtm}}$, delta with mean zero over a region's training weeks.

    $\beta^0_{rm} = \beta_m e^{u_{rm}}$ is partially pooled: u is penalised towards zero. delta is a path of the
    nation's, free from week to week, plus what a GRU makes of activity, controls and the calendar; it is penalised
    towards zero, and its size is learned.

    Attributes:
        n_regions: number of regions.
        n_channels: number of channels.
        hidden_size: states of the GRU.
        start: coefficient of every channel before training, as a share of the mean KPI.
    """

    n_regions: int
    n_channels: int
    hidden_size: int
    start: float

    @nn.compact
    def __call__(
        self, activity: Array, drivers: Array, basis: Array, ahead: Array, weights: Array | None
    ) -> tuple[Array, Array]:
        """Coefficients and their variation.

        Args:
            activity: `[region, week, channel]`.
            drivers: `[region, week, driver]`, what else may move coefficients: controls and the calendar.
            basis: `[week, knot]`, of the nation's path.
            ahead: `[week]`, weeks after the last training week; there the variation fades from where it stood, since
                nothing has been seen of it.
            weights: `[region, week]` of the training weeks, over which the variation is centred; None to use the
                centre found at the end of training.

        Returns:
            beta and delta, `[region, week, channel]` each.
        """
        shape = (self.n_regions, self.n_channels)
        log_level = self.param("level", nn.initializers.constant(jnp.log(self.start)), shape[1:])
        log_region = self.param("region", nn.initializers.zeros, shape)
        raw = VariationGRU(self.hidden_size, self.n_channels, name="gru")(jnp.concatenate([activity, drivers], axis=-1))
        path = self.param("path", nn.initializers.zeros, (basis.shape[1], self.n_channels))
        raw = raw + _PATH_UNIT * (basis @ path)
        centre = self.variable("fitted", "centre", jnp.zeros, shape)
        if weights is not None:
            used = (weights > 0).astype(raw.dtype)[:, :, None]
            centre.value = (raw * used).sum(axis=1) / jnp.maximum(used.sum(axis=1), 1.0)
        variation = _held(raw - centre.value[:, None, :], ahead)
        return to_positive(log_level + log_region)[:, None, :] * jnp.exp(variation), variation


def _held(variation: Array, ahead: Array) -> Array:
    """The variation `[region, week, channel]`; in the weeks after training it fades from where it stood."""
    is_last = (ahead == 0) & jnp.concatenate([ahead[1:] > 0, jnp.ones(1, bool)])
    last = jnp.einsum("rtm,t->rm", variation, is_last.astype(variation.dtype))
    faded = last[:, None, :] * jnp.exp(-ahead / DRIFT_WEEKS)[:, None]
    return jnp.where(ahead[:, None] > 0, faded, variation)
