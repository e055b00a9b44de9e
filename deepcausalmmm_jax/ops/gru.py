"""Gated recurrent unit as a scan over weeks."""

from typing import Literal, NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import append_axes, over_weeks
from deepcausalmmm_jax.ops.weekly_loop import scan_weeks, weeks_per_iteration

Projection = Literal["scan", "hoist"]


class GRUParameters(NamedTuple):
    """Weights of one GRU layer; gates are stacked in the order reset, update, new."""

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
        h: state before the week, `[hidden]` or `[hidden, region]`.
        x: inputs of the week, `[feature]` or `[feature, region]`.

    Returns:
        State after the week, in the shape of `h`.

    Raises:
        AssertionError: shapes that do not match.
    """
    _assert_shapes(parameters, h, x[None])
    chex.assert_equal_rank((h, x))
    return _gated(parameters, h, _projected(parameters, x))


def gru_scan(
    parameters: GRUParameters,
    start: Array,
    inputs: Array,
    *,
    project_inputs: Projection = "scan",
    unroll: int | None = None,
    rematerialise: bool = False,
) -> Array:
    """States after each week, of one series or of several regions.

    The last three options change speed and memory, not the numbers; `benchmarks/gru.py` measures them. On a CPU the
    defaults are fastest: a hoisted input product is written to memory and read back, which costs more than a single
    larger product saves.

    Args:
        parameters: weights.
        start: state before the first week, `[hidden]`, or `[hidden, region]` where each region has its own.
        inputs: `[week, feature]` or `[week, feature, region]`.
        project_inputs: whether inputs are multiplied by their weights inside the scan, or for all weeks before it
            (`hoist`).
        unroll: weeks per iteration of the loop; None for `weeks_per_iteration`.
        rematerialise: compute the gates again for the gradient instead of storing them.

    Returns:
        `[week, hidden]` or `[week, hidden, region]`.

    Raises:
        AssertionError: shapes that do not match.
    """
    _assert_shapes(parameters, start, inputs)
    start = _per_region(start, inputs)

    def step(h: Array, x: Array) -> tuple[Array, Array]:
        h = _gated(parameters, h, _projected(parameters, x) if project_inputs == "scan" else x)
        return h, h

    each = inputs if project_inputs == "scan" else jax.vmap(lambda x: _projected(parameters, x))(inputs)
    unroll = unroll or weeks_per_iteration()
    states: Array = jax.lax.scan(jax.checkpoint(step) if rematerialise else step, start, each, unroll=unroll)[1]
    return states


def gru_scan_small(parameters: GRUParameters, start: Array, inputs: Array) -> Array:
    """The states of `gru_scan` for several regions, computed in a way that is faster for few states and regions.

    The gradient with respect to the weights is one product over all weeks after the loop, for which all gates are
    stored; `gru_scan` accumulates it week by week.

    Args:
        parameters: weights.
        start: state before the first week, `[hidden]` or `[hidden, region]`.
        inputs: `[week, feature, region]`.

    Returns:
        `[week, hidden, region]`.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(inputs, 3)
    _assert_shapes(parameters, start, inputs)
    return _whole(parameters, _per_region(start, inputs), inputs)


def _assert_shapes(parameters: GRUParameters, start: Array, inputs: Array) -> None:
    chex.assert_rank([inputs, start], [{2, 3}, {1, 2}])
    features, hidden = parameters.input_kernel.shape[0], parameters.hidden_kernel.shape[0]
    expected = [(features, 3 * hidden), (hidden, 3 * hidden), (3 * hidden,), (3 * hidden,)]
    chex.assert_shape(list(parameters), expected)
    message = f"weights of {features} features and {hidden} states"
    chex.assert_shape(inputs, (None, features, ...), custom_message=f"inputs [week, feature, ...] for {message}")
    start_shape = (hidden, *inputs.shape[2:])[: start.ndim]
    chex.assert_shape(start, start_shape, custom_message=f"start [hidden, ...] for {message}, inputs {inputs.shape}")


def _per_region(start: Array, inputs: Array) -> Array:
    """The start of each region, `[hidden, ...]`."""
    return jnp.broadcast_to(append_axes(start, inputs.ndim - 1), (start.shape[0], *inputs.shape[2:]))


