"""Host arrays on the device without a program of their own: `jnp.asarray` compiles one for every new shape."""

from typing import Any, TypeVar

import jax
import numpy as np
from jax import Array

T = TypeVar("T")


def on_device(tree: Any) -> Any:
    """The arrays of a tree on JAX's default device, as they are.

    Args:
        tree: NumPy arrays in any containers that JAX knows; 64-bit numbers become 32-bit ones unless JAX keeps them.
    """
    return jax.device_put(tree)


def single(values: Any) -> Array:
    """Numbers of any shape on the device, in single precision."""
    placed: Array = jax.device_put(np.asarray(values, np.float32))
    return placed
