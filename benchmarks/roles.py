"""Panels with treatments and events beside the same panels without: errors of shares, coverage of credited effects.

    python benchmarks/roles.py 1 11 [--method hmc laplace]       # seeds 1 to 10

Each seed gives a plain panel and the same with two treatments (a promotion, a price) and three yearly events added.
Both are fitted with default settings, with draws by the default method unless another is asked for. Written to
benchmarks/results/roles.csv: one row for the shares of a panel, and one a treatment or event.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from harness import seeds_and_methods

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.priors import PosteriorMethod

OUT = Path(__file__).parent / "results" / "roles.csv"
REGIONS, WEEKS, CHANNELS, CONTROLS, DRAWS = 4, 104, 3, 2, 300


def rows_of(seed: int, method: PosteriorMethod) -> list[dict[str, object]]:
    """Mean absolute error of shares, percentage points, by panel; and each credited effect with its 90% interval."""
    rows: list[dict[str, object]] = []
    for kind, added in (("plain", {}), ("credited", {"treatments": 2, "events": 3})):
        panel, truth = dcm.simulate(REGIONS, WEEKS, CHANNELS, CONTROLS, seed, **added)
        config = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
        fitted = dcm.fit(panel, config, progress=False)
        drawn = dcm.sample_posterior(fitted, draws=DRAWS, method=method)
        share = 100.0 * truth.contributions.sum(["region", "time"]).to_series() / panel.kpi.sum()
        errors = {
            name: float((result.media_summary()["pct_of_contribution"] - share).abs().mean())
            for name, result in (("fit", fitted), ("drawn", drawn))
        }
        rows.append({"seed": seed, "kind": kind, "name": "shares", "method": method, **errors})
        for what, table in (("treatment", drawn.treatments()), ("event", drawn.events())):
            for name, row in table.iterrows():
                true = float(truth.credited.loc[name, "incremental_outcome"])
                low, high = row["incremental_outcome_low"], row["incremental_outcome_high"]
                rows.append(
                    {
                        "seed": seed,
                        "kind": what,
                        "method": method,
                        "name": name,
                        "true": true,
                        "estimate": row["incremental_outcome"],
                        "low": low,
                        "high": high,
                        "covers": bool(low <= true <= high),
                    }
                )
    return rows


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Mean errors by kind of panel, and coverage by kind of effect."""
    return table.groupby(["method", "kind"]).agg(
        panels=("seed", "nunique"),
        fit=("fit", "mean"),
        drawn=("drawn", "mean"),
        covers=("covers", lambda values: np.mean(values.dropna().astype(float)) if values.notna().any() else np.nan),
        effects=("covers", "count"),
    )


def main() -> None:
    """Run the seeds and print the figures of all rows so far."""
    for seed, method in seeds_and_methods(__doc__):
        rows = pd.DataFrame(rows_of(seed, method), columns=_COLUMNS)
        rows.to_csv(OUT, mode="a", header=not OUT.exists(), index=False)
        print(told(pd.read_csv(OUT)).round(3).to_string(), flush=True)


_COLUMNS = ["seed", "kind", "name", "method", "fit", "drawn", "true", "estimate", "low", "high", "covers"]

if __name__ == "__main__":
    dcm.keep_programs()
    main()
