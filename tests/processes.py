"""How XLA is set up in this and in other Python processes under test; imports neither JAX nor the package."""

import os
import re
import subprocess
import sys

_DEVICES = "--xla_force_host_platform_device_count"
_QUICK_TO_COMPILE = "--xla_cpu_use_fusion_emitters=false"  # half the time to compile, programs up to a fifth slower


def xla_flags(devices: int) -> str:
    """So many CPU devices, and programs that are quick to compile where this version of XLA has them."""
    wished = f"{_DEVICES}={devices} {_QUICK_TO_COMPILE}"
    starts = [sys.executable, "-c", "import jax; jax.devices()"]  # XLA ends a process over a flag that it does not know
    tried = subprocess.run(starts, env=os.environ | {"XLA_FLAGS": wished}, capture_output=True, check=False)
    return wished if tried.returncode == 0 else f"{_DEVICES}={devices}"


def with_devices(count: int) -> dict[str, str]:
    """Environment of another process with so many CPU devices, and programs compiled as in this one."""
    others = re.sub(rf"{_DEVICES}=\d+", "", os.environ.get("XLA_FLAGS", ""))
    return os.environ | {"XLA_FLAGS": f"{_DEVICES}={count} {others}"}
