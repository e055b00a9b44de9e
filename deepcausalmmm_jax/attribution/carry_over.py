"""Carry-over of each channel: what a week of exposure brings at once, what it brings later, and when it has paid."""

from enum import StrEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import difference
from deepcausalmmm_jax.attribution.horizon import even_weeks, settling_weeks
from deepcausalmmm_jax.attribution.intervals import require_level
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import CHANNEL, Variables
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.training.families import forward_pass

_PULSES = 8  # weeks of each channel that are taken out, one at a time
_LAST_YEAR = 52  # weeks
_HALF, _MOST = 0.5, 0.9
FIGURES = ("immediate_pct", "carried_pct", "weeks_to_50", "weeks_to_90", "payback_weeks")


class PaybackNote(StrEnum):
    """Why a channel has no carry-over or payback; the value is the sentence, without a full stop."""

    NO_SPEND = "no spend given: payback is unknown"
    ZERO_SPEND = "spend of these weeks is zero: there is nothing to pay back"
    NO_REVENUE = "no revenue per KPI given: payback is unknown"
    NO_EFFECT = "no positive effect to split"
    NEVER = "a week's spend brings less than it costs, carry-over included"
    PERHAPS_NEVER = "in some draws a week's spend never pays back, so the interval has no upper end"


class Pulses(NamedTuple):
    """Which week of each channel is taken out of each region in each run of the model.

    Regions do not act on one another, so that one run takes a different week out of each of them.
    """

    week: np.ndarray  # [run, region, channel], position
    spend: np.ndarray  # [run, region, channel], currency, of that week; NaN where it is unknown


class Arrivals(NamedTuple):
    """What all pulses of a channel bring by weeks after them, `[draw, channel, lag]`."""

    kpi: np.ndarray  # KPI units
    revenue: np.ndarray  # of pulses whose spend is known: currency; KPI units where no revenue per KPI is known


