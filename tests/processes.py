"""How XLA is set up in this and in other Python processes under test; imports neither JAX nor the package."""

import os
import re
import subprocess
import sys

_DEVICES = "--xla_force_host_platform_device_count"
# Tests compile much and compute little: with these, compiling takes a third of the time. XLA cuts a program into parts
# for several threads, which costs a quarter more work in all, and here every core has a worker of its own.
_QUICK_TO_COMPILE = (
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_backend_optimization_level=0",
    "--xla_cpu_parallel_codegen_split_count=1",
)


def xla_flags(devices: int) -> str:
    """So many CPU devices, and programs that are quick to compile as far as this version of XLA has them."""
    known = _QUICK_TO_COMPILE if _knows(*_QUICK_TO_COMPILE) else filter(_knows, _QUICK_TO_COMPILE)
    return " ".join([f"{_DEVICES}={devices}", *known])


def _knows(*flags: str) -> bool:
    """Whether a process with these flags starts: XLA ends it over a flag that it does not know."""
    environment = os.environ | {"XLA_FLAGS": " ".join(flags)}
    starts = [sys.executable, "-c", "import jax; jax.devices()"]
    return subprocess.run(starts, env=environment, capture_output=True, check=False).returncode == 0


def with_devices(count: int) -> dict[str, str]:
    """Environment of another process with so many CPU devices, and programs compiled as in this one."""
    others = re.sub(rf"{_DEVICES}=\d+", "", os.environ.get("XLA_FLAGS", ""))
    return os.environ | {"XLA_FLAGS": f"{_DEVICES}={count} {others}"}
