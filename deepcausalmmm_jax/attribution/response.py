"""Response curves: the outcome of a channel at other levels of spend, by the model's own counterfactuals."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.curves import curve_kinds
from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.forward import changes_from
from deepcausalmmm_jax.attribution.horizon import Horizon, even_weeks, past_weeks, settling_weeks
from deepcausalmmm_jax.attribution.intervals import interval, require_level
from deepcausalmmm_jax.attribution.planned_frequency import Frequency, at_frequency, planned_frequency
from deepcausalmmm_jax.attribution.units import Units, units_of
from deepcausalmmm_jax.axes import CHANNEL, REGION, Variables
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.training.families import forward_pass
from deepcausalmmm_jax.training.fitted import Replicates

Level = Literal["all", "region"]
ALL_REGIONS = "all"
_MULTIPLIERS = np.linspace(0.0, 2.0, 21)
_TO_DRAW = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_MOST_WORK = 5e8  # exposures run through the model: 10 to 20 seconds on two cores


class ResponseParts(NamedTuple):
    """What `deepcausalmmm_jax.ResponseCurves` is made of; see there."""

    table: pd.DataFrame
    today: pd.DataFrame
    half_saturation: pd.DataFrame
    units: Units
    period: str


class _Points(NamedTuple):
    """Values on a curve, `[..., multiplier, channel, region]`."""

    outcome: np.ndarray  # KPI units
    revenue: np.ndarray
    marginal: np.ndarray  # revenue of `MORE` of today's spend


def response_table(
    fit: FittedPanel,
    replicates: Replicates | None,
    weeks: int | Literal["steady"] | None,
    by: Level,
    multipliers: Sequence[float] | None,
    level: float,
    frequency: Frequency = "today",
) -> ResponseParts:
    """Curves as `deepcausalmmm_jax.response_curves` gives them.

    Args:
        fit: the fit on its own panel.
        replicates: members of an ensemble for the intervals; None for none.
        weeks: None for the panel's own weeks, `steady`, or a number of weeks after the panel.
        by: `all` regions together, or each `region`.
        multipliers: of today's spend; None for 21 from 0 to 2.
        level: of the intervals.
        frequency: at which contacts come, see `planned_frequency`.

    Raises:
        ConfigError: a bad number, level, split or frequency.
    """
    require(by in ("all", "region"), "by", by, "all or region")
    grid = _checked(multipliers)
    require_level(level)
    horizon, period = _horizon_of(fit, weeks)
    stated = planned_frequency(fit, frequency)
    horizon = at_frequency(fit, horizon, stated)
    period = "; ".join([period, *(f"{name} at {each:.3g} contacts per person" for name, each in stated.items())])
    points = _point_curve(fit, horizon, grid)
    draws = None if replicates is None else _drawn_curves(fit, horizon, grid, replicates)
    if by == "all":
        points = _Points(*(part.sum(axis=-1, keepdims=True) for part in points))
        draws = None if draws is None else _Points(*(part.sum(axis=-1, keepdims=True) for part in draws))
    table = _table(fit, horizon, grid, by, points, draws, level)
    today = table[table["multiplier"] == 1.0].drop(columns=["multiplier", "extrapolation"])
    return ResponseParts(
        table=table,
        today=today.reset_index(drop=True),
        half_saturation=_half_saturation(fit, horizon, by),
        units=units_of(fit.panel, horizon.in_currency, horizon.has_revenue),
        period=period,
    )


def curves_to_draw(fit: FittedPanel, replicates: Replicates | None) -> pd.DataFrame:
    """Table of curves over the panel's own weeks at a few multipliers, for a figure.

    Intervals are left out where they would take too long: each point of a curve costs each member one run of the model
    per channel.
    """
    panel, n_points = fit.panel, 2 * len(_TO_DRAW)
    runs = n_points * (len(panel.channels) + 1) * (0 if replicates is None else len(replicates))
    afforded = replicates if runs * panel.exposure.size <= _MOST_WORK else None
    return response_table(fit, afforded, None, "all", _TO_DRAW, 0.9).table


def _checked(multipliers: Sequence[float] | None) -> np.ndarray:
    grid = _MULTIPLIERS if multipliers is None else np.unique(np.asarray([*multipliers, 0.0, 1.0], np.float64))
    if not (np.isfinite(grid).all() and (grid >= 0).all()):
        raise ConfigError(f"Multipliers of today's spend must be finite and 0 or more, got {list(multipliers or ())}.")
    return grid


def _horizon_of(fit: FittedPanel, weeks: int | Literal["steady"] | None) -> tuple[Horizon, str]:
    cadence = fit.panel.cadence
    if weeks is None:
        return past_weeks(fit), f"all {cadence.several(fit.panel.n_past_weeks)} of the panel"
    if weeks == "steady":
        settled = settling_weeks(fit) + 1
        return even_weeks(
            fit, settled, settled=True
        ), f"one {cadence.unit} of a spend held until carry-over has settled"
    if not isinstance(weeks, int) or isinstance(weeks, bool) or weeks < 1:
        raise ConfigError(f'weeks must be None, "steady" or a number of weeks from 1 on, got {weeks!r}.')
    return even_weeks(fit, weeks, settled=False), f"{cadence.several(weeks)} after the panel, with their carry-over"


def _factor(horizon: Horizon, multiplier: float) -> float | np.ndarray:
    """By week, 1 outside the plan; a single number where the plan covers all weeks, as in `media_summary`."""
    n_weeks = len(horizon.panel.weeks)
    if (horizon.start, horizon.stop) == (0, n_weeks):
        return multiplier
    factor = np.ones((n_weeks, 1), np.float32)
    factor[horizon.start : horizon.stop] = multiplier
    return factor


def _settled(fit: FittedPanel, horizon: Horizon) -> AnyInputs | None:
    """Inputs of a horizon of which the last week alone counts; None where the horizon's panel gives the inputs."""
    if horizon.counted[:, :-1].any():
        return None
    return fit.family.settled(fit.on(horizon.panel).inputs, horizon.start)


