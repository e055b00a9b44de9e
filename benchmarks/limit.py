"""What is left to gain: the default fit beside the same fit told the true adstock, Hill curve and, last, pooling.

python benchmarks/limit.py [--simulated 8]

`curves known` states decay, slope and half-saturation of every channel with a standard deviation of 1 % of the value;
what error is left lies in coefficients over regions and weeks, baseline and noise. `curves and sizes known` also takes
the penalties' sizes from the simulator (own panels only).
"""

import argparse
import json
from collections.abc import Callable

import pandas as pd
from harness import SHARED, record
from panels import GEO, geo_truth
from truth import COLUMNS, against_truth

import deepcausalmmm_jax as dcm

_SURE = 0.01  # standard deviation of a known value, as a share of it


def known_curves(curves: pd.DataFrame) -> dcm.Priors:
    """Priors that leave no doubt; `curves` by channel: decay, slope, half_saturation in mean weeks of exposure."""
    return dcm.Priors(
        **{
            name: tuple((channel, float(value), _SURE * float(value)) for channel, value in curves[name].items())
            for name in ("decay", "slope", "half_saturation")
        }
    )


def geo(name: str) -> tuple[dcm.Panel, pd.DataFrame, pd.DataFrame]:
    """A geo_truth panel, its true contributions and curves."""
    panel, true = geo_truth(name)
    said = json.loads((SHARED / "geo_truth" / f"{name}_truth.json").read_text())
    names = {"decay": "adstock_alpha", "slope": "hill_slope", "half_saturation": "hill_half_saturation"}
    return panel, true, pd.DataFrame({to: said[key] for to, key in names.items()}, index=list(panel.channels))


def drawn(seed: int) -> tuple[dcm.Panel, pd.DataFrame, pd.DataFrame]:
    """A panel of our own generator, its true contributions and curves."""
    panel, truth = dcm.simulate(seed=seed)
    true = truth.contributions.to_series().unstack("channel")[list(panel.channels)]
    return panel, true, truth.parameters


def figures(panel: dcm.Panel, true: pd.DataFrame, config: dcm.Config) -> dict[str, float]:
    """Errors of one fit."""
    result = dcm.fit(panel, config, holdout=8, progress=False)
    held = result.metrics.loc["holdout"]
    own = against_truth(result, true)
    return own | {"rmse_over_naive": held["rmse"] / held["rmse_naive"], "seconds": result.fitted.record.seconds}


def main() -> None:
    """Print both rows a panel, and the means; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=8)
    wanted = parser.parse_args()
    panels: list[tuple[str, Callable[..., tuple[dcm.Panel, pd.DataFrame, pd.DataFrame]], object]] = []
    panels += [(name, geo, name) for name in GEO] if SHARED.is_dir() else []
    panels += [(f"simulated_{seed}", drawn, seed) for seed in range(100, 100 + wanted.simulated)]
    rows: dict[str, dict[str, float]] = {}
    for name, load, which in panels:
        panel, true, curves = load(which)
        for kind, priors in (("default", dcm.Priors()), ("curves known", known_curves(curves))):
            rows[f"{name} {kind}"] = row = figures(panel, true, dcm.Config(priors=priors))
            print(f"{name:14s} {kind:13s} " + "  ".join(f"{c} {row[c]:+.2f}" for c in COLUMNS), flush=True)
    table = pd.DataFrame.from_dict(rows, orient="index")
    for start in ("geo20", "simulated"):
        for kind in ("default", "curves known"):
            part = table[table.index.str.startswith(start) & table.index.str.endswith(kind)]
            if len(part):
                print(f"mean {start} {kind}: " + "  ".join(f"{c} {part[c].abs().mean():.3f}" for c in COLUMNS))
    print("wrote", record("limit", rows))


if __name__ == "__main__":
    main()
