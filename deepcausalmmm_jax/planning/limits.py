"""Limits of a plan as users state them, and the polytope over the cells of a plan that they describe."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import amount, did_you_mean, is_number, require, shown
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import WHOLE, Cells
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope

Range = tuple[float | None, float | None]  # least and most; None is open
Key = str | tuple[str, object]  # a channel, or a channel and a region
Per = Literal["key", "cell"]
_NEARLY_OFF = 1e-3  # share of today's spend below which bounds are said to allow next to none
_SLACK = 1e-9  # share of an end by which a lower end may exceed its upper one, for rounding


class Labels(Protocol):
    """Names of channels and regions, as a panel has them."""

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
    """What a plan must keep to, in units of spend over the plan's weeks; a range is (least, most), None for no limit.

    Attributes:
        bounds: ranges by channel, or by (channel, region).
        relative_bounds: the same in multiples of today's spend. One range instead of a mapping holds for every cell of
            the plan: each channel x region if it is split by region, each week if it is split by week.
        bounds_per: what a range of a mapping limits: `key`, the sum over the cells of the channel (or of the channel in
            the region), or `cell`, each of these cells, such as the most that a week may have.
        region_bounds: ranges by region, over all channels.
        groups: ranges by tuple of channels, for their sum.
        fixed: channels that keep today's spend, cell by cell.
        minimum: by channel, least spend of a week in which it is on the air (of the whole plan, if that has no weeks).
            No spend is always allowed. Which weeks are on is decided by rounding the plan without minima and by
            switching the closest ones: a good plan, though not guaranteed to be the best.
        each_cell: ranges by channel in multiples of today's spend, for each of its cells, whatever `bounds_per` says;
            `limit` becomes these where other channels have bounds.

    Raises:
        ConfigError: a limit of the wrong kind, or `bounds_per` without bounds. Names are checked when a plan is made.

    Example:
        >>> limits = Limits(relative_bounds=(0.5, 1.5), fixed=["tv"])
        >>> limits = Limits(bounds={"tv": (None, 2e5), ("radio", "north"): (1e3, 5e3)})
    """

    bounds: Mapping[Key, Range] = dataclasses.field(default_factory=dict)
    relative_bounds: Range | Mapping[Key, Range] = dataclasses.field(default_factory=dict)
    bounds_per: Per = "key"
    region_bounds: Mapping[object, Range] = dataclasses.field(default_factory=dict)
    groups: Mapping[tuple[str, ...], Range] = dataclasses.field(default_factory=dict)
    fixed: Sequence[str] = ()
    minimum: Mapping[str, float] = dataclasses.field(default_factory=dict)
    each_cell: Mapping[str, Range] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("bounds", "region_bounds", "groups", "each_cell", "minimum"):
            refuse_no_mapping(getattr(self, name), name)
        relative: object = self.relative_bounds
        is_pair = isinstance(relative, Sequence | np.ndarray) and len(relative) == 2 and not isinstance(relative, str)
        require(
            is_pair or isinstance(relative, Mapping),
            "relative_bounds",
            relative,
            "a pair (least, most) or a mapping by channel",
        )
        require(isinstance(self.fixed, str | Sequence), "fixed", self.fixed, "a list of channels")
        if not isinstance(self.fixed, str):
            object.__setattr__(self, "fixed", tuple(self.fixed))  # equal to the limits that a saved plan is loaded with
        require(self.bounds_per in ("key", "cell"), "bounds_per", self.bounds_per, "key or cell")
        if self.bounds_per == "cell" and not len(self.bounds) and not len(relative):  # type: ignore[arg-type]
            raise ConfigError(
                "bounds_per='cell' says what bounds refer to, but there are none; give bounds or relative_bounds, or "
                "leave it out."
            )

    @property
    def of_every_cell(self) -> Range | None:
        """The multiples of today's spend that hold for every cell, if given as one range."""
        pair = self.relative_bounds
        return None if isinstance(pair, Mapping) else (pair[0], pair[1])

    @property
    def by_key(self) -> Iterator[tuple[str, Key, Range]]:
        """Ranges by channel, or channel and region: name of the option, key, range."""
        yield from (("bounds", key, pair) for key, pair in self.bounds.items())
        if isinstance(self.relative_bounds, Mapping):
            yield from (("relative_bounds", key, pair) for key, pair in self.relative_bounds.items())

    def notes(self, cells: Cells, panel: Labels, step: str = "week") -> tuple[str, ...]:
        """What bounds refer to where that is ambiguous, and which spends they rule out.

        Args:
            cells: of the plan.
            panel: whose channels and regions they are.
            step: of the panel, such as `month`.
        """
        parts = " x ".join(step if part == "week" else part for part in cells.split.split("_"))
        notes = []
        if cells.split != "channel" and self.of_every_cell is not None:
            notes.append(f"The relative bounds hold for each {parts}.")
        elif cells.split != "channel" and (self.bounds or self.relative_bounds):
            each = f"for each {parts}" if self.bounds_per == "cell" else "for the sum over its cells"
            notes.append(f"Bounds by channel, or by channel and region, hold {each}.")
        notes += self._nearly_off(cells, panel)
        idle = self._ruled_out(cells, panel)
        if idle:
            notes.append(f"Relative bounds allow no spend where there is none today: {', '.join(idle)}.")
        return tuple(notes)

    def _nearly_off(self, cells: Cells, panel: Labels) -> Iterator[str]:
        """A sentence for each bound that nearly switches a channel off, as a multiple given for an amount does."""
        for key, pair in self.bounds.items():
            spend = cells.today[_cells_of_key(cells, panel, key, "bounds")]
            most, today = _range(pair, _shown(key))[1], float(spend.max() if self.bounds_per == "cell" else spend.sum())
            if 0 < most < _NEARLY_OFF * today:
                yield (
                    f"The bounds of {_shown(key)} allow a spend of {amount(most)}, of {amount(today)} today, which "
                    "nearly switches it off; multiples of today's spend are relative_bounds (kind relative in a file)."
                )

    def _ruled_out(self, cells: Cells, panel: Labels) -> list[str]:
        """What has no spend today, and so none within relative bounds: whole keys, and numbers of cells of the rest."""
        every = self.of_every_cell
        if every is not None:
            pairs: list[tuple[Key, Range]] = [
                (name, every) for i, name in enumerate(panel.channels) if i in cells.channel
            ]
        else:
            pairs = [(key, pair) for option, key, pair in self.by_key if option == "relative_bounds"]
        by_cell = every is not None or self.bounds_per == "cell"
        each = list(self.each_cell.items())
        idle = []
        for key in (key for key, pair in (*pairs, *each) if _range(pair, _shown(key))[1] < np.inf):
            without = cells.today[_cells_of_key(cells, panel, key, "relative_bounds")] == 0
            if without.all():
                idle.append(_shown(key))
            elif (by_cell or key in self.each_cell) and without.any():
                idle.append(f"{without.sum()} of {len(without)} cells of {_shown(key)}")
        return idle


