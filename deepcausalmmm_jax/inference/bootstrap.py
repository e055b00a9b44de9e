"""`bootstrap`: the same fit to hundreds of draws of the panel, for intervals."""

from pathlib import Path
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.by_replicate import contributed
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.checks import seed_number, shown, whole_number
from deepcausalmmm_jax.errors import ConfigError, FitError, FitStatus
from deepcausalmmm_jax.inference.refit_store import Store, identity_of
from deepcausalmmm_jax.inference.resampling import Method, Refit, Refits, Sample, settings_for_warm_start
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.parallel.batches import Batches, Clock, batches_for, run_all, run_chunk, within_memory
from deepcausalmmm_jax.parallel.devices import Devices, devices_for
from deepcausalmmm_jax.parallel.engines import Engine, engine_named
from deepcausalmmm_jax.parallel.hosts import gathered, own_share, refuse_disagreement
from deepcausalmmm_jax.parallel.memory import batch_size_on_cpu
from deepcausalmmm_jax.progress import Progress
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.estimate import start_state
from deepcausalmmm_jax.training.fitted import Fitted, Replicates
from deepcausalmmm_jax.training.prepare import Preparation, prepare

_Batches = Batches[Array, Sample, Refit]

_FEWEST_REGIONS = 8  # below, regions are too few to draw from
_BLOCK = 8  # weeks
_MOST_BROKEN = 0.5


def bootstrap(
    result: FitResult,
    replicates: int = 200,
    method: Method | None = None,
    seed: int = 0,
    *,
    block: int | None = None,
    warm_start: bool = True,
    checks: int = 4,
    engine: Engine | None = None,
    batch_size: int | None = None,
    devices: Devices = None,
    out: str | Path | None = None,
    progress: bool | None = None,
) -> Ensemble:
    """Refit the model to resampled panels and keep every refit.

    The spread of the refits shows how far the point estimate would move with other regions or other residuals. The
    estimate beside them is the point estimate from training, not the mean of a posterior. Refits do not show how far
    the curves may be off, so tables give shares, outcomes and returns no narrower intervals than the fit's own errors.
    With few regions the refits cannot show how much of the media effect the trend may have absorbed, and a channel
    estimated near zero stays near zero. Below eight regions use the intervals of `fit`.

    Refits run on every core of a CPU or on all devices of this host; under `jax.distributed` each host runs its share
    and all of them receive every refit. A draw depends only on `seed` and its own number, so more replicates, another
    engine or another machine continue the same series.

    Args:
        result: the fit; its held-out weeks stay held out.
        replicates: number of refits.
        method: `weights` (a random weight for every region), `region` (regions with replacement), or `block`
            (residuals in blocks of weeks); None takes `weights` from 8 regions on and `block` below.
        seed: of the draws.
        block: steps of the panel in a block, of `block`, and of `weights` with one region; None for 8 weeks, 56 days or
            2 months.
        warm_start: start each refit from the point estimate, which is faster; False uses a random start.
        checks: number of draws that are also refitted from a random start, to see whether warm starts bias the spread;
            see `Ensemble.warm_start_check`. 0 for none.
        engine: one of `parallel.engines.Engine`; None takes the one that suits the devices.
        batch_size: refits side by side on a core or device; None chooses by the size of the panel and the memory.
        devices: `cpu`, `gpu` or `tpu`, or some of `jax.local_devices()`; None takes all that JAX finds.
        out: folder in which each refit is saved as it finishes; a call with the same arguments resumes from there. With
            several hosts, each saves its own refits, in a shared folder or in one of its own. All hosts get the same
            ensemble, so only host 0 needs to save it.
        progress: whether to show progress; None shows it on a terminal only.

    Returns:
        The ensemble.

    Raises:
        ConfigError: a bad number, method or engine, a block longer than the training weeks, devices that this host does
            not have, or hosts that were started with different arguments.
        OutputError: `out` holds the refits of another run, cannot be written to, or has too little space for the
            refits.
        FitError: more than half of the refits ended without usable parameters.
    """
    seed = seed_number(seed)
    _refuse(result, replicates, method, 1 if block is None else block, checks, engine, batch_size)
    chosen: Method = method or ("weights" if len(result.panel.regions) >= _FEWEST_REGIONS else "block")
    if block is not None and not (chosen == "block" or (chosen == "weights" and len(result.panel.regions) == 1)):
        raise ConfigError(
            f"block is the length of blocks of weeks, which refits by {chosen} do not draw; leave it out, or set "
            "method='block' (--method block)."
        )
    block = min(result.panel.cadence.steps(_BLOCK), result.fitted.n_training_weeks) if block is None else block
    working = devices_for(devices)
    fitted = result.fitted.at_end_of_training  # refits are trainings, so they scatter around it
    panel = fitted.panel
    past = panel.until_last_kpi()
    # An updated run keeps the scales of the run before it; refits are read with these, and so are trained on them.
    ready = prepare(past, fitted.weights[:, : len(past.weeks)], fitted.config, fitted.scales)
    sample = _sample(fitted, ready, warm=warm_start)
    names = [str(name) for part in (panel.regions, panel.weeks, panel.channels, panel.controls) for name in part]
    settings: dict[str, object] = {
        "seed": seed,
        "method": chosen,
        "block": block,
        "warm_start": warm_start,
        "names": names,
    }
    identity = identity_of(
        (ready.inputs, fitted.scales, fitted.weights, fitted.variables), {"config": fitted.config.to_dict()} | settings
    )
    counted = {"number of replicates": replicates, "number of checks": checks}
    refuse_disagreement({"fit": identity_of((ready.inputs, fitted.variables), {})} | settings | counted)
    own = own_share(replicates)
    store = None if out is None else Store(output_path(out), identity)
    found = {} if store is None else _resumed(store, own, sample)
    refits = Refits(ready.design, ready.schedule, chosen, int(block), fitted.n_training_weeks, 1)
    clock = Clock()
    batches = _batches(refits, fitted, working, engine, batch_size, sample, len(own), clock)
    batches = _refit_missing(own, found, seed, sample, batches, store, clock, progress)
    every = gathered([found[number] for number in own], replicates)
    check = _check(min(checks, replicates) if warm_start else 0, every, seed, fitted, ready, sample, batches, progress)
    usable = np.asarray(every.status) != FitStatus.DIVERGED
    if usable.mean() < _MOST_BROKEN:
        raise FitError(
            f"{int((~usable).sum())} of {replicates} refits ended without usable parameters; check the fit's notes, or "
            "lower training.learning_rate."
        )
    kept = jax.tree.map(lambda leaf: leaf[usable], every)
    made = Replicates(
        *(kept.variables, kept.status, kept.epochs, check, chosen, block, seed, warm_start, clock.run, clock.compiled),
        failed=int((~usable).sum()),
    )
    return Ensemble(fitted, made)


