"""Tests that try to break the estimate, on the shared panels and on simulated ones, sound and broken.

python benchmarks/refute.py [--panels geo_truth meridian dma] [--refits 2] [--name refute]
python benchmarks/refute.py --simulated 2000 [--name refute_simulated]

The simulated panels are named `sound` where the model can be right, and `broken` where it cannot: an unobserved cause
(`unobserved_demand`, `follows_sales`, `hidden_control`, `follows_demand`), a channel that copies the KPI
(`copies_demand`), a training that ended after 30 epochs, and two channels with a correlation of 0.95. `seconds` is wall
time, with that of the fit beside it; both include the compilation where there was one.
"""

import argparse
import dataclasses
import time
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from harness import record
from panels import GEO, dma_panel, geo_truth, meridian

import deepcausalmmm_jax as dcm

_SIZE = (12, 104, 4, 2)
_SOUND = (
    "hill", "linear", "logarithmic", "power", "tanh", "logistic", "delayed", "weibull", "two_speed", "bursts",
    "trend_breaks", "heavy_tails", "moves_together", "multiplicative", "always_on", "new_and_stopped",
)  # fmt: skip
_BROKEN = (
    "unobserved_demand", "follows_sales", "hidden_control", "follows_demand", "copies_demand", "epochs_30", "collinear",
)  # fmt: skip
_EACH = 2  # panels of each broken kind


def shared(names: list[str]) -> Iterator[tuple[str, dcm.Panel, dcm.Config]]:
    """The shared panels by name."""
    for name in names:
        if name == "geo_truth":
            yield from ((geo, geo_truth(geo)[0], dcm.Config()) for geo in GEO)
        else:
            yield name, {"meridian": meridian, "dma": dma_panel}[name](), dcm.Config()


def simulated(first: int) -> Iterator[tuple[str, dcm.Panel, dcm.Config]]:
    """Sound and broken panels with seeds from `first` on."""
    for i, kind in enumerate(_SOUND):
        yield f"sound:{kind}", dcm.simulate(*_SIZE, seed=first + i, kind=kind)[0], dcm.Config()
    for b, kind in enumerate(_BROKEN):
        for i in range(_EACH):
            seed = first + 30 + 10 * b + i
            config = dcm.Config()
            if kind == "epochs_30":
                config = config.replace(training=dcm.Training(max_epochs=30, chunk_epochs=30))
            yield f"broken:{kind}", broken(kind, seed), config


def broken(kind: str, seed: int) -> dcm.Panel:
    """A panel whose effects the model cannot get right; of `epochs_30` a sound one."""
    if kind in ("unobserved_demand", "follows_sales", "collinear"):
        return dcm.simulate(*_SIZE, seed=seed, kind=kind)[0]
    if kind == "epochs_30":
        return dcm.simulate(*_SIZE, seed=seed)[0]
    if kind == "hidden_control":  # the control that two channels follow
        panel, _ = dcm.simulate(*_SIZE, seed=seed, confounded=2)
        return dataclasses.replace(panel, controls=panel.controls[1:], control=panel.control[:, :, 1:])
    panel, _ = dcm.simulate(*_SIZE, seed=seed, confounded=0)
    demand = _demand(panel.kpi.shape, np.random.default_rng(seed))
    kpi, exposure = panel.kpi * np.exp(0.08 * demand), panel.exposure.copy()
    if kind == "copies_demand":
        noise = np.exp(0.1 * np.random.default_rng(seed).normal(size=kpi.shape))
        exposure[:, :, -1] = kpi / kpi.mean(axis=1, keepdims=True) * noise
    else:
        exposure[:, :, -1] *= np.exp(0.5 * demand)
    return dataclasses.replace(panel, kpi=kpi, exposure=exposure)


def _demand(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """An AR(1) for all regions and one for each, with a persistence of 0.7 a week, `[region, week]`."""
    shocks = 0.7 * rng.normal(size=(1, shape[1])) + 0.5 * rng.normal(size=shape)
    made = np.zeros(shape)
    for week in range(1, shape[1]):
        made[:, week] = 0.7 * made[:, week - 1] + shocks[:, week]
    return made


def rows_of(name: str, panel: dcm.Panel, config: dcm.Config, refits: int) -> list[dict[str, object]]:
    """A row a test."""
    began = time.perf_counter()
    result = dcm.fit(panel, config, progress=False)
    fitted = time.perf_counter() - began
    found = dcm.refute(result, refits=refits, progress=False)
    kept = found.table[["test", "refits", "figure", "look_above", "fail_above", "unit", "grade", "channel"]]
    timed = {"panel": name, "seconds": found.seconds, "fit_seconds": fitted}
    return [timed | row for row in kept.to_dict(orient="records")]


def main() -> None:
    """Print a line a panel, and of simulated ones the number of grades; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", nargs="*", default=["geo_truth", "meridian"])
    parser.add_argument("--refits", type=int, default=2)
    parser.add_argument("--simulated", type=int)
    parser.add_argument("--name", default="refute")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", dcm.DataWarning)
    dcm.keep_programs()
    rows: list[dict[str, object]] = []
    panels = shared(asked.panels) if asked.simulated is None else simulated(asked.simulated)
    for name, panel, config in panels:
        own = rows_of(name, panel, config, asked.refits)
        rows += own
        figures = " ".join(f"{row['test']} {row['figure']:.2f} {row['grade']}" for row in own)
        print(f"{name}: {own[0]['seconds']:.0f} s (fit {own[0]['fit_seconds']:.0f} s): {figures}", flush=True)
        record(asked.name, rows)
    table = pd.DataFrame(rows)
    kind = table["panel"].str.split(":").str[0]
    print(table.groupby([kind, "test", "grade"], sort=False).size().unstack(fill_value=0).to_string())
    worst = table.assign(kind=kind, failed=table["grade"] == "fail", look=table["grade"] != "pass")
    by_panel = worst.groupby(["kind", "panel", "seconds"])[["failed", "look"]].any()
    print(by_panel.groupby("kind").agg(["sum", "count"]).to_string())
    print("wrote", record(asked.name, rows))


if __name__ == "__main__":
    main()
