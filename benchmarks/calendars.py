"""One truth by the day, the week and the month: share errors, coverage, and whether the calendars agree on ROI.

`python benchmarks/calendars.py FIRST COUNT [WEEKS [CADENCE ...]]`: national panels of two channels and one control,
seeds FIRST to FIRST + COUNT - 1, simulated by the day and added up; each cadence is fitted with the default settings.
Adds to `results/calendars.csv`, a row a number of weeks, seed, cadence and channel, and prints by cadence, over all
rows of these weeks in the file:

- `error`: mean absolute error of a channel's share of the KPI, percentage points; `relative`: over the true share;
- `covered`: share of 90 % intervals of ROI that hold the true one, and their mean `width` over the true ROI;
- `agrees`: share of channels whose ROI lies in the interval that weekly data give, and the other way round;
- seconds: of the fit without and of compilation, one process after another on the machine at hand.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm

CADENCES = ("daily", "weekly", "monthly")
_REVENUE = 12.5


def rows_of(seed: int, weeks: int, cadences: Sequence[str]) -> list[dict[str, object]]:
    """A row a cadence and channel."""
    found = []
    for cadence in cadences:
        panel, truth = dcm.simulate(1, weeks, 2, 1, seed=seed, cadence=cadence)
        began = time.perf_counter()
        result = dcm.fit(panel, dcm.Config(), progress=False)
        seconds = time.perf_counter() - began
        table, true = result.media_summary(), truth.contributions.sum(("region", "time")).to_numpy()
        paid = np.nansum(panel.spend, axis=(0, 1))
        for i, channel in enumerate(panel.channels):
            row = table.loc[channel]
            found.append(
                {
                    "weeks": weeks,
                    "seed": seed,
                    "cadence": cadence,
                    "channel": channel,
                    "steps": len(panel.weeks),
                    "true_share": 100.0 * true[i] / panel.kpi.sum(),
                    "share": 100.0 * row["incremental_outcome"] / panel.kpi.sum(),
                    "true_roi": true[i] * _REVENUE / paid[i],
                    **{name: row[name] for name in ("roi", "roi_low", "roi_high")},
                    "seconds": seconds,
                    "training_seconds": result.fitted.record.seconds,
                    "epochs": len(result.fitted.record.objective),
                }
            )
    return found


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Errors, coverage and agreement by cadence."""
    weekly = table[table.cadence == "weekly"].set_index(["seed", "channel"])
    rows = {}
    for cadence in table.cadence.unique():
        own = table[table.cadence == cadence].set_index(["seed", "channel"])
        error = (own.share - own.true_share).abs()
        covered = own.true_roi.between(own.roi_low, own.roi_high)
        shared = own.index.intersection(weekly.index)
        mine, theirs = own.loc[shared], weekly.loc[shared]
        both = mine.roi.between(theirs.roi_low, theirs.roi_high) & theirs.roi.between(mine.roi_low, mine.roi_high)
        rows[cadence] = {
            "panels": own.index.get_level_values("seed").nunique(),
            "error": error.mean(),
            "relative": (error / own.true_share).mean(),
            "covered": covered.mean(),
            "width": ((own.roi_high - own.roi_low) / own.true_roi).mean(),
            "agrees": both.mean(),
            "median ratio to weekly": (mine.roi / theirs.roi).median(),
            "seconds": own.seconds.median(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def main() -> None:
    """Run the panels, keep every row."""
    first, count, *rest = sys.argv[1:]
    weeks, cadences = int(rest[0]) if rest else 157, rest[1:] or CADENCES
    dcm.keep_programs()
    path = Path(__file__).parent / "results" / "calendars.csv"
    for seed in range(int(first), int(first) + int(count)):
        before = pd.read_csv(path) if path.exists() else pd.DataFrame()
        table = pd.concat([before, pd.DataFrame(rows_of(seed, weeks, cadences))])
        table = table.drop_duplicates(["weeks", "seed", "cadence", "channel"], keep="last")
        table.to_csv(path, index=False)
    print(summary(table[table.weeks == weeks]).round(3).to_string())


if __name__ == "__main__":
    main()
