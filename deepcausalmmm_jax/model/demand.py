"""Hidden demand: what moves the KPI together with a channel's exposure without being its effect."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.ops.bijectors import to_positive

_LEAST = 0.02  # of a channel's effect that is left where the demand behind it is against it


class HiddenDemand(nn.Module):
    r"""Demand that media buyers follow, $\sum_j \psi_j Z_{rtj}$ with the activity Z of exposure as it ran.

    A KPI shows the sum of both, the effect of a channel and the demand that its budget follows. A lift test shows the
    effect alone, so only of tested channels can the two be told apart; the others' part stays at zero. Without it a
    channel's effect would have to explain both, and many weeks of a KPI would outvote any test.

    Attributes:
        n_channels: number of channels.
    """

    n_channels: int

    @nn.compact
    def __call__(self, activity: Array, tests: LiftTests[Array] | None, learns: bool) -> Array:
        """Hidden demand as a share of the mean KPI.

        Args:
            activity: `[week, channel, region]`, of exposure as it ran.
            tests: that training learns from; None for none.
            learns: whether the parameters are being trained.

        Returns:
            `[week, region]`.
        """
        demand = self.param("per_activity", nn.initializers.zeros, (self.n_channels,))
        if learns:  # without tests, and for untested channels, it keeps its value
            known = jax.lax.stop_gradient(demand)
            demand = known if tests is None else jnp.where(tests.demand_scale > 0, demand, known)
        return jnp.einsum("tcr,c->tr", activity, demand)


def as_without_tests(variables: Variables) -> Variables:
    """Variables in which the demand behind a channel counts as its effect, as a KPI alone shows it: where to begin.

    Args:
        variables: of a structural model; without hidden demand they stay as they are.
    """
    params = variables["params"]
    if "demand" not in params:
        return variables
    own, demand = params["coefficients"], np.asarray(params["demand"]["per_activity"])
    effect = np.asarray(to_positive(own["level"] + own["region"])).mean(axis=0)  # [channel]
    more = np.log(np.maximum(1.0 + demand / np.maximum(effect, np.finfo(np.float32).tiny), _LEAST))
    counted = {**own, "level": np.asarray(own["level"] + more, np.float32)}
    return {**variables, "params": {**params, "coefficients": counted, "demand": {"per_activity": 0.0 * demand}}}
