"""Columns of media and controls: wrong cells, too little variation, copies of one another, collinearity."""

from collections.abc import Iterator

import numpy as np

from deepcausalmmm_jax.data.checks import identical_channels, varies_within_regions
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, passed, several
from deepcausalmmm_jax.data.diagnosis.series import scaled
from deepcausalmmm_jax.data.near_copies import copies, sums
from deepcausalmmm_jax.data.outliers import outliers
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.grades import Grade

_SHOWN = 5
_STEADY = 0.1  # coefficient of variation over weeks, below which a channel is nearly constant
_SELDOM = 0.1  # of the region-weeks: a channel on air less often shows its effect too rarely
_FEW_WEEKS = 8  # on air, in the region with the most
_RIDGE = 1e-9
_VIF = 10.0  # Marquardt (1970); Kutner et al. (2004), chapter 10


def outlier_findings(panel: Panel) -> Iterator[Finding]:
    """Cells far from all others of their column and region: errors of typing or of units."""
    found = outliers(panel)
    for cell in found[:_SHOWN]:
        yield Finding(
            Grade.FAIL,
            Check.OUTLIERS,
            f"{cell.value:,.4g}, {cell.times:,.0f} times as far from its median as in other weeks",
            cell.column,
            cell.region,
            cell.week,
            why="one such cell sets the scale of its column and can determine its effect",
            advice="check its unit, and look for a typo",
        )
    if len(found) > _SHOWN:
        rest = found[_SHOWN:]
        yield Finding(
            Grade.FAIL,
            Check.OUTLIERS,
            f"{several(len(rest), 'more cell')} equally far out",
            names(dict.fromkeys(cell.column for cell in rest)),
            why="many such cells point to a change of units",
            advice="check the units of these columns",
        )
    if not found:
        yield passed(Check.OUTLIERS, "no cell is far from all others")


def constant_findings(past: Panel) -> Iterator[Finding]:
    """Channels and controls that never vary in the weeks with a KPI."""
    used = past.weights > 0
    still = [name for m, name in enumerate(past.channels) if not varies_within_regions(past.exposure[:, :, m], used)]
    fixed = [name for k, name in enumerate(past.controls) if not varies_within_regions(past.control[:, :, k], used)]
    for name in still:
        zero = not past.exposure[:, :, past.channels.index(name)][used].any()
        yield Finding(
            Grade.FAIL,
            Check.CONSTANT,
            f"channel is {'zero' if zero else 'the same'} in every week with a KPI",
            name,
            why="its effect cannot be separated from the baseline, and fit refuses it",
            advice="remove it" if zero else "remove it, or give its weekly exposure",
        )
    if fixed:
        yield Finding(
            Grade.LOOK,
            Check.CONSTANT,
            f"{several(len(fixed), 'control')} never {'varies' if len(fixed) == 1 else 'vary'} within a region",
            names(fixed),
            why="the baseline already explains it, so no effect can be learned",
            advice="remove them" if len(fixed) > 1 else "remove it",
        )
    if not still and not fixed:
        yield passed(Check.CONSTANT, "every channel and control varies")


def variation_findings(past: Panel) -> Iterator[Finding]:
    """Channels that hardly vary, or that are hardly ever on air."""
    used, quiet = past.weights > 0, True
    for m, name in enumerate(past.channels):
        values = past.exposure[:, :, m]
        if not varies_within_regions(values, used):
            continue
        spread, on_air = _relative_spread(values, used), float((values > 0)[used].mean())
        longest = int(((values > 0) & used).sum(axis=1).max())
        if spread < _STEADY:
            quiet = False
            yield Finding(
                Grade.LOOK,
                Check.VARIATION,
                f"exposure varies by {spread:.1%} of its mean from week to week",
                name,
                why="the effect of a nearly constant channel cannot be separated from the baseline; the prior decides",
                advice="deliberately vary its budget over weeks or regions, or test it with an experiment",
            )
        elif on_air < _SELDOM or longest < _FEW_WEEKS:
            quiet = False
            yield Finding(
                Grade.LOOK,
                Check.VARIATION,
                f"on air in {on_air:.0%} of the region-weeks, at most {several(longest, 'week')} in a region",
                name,
                why="a handful of weeks on air are easily confused with whatever else happened in them",
                advice="add up similar channels, or wait for more weeks on air",
            )
    if quiet:
        yield passed(Check.VARIATION, "every channel varies enough over weeks")


