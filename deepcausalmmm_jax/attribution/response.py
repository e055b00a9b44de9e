"""Response curves: what a channel would bring at other levels of spend, by the model's own counterfactuals."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.forward import changes, internals, outcome_lost
from deepcausalmmm_jax.attribution.horizon import Horizon, even_weeks, past_weeks, settling_weeks
from deepcausalmmm_jax.attribution.intervals import bounds
from deepcausalmmm_jax.attribution.units import Units, units_of
from deepcausalmmm_jax.axes import CHANNEL, REGION
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.training.fitted import Fitted, Replicates
from deepcausalmmm_jax.training.prepare import design_of, inputs_of

Level = Literal["all", "region"]
ALL_REGIONS = "all"
_MORE = 0.01  # for the marginal return, as in `media_summary`
_MULTIPLIERS = np.linspace(0.0, 2.0, 21)
_TO_DRAW = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_MOST_WORK = 5e8  # exposures run through the model; 10 to 20 seconds on two cores


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
    marginal: np.ndarray  # revenue of 1 % of today's spend more


def response_table(
    fitted: Fitted,
    replicates: Replicates | None,
    weeks: int | Literal["steady"] | None,
    by: Level,
    multipliers: Sequence[float] | None,
    level: float,
) -> ResponseParts:
    """See `deepcausalmmm_jax.response_curves`."""
    require(by in ("all", "region"), "by", by, "all or region")
    grid = _checked(multipliers)
    bounds(np.zeros(1), level)
    horizon, period = _horizon_of(fitted, weeks)
    inputs = inputs_of(fitted, horizon.panel)
    points = _point_curve(fitted, horizon, inputs, grid)
    draws = None if replicates is None else _drawn_curves(fitted, horizon, inputs, grid, replicates)
    if by == "all":
        points = _Points(*(part.sum(axis=-1, keepdims=True) for part in points))
        draws = None if draws is None else _Points(*(part.sum(axis=-1, keepdims=True) for part in draws))
    table = _table(fitted, horizon, grid, by, points, draws, level)
    today = table[table["multiplier"] == 1.0].drop(columns=["multiplier", "extrapolation"])
    return ResponseParts(
        table=table,
        today=today.reset_index(drop=True),
        half_saturation=_half_saturation(fitted, horizon, by),
        units=units_of(fitted.panel, horizon.in_currency, horizon.has_revenue),
        period=period,
    )


def curves_to_draw(fitted: Fitted, replicates: Replicates | None) -> pd.DataFrame:
    """Table of curves over the panel's own weeks at few multipliers, for a figure.

    The refits' intervals are left out where they would take long: a point of a curve is a run of the model a channel.
    """
    panel, n_points = fitted.panel, 2 * len(_TO_DRAW)
    runs = n_points * (len(panel.channels) + 1) * (0 if replicates is None else len(replicates))
    afforded = replicates if runs * panel.exposure.size <= _MOST_WORK else None
    return response_table(fitted, afforded, None, "all", _TO_DRAW, 0.9).table


def _checked(multipliers: Sequence[float] | None) -> np.ndarray:
    grid = _MULTIPLIERS if multipliers is None else np.unique(np.asarray([*multipliers, 0.0, 1.0], np.float64))
    if not (np.isfinite(grid).all() and (grid >= 0).all()):
        raise ConfigError(f"Multipliers of today's spend must be finite and 0 or more, got {list(multipliers or ())}.")
    return grid


def _horizon_of(fitted: Fitted, weeks: int | Literal["steady"] | None) -> tuple[Horizon, str]:
    if weeks is None:
        return past_weeks(fitted), f"all {fitted.panel.n_past_weeks} weeks of the panel"
    if weeks == "steady":
        settled = settling_weeks(fitted) + 1
        return even_weeks(fitted, settled, settled=True), "one week of a spend held until carry-over has settled"
    if not isinstance(weeks, int) or isinstance(weeks, bool) or weeks < 1:
        raise ConfigError(f'weeks must be None, "steady" or a number of weeks from 1 on, got {weeks!r}.')
    return even_weeks(fitted, weeks, settled=False), f"{weeks} weeks after the panel, with their carry-over"


def _factor(horizon: Horizon, multiplier: float) -> float | np.ndarray:
    """For the weeks of the plan; one number where they are all weeks, as `media_summary` has it."""
    n_weeks = len(horizon.panel.weeks)
    if (horizon.start, horizon.stop) == (0, n_weeks):
        return multiplier
    factor = np.ones((n_weeks, 1), np.float32)
    factor[horizon.start : horizon.stop] = multiplier
    return factor


def _inputs(fitted: Fitted, horizon: Horizon, inputs: Any) -> Any:
    """In a settled week coefficients stand at their constant part: weeks so far ahead that nothing is left of drift."""
    if horizon.counted[:, :-1].any() or fitted.config.model == "paper":
        return inputs
    return inputs._replace(ahead=jnp.where(jnp.arange(len(inputs.ahead)) >= horizon.start, jnp.inf, inputs.ahead))


def _point_curve(fitted: Fitted, horizon: Horizon, inputs: Any, grid: np.ndarray) -> _Points:
    inputs = _inputs(fitted, horizon, inputs)

    def lost(multiplier: float) -> tuple[np.ndarray, np.ndarray]:
        change = outcome_lost(fitted, inputs, _factor(horizon, multiplier))[:, horizon.start :]
        counted = np.where(horizon.counted[:, :, None], change, 0.0)
        return counted.sum(axis=1).T, (counted * horizon.worth[:, :, None]).sum(axis=1).T

    at = [np.stack(parts) for parts in zip(*(lost(m) for m in grid), strict=True)]
    for part in at:
        part[grid == 1.0] = 0.0  # nothing is changed; the two runs differ by rounding
    beyond = np.stack([lost(m + _MORE)[1] for m in grid])
    zero = int(np.flatnonzero(grid == 0.0)[0])
    return _Points(at[0][zero] - at[0], at[1][zero] - at[1], at[1] - beyond)


def _drawn_curves(fitted: Fitted, horizon: Horizon, inputs: Any, grid: np.ndarray, replicates: Replicates) -> _Points:
    unit = fitted.scales.kpi[:, None] * horizon.counted
    weights = np.zeros((2, *horizon.panel.present.shape))
    weights[:, :, horizon.start :] = np.stack([unit, unit * np.where(horizon.counted, horizon.worth, 0.0)])
    wanted = np.concatenate([grid, grid + _MORE])
    factors = np.stack([np.broadcast_to(_factor(horizon, m), (len(horizon.panel.weeks), 1)) for m in wanted])
    found = _lost(
        replicates.variables,
        _inputs(fitted, horizon, inputs),
        jnp.asarray(weights, jnp.float32),
        jnp.asarray(factors, jnp.float32),
        design_of(fitted),
    )
    lost, n = np.asarray(found, np.float64), len(grid)  # [replicate, factor, value, channel, region]
    at, beyond = lost[:, :n].copy(), lost[:, n:]
    at[:, grid == 1.0] = 0.0
    zero = int(np.flatnonzero(grid == 0.0)[0])
    gained = at[:, zero : zero + 1] - at
    return _Points(gained[:, :, 0], gained[:, :, 1], (at - beyond)[:, :, 1])


@partial(jax.jit, static_argnames="design")
def _lost(variables: Any, inputs: Any, weights: Array, factors: Array, design: AnyDesign) -> Array:
    def one(own: Any) -> Array:
        def at(factor: Array) -> Array:
            return jnp.einsum("mrt,vrt->vmr", changes(own, inputs, factor, design), weights)

        return jax.lax.map(at, factors, batch_size=8)

    return jax.lax.map(one, variables)


def _table(
    fitted: Fitted,
    horizon: Horizon,
    grid: np.ndarray,
    by: Level,
    points: _Points,
    draws: _Points | None,
    level: float,
) -> pd.DataFrame:
    exposure, spend = horizon.exposure.sum(axis=1).T, horizon.spend.sum(axis=1).T  # [channel, region]
    beyond = _beyond(fitted, horizon, grid)
    if by == "all":
        exposure, spend = exposure.sum(axis=1, keepdims=True), spend.sum(axis=1, keepdims=True)
        beyond = np.asarray(beyond.any(axis=2, keepdims=True))
    regions = [ALL_REGIONS] if by == "all" else list(fitted.panel.regions)
    index = pd.MultiIndex.from_product([grid, fitted.panel.channels, regions], names=["multiplier", CHANNEL, REGION])
    paid = np.where(spend > 0, spend, np.nan)
    with np.errstate(invalid="ignore"):
        curves = {
            "incremental_outcome": (points.outcome, None if draws is None else draws.outcome),
            "revenue": (points.revenue, None if draws is None else draws.revenue),
            "roi": tuple(_per(part, paid * grid[:, None, None]) for part in _pair(points, draws, "revenue")),
            "mroi": tuple(_per(part, _MORE * paid) for part in _pair(points, draws, "marginal")),
        }
    columns = {
        "exposure": exposure * grid[:, None, None],
        "spend": spend * grid[:, None, None],
    }
    for name, (values, drawn) in curves.items():
        columns[name] = values
        if drawn is not None:
            columns[f"{name}_low"], columns[f"{name}_high"] = bounds(drawn, level)
    columns["extrapolation"] = beyond
    table = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}, index=index).reset_index()
    if not horizon.has_revenue:
        table = table.drop(columns=[name for name in table if str(name).startswith("revenue")])
    order = table[CHANNEL].map({name: i for i, name in enumerate(fitted.panel.channels)})
    table = table.assign(order=order).sort_values(["order", REGION, "multiplier"]).drop(columns="order")
    front = [CHANNEL, REGION, "multiplier"]
    return table[front + [name for name in table if name not in front]].reset_index(drop=True)


def _pair(points: _Points, draws: _Points | None, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    return getattr(points, name), None if draws is None else getattr(draws, name)


def _per(values: np.ndarray | None, spend: np.ndarray) -> np.ndarray | None:
    return None if values is None else values / np.where(spend > 0, spend, np.nan)


def _beyond(fitted: Fitted, horizon: Horizon, grid: np.ndarray) -> np.ndarray:
    """`[multiplier, channel, region]`: the mean week at a multiplier is larger than any week seen in training."""
    largest = fitted.panel.exposure[:, : fitted.n_training_weeks].max(axis=1).T
    mean = horizon.exposure.sum(axis=1).T / np.maximum(horizon.present.sum(axis=1), 1)
    return mean * grid[:, None, None] > largest * (1 + 1e-9)


def _half_saturation(fitted: Fitted, horizon: Horizon, by: Level) -> pd.DataFrame:
    panel, curves = fitted.panel, internals(fitted).curves
    half = curves.half_saturation * np.exp(-curves.locality * np.log(fitted.scales.intensity))
    if fitted.config.model == "paper":
        half = np.full(fitted.scales.exposure.shape, np.nan)
    exposure = half * fitted.scales.exposure  # [region, channel], a week
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
