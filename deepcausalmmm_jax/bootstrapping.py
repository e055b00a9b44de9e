"""`bootstrap`: the same fit to hundreds of draws of the panel, for intervals."""

import os
import time
from pathlib import Path
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from deepcausalmmm_jax.analysis.forward import components
from deepcausalmmm_jax.analysis.replicates import shares
from deepcausalmmm_jax.ensemble import Ensemble
from deepcausalmmm_jax.errors import ConfigError, FitError, FitStatus
from deepcausalmmm_jax.result import FitResult
from deepcausalmmm_jax.telling import Telling
from deepcausalmmm_jax.train.distributed import Engine, default_engine, spread
from deepcausalmmm_jax.train.fit import start_state
from deepcausalmmm_jax.train.fitted import Fitted, Replicates
from deepcausalmmm_jax.train.preparation import Preparation, prepare
from deepcausalmmm_jax.train.progress import replicate_bar
from deepcausalmmm_jax.train.replicates import Method, Refit, Refits, Sample, settings_for_warm_start
from deepcausalmmm_jax.train.room import batch_size_by_memory, batch_size_on_cpu, is_out_of_memory
from deepcausalmmm_jax.train.store import Store, identity_of

_FEWEST_REGIONS = 8  # below, regions are too few to draw from
_BLOCK = 8
_MOST_BROKEN = 0.5


def bootstrap(
    result: FitResult,
    replicates: int = 200,
    method: Method | None = None,
    seed: int = 0,
    *,
    block: int = _BLOCK,
    warm_start: bool = True,
    checks: int = 4,
    engine: Engine | None = None,
    batch_size: int | None = None,
    out: str | Path | None = None,
    progress: bool | None = None,
) -> Ensemble:
    """Refit to draws of the panel and keep every refit.

    Replicates go to every core of a CPU or to all devices of this host; under `jax.distributed` each host does its
    share and all get the whole. A draw depends on `seed` and its own number alone, so that more replicates, another
    engine or another machine continue the same series.

    Args:
        result: the fit; its held-out weeks stay held out.
        replicates: refits.
        method: `weights` (a random weight for every region), `region` (regions with replacement), or `block`
            (residuals in blocks of weeks); None takes `weights` from 8 regions on and `block` below.
        seed: of the draws.
        block: weeks in a block.
        warm_start: begin from the point estimate, which is quicker; False draws the start anew.
        checks: draws that are also refitted from a random start, to see whether warm starts bias the spread; see
            `Ensemble.warm_start_check`. 0 for none.
        engine: one of `train.distributed.Engine`; None takes what suits the devices.
        batch_size: refits side by side on a core or device; None goes by the panel's size and the memory.
        out: folder in which finished refits are kept as they end; started again with the same arguments, the run
            goes on from there.
        progress: whether to show a progress bar; None shows one where there is a terminal.

    Returns:
        The ensemble.

    Raises:
        ConfigError: a bad number, method or engine, or a block longer than the training weeks.
        OutputError: `out` holds another run, or cannot be written.
        FitError: more than half of the refits ended without usable parameters.
    """
    _refuse(result, replicates, method, block, checks, engine, batch_size)
    fitted = result.fitted
    chosen: Method = method or ("weights" if len(fitted.panel.regions) >= _FEWEST_REGIONS else "block")
    ready = prepare(fitted.panel, fitted.weights, fitted.config)
    sample = _sample(fitted, ready, warm=warm_start)
    panel = fitted.panel
    names = [str(name) for part in (panel.regions, panel.weeks, panel.channels, panel.controls) for name in part]
    settings = {"seed": seed, "method": chosen, "block": block, "warm_start": warm_start, "names": names}
    identity = identity_of(
        (ready.inputs, fitted.scales, fitted.weights, fitted.variables), {"config": fitted.config.to_dict()} | settings
    )
    store = None if out is None else Store(Path(out), identity)
    crew = _crew(ready, chosen, block, fitted, engine, batch_size, sample, replicates)
    own = _own_share(replicates)
    found = {} if store is None else store.finished(replicates)
    missing = [number for number in own if number not in found]
    clock, telling = _Clock(), Telling("refits", len(own), len(own) - len(missing))
    with replicate_bar(len(own), len(own) - len(missing), progress) as on_chunk:
        while missing:
            numbers = missing[: crew.chunk]
            chunk, crew = _refitted(numbers, seed, sample, crew, clock)
            if store is not None:
                store.keep(numbers, chunk)
            for at, number in enumerate(numbers):
                found[number] = jax.tree.map(lambda leaf, at=at: leaf[at], chunk)
            missing = missing[len(numbers) :]
            on_chunk(len(numbers))
            telling.at(len(own) - len(missing))
    telling.end("All are done.")
    together = _gathered([found[number] for number in own], replicates)
    check = _check(min(checks, replicates) if warm_start else 0, together, seed, fitted, ready, sample, crew)
    usable = np.asarray(together.status) != FitStatus.DIVERGED
    if usable.mean() < _MOST_BROKEN:
        raise FitError(
            f"{int((~usable).sum())} of {replicates} refits ended without usable parameters; look at the fit's notes, "
            f"or take a smaller training.learning_rate."
        )
    kept = jax.tree.map(lambda leaf: leaf[usable], together)
    made = Replicates(
        kept.variables, kept.status, kept.epochs, check, chosen, block, seed, warm_start, clock.run, clock.compiled
    )
    return Ensemble(fitted, made)