def carry_over(
    fit: FittedPanel, variables: Variables | None = None, level: float = 0.9, *, decay: np.ndarray | None = None
) -> pd.DataFrame:
    """Immediate and carried effect by channel, and weeks until the effect has arrived and a week's spend has paid.

    A pulse is the exposure of one week in one region. It is taken out, the model is run again, and what is lost is
    counted week by week from the pulse on until less than 1% of any channel's carry-over is left (52 weeks at most).
    Each region has eight pulses a channel where the panel has few regions and at least one where it has eight or more,
    spread evenly over its weeks on air of the last year with a KPI (over all of them where it was off air then). So
    saturation is that of the weeks that ran, and everything downstream is recomputed: adstock, saturation, graph.

    Args:
        fit: the fit on its own panel.
        variables: of the members of an ensemble, each array with a leading axis `[replicate]`, for the intervals; None
            for none.
        level: of the intervals.
        decay: of the members, `[replicate, channel]`: they are followed until the slowest of them has settled; None to
            follow them as long as the fit.

    Returns:
        A table by channel:
        - `incremental_outcome`: KPI units, as in `media_summary`;
        - `immediate`, `carried`: its parts that arrive in the week of the exposure and later, KPI units; in the
          proportion in which those of the pulses do;
        - `immediate_pct`, `carried_pct`: the same in percent of their sum;
        - `weeks_to_50`, `weeks_to_90`: weeks until that share of the effect has arrived; 1 is the week of the exposure;
        - `payback_weeks`: weeks until the revenue of a week's spend, added up, covers the spend; 1 likewise. Regions
          whose spend is unknown count for neither;
        - `note`: why a figure is missing, empty otherwise;
        and `_low` and `_high` beside the last five figures where there are members. Steps of the panel are counted, and
        named: on a daily panel it is `days_to_50`, `days_to_90` and `payback_days`, of a day's exposure and spend.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    pulses = _pulses(fit)
    own: Variables = jax.tree.map(lambda array: np.asarray(array)[None], fit.variables)
    paid = _paid(pulses)
    to_cover = np.full(len(paid), np.nan) if fit.panel.revenue_per_kpi is None else paid
    found = figures(arrivals(fit, own, pulses), to_cover)
    counted = fit.panel.past[:, :, None]
    incremental = np.where(counted, fit.incremental, 0.0).sum(axis=(0, 1))
    table = pd.DataFrame({"incremental_outcome": incremental}, index=pd.Index(fit.panel.channels, name=CHANNEL))
    table["immediate"] = incremental * found["immediate_pct"][0] / 100.0
    table["carried"] = incremental * found["carried_pct"][0] / 100.0
    drawn = None if variables is None else figures(arrivals(fit, variables, pulses, decay), to_cover)
    open_end = np.zeros(len(table), bool)
    for name in FIGURES:
        table[name] = np.where(np.isfinite(found[name][0]), found[name][0], np.nan)
        if drawn is not None:
            low, high = _ends(drawn[name], level)
            table[f"{name}_low"], table[f"{name}_high"] = low, high
            open_end |= (name == "payback_weeks") & np.isfinite(found[name][0]) & np.isfinite(low) & np.isnan(high)
    table["note"] = [
        _note(fit, paid[i], found["immediate_pct"][0, i], found["payback_weeks"][0, i], bool(open_end[i]))
        for i in range(len(table))
    ]
    unit = f"{fit.panel.cadence.unit}s"
    return table.rename(columns={name: name.replace("weeks", unit) for name in map(str, table.columns)})


def _pulses(fit: FittedPanel) -> Pulses:
    """Weeks on air, spread evenly; with many regions each has another one, the larger ones first.

    The order of the regions, which may be that of their names, decides nothing.
    """
    panel = fit.until_last_kpi.panel
    on_air = panel.present[:, :, None] & (panel.exposure > 0)
    n_regions, n_weeks, n_channels = on_air.shape
    recent = np.arange(n_weeks) >= n_weeks - panel.cadence.steps(_LAST_YEAR)
    on_air = np.where((on_air & recent[:, None]).any(axis=1, keepdims=True), on_air & recent[:, None], on_air)
    n_on = on_air.sum(axis=1)  # [region, channel]
    order = np.argsort(~on_air, axis=1, kind="stable")  # weeks on air first, in their order
    runs = _PULSES if n_regions < _PULSES else 1
    size = np.where(panel.weights > 0, panel.kpi, 0.0).sum(axis=1)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    turn = (rank + np.arange(runs)[:, None]) % _PULSES  # [run, region]
    at = ((turn[:, :, None] + 0.5) / _PULSES * n_on).astype(int)  # [run, region, channel]
    week = np.take_along_axis(np.broadcast_to(order, (runs, *order.shape)), at[:, :, None, :], axis=2)[:, :, 0]
    paid = spent(panel)
    unknown = np.full((n_regions, n_weeks, n_channels), np.nan)
    spend = np.take_along_axis(
        np.broadcast_to(unknown if paid is None else paid, (runs, *order.shape)), week[:, :, None, :], axis=2
    )[:, :, 0]
    return Pulses(week, spend)


def _paid(pulses: Pulses) -> np.ndarray:
    """Spend of all pulses of a channel, `[channel]`; NaN where it is unknown."""
    known = ~np.isnan(pulses.spend).all(axis=(0, 1))
    return np.where(known, np.nansum(pulses.spend, axis=(0, 1)), np.nan)


def arrivals(fit: FittedPanel, variables: Variables, pulses: Pulses, decay: np.ndarray | None = None) -> Arrivals:
    """What the pulses bring, by the weeks after them, under each set of parameters.

    Args:
        fit: the fit on its own panel.
        variables: sets of parameters, with a leading axis.
        pulses: weeks that are taken out.
        decay: of these parameters, `[set, channel]`; None for that of the fit.
    """
    tail = settling_weeks(fit, decay)
    horizon = even_weeks(fit, 1, settled=False, tail=tail)
    panel = horizon.panel
    worth = np.ones(panel.present.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    unit = fit.scales.kpi[:, None] * panel.present
    found = _arrivals(
        on_device(variables),
        fit.on(panel).inputs,
        single(np.stack([unit, unit * np.where(panel.present, worth, 0.0)])),
        on_device(pulses.week),
        single(~np.isnan(pulses.spend)),
        fit.design,
        tail + 1,
    )
    kpi, revenue = np.moveaxis(np.asarray(found, np.float64), 2, 0)
    return Arrivals(kpi, revenue)


@jit_once("design", "lags")
def _arrivals(
    variables: Variables, inputs: AnyInputs, weights: Array, week: Array, paid: Array, design: AnyDesign, lags: int
) -> Array:
    """`[draw, channel, 2, lag]`, KPI of all pulses, and revenue of those that are `paid`, 1 or 0 by pulse."""
    weeks, channels = jnp.arange(inputs.exposure.shape[1]), jnp.arange(design.n_channels)

    def one(own: Variables) -> Array:
        as_it_was, _ = forward_pass(own, inputs, design)

        def pulse(asked: tuple[Array, Array, Array]) -> Array:
            at, channel, known = asked  # [region], [], [region]
            out = (weeks == at[:, None])[:, :, None] & (channels == channel)
            without, _ = forward_pass(own, inputs._replace(exposure=jnp.where(out, 0.0, inputs.exposure)), design)
            counted = jnp.stack([jnp.ones_like(known), known])[:, :, None]
            lost = difference(as_it_was, without) * weights * counted  # [2, region, week]

            def after(row: Array, start: Array) -> Array:
                return jax.lax.dynamic_slice_in_dim(row, start, lags, axis=1)

            by_lag: Array = jax.vmap(after, in_axes=(1, 0))(lost, at).sum(axis=0)
            return by_lag

        runs, of_pulses = week.shape[0], (-1, week.shape[1])
        at, known = (jnp.moveaxis(values, 2, 0).reshape(of_pulses) for values in (week, paid))
        asked = (at, jnp.repeat(channels, runs), known)
        return jax.lax.map(pulse, asked).reshape(len(channels), runs, 2, lags).sum(axis=1)

    found: Array = jax.lax.map(one, variables)
    return found


def figures(arrived: Arrivals, paid: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of the table by draw, `[draw, channel]`; NaN without a positive effect, infinite where it never pays.

    Args:
        arrived: what the pulses bring.
        paid: spend of the pulses, `[channel]`; NaN where it is unknown.
    """
    total = arrived.kpi.sum(axis=-1)
    whole = np.where(total > 0, total, np.nan)
    share = np.cumsum(arrived.kpi, axis=-1) / whole[..., None]
    immediate = 100.0 * arrived.kpi[..., 0] / whole
    earned = np.cumsum(arrived.revenue, axis=-1)
    known = (paid > 0) & (total > 0)
    payback = _first(earned >= np.where(known, paid, np.inf)[..., None])
    return {
        "immediate_pct": immediate,
        "carried_pct": 100.0 - immediate,
        "weeks_to_50": np.where(np.isnan(whole), np.nan, _first(share >= _HALF)),
        "weeks_to_90": np.where(np.isnan(whole), np.nan, _first(share >= _MOST)),
        "payback_weeks": np.where(np.isnan(paid) | (paid == 0), np.nan, payback),
    }


