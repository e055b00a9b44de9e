"""Response curves: the outcome of a channel at other levels of spend, by the model's own counterfactuals."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.by_replicate import in_runs
from deepcausalmmm_jax.attribution.cubics import cubics_over_root
from deepcausalmmm_jax.attribution.curves import curve_kinds
from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.forward import as_it_was, changes_from
from deepcausalmmm_jax.attribution.horizon import Horizon, even_weeks, past_weeks, settling_weeks
from deepcausalmmm_jax.attribution.intervals import interval, require_level
from deepcausalmmm_jax.attribution.planned_frequency import Frequency, at_frequency, planned_frequency
from deepcausalmmm_jax.attribution.reachable import AT_LIMIT, most_multiple, refuse_more_than_everyone
from deepcausalmmm_jax.attribution.units import Units, units_of
from deepcausalmmm_jax.axes import CHANNEL, REGION, Variables
from deepcausalmmm_jax.checks import is_number, require, shown
from deepcausalmmm_jax.data.scaling import ran_in_training
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.io.quick_compile import jit_kept
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.ops.batches import map_in_batches
from deepcausalmmm_jax.parallel.memory import counterfactuals_at_once
from deepcausalmmm_jax.training.fitted import Replicates

Level = Literal["all", "region"]
ALL_REGIONS = "all"
_MULTIPLIERS = np.unique([*np.arange(21) / 10, 0.01, 0.025, 0.05])
_MOST_WEEKS = 10_000


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
    marginal: np.ndarray | None  # revenue of `MORE` of today's spend; None where it is not asked for

    def over_regions(self) -> "_Points":
        """The sums over regions, one region long."""
        outcome, revenue = (part.sum(axis=-1, keepdims=True) for part in (self.outcome, self.revenue))
        marginal = None if self.marginal is None else self.marginal.sum(axis=-1, keepdims=True)
        return _Points(outcome, revenue, marginal)

    def between(self, known: np.ndarray, wanted: np.ndarray) -> "_Points":
        """Outcome and revenue at other multipliers, `[multiplier]`, each draw by cubics of its own."""
        outcome, revenue = (cubics_over_root(known, part, 1)(wanted) for part in (self.outcome, self.revenue))
        return _Points(outcome, revenue, None)


def response_table(
    fit: FittedPanel,
    replicates: Replicates | None,
    weeks: int | Literal["steady"] | None,
    by: Level,
    multipliers: Sequence[float] | None,
    level: float,
    frequency: Frequency = "today",
    *,
    with_marginal: bool = True,
    drawn_at: Sequence[float] | None = None,
) -> ResponseParts:
    """Curves as `deepcausalmmm_jax.response_curves` gives them.

    Args:
        fit: the fit on its own panel.
        replicates: members of an ensemble for the intervals; None for none.
        weeks: None for the panel's own weeks, `steady`, or a number of weeks after the panel.
        by: `all` regions together, or each `region`.
        multipliers: of today's spend; None for those from 0 to 2 in steps of 0.1, and a few below 0.1.
        level: of the intervals.
        frequency: at which contacts come, see `planned_frequency`.
        with_marginal: whether marginal returns are wanted, which take as long as the curves.
        drawn_at: multipliers, 0 and the largest among them, at which the members are run; between them each member's
            curve is interpolated. None for all multipliers; others only without marginal returns.

    Raises:
        ConfigError: a bad number, level, split or frequency.
    """
    require(by in ("all", "region"), "by", by, "all or region")
    grid = _checked(multipliers)
    require_level(level)
    today_weeks, period = _horizon_of(fit, weeks)
    stated = planned_frequency(fit, frequency)
    horizon = at_frequency(fit, today_weeks, stated)
    refuse_more_than_everyone(fit, today_weeks, horizon)
    most = most_multiple(fit, today_weeks, horizon)
    said = [f"{name} at {each:.3g} contacts per person" for name, each in stated.items()]
    period = "; ".join([period, *said, *_ends(fit, most, grid)])
    points = _point_curve(fit, horizon, grid, with_marginal)
    draws = None
    if replicates is not None and drawn_at is None:
        draws = _drawn_curves(fit, horizon, grid, replicates, with_marginal)
    elif replicates is not None:
        coarse = _checked(drawn_at)
        draws = _drawn_curves(fit, horizon, coarse, replicates, with_marginal).between(coarse, grid)
    if by == "all":
        points, draws = points.over_regions(), None if draws is None else draws.over_regions()
    table = _within_reach(fit, _table(fit, horizon, grid, by, points, draws, level), by, most)
    today = table[table["multiplier"] == 1.0].drop(columns=["multiplier", "extrapolation"])
    return ResponseParts(
        table=table,
        today=today.reset_index(drop=True),
        half_saturation=_half_saturation(fit, horizon, by),
        units=units_of(fit.panel, horizon.in_currency, horizon.has_revenue),
        period=period,
    )


def _checked(multipliers: Sequence[float] | None) -> np.ndarray:
    if multipliers is None:
        return _MULTIPLIERS
    listed = list(multipliers) if isinstance(multipliers, Iterable) and not isinstance(multipliers, str) else [None]
    if not all(is_number(at) and at >= 0 for at in listed):
        raise ConfigError(f"multipliers must be multiples of today's spend, 0 or more, got {shown(multipliers)}.")
    return np.unique(np.asarray([*listed, 0.0, 1.0], np.float64))


def _horizon_of(fit: FittedPanel, weeks: int | Literal["steady"] | None) -> tuple[Horizon, str]:
    cadence = fit.panel.cadence
    if weeks is None:
        return past_weeks(fit), f"all {cadence.several(fit.panel.n_past_weeks)} of the panel"
    if weeks == "steady":
        settled = settling_weeks(fit) + 1
        return even_weeks(fit, settled, settled=True), f"one {cadence.unit} of constant spend, carry-over settled"
    if not isinstance(weeks, int) or isinstance(weeks, bool) or not 1 <= weeks <= _MOST_WEEKS:
        known = f"None, 'steady' or a number of weeks from 1 to {_MOST_WEEKS:,}"
        raise ConfigError(f"weeks must be {known}, got {weeks!r}.")
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


def _point_curve(fit: FittedPanel, horizon: Horizon, grid: np.ndarray, with_marginal: bool) -> _Points:
    own, settled = fit.on(horizon.panel), _settled(fit, horizon)
    nothing = np.zeros((len(horizon.panel.channels), len(horizon.panel.regions)))

    def lost(multiplier: float) -> tuple[np.ndarray, np.ndarray]:
        if multiplier == 1.0:  # nothing changes; two runs would differ by rounding
            return nothing, nothing
        change = own.lost(_factor(horizon, multiplier), settled)[:, horizon.start :]
        counted = np.where(horizon.counted[:, :, None], change, 0.0)
        return counted.sum(axis=1).T, (counted * horizon.worth[:, :, None]).sum(axis=1).T

    at = [np.stack(parts) for parts in zip(*(lost(m) for m in grid), strict=True)]
    marginal = at[1] - np.stack([lost(m + MORE)[1] for m in grid]) if with_marginal else None
    zero = int(np.flatnonzero(grid == 0.0)[0])
    return _Points(at[0][zero] - at[0], at[1][zero] - at[1], marginal)


def _drawn_curves(
    fit: FittedPanel, horizon: Horizon, grid: np.ndarray, replicates: Replicates, with_marginal: bool
) -> _Points:
    own, settled = fit.on(horizon.panel), _settled(fit, horizon)
    unit = fit.scales.kpi[:, None] * horizon.counted
    weights = np.zeros((2, *horizon.panel.present.shape))
    weights[:, :, horizon.start :] = np.stack([unit, unit * np.where(horizon.counted, horizon.worth, 0.0)])
    wanted = np.concatenate([grid, grid + MORE]) if with_marginal else grid
    factors = np.stack([np.broadcast_to(_factor(horizon, m), (len(horizon.panel.weeks), 1)) for m in wanted])
    given = own.inputs if settled is None else settled, single(weights), single(factors), fit.design
    found = in_runs(lambda members: np.asarray(_lost(members, *given), np.float64), replicates.variables)
    lost, n = found, len(grid)  # [replicate, factor, value, channel, region]
    at, beyond = lost[:, :n].copy(), lost[:, n:]
    at[:, grid == 1.0] = 0.0
    zero = int(np.flatnonzero(grid == 0.0)[0])
    gained = at[:, zero : zero + 1] - at
    return _Points(gained[:, :, 0], gained[:, :, 1], (at - beyond)[:, :, 1] if with_marginal else None)


@jit_kept("design")
def _lost(variables: Variables, inputs: AnyInputs, weights: Array, factors: Array, design: AnyDesign) -> Array:
    """`[replicate, factor, value, channel, region]`."""

    def one(own: Variables) -> Array:
        was = as_it_was(own, inputs, design)

        def at(factor: Array) -> Array:
            return jnp.einsum("mrt,vrt->vmr", changes_from(was, own, inputs, factor, design), weights)

        of_all = inputs.exposure.size * design.n_channels
        return map_in_batches(at, factors, counterfactuals_at_once(of_all, len(factors)))

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
    exposure, spend = _bought(horizon)
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
        if values is None:
            continue
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


def _within_reach(fit: FittedPanel, table: pd.DataFrame, by: Level, most: np.ndarray) -> pd.DataFrame:
    """The rows up to the multiplier at which everyone of a region is reached, `[region, channel]`."""
    if np.isinf(most).all():
        return table
    ends = pd.DataFrame(most if by == "region" else most.min(axis=0, keepdims=True), columns=list(fit.panel.channels))
    ends.index = pd.Index(list(fit.panel.regions) if by == "region" else [ALL_REGIONS])
    at = ends.stack().loc[pd.MultiIndex.from_frame(table[[REGION, CHANNEL]])].to_numpy()
    return table[table["multiplier"] <= at * (1.0 + AT_LIMIT)].reset_index(drop=True)


def _ends(fit: FittedPanel, most: np.ndarray, grid: np.ndarray) -> list[str]:
    """What ends curves before the last multiplier, by channel."""
    first = most.argmin(axis=0)
    return [
        f"{name} up to {most[r, m]:.3g} times today's spend, where everyone in {fit.panel.regions[r]} is reached"
        for m, (name, r) in enumerate(zip(fit.panel.channels, first.tolist(), strict=True))
        if most[r, m] < grid.max()
    ]


def _bought(horizon: Horizon) -> tuple[np.ndarray, np.ndarray]:
    """Exposure and spend whose outcome counts, `[channel, region]`: of a settled week, not of the weeks before it."""
    first = 0 if horizon.counted[:, :-1].any() else -1
    return horizon.exposure[:, first:].sum(axis=1).T, horizon.spend[:, first:].sum(axis=1).T


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
        ran = np.where((mean > 0).any(axis=0), mean > 0, ran_in_training(panel, fit.n_training_weeks))
        exposure = np.where(ran, exposure, 0.0)  # no multiple of today's spend reaches anything in other regions
        exposure, mean, paid = (part.sum(axis=0, keepdims=True) for part in (exposure, mean, paid))
        regions = [ALL_REGIONS]
    multiplier = exposure / np.where(mean > 0, mean, np.nan)
    index = pd.MultiIndex.from_product([panel.channels, regions], names=[CHANNEL, REGION])
    columns = {"exposure": exposure, "spend": multiplier * paid, "multiplier": multiplier}
    return pd.DataFrame({name: values.T.ravel() for name, values in columns.items()}, index=index).reset_index()
