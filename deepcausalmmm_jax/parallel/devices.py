"""The devices of this host that a computation runs on."""

from collections.abc import Iterable, Sequence

import jax

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError

Devices = str | Sequence[jax.Device] | None


def devices_for(wanted: Devices) -> tuple[jax.Device, ...]:
    """Devices of this host.

    Args:
        wanted: a platform (`cpu`, `gpu`, `tpu`), devices from `jax.local_devices()`, or None for JAX's default.

    Raises:
        ConfigError: this host has no such device.
    """
    try:
        if wanted is None:
            return tuple(jax.local_devices())
        if isinstance(wanted, str):
            return tuple(jax.local_devices(backend=wanted))
        if not isinstance(wanted, Iterable):
            raise ConfigError(f"devices must be a platform such as 'cpu', or a list of devices, got {shown(wanted)}.")
        asked = list(wanted)
        if not all(isinstance(device, jax.Device) for device in asked):
            raise ConfigError(f"devices must be a platform such as 'cpu', or a list of devices, got {shown(wanted)}.")
        here = jax.local_devices(backend=asked[0].platform) if asked else jax.local_devices()
    except RuntimeError:
        raise ConfigError(
            f"JAX finds no {wanted or 'usable'} device on this host{_instead()}; leave devices out, or install JAX "
            f"with support for it (for an NVIDIA GPU: pip install 'jax[cuda12]')."
        ) from None
    if not asked or any(device not in here for device in asked):
        raise ConfigError(f"devices must be among those of this host, {', '.join(map(str, here))}; got {asked}.")
    return tuple(asked)


def _instead() -> str:
    try:
        return f", only {', '.join(sorted({device.platform for device in jax.local_devices()}))}"
    except RuntimeError:  # the missing platform is the one that JAX_PLATFORMS names
        return ""
