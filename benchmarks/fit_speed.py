"""Time and memory of the default fit: the DMA panel, and simulated panels of more and more regions.

python benchmarks/fit_speed.py
"""

import json
import subprocess
import sys
import time

import jax
import numpy as np
from harness import SHARED, peak_gib, record
from panels import dma_panel

import deepcausalmmm_jax as dcm

REGIONS = (200, 400, 800)
_COMPILED = "/jax/core/compile/backend_compile_duration"  # an event for each program that is compiled or read from disk


def timed(panel: dcm.Panel) -> dict[str, float]:
    """First fit, compilation included, and a second of the same shape."""
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(lambda event, _, **__: compiled.append(event))
    began = time.perf_counter()
    result = dcm.fit(panel, holdout=8, progress=False)
    first = time.perf_counter() - began
    programs = compiled.count(_COMPILED)
    assert programs > 0, "JAX has given the event of a compilation another name"
    began = time.perf_counter()
    dcm.fit(panel, holdout=8, progress=False)
    second = time.perf_counter() - began
    epochs = len(result.fitted.record.objective)
    holdout = result.metrics.loc["holdout"]
    return {
        "regions": panel.shape[0],
        "epochs": epochs,
        "first_fit_s": first,
        "second_fit_s": second,
        "ms_per_epoch": 1000 * second / epochs,
        "compiled_again": compiled.count(_COMPILED) - programs,
        "rmse_holdout": holdout["rmse"],
        "rmse_mean": holdout["rmse_mean"],
        "rmse_naive": holdout["rmse_naive"],
        "peak_gib": peak_gib(),
    }


def case(name: str) -> dict[str, float]:
    """One case in a process of its own, so that its peak memory is its own."""
    if name == "dma":
        return timed(dma_panel())
    return timed(dcm.simulate(int(name), 101, 13, 7, seed=0)[0])


def main() -> None:
    """Run each case in its own process; print a table and write JSON."""
    if len(sys.argv) > 1:
        print(json.dumps({key: float(value) for key, value in case(sys.argv[1]).items()}))
        return
    names = (["dma"] if SHARED.is_dir() else []) + [str(n) for n in REGIONS]
    rows = {}
    for name in names:
        ran = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        rows[name] = json.loads(ran.stdout.strip().splitlines()[-1])
        print(f"{name:5s}" + "  ".join(f"{key} {value:,.2f}" for key, value in rows[name].items()), flush=True)
    regions = np.log([rows[str(n)]["regions"] for n in REGIONS])
    exponent = np.polyfit(regions, np.log([rows[str(n)]["ms_per_epoch"] for n in REGIONS]), 1)[0]
    devices = ", ".join(device.device_kind for device in jax.devices())
    print(f"time per epoch grows as regions^{exponent:.2f}; on {devices}")
    print("wrote", record("fit_speed", {"cases": rows, "exponent_regions": exponent}))


if __name__ == "__main__":
    main()
