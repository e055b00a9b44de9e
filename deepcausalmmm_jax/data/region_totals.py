"""Regions that are the sum of others: the rows of a total, which would be counted a second time."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.panel import Panel

_SAME = 0.01  # of the spread of a region's KPI, left by the sum of others
_FEWEST = 8  # weeks beyond the number of regions that may be part of a sum
_MOST_PARTS = 40  # regions among which parts of a sum are looked for
_TEXT = (
    "all, all geos, all regions, eindtotaal, genel toplam, gesamt, gesamtergebnis, gesamtsumme, grand total, "
    "insgesamt, overall, razem, sub total, subtotal, sum, suma, summa, summe, toplam, totaal, total, total general, "
    "total général, totale, totale complessivo, totals, totalt"
)
_NAMES = frozenset(_TEXT.split(", "))


class RegionTotal(NamedTuple):
    """A region whose KPI is the sum of others, or which is called a total."""

    region: str
    parts: tuple[str, ...]  # empty where the name alone tells


def is_total(text: str) -> bool:
    """Whether a text is what people call the sum of the rows or regions above it."""
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").rstrip(": ").split()) in _NAMES


def alike_regions(past: Panel) -> tuple[tuple[str, ...], ...]:
    """Groups of regions whose names differ in case, blanks or hyphens alone, such as `Berlin` and `BERLIN`."""
    groups: dict[str, list[str]] = {}
    for region in map(str, past.regions):
        plain = re.sub(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])", " ", region.strip()).casefold()
        groups.setdefault(plain, []).append(region)
    return tuple(tuple(names) for plain, names in groups.items() if len(names) > 1 and plain)


def region_totals(past: Panel) -> tuple[RegionTotal, ...]:
    """Regions whose KPI is, week by week, the sum of that of smaller regions, and regions that are called a total.

    The regions are gone through from the smallest to the largest, so that the total of totals is found as well. Where
    there are too few weeks, or more than 40 regions, to tell which a sum is of, that of all the smaller ones is tried.
    """
    if len(past.regions) < 2:
        return ()
    by_value = {past.regions[whole]: parts for whole, parts in _sums(np.where(past.weights > 0, past.kpi, np.nan))}
    found = []
    for region in past.regions:
        if region in by_value:
            found.append(RegionTotal(str(region), tuple(str(past.regions[part]) for part in by_value[region])))
        elif is_total(str(region)):
            found.append(RegionTotal(str(region), ()))
    return tuple(found)


def _sums(kpi: np.ndarray) -> Iterator[tuple[int, list[int]]]:
    """Positions of the sums and of their parts; `kpi` `[region, week]`, NaN where it is not known."""
    known = ~np.isnan(kpi)
    size = np.where(known, np.abs(kpi), 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    leaves: list[int] = []
    together, total = np.ones(kpi.shape[1], dtype=bool), np.zeros(kpi.shape[1])  # of the leaves
    moving = (known & (np.nan_to_num(kpi) != 0)).sum(axis=1) >= _FEWEST
    for whole in np.argsort(size, kind="stable").tolist():
        weeks = known[whole] & together
        is_open = len(leaves) > 1 and bool(moving[whole])  # of enough sales to tell a sum from chance
        if is_open and _is_sum(kpi[whole, weeks], total[weeks]) and not _is_multiple(kpi, whole, leaves, weeks):
            yield whole, sorted(leaves)
        elif is_open and (parts := _parts(kpi, whole, leaves, weeks)):
            yield whole, parts
        elif known[whole].any():
            leaves.append(whole)
            together, total = weeks, total + np.where(known[whole], kpi[whole], 0.0)


def _is_sum(whole: np.ndarray, total: np.ndarray) -> bool:
    spread = float(((whole - whole.mean()) ** 2).sum()) if len(whole) >= _FEWEST else 0.0
    return spread > 0 and float(((whole - total) ** 2).sum()) < _SAME**2 * spread


def _is_multiple(kpi: np.ndarray, whole: int, parts: list[int], weeks: np.ndarray) -> bool:
    """Whether all parts are the whole times a factor: one figure that was divided among regions, see `same_regions`."""
    own = kpi[whole, weeks]
    series = kpi[parts][:, weeks]
    factor = series @ own / max(float(own @ own), 1e-300)
    left = ((series - factor[:, None] * own) ** 2).sum(axis=1)
    return bool((left <= _SAME**2 * ((series - series.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)).all())


def _parts(kpi: np.ndarray, whole: int, leaves: list[int], weeks: np.ndarray) -> list[int]:
    """The leaves, at least two, of which one series is the sum, by least squares; none if there are no such."""
    if len(leaves) > min(_MOST_PARTS, int(weeks.sum()) - _FEWEST):
        return []
    series = kpi[leaves][:, weeks]
    weight, *_ = np.linalg.lstsq(series.T, kpi[whole, weeks])
    chosen = weight > 0.5
    parts = sorted(leaf for leaf, is_part in zip(leaves, chosen, strict=True) if is_part)
    if len(parts) < 2 or _is_multiple(kpi, whole, parts, weeks):
        return []
    return parts if _is_sum(kpi[whole, weeks], series[chosen].sum(axis=0)) else []
