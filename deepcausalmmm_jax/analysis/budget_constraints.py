"""What a plan may be: bounds of cells, and sums of cells between two ends; checked before anything is solved."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import linprog

from deepcausalmmm_jax.analysis.budget_cells import WHOLE, Cells
from deepcausalmmm_jax.errors import ConfigError

Ends = tuple[float | None, float | None]
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
        relative_bounds: the same as multiples of today's spend; one pair for all channels, or by key.
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

    def violation(self, x: np.ndarray) -> float:
        """Largest miss of any limit, relative to the limit or to the sum of all cells, whichever is larger."""
        sums, size = self.rows @ x, max(np.abs(x).sum(), 1e-300)
        cells = np.concatenate([self.low - x, np.where(np.isfinite(self.high), x - self.high, -np.inf)])
        misses = np.concatenate([self.least - sums, sums - self.most, cells])
        return float(max(misses.max(initial=0.0), 0.0) / size)


def feasible(cells: Cells, panel: Names, limits: Limits) -> Feasible:
    """Limits laid out by cell.

    Raises:
        ConfigError: an unknown channel or region, an end below zero, or a lower end above its upper one.
    """
    n = len(cells)
    plan = Feasible(np.zeros(n), np.full(n, np.inf), sp.csr_matrix((0, n)), np.zeros(0), np.zeros(0), ())
    for key, ends in _both(cells, panel, limits):
        where, name = _where(cells, panel, key)
        plan = _limited(plan, where, ends, name)
    for region, pair in limits.region_bounds.items():
        where = cells.region == _region(panel, region, "region_bounds")
        if not where.any():
            raise ConfigError(f"region_bounds name {region!r}, but the plan is not split by region; set by.")
        plan = _limited(plan, where, _ends(pair, f"region {region}"), f"region {region}")
    for names, pair in limits.groups.items():
        chosen = (names,) if isinstance(names, str) else names
        where = np.isin(cells.channel, [_channel(cells, panel, name, "groups") for name in chosen])
        plan = _limited(plan, where, _ends(pair, " + ".join(chosen)), " + ".join(chosen))
    for name in limits.fixed:
        where = cells.channel == _channel(cells, panel, name, "fixed")
        plan = dataclasses.replace(
            plan, low=np.where(where, cells.today, plan.low), high=np.where(where, cells.today, plan.high)
        )
    _refuse_crossed(plan, cells, panel)
    return plan


def _both(cells: Cells, panel: Names, limits: Limits) -> list[tuple[str | tuple[str, object], tuple[float, float]]]:
    """Bounds by key, absolute, the relative ones times today's spend."""
    relative = limits.relative_bounds
    if isinstance(relative, tuple):
        bought = [panel.channels[i] for i in np.unique(cells.channel)]
        relative = {name: relative for name in bought}
    found = [(key, _ends(ends, _named(key))) for key, ends in limits.bounds.items()]
    for key, pair in relative.items():
        low, high = _ends(pair, _named(key))
        today = float(cells.today[_where(cells, panel, key)[0]].sum())
        found.append((key, (low * today, high * today if np.isfinite(high) else np.inf)))
    return found


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
        name, region = key
        where = cells.channel == _channel(cells, panel, name, "bounds")
        if (cells.region == WHOLE).all():
            raise ConfigError(f"The bounds of {name} in region {region} need a plan split by region; set by.")
        return where & (cells.region == _region(panel, region, "bounds")), _named(key)
    return cells.channel == _channel(cells, panel, key, "bounds"), _named(key)


def _named(key: str | tuple[str, object]) -> str:
    return f"{key[0]} in {key[1]}" if isinstance(key, tuple) else str(key)


def _channel(cells: Cells, panel: Names, name: str, option: str) -> int:
    if name not in panel.channels:
        raise ConfigError(f"{option} name the channel {name!r}; the model has {', '.join(panel.channels)}.")
    position = panel.channels.index(name)
    if not (cells.channel == position).any():
        raise ConfigError(f"{option} name {name!r}, which has no spend and so no budget; it stays as it was.")
    return position


def _region(panel: Names, region: object, option: str) -> int:
    labels = [str(label) for label in panel.regions]  # as a table on disk has them, too
    if str(region) not in labels:
        raise ConfigError(f"{option} name the region {region!r}, which the model does not have.")
    return labels.index(str(region))


