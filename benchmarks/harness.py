"""Where and on what a figure was taken, and its record as JSON; what several scripts are asked for."""

import argparse
import json
import os
import platform
import resource
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import jax

from deepcausalmmm_jax.io.versions import version_of

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """Machine, devices and versions."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "devices": [device.device_kind for device in jax.devices()],
        "python": platform.python_version(),
        "versions": {
            name: version_of(name) for name in ("deepcausalmmm_jax", "jax", "jaxlib", "flax", "optax", "numpy")
        },
        "commit": commit.stdout.strip(),
    }


def peak_gib() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def record(name: str, figures: Any) -> Path:
    """Write figures with the machine they were taken on."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
    return path


def seeds_and_methods(description: str | None) -> Iterator[tuple[int, Any]]:
    """Each seed from the first to before the stop with each method of drawing, as the command line asks for them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("stop", type=int)
    parser.add_argument("--method", nargs="+", default=["hmc"])
    wanted = parser.parse_args()
    return product(range(wanted.first, wanted.stop), wanted.method)
