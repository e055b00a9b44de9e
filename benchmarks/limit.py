"""What is left to gain: the default fit beside the same fit told the true adstock and Hill curve.

python benchmarks/limit.py [--simulated 8]

`curves known` states decay, slope and half-saturation of every channel with a standard deviation of 1 % of the value;
what error is left lies in coefficients over regions and weeks, baseline and noise.
"""

import argparse

import pandas as pd
from curves import NAMES, known_panels
from harness import record
from truth import COLUMNS, against_truth

import deepcausalmmm_jax as dcm

_SURE = 0.01  # standard deviation of a known value, as a share of it


def known_curves(curves: pd.DataFrame) -> dcm.Priors:
    """Priors that leave no doubt; `curves` by channel: decay, slope, half_saturation in mean weeks of exposure."""
    told = curves[list(NAMES)].clip(lower=_SURE)  # a decay of 0 would have no standard deviation
    return dcm.Priors(**{name: tuple((channel, v, _SURE * v) for channel, v in told[name].items()) for name in NAMES})


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
    rows: dict[str, dict[str, float]] = {}
    for name, load, which in known_panels(parser.parse_args().simulated):
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
