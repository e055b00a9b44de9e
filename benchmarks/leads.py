"""How often a fit names a channel whose exposure follows the KPI, where budgets follow it and where they do not.

python benchmarks/leads.py [--half confirm] [--each 1] [--tag NAME]

Panels of 20, 8 and 3 regions and of one; fits without draws, last 8 weeks held out, seeds drawn from the tag. In
`follows_sales` budgets follow the KPI of the last month, in `unobserved_demand` those of some channels follow a demand
that is no control, and in `captures_demand` (drawn here, from worlds of the half) one or two channels meet the demand
of the week and of the two before, as search ads do, with no effect beyond that of the exposure they had without it. In
all other kinds exposure follows nothing that the model does not know. `excess` is the mean share found for the channels
that capture demand less their true one, percent of the KPI.
"""

import argparse
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from fresh import HALVES, commit, fresh_seed
from harness import record
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.leads import follow_kpi

_CONFIG = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
_SHAPES = ((20, 120), (8, 104), (3, 104), (1, 156))  # regions, weeks
_CHANNELS, _CONTROLS, _HOLDOUT = 5, 3, 8
_FOLLOW = ("follows_sales", "unobserved_demand")
_CAPTURES = "captures_demand"


def captures_demand(kind: str, regions: int, weeks: int, seed: int) -> tuple[dcm.Panel, np.ndarray, np.ndarray]:
    """A panel of a kind in which some channels meet demand.

    Returns:
        The panel; true shares of the channels, percent; and which of them capture demand, boolean.
    """
    rng = np.random.default_rng(seed)
    panel, truth = dcm.simulate(regions, weeks, _CHANNELS, _CONTROLS, seed=seed, kind=kind)
    shocks = rng.uniform(0.0, 1.0) * rng.normal(size=(1, weeks)) + rng.normal(size=(regions, weeks))
    demand = lfilter([1.0], [1.0, -rng.uniform(0.0, 0.8)], shocks, axis=1)
    demand /= demand.std()
    before = np.concatenate([demand[:, :1], demand[:, :-1]], axis=1)
    earlier = np.concatenate([before[:, :1], before[:, :-1]], axis=1)
    met = rng.uniform(0.05, 0.4) * demand + rng.uniform(0.05, 0.3) * before + rng.uniform(0.0, 0.15) * earlier
    captures = np.arange(_CHANNELS) >= _CHANNELS - rng.integers(1, 3)
    exposure = panel.exposure * np.exp(met[:, :, None] * captures)
    sold = panel.kpi + rng.uniform(0.04, 0.10) * demand * panel.kpi.mean(axis=1, keepdims=True)
    share = 100.0 * truth.parameters["share"].to_numpy() * panel.kpi.sum() / np.maximum(sold, 0.0).sum()
    return dataclasses.replace(panel, kpi=np.maximum(sold, 0.0), exposure=exposure), share, captures


def rows_of(half: str, each: int, tag: str) -> Iterator[dict[str, Any]]:
    """A row a panel."""
    for regions, weeks in _SHAPES:
        for kind in (*HALVES[half], _CAPTURES):  # type: ignore[index]
            if regions == 1 and kind == "moves_together":
                continue
            for number in range(each * (5 if kind in (*_FOLLOW, _CAPTURES) else 1)):
                seed = fresh_seed(f"{tag}:{number}", kind, regions)
                yield {"kind": kind, "regions": regions, "seed": seed} | _row(half, kind, regions, weeks, seed)


def _row(half: str, kind: str, regions: int, weeks: int, seed: int) -> dict[str, Any]:
    if kind == _CAPTURES:
        world = HALVES[half][seed % len(HALVES[half])]  # type: ignore[index]
        panel, true, captures = captures_demand(world, regions, weeks, seed)
    else:
        panel, truth = dcm.simulate(regions, weeks, _CHANNELS, _CONTROLS, seed=seed, kind=kind)
        true, captures = 100.0 * truth.parameters["share"].to_numpy(), np.zeros(_CHANNELS, bool)
    result = dcm.fit(panel, _CONFIG, holdout=_HOLDOUT, progress=False)
    found, part = result.notes()["share"].to_numpy(), follow_kpi(result.fitted_panel)
    excess = float((found - true)[captures].mean()) if captures.any() else np.nan
    return {"named": bool((part > 0).any()), "part": part.tolist(), "excess": excess}


def main() -> None:
    """Print how many panels have a channel named, by kind and regions; write rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=list(HALVES), default="confirm")
    parser.add_argument(
        "--each", type=int, default=1, help="panels a kind and size, five times as many where it follows"
    )
    parser.add_argument("--tag", help="seeds are drawn from it; the commit when left out")
    asked = parser.parse_args()
    dcm.keep_programs()
    tag, rows = asked.tag or commit(), list[dict[str, Any]]()
    for row in rows_of(asked.half, asked.each, tag):
        rows.append(row)
    df = pd.DataFrame(rows)
    df["group"] = df["kind"].where(df["kind"].isin([*_FOLLOW, _CAPTURES]), "follows nothing")
    by = df.groupby(["group", "regions"])
    counts = by["named"].agg(["sum", "count"])
    apart = df[df["group"] == _CAPTURES].groupby(["regions", "named"])["excess"].mean().unstack()
    print(counts.to_string(), apart.round(1).to_string(), sep="\n\n")
    table = counts.reset_index().to_dict("records")
    print("wrote", record(f"leads_{asked.half}", {"tag": tag, "rows": rows, "table": table}))


if __name__ == "__main__":
    main()
