"""What a plan may be: bounds of cells, and sums of cells between two ends; checked before anything is solved."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import WHOLE, Cells

Ends = tuple[float | None, float | None]
Per = Literal["key", "cell"]
TOTAL = "the total"
_SLACK = 1e-9  # of the sums at hand, by which they may miss and still count as met


class Names(Protocol):
    """Whatever has channels and regions, as a panel does."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        ...

    @property
    def regions(self) -> pd.Index:
        """Labels of the regions."""
        ...


@dataclass(frozen=True)
class Limits:
    """Limits as users state them, in units of spend but where said otherwise.

    Attributes:
        bounds: by channel, or by (channel, region): least and most spend over the plan's weeks; None is open.
        relative_bounds: the same as multiples of today's spend; one pair instead holds for every cell of the plan.
        per: what bounds by key speak of: the sum of the key's cells, or each of them.
        region_bounds: by region, over all channels.
        groups: by channels: least and most of their sum.
        fixed: channels that keep today's spend, cell by cell.
        minimum: by channel: least spend of a week in which it is on (of the whole, where the plan has no weeks).
    """

    bounds: Mapping[str | tuple[str, object], Ends] = dataclasses.field(default_factory=dict)
    relative_bounds: Ends | Mapping[str | tuple[str, object], Ends] = dataclasses.field(default_factory=dict)
    region_bounds: Mapping[object, Ends] = dataclasses.field(default_factory=dict)
    groups: Mapping[tuple[str, ...], Ends] = dataclasses.field(default_factory=dict)
    fixed: Sequence[str] = ()
    minimum: Mapping[str, float] = dataclasses.field(default_factory=dict)
    per: Per = "key"

    @property
    def every_cell(self) -> Ends | None:
        """The pair of multiples that holds for every cell, where one is given."""
        return None if isinstance(self.relative_bounds, Mapping) else self.relative_bounds

    def notes(self, cells: Cells, panel: Names) -> tuple[str, ...]:
        """Which cells bounds speak of, where that could be read in two ways."""
        parts = " x ".join(cells.split.split("_"))
        told = []
        if cells.split != "channel" and self.every_cell is not None:
            told.append(f"The relative bounds hold for each {parts}.")
        elif cells.split != "channel" and (self.bounds or self.relative_bounds):
            each = f"for each {parts}" if self.per == "cell" else "for the sum over its cells"
            told.append(f"Bounds by channel, or by channel and region, hold {each}.")
        idle = [name for i, name in enumerate(panel.channels) if not cells.today[cells.channel == i].any()]
        idle = [name for name in idle if panel.channels.index(name) in cells.channel]
        if self.every_cell is not None and idle:
            told.append(f"Without spend today, and so without any within relative bounds: {', '.join(idle)}.")
        return tuple(told)


@dataclass(frozen=True, eq=False)
class Feasible:
    """`low <= x <= high` by cell and `least <= rows @ x <= most` by sum.

    Attributes:
        low: `[cell]`.
        high: `[cell]`, may be infinite.
        rows: `[sum, cell]`, 1 for the cells of a sum.
        least: `[sum]`, may be minus infinity.
        most: `[sum]`, may be infinite.
        names: of the sums, as people read them.
    """

    low: np.ndarray
    high: np.ndarray
    rows: sp.csr_matrix
    least: np.ndarray
    most: np.ndarray
    names: tuple[str, ...]

    def with_total(self, total: float) -> "Feasible":
        """With all cells' sum fixed; the last row."""
        return self.with_sum(np.ones(len(self.low)), total, total, TOTAL)

    def with_sum(self, row: np.ndarray, least: float, most: float, name: str) -> "Feasible":
        """With one more sum."""
        return dataclasses.replace(
            self,
            rows=sp.vstack([self.rows, sp.csr_matrix(row[None])], format="csr"),
            least=np.append(self.least, least),
            most=np.append(self.most, most),
            names=(*self.names, name),
        )


def feasible(cells: Cells, panel: Names, limits: Limits) -> Feasible:
    """Limits laid out by cell.

    Raises:
        ConfigError: an unknown channel or region, an end below zero, or a lower end above its upper one.
    """
    n = len(cells)
    plan = Feasible(np.zeros(n), np.full(n, np.inf), sp.csr_matrix((0, n)), np.zeros(0), np.zeros(0), ())
    require(limits.per in ("key", "cell"), "bounds_per", limits.per, "key or cell")
    if limits.every_cell is not None:
        plan = _each_cell(plan, np.ones(n, bool), limits.every_cell, cells.today, "every cell")
    for bounds, unit in ((limits.bounds, np.ones(n)), (limits.relative_bounds, cells.today)):
        for key, pair in bounds.items() if isinstance(bounds, Mapping) else ():
            where, name = _where(cells, panel, key)
            if limits.per == "cell":
                plan = _each_cell(plan, where, pair, unit, name)
                continue
            size = 1.0 if bounds is limits.bounds else float(unit[where].sum())
            plan = _limited(plan, where, _scaled(_ends(pair, name), size), name)
    for region, pair in limits.region_bounds.items():
        where = cells.region == _region(panel, region, "region_bounds")
        if not where.any():
            raise ConfigError(f"region_bounds name {region!r}, but the plan is not split by region; set by.")
        plan = _limited(plan, where, _ends(pair, f"region {region}"), f"region {region}")
    for names, pair in limits.groups.items():
        chosen = (names,) if isinstance(names, str) else names
        where = np.isin(cells.channel, [_channel(cells, panel, name, "groups") for name in chosen])
        plan = _limited(plan, where, _ends(pair, " + ".join(chosen)), " + ".join(chosen))
    for name in (limits.fixed,) if isinstance(limits.fixed, str) else limits.fixed:
        _known(panel, name, "fixed")  # a channel without spend stays as it was, as asked
        plan = _each_cell(plan, cells.channel == panel.channels.index(name), (1.0, 1.0), cells.today, name)
    _refuse_crossed(plan, cells, panel)
    return plan


