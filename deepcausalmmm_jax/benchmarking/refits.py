"""Refits a second, against how many there are and how many cores or devices work on them."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from deepcausalmmm_jax.benchmarking.panels import Shape, panel_of
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.inference.bootstrap import bootstrap
from deepcausalmmm_jax.inference.fit import fit
from deepcausalmmm_jax.parallel.batches import cores
from deepcausalmmm_jax.results.fit_result import FitResult


def fitted(shape: Shape, epochs: int) -> FitResult:
    """A fit to refit: its chunks, and so the refits, are short."""
    training = dataclasses.replace(Config().training, chunk_epochs=epochs, max_epochs=10 * epochs)
    return fit(panel_of(shape), Config(training=training), progress=False)


def refit_figures(result: FitResult, replicates: int, devices: tuple[Any, ...]) -> dict[str, float]:
    """Time of a bootstrap, compilation apart.

    The refits have fewer epochs than real ones; `per_s_full` is the rate at the length of real ones.
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


def _workers(devices: Sequence[Any], replicates: int) -> int:
    return min(cores(), replicates) if len(devices) == 1 and devices[0].platform == "cpu" else len(devices)


def parts(devices: tuple[Any, ...]) -> list[int]:
    """Numbers of devices, or of cores of a single CPU, to compare: 1, 2, 4, ... and all."""
    most = cores() if len(devices) == 1 and devices[0].platform == "cpu" else len(devices)
    return sorted({most, *(2**k for k in range(most.bit_length()) if 2**k <= most)})


@contextmanager
def only(count: int, devices: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """So many of the devices; of a single CPU, so many threads that refit."""
    if len(devices) > 1 or devices[0].platform != "cpu" or not hasattr(os, "sched_setaffinity"):
        yield devices[:count]
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])  # of this thread, and of those it starts
    try:
        yield devices
    finally:
        os.sched_setaffinity(0, before)
