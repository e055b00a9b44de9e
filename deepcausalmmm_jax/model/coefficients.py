"""Coefficients: what a unit of a channel's activity is worth, by region and week."""

from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.ops.bijectors import to_positive
from deepcausalmmm_jax.ops.gru import GRUParameters, gru_scan, gru_scan_small
from deepcausalmmm_jax.ops.layout import over_weeks

DRIFT_WEEKS = 26.0  # time scale of a coefficient's variation: e^-1 of a deviation is left after it
# A step of Adam in units of the path: small relative to what a path may learn, or optimiser noise would be mistaken for
# variation over time and inflate its learned scale.
PATH_UNIT = 0.05
# Gates of all weeks and regions up to which `gru_scan_small` is faster: on two cores it was at 400 regions of two
# years, and no longer at 800.
_FEW_GATES = 1_500_000
_IDLE = 1e-4  # of a coefficient


class CoefficientMemory(NamedTuple):
    """What weeks leave to the coefficients of the weeks after them."""

    hidden: Array | None  # [state, region] of the GRU; None after the training weeks, where the GRU is not run
    variation: Array  # [channel, region], log deviation in the last training week; read only after it


class VariationGRU(nn.Module):
    """GRU over weeks, shared by all regions, whose outputs are log deviations of the coefficients.

    Attributes:
        hidden_size: states.
        n_outputs: channels.
    """

    hidden_size: int
    n_outputs: int

    @nn.compact
    def __call__(self, inputs: Array, hidden: Array | None = None, *, learns: bool) -> tuple[Array, Array]:
        """Log deviations, zero before training, and the state after the last week.

        Args:
            inputs: `[week, feature, region]`.
            hidden: `[state, region]`, before the first week; the learned initial state when None.
            learns: whether the parameters are being trained. Otherwise an idle GRU, see `without_idle_gru`, is not run:
                it is seven eighths of a forward pass, and questions of what would have been ask for thousands.

        Returns:
            `[week, channel, region]` and `[state, region]`.
        """
        chex.assert_rank(inputs, 3)
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

        def run() -> tuple[Array, Array]:
            states = scan(parameters, start if hidden is None else hidden, inputs)
            return over_weeks(readout.T, states), states[-1]

        if learns:
            return run()
        n_weeks, _, n_regions = inputs.shape
        nothing = tuple(
            jnp.zeros(shape, inputs.dtype)
            for shape in ((n_weeks, self.n_outputs, n_regions), (self.hidden_size, n_regions))
        )
        outcome: tuple[Array, Array] = jax.lax.cond(jnp.any(readout != 0.0), run, lambda: nothing)
        return outcome


def is_constant_in_training(n_regions: int) -> bool:
    """Whether training holds coefficients constant over time: those of a single region.

    Weekly paths of one region can follow every week's noise. Some descents then end where media are the whole KPI and
    more, the noise is a fraction of what it is, and the objective is worse than without any variation. Draws from the
    posterior average over all paths instead, see `posterior.variation`.
    """
    return n_regions == 1


