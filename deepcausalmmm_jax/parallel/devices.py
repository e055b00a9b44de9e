"""Which devices of this host are to work, and whether they are there."""

from collections.abc import Sequence
from typing import Any

import jax

from deepcausalmmm_jax.errors import ConfigError

Devices = str | Sequence[Any] | None


def devices_for(wanted: Devices) -> tuple[Any, ...]:
    """Devices of this host.

    Args:
        wanted: a platform (`cpu`, `gpu`, `tpu`), devices as `jax.local_devices()` gives them, or None for what JAX
            takes by itself.

    Raises:
        ConfigError: no such device is here.
    """
    try:
        if wanted is None:
            return tuple(jax.local_devices())
        if isinstance(wanted, str):
            return tuple(jax.local_devices(backend=wanted))
        asked: list[Any] = list(wanted)
        here = jax.local_devices(backend=asked[0].platform) if asked else jax.local_devices()
    except RuntimeError:
        raise ConfigError(
            f"JAX finds no {wanted or 'usable'} device here{_instead()}; leave devices out, or install the JAX that "
            f"knows it (for an NVIDIA GPU: pip install 'jax[cuda12]')."
        ) from None
    if not asked or any(device not in here for device in asked):
        raise ConfigError(f"devices must be some of this host's, {', '.join(map(str, here))}; got {asked}.")
    return tuple(asked)


def _instead() -> str:
    try:
        return f", only {', '.join(sorted({device.platform for device in jax.local_devices()}))}"
    except RuntimeError:  # the platform that was asked for by JAX_PLATFORMS is the one that is absent
        return ""
