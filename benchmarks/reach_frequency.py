"""Reach and frequency on simulated panels: the best frequency, and shares beside those of plain panels.

Each panel has one channel whose frequency varies by a factor of three. Choose on seeds below 1000, confirm on
those from 3000 on: `python benchmarks/reach_frequency.py --first 3000 --panels 12`.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.ops.frequency import best_frequency

_SIZE = {"n_regions": 4, "n_weeks": 104, "n_channels": 3, "n_controls": 2}


def row(seed: int, n_reached: int) -> dict[str, float]:
    """Errors on one panel; without reach only those of the shares."""
    panel, truth = dcm.simulate(**_SIZE, seed=seed, reach_frequency=n_reached)
    result = dcm.fit(panel, dcm.Config(), holdout=8)
    share = 0.01 * result.media_summary()["pct_of_contribution"]
    found = {"seed": seed, "reached": n_reached, "share_error": float((share - truth.parameters["share"]).abs().mean())}
    if not n_reached:
        return found
    first, curves = panel.channels[0], result.curve_parameters
    best = float(best_frequency(np.asarray(curves.slope[first]), np.asarray(curves.half_frequency[first])))
    true = float(truth.parameters.best_frequency[first])
    found |= {"best": best, "true": true, "error": best / true - 1.0}
    if isinstance(result, dcm.Ensemble):
        told = result.frequency().loc[first]
        found |= {"best": told.best, "error": told.best / true - 1.0, "low": told.best_low, "high": told.best_high}
    return found


def main() -> None:
    """Fit the panels one by one and keep a row of each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--first", type=int, default=100, help="first seed")
    asked.add_argument("--panels", type=int, default=8)
    asked.add_argument("--out", type=Path, default=Path("benchmarks/results/reach_frequency.csv"))
    given = asked.parse_args()
    dcm.keep_programs()
    rows = []
    for seed in range(given.first, given.first + given.panels):
        for n_reached in (1, 0):
            rows.append(row(seed, n_reached))
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(given.out, index=False)
    table = pd.DataFrame(rows)
    shares = table.groupby("reached")["share_error"].mean()
    reached = table[table.reached == 1]
    print(f"share error: plain {shares[0]:.4f}, with reach {shares[1]:.4f}, {shares[1] / shares[0]:.2f} times")
    print(f"best frequency: median error {reached.error.abs().median():.1%}, mean {reached.error.abs().mean():.1%}")
    if "low" in reached:
        inside = ((reached.low <= reached.true) & (reached.true <= reached.high)).mean()
        print(f"90 % intervals hold the true one on {inside:.0%} of {len(reached)} panels")


if __name__ == "__main__":
    main()
