"""A funnel: what media do to sales in all and by way of visits.

Beside the total of the sales' own fit: visits taken for a control, and that plus what goes through visits.

    python benchmarks/funnel.py 11 17 [--regions 1 4] [--common 0 0.1] [--method hmc laplace]     # seeds 11 to 16

Panels of `simulate_funnel` (104 weeks, three channels); `--common` is its option. Draws by the default method unless
another is asked for. Written to benchmarks/results/funnel.csv, a row a channel.
"""

import argparse
from itertools import product
from pathlib import Path

import pandas as pd

import deepcausalmmm_jax as dcm

OUT = Path(__file__).parent / "results" / "funnel.csv"
WEEKS, CHANNELS = 104, 3
FIGURES = ("direct", "mediated", "total")


def rows_of(seed: int, regions: int, common: float, method: str) -> list[dict[str, object]]:
    """Effects on sales in percent of them, found and true, a row a channel."""
    panels, truth = dcm.simulate_funnel(("visits", "sales"), regions, WEEKS, CHANNELS, 1, seed, common=common)
    config = dcm.Config(posterior=dcm.PosteriorSettings(method=method))
    fits = dcm.fit_kpis(panels, config, share=[], funnel=["visits", "sales"], progress=False)
    table = fits.effects().loc["sales"]
    controlled = dcm.FitResult.media_summary(fits.given["sales"])["incremental_outcome"].to_numpy()
    unit = 100.0 / panels["sales"].kpi.sum()
    true = truth.effects.loc["sales"]
    rows: list[dict[str, object]] = []
    for at, (channel, row) in enumerate(table.iterrows()):
        made: dict[str, object] = {"seed": seed, "regions": regions, "common": common, "channel": channel}
        made |= {"method": method}
        made |= {"visits_as_control": controlled[at] * unit, "note": row["note"]}
        made |= {"sum_of_fits": (controlled[at] + row["mediated"]) * unit}
        for name in FIGURES:
            made |= {f"{name}_true": true[name].iloc[at] * unit}
            made |= {f"{name}{end}": row[f"{name}{end}"] * unit for end in ("", "_low", "_high")}
        rows.append(made)
    return rows


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Mean errors in points, and how often 90% intervals held the truth."""
    errors = {name: (table[name] - table[f"{name}_true"]).abs() for name in FIGURES}
    held = {f"{n}_held": table[f"{n}_true"].between(table[f"{n}_low"], table[f"{n}_high"]) for n in FIGURES}
    others = {name: (table[name] - table["total_true"]).abs() for name in ("visits_as_control", "sum_of_fits")}
    by = [table["method"], table["regions"], table["common"]]
    found = pd.DataFrame({**errors, **others, **held}).groupby(by).mean()
    return found.assign(channels=table.groupby(by).size())


def main() -> None:
    """Run the seeds and print the figures of all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("stop", type=int)
    parser.add_argument("--regions", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--common", type=float, nargs="+", default=[0.0, 0.1])
    parser.add_argument("--method", nargs="+", default=["hmc"])
    wanted = parser.parse_args()
    rows: list[dict[str, object]] = []
    for regions, common in product(wanted.regions, wanted.common):
        for seed, method in product(range(wanted.first, wanted.stop), wanted.method):
            rows += rows_of(seed, regions, common, method)
        print(told(pd.DataFrame(rows)).round(2).to_string(), flush=True)
    pd.DataFrame(rows).to_csv(OUT, mode="a", header=not OUT.exists(), index=False)


if __name__ == "__main__":
    dcm.keep_programs()
    main()
