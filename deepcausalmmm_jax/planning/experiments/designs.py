"""Regions of a geo test and their matched controls, judged on the weeks before the test."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear, nnls
from scipy.stats import norm, t

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import ConfigError, DataError

LEAST_WEEKS = 52  # of history: half to match on, half for placebo windows
_SHARES = (0.25, 0.5)  # of the regions that are tested
_BEST = 2  # sets of test regions kept for each share
_TRIED = 60  # sets drawn for each share
_MOST_CONTROLS = 40  # the most correlated ones: beyond them a match only takes longer
_SEEN = 0.8  # share of the weeks in which a region must have a KPI


@dataclass(frozen=True, eq=False)
class Design:
    """Regions under test, the weighted regions that they are compared with, and how well these match.

    Attributes:
        regions: positions of the regions under test.
        controls: positions of the regions of the match.
        weights: `[control]`, share of each region's KPI that is counted, 0 or more: what the test regions would have
            sold is estimated as the weighted sum of the controls' KPI.
        weeks: positions of the weeks before the test that the match was made on.
        observed: `[week]`, KPI of the test regions, KPI units.
        matched: `[week]`, what the controls say that it is.
        errors: `[origin, week ahead]`, observed less matched KPI, for matches made on the weeks before the origin only;
            missing beyond the last week.
    """

    regions: np.ndarray
    controls: np.ndarray
    weights: np.ndarray
    weeks: np.ndarray
    observed: np.ndarray
    matched: np.ndarray
    errors: np.ndarray

    @property
    def r2(self) -> float:
        """Share of the variance of the KPI before the test that the match explains."""
        spread = float(((self.observed - self.observed.mean()) ** 2).sum())
        return 1.0 - float(((self.observed - self.matched) ** 2).sum()) / spread if spread > 0 else math.nan

    @property
    def rmse(self) -> float:
        """Root mean squared error of a week before the test, KPI units."""
        return float(np.sqrt(np.mean((self.observed - self.matched) ** 2)))

    @property
    def rmse_pct(self) -> float:
        """The same in percent of the mean KPI of a week."""
        return 100.0 * self.rmse / float(self.observed.mean()) if self.observed.mean() > 0 else math.nan

    def standard_error(self, window: int, level: float) -> tuple[float, int]:
        r"""Standard error of the difference, summed over a window of weeks, from placebo windows.

        $s = \sqrt{\tfrac1n\sum_o e_o^2}\; t_{\nu}/z$, where $e_o$ is the summed error of the window after origin $o$,
        matched on earlier weeks only, so that autocorrelation and the drift of the match count. Windows overlap; $\nu$
        is the number of those that do not, and the ratio of the quantiles of Student's t and the normal distribution
        pays for estimating the error from so few.

        Args:
            window: weeks of the test and of the carry-over that is measured.
            level: of the intervals.

        Returns:
            The standard error, KPI units, and the number of placebo windows.
        """
        sums = self.errors[:, :window].sum(axis=1)
        sums = sums[np.isfinite(sums)]
        apart = max(len(self.errors) // window, 1)
        tail = (1.0 + level) / 2.0
        return float(np.sqrt(np.mean(sums**2)) * t.ppf(tail, apart) / norm.ppf(tail)), len(sums)


@dataclass(frozen=True, eq=False)
class History:
    """The KPI of the regions that can take part in a geo test.

    Attributes:
        rows: positions of these regions.
        kpi: `[region, week]`, relative to the region's mean; a missing week holds the model's prediction.
        seen: `[region, week]`, whether the KPI was observed.
        mean: `[region]`, KPI units.
        filled: share of the region-weeks that hold a prediction.
    """

    rows: np.ndarray
    kpi: np.ndarray
    seen: np.ndarray
    mean: np.ndarray
    filled: float


def history_of(panel: Panel, prediction: np.ndarray) -> History:
    """The KPI up to the last week with one, of the regions that are seen in most weeks.

    Args:
        panel: up to the last week with a KPI.
        prediction: of the model, `[region, week]`, KPI units.

    Raises:
        DataError: fewer than a year of weeks, or fewer than two regions.
    """
    seen = panel.weights > 0
    least, unit = panel.cadence.steps(LEAST_WEEKS), panel.cadence.unit
    if seen.shape[1] < least:
        raise DataError(
            f"The panel has {seen.shape[1]} {unit}s with a KPI; planning a test takes {least} or more, half of them to "
            "match regions and half to see how good the match is."
        )
    mean = np.where(seen, panel.kpi, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    rows = np.flatnonzero((seen.mean(axis=1) >= _SEEN) & (mean > 0))
    if len(rows) < 2:
        raise DataError(
            f"{len(rows)} of the panel's {len(seen)} regions have a KPI above 0 in {_SEEN:.0%} of the weeks; a "
            "geo test needs two or more, one under test and one to compare it with."
        )
    filled = np.where(seen, panel.kpi, prediction)[rows] / mean[rows, None]
    return History(rows, filled, seen[rows], mean[rows], float((~seen[rows]).mean()))


def chosen_sets(history: History, seed: int) -> list[np.ndarray]:
    """Sets of test regions, positions in the panel: for each share of the regions the best matched of many drawn.

    They are chosen by the match in the first half of the weeks alone, so that the placebo windows of the second half
    stay an honest test of the choice.
    """
    n, first = len(history.rows), history.kpi.shape[1] // 2
    rng, sets = np.random.default_rng([seed, n]), []
    for size in sorted({int(np.clip(round(share * n), 1, n - 1)) for share in _SHARES}):
        drawn = {tuple(sorted(rng.choice(n, size, replace=False))) for _ in range(_TRIED)}
        ranked = sorted(drawn, key=lambda test: _misfit(history, np.array(test), first))
        sets += [history.rows[list(test)] for test in ranked[:_BEST]]
    return sets


def asked_sets(panel: Panel, history: History, asked: Sequence[Sequence[object]]) -> list[np.ndarray]:
    """Sets of test regions as the user names them, positions in the panel.

    Raises:
        ConfigError: a region that the panel does not have, no region, no region left to compare with, or one with too
            few weeks.
    """
    sets = []
    for names in _listed(asked):
        labels = _listed(names)
        rows = region_positions(panel.regions, labels) if labels else np.zeros(0, int)
        if not len(rows):
            raise ConfigError("regions has a set without a region; name one or more, or leave regions out.")
        for label in np.asarray(labels, dtype=object)[rows < 0]:
            hint = nearly(panel.regions, label) or "."
            raise ConfigError(f"regions names {label!r}, which the panel does not have{hint}")
        for label in np.asarray(labels, dtype=object)[~np.isin(rows, history.rows)]:
            raise ConfigError(
                f"Region {label!r} has a KPI above 0 in fewer than {_SEEN:.0%} of the weeks; take it out of regions."
            )
        if not len(np.setdiff1d(history.rows, rows)):
            raise ConfigError("regions tests every region, which leaves none to compare with; leave some out.")
        sets.append(np.unique(rows))
    if not sets:
        raise ConfigError("regions is empty; give sets of regions to test, or leave regions out.")
    return sets


def _listed(given: object) -> list[object]:
    """Several things as a list; a single one, also a text, as a list of one."""
    several = isinstance(given, Sequence | np.ndarray | pd.Index) and not isinstance(given, str)
    return list(given) if several else [given]  # type: ignore[call-overload]


def design_of(history: History, regions: np.ndarray) -> Design:
    """The match of some regions under test, with its errors in the second half of the weeks.

    Args:
        history: of all regions that can take part.
        regions: positions in the panel of those under test.
    """
    test = np.flatnonzero(np.isin(history.rows, regions))
    others = _controls(history, test)
    target, weight = _target(history, test)
    weeks = np.flatnonzero(history.seen[test].all(axis=0))
    shares = _matched(history.kpi[others], target, weeks)
    fitted = shares @ history.kpi[others]
    kept = shares > 1e-6
    return Design(
        regions=np.asarray(regions),
        controls=history.rows[others][kept],
        weights=shares[kept] * weight / history.mean[others][kept],
        weeks=weeks,
        observed=target[weeks] * weight,
        matched=fitted[weeks] * weight,
        errors=np.array([*_placebo(history, test, others, target)]) * weight,
    )


def _placebo(history: History, test: np.ndarray, others: np.ndarray, target: np.ndarray) -> Iterator[np.ndarray]:
    """Errors of the weeks after each origin of the second half, `[week ahead]`, relative; missing at the end."""
    n_weeks = history.kpi.shape[1]
    first, seen = n_weeks // 2, history.seen[test].all(axis=0)
    for origin in range(first, n_weeks):
        before = np.flatnonzero(seen[:origin])
        shares = _matched(history.kpi[others], target, before)
        error = (target - shares @ history.kpi[others])[origin:]
        yield np.concatenate([error, np.full(origin - first, np.nan)])


def _controls(history: History, test: np.ndarray) -> np.ndarray:
    """Positions within the history of the regions that may be matched: the most correlated of those not under test."""
    others = np.setdiff1d(np.arange(len(history.rows)), test)
    if len(others) <= _MOST_CONTROLS:
        return others
    target, _ = _target(history, test)
    kpi = history.kpi[others]
    apart, own = kpi - kpi.mean(axis=1, keepdims=True), target - target.mean()
    size = np.sqrt((apart**2).sum(axis=1) * (own**2).sum())
    alike = apart @ own / np.where(size > 0, size, 1.0)
    return np.sort(others[np.argsort(-alike, kind="stable")[:_MOST_CONTROLS]])


def _target(history: History, test: np.ndarray) -> tuple[np.ndarray, float]:
    """KPI of the test regions together, relative to its mean, and that mean, KPI units."""
    total = float(history.mean[test].sum())
    return history.mean[test] @ history.kpi[test] / total, total


def _matched(controls: np.ndarray, target: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """Weights of 0 or more `[control]` that bring the controls closest to the target in some weeks."""
    try:
        shares: np.ndarray = nnls(controls[:, weeks].T, target[weeks])[0]
    except RuntimeError:  # its active set went round in circles
        shares = lsq_linear(controls[:, weeks].T, target[weeks], bounds=(0.0, np.inf)).x
    return shares


def _misfit(history: History, test: np.ndarray, n_weeks: int) -> float:
    """Mean squared error of the match in the first weeks, relative to the mean KPI."""
    others = np.setdiff1d(np.arange(len(history.rows)), test)
    target, _ = _target(history, test)
    weeks = np.flatnonzero(history.seen[test, :n_weeks].all(axis=0))
    if len(weeks) < n_weeks // 2:
        return math.inf
    shares = _matched(history.kpi[others], target, weeks)
    return float(np.mean((target - shares @ history.kpi[others])[weeks] ** 2))
