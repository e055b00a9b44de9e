"""Seconds of an update beside a cold fit of the same panel, and how far apart their figures are, in intervals.

python benchmarks/update.py [--panel geo national meridian] [--seeds 11 12 13] [--weeks 4]
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import record
from panels import meridian

import deepcausalmmm_jax as dcm

TINY = 0.5  # percentage points: a share's interval counts as at least that wide, or vanished channels would decide
REFITS = 100
PAIRS = 3  # of a cold fit and an update, timed one after the other once both are compiled


def made(name: str, seed: int, weeks: int) -> dcm.Panel:
    """The panel with its new weeks."""
    if name == "meridian":
        return meridian()
    return dcm.simulate(20 if name == "geo" else 1, 120 + weeks, 5, 3, seed=seed)[0]


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and its seconds."""
    began = time.perf_counter()
    outcome = call()
    return outcome, time.perf_counter() - began


def answered(result: dcm.FitResult) -> dcm.FitResult:
    """The fit with the channels' figures and errors read, as an update has read them for what moved."""
    result.media_summary()
    result.notes()
    return result


def shares(result: dcm.FitResult) -> np.ndarray:
    """Of each channel, percent of the predicted KPI."""
    return result.media_summary()["pct_of_contribution"].to_numpy()


def case(name: str, seed: int, weeks: int) -> dict[str, Any]:
    """One panel: a cold fit and an update, both with and without compiled programs."""
    panel = made(name, seed, weeks)
    old = dcm.fit(panel.select(weeks=slice(0, len(panel.weeks) - weeks)), progress=False)
    cold, first_cold = timed(lambda: answered(dcm.fit(panel, progress=False)))
    other = dcm.fit(panel, seed=1, progress=False)
    warm, first_warm = timed(lambda: dcm.update(old, panel, progress=False))
    pairs = []
    for _ in range(PAIRS):
        cold_again, again_cold = timed(lambda: answered(dcm.fit(panel, progress=False)))
        warm_again, again_warm = timed(lambda: dcm.update(old, panel, progress=False))
        pairs.append([again_cold, again_warm])
    a_week_less = panel.select(weeks=slice(0, len(panel.weeks) - 1))  # another number of weeks, in the same quarter
    less, other_weeks = timed(lambda: dcm.update(old, a_week_less, progress=False))
    spread = cold if isinstance(cold, dcm.Ensemble) else dcm.bootstrap(cold, REFITS, checks=0, progress=False)
    table = spread.media_summary()
    width = np.maximum((table["pct_of_contribution_high"] - table["pct_of_contribution_low"]).to_numpy(), TINY)
    apart = {key: np.abs(shares(run) - shares(cold)) / width for key, run in runs(old, warm.result, other).items()}
    return {
        "panel": name,
        "seed": seed,
        "shape": panel.shape,
        "epochs": [len(run.fitted.record.objective) for run in (cold, warm.result)],
        "seconds_with_compilation": [first_cold, first_warm],
        "seconds": list(np.median(pairs, axis=0)),
        "seconds_of_pairs": pairs,
        "training_seconds": [run.fitted.record.seconds for run in (cold_again, warm_again.result)],
        "seconds_of_other_weeks": other_weeks,
        "training_seconds_of_other_weeks": less.result.fitted.record.seconds,
        "time_ratio": float(np.median([warm_one / cold_one for cold_one, warm_one in pairs])),
        "training_ratio": warm_again.result.fitted.record.seconds / cold_again.fitted.record.seconds,
        "time_ratio_with_compilation": first_warm / first_cold,
        "largest_difference": {key: float(value.max()) for key, value in apart.items()},
        "mean_difference": {key: float(value.mean()) for key, value in apart.items()},
        "shares": {"old": list(shares(old)), "cold": list(shares(cold)), "update": list(shares(warm.result))},
        "interval_width": list(width),
    }


def runs(old: dcm.FitResult, updated: dcm.FitResult, other: dcm.FitResult) -> dict[str, dcm.FitResult]:
    """What is compared with the cold fit: the update; and, to know what is much, another seed and the old run."""
    return {"update": updated, "other seed": other, "old run": old}


def main() -> None:
    """Print the figures and write them as JSON."""
    warnings.simplefilter("ignore", dcm.DataWarning)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panel", nargs="+", default=["geo", "national", "meridian"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12, 13])
    parser.add_argument("--weeks", type=int, default=4)
    parser.add_argument("--name", default="update")
    wanted = parser.parse_args()
    found = []
    for name in wanted.panel:
        for seed in wanted.seeds[:1] if name == "meridian" else wanted.seeds:
            row = case(name, seed, wanted.weeks)
            found.append(row)
            cold, warm = row["seconds"]
            far = " ".join(f"{key} {value:.2f}" for key, value in row["largest_difference"].items())
            print(
                f"{name:9s} {seed:5d}  cold {cold:6.2f} s  update {warm:6.2f} s  ratio {row['time_ratio']:.2f}"
                f" (training {row['training_ratio']:.2f}, with compilation {row['time_ratio_with_compilation']:.2f};"
                f" other weeks {row['seconds_of_other_weeks']:.2f} s)  largest difference, intervals: {far}",
                flush=True,
            )
    print("wrote", record(wanted.name, found))


if __name__ == "__main__":
    main()
