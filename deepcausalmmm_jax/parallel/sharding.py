"""One fit over several devices, by region: the panel is laid out, and XLA puts in what the devices must exchange."""

import warnings
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from deepcausalmmm_jax.axes import REGION


def over_regions(tree: Any, devices: Sequence[Any], n_regions: int) -> Any:
    """Arrays with their regions spread over devices, as many of them as divide the regions.

    It is a layout and nothing else: no number depends on it, up to rounding. Sums over regions become sums over
    devices when the program is compiled.

    Args:
        tree: arrays; those whose first axis is as long as there are regions are spread, the others lie whole on each
            device.
        devices: to spread over.
        n_regions: number of regions.

    Returns:
        The same tree, on the devices.
    """
    used = max(n for n in range(1, len(devices) + 1) if n_regions % n == 0)
    if used < len(devices):
        warnings.warn(
            f"{n_regions} regions do not divide over {len(devices)} devices, so {used} of them "
            f"{'works' if used == 1 else 'work'}; another number of devices may be quicker.",
            stacklevel=3,
        )
    mesh = Mesh(np.array(devices[:used]), (REGION,))
    spread, whole = NamedSharding(mesh, PartitionSpec(REGION)), NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(
        lambda leaf: jax.device_put(leaf, spread if leaf.shape[:1] == (n_regions,) else whole),
        tree,
    )


def whole_on_each(state: Any, panel_array: Array) -> Any:
    """The state of a fit, whole on each device that has a part of the panel.

    Left to itself the layout moves after the first chunk, and the chunk would be compiled again.
    """
    layout = panel_array.sharding
    if not isinstance(layout, NamedSharding) or len(layout.device_set) == 1:
        return state
    return jax.device_put(state, NamedSharding(layout.mesh, PartitionSpec()))
