"""Plans against the truth, against independent solvers, and by the clock; curves and plan of a panel with spend.

python benchmarks/budget.py [--panels geo20_10 geo20_11 simulated_0] [--epochs 2000]
"""

import argparse
import dataclasses
import json
import time

import jax
import numpy as np
import pandas as pd
from harness import SHARED, peak_gib, record
from panels import dma_panel, geo_truth, meridian
from scipy.optimize import minimize
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm

WEEKS = 26  # planned: the last ones of the panel
RANGE = (0.5, 1.5)  # of today's spend


def activity(relative, decay, slope, half):
    """Adstock and Hill of `[region, week, channel]`, the simulators' own equations."""
    carried = np.stack([lfilter([1 - a], [1, -a], relative[:, :, m], axis=1) for m, a in enumerate(decay)], axis=2)
    power = carried**slope
    return power / (power + half**slope)


def true_case(name):
    """Panel, and a function from multipliers of the last weeks' spend to the true outcome of these weeks."""
    if name.startswith("simulated"):
        panel, truth = dcm.simulate(seed=int(name.split("_")[1]))
        shape = (truth.parameters[k].to_numpy() for k in ("decay", "slope", "half_saturation"))
        contributions = truth.contributions.values
    else:
        panel, true = geo_truth(name)
        panel = dataclasses.replace(panel, spend=panel.exposure)
        curves = json.loads((SHARED / "geo_truth" / f"{name}_truth.json").read_text())
        shape = (np.array(curves[k]) for k in ("adstock_alpha", "hill_slope", "hill_half_saturation"))
        keys = pd.MultiIndex.from_product([panel.regions, panel.weeks])
        contributions = true.reindex(keys)[list(panel.channels)].to_numpy().reshape(panel.exposure.shape)
    decay, slope, half = shape
    relative = panel.exposure / panel.exposure.mean(axis=1, keepdims=True)
    base = activity(relative, decay, slope, half)
    worth = np.where(base > 1e-12, contributions / np.maximum(base, 1e-12), 0.0)
    silent = base > 1e-12
    worth = np.where(silent, worth, np.nanmean(np.where(silent, worth, np.nan), axis=1, keepdims=True))

    def outcome(multipliers):
        factor = np.ones((1, len(panel.weeks), len(decay)))
        factor[:, -WEEKS:] = multipliers
        return float((worth * activity(relative * factor, decay, slope, half))[:, -WEEKS:].sum())

    return panel, outcome


def best_by_truth(outcome, today):
    """Multipliers of the best plan by the truth itself, from many starts."""
    total, n = today.sum(), len(today)
    zero = outcome(np.zeros(n))
    scale = outcome(np.ones(n)) - zero
    rng, found = np.random.default_rng(0), []
    limits = {"type": "eq", "fun": lambda m: (m * today).sum() / total - 1.0}
    for start in [np.ones(n), *rng.uniform(*RANGE, (9, n))]:
        found.append(
            minimize(
                lambda m: -(outcome(m) - zero) / scale,
                start,
                method="SLSQP",
                bounds=[RANGE] * n,
                constraints=[limits],
                options={"ftol": 1e-9, "maxiter": 200},
            )
        )
    return min((one for one in found if abs(limits["fun"](one.x)) < 1e-6), key=lambda one: one.fun).x


def against_truth(name, epochs):
    """True incremental outcome of our plan beside the truth-optimal plan's and today's."""
    panel, outcome = true_case(name)
    result = dcm.fit(panel, dcm.Config(training=dcm.Training(max_epochs=epochs)), progress=False)
    plan = dcm.optimize_budget(result, weeks=WEEKS, relative_bounds=RANGE)
    today = plan.channels["spend_today"].to_numpy()
    multipliers = plan.channels["spend_plan"].to_numpy() / today
    best = best_by_truth(outcome, today)
    zero = outcome(np.zeros(len(today)))
    ours, most, now = (outcome(m) - zero for m in (multipliers, best, np.ones(len(today))))
    return {
        "plan_over_truth_optimal": ours / most,
        "plan_over_today": ours / now,
        "truth_optimal_over_today": most / now,
        "total_miss": abs(plan.total / today.sum() - 1.0),
        "bounds_miss": float(max(multipliers.max() - RANGE[1], RANGE[0] - multipliers.min(), 0.0)),
        "starts_at_best": f"{plan.starts_at_best} of {len(plan.starts)}",
    }


