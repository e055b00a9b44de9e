"""The weeks of a plan: what was bought, what it cost, and which region-weeks count."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.prices import Booked, priced
from deepcausalmmm_jax.attribution.worth import known_worth, last_year, mean_worth, usual_worth
from deepcausalmmm_jax.config.curves import HALF_LIVES
from deepcausalmmm_jax.data.bookings import Booking
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.roles_of_run import with_roles_of
from deepcausalmmm_jax.errors import ConfigError, DataError

_LEFT = 0.01  # share of the carry-over below which a plan's effect counts as over
_SLOWEST = 0.9999  # decay a step; in single precision a draw may be 1
_LONGEST_TAIL = 52  # weeks


@dataclass(frozen=True, eq=False)
class Horizon:
    """Weeks of a plan, with the history before them and the carry-over after them.

    Attributes:
        panel: from the fit's first week to the last one counted, with exposure as it is without a plan.
        start: position of the plan's first week.
        stop: position after its last week.
        counted: `[region, week from start]`, whether the outcome counts.
        worth: `[region, week from start]`, currency per KPI unit; 1 where no revenue per KPI is known.
        spend: `[region, plan week, channel]`; NaN for a channel without cost.
        price: `[region, plan week, channel]`, currency per exposure unit; NaN likewise.
        in_currency: whether spend is in currency; otherwise it is exposure.
        has_revenue: whether `worth` is in currency.
        notes: assumptions that had to be made.
        free: `[region, plan week, channel]`, exposure beside what is bought in the same week; None: a week with spend
            has none.
    """

    panel: Panel
    start: int
    stop: int
    counted: np.ndarray
    worth: np.ndarray
    spend: np.ndarray
    price: np.ndarray
    in_currency: bool
    has_revenue: bool
    notes: tuple[str, ...] = ()
    free: np.ndarray | None = None

    @property
    def weeks(self) -> pd.Index:
        """The plan's weeks."""
        return self.panel.weeks[self.start : self.stop]

    @property
    def exposure(self) -> np.ndarray:
        """`[region, plan week, channel]`, channel units, without a plan."""
        return self.panel.exposure[:, self.start : self.stop]

    @property
    def present(self) -> np.ndarray:
        """`[region, plan week]`, where exposure can be bought."""
        return self.panel.present[:, self.start : self.stop]


def past_weeks(
    fit: FittedPanel,
    weeks: int | tuple[int, int] | None = None,
    cost: Mapping[str, float] | None = None,
) -> Horizon:
    """Weeks of the panel of the fit.

    Args:
        fit: the fit on its own panel.
        weeks: None for all weeks up to the last one with a KPI, counted as `media_summary` counts them; a number for
            the panel's last weeks, or positions (first, after the last); then the carry-over into the weeks after the
            last one counts too.
        cost: currency per exposure unit of channels whose spend the panel does not have, or has as 0 throughout.

    Raises:
        ConfigError: weeks that the panel does not have.
        DataError: a cost of an unknown channel, or of one whose spend gives its price.
    """
    panel, n_weeks = fit.panel, len(fit.panel.weeks)
    start, stop = _positions(weeks, n_weeks, panel.n_past_weeks, panel.cadence)
    tail = 0 if weeks is None else settling_weeks(fit)
    prices, plan = priced(panel, cost), slice(start, stop)
    in_currency = panel.spend is not None or bool(cost)
    return _horizon(
        fit,
        panel,
        (start, stop, tail),
        prices.spend[:, plan],
        prices.price[:, plan],
        in_currency,
        prices.notes(panel.channels, panel.exposure, plan),
    )


def _positions(weeks: object, n_weeks: int, n_observed: int, cadence: Cadence) -> tuple[int, int]:
    """First position and the one after the last."""
    if weeks is None:
        return 0, n_observed
    if isinstance(weeks, int | np.integer) and not isinstance(weeks, bool):
        start, stop = n_weeks - int(weeks), n_weeks
    elif isinstance(weeks, tuple | list) and len(weeks) == 2 and all(isinstance(at, int | np.integer) for at in weeks):
        start, stop = int(weeks[0]), int(weeks[1])
    else:
        raise ConfigError(
            f"weeks must be None, a number of {cadence.unit}s, two positions or a panel of future {cadence.unit}s, got "
            f"{weeks!r}."
        )
    if not 0 <= start < stop <= n_weeks:
        raise ConfigError(f"The panel has {cadence.several(n_weeks)}; weeks={weeks!r} does not lie within them.")
    return start, stop


