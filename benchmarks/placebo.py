"""Channels without effect: what share of the KPI they are given, and whether they are flagged.

python benchmarks/placebo.py [--panels 16]
"""

import argparse

import numpy as np
import pandas as pd
from harness import record

import deepcausalmmm_jax as dcm

_ENOUGH = 0.3  # points


def rows_of(seed: int) -> list[dict[str, object]]:
    """A row a channel of a panel with six channels, two of them placebos."""
    panel, truth = dcm.simulate(n_channels=6, placebo=2, seed=seed)
    result = dcm.fit(panel, holdout=8, progress=False)
    found = result.contributions.sel(component=list(panel.channels)).values.sum(axis=(0, 1)) / panel.kpi.sum()
    true, notes = truth.contributions.values.sum(axis=(0, 1)) / panel.kpi.sum(), result.notes()
    return [
        {
            "seed": seed,
            "channel": channel,
            "placebo": bool(truth.parameters.loc[channel, "placebo"]),
            "true": 100 * true[m],
            "found": 100 * found[m],
            "flagged": not notes.loc[channel, "distinguishable"],
        }
        for m, channel in enumerate(panel.channels)
    ]


def main() -> None:
    """Print the placebos and two lines of means; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=16)
    seeds = range(401, 401 + parser.parse_args().panels)
    table = pd.DataFrame([row for seed in seeds for row in rows_of(seed)])
    table["error"] = np.abs(table["found"] - table["true"])
    print(table[table["placebo"]].round(2).to_string(index=False))
    for name, part in (("placebos", table[table["placebo"]]), ("others", table[~table["placebo"]])):
        print(
            f"{name}: error {part['error'].mean():.3f} points in the mean, worst {part['error'].max():.2f}, "
            f"{(part['error'] <= _ENOUGH).sum()} of {len(part)} within {_ENOUGH}, {part['flagged'].sum()} flagged"
        )
    print("wrote", record("placebo", table.to_dict(orient="records")))


if __name__ == "__main__":
    main()