def timed(result, **options):
    """Seconds of a plan the first time, and again with everything compiled."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        plan = dcm.optimize_budget(result, **options)
        seconds.append(time.perf_counter() - began)
    lower, upper = options["relative_bounds"]
    return {
        "cells": len(plan.table),
        "first_s": seconds[0],
        "again_s": seconds[1],
        "roi_today": plan.summary.loc["roi", "today"],
        "roi_plan": plan.summary.loc["roi", "plan"],
        "total_miss": abs(plan.table["spend_plan"].sum() / plan.table["spend_today"].sum() - 1.0),
        "channel_bounds_miss": _channel_miss(plan.table, lower, upper),
        "starts_at_best": f"{plan.starts_at_best} of {len(plan.starts)}",
        "peak_gib": peak_gib(),
    }


def _channel_miss(table, lower, upper):
    sums = table.groupby("channel")[["spend_today", "spend_plan"]].sum()
    ratio = sums["spend_plan"] / sums["spend_today"]
    return float(max(ratio.max() - upper, lower - ratio.min(), 0.0))


def replicated():
    """13 channels, 20 regions, 13 future weeks, 200 replicates: refits of 20 draws, each ten times."""
    panel, _ = dcm.simulate(20, 120, 13, 3, seed=3)
    result = dcm.fit(panel, dcm.Config(training=dcm.Training(max_epochs=600)), progress=False)
    ensemble = dcm.bootstrap(result, 20, checks=0, progress=False)
    made = ensemble.replicates
    repeated = dataclasses.replace(
        made,
        variables=jax.tree.map(lambda a: np.concatenate([np.asarray(a)] * 10), made.variables),
        status=np.tile(made.status, 10),
        epochs=np.tile(made.epochs, 10),
    )
    df = panel.select(weeks=slice(-13, None)).to_dataframe()
    df["time"] += pd.Timedelta(days=7 * 13)
    future = dcm.Panel.from_dataframe(
        df,
        region="region",
        time="time",
        kpi=None,
        media=list(panel.channels),
        spend={name: f"{name}_spend" for name in panel.channels},
        controls=list(panel.controls),
        revenue_per_kpi="revenue_per_kpi",
    )
    return timed(dcm.Ensemble(result.fitted, repeated), weeks=future, relative_bounds=(0.3, 2.0))


def meridian_case(epochs):
    """Curves and plan of Meridian's demo panel."""
    result = dcm.fit(meridian(), dcm.Config(training=dcm.Training(max_epochs=epochs)), progress=False)
    curves = dcm.response_curves(result)
    plan = dcm.optimize_budget(result, weeks=52, relative_bounds=RANGE)
    table = result.media_summary()
    today = curves.today.set_index("channel")
    return {
        "curve_at_today_less_roi_table": float(
            np.nanmax(np.abs(today["roi"] / table["roi"] - 1.0)[table["roi"].notna()])
        ),
        "half_saturation_multiplier": curves.half_saturation.set_index("channel")["multiplier"].to_dict(),
        "channels": plan.channels[["spend_today", "spend_plan", "roi_today", "roi_plan"]].to_dict("index"),
        "summary": plan.summary.to_dict("index"),
        "shadow_price": plan.shadow_price,
        "binding": plan.binding.to_dict("records"),
        "notes": plan.notes,
        "starts_at_best": f"{plan.starts_at_best} of {len(plan.starts)}",
    }


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", nargs="+", default=["geo20_10", "geo20_11", "simulated_0", "simulated_1"])
    parser.add_argument("--epochs", type=int, default=1500)
    wanted = parser.parse_args()
    found = {}
    for name in wanted.panels:
        found[name] = against_truth(name, wanted.epochs)
        print(name, found[name], flush=True)
        record("budget", found)
    found["replicates_200"] = replicated()
    print("replicates_200", found["replicates_200"], flush=True)
    if SHARED.is_dir():
        found["meridian"] = meridian_case(wanted.epochs)
        print("meridian", found["meridian"], flush=True)
        record("budget", found)
        result = dcm.fit(dma_panel(), dcm.Config(training=dcm.Training(max_epochs=300)), progress=False)
        found["dma_channel_region_week"] = timed(result, weeks=13, by="channel_region_week", relative_bounds=(0.5, 2.0))
        print("dma", found["dma_channel_region_week"], flush=True)
    print("wrote", record("budget", found))


if __name__ == "__main__":
    main()
