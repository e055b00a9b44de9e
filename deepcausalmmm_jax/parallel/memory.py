"""How many refits run together on a core, and the memory that those on an accelerator may use."""

import jax

from deepcausalmmm_jax.model.family import AnyDesign

_SHARE = 0.7  # of the device's memory that refits may use
_SMALL = 40_000  # region-weeks x channels up to which a core is faster with several refits at once
_AT_ONCE = 8
_CACHED, _ON_ACCELERATORS = 300_000, 4_000_000  # region-weeks x channels of counterfactuals that are computed together


def batch_size_on_cpu(design: AnyDesign, n_weeks: int) -> int:
    """Refits that a core runs at once: small panels gain from it, large ones only outgrow its caches."""
    return _AT_ONCE if design.n_regions * n_weeks * design.n_channels <= _SMALL else 1


def counterfactuals_at_once(size: int, number: int) -> int:
    """How many counterfactuals of one set of parameters are computed together, a divisor of their number.

    They share the weights of the GRU, so that together they are products of larger matrices; beyond a core's cache they
    are slower again. A remainder would need a program of its own.

    Args:
        size: region-weeks x channels of each.
        number: of counterfactuals.
    """
    room = _CACHED if jax.default_backend() == "cpu" else _ON_ACCELERATORS
    most = max(1, min(number, room // max(size, 1)))
    return max(n for n in range(1, most + 1) if number % n == 0)


def room_on(device: jax.Device) -> int:
    """Bytes of an accelerator's memory that refits may use; 0 where it does not say."""
    statistics = device.memory_stats() or {}
    return int(_SHARE * max(0, statistics.get("bytes_limit", 0) - statistics.get("bytes_in_use", 0)))


def is_out_of_memory(error: Exception) -> bool:
    """Whether a JAX error means that memory ran out."""
    return "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
