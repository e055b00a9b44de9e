"""Channels without effect: what share of the KPI they are given, and whether they are flagged.

python benchmarks/placebo.py [--panels 16]

`limit` is the standard deviation of the best unbiased estimate of a placebo's share, told all curves (see bound.py);
`chance`, that such an estimate, taken for 0 where it is below, is within what is aimed for.
"""

import argparse

import numpy as np
import pandas as pd
from bound import drawn_errors
from curves import NAMES, activity, relative_exposure
from harness import record
from scipy.stats import norm

import deepcausalmmm_jax as dcm

_ENOUGH = 0.3  # points
_TRACE = 1e-3  # of a region's mean KPI: a placebo's activity, so that there is something to scale


def limit_of(panel: dcm.Panel, truth: dcm.Truth) -> np.ndarray:
    """Standard deviations of shares in points, `[channel]`, for one who knows the curves."""
    true, exposure = truth.contributions.values.copy(), relative_exposure(panel)
    for m, (_, channel) in enumerate(truth.parameters.iterrows()):
        if channel["placebo"]:
            true[:, :, m] = (
                _TRACE * panel.kpi.mean(axis=1)[:, None] * activity(exposure[:, :, m], *channel[list(NAMES)])
            )
    shares = drawn_errors(panel, true, truth.parameters, known=True).sum(axis=(0, 1)) / panel.kpi.sum()
    return 100 * shares.std(axis=-1)


def rows_of(seed: int) -> list[dict[str, object]]:
    """A row a channel of a panel with six channels, two of them placebos."""
    panel, truth = dcm.simulate(n_channels=6, placebo=2, seed=seed)
    result = dcm.fit(panel, holdout=8, progress=False)
    found = result.contributions.sel(component=list(panel.channels)).values.sum(axis=(0, 1)) / panel.kpi.sum()
    true, notes = truth.contributions.values.sum(axis=(0, 1)) / panel.kpi.sum(), result.notes()
    limit = limit_of(panel, truth)
    return [
        {
            "seed": seed,
            "channel": channel,
            "placebo": bool(truth.parameters.loc[channel, "placebo"]),
            "true": 100 * true[m],
            "found": 100 * found[m],
            "limit": limit[m],
            "chance": norm.cdf(_ENOUGH / limit[m]),
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
    told = table.loc[table["placebo"], "chance"]
    print(f"told the curves: {told.sum():.1f} of {len(told)} would be within {_ENOUGH}; all: {told.prod():.0e}")
    print("wrote", record("placebo", table.to_dict(orient="records")))


if __name__ == "__main__":
    main()
