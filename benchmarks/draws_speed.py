"""Seconds for draws from the posterior of a fit, here and in another checkout, in turn.

python benchmarks/draws_speed.py [--beside CHECKOUT] [--rounds 1] [--draws 500] [--method laplace]
                                 [--panels national twenty real]

Fits are made once, by this checkout. Every row is a process of its own without programs on disk: first draws wait for
their programs, second ones, with another seed, do not.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from harness import checkouts, commits, in_a_process, record, say_figures
from panels import dma_panel

import deepcausalmmm_jax as dcm

_SIMULATED = {"national": (1, 156, 5), "twenty": (20, 120, 5)}


def fitted(name: str) -> dcm.FitResult:
    """A fit without draws, of one of the panels, its last 8 weeks held out."""
    panel = dma_panel() if name == "real" else dcm.simulate(*_SIMULATED[name], 2, seed=1)[0]
    settings = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
    return dcm.fit(panel, settings, holdout=8, progress=False)


def timed(file: str, draws: int, method: Any) -> dict[str, float]:
    """Seconds of first draws of a process, and of second ones; and the diagnostics of these."""
    result = dcm.load(file)
    found: dict[str, float] = {}
    for seed, name in enumerate(("first_s", "second_s")):
        began = time.perf_counter()
        sampling = dcm.sample_posterior(result, draws, method, seed=seed).sampling()
        found[name] = time.perf_counter() - began
    known = {name: float(sampling[name]) for name in ("pareto_k", "r_hat")}
    return found | {name: value for name, value in known.items() if math.isfinite(value)}  # JSON knows no NaN


def main() -> None:
    """Run panels and checkouts in turn; print medians and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--method", choices=("laplace", "hmc"), default="laplace")
    parser.add_argument("--panels", nargs="+", choices=(*_SIMULATED, "real"), default=[*_SIMULATED, "real"])
    parser.add_argument("--file", help=argparse.SUPPRESS)  # of a process of its own
    wanted = parser.parse_args()
    if wanted.file:
        say_figures(timed(wanted.file, wanted.draws, wanted.method))
        return
    compared, rows = checkouts(wanted.beside), []
    with tempfile.TemporaryDirectory() as folder:
        for panel in wanted.panels:
            file = Path(folder) / f"{panel}.fit"
            fitted(panel).save(file)
            asked = ["--file", str(file), "--draws", str(wanted.draws), "--method", wanted.method]
            for _ in range(wanted.rounds):
                for checkout, path in compared.items():
                    row = in_a_process(__file__, asked, path)
                    rows.append({"panel": panel, "checkout": checkout} | row)
                    print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby(["panel", "checkout"], sort=False).median()
    print(table.to_string(float_format=lambda value: f"{value:.2f}"))
    figures = {
        "commits": commits(compared),
        "draws": wanted.draws,
        "method": wanted.method,
        "rounds": wanted.rounds,
        "rows": rows,
    }
    print("wrote", record(f"draws_speed_{wanted.method}", figures))


if __name__ == "__main__":
    main()
