"""A KPI that turns to zero at the end: sold nothing, or not loaded yet? Only the user knows."""

import warnings

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError, DataWarning

_BY_CHANCE = 1e-3  # a run of zeros likelier than that, in any of the regions, is nothing new
_ENOUGH = 8  # weeks with sales before, to say what is new
_SEVERAL = 2  # weeks of zeros that are told of a single region
_NAMED = 5


def ask_about_trailing_zeros(panel: Panel) -> None:
    """Refuse a KPI that turns to exactly 0 in all regions at the end; name regions that do so while others go on.

    A KPI that was 0 for as long before, or so often that chance could make such a run, is nothing new. Weeks before
    the first KPI above 0 do not count.

    Raises:
        DataError: naming the weeks, and both ways out.
    """
    seen = panel.weights > 0
    if panel.trailing_zeros == "keep" or not seen.any():
        return
    with_kpi = np.flatnonzero(panel.has_kpi)
    series = [panel.kpi[r, seen[r]] == 0 for r in range(len(panel.regions))]
    chance = float(np.prod([_share(zero) for zero in series if zero.size]))
    together = (~seen | (panel.kpi == 0)).all(axis=0)[with_kpi]
    run = _run_at_end(together, _BY_CHANCE, chance)
    if run:
        first, last = (panel.week_label(int(with_kpi[at])) for at in (-run, -1))
        when = f"in week {first}, the last one" if run == 1 else f"in the last {run} weeks, {first} to {last}"
        everywhere = " of every region" if len(panel.regions) > 1 else ""
        raise DataError(
            f"The KPI {panel.kpi_name!r}{everywhere} is 0 {when}, as it never was for so long before: if it is not "
            "known yet, leave it empty there and pass missing_kpi='mask' (--mask-missing-kpi); if the zeros are real, "
            "pass trailing_zeros='keep' (--keep-trailing-zeros)."
        )
    _warn_of_regions(panel, [_run_at_end(zero, _BY_CHANCE / len(series)) for zero in series])


def _warn_of_regions(panel: Panel, runs: list[int]) -> None:
    """Name the regions with zeros at their end: several weeks of them, or in half of the regions at once."""
    many = 2 * sum(run > 0 for run in runs) >= len(runs)
    ended = [r for r, run in enumerate(runs) if run >= _SEVERAL or (run > 0 and many)]
    if not ended:
        return
    since = [int(np.flatnonzero(panel.weights[r] > 0)[-runs[r]]) for r in ended]
    named = [
        f"{panel.regions[r]} (from week {panel.week_label(week)} on)"
        for r, week in zip(ended[:_NAMED], since, strict=False)
    ]
    rest = f" and {len(ended) - _NAMED} more" if len(ended) > _NAMED else ""
    warnings.warn(
        f"The KPI {panel.kpi_name!r} is 0 at the end of region{'s' if len(ended) > 1 else ''} {', '.join(named)}{rest} "
        "while others go on: if it is not known yet, leave it empty there and pass missing_kpi='mask' "
        "(--mask-missing-kpi); if the zeros are real, pass trailing_zeros='keep' (--keep-trailing-zeros).",
        DataWarning,
        stacklevel=3,
    )


def _run_at_end(zero: np.ndarray, limit: float, chance: float = 0.0) -> int:
    """Length of the run of zeros that ends a series, where it is something new; 0 where it is not.

    Args:
        zero: `[week]`, whether the KPI is 0.
        limit: chance of such a run from which on it is nothing new.
        chance: of a zero in a week, where it is known to be more than the share of zeros seen.
    """
    other = np.flatnonzero(~zero)
    if other.size < _ENOUGH:
        return 0
    run, longest = len(zero) - 1 - int(other[-1]), int(np.diff(other).max(initial=1)) - 1
    return run if run > longest and max(_share(zero), chance) ** run < limit else 0


def _share(zero: np.ndarray) -> float:
    """Share of zeros among the weeks from the first to the last that is none, two standard errors added; 0 for none."""
    other = np.flatnonzero(~zero)
    if not other.size:
        return 0.0
    weeks = int(other[-1]) - int(other[0]) + 1
    share = 1.0 - other.size / weeks
    return min(1.0, share + 2.0 * float(np.sqrt(share * (1.0 - share) / weeks)))
