"""Gated recurrent unit as a scan over weeks."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

Projection = Literal["scan", "hoist"]


class GRUParameters(NamedTuple):
    """Weights of one GRU layer, gates side by side in the order reset, update, new."""

    input_kernel: Array  # [feature, 3 * hidden]
    hidden_kernel: Array  # [hidden, 3 * hidden]
    input_bias: Array  # [3 * hidden]
    hidden_bias: Array  # [3 * hidden]


def gru_step(parameters: GRUParameters, h: Array, x: Array) -> Array:
    r"""One week of the GRU (Cho et al. 2014, in the variant of PyTorch and cuDNN).

    $r = \sigma(W_r x + U_r h)$, $z = \sigma(W_z x + U_z h)$, $n = \tanh(W_n x + r \odot U_n h)$ with biases inside,
    $h' = (1 - z) n + z h$.

    Args:
        parameters: weights.
        h: state before the week, `[hidden]`.
        x: inputs of the week, `[feature]`.

    Returns:
        State after the week, `[hidden]`.
    """
    return _gated(parameters, h, _projected(parameters, x))


def gru_scan(
    parameters: GRUParameters,
    start: Array,
    inputs: Array,
    *,
    project_inputs: Projection = "scan",
    unroll: int = 1,
    rematerialise: bool = False,
) -> Array:
    """States after each week.

    The choices change the speed and the memory, not the numbers; `benchmarks/gru.py` measures them. On a CPU the
    defaults are quickest: a hoisted input product is written out whole and read back, which costs more than the one
    larger product saves.

    Args:
        parameters: weights.
        start: state before the first week, `[hidden]`.
        inputs: `[week, feature]`.
        project_inputs: whether the inputs meet their weights week by week inside the scan, or all before it (`hoist`).
        unroll: weeks a pass of the loop.
        rematerialise: compute the gates again for the gradient in place of keeping them.

    Returns:
        `[week, hidden]`.
    """

    def step(h: Array, x: Array) -> tuple[Array, Array]:
        h = _gated(parameters, h, _projected(parameters, x) if project_inputs == "scan" else x)
        return h, h

    each = inputs if project_inputs == "scan" else _projected(parameters, inputs)
    _, states = jax.lax.scan(jax.checkpoint(step) if rematerialise else step, start, each, unroll=unroll)
    return states


def _projected(parameters: GRUParameters, x: Array) -> Array:
    """What the inputs `[..., feature]` give to the gates, `[..., 3 * hidden]`."""
    return x @ parameters.input_kernel + parameters.input_bias


def _gated(parameters: GRUParameters, h: Array, from_input: Array) -> Array:
    from_hidden = h @ parameters.hidden_kernel + parameters.hidden_bias
    reset_x, update_x, new_x = jnp.split(from_input, 3)
    reset_h, update_h, new_h = jnp.split(from_hidden, 3)
    r = jax.nn.sigmoid(reset_x + reset_h)
    z = jax.nn.sigmoid(update_x + update_h)
    n = jnp.tanh(new_x + r * new_h)
    return (1.0 - z) * n + z * h
