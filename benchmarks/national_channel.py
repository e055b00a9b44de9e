"""Intervals of a national channel beside the same channel varied by region: coverage and width.

    python benchmarks/national_channel.py 1 9 [--method hmc laplace]       # seeds 1 to 8

Each seed gives two panels of 20 regions, equal but for one channel: with the same exposure in all regions relative to
their size, and with exposure of its own in each region. Written to benchmarks/results/national_channel.csv.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from harness import seeds_and_methods

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.priors import PosteriorMethod

OUT = Path(__file__).parent / "results" / "national_channel.csv"
REGIONS, WEEKS, CHANNELS, CONTROLS, DRAWS = 20, 104, 3, 1, 100


def rows_of(seed: int, method: PosteriorMethod) -> list[dict[str, object]]:
    """One row a panel: the channel's true share, its estimate and both kinds of 90% interval, percent of the KPI."""
    rows = []
    kinds = {
        kind: dcm.simulate(REGIONS, WEEKS, CHANNELS, CONTROLS, seed, links=0, confounded=0, national=n)
        for kind, n in (("national", 1), ("regional", 0))
    }
    channel = kinds["national"][1].parameters["national"].idxmax()
    for kind, (panel, truth) in kinds.items():
        if kind == "national":
            panel = dcm.Panel(**{**vars(panel), "national": (channel,)})
        config = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
        result = dcm.fit(panel, config, None, progress=False)
        drawn = dcm.sample_posterior(result, draws=DRAWS, method=method)
        share = 100 * truth.contributions.sel(channel=channel).values.sum() / panel.kpi.sum()
        note, draws = result.notes().loc[channel], drawn.share_draws()[channel]
        low, high = np.quantile(draws, [0.05, 0.95])
        rows.append(
            {
                "seed": seed,
                "kind": kind,
                "method": method,
                "channel": channel,
                "true": share,
                "fit": note["share"],
                "fit_error": note["share_error"],
                "fit_covers": abs(note["share"] - share) <= 1.645 * note["share_error"],
                "drawn": draws.mean(),
                "low": low,
                "high": high,
                "covers": low <= share <= high,
            }
        )
    return rows


def main() -> None:
    """Run the seeds and print each pair."""
    for seed, method in seeds_and_methods(__doc__):
        pd.DataFrame(rows_of(seed, method)).to_csv(OUT, mode="a", header=not OUT.exists(), index=False)
        print(pd.read_csv(OUT).tail(2).to_string(index=False), flush=True)


if __name__ == "__main__":
    dcm.keep_programs()
    main()
