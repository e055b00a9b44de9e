"""A KPI that turns to zero at the end: no sales, or not loaded yet? Only the user knows."""

import warnings
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError, DataWarning

_BY_CHANCE = 1e-3  # a run of zeros more likely than this, in any of the regions, is not unusual
_ENOUGH = 8  # earlier weeks with sales, needed to judge what is unusual
_SEVERAL = 2  # weeks of zeros in a single region that are reported
_NAMED = 5


class ZerosAtEnd(NamedTuple):
    """Unusual zeros at the end of a panel."""

    weeks: tuple[str, ...] = ()  # labels of the last weeks, where the KPI is 0 in every region
    regions: tuple[str, ...] = ()  # names of the regions, where it is 0 in some
    since: tuple[str, ...] = ()  # label of the first zero week of each of these


def ask_about_trailing_zeros(panel: Panel) -> None:
    """Refuse a KPI that turns to exactly 0 in all regions at the end, and warn if it does so only in some.

    Zeros are not unusual if the KPI was 0 for as long before, or so often that such a run may be chance. Weeks before
    the first KPI above 0 do not count.

    Raises:
        DataError: the KPI turns to 0; the message names the weeks and both remedies.
    """
    found = zeros_at_end(panel)
    if found.weeks:
        run, first, last = len(found.weeks), found.weeks[0], found.weeks[-1]
        unit = panel.cadence.unit
        when = f"in {unit} {first}, the last one" if run == 1 else f"in the last {run} {unit}s, {first} to {last}"
        everywhere = " of every region" if len(panel.regions) > 1 else ""
        raise DataError(
            f"The KPI {panel.kpi_name!r}{everywhere} is 0 {when}, longer than ever before: if it is not "
            "known yet, leave it empty there and pass missing_kpi='mask' (--mask-missing-kpi); if the zeros are real, "
            "pass trailing_zeros='keep' (--keep-trailing-zeros)."
        )
    if found.regions:
        _warn_of(panel.kpi_name, found)


def zeros_at_end(panel: Panel) -> ZerosAtEnd:
    """Zeros at the end that are unusual; see `ask_about_trailing_zeros`."""
    seen = panel.weights > 0
    if panel.trailing_zeros == "keep" or not seen.any():
        return ZerosAtEnd()
    with_kpi = np.flatnonzero(panel.has_kpi)
    series = [panel.kpi[r, seen[r]] == 0 for r in range(len(panel.regions))]
    chance = float(np.prod([_share(zero) for zero in series if zero.size]))
    together = (~seen | (panel.kpi == 0)).all(axis=0)[with_kpi]
    run = _run_at_end(together, _BY_CHANCE, chance)
    if run:
        return ZerosAtEnd(weeks=tuple(panel.week_label(int(week)) for week in with_kpi[-run:]))
    runs = [_run_at_end(zero, _BY_CHANCE / len(series)) for zero in series]
    many = 2 * sum(run > 0 for run in runs) >= len(runs)
    ended = [r for r, run in enumerate(runs) if run >= _SEVERAL or (run > 0 and many)]
    since = [panel.week_label(int(np.flatnonzero(seen[r])[-runs[r]])) for r in ended]
    return ZerosAtEnd(regions=tuple(str(panel.regions[r]) for r in ended), since=tuple(since))


def _warn_of(kpi: str, found: ZerosAtEnd) -> None:
    """Warn of regions with zeros at the end: for several weeks, or in half of the regions at once."""
    count = len(found.regions)
    named = [
        f"{region} (from week {week} on)"
        for region, week in zip(found.regions[:_NAMED], found.since[:_NAMED], strict=True)
    ]
    rest = f" and {count - _NAMED} more" if count > _NAMED else ""
    warnings.warn(
        f"The KPI {kpi!r} is 0 at the end of region{'s' if count > 1 else ''} {', '.join(named)}{rest} "
        "but not elsewhere: if it is not known yet, leave it empty there and pass missing_kpi='mask' "
        "(--mask-missing-kpi); if the zeros are real, pass trailing_zeros='keep' (--keep-trailing-zeros).",
        DataWarning,
        stacklevel=3,
    )


def _run_at_end(zero: np.ndarray, limit: float, chance: float = 0.0) -> int:
    """Length of the run of zeros at the end of a series if it is unusual, else 0.

    Args:
        zero: `[week]`, whether the KPI is 0.
        limit: probability from which such a run is not unusual.
        chance: lower bound of the probability of a zero in a week.
    """
    other = np.flatnonzero(~zero)
    if other.size < _ENOUGH:
        return 0
    run, longest = len(zero) - 1 - int(other[-1]), int(np.diff(other).max(initial=1)) - 1
    return run if run > longest and max(_share(zero), chance) ** run < limit else 0


def _share(zero: np.ndarray) -> float:
    """Share of zeros from the first to the last nonzero week, plus two standard errors; 0 without a nonzero week."""
    other = np.flatnonzero(~zero)
    if not other.size:
        return 0.0
    weeks = int(other[-1]) - int(other[0]) + 1
    share = 1.0 - other.size / weeks
    return min(1.0, share + 2.0 * float(np.sqrt(share * (1.0 - share) / weeks)))
