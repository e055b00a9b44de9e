"""Problems of a panel that do not prevent a fit but that users should know, reported before the fit."""

import warnings
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.checks import varies_within_regions
from deepcausalmmm_jax.data.kpi_notes import constant_regions, huge_weeks, net_regions, odd_levels, turned_weeks
from deepcausalmmm_jax.data.near_copies import Copies, copies, same_regions, sums
from deepcausalmmm_jax.data.outliers import outliers
from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last
from deepcausalmmm_jax.data.region_totals import alike_regions, region_totals
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.errors import DataWarning

NOTE_COLUMNS = ("kind", "names", "note")
_NAMED = 5
_AS_TOTAL = 0.95  # correlation of the revenue per unit with the KPI from which it is likelier a total
_FEWEST_WEEKS = 8


class NoteKind(StrEnum):
    """Subject of a note."""

    CONSTANT_KPI = "constant KPI"  # of regions
    NET_KPI = "KPI around zero"  # of regions
    ODD_LEVEL = "level of the KPI"  # of a region
    TURNED_SIGN = "KPI with another sign"  # in weeks
    HUGE_KPI = "huge KPI"  # in regions and weeks
    SAME_REGIONS = "regions with one KPI"  # groups of them
    ALIKE_NAMES = "names of regions"  # groups of them
    REGION_TOTAL = "total of regions"  # a region, and those that it is the sum of
    OUTLIER = "outlier"  # a column in a region and week
    COPIES = "near-copies"  # among channels and controls
    KPI_COPY = "copy of the KPI"  # among channels and controls
    SUM = "sum of others"  # a channel
    CONSTANT_CONTROL = "constant control"
    SEEN_ONCE = "event seen once"
    TOTAL_REVENUE = "revenue per KPI"  # the KPI
    NO_EXPOSURE = "spend without exposure"  # of a channel


class PanelNote(NamedTuple):
    """One problem of a panel."""

    kind: NoteKind
    names: tuple[str, ...]  # of the regions, weeks, channels or controls concerned
    sentence: str  # its meaning and a remedy


def panel_notes(panel: Panel, weights: np.ndarray) -> tuple[PanelNote, ...]:
    """All problems of a panel that should be known before it is fitted.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training; weeks after the last one with weight are only checked
            for outliers and for spend without exposure.
    """
    past, told = panel.select(weeks=slice(0, weeks_up_to_last(weights))), panel.until_last_kpi()
    columns = (_on_likeness(past), _on_controls(past), _on_events(past), _on_revenue(past), _on_spend(told))
    found = (_on_kpi(past), _on_regions(past), _on_outliers(told), *columns)
    worded = Wording(panel)
    return tuple(note._replace(sentence=worded(note.sentence)) for notes in found for note in notes)


def warn_of(notes: Sequence[PanelNote], label: str = "", stacklevel: int = 3) -> None:
    """Issue each note as a `DataWarning`.

    Args:
        notes: to issue.
        label: of the panel if there are several, put before each sentence.
        stacklevel: as in `warnings.warn`; 3 is the line that called the caller.
    """
    for note in notes:
        warnings.warn(label + note.sentence, DataWarning, stacklevel=stacklevel)


def note_table(notes: Sequence[PanelNote]) -> pd.DataFrame:
    """Notes as a table: `kind`, `names` (comma-separated) and `note`."""
    rows = [(note.kind.value, ", ".join(note.names), note.sentence) for note in notes]
    return pd.DataFrame(rows, columns=list(NOTE_COLUMNS))


