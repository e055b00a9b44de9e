"""Gated recurrent unit as a scan over weeks."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import over_lanes, over_weeks

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
        h: state before the week, `[hidden, ...]`.
        x: inputs of the week, `[feature, ...]`.

    Returns:
        State after the week, `[hidden, ...]`.
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
    """States after each week, of one series or of many side by side.

    The choices change the speed and the memory, not the numbers; `benchmarks/gru.py` measures them. On a CPU the
    defaults are quickest: a hoisted input product is written out whole and read back, which costs more than the one
    larger product saves.

    Args:
        parameters: weights.
        start: state before the first week, `[hidden]`, or `[hidden, region]` where each region has its own.
        inputs: `[week, feature]` or `[week, feature, region]`.
        project_inputs: whether the inputs meet their weights week by week inside the scan, or all before it (`hoist`).
        unroll: weeks a pass of the loop.
        rematerialise: compute the gates again for the gradient in place of keeping them.

    Returns:
        `[week, hidden]` or `[week, hidden, region]`.
    """
    start = _everywhere(start, inputs)

    def step(h: Array, x: Array) -> tuple[Array, Array]:
        h = _gated(parameters, h, _projected(parameters, x) if project_inputs == "scan" else x)
        return h, h

    each = inputs if project_inputs == "scan" else jax.vmap(lambda x: _projected(parameters, x))(inputs)
    _, states = jax.lax.scan(jax.checkpoint(step) if rematerialise else step, start, each, unroll=unroll)
    return states


def gru_scan_small(parameters: GRUParameters, start: Array, inputs: Array) -> Array:
    """The states of `gru_scan`, of regions side by side, by a way that is quicker where states and regions are few.

    The weights' gradient is taken over all weeks at once behind the loop, which keeps all gates; `gru_scan` sums it up
    week by week.

    Args:
        parameters: weights.
        start: state before the first week, `[hidden]` or `[hidden, region]`.
        inputs: `[week, feature, region]`.

    Returns:
        `[week, hidden, region]`.
    """
    return _whole(parameters, _everywhere(start, inputs), inputs)


def _everywhere(start: Array, inputs: Array) -> Array:
    """The start of each region, `[hidden, ...]`."""
    return jnp.broadcast_to(over_lanes(start, inputs[0]), (start.shape[0], *inputs.shape[2:]))


def _projected(parameters: GRUParameters, x: Array) -> Array:
    """What the inputs of a week `[feature, ...]` give to the gates, `[3 * hidden, ...]`."""
    return parameters.input_kernel.T @ x + over_lanes(parameters.input_bias, x)


def _gated(parameters: GRUParameters, h: Array, from_input: Array) -> Array:
    return _gates(parameters, h, from_input).state(h)


class _Gates(NamedTuple):
    """Gates of a week, `[hidden, ...]` each."""

    reset: Array
    update: Array
    new: Array
    from_hidden: Array  # what the state before gives to the new one, ahead of the reset gate

    def state(self, h: Array) -> Array:
        """The state after the week."""
        return (1.0 - self.update) * self.new + self.update * h


def _gates(parameters: GRUParameters, h: Array, from_input: Array) -> _Gates:
    from_hidden = parameters.hidden_kernel.T @ h + over_lanes(parameters.hidden_bias, h)
    reset_x, update_x, new_x = jnp.split(from_input, 3)
    reset_h, update_h, new_h = jnp.split(from_hidden, 3)
    r = jax.nn.sigmoid(reset_x + reset_h)
    z = jax.nn.sigmoid(update_x + update_h)
    return _Gates(r, z, jnp.tanh(new_x + r * new_h), new_h)


@jax.custom_vjp
def _whole(parameters: GRUParameters, start: Array, inputs: Array) -> Array:
    """`[week, hidden, region]` from a start `[hidden, region]` and inputs `[week, feature, region]`."""
    return _whole_forward(parameters, start, inputs)[0]


def _whole_forward(parameters: GRUParameters, start: Array, inputs: Array) -> tuple[Array, Any]:
    projected = over_weeks(parameters.input_kernel.T, inputs) + parameters.input_bias[:, None]

    def step(h: Array, x: Array) -> tuple[Array, tuple[Array, Array]]:
        gates = _gates(parameters, h, x)
        h = gates.state(h)
        return h, (h, jnp.concatenate(gates))  # one array to write, and not four

    _, (states, gates) = jax.lax.scan(step, start, projected)
    return states, (parameters, start, inputs, states, gates)


def _whole_backward(kept: Any, cotangent: Array) -> tuple[GRUParameters, Array, Array]:
    """Only what one week's state owes to the next is followed week by week; all else is taken over all weeks."""
    parameters, start, inputs, states, gates = kept
    before = jnp.concatenate([start[None], states[:-1]])
    r, z, n, from_hidden = jnp.split(gates, 4, axis=1)
    to_new = (1.0 - z) * (1.0 - n**2)
    to_reset, to_update = to_new * from_hidden * r * (1.0 - r), (before - n) * z * (1.0 - z)
    by_hidden = jnp.concatenate([to_reset, to_update, to_new * r], axis=1)

    def step(after: Array, week: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        own, slopes, update = week
        total = after + own
        return total * update + parameters.hidden_kernel @ (jnp.tile(total, (3, 1)) * slopes), total

    first, totals = jax.lax.scan(step, jnp.zeros_like(start), (cotangent, by_hidden, z), reverse=True)
    threefold = jnp.tile(totals, (1, 3, 1))
    from_h, from_x = threefold * by_hidden, threefold * jnp.concatenate([to_reset, to_update, to_new], axis=1)
    gradient = GRUParameters(
        input_kernel=jnp.einsum("tfr,tgr->fg", inputs, from_x),
        hidden_kernel=jnp.einsum("thr,tgr->hg", before, from_h),
        input_bias=from_x.sum(axis=(0, 2)),
        hidden_bias=from_h.sum(axis=(0, 2)),
    )
    return gradient, first, over_weeks(parameters.input_kernel, from_x)


_whole.defvjp(_whole_forward, _whole_backward)
