"""Memory over many fits of changing shapes in one process: it must level off.

python benchmarks/soak.py [--fits 200] [--shapes 40]

Each shape has its own programs; `io.program_cache` forgets those of shapes not fitted lately. The figure is
resident memory after each fit, and its largest value after the first twenty fits against the largest of those.
"""

import argparse
import dataclasses
import gc
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from harness import record

import deepcausalmmm_jax as dcm

FIRST = 20  # fits, in which memory may grow
ALLOWED = 1.10


def shapes(count: int) -> Iterator[tuple[int, int, int, int]]:
    """Regions, weeks, channels and controls, no two alike, over and over."""
    regions, weeks, channels, controls = (1, 2, 3, 4), (40, 44, 48, 52, 56), (1, 2, 3), (0, 1)
    some = itertools.islice(itertools.product(weeks, channels, controls, regions), count)
    return itertools.cycle([(r, w, m, k) for w, m, k, r in some])


def resident_mib() -> float:
    """Resident memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Fit, read the memory, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--shapes", type=int, default=40)
    wanted = parser.parse_args()
    dcm.keep_programs()
    short = dataclasses.replace(dcm.Training(), max_epochs=20, chunk_epochs=10)
    config = dcm.Config(training=short, posterior=dcm.PosteriorSettings(method="none"))
    memory, began = [], time.perf_counter()
    for number, shape in zip(range(wanted.fits), shapes(wanted.shapes), strict=False):
        result = dcm.fit(dcm.simulate(*shape, seed=number)[0], config, progress=False)
        result.media_summary()
        gc.collect()
        memory.append(round(resident_mib()))
        print(f"{number + 1:4d} {shape} {memory[-1]} MiB", flush=True)
    later = max(memory[FIRST:], default=memory[-1])
    grown = later / max(memory[:FIRST])
    figures = {
        "fits": wanted.fits,
        "shapes": wanted.shapes,
        "mib": memory,
        "largest_later_over_largest_of_the_first_twenty": grown,
        "levels_off": grown <= ALLOWED,
        "seconds": round(time.perf_counter() - began),
    }
    print(f"largest later over largest of the first {FIRST}: {grown:.3f} (at most {ALLOWED})")
    print("wrote", record("soak", figures))


if __name__ == "__main__":
    main()
