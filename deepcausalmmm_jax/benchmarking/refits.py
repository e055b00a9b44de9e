"""Refits per second, against their number and against the number of cores or devices."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import jax

from deepcausalmmm_jax.benchmarking.figures import Figures
from deepcausalmmm_jax.benchmarking.panels import Shape, panel_of
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.inference.bootstrap import bootstrap
from deepcausalmmm_jax.inference.fit import fit
from deepcausalmmm_jax.parallel.batches import cores
from deepcausalmmm_jax.results.fit_result import FitResult


def fitted(shape: Shape, epochs: int) -> FitResult:
    """A fit to refit, with short chunks so that refits are short."""
    training = dataclasses.replace(Config().training, chunk_epochs=epochs, max_epochs=10 * epochs)
    return fit(panel_of(shape), Config(training=training), progress=False)


def refit_figures(result: FitResult, replicates: int, devices: tuple[jax.Device, ...]) -> Figures:
    """Time of a bootstrap, compilation reported separately.

    The refits have fewer epochs than real ones; `per_s_full` is the rate for refits of the usual length.
    """
    made = bootstrap(result, replicates, checks=0, devices=devices, progress=False).replicates
    own, usual = result.fitted.config.training.chunk_epochs, Config().training.chunk_epochs
    return {
        "replicates": replicates,
        "workers": _workers(devices, replicates),
        "compile_s": made.compile_seconds,
        "run_s": made.seconds,
        "epochs_each": float(made.epochs.mean()),
        "epochs_per_s": float(made.epochs.sum()) / made.seconds,
        "per_s_full": len(made) / made.seconds * own / usual,
    }


def _workers(devices: Sequence[jax.Device], replicates: int) -> int:
    return min(cores(), replicates) if len(devices) == 1 and devices[0].platform == "cpu" else len(devices)


def parts(devices: tuple[jax.Device, ...]) -> list[int]:
    """Numbers of devices, or of cores of a single CPU, to compare: 1, 2, 4, ... and all of them."""
    most = cores() if len(devices) == 1 and devices[0].platform == "cpu" else len(devices)
    return sorted({most, *(2**k for k in range(most.bit_length()) if 2**k <= most)})


@contextmanager
def only(count: int, devices: tuple[jax.Device, ...]) -> Iterator[tuple[jax.Device, ...]]:
    """The first `count` devices; on a single CPU, that many threads that refit."""
    if len(devices) > 1 or devices[0].platform != "cpu" or not hasattr(os, "sched_setaffinity"):
        yield devices[:count]
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])  # of this thread and of the threads it starts
    try:
        yield devices
    finally:
        os.sched_setaffinity(0, before)
