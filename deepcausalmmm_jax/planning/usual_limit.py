"""How far spend may move from today's where nothing else limits a plan: few would dare to double a channel."""

import dataclasses
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.checks import is_number
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.limits import Labels, Limits
from deepcausalmmm_jax.planning.targets import Targets

Limit = float | str | None  # a share, `auto`, or a percentage such as 30%
USUAL = 0.3  # share of today's spend
_SHARE = 1.0  # from which on a number may be a percentage
_SAME_TOTAL = 1e-9


class Limited(NamedTuple):
    """Limits with the usual one among them, and the sentence that says so; none where it does not hold."""

    limits: Limits
    notes: tuple[str, ...]


def limited(limits: Limits, limit: Limit, targets: Targets, cells: Cells, panel: Labels) -> Limited:
    """Add a limit on how far spend may move from today's.

    Args:
        limits: as stated. A channel that `bounds`, `relative_bounds` or `fixed` names follows these alone.
        limit: share of today's spend, up and down, below 1 as a number, or any as a text such as `30%`; `auto` for 30 %
            where the total is fixed and nothing but `fixed` limits the plan; None for no such limit.
        targets: what decides the total. Where the total is not today's, the limit is around today's mix at that total.
        cells: of the plan.
        panel: names of channels and regions.

    Raises:
        ConfigError: a limit that is no share of today's spend, one beside a pair of relative bounds, or one where
            nothing is spent today.
    """
    share = _share(limits, limit, targets, cells)
    if share is None:
        return Limited(limits, ())
    named = {str(key[0]) if isinstance(key, tuple) else key for _, key, _ in limits.by_key} | set(limits.each_cell)
    fixed = {limits.fixed} if isinstance(limits.fixed, str) else set(limits.fixed)
    scale = _scale(targets, cells, panel, fixed)
    pair = (max(0.0, 1.0 - share) * scale, (1.0 + share) * scale)
    exempt = named | (fixed if scale != 1.0 else set())
    note = (_sentence(share, scale, cells, bool(named), limit == "auto"),)
    if not exempt:
        return Limited(dataclasses.replace(limits, relative_bounds=pair), note)
    held = [name for i, name in enumerate(panel.channels) if i in cells.channel and name not in exempt]
    return Limited(dataclasses.replace(limits, each_cell={**limits.each_cell, **dict.fromkeys(held, pair)}), note)


def _share(limits: Limits, limit: Limit, targets: Targets, cells: Cells) -> float | None:
    """The share that holds; None for no limit."""
    if limit is None:
        return None
    nothing_today = not float(cells.today.sum()) > 0
    if isinstance(limit, str) and limit == "auto":
        given = (limits.bounds, limits.relative_bounds, limits.region_bounds, limits.groups, limits.minimum)
        stated = any(given) or bool(limits.each_cell)
        return None if stated or targets.searched or nothing_today else USUAL
    share = _as_share(limit)
    if limits.of_every_cell is not None:
        raise ConfigError("Give limit or relative_bounds=(least, most), not both: each limits every cell of the plan.")
    if nothing_today:
        raise ConfigError("limit is a share of today's spend, and nothing is spent in these weeks today; give bounds.")
    return share


def _as_share(limit: object) -> float:
    """The share that a limit states, as a number or as a percentage."""
    text = limit.strip() if isinstance(limit, str) else ""
    share = np.nan
    if text.endswith("%"):
        with suppress(ValueError):
            share = float(text.removesuffix("%")) / 100.0
    elif not isinstance(limit, str) and is_number(limit):
        share = float(limit)  # type: ignore[arg-type]
    if not (np.isfinite(share) and share >= 0):
        raise ConfigError(
            f"limit is a share of today's spend, 0.3 or '30%' for 30% up and down, or None for no limit, got {limit!r}."
        )
    if not text and share >= _SHARE:
        raise ConfigError(
            f"limit is a share of today's spend, and {share:g} may be a percentage: write '{share:g}%' or "
            f"'{100 * share:g}%'."
        )
    return share


def _scale(targets: Targets, cells: Cells, panel: Labels, fixed: set[str]) -> float:
    """The total over today's, apart from channels that keep today's spend; 1 where a figure decides the total."""
    if targets.total is None:
        return 1.0
    still = [panel.channels[i] in fixed for i in cells.channel]
    held = float(cells.today[still].sum())
    free = float(cells.today.sum()) - held
    scale = (float(targets.total) - held) / free if free > 0 else 1.0
    return 1.0 if scale <= 0 or abs(scale - 1.0) < _SAME_TOTAL else scale


def _sentence(share: float, scale: float, cells: Cells, others: bool, by_default: bool) -> str:
    what = " x ".join(cells.split.split("_"))
    own = " without bounds of its own" if what == "channel" else ", of channels without bounds of their own,"
    whose = f"each {what}{own}" if others else f"each {what}"
    around = "today's spend" if scale == 1.0 else "its share of today's spend, scaled to this total"
    why = " (the default; another limit, or bounds, can be given)" if by_default else ""
    return f"Spend of {whose} stays within {100 * share:.3g}% of {around}{why}."
