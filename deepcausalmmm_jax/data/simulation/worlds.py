"""Worlds: simulations that do not follow the equations of the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.simulation.baseline import draw_controls, draw_demand, draw_noise, draw_parts, draw_season
from deepcausalmmm_jax.data.simulation.budgets import Plan, Surroundings, draw_plan, exposure
from deepcausalmmm_jax.data.simulation.hazards import Roles, outliers
from deepcausalmmm_jax.data.simulation.media import (
    HISTORY,
    SATURATIONS,
    Curves,
    Kernels,
    activity,
    carried,
    draw_curves,
    draw_kernels,
    half_saturation,
)
from deepcausalmmm_jax.data.simulation.request import Request, Simulation, autoregressive, channel_index

_MOST_ON_AIR = 0.4  # largest share of the KPI in a mean week on air of a channel
_ROUNDS = 500
_SETTLED = 1e-10


@dataclass(frozen=True)
class World:
    """Properties of a world; everything else is drawn at random.

    Attributes:
        saturation: families from which the curves of channels are drawn.
        carry_over: `geometric`, `delayed`, `weibull` or `two_speed`.
        multiplicative: whether effects are additive on the log of the KPI.
        budgets: a rule of `budgets.RULES`.
        demand: whether unobserved demand affects budgets and KPI.
        trend: `smooth`, `breaks` or `walk`.
        noise: `normal`, `heavy` or `shared`.
        noise_controls: number of controls without effect.
        media_share: range of the share of the KPI that media contribute.
        noise_level: range of the standard deviation of the noise, as a share of the mean KPI of a region.
    """

    saturation: tuple[str, ...] = SATURATIONS
    carry_over: str = "geometric"
    multiplicative: bool = False
    budgets: str = "planned"
    demand: bool = False
    trend: str = "smooth"
    noise: str = "normal"
    noise_controls: int = 0
    media_share: tuple[float, float] = (0.10, 0.45)
    noise_level: tuple[float, float] = (0.02, 0.06)


WORLDS: Mapping[str, World] = MappingProxyType(
    {
        "linear": World(saturation=("linear",)),
        "logarithmic": World(saturation=("logarithmic",)),
        "power": World(saturation=("power",)),
        "tanh": World(saturation=("tanh",)),
        "logistic": World(saturation=("logistic",)),
        "delayed": World(carry_over="delayed"),
        "weibull": World(carry_over="weibull"),
        "two_speed": World(carry_over="two_speed"),
        "multiplicative": World(multiplicative=True),
        "follows_sales": World(budgets="follows_sales"),
        "follows_season": World(budgets="follows_season"),
        "always_on": World(budgets="always_on", media_share=(0.2, 0.6)),
        "bursts": World(budgets="bursts"),
        "new_and_stopped": World(budgets="new_and_stopped"),
        "collinear": World(budgets="collinear"),
        "unobserved_demand": World(demand=True),
        "trend_breaks": World(trend="breaks"),
        "noise_controls": World(noise_controls=6),
        "heavy_tails": World(noise="heavy"),
        "moves_together": World(noise="shared", trend="walk"),
    }
)


class _Media(NamedTuple):
    """Kernels, curves and sizes of the effects of media."""

    kernels: Kernels
    curves: Curves
    varying: np.ndarray  # [region, week, channel], coefficient relative to its mean
    target: np.ndarray  # [channel], share of the expected KPI


class _Settled(NamedTuple):
    """Mutually consistent budgets, effects and KPI; including the history, as shares of the size of a region."""

    relative: np.ndarray  # [region, week, channel], mean weeks on air
    effect: np.ndarray  # [region, week, channel], on the KPI or its log
    contribution: np.ndarray  # [region, week, channel]
    expected: np.ndarray  # [region, week], KPI without noise
    kpi: np.ndarray  # [region, week]
    coefficient: np.ndarray  # [channel], effect at full activity


def simulate_world(
    world: World, rng: np.random.Generator, difficult: np.random.Generator, request: Request, placebo: np.ndarray
) -> Simulation:
    """A panel simulated from a world.

    Args:
        world: its properties.
        rng: for all draws except outliers.
        difficult: for outliers.
        request: sizes and shares.
        placebo: `[channel]`, channels without effect.
    """
    n_regions, n_weeks, n_channels = request.n_regions, len(request.weeks) + HISTORY, request.n_channels
    share = rng.uniform(*world.media_share) if request.media_share is None else request.media_share
    spread = rng.uniform(*world.noise_level) if request.noise is None else request.noise
    size = np.exp(rng.normal(9.0, 0.7, n_regions))
    control = draw_controls(rng, n_regions, n_weeks, request.n_controls + world.noise_controls)
    demand = draw_demand(rng, n_regions, n_weeks) if world.demand else None
    season = draw_season(rng, float(request.weeks[0].day_of_year) - 7.0 * HISTORY, n_weeks)
    plan = draw_plan(rng, world.budgets, Surroundings(season, control, demand), n_channels)
    media = _draw_media(rng, world, request.drift, plan, n_regions, share, placebo)
    parts = draw_parts(rng, world.trend, season, control, request.n_controls, demand)
    error, noise = draw_noise(rng, world.noise, spread, (n_regions, n_weeks))
    error[:, HISTORY:] += outliers(difficult, (n_regions, n_weeks - HISTORY), request.outliers, spread)
    level = 1.0 - media.target.sum()
    if world.multiplicative:
        error = error - 0.5 * noise**2  # so that the mean of its exponential is 1
        parts[:, :, 0] += np.log(level)
    else:
        parts = level * parts
        parts[:, :, 0] += level
    settled = _settle(world.multiplicative, plan, media, parts.sum(axis=2), error, size)
    relative, _, contribution, expected, kpi = (array[:, HISTORY:] for array in settled[:5])
    parts = parts[:, HISTORY:]
    base = parts.sum(axis=2)
    if world.multiplicative:
        without = -np.expm1(-parts[:, :, 1:]) * expected[:, :, None]
        base, parts = np.exp(base), np.concatenate([np.exp(parts[:, :, :1]), without], axis=2)
    kpi = kpi * size[:, None]
    lost = (contribution * size[:, None, None]).sum(axis=(0, 1))
    parameters = _parameters(world, plan, media, settled.coefficient, placebo)
    parameters.insert(4, "share", lost / kpi.sum())
    return Simulation(
        size=size,
        kpi=kpi,
        relative=relative,
        control=control[:, HISTORY:],
        parts=parts,
        base=base,
        media=contribution,
        worth=settled.coefficient * media.varying[:, HISTORY:],
        parameters=parameters,
        links=np.zeros((1, n_channels, n_channels)),
        effects=pd.DataFrame({"direct": lost, "mediated": 0.0, "total": lost}, index=channel_index(n_channels)),
        noise=noise,
        expected=_expectation(world.multiplicative, media, settled, base),
    )


def _expectation(
    multiplicative: bool, media: _Media, settled: _Settled, base: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """The function `Simulation.expected`, with the exposure of the history as it was.

    Args:
        multiplicative: whether `base` is a factor.
        media: kernels and curves.
        settled: coefficients and the exposure of the history.
        base: `[region, week]`, everything but media and noise, in the panel's weeks.
    """
    history = settled.relative[:, :HISTORY]

    def expected(other: np.ndarray) -> np.ndarray:
        n = other.shape[1]
        bent = activity(carried(np.concatenate([history, other], axis=1), media.kernels), media.curves)[:, HISTORY:]
        effect = (settled.coefficient * media.varying[:, HISTORY : HISTORY + n] * bent).sum(axis=2)
        return np.asarray(base[:, :n] * np.exp(effect) if multiplicative else base[:, :n] + effect)

    return expected


def _draw_media(
    rng: np.random.Generator,
    world: World,
    drift: float,
    plan: Plan,
    n_regions: int,
    share: float,
    placebo: np.ndarray,
) -> _Media:
    n_weeks, n_channels = plan.on.shape
    kernels = draw_kernels(rng, world.carry_over, n_channels)
    curves = draw_curves(rng, world.saturation, n_channels)
    # Equal weights: some channels come out near zero, and one may have most of the effect of media.
    split = rng.dirichlet(np.ones(n_channels)) * ~placebo
    target = _held(share * split / split.sum(), _MOST_ON_AIR * plan.on[HISTORY:].mean(axis=0))
    by_region = np.exp(rng.normal(0.0, 0.25, (n_regions, 1, n_channels)))
    wander = drift * autoregressive(rng, (1, n_weeks, n_channels), 0.97)
    return _Media(kernels, curves, by_region * np.exp(wander - wander.mean(axis=1, keepdims=True)), target)


def _held(share: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Shares `[channel]` limited to `most` each; the excess is distributed to the others up to their limits."""
    for _ in share:
        held = np.minimum(share, most)
        taking = np.where(held < most, held, 0.0)
        share = held + (share - held).sum() * taking / max(taking.sum(), 1e-12)
    return np.asarray(np.minimum(share, most))


