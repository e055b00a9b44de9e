"""Do our default draws, and draws from the curvature, agree with long chains of the no-U-turn sampler?

python benchmarks/samplers.py [--panels clean_101,realistic_101] [--draws 2000]

On national panels with default settings; needs the extra `bayes`. An estimate and the ends of a 90 % interval of a
channel's share agree where they lie within a quarter of the width of the no-U-turn sampler's interval.
"""

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from fresh import national_panels
from fresh_scores import HOLDOUT
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.priors import PosteriorMethod

PANELS = (
    "clean_101",
    "clean_102",
    "realistic_101",
    "realistic_102",
    "medium_one_region_1",
    "observed_media_1",
    "small_business_1",
    "constant_media_1",
)
METHODS: tuple[PosteriorMethod, ...] = ("hmc", "laplace")
WITHIN = 0.25  # of the reference interval's width


def figures(draws: pd.DataFrame) -> pd.DataFrame:
    """Mean and ends of the 90 % interval of each channel's share and of the total, percent of the KPI."""
    whole = draws.assign(total=draws.sum(axis=1))
    return pd.DataFrame({"mean": whole.mean(), "low": whole.quantile(0.05), "high": whole.quantile(0.95)})


def compared(name: str, panel: dcm.Panel, draws: int) -> list[dict[str, Any]]:
    """A row a method and quantity: how far its figures are from those of the long chains, in their widths."""
    result = dcm.fit(panel, dcm.Config(posterior=dcm.PosteriorSettings(method="none")), holdout=HOLDOUT, progress=False)
    began = time.perf_counter()
    long = dcm.sample_posterior(result, draws, "nuts")
    seconds, right = time.perf_counter() - began, figures(long.share_draws())
    width = right["high"] - right["low"]
    rows = []
    for method in METHODS:
        began = time.perf_counter()
        ours = dcm.sample_posterior(result, method=method)
        spent, facts = time.perf_counter() - began, ours.sampling()
        apart = (figures(ours.share_draws()) - right).div(width, axis=0)
        for at, (quantity, row) in enumerate(apart.iterrows()):
            rows.append(
                {
                    "panel": name,
                    "method": method,
                    "quantity": quantity,
                    "nuts_mean": right["mean"].iloc[at],
                    "width": width.iloc[at],
                    "mean": row["mean"],
                    "low": row["low"],
                    "high": row["high"],
                    "trusted": bool(facts["trusted"]),
                    "pareto_k": facts["pareto_k"],
                    "r_hat": facts["r_hat"],
                    "nuts_r_hat": long.sampling()["r_hat"],
                    "seconds": spent,
                    "nuts_seconds": seconds,
                }
            )
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """By method and panel: how many means and ends agree, the largest differences, and diagnostics."""
    parts = rows.assign(
        means=rows["mean"].abs() <= WITHIN,
        ends=(rows[["low", "high"]].abs() <= WITHIN).all(axis=1),
        worst_mean=rows["mean"].abs(),
        worst_end=rows[["low", "high"]].abs().max(axis=1),
    ).groupby(["method", "panel"], sort=False)
    found = parts[["means", "ends"]].sum().assign(of=parts.size())
    same = ["trusted", "pareto_k", "r_hat", "nuts_r_hat", "seconds", "nuts_seconds"]
    return found.join(parts[["worst_mean", "worst_end"]].max()).join(parts[same].first())


def main() -> None:
    """Print the agreement by method and panel, and write all rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=lambda text: text.split(","), default=list(PANELS))
    parser.add_argument("--draws", type=int, default=2000, help="of the no-U-turn sampler, four chains together")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for kind, seed, panel, _ in national_panels():
        if (name := f"{kind}_{seed}") in asked.panels:
            rows += compared(name, panel, asked.draws)
            table = pd.DataFrame(rows)
            record("samplers", table.replace({np.nan: None}).to_dict(orient="records"))
            print(name, "done", flush=True)
    print(summary(table).to_string(float_format=lambda value: f"{value:.2f}"))


if __name__ == "__main__":
    main()
