"""Do plans keep what they promise? Gains of plans on worlds that are not the model's equations, against the truth.

Each new panel (see fresh.py) is fitted with default settings, and a year of it planned again at the same total: within
the usual limit of 30% around today's spend, and with each channel between nothing and twice its spend. The truth says
what the plan would have gained, and what the best plan within the same limits would have.

python benchmarks/plan_gains.py [--fresh 3] [--half choose|confirm|both] [--kinds linear,bursts] [--regions 1]
    [--commit HASH] [--tag choose]
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from fresh import HALVES, commit, fresh_worlds
from harness import record
from scipy.optimize import minimize

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.simulation.simulate import Truth

PLANNED, AFTER = 52, 12  # weeks of the plan, and of the panel after it, over which carry-over counts
ENDS = {"usual": (0.7, 1.3), "wide": (0.0, 2.0)}  # multiples of today's spend of a channel
PLANS: dict[str, dict[str, Any]] = {"usual": {}, "wide": {"relative_bounds": ENDS["wide"]}}
STARTS = 6

Gain = Callable[[np.ndarray], float]  # from multiples of today's spend by channel to what they gain, revenue


def true_gain(panel: dcm.Panel, truth: Truth, weeks: slice) -> Gain:
    """Revenue that a plan adds over all weeks of the panel, by the simulation itself."""
    assert panel.revenue_per_kpi is not None
    n = panel.n_past_weeks
    exposure, worth = panel.exposure[:, :n], panel.revenue_per_kpi[:, :n]
    usual = truth.counterfactual.kpi(exposure)

    def gain(multiples: np.ndarray) -> float:
        planned = exposure.copy()
        planned[:, weeks] *= multiples
        return float(((truth.counterfactual.kpi(planned) - usual) * worth).sum())

    return gain


def best_gain(gain: Gain, today: np.ndarray, ends: tuple[float, float]) -> float:
    """Gain of the best plan within the same limits, from several starts; no less than nothing."""
    share, n = today / today.sum(), len(today)
    unit = abs(gain(np.full(n, 1.01))) + 1e-9
    same_total = {"type": "eq", "fun": lambda multiples: multiples @ share - 1.0}
    rng, found = np.random.default_rng(0), [0.0]
    for start in [np.ones(n), *rng.uniform(*ends, (STARTS - 1, n))]:
        ended = minimize(
            lambda multiples: -gain(multiples) / unit,
            start,
            method="SLSQP",
            bounds=[ends] * n,
            constraints=[same_total],
        )
        if abs(same_total["fun"](ended.x)) < 1e-6:  # type: ignore[operator]
            found.append(gain(ended.x))
    return max(found)


def scores(panel: dcm.Panel, truth: Truth, result: dcm.FitResult) -> list[dict[str, Any]]:
    """A row a plan: promised and true gain, percent of what its media are spent, and the interval of the promise."""
    assert panel.spend is not None
    stop = panel.n_past_weeks - AFTER
    weeks = slice(stop - PLANNED, stop)
    gain, rows = true_gain(panel, truth, weeks), []
    for name, options in PLANS.items():
        plan = dcm.optimize_budget(result, weeks=(weeks.start, weeks.stop), **options)
        today = plan.channels["spend_today"].to_numpy()
        multiples = plan.channels["spend_plan"].to_numpy() / np.where(today > 0, today, 1.0)
        promised, spent = plan.summary.loc["revenue"], today.sum()
        low, high = plan.gain_interval or (np.nan, np.nan)
        rows.append(
            {
                "plan": name,
                "promised": 100 * promised["change"] / spent,
                "low": 100 * low / spent,
                "high": 100 * high / spent,
                "true": 100 * gain(multiples) / spent,
                "best": 100 * best_gain(gain, today, ENDS[name]) / spent,
                "moved": 50 * np.abs((multiples - 1.0) * today).sum() / spent,
                "advised": plan.advised,
            }
        )
    return rows


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """By plan, and among plans that are advised: what is promised, what comes of it, and how often intervals cover."""
    parts: dict[str, pd.DataFrame] = {}
    for name, own in rows.groupby("plan", sort=False):
        parts |= {str(name): own, f"{name}, advised": own[own["advised"]]}
    found = {}
    for name, own in parts.items():
        covered = (own["low"] <= own["true"]) & (own["true"] <= own["high"])
        found[name] = {
            "plans": len(own),
            "promised": own["promised"].mean(),
            "true": own["true"].mean(),
            "best": own["best"].mean(),
            "covered": covered.mean(),
            "below": (own["true"] < own["low"]).mean(),
            "lose": (own["true"] < 0).mean(),
            "width": (own["high"] - own["low"]).mean(),
            "moved": own["moved"].mean(),
        }
    return pd.DataFrame.from_dict(found, orient="index")


def main() -> None:
    """Print the table by plan and by kind, and write rows and table as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", type=int, default=3, metavar="N", help="panels a kind; default: %(default)s")
    parser.add_argument("--half", choices=list(HALVES), default="choose", help="kinds of panels; default: %(default)s")
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="only these kinds, with commas between")
    parser.add_argument("--regions", type=int, default=1, help="of a panel; default: %(default)s")
    parser.add_argument("--commit", help="full hash that panels are drawn from; default: the one checked out")
    parser.add_argument("--tag", help="of the JSON's name; default: the half")
    asked = parser.parse_args()
    drawn_from = asked.commit or commit()
    rows: list[dict[str, Any]] = []
    for kind, seed, panel, truth in fresh_worlds(
        asked.half, asked.fresh, [asked.regions], kinds=asked.kinds, of_commit=drawn_from
    ):
        result = dcm.fit(panel, progress=False)
        own = scores(panel, truth, result)
        rows += [{"kind": kind, "seed": seed} | row for row in own]
        said = "  ".join(f"{row['plan']} {row['promised']:+.1f} promised, {row['true']:+.1f} true" for row in own)
        print(f"{kind:18s} {seed:>10d}  {said}", flush=True)
    every = pd.DataFrame(rows)
    summary = table(every)
    by_kind = every.groupby(["plan", "kind"], sort=False)[["promised", "true", "best"]].mean()
    print(summary.to_string(float_format=lambda value: f"{value:.2f}"))
    print(by_kind.to_string(float_format=lambda value: f"{value:.1f}"))
    about = {"commit": drawn_from, "half": asked.half, "regions": asked.regions}
    figures = about | {"table": summary.to_dict(orient="index"), "rows": every.to_dict(orient="records")}
    print("wrote", record(f"plan_gains_{asked.tag or asked.half}", figures))


if __name__ == "__main__":
    main()
