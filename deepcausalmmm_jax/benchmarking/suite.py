"""The whole suite: every measurement of a plan in turn."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import jax
import numpy as np

from deepcausalmmm_jax.benchmarking.epochs import epoch_figures, where_it_goes
from deepcausalmmm_jax.benchmarking.figures import Figures, Row, SuiteFigures
from deepcausalmmm_jax.benchmarking.machine import machine
from deepcausalmmm_jax.benchmarking.machine_limits import MachineLimits, measured_limits
from deepcausalmmm_jax.benchmarking.panels import Shape, panel_of
from deepcausalmmm_jax.benchmarking.plan import Plan
from deepcausalmmm_jax.benchmarking.refits import fitted, only, parts, refit_figures
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.inference.fit import fit

_CACHE = "jax_enable_compilation_cache"
AXES = ("regions", "weeks", "channels")


def run_suite(plan: Plan, devices: tuple[jax.Device, ...], say: Callable[[str], None]) -> SuiteFigures:
    """Measure everything in a plan; compiled programs kept on disk are ignored, so that compilation is measured.

    Args:
        plan: what to measure.
        devices: to measure.
        say: called with the name of each measurement before it starts.

    Returns:
        Figures by question, ready for JSON.
    """
    began = time.perf_counter()
    with programs_compiled_anew(), jax.default_device(devices[0]):
        say("the machine's limits")
        limits = measured_limits(devices[0], plan.matrix)
        single = _single(plan, limits, say)
        scaling = _scaling(plan, limits, {plan.single: single["default"]}, say)
        replicates, workers = _refits(plan, devices, say)
        found = SuiteFigures(
            machine=machine(devices),
            ceilings=limits._asdict(),
            single=[{"model": name, **figures} for name, figures in single.items()],
            scaling=scaling,
            exponents=exponents(scaling),
            replicates=replicates,
            workers=workers,
            seconds=0.0,
        )
        if plan.largest is not None:
            say(f"peak memory of {_written(plan.largest)}")
            found["largest"] = _largest(plan.largest, devices[0])
    found["seconds"] = time.perf_counter() - began
    return found


@contextmanager
def programs_compiled_anew() -> Iterator[None]:
    """Ignore compiled programs that are kept on disk."""
    kept = getattr(jax.config, _CACHE)
    jax.config.update(_CACHE, False)
    try:
        yield
    finally:
        jax.config.update(_CACHE, kept)


def _single(plan: Plan, limits: MachineLimits, say: Callable[[str], None]) -> dict[str, Figures]:
    """By model, default and paper: an epoch, the parts of its time, and the seconds of a fit."""
    found = {}
    for name, config in (("default", Config()), ("paper", plan.paper)):
        say(f"an epoch of the {name} model on {_written(plan.single)}")
        row = epoch_figures(plan.single, config, limits, plan.epochs, plan.times)
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
        found[name] = row
    return found


def _scaling(
    plan: Plan, limits: MachineLimits, measured: dict[Shape, Figures], say: Callable[[str], None]
) -> list[Row]:
    """Epochs of the default model with one size varied at a time; no shape is measured twice."""
    measured = dict(measured)
    rows: list[Row] = []
    for position, axis in enumerate(AXES):
        for size in getattr(plan, axis):
            shape = (*plan.base[:position], size, *plan.base[position + 1 :])
            if shape not in measured:
                say(f"an epoch on {_written(shape)}")
                measured[shape] = epoch_figures(shape, Config(), limits, plan.epochs, plan.times)
            rows.append({"against": axis, "size": size, **measured[shape]})
    return rows


def exponents(rows: list[Row]) -> Figures:
    """By axis, the p of time growing as size^p, fitted without the smallest size; axes with one size are left out."""
    found = {}
    for axis in AXES:
        own = [row for row in rows if row["against"] == axis]
        own = own[1:] if len(own) > 2 else own
        if len(own) > 1:
            size, ms = np.log([row["size"] for row in own]), np.log([row["ms_per_epoch"] for row in own])
            found[axis] = float(np.polyfit(size, ms, 1)[0])
    return found


def _refits(
    plan: Plan, devices: tuple[jax.Device, ...], say: Callable[[str], None]
) -> tuple[list[Figures], list[Figures]]:
    result = fitted(plan.refit, plan.epochs)
    rows = []
    for count in plan.replicates:
        say(f"{count} refits of {_written(plan.refit)}")
        rows.append(refit_figures(result, count, devices))
    by_workers = []
    for count in parts(devices):
        say(f"refits on {count} cores or devices")
        with only(count, devices) as some:
            by_workers.append(refit_figures(result, max(16, 8 * count), some))
    return rows, by_workers


def _largest(shape: Shape, device: jax.Device) -> Figures:
    """Peak memory of a fit; on a CPU in a separate process, since a process only reports its peak so far."""
    if device.platform != "cpu":
        return epoch_figures(shape, Config(), None, 2, 1)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(epoch_figures, shape, Config(), None, 2, 1).result()


def _written(shape: Shape) -> str:
    return f"{shape[0]} regions x {shape[1]} weeks x {shape[2]} channels"