def _point_curve(fit: FittedPanel, horizon: Horizon, grid: np.ndarray) -> _Points:
    own, settled = fit.on(horizon.panel), _settled(fit, horizon)
    nothing = np.zeros((len(horizon.panel.channels), len(horizon.panel.regions)))

    def lost(multiplier: float) -> tuple[np.ndarray, np.ndarray]:
        if multiplier == 1.0:  # nothing changes; two runs would differ by rounding
            return nothing, nothing
        change = own.lost(_factor(horizon, multiplier), settled)[:, horizon.start :]
        counted = np.where(horizon.counted[:, :, None], change, 0.0)
        return counted.sum(axis=1).T, (counted * horizon.worth[:, :, None]).sum(axis=1).T

    at = [np.stack(parts) for parts in zip(*(lost(m) for m in grid), strict=True)]
    beyond = np.stack([lost(m + MORE)[1] for m in grid])
    zero = int(np.flatnonzero(grid == 0.0)[0])
    return _Points(at[0][zero] - at[0], at[1][zero] - at[1], at[1] - beyond)


def _drawn_curves(fit: FittedPanel, horizon: Horizon, grid: np.ndarray, replicates: Replicates) -> _Points:
    own, settled = fit.on(horizon.panel), _settled(fit, horizon)
    unit = fit.scales.kpi[:, None] * horizon.counted
    weights = np.zeros((2, *horizon.panel.present.shape))
    weights[:, :, horizon.start :] = np.stack([unit, unit * np.where(horizon.counted, horizon.worth, 0.0)])
    wanted = np.concatenate([grid, grid + MORE])
    factors = np.stack([np.broadcast_to(_factor(horizon, m), (len(horizon.panel.weeks), 1)) for m in wanted])
    found = _lost(
        replicates.variables,
        own.inputs if settled is None else settled,
        single(weights),
        single(factors),
        fit.design,
    )
    lost, n = np.asarray(found, np.float64), len(grid)  # [replicate, factor, value, channel, region]
    at, beyond = lost[:, :n].copy(), lost[:, n:]
    at[:, grid == 1.0] = 0.0
    zero = int(np.flatnonzero(grid == 0.0)[0])
    gained = at[:, zero : zero + 1] - at
    return _Points(gained[:, :, 0], gained[:, :, 1], (at - beyond)[:, :, 1])


@jit_once("design")
def _lost(variables: Variables, inputs: AnyInputs, weights: Array, factors: Array, design: AnyDesign) -> Array:
    """`[replicate, factor, value, channel, region]`."""

    def one(own: Variables) -> Array:
        as_it_was, _ = forward_pass(own, inputs, design)

        def at(factor: Array) -> Array:
            return jnp.einsum("mrt,vrt->vmr", changes_from(as_it_was, own, inputs, factor, design), weights)

        lost: Array = jax.lax.map(at, factors, batch_size=8)
        return lost

    by_member: Array = jax.lax.map(one, variables)
    return by_member


