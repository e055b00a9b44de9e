"""Coefficients that move: how like the truth their paths are found, beside the best that can be done.

python benchmarks/drift.py [--panels 4]

Panels of our generator with drift=0.3 and, the same seeds, drift=0. The limit is told the curves, sizes and memory of
the paths, and the noise, and has to find paths, coefficients over regions, levels, slopes, season and controls alone:
the mean of a Gaussian given the data.
"""

import argparse

import numpy as np
import pandas as pd
from bound import noise_of, unknowns, weighed
from harness import record
from scipy.linalg import toeplitz

import deepcausalmmm_jax as dcm

_DRIFT, _MEMORY = 0.3, 0.97  # as simulated: spread in logs, and share left a week later
_HOLDOUT = 8
_COUNTS = 0.03  # share of the KPI from which a channel counts
_FOUND = 0.7


def limit_paths(panel: dcm.Panel, true: np.ndarray, curves: pd.DataFrame) -> np.ndarray:
    """Paths `[week, channel]` for one who knows the rest but what is linear; `true` `[region, week, channel]`."""
    last = panel.kpi.shape[1] - _HOLDOUT
    found, noise = unknowns(panel, true, curves, known=True), noise_of(panel, true)
    beside = found.design()[:, :last]
    n_regions, n_weeks, n_beside = beside.shape
    unit = panel.kpi.mean(axis=1)
    media, kpi = (true / unit[:, None, None])[:, :last], (panel.kpi / unit[:, None])[:, :last, None]
    n_channels = media.shape[2]
    moves = np.einsum("rtm,ts->rtms", media, np.eye(n_weeks)).reshape(n_regions, n_weeks, -1)
    design = np.concatenate([beside, moves], axis=2)
    information, evidence = weighed(design, design, noise), weighed(design, kpi, noise)[:, 0]
    path = np.linalg.inv(_DRIFT**2 * toeplitz(_MEMORY ** np.arange(n_weeks)))
    prior = np.zeros_like(information)
    prior[:n_beside, :n_beside] = np.diag(np.array(found.precision) + 1e-9)
    prior[n_beside:, n_beside:] = np.kron(np.eye(n_channels), path)
    return np.linalg.solve(information + prior, evidence)[n_beside:].reshape(n_channels, n_weeks).T


def national_paths(result: dcm.FitResult) -> np.ndarray:
    """Mean over regions of the logs of the coefficients in the training weeks, less its mean, `[week, channel]`."""
    logs = np.log(result.coefficients().transpose("region", "time", "channel").values)[:, :-_HOLDOUT].mean(axis=0)
    return logs - logs.mean(axis=0)


def moving(seed: int) -> list[dict[str, float]]:
    """A row for each channel that counts."""
    panel, truth = dcm.simulate(seed=seed, drift=_DRIFT)
    true = truth.contributions.values
    path = np.log(truth.coefficients.values)[0, :-_HOLDOUT]
    path = path - path.mean(axis=0)
    ours = national_paths(dcm.fit(panel, holdout=_HOLDOUT, progress=False))
    best = limit_paths(panel, true, truth.parameters)
    share = true.sum(axis=(0, 1)) / panel.kpi.sum()
    return [
        {
            "seed": seed,
            "channel": m + 1,
            "share": share[m],
            "ours": np.corrcoef(ours[:, m], path[:, m])[0, 1],
            "limit": np.corrcoef(best[:, m], path[:, m])[0, 1],
            "sd": path[:, m].std(),
            "sd_ours": ours[:, m].std(),
            "sd_limit": best[:, m].std(),
        }
        for m in range(path.shape[1])
        if share[m] > _COUNTS
    ]


def steady(seed: int) -> float:
    """Largest deviation of a coefficient from its mean where none moves."""
    panel, _ = dcm.simulate(seed=seed, drift=0.0)
    return float(np.abs(np.expm1(national_paths(dcm.fit(panel, holdout=_HOLDOUT, progress=False)))).max())


def main() -> None:
    """Print a row a channel and the means; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=4)
    seeds = range(300, 300 + parser.parse_args().panels)
    table = pd.DataFrame([row for seed in seeds for row in moving(seed)])
    print(table.round(2).to_string(index=False))
    for name in ("ours", "limit"):
        print(f"{name}: mean {table[name].mean():.2f}, {(table[name] >= _FOUND).sum()} of {len(table)} at {_FOUND}")
    flat = {str(seed): steady(seed) for seed in seeds}
    print(f"without drift, largest deviation from the mean: {max(flat.values()):.3f}")
    print("wrote", record("drift", {"moving": table.to_dict(orient="records"), "steady": flat}))


if __name__ == "__main__":
    main()
