"""Where and on what a figure was taken, and its record as JSON; what several scripts are asked for."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import jax

import deepcausalmmm_jax as dcm
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


def checkouts(beside: Path | None) -> dict[str, Path]:
    """This checkout, and the one that it is compared with, by name."""
    here = {"here": Path(__file__).resolve().parents[1]}
    return here if beside is None else here | {"beside": beside.resolve()}


def commits(of: dict[str, Path]) -> dict[str, str]:
    """The commit of each checkout."""
    ask = ["git", "rev-parse", "--short", "HEAD"]
    return {name: subprocess.check_output(ask, cwd=path, text=True).strip() for name, path in of.items()}


def in_a_process(script: str, arguments: list[str], checkout: Path) -> dict[str, float]:
    """What a script says by `say_figures` in a process of its own, with a checkout's package and no kept programs."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "DEEPCAUSALMMM_JAX_CACHE": "off"}
    command = [sys.executable, script, *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def say_figures(figures: dict[str, float]) -> None:
    """Print figures for `in_a_process`, once the package is known to be that of the checkout asked for."""
    wanted = os.environ["PYTHONPATH"]
    assert str(dcm.__file__).startswith(wanted), f"the package was not read from {wanted}"
    print(json.dumps(figures))


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
