"""How far an amount that is added to one region's KPI, or missing from it, moves the effects of the other regions.

python benchmarks/odd_levels.py [--regions 3 5 8 20] [--seeds 4] [--first 50] [--times 0.5 1.5 2 3 10]

On simulated panels the KPI of the first region is brought to so many times its mean by a constant, which changes no
effect. `by size` divides each region's KPI by its mean, whatever its level; `by scale` is the default. `others` is the
move of all media in the other regions, `farthest` that of their channel that moves most, among those above 1 % of the
KPI, and `own` that of all media in the region itself: percent of what they were.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data import kpi_link
from deepcausalmmm_jax.data.kpi_levels import kpi_scales
from deepcausalmmm_jax.data.kpi_scale import kpi_sizes

_WEEKS, _HOLDOUT, _SHOWN = 112, 8, 0.01
_CONFIG = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
Scaling = Callable[[np.ndarray, np.ndarray], np.ndarray]


def effects(panel: dcm.Panel, scaling: Scaling) -> np.ndarray:
    """Contributions in the training weeks, `[region, channel]`, KPI units."""
    kpi_link.kpi_scales = scaling
    found = dcm.fit(panel, _CONFIG, holdout=_HOLDOUT, progress=False).contributions
    media = found.sel(component=list(panel.channels)).transpose("region", "component", "time")
    return np.asarray(media.values[..., :-_HOLDOUT].sum(axis=-1))


def moves(n_regions: int, seed: int, times: list[float]) -> Iterator[dict[str, Any]]:
    """A row an amount and scaling."""
    panel = dcm.simulate(n_regions, _WEEKS, 4, 2, seed=seed)[0]
    was = effects(panel, kpi_sizes)
    shown = was[1:].sum(axis=0) > _SHOWN * panel.kpi[1:, :-_HOLDOUT].sum()
    for factor in times:
        kpi = panel.kpi.copy()
        kpi[0] += (factor - 1.0) * kpi[0].mean()
        if (kpi[0] <= 0).any():
            continue
        for name, scaling in (("by size", kpi_sizes), ("by scale", kpi_scales)):
            moved = effects(dataclasses.replace(panel, kpi=kpi), scaling) - was
            yield {
                "regions": n_regions,
                "seed": seed,
                "times": factor,
                "scaling": name,
                "others": 100.0 * moved[1:].sum() / was[1:].sum(),
                "farthest": 100.0 * np.abs(moved[1:].sum(axis=0) / was[1:].sum(axis=0))[shown].max(),
                "own": 100.0 * moved[0].sum() / was[0].sum(),
            }


def main() -> None:
    """Print medians and largest moves by amount, and write all rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regions", type=int, nargs="+", default=[3, 5, 8, 20])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=50)
    parser.add_argument("--times", type=float, nargs="+", default=[0.5, 1.5, 2.0, 3.0, 10.0])
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for n_regions in asked.regions:
        for seed in range(asked.first, asked.first + asked.seeds):
            rows += moves(n_regions, seed, asked.times)
            record("odd_levels", rows)
    size = pd.DataFrame(rows).set_index(["times", "scaling"])[["others", "farthest", "own"]].abs()
    print(size.groupby(level=[0, 1], sort=False).agg(["median", "max", "size"]).round(1).to_string())


if __name__ == "__main__":
    main()
