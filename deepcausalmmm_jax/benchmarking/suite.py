"""The whole suite: every question of a plan, one after the other."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import jax
import numpy as np

from deepcausalmmm_jax.benchmarking.ceilings import Ceilings, ceilings
from deepcausalmmm_jax.benchmarking.epochs import epoch_figures, where_it_goes
from deepcausalmmm_jax.benchmarking.machine import machine
from deepcausalmmm_jax.benchmarking.panels import Shape, panel_of
from deepcausalmmm_jax.benchmarking.plan import Plan
from deepcausalmmm_jax.benchmarking.refits import fitted, only, parts, refit_figures
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.inference.fit import fit

_CACHE = "jax_enable_compilation_cache"
AXES = ("regions", "weeks", "channels")


def run_suite(plan: Plan, devices: tuple[Any, ...], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything in a plan; programs kept on disk are left aside, so that compiling is measured.

    Args:
        plan: what to measure.
        devices: on which.
        say: told what comes next.

    Returns:
        Figures by question, ready for JSON.
    """
    kept = getattr(jax.config, _CACHE)
    jax.config.update(_CACHE, False)
    began = time.perf_counter()
    try:
        with jax.default_device(devices[0]):
            say("the machine's ceilings")
            limits = ceilings(devices[0], plan.matrix)
            found: dict[str, Any] = {"machine": machine(devices), "ceilings": limits._asdict()}
            found["single"] = _single(plan, limits, say)
            found["scaling"] = _scaling(plan, limits, {plan.single: found["single"][0]}, say)
            found["exponents"] = exponents(found["scaling"])
            found["replicates"], found["workers"] = _refits(plan, devices, say)
            if plan.largest is not None:
                say(f"peak memory of {_written(plan.largest)}")
                found["largest"] = _largest(plan.largest, devices[0])
    finally:
        jax.config.update(_CACHE, kept)
    return found | {"seconds": time.perf_counter() - began}


def _single(plan: Plan, limits: Ceilings, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Default and paper: an epoch, where its time goes, and the seconds of a fit."""
    rows = []
    for name, config in (("default", Config()), ("paper", plan.paper)):
        say(f"an epoch of the {name} model on {_written(plan.single)}")
        row = {"model": name} | epoch_figures(plan.single, config, limits, plan.epochs, plan.times)
        row |= where_it_goes(plan.single, config, plan.epochs, plan.times)
        if name == "paper":
            row["epochs_of_fit"] = float(config.published.warm_start_epochs + config.published.epochs)
            row["fit_s_by_epochs"] = row["epochs_of_fit"] * row["ms_per_epoch"] / 1000
        elif plan.full_fit:
            say(f"a default fit of {_written(plan.single)}")
            began = time.perf_counter()
            result = fit(panel_of(plan.single), progress=False)
            row["first_fit_s"] = time.perf_counter() - began
            row["epochs_of_fit"] = float(len(result.fitted.record.objective))
            row["fit_s_by_epochs"] = row["epochs_of_fit"] * row["ms_per_epoch"] / 1000
        rows.append(row)
    return rows


def _scaling(
    plan: Plan, limits: Ceilings, measured: dict[Shape, dict[str, Any]], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Epochs of the default model, one size at a time; what has been measured is not measured again."""
    measured = dict(measured)
    rows = []
    for position, axis in enumerate(AXES):
        for size in getattr(plan, axis):
            shape = (*plan.base[:position], size, *plan.base[position + 1 :])
            if shape not in measured:
                say(f"an epoch on {_written(shape)}")
                measured[shape] = epoch_figures(shape, Config(), limits, plan.epochs, plan.times)
            rows.append({"against": axis, "size": size} | measured[shape])
    return rows


def exponents(rows: list[dict[str, Any]]) -> dict[str, float]:
    """By axis, p of time growing as size^p beyond the smallest size; left out where there is one size."""
    found = {}
    for axis in AXES:
        own = [row for row in rows if row["against"] == axis]
        own = own[1:] if len(own) > 2 else own
        if len(own) > 1:
            size, ms = np.log([row["size"] for row in own]), np.log([row["ms_per_epoch"] for row in own])
            found[axis] = float(np.polyfit(size, ms, 1)[0])
    return found


def _refits(
    plan: Plan, devices: tuple[Any, ...], say: Callable[[str], None]
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    result = fitted(plan.refit, plan.epochs)
    rows = []
    for count in plan.replicates:
        say(f"{count} refits of {_written(plan.refit)}")
        rows.append(refit_figures(result, count, devices))
    by_workers = []
    for count in parts(devices):
        say(f"refits on {count} of the cores or devices")
        with only(count, devices) as some:
            by_workers.append(refit_figures(result, max(16, 8 * count), some))
    return rows, by_workers


def _largest(shape: Shape, device: Any) -> dict[str, Any]:
    """A fit's peak memory; on a CPU in a process of its own, since a process remembers the most it ever had."""
    if device.platform != "cpu":
        return epoch_figures(shape, Config(), None, 2, 1)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(epoch_figures, shape, Config(), None, 2, 1).result()


def _written(shape: Shape) -> str:
    return f"{shape[0]} regions x {shape[1]} weeks x {shape[2]} channels"