def _relative_spread(values: np.ndarray, used: np.ndarray) -> float:
    """Standard deviation over weeks, as a share of the region's mean; weighted by the regions' exposure."""
    mean = np.where(used, values, 0.0).sum(axis=1) / np.maximum(used.sum(axis=1), 1)
    square = np.where(used, (values - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(used.sum(axis=1), 1)
    return float(np.sqrt(square).sum() / mean.sum()) if mean.sum() > 0 else 0.0


def copy_findings(past: Panel) -> Iterator[Finding]:
    """Columns that are near-copies of one another or of the KPI, and channels that are the sum of others."""
    alike, twins = copies(past), {frozenset(pair) for pair in _twins(past)}
    for group in alike:
        every = (*group.channels, *group.controls)
        if group.with_kpi:
            yield Finding(
                Grade.FAIL,
                Check.COPIES,
                f"correlation {group.likeness:.3f} with the KPI itself, within regions",
                names(every),
                why="a series derived from the KPI takes the credit for it, and media effects become meaningless",
                advice="remove it",
            )
            continue
        same = any(pair <= set(group.channels) for pair in twins)
        yield Finding(
            Grade.FAIL if same else Grade.LOOK,
            Check.COPIES,
            "multiples of each other" if same else f"correlation {group.likeness:.3f} within regions",
            names(every),
            why="the data cannot separate their effects",
            advice="keep only one, or add channels up" if len(group.channels) > 1 else "keep only one",
        )
    named = {name for group in alike for name in group.channels}
    totals = [(total, parts) for total, parts in sums(past) if total not in named]
    for total, parts in totals:
        yield Finding(
            Grade.LOOK,
            Check.COPIES,
            f"a sum of {names(parts)} to within 1% of its variance",
            total,
            why="its effect cannot be separated from theirs",
            advice="remove it if it is their total",
        )
    if not alike and not totals:
        yield passed(Check.COPIES, "no column repeats another")


def _twins(past: Panel) -> Iterator[tuple[str, str]]:
    for first, second in identical_channels(past, past.weights > 0):
        yield past.channels[first], past.channels[second]


def collinearity_findings(past: Panel) -> Iterator[Finding]:
    """Variance inflation of each channel by the other channels and the controls, within regions and nationally."""
    told = {name for group in copies(past) for name in group.channels}
    told |= {name for total, parts in sums(past) for name in (total, *parts)}
    used = past.present & (past.weights > 0)
    columns = np.concatenate([past.exposure, past.control], axis=2)
    within = inflation(columns, used)
    total = np.where(used[:, :, None], columns, 0.0).sum(axis=0, keepdims=True)
    whole = np.asarray(used.any(axis=0, keepdims=True))
    national = inflation(total, whole) if len(past.regions) > 1 else within
    worst = [
        (name, within[m], national[m]) for m, name in enumerate(past.channels) if within[m] > _VIF and name not in told
    ]
    for name, own, _ in worst:
        yield Finding(
            Grade.LOOK,
            Check.COLLINEARITY,
            f"variance inflation {own:.0f} within regions (limit {_VIF:.0f})",
            name,
            why="its standard error is several times what it would be if it moved independently; the split between it "
            "and the others is uncertain",
            advice="add up channels that are bought together, or test one of them with an experiment",
        )
    if worst:
        return
    known = [m for m, name in enumerate(past.channels) if name not in told]
    top = max(known, key=lambda m: within[m], default=None)
    if top is None:
        yield passed(Check.COLLINEARITY, "see near-copies")
        return
    text = f"largest variance inflation {within[top]:.1f} within regions ({past.channels[top]})"
    if len(past.regions) > 1:
        text += f", {max(national[m] for m in known):.1f} nationally"
    yield passed(Check.COLLINEARITY, text)


def inflation(columns: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Variance inflation factor of each column given the others, by least squares within regions.

    That is 1 / (1 - R²), with the R² adjusted for the number of columns: few weeks look collinear by chance.

    Args:
        columns: `[region, week, column]`.
        used: `[region, week]`.

    Returns:
        `[column]`, 1 or more; 1 for columns that do not vary and where there are too few weeks to judge.
    """
    mask = used[:, :, None]
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    centred = np.where(mask, columns - np.where(mask, columns, 0.0).sum(axis=1, keepdims=True) / count, 0.0)
    flat = scaled(centred, used)[used]
    factors = np.ones(flat.shape[1])
    moving = np.flatnonzero((flat != 0).any(axis=0))
    around = len(flat) - int(used.any(axis=1).sum())  # degrees of freedom around the means of the regions
    free = around - (len(moving) - 1)  # beyond the others of a column; one that does not move explains nothing
    if free <= flat.shape[1] or len(moving) < 2:
        return factors
    gram = flat[:, moving].T @ flat[:, moving]
    gram[np.diag_indices_from(gram)] *= 1.0 + _RIDGE  # copies have a factor that is finite, and very large
    unexplained = 1.0 / np.diag(np.linalg.inv(gram))  # sums of squares left by the other columns
    whole = np.diag(gram) / around
    factors[moving] = np.maximum(1.0, whole * free / unexplained)
    return factors
