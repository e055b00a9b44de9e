"""Bootstrap replicates: resampling the panel from a random key, and the refit to each sample, as one program."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.counts import log_means
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.log_prior import drawn_demand
from deepcausalmmm_jax.ops.batches import map_in_batches
from deepcausalmmm_jax.training.estimate import estimate
from deepcausalmmm_jax.training.family import AnyHyperparameters
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.prepare import tests_in, with_lift_tests
from deepcausalmmm_jax.training.schedule import Schedule

# The objective never falls by this much, so each stage of a refit takes a fixed number of chunks, and refits that run
# side by side need not wait for the slowest. As measured, longer refits come no closer to those from a random start.
_NEVER = 1e13
_TESTS = 7  # number of the stream of random numbers for errors of lift tests

Method = Literal["region", "block", "weights"]


class Sample(NamedTuple):
    """What all replicates share."""

    inputs: AnyInputs  # the panel in scaled units
    weights: Array  # [region, week]
    prediction: Array  # [region, week], of the point estimate
    start: Variables | None  # to begin from
    key: Array  # of the networks' random start, the same for all: seeds are not resampled
    hyperparameters: AnyHyperparameters


class Refit(NamedTuple):
    """Variables of the refits and how each ended, with a leading axis `[replicate]`."""

    variables: Variables
    status: Array | np.ndarray  # int32, a FitStatus; on the device or on the host
    epochs: Array | np.ndarray  # int32


class Refits(NamedTuple):
    """The refits to a batch of draws: a function of keys and sample, equal and hashed by its settings."""

    design: AnyDesign
    schedule: Schedule
    method: Method
    block: int  # weeks that stay together
    n_training: int  # weeks learned from
    batch_size: int  # refits computed side by side

    def __call__(self, keys: Array, sample: Sample) -> Refit:
        """Refit to each draw.

        Args:
            keys: `[replicate]`, random keys.
            sample: what they share.
        """

        def one(key: Array) -> Refit:
            inputs, weights = drawn(key, sample, self.method, self.block, self.n_training)
            variables, history = estimate(
                sample.key,
                inputs,
                weights,
                sample.hyperparameters,
                sample.start,
                design=self.design,
                schedule=self.schedule,
            )
            return Refit(variables, history.status, history.epochs)

        return map_in_batches(one, keys, self.batch_size)


def drawn(key: Array, sample: Sample, method: Method, block: int, n_training: int) -> tuple[AnyInputs, Array]:
    """Inputs and weights `[region, week]` of one draw.

    Args:
        key: random key.
        sample: the panel.
        method: `region` draws as many regions as there are, with replacement (Cameron, Gelbach & Miller 2008);
            `weights` gives every region, or with a single region every block of weeks, a random weight with mean 1
            (Rubin 1981); `block` adds residuals of randomly drawn blocks of weeks, the same weeks in all regions, to
            the prediction (Kunsch 1989).
        block: weeks in a block.
        n_training: weeks learned from.
    """
    inputs, weights = with_drawn_tests(key, sample.inputs), sample.weights
    n_regions, n_weeks = weights.shape
    if method == "region":
        chosen = jax.random.randint(key, (n_regions,), 0, n_regions)
        return inputs, weights * jnp.bincount(chosen, length=n_regions).astype(weights.dtype)[:, None]
    if method == "weights" and n_regions > 1:
        return inputs, weights * jax.random.exponential(key, (n_regions, 1), weights.dtype)
    n_blocks = -(-n_training // block)
    if method == "weights":
        by_block = jax.random.exponential(key, (n_blocks,), weights.dtype)
        return inputs, weights * by_block[jnp.minimum(jnp.arange(n_weeks) // block, n_blocks - 1)]
    first = jax.random.randint(key, (n_blocks, 1), 0, n_training - block + 1)
    week = (first + jnp.arange(block)).reshape(-1)[:n_training]
    seen = weights[:, :n_training] > 0
    if isinstance(inputs, Inputs) and inputs.count_unit is not None:
        kpi = _drawn_counts(inputs, inputs.count_unit[:, None], sample.prediction[:, :n_training], seen, week)
        return inputs._replace(kpi=jnp.where(weights > 0, inputs.kpi.at[:, :n_training].set(kpi), inputs.kpi)), weights
    residual = _in_every_week(inputs.kpi[:, :n_training] - sample.prediction[:, :n_training], seen)
    kpi = inputs.kpi.at[:, :n_training].set(sample.prediction[:, :n_training] + residual[:, week])
    return inputs._replace(kpi=jnp.where(weights > 0, kpi, inputs.kpi)), weights


def _drawn_counts(inputs: Inputs[Array], unit: Array, scaled: Array, seen: Array, week: Array) -> Array:
    """Counts of the training weeks with the residuals of other weeks, `[region, week]`, over `unit`.

    A residual is counted in roots of its mean, since counts vary with it, and what comes out is rounded to a count
    (Davison & Hinkley 1997, section 7.2.3).
    """
    mean = jnp.exp(log_means(scaled, unit))
    residual = _in_every_week((inputs.kpi[:, : mean.shape[1]] * unit - mean) / jnp.sqrt(mean), seen)
    return jnp.maximum(jnp.round(mean + jnp.sqrt(mean) * residual[:, week]), 0.0) / unit


def _in_every_week(residual: Array, seen: Array) -> Array:
    """Residuals with mean 0 in all weeks, `[region, week]`: those without a KPI get the region's own, in their order.

    A week with a KPI may be given the residual of one without. None there would make the draws vary less than the KPI
    does, by as much as is missing. Weeks with a KPI keep their residuals, and so what regions share in a week.

    Args:
        residual: `[region, week]`; any number in weeks without a KPI.
        seen: `[region, week]`, whether there is a KPI; a region without any gets zeros.
    """
    weeks = jnp.arange(seen.shape[1])
    count = jnp.maximum(seen.sum(axis=1, keepdims=True), 1)
    lacking = jnp.maximum(jnp.cumsum(~seen, axis=1) - 1, 0)  # number of a week among those without a KPI
    in_turn = jnp.take_along_axis(jnp.argsort(~seen, axis=1, stable=True), lacking % count, axis=1)
    filled = jnp.take_along_axis(residual, jnp.where(seen, weeks, in_turn), axis=1)
    filled = jnp.where(seen.any(axis=1, keepdims=True), filled, 0.0)
    return filled - filled.mean(axis=1, keepdims=True)


def with_drawn_tests(key: Array, inputs: AnyInputs) -> AnyInputs:
    """Inputs with another draw of what lift tests leave open: their errors, and the demand that media followed.

    Errors are 1 in the unit that lifts are counted in. Hidden demand is drawn from its prior, around which the refit
    then estimates it: where the tests say little, the refits spread as far as the prior (Kitanidis 1995).
    """
    tests = tests_in(inputs)
    if tests is None:
        return inputs
    own = jax.random.fold_in(key, _TESTS)  # not split off: draws without tests stay what they are
    error = jax.random.normal(own, tests.measured.shape, tests.measured.dtype)
    centre = drawn_demand(jax.random.fold_in(own, 0), tests)
    return with_lift_tests(inputs, tests._replace(measured=tests.measured + error, demand_centre=centre))


def settings_for_warm_start(hyperparameters: AnyHyperparameters) -> AnyHyperparameters:
    """Hyperparameters of a fit that starts near its end: two chunks to move, two with the graph cut, one to settle."""
    if not isinstance(hyperparameters, Hyperparameters):
        return hyperparameters
    one = jnp.ones_like(hyperparameters.patience)
    return hyperparameters._replace(patience=one, step_cuts=one, tolerance=_NEVER * one)
