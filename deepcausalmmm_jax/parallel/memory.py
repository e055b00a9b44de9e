"""Number of refits that fit into a device's memory together."""

import jax

from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.parallel.engines import Batch, Mapped, Outcome, Shared

_SHARE = 0.7  # of the device's memory that refits may use
_SMALL = 40_000  # region-weeks x channels up to which a core is faster with several refits at once
_AT_ONCE = 8


def batch_size_on_cpu(design: AnyDesign, n_weeks: int) -> int:
    """Refits that a core runs at once: small panels gain from it, large ones only outgrow its caches."""
    return _AT_ONCE if design.n_regions * n_weeks * design.n_channels <= _SMALL else 1


def batch_size_by_memory(
    device: jax.Device, single: Batch[Mapped, Shared, Outcome], mapped: Mapped, shared: Shared, most: int
) -> int:
    """Refits that run together on an accelerator, from its free memory and the memory that one of them needs.

    Args:
        device: the accelerator.
        single: the batch with one refit at a time.
        mapped: arrays for one refit, with a leading axis of 1.
        shared: arrays that refits share.
        most: upper limit.
    """
    statistics = device.memory_stats() or {}
    limit = statistics.get("bytes_limit", 0) - statistics.get("bytes_in_use", 0)
    needs = jax.jit(single.__call__).lower(mapped, shared).compile().memory_analysis()
    one = 1 if needs is None else max(1, needs.temp_size_in_bytes + needs.output_size_in_bytes)
    return max(1, min(most, int(_SHARE * limit / one)))


def is_out_of_memory(error: Exception) -> bool:
    """Whether a JAX error means that memory ran out."""
    return "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
