"""Scoreboard: attribution and forecasts on panels of known truth, default settings, last 8 weeks held out.

python benchmarks/truth.py [--simulated 8] [--first 100]
python benchmarks/truth.py --fresh 3 [--half choose|confirm|both] [--kinds linear,bursts] [--sizes 1,4,20]
    [--commit HASH] [--coarsening 2.5]
python benchmarks/truth.py --national [--kinds clean,realistic]

`--fresh` and `--national` score worlds that are not the model's own equations; see fresh.py.
"""

import argparse

import numpy as np
import pandas as pd
from fresh import HALVES, SIZES, national_panels, run, run_fresh
from harness import SHARED, record
from panels import GEO, RECOVERY, geo_truth, on_grid, recovery, simulated

import deepcausalmmm_jax as dcm

COLUMNS = ("mae_pp", "rel_total", "week_corr", "srmse", "rmse_over_naive", "seconds")

# mae_pp, rel_total, week_corr, rmse_over_naive of other packages on panels of the same kind as geo_truth, other seeds
ANCHORS = """others on panels of the geo_truth kind (other seeds): mae_pp / rel_total / week_corr / rmse over best naive
  original 1.0.21     6.86 / +0.59 / -0.29 / 1.64
  PyMC-Marketing      1.72 / +0.28 /  0.83 / 1.28
  Meridian            3.18 / +0.61 /  0.84 / 0.70
  LightweightMMM      8.38 / +1.73 /  0.17 /  -
others on recovery, SRMSE small / growing / medium / large
  PyMC-Marketing      0.20 / 0.39 / 0.13 / not run
  Meridian (best)     0.57 / 0.49 / 0.23 / not finished"""


def against_truth(result: dcm.FitResult, true: pd.DataFrame) -> dict[str, float]:
    """Errors of a fit's attribution."""
    panel = result.panel
    estimated = result.contributions.sel(component=list(panel.channels)).values
    return errors(estimated, on_grid(panel, true), panel.kpi.sum())


def errors(estimated: np.ndarray, truth: np.ndarray, total: float) -> dict[str, float]:
    """Errors as `measurement.md` defines them; contributions `[region, week, channel]`, `total` of the KPI."""
    share, true_share = estimated.sum((0, 1)) / total, truth.sum((0, 1)) / total
    size = np.abs(truth.mean(axis=1))
    error = np.sqrt(((estimated - truth) ** 2).mean(axis=1))
    return {
        "mae_pp": 100 * np.abs(share - true_share).mean(),
        "rel_total": share.sum() / true_share.sum() - 1,
        "week_corr": np.corrcoef(estimated.sum(0).ravel(), truth.sum(0).ravel())[0, 1],
        "srmse": (error[size > 0] / size[size > 0]).mean(),
    }


def score(panel: dcm.Panel, true: pd.DataFrame) -> dict[str, float]:
    """Figures of one default fit."""
    result = dcm.fit(panel, holdout=8, seed=0, progress=False)
    holdout = result.metrics.loc["holdout"]
    return against_truth(result, true) | {
        "rmse_over_naive": holdout["rmse"] / holdout["rmse_naive"],
        "seconds": result.fitted.record.seconds,
    }


def main() -> None:
    """Print a scoreboard and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=4, help="panels of our own generator")
    parser.add_argument("--first", type=int, default=100, help="seed of the first of them; default: %(default)s")
    parser.add_argument(
        "--fresh", type=int, metavar="N", help="score N new panels a kind instead, drawn from the commit"
    )
    parser.add_argument("--half", choices=list(HALVES), default="choose", help="kinds of --fresh; default: %(default)s")
    parser.add_argument("--kinds", type=_names, help="only these kinds, with commas between")
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="numbers of regions of --fresh, taken in turn")
    parser.add_argument("--commit", help="full hash that --fresh draws from; default: the one checked out")
    parser.add_argument("--coarsening", type=float, help="posterior.coarsening of the fits; default: the default")
    parser.add_argument("--national", action="store_true", help="score the shared one-region panels instead")
    asked = parser.parse_args()
    config = None
    if asked.coarsening is not None:
        config = dcm.Config(posterior=dcm.PosteriorSettings(coarsening=asked.coarsening))
    if asked.fresh:
        run_fresh(asked.fresh, asked.half, asked.kinds, asked.sizes, asked.commit, config)
    if asked.national:
        run(national_panels(asked.kinds), "national", config=config)
    if not (asked.fresh or asked.national):
        _scoreboard(asked.simulated, asked.first)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _scoreboard(wanted: int, first: int) -> None:
    """Score the shared panels and `wanted` of our own generator, from the seed `first` on."""
    panels = [(f"simulated_{seed}", simulated, seed) for seed in range(first, first + wanted)]
    if SHARED.is_dir():
        panels = [(n, geo_truth, n) for n in GEO] + [(n, recovery, n) for n in RECOVERY] + panels
    else:
        print(f"No shared panels at {SHARED}: simulated ones only.")
    rows = {}
    for name, load, which in panels:
        rows[name] = score(*load(which))
        print(f"{name:18s}" + "  ".join(f"{column} {rows[name][column]:+.2f}" for column in COLUMNS), flush=True)
    table = pd.DataFrame.from_dict(rows, orient="index")
    for kind in ("geo20", "simulated"):
        part = table[table.index.str.startswith(kind)]
        if len(part):
            print(f"mean of {len(part)} {kind}: " + "  ".join(f"{c} {part[c].mean():+.3f}" for c in COLUMNS))
    print(ANCHORS)
    print("wrote", record("truth", rows))


if __name__ == "__main__":
    main()
