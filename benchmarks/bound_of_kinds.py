"""How well could anybody do on the panels of one region that `truth.py --fresh` scored? Least errors beside the fit's.

python benchmarks/bound_of_kinds.py [--half confirm]

The estimator of the bound knows from the truth how each channel's contribution moves from week to week, the noise, and
how the rest wanders; only the heights are unknown, beside level, slope, season and controls. No carry-over and no curve
has to be found, and nothing unobserved moves budgets. The panels are those in `results/fresh_*_1.json`, drawn again.
"""

import argparse
import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
from bound import Unknowns, add_baseline, noise_of, weighed
from fresh import HALVES, world_panel
from harness import RESULTS, record
from scipy.special import ndtr

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.simulation.worlds import WORLDS

_GOAL = 0.05  # of the true total, the bias allowed over a kind's panels


def scored(half: str) -> Iterator[tuple[pd.Series, dcm.Panel, np.ndarray]]:
    """Each row of the scoreboard of one region, its panel, and the true contributions `[region, week, channel]`."""
    rows = pd.DataFrame(json.loads((RESULTS / f"fresh_{half}_1.json").read_text())["figures"]["rows"])
    for kind, part in rows.groupby("kind", sort=False):
        for index, (_, row) in enumerate(part.iterrows()):
            turn = list(WORLDS).index(str(kind)) + index
            panel, _ = world_panel(str(kind), int(row["seed"]), 1, turn)
            truth = dcm.simulate(1, panel.shape[1], panel.shape[2], 2, int(row["seed"]), kind=str(kind))[1]
            yield row, panel, truth.contributions.values


def least_spread(panel: dcm.Panel, true: np.ndarray) -> np.ndarray:
    """Covariance of the shares, `[channel, channel]`, points of the KPI, where only their heights have to be found."""
    used = training_weights(panel, 8)[0] > 0
    scaled = true / panel.kpi.mean(axis=1)[:, None, None]
    found = Unknowns()
    for channel in range(true.shape[2]):
        found.add(scaled[:, :, channel], channel=channel)
    add_baseline(found, panel)
    design = found.design()[:, used]
    information = weighed(design, design, noise_of(panel, true))
    information[np.diag_indices_from(information)] += np.array(found.precision) + 1e-9
    heights = np.linalg.inv(information)[: true.shape[2], : true.shape[2]]
    share = 100.0 * true[0, used].sum(axis=0) / panel.kpi[0, used].sum()
    return heights * np.outer(share, share)


def main() -> None:
    """Print a line a kind, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=list(HALVES), default="confirm")
    half, rows = parser.parse_args().half, []
    for row, panel, true in scored(half):
        covariance = least_spread(panel, true)
        least = np.sqrt(2 / np.pi) * np.sqrt(np.diag(covariance)).mean()  # mean absolute error of normal errors
        facts = {"least_mae_pp": least, "least_total": np.sqrt(covariance.sum()), "channels": len(covariance)}
        ours = {"true": row["true_total"], "found": row["found_total"], "mae_pp": row["mae_pp"]}
        rows.append({"kind": row["kind"], "seed": int(row["seed"])} | facts | ours)
    table = pd.DataFrame(rows)
    assert np.isfinite(table["least_total"]).all()
    by_kind = table.groupby("kind", sort=False)
    summary = by_kind[["true", "found", "mae_pp", "least_mae_pp"]].mean()
    summary["bias"] = summary["found"] / summary["true"] - 1.0
    spread = by_kind["least_total"].apply(lambda own: np.sqrt((own**2).sum()) / len(own)) / summary["true"]
    summary["least_bias"], summary["chance"] = spread, 2 * ndtr(_GOAL / spread) - 1
    print(summary.round(3).to_string())
    print(
        f"kinds within 5%: ours {(summary['bias'].abs() <= _GOAL).sum()} of {len(summary)}, "
        f"the best {summary['chance'].sum():.1f}; "
        f"points a channel: ours {table['mae_pp'].mean():.2f}, the best {table['least_mae_pp'].mean():.2f}"
    )
    print(
        "wrote",
        record(f"bound_of_kinds_{half}", {"kinds": summary.to_dict("index"), "panels": table.to_dict("records")}),
    )


if __name__ == "__main__":
    main()
