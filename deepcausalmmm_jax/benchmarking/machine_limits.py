"""Limits of the machine: matrix products, memory traffic, and sequential steps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from deepcausalmmm_jax.benchmarking.timing import seconds

_STEPS = 2000


class MachineLimits(NamedTuple):
    """Measured limits of a device, single precision."""

    gflops: float  # 10^9 operations per second in products of large matrices
    gbytes: float  # 10^9 bytes per second, read and written
    step_us: float  # microseconds per step of a scan with almost no work


def measured_limits(device: jax.Device, size: int = 2048, times: int = 5) -> MachineLimits:
    """Measure a device.

    Args:
        device: the device.
        size: rows of the square matrices; arrays of four times their bytes are copied.
        times: timed calls; the median counts.
    """
    with jax.default_device(device), jax.default_matmul_precision("highest"):
        square = jnp.ones((size, size), jnp.float32)
        long = jnp.ones((4 * size, size), jnp.float32)
        product, added, steps = jax.jit(jnp.dot), jax.jit(lambda a: a + 1.0), jax.jit(_steps)
        a_product = seconds(lambda: product(square, square), times)
        a_copy = seconds(lambda: added(long), times)
        a_scan = seconds(lambda: steps(jnp.ones((1, 8), jnp.float32)), times)
    return MachineLimits(2e-9 * size**3 / a_product, 2e-9 * long.nbytes / a_copy, 1e6 * a_scan / _STEPS)


def _steps(state: jax.Array) -> jax.Array:
    def step(h: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jnp.tanh(h + 1.0), None

    return jax.lax.scan(step, state, length=_STEPS)[0]
