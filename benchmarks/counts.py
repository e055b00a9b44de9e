"""A KPI that is counted: errors and coverage of shares beside those of the identity link and of the plain panel.

Run as `python benchmarks/counts.py REGIONS WEEKS MEAN FIRST LAST`: regions, weeks, mean count, seeds of the panels; one
line a panel and kind of fit, and the means at the end.
"""

import sys
from typing import NamedTuple

import numpy as np

import deepcausalmmm_jax as dcm

_CHANNELS, _CONTROLS, _HOLDOUT, _DRAWS, _LEVEL = 3, 2, 12, 200, 0.9


class Row(NamedTuple):
    """What one fit says of one panel."""

    seed: int
    kind: str  # counts: of a counted panel; identity: of the same panel; plain: of a panel that is not counted
    zeros: float  # share of the region-weeks
    error: float  # mean absolute error of the shares, percentage points
    inside: float  # share of the true shares within their 90 % intervals
    forecast: float  # share of the held-out region-weeks within their 90 % intervals
    lowest: float  # prediction or forecast, KPI units


def row_of(seed: int, kind: str, panel: dcm.Panel, truth: dcm.Truth, config: dcm.Config) -> Row:
    """Fit a panel and compare it with its truth."""
    result = dcm.fit(panel, config, holdout=_HOLDOUT, progress=False)
    assert isinstance(result, dcm.Ensemble)
    true, drawn = 100.0 * truth.parameters["share"].to_numpy(), result.share_draws().to_numpy()
    low, high = np.quantile(drawn, [0.5 - _LEVEL / 2, 0.5 + _LEVEL / 2], axis=0)
    ahead = result.forecast_intervals(level=_LEVEL, by_region=True)
    within = (ahead["low"] <= ahead["kpi"]) & (ahead["kpi"] <= ahead["high"])
    return Row(
        seed=seed,
        kind=kind,
        zeros=float((panel.kpi == 0).mean()),
        error=float(np.abs(drawn.mean(axis=0) - true).mean()),
        inside=float(((low <= true) & (true <= high)).mean()),
        forecast=float(within.mean()),
        lowest=float(min(result.fitted_panel.prediction.min(), ahead["low"].min())),
    )


def rows_of(regions: int, weeks: int, mean: float, seed: int) -> list[Row]:
    """The counted panel under both kinds of settings, and the plain one of the same size."""
    size, short = (regions, weeks, _CHANNELS, _CONTROLS), dcm.PosteriorSettings(draws=_DRAWS)
    counted, plain = dcm.simulate(*size, seed=seed, counts=mean), dcm.simulate(*size, seed=seed)
    return [
        row_of(seed, "counts", *counted, dcm.Config(counts=True, posterior=short)),
        row_of(seed, "identity", *counted, dcm.Config(posterior=short)),
        row_of(seed, "plain", *plain, dcm.Config(posterior=short)),
    ]


def main() -> None:
    """Fit the panels."""
    regions, weeks, mean, first, last = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *map(int, sys.argv[4:6])
    dcm.keep_programs()
    rows: list[Row] = []
    for seed in range(first, last + 1):
        for row in rows_of(regions, weeks, mean, seed):
            rows.append(row)
            print(*(f"{value:.3g}" if isinstance(value, float) else value for value in row), flush=True)
    for kind in ("counts", "identity", "plain"):
        own = [row for row in rows if row.kind == kind]
        error, inside, ahead = (
            np.mean([getattr(row, name) for row in own]) for name in ("error", "inside", "forecast")
        )
        print(f"{kind}: error {error:.2f} points, coverage {inside:.0%}, of forecasts {ahead:.0%}, n={len(own)}")


if __name__ == "__main__":
    main()
