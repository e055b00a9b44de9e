"""What the precision of matrix products does to contributions, and to the time of an epoch.

python benchmarks/precision.py [--seeds 3]        the same script on a CPU and a GPU
"""

import argparse

import jax
import numpy as np
from harness import SHARED, record
from panels import geo_truth

import deepcausalmmm_jax as dcm

PRECISIONS = ("highest", "tf32", "bfloat16")


def case(panel: dcm.Panel, seeds: int) -> dict[str, dict[str, float]]:
    """Shares of the KPI at each precision against the highest, beside what another seed does."""
    channels = list(panel.channels)

    def fitted(precision: str, seed: int) -> tuple[np.ndarray, float, float]:
        result = dcm.fit(panel, dcm.Config(precision=precision), seed=seed, progress=False)
        share = 100 * result.contributions.sel(component=channels).sum(("region", "time")) / result.predict().sum()
        return share.to_numpy(), result.metrics.loc["holdout", "rmse"], result.fitted.record.seconds

    found = {p: [fitted(p, seed) for seed in range(seeds)] for p in PRECISIONS}
    full = found["highest"]
    rows = {}
    for precision, fits in found.items():
        apart = [np.abs(a[0] - b[0]).max() for a, b in zip(fits, full, strict=True)]
        rows[precision] = {
            "largest_share_difference_points": float(np.max(apart)),
            "rmse_holdout": float(np.mean([one[1] for one in fits])),
            "seconds": float(np.median([one[2] for one in fits])),
        }
    between = [np.abs(full[0][0] - other[0]).max() for other in full[1:]]
    rows["highest, another seed"] = {"largest_share_difference_points": float(np.max(between, initial=0.0))}
    return rows


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    seeds = parser.parse_args().seeds
    panel = geo_truth("geo20_10")[0] if SHARED.is_dir() else dcm.simulate()[0]
    rows = case(panel, seeds)
    for name, row in rows.items():
        print(f"{name:24s}" + "  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
    print("wrote", record(f"precision_{jax.default_backend()}", {"shape": panel.shape, "seeds": seeds, "rows": rows}))


if __name__ == "__main__":
    main()