def _refuse_crossed(plan: Feasible, cells: Cells, panel: Names) -> None:
    crossed = plan.low > plan.high * (1 + _SLACK)
    if crossed.any():
        i = int(np.flatnonzero(crossed)[0])
        raise ConfigError(
            f"The bounds of {panel.channels[cells.channel[i]]} cross: at least {plan.low[i]:,.6g} and at most "
            f"{plan.high[i]:,.6g}, so {plan.low[i] - plan.high[i]:,.6g} too much."
        )


def total_range(plan: Feasible) -> tuple[float, float]:
    """Least and most that a plan within the limits can spend.

    Raises:
        ConfigError: no plan meets all limits; says which cannot be met, and by how much.
    """
    if not len(plan.least):
        return float(plan.low.sum()), float(plan.high.sum())
    scale = _scale(plan)
    least = _linear(plan, np.ones(len(plan.low)), scale)
    if least is None:
        raise ConfigError(_what_is_missing(plan, scale))
    if not np.isfinite(plan.high).all() and _unbounded(plan):
        return least, np.inf
    most = _linear(plan, -np.ones(len(plan.low)), scale)
    return least, np.inf if most is None else -most


def refuse_total(plan: Feasible, total: float) -> None:
    """Refuse a total that the limits do not allow.

    Raises:
        ConfigError: says by how much it is too small or too large, or which limits contradict each other.
    """
    if not (np.isfinite(total) and total > 0):
        raise ConfigError(f"The total must be above 0, got {total:,.6g}.")
    least, most = total_range(plan)
    if total < least * (1 - _SLACK):
        raise ConfigError(
            f"The total {total:,.6g} is {least - total:,.6g} below the sum of the least spends, {least:,.6g}; raise it "
            "or lower the bounds."
        )
    if total > most * (1 + _SLACK):
        raise ConfigError(
            f"The total {total:,.6g} is {total - most:,.6g} above the sum of the most spends, {most:,.6g}; lower it or "
            "raise the bounds."
        )


def _scale(plan: Feasible) -> float:
    ends = np.concatenate([plan.low, plan.least, plan.most, plan.high])
    ends = np.abs(ends[np.isfinite(ends)])
    return float(ends.max(initial=0.0)) or 1.0


def _unbounded(plan: Feasible) -> bool:
    """Whether some cell without an upper end is in no sum that has one."""
    held = np.asarray(plan.rows[np.isfinite(plan.most)].sum(axis=0)).ravel() > 0
    return bool((~np.isfinite(plan.high) & ~held).any())


def _inequalities(plan: Feasible, scale: float) -> tuple[sp.csr_matrix, np.ndarray, list[int]]:
    above, below = np.flatnonzero(np.isfinite(plan.most)), np.flatnonzero(np.isfinite(plan.least))
    rows = sp.vstack([plan.rows[above], -plan.rows[below]], format="csr")
    ends = np.concatenate([plan.most[above], -plan.least[below]]) / scale
    return rows, ends, [*above, *below]


def _linear(plan: Feasible, slope: np.ndarray, scale: float) -> float | None:
    """Least of `slope @ x` within the limits; None where there is none."""
    rows, ends, _ = _inequalities(plan, scale)
    box = np.stack([plan.low, plan.high], axis=1) / scale
    found = linprog(slope, A_ub=rows if rows.shape[0] else None, b_ub=ends if rows.shape[0] else None, bounds=box)
    return float(found.fun) * scale if found.status == 0 else None


def _what_is_missing(plan: Feasible, scale: float) -> str:
    """The sums that miss their ends in the plan that misses least."""
    rows, ends, origin = _inequalities(plan, scale)
    k, n = rows.shape
    wide = sp.hstack([rows, -sp.identity(k)], format="csr")
    cost = np.concatenate([np.zeros(n), np.ones(k)])
    box = np.concatenate([np.stack([plan.low, plan.high], axis=1) / scale, np.tile([0.0, np.inf], (k, 1))])
    missing = linprog(cost, A_ub=wide, b_ub=ends, bounds=box).x[n:] * scale
    parts = [f"{plan.names[origin[i]]} by {missing[i]:,.6g}" for i in np.flatnonzero(missing > 1e-7 * scale)]
    return f"No plan meets all bounds: they miss {', '.join(parts)}; widen these or the bounds of what they contain."
