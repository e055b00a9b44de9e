"""Plans against the truth, against differential evolution, and by the clock; curves and plan of a panel with spend.

python benchmarks/budget.py [--panels geo20_10 geo20_11 simulated_0] [--epochs 1000] [--only truth evolution ...]
"""

import argparse
import dataclasses
import json
import time

import jax
import numpy as np
import pandas as pd
import paused
from harness import SHARED, peak_gib, record
from panels import GEO, dma_panel, geo_truth, meridian
from scipy.optimize import differential_evolution, minimize
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm

WEEKS = 26  # planned: the last ones of the panel
RANGE = (0.5, 1.5)  # of today's spend
RANGES = {"narrow": RANGE, "wide": (0.2, 3.0)}
PARTS = ("truth", "evolution", "paused", "replicates_200", "meridian", "dma_channel_region_week")


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


def best_by_truth(outcome, today, ends):
    """Multipliers of the best plan by the truth itself, from many starts."""
    total, n = today.sum(), len(today)
    zero = outcome(np.zeros(n))
    scale = outcome(np.ones(n)) - zero
    rng, found = np.random.default_rng(0), []
    limits = {"type": "eq", "fun": lambda m: (m * today).sum() / total - 1.0}
    for start in [np.ones(n), *rng.uniform(*ends, (9, n))]:
        found.append(
            minimize(
                lambda m: -(outcome(m) - zero) / scale,
                start,
                method="SLSQP",
                bounds=[ends] * n,
                constraints=[limits],
                options={"ftol": 1e-9, "maxiter": 200},
            )
        )
    return min((one for one in found if abs(limits["fun"](one.x)) < 1e-6), key=lambda one: one.fun).x


def against_truth(name, epochs):
    """True incremental outcome of our plans beside the truth-optimal plans' and today's."""
    panel, outcome = true_case(name)
    result = dcm.fit(panel, dcm.Config(training=dcm.Training(max_epochs=epochs)), progress=False)
    return {label: within(result, outcome, ends) for label, ends in RANGES.items()}


def within(result, outcome, ends):
    """One plan with every channel between two multiples of today's spend."""
    plan = dcm.optimize_budget(result, weeks=WEEKS, relative_bounds=ends)
    today = plan.channels["spend_today"].to_numpy()
    multipliers = plan.channels["spend_plan"].to_numpy() / today
    best = best_by_truth(outcome, today, ends)
    zero = outcome(np.zeros(len(today)))
    ours, most, now = (outcome(m) - zero for m in (multipliers, best, np.ones(len(today))))
    return {
        "plan_over_truth_optimal": ours / most,
        "plan_over_today": ours / now,
        "truth_optimal_over_today": most / now,
        "total_miss": abs(plan.total / today.sum() - 1.0),
        "bounds_miss": float(max(multipliers.max() - ends[1], ends[0] - multipliers.min(), 0.0)),
        "starts_at_best": f"{plan.starts_at_best} of {len(plan.starts)}",
    }


def evolution(seed, times=100.0, channels=10):
    """S-shaped curves: our plan, and differential evolution with a hundred times its time."""
    rng = np.random.default_rng(seed)
    top, half = rng.uniform(5, 40, channels), rng.uniform(2, 20, channels)
    slope, total = rng.uniform(1.5, 4.0, channels), 5.0 * channels
    table = pd.DataFrame({"channel": [f"c{i}" for i in range(channels)], "bottom": 0.0, "top": top})
    table = table.assign(half_saturation=half, slope=slope, spend_today=total / channels)
    began = time.perf_counter()
    plan = dcm.optimize_budget_from_curves(table, total)
    ours_s = time.perf_counter() - began

    def falling(z):
        spend = total * z / z.sum(axis=0)
        power = spend.T**slope
        return -(top * power / (power + half**slope)).sum(axis=1)

    began = time.perf_counter()
    found = differential_evolution(
        falling,
        [(1e-9, 1.0)] * channels,
        vectorized=True,
        updating="deferred",
        maxiter=10**9,
        popsize=15,
        tol=0.0,
        atol=0.0,
        polish=False,
        rng=seed,
        callback=lambda *_: time.perf_counter() - began > times * ours_s,
    )
    return {
        "ours_s": ours_s,
        "evolution_s": time.perf_counter() - began,
        "ours_over_evolution": plan.summary.loc["incremental_outcome", "plan"] / -found.fun,
        "over_today": plan.summary.loc["incremental_outcome", "plan"]
        / plan.summary.loc["incremental_outcome", "today"],
        "total_miss": abs(plan.table["spend_plan"].sum() / total - 1.0),
        "starts_at_best": f"{plan.starts_at_best} of {len(plan.starts)}",
    }


def timed(result, **options):
    """Seconds of a plan the first time, and again with everything compiled."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        plan = dcm.optimize_budget(result, **options)
        seconds.append(time.perf_counter() - began)
    limits = options["relative_bounds"]
    lower, upper = next(iter(limits.values())) if isinstance(limits, dict) else limits
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


def parts(wanted):
    """Name and figures, part by part."""
    if "truth" in wanted.only:
        for name in wanted.panels:
            yield name, against_truth(name, wanted.epochs)
    if "evolution" in wanted.only:
        evolution(0, times=0.0)  # what is loaded or compiled at first is not counted
        yield "evolution", {f"seed_{seed}": evolution(seed) for seed in range(3)}
    if "paused" in wanted.only:
        yield "paused", {f"seed_{seed}": paused.cases(seed) for seed in range(2)}
    if "replicates_200" in wanted.only:
        yield "replicates_200", replicated()
    if "meridian" in wanted.only and SHARED.is_dir():
        yield "meridian", meridian_case(wanted.epochs)
    if "dma_channel_region_week" in wanted.only and SHARED.is_dir():
        result = dcm.fit(dma_panel(), dcm.Config(training=dcm.Training(max_epochs=100)), progress=False)
        limits = dict.fromkeys(result.panel.channels, (0.5, 2.0))
        yield "dma_channel_region_week", timed(result, weeks=13, by="channel_region_week", relative_bounds=limits)


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    panels = [*GEO, "simulated_0", "simulated_1"] if SHARED.is_dir() else ["simulated_0", "simulated_1"]
    parser.add_argument("--panels", nargs="+", default=panels)
    parser.add_argument("--epochs", type=int, default=1000)
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    found = {}
    for name, figures in parts(parser.parse_args()):
        found[name] = figures
        print(name, json.dumps(figures, default=str), flush=True)
        path = record("budget", found)
    print("wrote", path)


if __name__ == "__main__":
    main()