def _refit_missing(
    own: list[int],
    found: dict[int, Refit],
    seed: int,
    sample: Sample,
    batches: _Batches,
    store: Store | None,
    clock: Clock,
    progress: bool | None,
) -> _Batches:
    """Run what this host still lacks in `found`, chunk by chunk; returns the batches, smaller if memory ran out."""
    missing = list(dict.fromkeys(number for number in own if number not in found))
    n_own = len(set(own))
    with Progress("bootstrap", "refits", n_own, n_own - len(missing), show=progress) as bar:
        while missing:
            chunk, batches = run_chunk(_keys(missing[: batches.chunk], seed), sample, batches, clock)
            numbers = missing[: len(chunk.status)]
            if store is not None:
                store.keep(numbers, chunk)
            for at, number in enumerate(numbers):
                found[number] = jax.tree.map(lambda leaf, at=at: leaf[at], chunk)
            missing = missing[len(numbers) :]
            bar.update(n_own - len(missing))
    bar.close("All refits are done.")
    return batches


def _resumed(store: Store, own: list[int], sample: Sample) -> dict[int, Refit]:
    """This host's refits that were finished earlier; the disk must have room for the rest."""
    there = store.finished(max(own) + 1)
    one = sum(leaf.nbytes for leaf in jax.tree.leaves(sample.start))
    store.refuse_full_disk(len(set(own) - set(there)), one)
    return {number: refit for number, refit in there.items() if number in set(own)}