def _settle(
    multiplicative: bool, plan: Plan, media: _Media, base: np.ndarray, error: np.ndarray, size: np.ndarray
) -> _Settled:
    """Iterate budgets, effects and KPI until budgets follow the resulting KPI and shares are as requested.

    The budget of a week depends only on the KPI of earlier weeks, so the fixed point is what a simulation week by week
    would give, with exposure expressed in mean weeks.
    """
    coefficient = media.target.copy()
    kpi = np.exp(base + error) if multiplicative else np.maximum(base + error, 0.01)
    relative, bent = _activity(plan, media, kpi)
    for _ in range(_ROUNDS):
        if plan.power.any():
            relative, bent = _activity(plan, media, kpi)
        effect = coefficient * media.varying * bent
        if multiplicative:
            expected = np.exp(base + effect.sum(axis=2))
            contribution, now = -np.expm1(-effect) * expected[:, :, None], expected * np.exp(error)
        else:
            expected = base + effect.sum(axis=2)
            # A KPI counts sales or visits: rare negative draws are clipped at one percent of the regional mean.
            contribution, now = effect, np.maximum(expected + error, 0.01)
        found = np.einsum("rtm,r->m", contribution[:, HISTORY:], size) / (expected[:, HISTORY:].sum(axis=1) @ size)
        settled = max(np.abs(now - kpi).max(), np.abs(found - media.target).max()) < _SETTLED
        kpi = now
        if settled:
            break
        coefficient = coefficient * np.divide(media.target, found, out=np.zeros_like(found), where=found > 0)
    return _Settled(relative, effect, contribution, expected, kpi, coefficient)


def _activity(plan: Plan, media: _Media, kpi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exposure and activity `[region, week, channel]`, given the KPI that budgets may respond to."""
    relative = exposure(plan, kpi)
    return relative, activity(carried(relative, media.kernels), media.curves)


def _parameters(world: World, plan: Plan, media: _Media, coefficient: np.ndarray, placebo: np.ndarray) -> pd.DataFrame:
    """The table of `Truth.parameters`, without the share."""
    curves, on_air = media.curves, plan.on[HISTORY:].mean(axis=0)
    flags = {"flighted": plan.flighted, "late": plan.late, "confounded": plan.confounded, "placebo": placebo}
    flags["national"] = np.zeros(len(placebo), dtype=bool)
    return pd.DataFrame(
        {
            "decay": media.kernels.decay,
            "slope": np.where(curves.family == "hill", curves.shape, np.nan),
            "half_saturation": half_saturation(curves) / on_air,
            "coefficient": coefficient,
            **{name: flags[name] for name in Roles._fields},
            "saturation": curves.family,
            "carry_over": world.carry_over,
            "peak_week": media.kernels.peak,
            "stopped": plan.stopped,
        },
        index=channel_index(len(placebo)),
    )
