"""A KPI that is counted: errors and coverage of shares beside those of the identity link and of the plain panel.

    python benchmarks/counts.py REGIONS WEEKS MEAN FIRST LAST [identity]

of regions, weeks, mean count and seeds of the panels; `identity` fits the counted panels with the default settings too.
One line a panel and kind of fit, the means at the end, and all of it in
benchmarks/results/counts_{REGIONS}x{WEEKS}_{MEAN}_{FIRST}.json. From eight regions on, draws are by Laplace's method.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

import deepcausalmmm_jax as dcm

_RESULTS = Path(__file__).parent / "results"
_CHANNELS, _CONTROLS, _HOLDOUT, _DRAWS, _LEVEL, _MANY = 3, 2, 12, 200, 0.9, 8


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


def rows_of(regions: int, weeks: int, mean: float, seed: int, *, identity: bool) -> list[Row]:
    """The counted panel, and the plain one of the same size."""
    size = (regions, weeks, _CHANNELS, _CONTROLS)
    short = dcm.PosteriorSettings(draws=_DRAWS, method="hmc" if regions < _MANY else "laplace")
    counted, plain = dcm.simulate(*size, seed=seed, counts=mean), dcm.simulate(*size, seed=seed)
    wanted = [("counts", counted, dcm.Config(counts=True, posterior=short))]
    wanted += [("identity", counted, dcm.Config(posterior=short))] if identity else []
    wanted += [("plain", plain, dcm.Config(posterior=short))]
    return [row_of(seed, kind, *panel, config) for kind, panel, config in wanted]


def means_of(rows: list[Row], kind: str) -> dict[str, float]:
    """Means over the panels of a kind of fit."""
    own = [row for row in rows if row.kind == kind]
    found = {name: float(np.mean([getattr(row, name) for row in own])) for name in ("error", "inside", "forecast")}
    return {**found, "panels": len(own)}


def main() -> None:
    """Fit the panels."""
    regions, weeks, mean, first, last = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *map(int, sys.argv[4:6])
    dcm.keep_programs()
    rows: list[Row] = []
    for seed in range(first, last + 1):
        for row in rows_of(regions, weeks, mean, seed, identity="identity" in sys.argv[6:]):
            rows.append(row)
            print(*(f"{value:.3g}" if isinstance(value, float) else value for value in row), flush=True)
    means = {kind: means_of(rows, kind) for kind in dict.fromkeys(row.kind for row in rows)}
    ratio = means["counts"]["error"] / means["plain"]["error"]
    for kind, own in means.items():
        said = f"error {own['error']:.2f} points, coverage {own['inside']:.0%}, of forecasts {own['forecast']:.0%}"
        print(f"{kind}: {said}, n={own['panels']}")
    print(f"error of shares: {ratio:.2f} times that of the plain panels")
    made = {"rows": [row._asdict() for row in rows], "means": means, "error_ratio": ratio}
    place = _RESULTS / f"counts_{regions}x{weeks}_{mean:g}_{first}.json"
    place.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
