"""Seconds for draws from the posterior of a fit, here and in another checkout, in turn.

python benchmarks/draws_speed.py [--beside CHECKOUT] [--rounds 1] [--draws 500] [--method laplace]
                                 [--panels national twenty real]

Fits are made once, by this checkout. Every row is a process of its own without programs on disk: first draws wait for
their programs, second ones, with another seed, do not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from harness import record
from panels import dma_panel

import deepcausalmmm_jax as dcm

_SIMULATED = {"national": (1, 156, 5), "twenty": (20, 120, 5)}
_HERE = Path(__file__).resolve().parents[1]


def fitted(name: str) -> dcm.FitResult:
    """A fit without draws, of one of the panels, its last 8 weeks held out."""
    panel = dma_panel() if name == "real" else dcm.simulate(*_SIMULATED[name], 2, seed=1)[0]
    settings = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
    return dcm.fit(panel, settings, holdout=8, progress=False)


def timed(file: str, draws: int, method: Any) -> dict[str, Any]:
    """Seconds of first draws of a process, and of second ones; and the diagnostics of these."""
    result = dcm.load(file)
    found: dict[str, Any] = {"in": str(dcm.__file__).startswith(os.environ["PYTHONPATH"])}
    for seed, name in enumerate(("first_s", "second_s")):
        began = time.perf_counter()
        sampling = dcm.sample_posterior(result, draws, method, seed=seed).sampling()
        found[name] = time.perf_counter() - began
    return found | {name: float(sampling[name]) for name in ("pareto_k", "r_hat")}


def in_a_process(checkout: Path, file: Path, draws: int, method: str) -> dict[str, Any]:
    """The same in a process of its own, with the package of a checkout and no program kept on disk."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "DEEPCAUSALMMM_JAX_CACHE": "off"}
    command = [sys.executable, __file__, "--file", str(file), "--draws", str(draws), "--method", method]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    assert found.pop("in"), f"the package was not read from {checkout}"
    return found


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
        print(json.dumps(timed(wanted.file, wanted.draws, wanted.method)))
        return
    checkouts = {"here": _HERE} | ({"beside": wanted.beside.resolve()} if wanted.beside else {})
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for panel in wanted.panels:
            file = Path(folder) / f"{panel}.fit"
            fitted(panel).save(file)
            for _ in range(wanted.rounds):
                for checkout, path in checkouts.items():
                    row = in_a_process(path, file, wanted.draws, wanted.method)
                    rows.append({"panel": panel, "checkout": checkout} | row)
                    print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby(["panel", "checkout"], sort=False).median()
    print(table.to_string(float_format=lambda value: f"{value:.2f}"))
    commits = {
        checkout: subprocess.check_output(["git", "-C", path, "rev-parse", "--short", "HEAD"], text=True).strip()
        for checkout, path in checkouts.items()
    }
    figures = {
        "commits": commits,
        "draws": wanted.draws,
        "method": wanted.method,
        "rounds": wanted.rounds,
        "rows": rows,
    }
    print("wrote", record(f"draws_speed_{wanted.method}", figures))


if __name__ == "__main__":
    main()
