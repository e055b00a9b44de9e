"""How many refits fit side by side into a device's memory."""

from typing import Any

import jax

from deepcausalmmm_jax.model.family import AnyDesign

_SHARE = 0.7  # of the device's memory that refits may take
_SMALL = 40_000  # region-weeks x channels up to which a core gains by refits side by side
_SIDE_BY_SIDE = 8


def batch_size_on_cpu(design: AnyDesign, n_weeks: int) -> int:
    """Refits side by side on a core: small panels gain, large ones only outgrow its caches."""
    return _SIDE_BY_SIDE if design.n_regions * n_weeks * design.n_channels <= _SMALL else 1


def batch_size_by_memory(device: Any, single: Any, mapped: Any, shared: Any, most: int) -> int:
    """Refits side by side on an accelerator, from its memory and what the program for one of them takes.

    Args:
        device: the accelerator.
        single: the batch with one refit at a time.
        mapped: arrays for one refit, with a leading axis of 1.
        shared: what refits share.
        most: upper limit.
    """
    statistics = device.memory_stats() or {}
    limit = statistics.get("bytes_limit", 0) - statistics.get("bytes_in_use", 0)
    needs: Any = jax.jit(single.__call__).lower(mapped, shared).compile().memory_analysis()
    one = max(1, needs.temp_size_in_bytes + needs.output_size_in_bytes)
    return max(1, min(most, int(_SHARE * limit / one)))


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of JAX says that memory ran out."""
    return "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
