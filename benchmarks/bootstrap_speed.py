"""Seconds of a bootstrap, compilation apart, beside a single cold fit of the same panel.

python benchmarks/bootstrap_speed.py [--panel geo20_10 dma] [--replicates 100 8]
"""

import argparse
import time

from harness import SHARED, peak_gib, record
from panels import dma_panel, geo_truth

import deepcausalmmm_jax as dcm


def case(name: str, replicates: int) -> dict[str, object]:
    """A second fit of the panel's shape, and a bootstrap."""
    if not SHARED.is_dir():
        panel = dcm.simulate(190, 101, 13, 7)[0] if name == "dma" else dcm.simulate()[0]
    else:
        panel = dma_panel() if name == "dma" else geo_truth(name)[0]
    dcm.fit(panel, progress=False)
    began = time.perf_counter()
    result = dcm.fit(panel, progress=False)
    cold = time.perf_counter() - began
    began = time.perf_counter()
    ensemble = dcm.bootstrap(result, replicates, checks=0, progress=False)
    wall = time.perf_counter() - began
    made = ensemble.replicates
    return {
        "shape": panel.shape,
        "replicates": replicates,
        "cold_fit_s": cold,
        "wall_s": wall,
        "compile_s": made.compile_seconds,
        "run_s": made.seconds,
        "replicate_over_fit": made.seconds / replicates / cold,
        "peak_gib": peak_gib(),
    }


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panel", nargs="+", default=["geo20_10", "dma"])
    parser.add_argument("--replicates", nargs="+", type=int, default=[100, 8])
    wanted = parser.parse_args()
    found = {}
    for name, replicates in zip(wanted.panel, wanted.replicates, strict=True):
        found[name] = case(name, replicates)
        print(name, found[name], flush=True)
    print("wrote", record("bootstrap_speed", found))


if __name__ == "__main__":
    main()
