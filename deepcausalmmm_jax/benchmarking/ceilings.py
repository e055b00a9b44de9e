"""What the machine can do: matrix products, memory traffic, and steps that wait for each other."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from deepcausalmmm_jax.benchmarking.timing import seconds

_STEPS = 2000


class Ceilings(NamedTuple):
    """Measured limits of a device, single precision."""

    gflops: float  # 10^9 operations a second in products of large matrices
    gbytes: float  # 10^9 bytes a second, read and written
    step_us: float  # microseconds of a step of a scan that does next to nothing


def ceilings(device: Any, size: int = 2048, times: int = 5) -> Ceilings:
    """Measure a device.

    Args:
        device: the device.
        size: rows of the square matrices; four times their bytes are copied.
        times: calls that are counted, of which the median is taken.
    """
    with jax.default_device(device), jax.default_matmul_precision("highest"):
        square = jnp.ones((size, size), jnp.float32)
        long = jnp.ones((4 * size, size), jnp.float32)
        product, added, steps = jax.jit(jnp.dot), jax.jit(lambda a: a + 1.0), jax.jit(_steps)
        a_product = seconds(lambda: product(square, square), times)
        a_copy = seconds(lambda: added(long), times)
        a_scan = seconds(lambda: steps(jnp.ones((1, 8), jnp.float32)), times)
    return Ceilings(2e-9 * size**3 / a_product, 2e-9 * long.nbytes / a_copy, 1e6 * a_scan / _STEPS)


def _steps(state: jax.Array) -> jax.Array:
    def step(h: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jnp.tanh(h + 1.0), None

    return jax.lax.scan(step, state, length=_STEPS)[0]