def _refuse(
    result: FitResult,
    replicates: int,
    method: str | None,
    block: int,
    checks: int,
    engine: str | None,
    batch_size: int | None,
) -> None:
    require_result(result, "bootstrap")
    counts = {"replicates": (replicates, 1), "block": (block, 1), "checks": (checks, 0)}
    counts |= {} if batch_size is None else {"batch_size": (batch_size, 1)}
    for name, (number, least) in counts.items():
        whole_number(name, number, least)
    engine_named(engine)
    if method is not None and not (isinstance(method, str) and method in get_args(Method)):
        raise ConfigError(f"method must be one of {', '.join(get_args(Method))}, got {shown(method)}.")
    n_training = result.fitted.n_training_weeks
    if block > n_training:
        unit = result.panel.cadence.unit
        raise ConfigError(
            f"A block of {block} {unit}s is longer than the {n_training} training {unit}s; choose a shorter block."
        )
    if method == "region" and len(result.panel.regions) == 1:
        raise ConfigError("With a single region there are no regions to resample; use method='block'.")


def _sample(fitted: Fitted, ready: Preparation, *, warm: bool) -> Sample:
    past = FittedPanel.of(fitted).until_last_kpi
    predicted = past.scaled_terms.prediction()
    point = on_device(fitted.variables)
    weights = jnp.asarray(past.weights, jnp.float32)
    key = jax.random.key(fitted.seed)
    if warm:
        start, hyperparameters = point, settings_for_warm_start(ready.hyperparameters)
    else:
        start, hyperparameters = _random_start(key, weights, ready, fitted), ready.hyperparameters
    return Sample(ready.inputs, weights, jnp.asarray(predicted, jnp.float32), start, key, hyperparameters)


def _random_start(key: Array, weights: Array, ready: Preparation, fitted: Fitted) -> Variables:
    """Random parameters. Regions count as independent as they do in the fit: refits do not estimate that again."""
    state = start_state(key, ready.inputs, weights, ready.hyperparameters, design=ready.design, schedule=ready.schedule)
    kept = {
        name: jnp.asarray(fitted.variables["fitted"][name]) for name in ("effective", "shared") if name in state.fitted
    }
    return {"params": state.parameters, "fitted": {**state.fitted, **kept}}


def _batches(
    refits: Refits,
    fitted: Fitted,
    devices: tuple[jax.Device, ...],
    engine: Engine | None,
    batch_size: int | None,
    sample: Sample,
    most: int,
    clock: Clock,
) -> _Batches:
    if batch_size is not None or devices[0].platform == "cpu":
        batch_size = batch_size or batch_size_on_cpu(refits.design, fitted.panel.shape[1])
        return batches_for(refits._replace(batch_size=int(batch_size)), devices, engine, most)
    whole = batches_for(refits._replace(batch_size=most), devices, engine, most)
    return within_memory(whole, _keys([0], 0), sample, clock)


def _keys(numbers: list[int], seed: int) -> Array:
    """`[replicate]`, random keys; each depends on the seed and its own number alone."""
    base = jax.random.key(seed)
    keys: Array = jax.vmap(lambda number: jax.random.fold_in(base, number))(jnp.asarray(numbers, jnp.uint32))
    return keys


def _check(
    checks: int,
    warm: Refit,
    seed: int,
    fitted: Fitted,
    ready: Preparation,
    sample: Sample,
    batches: _Batches,
    progress: bool | None,
) -> np.ndarray:
    """Shares of the KPI of the first draws, from warm and from random starts, `[check, 2, channel]`.

    Without draws of which a refit diverged: its shares are missing, and would be in every mean.
    """
    if checks == 0:
        return np.zeros((0, 2, len(fitted.panel.channels)))
    random = sample._replace(
        start=_random_start(sample.key, sample.weights, ready, fitted), hyperparameters=ready.hyperparameters
    )
    with Progress("bootstrap, checks", "refits from random starts", checks, show=progress) as bar:
        cold, _ = run_all(_keys(list(range(checks)), seed), random, batches, Clock(), bar.update)
    bar.close("All checks are done.")
    first = jax.tree.map(lambda leaf: leaf[:checks], warm)
    fit = FittedPanel.of(fitted)
    usable = np.all([np.asarray(refits.status) != FitStatus.DIVERGED for refits in (first, cold)], axis=0)
    return np.stack([contributed(fit, refits.variables).share for refits in (first, cold)], axis=1)[usable]