def _on_kpi(past: Panel) -> Iterator[PanelNote]:
    kpi = past.kpi_name
    if constant := constant_regions(past):
        own = "its figures come" if len(constant) == 1 else "their figures come"
        yield PanelNote(
            NoteKind.CONSTANT_KPI,
            constant,
            f"The KPI {kpi!r} is the same in all training weeks of {_regions(constant)}: nothing is learned from it, "
            f"and {own} from the other regions; remove it if the values were filled in.",
        )
    if net := net_regions(past):
        yield PanelNote(
            NoteKind.NET_KPI,
            net,
            f"The KPI {kpi!r} of {_regions(net)} has a mean that is negative, or small next to its weekly changes: its "
            "weekly changes, not its mean, then set its scale relative to other regions and in shares of the KPI.",
        )
    for at in odd_levels(past)[:_NAMED]:
        yield PanelNote(
            NoteKind.ODD_LEVEL,
            (at.region,),
            f"The KPI {kpi!r} of region {at.region}, next to its weekly changes, is {at.times:.2g} times as high as in "
            "other regions, as if an amount were missing from it, such as returns, or had been added: its changes, not "
            "its level, then set its scale relative to other regions. Correct the KPI if so.",
        )
    if turned := turned_weeks(past):
        weeks = "week" if len(turned) == 1 else "weeks"
        yield PanelNote(
            NoteKind.TURNED_SIGN,
            turned,
            f"The KPI {kpi!r} is below 0 in {weeks} {_few(turned)} in every region, and rarely in other weeks: "
            "check whether its sign is reversed, or leave it empty there and pass missing_kpi='mask'.",
        )


def _on_regions(past: Panel) -> Iterator[PanelNote]:
    for group in same_regions(past):
        yield PanelNote(
            NoteKind.SAME_REGIONS,
            group,
            f"The KPI {past.kpi_name!r} of {_regions(group)} is the same in every week, up to a factor: they were "
            "copied, or one figure was divided among them, and count as several regions where there is one; keep one, "
            "or add them up.",
        )
    for group in alike_regions(past):
        yield PanelNote(
            NoteKind.ALIKE_NAMES,
            group,
            f"The names of {_regions(group)} differ in case, blanks or hyphens alone: if they are one region, write "
            "them alike; as they are, each has its own effects, and what ran in one is missing in the other.",
        )
    for total in region_totals(past):
        if total.parts:
            sentence = (
                f"The KPI {past.kpi_label!r} of region {total.region} is the sum of that of {_regions(total.parts)}: "
                "every sale there counts twice; leave the rows of the total out."
            )
        else:
            sentence = (
                f"Region {total.region!r} is called a total: if it holds the sales of other regions, these count "
                "twice, and its rows are to be left out; rename it if it is a region of its own."
            )
        yield PanelNote(NoteKind.REGION_TOTAL, (total.region, *total.parts), sentence)


def _on_outliers(panel: Panel) -> Iterator[PanelNote]:
    kpi = panel.kpi_name
    for at in huge_weeks(panel)[:_NAMED]:
        yield PanelNote(
            NoteKind.HUGE_KPI,
            (at.region, at.week),
            f"The KPI {kpi!r} of region {at.region} in week {at.week} is {at.value:,.4g}, {at.times:,.0f} times its "
            "median: if that is an error, leave it empty there and pass missing_kpi='mask'.",
        )
    for cell in outliers(panel)[:_NAMED]:
        yield PanelNote(
            NoteKind.OUTLIER,
            (cell.column, cell.region, cell.week),
            f"The {cell.column} is {cell.value:,.4g} in region {cell.region}, week {cell.week}, {cell.times:,.0f} "
            "times as far from its median as in other weeks: check it for a wrong unit or a typo.",
        )


def _on_likeness(past: Panel) -> Iterator[PanelNote]:
    alike = copies(past)
    for group in alike:
        yield _copy_note(group, past)
    named = {name for group in alike for name in group.channels}
    for total, parts in sums(past):
        if total not in named:
            yield PanelNote(
                NoteKind.SUM,
                (total, *parts),
                f"Channel {total!r} is a sum of {_few([repr(part) for part in parts])} to within 1% of its variance: "
                "its effect cannot be separated from theirs; remove it if it is their total.",
            )


