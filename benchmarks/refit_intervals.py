"""How often intervals of refits hold the truth on worlds that are not the model's: refits alone, and as shown.

python benchmarks/refit_intervals.py [--half choose confirm] [--tag cv8] [--regions 8] [--refits 40] [--kinds N]
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from fresh import CHOOSE, CONFIRM, fresh_seed, world_panel
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.main_figures import ALL_MEDIA

LEVELS = (0.9, 0.5)


def of_panel(kind: str, wanted: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth and intervals of a panel's channels, and of all its media together, percent of the KPI."""
    panel, truth = world_panel(kind, fresh_seed(wanted.tag, kind, wanted.regions), wanted.regions)
    without = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))
    result = dcm.fit(panel, without, holdout=8, seed=0, progress=False)
    ensemble = dcm.bootstrap(result, wanted.refits, seed=1, checks=0, progress=False)
    refits, notes = ensemble.share_draws(), ensemble.notes()
    channels = pd.DataFrame({"true": truth["share"].reindex(notes.index), "share": notes["share"]})
    total = pd.DataFrame({"true": [truth["share"].sum()], "share": [notes["share"].sum()]}, index=[kind])
    for level in LEVELS:
        ends, shown, figures = ((1 - level) / 2, (1 + level) / 2), ensemble.notes(level), ensemble.summary(level)
        column = "roi" if "roi_low" in figures else "incremental_outcome"
        row = figures.loc[ALL_MEDIA]
        for end, at in zip(("low", "high"), ends, strict=True):
            channels[f"refits_{end}_{level}"] = refits.quantile(at)
            channels[f"shown_{end}_{level}"] = shown[f"share_{end}"]
            total[f"refits_{end}_{level}"] = refits.sum(axis=1).quantile(at)
            total[f"shown_{end}_{level}"] = total["share"] * row[f"{column}_{end}"] / row[column]
    return channels.assign(kind=kind), total


def covered(rows: pd.DataFrame) -> dict[str, float]:
    """How many intervals hold the truth, by source and level, and mean widths in points."""
    found: dict[str, float] = {"of": len(rows), "mean_error": float((rows["share"] - rows["true"]).mean())}
    for source in ("refits", "shown"):
        for level in LEVELS:
            low, high = rows[f"{source}_low_{level}"], rows[f"{source}_high_{level}"]
            found[f"{source}_{level}"] = int(np.sum((low <= rows["true"]) & (rows["true"] <= high)))
            found[f"{source}_width_{level}"] = float((high - low).mean())
    return found


def main() -> None:
    """Print a line for channels and one for totals, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("choose", "confirm"), default="choose")
    parser.add_argument("--tag", default="cv8")
    parser.add_argument("--regions", type=int, default=8)
    parser.add_argument("--refits", type=int, default=40)
    parser.add_argument("--kinds", type=int, help="the first few; all by default")
    wanted = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    kinds = (CHOOSE if wanted.half == "choose" else CONFIRM)[: wanted.kinds]
    made = [of_panel(kind, wanted) for kind in kinds]
    figures = {"channels": covered(pd.concat(c for c, _ in made)), "totals": covered(pd.concat(t for _, t in made))}
    for name, found in figures.items():
        print(name, {key: round(value, 2) for key, value in found.items()})
    print("wrote", record(f"refit_intervals_{wanted.half}_{wanted.tag}_{wanted.regions}", figures))


if __name__ == "__main__":
    main()