def _first(reached: np.ndarray) -> np.ndarray:
    """Weeks until a figure is reached, counted from 1; infinite where it never is. `[..., lag]` to `[...]`."""
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1.0, np.inf)


def _ends(drawn: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval, `[channel]`; missing where fewer than two draws have the figure, or an end is infinite."""
    ends = np.full((2, drawn.shape[1]), np.nan)
    for i, values in enumerate(drawn.T):
        known = values[~np.isnan(values)]
        if len(known) >= 2:
            low = np.quantile(known, (1 - level) / 2, method="lower")
            high = np.quantile(known, (1 + level) / 2, method="higher")
            ends[:, i] = [end if np.isfinite(end) else np.nan for end in (low, high)]
    return ends[0], ends[1]


def _note(fit: FittedPanel, paid: float, immediate: float, payback: float, open_end: bool) -> str:
    found = {
        PaybackNote.NO_EFFECT: bool(np.isnan(immediate)),
        PaybackNote.NO_SPEND: bool(np.isnan(paid)),
        PaybackNote.ZERO_SPEND: paid == 0,
        PaybackNote.NO_REVENUE: fit.panel.revenue_per_kpi is None,
        PaybackNote.NEVER: bool(np.isinf(payback)),
        PaybackNote.PERHAPS_NEVER: open_end,
    }
    kept = [note for note, applies in found.items() if applies]
    return fit.panel.cadence.worded(kept[0].value, ()) if kept else ""
