"""Scoreboard of forecasts: rolling origins on real panels, default settings, against the naive forecasts.

python benchmarks/forecast.py [--fixed]

--fixed takes the penalties' sizes as set (tune=False), to show what learning them brings.
"""

import argparse

import numpy as np
import pandas as pd
from harness import SHARED, record
from panels import dma_panel, meridian

import deepcausalmmm_jax as dcm

NAIVE = ("mean", "last", "mean8", "seasonal")


def rolling(panel: dcm.Panel, origins: list[int], horizon: int, *, tune: bool) -> pd.DataFrame:
    """RMSE by origin and over all of them, of default fits and of the naive forecasts.

    Regions without a KPI before an origin are left out of it.
    """
    rows: dict[str, dict[str, float]] = {}
    for origin in origins:
        seen = panel.select(weeks=slice(0, origin + horizon))
        known = seen.weights[:, :origin].sum(axis=1) > 0
        seen = seen if known.all() else seen.select(regions=list(seen.regions[known]))
        result = dcm.fit(seen, holdout=horizon, tune=tune, progress=False)
        held = result.metrics.loc["holdout"]
        errors = {"model": held["rmse"]} | {name: held[f"rmse_{name}"] for name in NAIVE}
        rows[str(origin)] = errors | {"weeks": seen.weights[:, origin:].sum(), "seconds": result.fitted.record.seconds}
    table = pd.DataFrame.from_dict(rows, orient="index")
    squares = (table[["model", *NAIVE]] ** 2).mul(table["weeks"], axis=0).sum(skipna=False) / table["weeks"].sum()
    together = pd.concat([np.sqrt(squares), table[["weeks", "seconds"]].sum()])
    table = pd.concat([table, together.to_frame("all").T])
    return table.assign(ratio=table["model"] / table[list(NAIVE)].min(axis=1))


def main() -> None:
    """Print the tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixed", action="store_true", help="do not learn the penalties' sizes")
    fixed = parser.parse_args().fixed
    if not SHARED.is_dir():
        print(f"No shared panels at {SHARED}: nothing to forecast.")
        return
    figures = {}
    for name, panel, origins, horizon in (
        ("dma", dma_panel(), [60, 68, 76, 84, 92], 8),
        ("meridian", meridian(), [143], 13),
    ):
        table = rolling(panel, origins, horizon, tune=not fixed)
        print(f"\n{name}, horizon {horizon}\n{table.to_string(float_format=lambda value: f'{value:,.4g}')}", flush=True)
        figures[name] = table.to_dict(orient="index")
    print("wrote", record("forecast_fixed" if fixed else "forecast", figures))


if __name__ == "__main__":
    main()
