"""How often the bootstrap's intervals hold the truth, by method: shares of the KPI on panels of known truth.

python benchmarks/coverage.py [--simulated 6] [--replicates 40]
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from harness import SHARED, record
from panels import GEO, geo_truth, on_grid, simulated

import deepcausalmmm_jax as dcm

METHODS = ("weights", "region", "block")
LEVEL = 0.9


def rows(name: str, panel: dcm.Panel, true: pd.DataFrame, replicates: int) -> list[dict[str, object]]:
    """A row a channel and method, points of the KPI; truth and estimates over the training weeks."""
    result = dcm.fit(panel, holdout=8, progress=False)
    used = result.fitted.weights > 0
    truth = on_grid(panel, true)[used].sum(axis=0)
    truth = 100 * truth / panel.kpi[used].sum()
    found = []
    for method in METHODS:
        ensemble = dcm.bootstrap(result, replicates, method, checks=0, progress=False)  # type: ignore[arg-type]
        notes, draws = ensemble.notes(LEVEL), ensemble.share_draws()
        for at, (channel, note) in enumerate(notes.iterrows()):
            drawn = {"mean": draws[channel].mean(), "seconds": ensemble.replicates.seconds}
            shown = {key: note[key] for key in ("share", "share_low", "share_high", "share_error")}
            found.append({"panel": name, "method": method, "channel": channel, "true": truth[at], **shown, **drawn})
    return found


def main() -> None:
    """Print coverage by method and write the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=6)
    parser.add_argument("--replicates", type=int, default=40)
    wanted = parser.parse_args()
    panels: list[tuple[str, Callable[..., tuple[dcm.Panel, pd.DataFrame]], object]] = []
    panels += [(name, geo_truth, name) for name in GEO] if SHARED.is_dir() else []
    panels += [(f"simulated_{seed}", simulated, seed) for seed in range(100, 100 + wanted.simulated)]
    found: list[dict[str, object]] = []
    for name, load, which in panels:
        found += rows(name, *load(which), wanted.replicates)
        print(name, "done", flush=True)
    table = pd.DataFrame(found)
    table["held"] = (table["share_low"] <= table["true"]) & (table["true"] <= table["share_high"])
    table["within_2_errors"] = (table["share"] - table["true"]).abs() <= 2 * table["share_error"]
    table["width"] = table["share_high"] - table["share_low"]
    table["error"] = (table["share"] - table["true"]).abs()
    table["error_of_mean"] = (table["mean"] - table["true"]).abs()
    table["scaled"] = ((table["share"] - table["true"]) / table["share_error"]) ** 2
    columns = ["held", "within_2_errors", "width", "share_error", "error", "error_of_mean", "seconds"]
    for part, chosen in (("geo", table["panel"].str.startswith("geo")), ("all", table["panel"] != "")):
        summary = table[chosen].groupby("method")[columns].mean()
        summary["error_over_spread"] = np.sqrt(table[chosen].groupby("method")["scaled"].median() / 0.455)
        print(f"{part}: nominal {LEVEL:.0%}\n{summary.round(3).to_string()}")
    print("wrote", record("coverage", table.to_dict(orient="records")))


if __name__ == "__main__":
    main()