def _copy_note(group: Copies, past: Panel) -> PanelNote:
    names = [*(f"channel {name!r}" for name in group.channels), *(f"control {name!r}" for name in group.controls)]
    listed, likeness = _few(names), f"(correlation {group.likeness:.3f} within regions)"
    every = (*group.channels, *group.controls)
    if group.with_kpi:
        rise = "rises and falls" if len(names) == 1 else "rise and fall"
        sentence = (
            f"{listed[0].upper()}{listed[1:]} {rise} with the KPI {past.kpi_name!r} itself {likeness}: a series "
            "derived from the KPI takes the credit for it, and media effects become meaningless; remove it."
        )
        return PanelNote(NoteKind.KPI_COPY, every, sentence)
    remedy = "keep only one, or add channels up" if len(group.channels) > 1 else "keep only one"
    sentence = (
        f"{listed[0].upper()}{listed[1:]} rise and fall together {likeness}: the data cannot separate their effects; "
        f"{remedy}."
    )
    return PanelNote(NoteKind.COPIES, every, sentence)


def _on_controls(past: Panel) -> Iterator[PanelNote]:
    treatments = {entry.name for entry in past.treatments}
    for k, name in enumerate(past.controls):
        if not varies_within_regions(past.control[:, :, k], past.weights > 0):
            kind = "Event" if name in past.event_names else "Treatment" if name in treatments else "Control"
            yield PanelNote(
                NoteKind.CONSTANT_CONTROL,
                (name,),
                f"{kind} {name!r} never varies over the training weeks with a KPI of any region, so its effect cannot "
                "be separated from the baseline; remove it.",
            )


def _on_events(past: Panel) -> Iterator[PanelNote]:
    if past.events is None:
        return
    seen = past.events.times_seen(past.weeks, past.regions, past.cadence, past.weights > 0)
    once = tuple(name for name in past.event_names if seen[name] == 1)
    if once:
        fall, events = ("falls", "event") if len(once) == 1 else ("fall", "events")
        whose = "its effect" if len(once) == 1 else "their effects"
        yield PanelNote(
            NoteKind.SEEN_ONCE,
            once,
            f"The {events} {_few(once)} {fall} in the training weeks only once: whatever else happened then is "
            f"attributed to {whose}.",
        )


def _on_revenue(past: Panel) -> Iterator[PanelNote]:
    if past.revenue_per_kpi is None:
        return
    used = past.weights > 0
    moves = [
        float(np.corrcoef(past.revenue_per_kpi[r, used[r]], past.kpi[r, used[r]])[0, 1])
        for r in range(len(past.regions))
        if used[r].sum() >= _FEWEST_WEEKS
        and np.ptp(past.revenue_per_kpi[r, used[r]]) > 0
        and np.ptp(past.kpi[r, used[r]]) > 0
    ]
    if moves and min(moves) > _AS_TOTAL:
        yield PanelNote(
            NoteKind.TOTAL_REVENUE,
            (past.kpi_name,),
            f"The revenue per unit of the KPI {past.kpi_name!r} rises and falls with the KPI itself (correlation "
            f"{min(moves):.2f} or more in every region), as total revenue does: if it is that, divide it by the KPI.",
        )


def _on_spend(panel: Panel) -> Iterator[PanelNote]:
    if panel.spend is None:
        return
    for m, name in enumerate(panel.channels):
        spend = np.where(panel.present, np.nan_to_num(panel.spend[:, :, m]), 0.0)
        idle = (spend > 0) & (panel.exposure[:, :, m] == 0)
        if not idle.any():
            continue
        first = int(idle.any(axis=0).argmax())
        region, week = panel.regions[int(idle[:, first].argmax())], panel.week_label(first)
        yield PanelNote(
            NoteKind.NO_EXPOSURE,
            (name,),
            f"Channel {name!r} has spend but no exposure in {idle.sum():,} region-week{'s' if idle.sum() > 1 else ''}, "
            f"first in region {region}, week {week}, with {spend[idle].sum() / spend.sum():.0%} of its spend: this "
            "spend counts in its ROI; check whether exposure is missing there, or follows in later weeks.",
        )


def _regions(names: Sequence[str]) -> str:
    return f"region {names[0]}" if len(names) == 1 else f"regions {_few(names)}"


def _few(names: Sequence[str]) -> str:
    shown = list(names) if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
