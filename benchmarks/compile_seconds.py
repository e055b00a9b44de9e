"""Seconds that a first fit and first refits wait for their programs, here and in another checkout, side by side.

python benchmarks/compile_seconds.py [--beside CHECKOUT] [--rounds 3] [--regions 20] [--weeks 120] [--channels 5]
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import jax
import pandas as pd
from harness import checkouts, commits, in_a_process, record, say_figures

import deepcausalmmm_jax as dcm

_STEPS = {
    "/jax/core/compile/backend_compile_duration": "xla_s",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lower_s",
}  # tracing is not among them: JAX tells it for every function in another, so that the sum counts twice
_REFITS = 8
_Made = TypeVar("_Made")


def timed(shape: tuple[int, int, int]) -> dict[str, float]:
    """Seconds of a first fit, of a second of its shape, of first refits and of others of their number."""
    spent: Counter[str] = Counter()

    def told(event: str, duration_secs: float, **_: str | int) -> None:
        if event in _STEPS:
            spent[_STEPS[event]] += duration_secs

    jax.monitoring.register_event_duration_secs_listener(told)
    panel = dcm.simulate(*shape, 2, seed=1)[0]
    without = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
    found: dict[str, float] = {}

    def clock(name: str, call: Callable[[], _Made]) -> _Made:
        spent.clear()
        began = time.perf_counter()
        made = call()
        found[f"{name}_s"] = time.perf_counter() - began
        found.update({f"{name}_{step}": spent[step] for step in _STEPS.values()})
        return made

    result = clock("first_fit", partial(dcm.fit, panel, without, holdout=8, progress=False))
    clock("second_fit", partial(dcm.fit, panel, without, holdout=8, seed=1, progress=False))
    refits = partial(dcm.bootstrap, result, _REFITS, checks=0, progress=False)
    clock("first_refits", partial(refits, seed=1))
    clock("second_refits", partial(refits, seed=2))
    return found


def main() -> None:
    """Run the checkouts in turn; print medians and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--regions", type=int, default=20)
    parser.add_argument("--weeks", type=int, default=120)
    parser.add_argument("--channels", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=3, help=argparse.SUPPRESS)  # of a process of its own
    wanted = parser.parse_args()
    if wanted.shape:
        say_figures(timed(tuple(wanted.shape)))
        return
    shape = (wanted.regions, wanted.weeks, wanted.channels)
    compared, asked = checkouts(wanted.beside), ["--shape", *map(str, shape)]
    rows = [
        {"checkout": name} | in_a_process(__file__, asked, path)
        for _ in range(wanted.rounds)
        for name, path in compared.items()
    ]
    table = pd.DataFrame(rows).groupby("checkout").median().T
    print(table.to_string(float_format=lambda value: f"{value:.2f}"))
    name = "x".join(map(str, shape))
    figures = {"commits": commits(compared), "rounds": wanted.rounds, "median_s": table.to_dict()}
    print("wrote", record(f"compile_seconds_{name}", figures))


if __name__ == "__main__":
    main()