def _table(
    fit: FittedPanel,
    horizon: Horizon,
    grid: np.ndarray,
    by: Level,
    points: _Points,
    draws: _Points | None,
    level: float,
) -> pd.DataFrame:
    exposure, spend = horizon.exposure.sum(axis=1).T, horizon.spend.sum(axis=1).T  # [channel, region]
    beyond = _beyond(fit, horizon, grid)
    if by == "all":
        exposure, spend = exposure.sum(axis=1, keepdims=True), spend.sum(axis=1, keepdims=True)
        beyond = np.asarray(beyond.any(axis=2, keepdims=True))
    regions = [ALL_REGIONS] if by == "all" else list(fit.panel.regions)
    index = pd.MultiIndex.from_product([grid, fit.panel.channels, regions], names=["multiplier", CHANNEL, REGION])
    paid = np.where(spend > 0, spend, np.nan)
    with np.errstate(invalid="ignore"):
        curves = {
            "incremental_outcome": (points.outcome, None if draws is None else draws.outcome),
            "revenue": (points.revenue, None if draws is None else draws.revenue),
            "roi": tuple(_per(part, paid * grid[:, None, None]) for part in _pair(points, draws, "revenue")),
            "mroi": tuple(_per(part, MORE * paid) for part in _pair(points, draws, "marginal")),
        }
    columns = {
        "exposure": exposure * grid[:, None, None],
        "spend": spend * grid[:, None, None],
    }
    for name, (values, drawn) in curves.items():
        columns[name] = values
        if drawn is not None:
            columns[f"{name}_low"], columns[f"{name}_high"] = interval(drawn, level)
    columns["extrapolation"] = beyond
    table = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}, index=index).reset_index()
    if not horizon.has_revenue:
        table = table.drop(columns=[name for name in table if str(name).startswith("revenue")])
    order = table[CHANNEL].map({name: i for i, name in enumerate(fit.panel.channels)})
    table = table.assign(order=order).sort_values(["order", REGION, "multiplier"]).drop(columns="order")
    front = [CHANNEL, REGION, "multiplier"]
    return table[front + [name for name in table if name not in front]].reset_index(drop=True)


def _pair(points: _Points, draws: _Points | None, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    return getattr(points, name), None if draws is None else getattr(draws, name)


def _per(values: np.ndarray | None, spend: np.ndarray) -> np.ndarray | None:
    return None if values is None else values / np.where(spend > 0, spend, np.nan)


def _beyond(fit: FittedPanel, horizon: Horizon, grid: np.ndarray) -> np.ndarray:
    """Whether the mean week at a multiplier exceeds every week seen in training, `[multiplier, channel, region]`."""
    largest = fit.panel.exposure[:, : fit.n_training_weeks].max(axis=1).T
    mean = horizon.exposure.sum(axis=1).T / np.maximum(horizon.present.sum(axis=1), 1)
    return mean * grid[:, None, None] > largest * (1 + 1e-9)


def _half_saturation(fit: FittedPanel, horizon: Horizon, by: Level) -> pd.DataFrame:
    panel, exposure = fit.panel, fit.family.half_saturation(fit.internals.curves, fit.scales)
    exposure = np.where(curve_kinds(fit).bounded(), exposure, np.nan)  # other kinds have no ceiling to reach half of
    weeks = np.maximum(horizon.present.sum(axis=1), 1)[:, None]
    mean, paid = horizon.exposure.sum(axis=1) / weeks, horizon.spend.sum(axis=1) / weeks
    regions = list(panel.regions)
    if by == "all":
        exposure, mean, paid = (part.sum(axis=0, keepdims=True) for part in (exposure, mean, paid))
        regions = [ALL_REGIONS]
    multiplier = exposure / np.where(mean > 0, mean, np.nan)
    index = pd.MultiIndex.from_product([panel.channels, regions], names=[CHANNEL, REGION])
    columns = {"exposure": exposure, "spend": multiplier * paid, "multiplier": multiplier}
    return pd.DataFrame({name: values.T.ravel() for name, values in columns.items()}, index=index).reset_index()