class Coefficients(nn.Module):
    r"""$\beta_{rtm} = \beta^0_{rm} e^{\delta_{rtm}}$, delta with mean zero over a region's training weeks.

    $\beta^0_{rm} = \beta_m e^{u_{rm}}$ is partially pooled: u is penalised towards zero. delta is a national path with
    the knots of the trend, plus the output of a GRU that reads activity, controls and the calendar; it is penalised
    towards zero with a learned scale. Training holds the coefficients of a single region constant, see
    `is_constant_in_training`.

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
            drivers: `[week, driver, region]`, the other inputs of the GRU: controls and the calendar.
            basis: `[week, knot]`, of the national path.
            ahead: `[week]`, weeks after the last training week, in which the variation decays from its last value,
                since no data inform it.
            weights: `[week, region]` of the training weeks, over which the variation is centred; None to use the
                centre found at the end of training.
            memory: what earlier weeks left; None at the panel's start.

        Returns:
            beta and delta, `[week, channel, region]` each, and what these weeks leave to later ones.
        """
        chex.assert_shape(activity, (None, self.n_channels, self.n_regions))
        chex.assert_shape(drivers, (activity.shape[0], None, self.n_regions))
        chex.assert_equal_shape_prefix([activity, basis, ahead], 1)
        shape = (self.n_regions, self.n_channels)
        log_level = self.param("level", nn.initializers.constant(jnp.log(self.start)), shape[1:])
        log_region = self.param("region", nn.initializers.zeros, shape)
        level = to_positive(log_level + log_region).T
        if memory is not None and memory.hidden is None:
            variation = _decayed(memory.variation, ahead)
            return level * jnp.exp(variation), variation, memory
        learns = weights is not None
        if learns and is_constant_in_training(self.n_regions) and not self.is_initializing():
            raw, hidden = jnp.zeros_like(activity), None
        else:
            gru = VariationGRU(self.hidden_size, self.n_channels, name="gru")
            before = None if memory is None else memory.hidden
            raw, hidden = gru(jnp.concatenate([activity, drivers], axis=1), before, learns=learns)
        path = self.param("path", nn.initializers.zeros, (basis.shape[1], self.n_channels))
        raw = raw + _national_path(basis, path)[:, :, None]
        centre = self.variable("fitted", "centre", jnp.zeros, shape)
        if weights is not None:
            trained = (weights > 0).astype(raw.dtype)[:, None]
            centre.value = ((raw * trained).sum(axis=0) / jnp.maximum(trained.sum(axis=0), 1.0)).T
        variation, last = _continued(raw - centre.value.T, ahead)
        return level * jnp.exp(variation), variation, CoefficientMemory(hidden, last)


def without_idle_gru(variables: Variables, variation: Array, basis: Array, weights: Array) -> Variables:
    """The variables with the GRU's readout at zero where no coefficient moves by more than a ten-thousandth for it.

    That is what a search by single precision leaves of a GRU which the learned size of the variation has no use for.

    Args:
        variables: of the structural model.
        variation: `[region, week, channel]`, delta as it was found.
        basis: `[week, knot]`, of the national path.
        weights: `[region, week]` of the training weeks.
    """
    params, fitted = variables["params"], variables["fitted"]
    own, centre = params["coefficients"], fitted["coefficients"]["centre"]
    chex.assert_equal_shape_prefix([variation, weights], 2)
    trained = (weights > 0)[:, :, None]
    raw = variation + centre[:, None] - _national_path(basis, own["path"])
    mean = jnp.sum(raw, axis=1, where=trained) / jnp.maximum(trained.sum(axis=1), 1)  # [region, channel]
    is_idle = jnp.max(jnp.abs(raw - mean[:, None]), initial=0.0, where=trained) < _IDLE
    readout = jnp.where(is_idle, 0.0, own["gru"]["readout"])
    own = {**own, "gru": {**own["gru"], "readout": readout}}
    found = {**fitted["coefficients"], "centre": jnp.where(is_idle, centre - mean, centre)}
    return {**variables, "params": {**params, "coefficients": own}, "fitted": {**fitted, "coefficients": found}}


def _national_path(basis: Array, path: Array) -> Array:
    """`[week, channel]`, log deviations that all regions share."""
    return PATH_UNIT * (basis @ path)


def _continued(variation: Array, ahead: Array) -> tuple[Array, Array]:
    """The variation, `[week, channel, region]`, decaying after training from its last value; and that value."""
    is_last = (ahead == 0) & jnp.concatenate([ahead[1:] > 0, jnp.ones(1, bool)])
    last = jnp.einsum("tmr,t->mr", variation, is_last.astype(variation.dtype))
    return jnp.where(ahead[:, None, None] > 0, _decayed(last, ahead), variation), last


def _decayed(last: Array, ahead: Array) -> Array:
    return last * jnp.exp(-ahead / DRIFT_WEEKS)[:, None, None]
