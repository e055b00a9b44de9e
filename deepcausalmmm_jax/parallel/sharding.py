"""One fit over several devices, by region: arrays are laid out, and XLA inserts the communication between devices."""

import warnings
from collections.abc import Sequence
from typing import TypeVar

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from deepcausalmmm_jax.axes import REGION

_Tree = TypeVar("_Tree")


def over_regions(tree: _Tree, devices: Sequence[jax.Device], n_regions: int) -> _Tree:
    """Arrays with their regions divided among devices, on the largest number of devices that divides the regions.

    Only the layout changes: no number depends on it, up to rounding. Sums over regions become sums over devices when
    the program is compiled.

    Args:
        tree: arrays; those whose first axis has one entry per region are divided, the others are copied to each
            device.
        devices: to divide the regions among.
        n_regions: number of regions.

    Returns:
        The same tree, on the devices.
    """
    used = max(n for n in range(1, len(devices) + 1) if n_regions % n == 0)
    if used < len(devices):
        warnings.warn(
            f"{n_regions} regions cannot be divided evenly among {len(devices)} devices, so only {used} "
            f"{'is' if used == 1 else 'are'} used; another number of devices may be faster.",
            stacklevel=3,
        )
    mesh = Mesh(np.array(devices[:used]), (REGION,))
    spread, whole = NamedSharding(mesh, PartitionSpec(REGION)), NamedSharding(mesh, PartitionSpec())
    placed: _Tree = jax.tree.map(
        lambda leaf: jax.device_put(leaf, spread if leaf.shape[:1] == (n_regions,) else whole),
        tree,
    )
    return placed


def whole_on_each(state: _Tree, panel_array: Array) -> _Tree:
    """The state of a fit, copied to each device that has a part of the panel.

    Otherwise its layout would change after the first chunk, and the chunk would be compiled a second time.
    """
    layout = panel_array.sharding
    if not isinstance(layout, NamedSharding) or len(layout.device_set) == 1:
        return state
    placed: _Tree = jax.device_put(state, NamedSharding(layout.mesh, PartitionSpec()))
    return placed