def _each_cell(plan: Feasible, where: np.ndarray, pair: Ends, unit: np.ndarray, name: str) -> Feasible:
    """Each of some cells between two ends, in multiples of `unit` `[cell]`."""
    low, high = _ends(pair, name)
    most = high * unit if np.isfinite(high) else np.full(len(unit), np.inf)
    low_by_cell, high_by_cell = np.where(where, low * unit, 0.0), np.where(where, most, np.inf)
    return dataclasses.replace(plan, low=np.maximum(plan.low, low_by_cell), high=np.minimum(plan.high, high_by_cell))


def _scaled(ends: tuple[float, float], size: float) -> tuple[float, float]:
    return ends[0] * size, ends[1] * size if np.isfinite(ends[1]) else np.inf


def _ends(ends: Ends, name: str) -> tuple[float, float]:
    if not (isinstance(ends, tuple | list) and len(ends) == 2):
        raise ConfigError(f"The bounds of {name} must be a pair (least, most), got {ends!r}.")
    try:
        low, high = (0.0 if ends[0] is None else float(ends[0])), (np.inf if ends[1] is None else float(ends[1]))
    except (TypeError, ValueError):
        raise ConfigError(f"The bounds of {name} must be numbers or None, got {ends!r}.") from None
    if np.isnan(low) or np.isnan(high) or low < 0 or not np.isfinite(low):
        raise ConfigError(f"The bounds of {name} must be 0 or more, got {ends!r}.")
    if low > high:
        raise ConfigError(f"The bounds of {name} cross: at least {low:,.6g} and at most {high:,.6g}.")
    return low, high


def _limited(plan: Feasible, where: np.ndarray, ends: tuple[float, float], name: str) -> Feasible:
    """A single cell gets bounds, several get a sum, or bounds where they may spend nothing at all."""
    if where.sum() == 1 or ends[1] == 0:
        low, high = np.where(where, ends[0], 0.0), np.where(where, ends[1], np.inf)
        return dataclasses.replace(plan, low=np.maximum(plan.low, low), high=np.minimum(plan.high, high))
    return plan.with_sum(where.astype(np.float64), ends[0] if ends[0] > 0 else -np.inf, ends[1], name)


def _where(cells: Cells, panel: Names, key: str | tuple[str, object]) -> tuple[np.ndarray, str]:
    if isinstance(key, tuple):
        if len(key) != 2:
            raise ConfigError(f"The key {key!r} of bounds must be a channel, or a channel and a region.")
        name, region = key
        where = cells.channel == _channel(cells, panel, name, "bounds")
        if (cells.region == WHOLE).all():
            raise ConfigError(f"The bounds of {name} in region {region} need a plan split by region; set by.")
        return where & (cells.region == _region(panel, region, "bounds")), _named(key)
    return cells.channel == _channel(cells, panel, key, "bounds"), _named(key)


def _named(key: str | tuple[str, object]) -> str:
    return f"{key[0]} in {key[1]}" if isinstance(key, tuple) else str(key)


def _known(panel: Names, name: object, option: str) -> None:
    if name not in panel.channels:
        raise ConfigError(f"{option} name the channel {name!r}; the model has {', '.join(panel.channels)}.")


def _channel(cells: Cells, panel: Names, name: str, option: str) -> int:
    _known(panel, name, option)
    position = panel.channels.index(name)
    if not (cells.channel == position).any():
        raise ConfigError(f"{option} name {name!r}, which has no spend and so no budget; it stays as it was.")
    return position


def _region(panel: Names, region: object, option: str) -> int:
    position = int(region_positions(panel.regions, [region])[0])
    if position < 0:
        hint = nearly(panel.regions, region) or "."
        raise ConfigError(f"{option} name the region {region!r}, which the model does not have{hint}")
    return position


def _refuse_crossed(plan: Feasible, cells: Cells, panel: Names) -> None:
    crossed = plan.low > plan.high * (1 + _SLACK)
    if crossed.any():
        i = int(np.flatnonzero(crossed)[0])
        raise ConfigError(
            f"The bounds of {panel.channels[cells.channel[i]]} cross: at least {plan.low[i]:,.6g} and at most "
            f"{plan.high[i]:,.6g}, so {plan.low[i] - plan.high[i]:,.6g} too much."
        )