class _Crew(NamedTuple):
    """Who works: the program, where it runs, and how many refits it is given at once."""

    refits: Refits
    devices: tuple[Any, ...]
    engine: Engine
    workers: int

    @property
    def chunk(self) -> int:
        parts = self.workers if self.engine == "threads" else len(self.devices)
        return parts * self.refits.batch_size


class _Clock:
    """Seconds of the run, and those by which the first chunk was longer than a later one."""

    def __init__(self) -> None:
        self.chunks: list[tuple[float, int]] = []

    @property
    def compiled(self) -> float:
        if len(self.chunks) < 2:
            return 0.0
        later = sum(s for s, _ in self.chunks[1:]) / sum(n for _, n in self.chunks[1:])
        return max(0.0, self.chunks[0][0] - later * self.chunks[0][1])

    @property
    def run(self) -> float:
        return sum(s for s, _ in self.chunks) - self.compiled


def _refuse(
    result: FitResult,
    replicates: int,
    method: str | None,
    block: int,
    checks: int,
    engine: str | None,
    batch_size: int | None,
) -> None:
    counts = {"replicates": (replicates, 1), "block": (block, 1), "checks": (checks, 0)}
    counts |= {} if batch_size is None else {"batch_size": (batch_size, 1)}
    for name, (number, least) in counts.items():
        if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < least:
            raise ConfigError(f"{name} must be a whole number, {least} or more, got {number!r}.")
    for name, value, known in (("method", method, get_args(Method)), ("engine", engine, get_args(Engine))):
        if value is not None and value not in known:
            raise ConfigError(f"{name} must be one of {', '.join(known)}, got {value!r}.")
    n_training = result.fitted.n_training_weeks
    if block > n_training:
        raise ConfigError(f"A block of {block} weeks is longer than the {n_training} training weeks; choose a shorter.")
    if method == "region" and len(result.panel.regions) == 1:
        raise ConfigError("With a single region there are no regions to draw from; use method='block'.")


def _sample(fitted: Fitted, ready: Preparation, *, warm: bool) -> Sample:
    predicted = components(fitted, fitted.panel).prediction() / fitted.scales.kpi[:, None]
    point = jax.tree.map(jnp.asarray, fitted.variables)
    weights, key = jnp.asarray(fitted.weights, jnp.float32), jax.random.key(fitted.seed)
    if warm:
        start, hyperparameters = point, settings_for_warm_start(ready.hyperparameters)
    else:
        start, hyperparameters = _random_start(key, weights, ready), ready.hyperparameters
    return Sample(ready.inputs, weights, jnp.asarray(predicted, jnp.float32), start, key, hyperparameters)


