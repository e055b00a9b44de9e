"""The machine that figures are measured on."""

import platform
import resource
import sys
from pathlib import Path

import jax

from deepcausalmmm_jax.benchmarking.figures import MachineFacts
from deepcausalmmm_jax.io.versions import version_of
from deepcausalmmm_jax.parallel.batches import cores

_PACKAGES = ("deepcausalmmm_jax", "jax", "jaxlib", "flax", "optax", "numpy")


def machine(devices: tuple[jax.Device, ...]) -> MachineFacts:
    """Machine, devices and versions."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "platform": devices[0].platform,
        "devices": [device.device_kind for device in devices],
        "python": platform.python_version(),
        "versions": {name: version_of(name) for name in _PACKAGES},
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in _lines(facts) if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def peak_gib(device: jax.Device) -> float:
    """Peak memory so far, GiB: of an accelerator, or of this process."""
    statistics = {} if device.platform == "cpu" else device.memory_stats() or {}
    if "peak_bytes_in_use" in statistics:
        return float(statistics["peak_bytes_in_use"]) / 2**30
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