def future_weeks(
    fit: FittedPanel,
    asked: Panel,
    cost: Mapping[str, float] | None = None,
    bookings: tuple[Booking, ...] | None = None,
) -> Horizon:
    """Weeks given as a panel that continues the fit's, with its controls; its KPI is not read.

    Weeks that the fit's panel has after them follow, as they are there.

    Args:
        fit: the fit on its own panel.
        asked: exposure as it is without a plan; its spend, if any, gives the prices.
        cost: currency per exposure unit of channels whose spend the panel does not have, or has as 0 throughout.
        bookings: how the spend of each channel was booked, where it is assigned to exposure already; None where it is
            as booked, and the fit's weeks before show how.

    Raises:
        DataError: the panel does not continue the fit's, or a channel has spend without exposure, or neither spend nor
            cost although it had spend before.
    """
    asked = with_roles_of(fit.panel, asked)
    full, weeks, regions = continued(fit.panel, asked, followed=True)  # by what is planned while carry-over arrives
    history = fit.panel
    shape = (len(history.regions), len(asked.weeks), len(history.channels))
    spend, price = np.full(shape, np.nan), np.full(shape, np.nan)
    asked = _in_order(asked, history.channels)
    _refuse_spend_off_air(asked)
    past = None if history.spend is None else priced(history, None).of(regions)
    prices = priced(asked, cost, past, _booked_before(history, weeks.start, regions), bookings)
    if asked.spend is not None or cost:
        spend[regions], price[regions] = prices.spend, prices.price
    if history.spend is not None or cost:
        _refuse_unpriced(history, spend, full.week_label(weeks.start))
    elif asked.spend is None:
        spend[regions], price[regions] = prices.spend, prices.price
    elsewhere = ~np.isin(np.arange(shape[0]), regions)
    spend[elsewhere] = np.where(np.isnan(spend).all(axis=(0, 1)), np.nan, 0.0)
    full = dataclasses.replace(full, revenue_per_kpi=_future_worth(history, asked, regions, weeks, len(full.weeks)))
    notes = prices.notes(asked.channels, asked.exposure, slice(None))
    if asked.revenue_per_kpi is None and history.revenue_per_kpi is not None:
        worth = "The panel of future weeks has no revenue per KPI; each region's mean over the last year is used."
        notes = (*notes, worth)
    tail = settling_weeks(fit)
    in_currency = history.spend is not None or asked.spend is not None or bool(cost)
    found = _horizon(fit, full, (weeks.start, weeks.stop, tail), spend, price, in_currency, notes)
    if elsewhere.any():
        found.counted[elsewhere] = False
    return found


def _booked_before(history: Panel, start: int, regions: np.ndarray) -> Booked | None:
    """What was booked in the weeks of the fit's panel before those asked for, in their regions; None without spend."""
    if history.spend is None or not start:
        return None
    return Booked(history.spend[regions, :start], history.exposure[regions, :start])


def even_weeks(fit: FittedPanel, n_weeks: int, settled: bool, tail: int | None = None) -> Horizon:
    """Weeks after the last one with a KPI, with every region's mean weekly exposure of the last year, for curves.

    Args:
        fit: the fit on its own panel.
        n_weeks: weeks with the exposure in question, after which the mean continues.
        settled: only the last week counts, when carry-over has settled and coefficients are at their constant part.
        tail: weeks of carry-over after them; None for `settling_weeks` of the fit.
    """
    panel = fit.until_last_kpi.panel
    spend, price, _ = priced(panel, None)
    recent = last_year(panel)
    rows = np.maximum(panel.present[:, recent].sum(axis=1), 1)[:, None]
    mean, paid = panel.exposure[:, recent].sum(axis=1) / rows, spend[:, recent].sum(axis=1) / rows
    free = np.where(spend[:, recent] == 0, panel.exposure[:, recent], 0.0).sum(axis=1) / rows
    bought = mean - free
    longer = _lengthened(panel, n_weeks, mean, fit)
    start, shape = len(panel.weeks), (len(panel.regions), n_weeks, len(panel.channels))
    even = np.broadcast_to(paid[:, None], shape)
    is_paid = (paid > 0) & (bought > 0)
    per_unit = np.where(is_paid, paid / np.where(is_paid, bought, 1.0), price[:, -1])
    typical = np.broadcast_to(per_unit[:, None], shape)
    if tail is None:
        tail = 0 if settled else settling_weeks(fit)
    found = _horizon(fit, longer, (start, start + n_weeks, tail), even, typical, panel.spend is not None)
    if settled:
        found.counted[:, :-1] = False
    return dataclasses.replace(found, free=np.broadcast_to(free[:, None], shape)) if free.any() else found


def settling_weeks(fit: FittedPanel, decay: np.ndarray | None = None) -> int:
    """Steps of the panel until less than 1% of any channel's carry-over is left, a year at most.

    Args:
        fit: the fit on its own panel.
        decay: of members of an ensemble, `[member, channel]`; None for that of the fit.
    """
    decay = np.asarray(fit.internals.curves.decay) if decay is None else decay
    kinds, longest = fit.family.curve_kinds(fit.config, fit.panel), 0
    for kind, channels in kinds.groups():
        if kind.adstock in HALF_LIVES:
            slowest = min(float(np.max(decay[..., list(channels)])), _SLOWEST)
            waits = kind.n_waits - 1 if kind.adstock == "delayed_geometric" else 0
            steps = np.ceil(np.log(_LEFT) / np.log(slowest)) + waits
            longest = max(longest, int(np.clip(steps, 1, fit.panel.cadence.steps(_LONGEST_TAIL))))
        elif kind.adstock != "none":
            longest = max(longest, kinds.max_lag - 1)
    return longest