def _projected(parameters: GRUParameters, x: Array) -> Array:
    """Input part of the gates of a week, `[3 * hidden, ...]` from `[feature, ...]`."""
    return parameters.input_kernel.T @ x + append_axes(parameters.input_bias, x.ndim)


def _gated(parameters: GRUParameters, h: Array, from_input: Array) -> Array:
    return _gates(parameters, h, from_input).state(h)


class _Gates(NamedTuple):
    """Gates of a week, `[hidden, ...]` each."""

    reset: Array
    update: Array
    new: Array
    from_hidden: Array  # part of the previous state in the new one, before the reset gate is applied

    def state(self, h: Array) -> Array:
        """The state after the week."""
        return (1.0 - self.update) * self.new + self.update * h


def _gates(parameters: GRUParameters, h: Array, from_input: Array) -> _Gates:
    from_hidden = parameters.hidden_kernel.T @ h + append_axes(parameters.hidden_bias, h.ndim)
    reset_x, update_x, new_x = jnp.split(from_input, 3)
    reset_h, update_h, new_h = jnp.split(from_hidden, 3)
    r = jax.nn.sigmoid(reset_x + reset_h)
    z = jax.nn.sigmoid(update_x + update_h)
    return _Gates(r, z, jnp.tanh(new_x + r * new_h), new_h)


class _Kept(NamedTuple):
    """What the forward pass stores for the gradient."""

    parameters: GRUParameters
    start: Array  # [hidden, region]
    inputs: Array  # [week, feature, region]
    states: Array  # [week, hidden, region]
    gates: Array  # [week, 4 * hidden, region]: reset, update, new, and the part of the previous state


@jax.custom_vjp
def _whole(parameters: GRUParameters, start: Array, inputs: Array) -> Array:
    """`[week, hidden, region]` from a start `[hidden, region]` and inputs `[week, feature, region]`.

    Where no gradient is asked for there are no gates to store, and `gru_scan` takes less than half the time.
    """
    return jnp.asarray(_states(parameters, start, inputs))


@jax.custom_batching.custom_vmap
def _states(parameters: GRUParameters, start: Array, inputs: Array) -> Array:
    return gru_scan(parameters, start, inputs)


@_states.def_vmap
def _states_of_several(
    size: int, is_batched: tuple[GRUParameters, bool, bool], parameters: GRUParameters, start: Array, inputs: Array
) -> tuple[Array, bool]:
    """Several series of the same weights as one with more regions: products of large matrices instead of many small."""
    if any(is_batched[0]):
        axes = jax.tree.map(lambda batched: 0 if batched else None, is_batched)
        return jax.vmap(gru_scan, in_axes=tuple(axes))(parameters, start, inputs), True
    starts, series = (
        array if batched else jnp.broadcast_to(array, (size, *array.shape))
        for array, batched in zip((start, inputs), is_batched[1:], strict=True)
    )
    n_weeks, n_regions = inputs.shape[-3], inputs.shape[-1]
    wide = jnp.moveaxis(series, 0, 2).reshape(n_weeks, -1, size * n_regions)
    states = gru_scan(parameters, jnp.moveaxis(starts, 0, 1).reshape(-1, size * n_regions), wide)
    return jnp.moveaxis(states.reshape(n_weeks, -1, size, n_regions), 2, 0), True


def _whole_forward(parameters: GRUParameters, start: Array, inputs: Array) -> tuple[Array, _Kept]:
    projected = over_weeks(parameters.input_kernel.T, inputs) + parameters.input_bias[:, None]

    def step(h: Array, x: Array) -> tuple[Array, tuple[Array, Array]]:
        gates = _gates(parameters, h, x)
        h = gates.state(h)
        return h, (h, jnp.concatenate(gates))  # one array to store instead of four

    _, (states, gates) = scan_weeks(step, start, projected)
    return states, _Kept(parameters, start, inputs, states, gates)


def _whole_backward(kept: _Kept, cotangent: Array) -> tuple[GRUParameters, Array, Array]:
    """Only the gradient through the state goes week by week; everything else is computed for all weeks at once."""
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

    first, totals = scan_weeks(step, jnp.zeros_like(start), (cotangent, by_hidden, z), reverse=True)
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