def refuse_no_mapping(given: object, name: str) -> None:
    """Refuse a setting that should be a mapping and is not; it would be ignored.

    Raises:
        ConfigError: naming the setting.
    """
    require(isinstance(given, Mapping), name, given, "a mapping, such as {'tv': ...}")


def polytope_of(cells: Cells, panel: Labels, limits: Limits) -> Polytope:
    """Limits laid out by cell, all but minimum flights.

    Args:
        cells: of the plan.
        panel: names of channels and regions.
        limits: as stated.

    Raises:
        ConfigError: an unknown channel or region, an end below zero, or a lower end above its upper one.
    """
    polytope = Polytope.nonnegative(len(cells))
    one = np.ones(len(cells))
    if limits.of_every_cell is not None:
        polytope = _with_each(polytope, one > 0, limits.of_every_cell, cells.today, "every cell")
    for option, key, pair in limits.by_key:
        where, name = _cells_of_key(cells, panel, key, option), _shown(key)
        unit = one if option == "bounds" else cells.today
        if limits.bounds_per == "cell":
            polytope = _with_each(polytope, where, pair, unit, name)
        else:
            size = 1.0 if option == "bounds" else float(unit[where].sum())
            polytope = _with_sum(polytope, where, _scaled(_range(pair, name), size), name)
    for channel, pair in limits.each_cell.items():
        where = _cells_of_key(cells, panel, channel, "each_cell")
        polytope = _with_each(polytope, where, pair, cells.today, channel)
    for region, pair in limits.region_bounds.items():
        where, name = cells.region == _region(panel, region, "region_bounds"), f"region {region}"
        if not where.any():
            raise ConfigError(
                f"region_bounds names {region!r}, but the plan is not split by region; set by='channel_region'."
            )
        polytope = _with_sum(polytope, where, _range(pair, name), name)
    for names, pair in limits.groups.items():
        chosen = _listed(names)
        where = np.isin(cells.channel, [_channel(cells, panel, name, "groups") for name in chosen])
        polytope = _with_sum(polytope, where, _range(pair, " + ".join(chosen)), " + ".join(chosen))
    for name in (limits.fixed,) if isinstance(limits.fixed, str) else limits.fixed:
        refuse_unknown_channel(panel.channels, name, "fixed")  # a channel without spend keeps what it has, as asked
        polytope = _with_each(polytope, cells.channel == panel.channels.index(name), (1.0, 1.0), cells.today, name)
    _refuse_contradiction(polytope, cells, panel)
    return polytope