def _random_start(key: Any, weights: Any, ready: Preparation) -> Any:
    state = start_state(key, ready.inputs, weights, ready.hyperparameters, design=ready.design, schedule=ready.schedule)
    return {"params": state.parameters, "fitted": state.fitted}


def _crew(
    ready: Preparation,
    method: Method,
    block: int,
    fitted: Fitted,
    engine: Engine | None,
    batch_size: int | None,
    sample: Sample,
    replicates: int,
) -> _Crew:
    devices = tuple(jax.local_devices())
    engine = engine or default_engine(devices)
    devices = devices[:1] if engine == "threads" else devices
    n_weeks = fitted.panel.shape[1]
    refits = Refits(ready.design, ready.schedule, method, int(block), fitted.n_training_weeks, 1)
    if batch_size is None and devices[0].platform == "cpu":
        batch_size = batch_size_on_cpu(ready.design, n_weeks)
    elif batch_size is None:
        most = -(-replicates // len(devices))
        batch_size = batch_size_by_memory(devices[0], refits, _keys([0], 0), sample, most)
    workers = min(_cores(), replicates) if engine == "threads" else 1
    return _Crew(refits._replace(batch_size=int(batch_size)), devices, engine, workers)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _keys(numbers: list[int], seed: int) -> Any:
    base = jax.random.key(seed)
    return jax.vmap(lambda number: jax.random.fold_in(base, number))(jnp.asarray(numbers, jnp.uint32))


def _refitted(numbers: list[int], seed: int, sample: Sample, crew: _Crew, clock: _Clock) -> tuple[Refit, _Crew]:
    """Refits to some draws; what does not fit into memory is tried again in half the batch."""
    filled = numbers + numbers[-1:] * (crew.chunk - len(numbers))  # one shape, one program
    began = time.perf_counter()
    try:
        chunk = spread(
            crew.refits,
            _keys(filled, seed),
            sample,
            devices=crew.devices,
            engine=crew.engine,
            workers=crew.workers,
        )
    except jax.errors.JaxRuntimeError as error:
        if not is_out_of_memory(error) or crew.refits.batch_size == 1:
            raise
        smaller = crew.refits._replace(batch_size=crew.refits.batch_size // 2)
        return _halved(numbers, seed, sample, crew._replace(refits=smaller), clock)
    clock.chunks.append((time.perf_counter() - began, len(filled)))
    return jax.tree.map(lambda leaf: leaf[: len(numbers)], chunk), crew


def _halved(numbers: list[int], seed: int, sample: Sample, crew: _Crew, clock: _Clock) -> tuple[Refit, _Crew]:
    parts = []
    while numbers:
        part, crew = _refitted(numbers[: crew.chunk], seed, sample, crew, clock)
        parts.append(part)
        numbers = numbers[len(part.status) :]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts), crew


def _own_share(replicates: int) -> list[int]:
    """Draws of this host, equally many on each; the last hosts repeat the last draw."""
    per_host = -(-replicates // jax.process_count())
    first = per_host * jax.process_index()
    return [min(number, replicates - 1) for number in range(first, first + per_host)]


def _gathered(own: list[Refit], replicates: int) -> Refit:
    """All hosts' refits in the order of the draws, `[replicate]` first."""
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *own)
    if jax.process_count() > 1:
        stacked = jax.tree.map(np.asarray, multihost_utils.process_allgather(stacked, tiled=True))
    return Refit(*jax.tree.map(lambda leaf: leaf[:replicates], tuple(stacked)))


def _check(
    checks: int, warm: Refit, seed: int, fitted: Fitted, ready: Preparation, sample: Sample, crew: _Crew
) -> np.ndarray:
    """Shares of the KPI of the first draws, from warm and from random starts, `[check, 2, channel]`."""
    if checks == 0:
        return np.zeros((0, 2, len(fitted.panel.channels)))
    random = sample._replace(
        start=_random_start(sample.key, sample.weights, ready), hyperparameters=ready.hyperparameters
    )
    cold, _ = _halved(list(range(checks)), seed, random, crew, _Clock())
    first = jax.tree.map(lambda leaf: leaf[:checks], warm)
    return np.stack([shares(fitted, first.variables), shares(fitted, cold.variables)], axis=1)