def _horizon(
    fit: FittedPanel,
    panel: Panel,
    span: tuple[int, int, int],  # first week, week after the last, weeks of carry-over that count
    spend: np.ndarray,
    price: np.ndarray,
    in_currency: bool,
    notes: tuple[str, ...] = (),
) -> Horizon:
    """A horizon; where its tail is longer than the panel, weeks with the plan's mean exposure are appended."""
    start, stop, tail = span
    lacking = max(0, stop + tail - len(panel.weeks))
    rows = np.maximum(panel.present[:, start:stop].sum(axis=1), 1)[:, None]
    mean = panel.exposure[:, start:stop].sum(axis=1) / rows
    longer = _lengthened(panel, lacking, mean, fit) if lacking else panel
    if len(longer.weeks) > stop + tail:  # else the panel stays the very same, and what was prepared for it with it
        longer = longer.select(weeks=slice(0, stop + tail))
    worth, unknown = known_worth(longer, fit.panel.n_past_weeks, fit.until_last_kpi.panel)
    if (unknown & longer.present)[:, start:stop].any():
        notes = (
            *notes,
            "Where planned weeks have a revenue per KPI of 0, each region's mean over the last year is used.",
        )
    return Horizon(
        panel=longer,
        start=start,
        stop=stop,
        counted=longer.present[:, start:].copy(),
        worth=np.ones(longer.present[:, start:].shape) if worth is None else worth[:, start:],
        spend=spend,
        price=price,
        in_currency=in_currency,
        has_revenue=worth is not None,
        notes=notes,
    )


def _in_order(asked: Panel, channels: tuple[str, ...]) -> Panel:
    order = [asked.channels.index(name) for name in channels]
    spend, often = (None if array is None else array[:, :, order] for array in (asked.spend, asked.frequency))
    exposure = asked.exposure[:, :, order]
    return dataclasses.replace(asked, channels=channels, exposure=exposure, spend=spend, frequency=often)


def _refuse_spend_off_air(asked: Panel) -> None:
    """Refuse spend without any exposure: what it would buy is unknown."""
    if asked.spend is None:
        return
    for i, name in enumerate(asked.channels):
        if np.nansum(asked.spend[:, :, i]) > 0 and not asked.exposure[:, :, i].any():
            raise DataError(
                f"The weeks from {asked.week_label(0)} on have spend for {name!r} but no exposure; give the exposure "
                "that it buys, or set its spend to 0 and let the plan decide."
            )


def _refuse_unpriced(history: Panel, spend: np.ndarray, first: str) -> None:
    if history.spend is None:
        return
    was_paid = ~np.isnan(history.spend).all(axis=(0, 1))
    for i, name in enumerate(history.channels):
        if was_paid[i] and np.isnan(spend[:, :, i]).all():
            raise DataError(
                f"The weeks from {first} on have no cost for {name!r}; give its spend beside its exposure in the "
                f"panel, or cost={{{name!r}: ...}} per exposure unit."
            )


def _future_worth(history: Panel, asked: Panel, regions: np.ndarray, weeks: slice, n_weeks: int) -> np.ndarray | None:
    """Revenue per KPI of the history and the weeks asked for, `[region, week]`."""
    if history.revenue_per_kpi is None and asked.revenue_per_kpi is None:
        return None
    past = history.revenue_per_kpi
    worth = np.zeros((len(history.regions), n_weeks))
    if past is not None:
        known = min(past.shape[1], n_weeks)
        worth[:, :known] = past[:, :known]
        worth[:, weeks] = mean_worth(history.until_last_kpi())[:, None]
    if asked.revenue_per_kpi is not None:
        worth[regions, weeks] = asked.revenue_per_kpi
    return worth


def _lengthened(panel: Panel, n_weeks: int, exposure: np.ndarray, fit: FittedPanel) -> Panel:
    """The panel with `n_weeks` appended: exposure `[region, channel]` in each, controls at their centre."""
    regions = len(panel.regions)
    behind = panel.cadence.later(panel.weeks, n_weeks)

    def longer(past: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([past, np.broadcast_to(new[:, None], (regions, n_weeks, *past.shape[2:]))], axis=1)

    here = np.asarray(panel.present.any(axis=1))
    worth = (
        None
        if panel.revenue_per_kpi is None
        else longer(panel.revenue_per_kpi, usual_worth(panel, fit.until_last_kpi.panel))
    )
    return dataclasses.replace(
        panel,
        weeks=panel.weeks.append(behind),
        kpi=longer(panel.kpi, np.zeros(regions)),
        weights=longer(panel.weights, np.zeros(regions)),
        present=longer(panel.present, here),
        exposure=longer(panel.exposure, exposure),
        control=longer(panel.control, fit.scales.control_center),
        spend=None,
        revenue_per_kpi=worth,
        frequency=None if panel.frequency is None else longer(panel.frequency, panel.frequency[:, -1] * 0.0),
    )
