"""Channel graph: how much of a channel's activity reaches the KPI through another channel."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config import GraphKind
from deepcausalmmm_jax.ops.bijectors import to_unit

_START_MIX = -4.0  # logit: 2 % of a channel's activity
_START_WEIGHT = -1.0


class ChannelGraph(nn.Module):
    r"""Blend of each channel's activity with that of the channels that feed it.

    $Z_j = (1 - m_j) H_j + m_j \sum_i W_{ij} H_i$. W has entries in (0, 1) and no self-loops; the `triangular` graph
    is acyclic by its mask, the others by a penalty during training and a cut at its end, kept as `kept_edges`.

    Attributes:
        n_channels: number of channels.
        kind: how the graph is kept acyclic; `none` passes activity through.
    """

    n_channels: int
    kind: GraphKind

    def setup(self) -> None:
        """Declare weights and mixes."""
        if self.kind == "none":
            return
        shape = (self.n_channels, self.n_channels)
        self.weight = self.param("weight", nn.initializers.constant(_START_WEIGHT), shape)
        self.mix = self.param("mix", nn.initializers.constant(_START_MIX), shape[1:])
        allowed = jnp.triu(jnp.ones(shape), 1) if self.kind == "triangular" else 1.0 - jnp.eye(self.n_channels)
        self.kept_edges = self.variable("fitted", "kept_edges", lambda: allowed)

    def weights(self) -> Array:
        """W, `[channel, channel]`: entry [i, j] is the edge i -> j, 0 where there is no edge."""
        if self.kind == "none":
            return jnp.zeros((self.n_channels, self.n_channels))
        return to_unit(self.weight) * self.kept_edges.value

    def edges(self) -> Array:
        """Strength of each edge, $m_j W_{ij}$: the share of channel i's activity that works through channel j."""
        if self.kind == "none":
            return self.weights()
        return self.weights() * to_unit(self.mix)

    def __call__(self, activity: Array) -> Array:
        """Blended activity.

        Args:
            activity: H, `[region, week, channel]`.

        Returns:
            Z, `[region, week, channel]`.
        """
        if self.kind == "none":
            return activity
        return (1.0 - to_unit(self.mix)) * activity + activity @ self.edges()
