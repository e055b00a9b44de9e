"""The channel graph inside the model: are true links ranked first, and are mediated effects found?

python benchmarks/graph.py [--simulated 16] [--without 8]

Ranked: area under the ROC curve of the edge weights over ordered pairs. Effects: against the simulator's own
intervention, for channels that drive others; geo_truth gives links but no effects.
"""

import argparse
import json

import numpy as np
from harness import SHARED, record
from panels import GEO, geo_truth

import deepcausalmmm_jax as dcm


def auroc(found: np.ndarray, true: np.ndarray) -> float:
    """Chance that a true edge weighs more than a pair without one; ties count half."""
    pairs = ~np.eye(len(true), dtype=bool)
    weight, is_edge = np.abs(found[pairs]), true[pairs]
    yes, no = weight[is_edge][:, None], weight[~is_edge]
    return float(((yes > no) + 0.5 * (yes == no)).mean())


def geo(name: str) -> dict[str, object]:
    """Edges and effects on a shared panel."""
    panel, _ = geo_truth(name)
    true = np.array(json.loads((SHARED / "geo_truth" / f"{name}_truth.json").read_text())["dag"])
    result = dcm.fit(panel, holdout=8, progress=False)
    found = result.adjacency.to_numpy()
    print(f"{name}: AUROC {auroc(found, true > 0):.3f}, edges without truth {int(((found != 0) & (true == 0)).sum())}")
    print(result.effects().round(1).to_string(), flush=True)
    edges = [[int(i) + 1, int(j) + 1, float(true[i, j]), float(found[i, j])] for i, j in np.argwhere(true > 0)]
    return {
        "auroc": auroc(found, true > 0),
        "edges_source_target_true_found": edges,
        "effects": result.effects().to_dict(orient="index"),
    }


def linked(seed: int) -> dict[str, object]:
    """Edges and effects on a simulated panel."""
    panel, truth = dcm.simulate(seed=seed)
    result = dcm.fit(panel, holdout=8, progress=False)
    found, true = result.adjacency.to_numpy(), truth.adjacency.to_numpy() > 0
    table = result.effects().join(truth.effects.add_suffix("_true"))[true.any(axis=1)]
    error = (table["total"] / table["total_true"] - 1).to_dict()
    mediated = (table["mediated"] / table["mediated_true"] - 1).to_dict()
    shown = ", ".join(f"{c} total {error[c]:+.2f} mediated {mediated[c]:+.2f}" for c in error)
    print(f"simulated {seed}: AUROC {auroc(found, true):.3f}; {shown}", flush=True)
    false = int(((found != 0) & ~true).sum())
    return {"auroc": auroc(found, true), "false_edges": false, "total_error": error, "mediated_error": mediated}


def unlinked(seed: int) -> int:
    """Edges found where there are none."""
    panel, _ = dcm.simulate(seed=seed, links=0)
    return int((dcm.fit(panel, holdout=8, progress=False).adjacency.to_numpy() != 0).sum())


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=16)
    parser.add_argument("--without", type=int, default=8)
    wanted = parser.parse_args()
    rows: dict[str, object] = {name: geo(name) for name in GEO} if SHARED.is_dir() else {}
    drawn = {f"simulated_{seed}": linked(seed) for seed in range(100, 100 + wanted.simulated)}
    rows |= drawn
    errors = np.abs([error for row in drawn.values() for error in row["total_error"].values()])  # type: ignore[attr-defined]
    near = int((errors <= 0.25).sum())
    print(f"channels that drive others: {len(errors)}; total within 25 %: {near}; median error {np.median(errors):.2f}")
    false = [unlinked(seed) for seed in range(500, 500 + wanted.without)]
    print(f"panels without links: {len(false)}, edges found: {sum(false)}")
    rows["edges_without_links"] = false
    print("wrote", record("graph", rows))


if __name__ == "__main__":
    main()
