"""Reach and frequency on simulated panels: the best frequency, and shares beside those of plain panels.

    python benchmarks/reach_frequency.py [--first 100] [--panels 8] [--regions 4] [--weeks 104]

Each panel has one channel whose frequency varies by a factor of three. Choose on seeds below 1000, confirm on those
from 3000 on: `--first 3000 --panels 12`. Rows and figures go to a JSON file, which is written anew after each panel.
"""

import argparse

import numpy as np
import pandas as pd
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.ops.frequency import best_frequency

_CHANNELS, _CONTROLS, _HOLDOUT = 3, 2, 8


def row(size: tuple[int, int], seed: int, n_reached: int) -> dict[str, float]:
    """Errors on one panel of regions x weeks; without reach only those of the shares."""
    panel, truth = dcm.simulate(*size, _CHANNELS, _CONTROLS, seed=seed, reach_frequency=n_reached)
    result = dcm.fit(panel, dcm.Config(), holdout=_HOLDOUT, progress=False)
    share = 0.01 * result.media_summary()["pct_of_contribution"]
    found = {"seed": seed, "reached": n_reached, "share_error": float((share - truth.parameters["share"]).abs().mean())}
    if not n_reached:
        return found
    first, curves = panel.channels[0], result.curve_parameters
    best = float(best_frequency(np.asarray(curves.slope[first]), np.asarray(curves.half_frequency[first])))
    true = float(truth.parameters.best_frequency[first])
    found |= {"true": true, "best_of_estimate": best}
    told = result.frequency().loc[first]
    found |= {"best": float(told.best), "error": float(told.best) / true - 1.0}
    if isinstance(result, dcm.Ensemble):
        found |= {"low": float(told.best_low), "high": float(told.best_high)}
    return found


def figures(rows: list[dict[str, float]]) -> dict[str, float]:
    """What the rows say: mean errors of shares, errors of the best frequency, and how often its interval holds it."""
    table = pd.DataFrame(rows)
    shares, reached = table.groupby("reached")["share_error"].mean(), table[table.reached == 1]
    found = {
        "panels": len(reached),
        "share_error_with_reach": float(shares[1]),
        "best_frequency_median_error": float(reached.error.abs().median()),
        "best_frequency_mean_error": float(reached.error.abs().mean()),
        "best_frequency_largest_error": float(reached.error.abs().max()),
    }
    if 0 in shares.index:
        found |= {"share_error_plain": float(shares[0]), "times_plain": float(shares[1] / shares[0])}
    if "low" in reached:
        inside = (reached.low <= reached.true) & (reached.true <= reached.high)
        found["inside_90_percent_intervals"] = int(inside.sum())
    return found


def main() -> None:
    """Fit the panels one by one and keep a row of each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--first", type=int, default=100, help="first seed")
    asked.add_argument("--panels", type=int, default=8)
    asked.add_argument("--regions", type=int, default=4)
    asked.add_argument("--weeks", type=int, default=104)
    asked.add_argument("--name", default="reach_frequency", help="of the JSON file in benchmarks/results")
    given = asked.parse_args()
    dcm.keep_programs()
    size = (given.regions, given.weeks)
    settings = {"regions": given.regions, "weeks": given.weeks, "channels": _CHANNELS, "controls": _CONTROLS}
    rows: list[dict[str, float]] = []
    for seed in range(given.first, given.first + given.panels):
        for n_reached in (1, 0):
            rows.append(row(size, seed, n_reached))
            print(rows[-1], flush=True)
        record(given.name, {"size": settings, "seeds": [given.first, seed], **figures(rows), "rows": rows})
    for name, value in figures(rows).items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
