"""Coefficients: what a unit of a channel's activity is worth, by region and week."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.inputs import DRIFT_WEEKS
from deepcausalmmm_jax.ops.bijectors import to_positive
from deepcausalmmm_jax.ops.gru import GRUParameters, gru_scan, gru_scan_small
from deepcausalmmm_jax.ops.layout import over_weeks

# A step of Adam in units of the path: small beside what a path may learn, or the unrest of the descent would pass for
# movement and keep the learned size of it up.
_PATH_UNIT = 0.05
# Gates of all weeks and regions up to which `gru_scan_small` is the quicker way: on two cores it was so at 400 regions
# of two years, and no longer at 800.
_FEW_GATES = 1_500_000


class CoefficientMemory(NamedTuple):
    """What weeks leave to the coefficients of the weeks after them."""

    hidden: Array | None  # [state, region] of the GRU; None once training weeks are over, when it is not asked
    variation: Array  # [channel, region], deviation in the last training week; read after it only


class VariationGRU(nn.Module):
    """GRU over weeks, shared by all regions, that says by how much coefficients deviate from constant.

    Attributes:
        hidden_size: states.
        n_outputs: channels.
    """

    hidden_size: int
    n_outputs: int

    @nn.compact
    def __call__(self, inputs: Array, hidden: Array | None = None) -> tuple[Array, Array]:
        """Deviations in logs, zero before training, and the state after the last week.

        Args:
            inputs: `[week, feature, region]`.
            hidden: `[state, region]`, before the first week; the learned start when None.

        Returns:
            `[week, channel, region]` and `[state, region]`.
        """
        gates = 3 * self.hidden_size
        parameters = GRUParameters(
            input_kernel=self.param("input_kernel", nn.initializers.lecun_normal(), (inputs.shape[1], gates)),
            hidden_kernel=self.param("hidden_kernel", nn.initializers.orthogonal(), (self.hidden_size, gates)),
            input_bias=self.param("input_bias", nn.initializers.zeros, (gates,)),
            hidden_bias=self.param("hidden_bias", nn.initializers.zeros, (gates,)),
        )
        start = self.param("start", nn.initializers.zeros, (self.hidden_size,))
        readout = self.param("readout", nn.initializers.zeros, (self.hidden_size, self.n_outputs))
        scan = gru_scan_small if 4 * self.hidden_size * inputs[:, 0].size <= _FEW_GATES else gru_scan
        states = scan(parameters, start if hidden is None else hidden, inputs)
        return over_weeks(readout.T, states), states[-1]


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
        self,
        activity: Array,
        drivers: Array,
        basis: Array,
        ahead: Array,
        weights: Array | None,
        memory: CoefficientMemory | None = None,
    ) -> tuple[Array, Array, CoefficientMemory]:
        """Coefficients, their variation, and what is left to later weeks.

        Args:
            activity: `[week, channel, region]`.
            drivers: `[week, driver, region]`, what else may move coefficients: controls and the calendar.
            basis: `[week, knot]`, of the nation's path.
            ahead: `[week]`, weeks after the last training week; there the variation fades from where it stood, since
                nothing has been seen of it.
            weights: `[week, region]` of the training weeks, over which the variation is centred; None to use the
                centre found at the end of training.
            memory: what earlier weeks left; None where there are none.

        Returns:
            beta and delta, `[week, channel, region]` each, and the memory of these weeks.
        """
        shape = (self.n_regions, self.n_channels)
        log_level = self.param("level", nn.initializers.constant(jnp.log(self.start)), shape[1:])
        log_region = self.param("region", nn.initializers.zeros, shape)
        level = to_positive(log_level + log_region).T
        if memory is not None and memory.hidden is None:
            variation = _faded(memory.variation, ahead)
            return level * jnp.exp(variation), variation, memory
        gru = VariationGRU(self.hidden_size, self.n_channels, name="gru")
        raw, hidden = gru(jnp.concatenate([activity, drivers], axis=1), None if memory is None else memory.hidden)
        path = self.param("path", nn.initializers.zeros, (basis.shape[1], self.n_channels))
        raw = raw + _PATH_UNIT * (basis @ path)[:, :, None]
        centre = self.variable("fitted", "centre", jnp.zeros, shape)
        if weights is not None:
            used = (weights > 0).astype(raw.dtype)[:, None]
            centre.value = ((raw * used).sum(axis=0) / jnp.maximum(used.sum(axis=0), 1.0)).T
        variation, last = _held(raw - centre.value.T, ahead)
        return level * jnp.exp(variation), variation, CoefficientMemory(hidden, last)


def _held(variation: Array, ahead: Array) -> tuple[Array, Array]:
    """The variation `[week, channel, region]`, fading after training from where it stood; and where it stood."""
    is_last = (ahead == 0) & jnp.concatenate([ahead[1:] > 0, jnp.ones(1, bool)])
    last = jnp.einsum("tmr,t->mr", variation, is_last.astype(variation.dtype))
    return jnp.where(ahead[:, None, None] > 0, _faded(last, ahead), variation), last


def _faded(last: Array, ahead: Array) -> Array:
    return last * jnp.exp(-ahead / DRIFT_WEEKS)[:, None, None]