def _listed(names: object) -> tuple[str, ...]:
    """The channels of a group; one without any would limit nothing, and nobody would be told."""
    chosen = (names,) if isinstance(names, str) else names
    if not (isinstance(chosen, tuple) and chosen):
        raise ConfigError(f"A key of groups must be one or more channels, such as ('tv', 'radio'), got {shown(names)}.")
    return chosen


def refuse_unknown_channel(channels: tuple[str, ...], name: object, option: str) -> None:
    """Refuse a name that is no channel of the model.

    Raises:
        ConfigError: naming the option and the channel.
    """
    if not isinstance(name, str) or name not in channels:
        known = f"; the model has {', '.join(channels)}."
        raise ConfigError(f"{option} names the channel {name!r}{did_you_mean(name, channels, known)}")


def _with_each(polytope: Polytope, where: np.ndarray, pair: Range, unit: np.ndarray, name: str) -> Polytope:
    """With each of some cells within a range, in multiples of `unit` `[cell]`."""
    low, high = _range(pair, name)
    most = high * unit if np.isfinite(high) else np.full(len(unit), np.inf)
    return polytope.with_box(np.where(where, low * unit, 0.0), np.where(where, most, np.inf))


def _with_sum(polytope: Polytope, where: np.ndarray, pair: tuple[float, float], name: str) -> Polytope:
    """With the sum of some cells within a range; as ends of cells where it is one cell, or may spend nothing."""
    low, high = pair
    if where.sum() == 1 or high == 0:
        return polytope.with_box(np.where(where, low, 0.0), np.where(where, high, np.inf))
    return polytope.with_sum(where.astype(np.float64), low if low > 0 else -np.inf, high, name)


def _scaled(pair: tuple[float, float], size: float) -> tuple[float, float]:
    return pair[0] * size, pair[1] * size if np.isfinite(pair[1]) else np.inf


def _range(pair: Range, name: str) -> tuple[float, float]:
    """Least and most as numbers."""
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise ConfigError(f"The bounds of {name} must be a pair (least, most), got {shown(pair)}.")
    try:
        low, high = (0.0 if pair[0] is None else float(pair[0])), (np.inf if pair[1] is None else float(pair[1]))
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"The bounds of {name} must be numbers or None, got {shown(pair)}.") from None
    if not is_number(low) or np.isnan(high) or low < 0:
        raise ConfigError(f"The bounds of {name} must be 0 or more, got {shown(pair)}.")
    if low > high:
        raise ConfigError(
            f"The bounds of {name} contradict each other: at least {amount(low)} and at most {amount(high)}."
        )
    return low, high


def _cells_of_key(cells: Cells, panel: Labels, key: Key, option: str) -> np.ndarray:
    """`[cell]`, whether it belongs to a channel, or to a channel and region."""
    if not isinstance(key, tuple):
        return np.asarray(cells.channel == _channel(cells, panel, key, option))
    if len(key) != 2:
        raise ConfigError(f"The key {key!r} of {option} must be a channel, or a channel and a region.")
    name, region = key
    where = cells.channel == _channel(cells, panel, name, option)
    if (cells.region == WHOLE).all():
        raise ConfigError(
            f"{option} names {name} in region {region}, but the plan is not split by region; set by='channel_region'."
        )
    return np.asarray(where & (cells.region == _region(panel, region, option)))


def _shown(key: Key) -> str:
    return f"{key[0]} in {key[1]}" if isinstance(key, tuple) else str(key)


def _channel(cells: Cells, panel: Labels, name: str, option: str) -> int:
    refuse_unknown_channel(panel.channels, name, option)
    position = panel.channels.index(name)
    if not (cells.channel == position).any():
        raise ConfigError(f"{option} names {name!r}, which has no spend and so no budget; it stays as it was.")
    return position


def _region(panel: Labels, region: object, option: str) -> int:
    position = int(region_positions(panel.regions, [region])[0])
    if position < 0:
        hint = nearly(panel.regions, region) or "."
        raise ConfigError(f"{option} names the region {region!r}, which the model does not have{hint}")
    return position


def _refuse_contradiction(polytope: Polytope, cells: Cells, panel: Labels) -> None:
    crossed = polytope.low > polytope.high * (1 + _SLACK)
    if crossed.any():
        i = int(np.flatnonzero(crossed)[0])
        low, high = float(polytope.low[i]), float(polytope.high[i])
        raise ConfigError(
            f"The limits of {panel.channels[cells.channel[i]]} contradict each other: at least {amount(low)} and at "
            f"most {amount(high)}, which is {amount(low - high)} less."
        )
