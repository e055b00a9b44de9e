"""Cadence of a panel: the calendar that its steps follow, and everything that is stated in weeks in steps of it."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.kept_names import replaced
from deepcausalmmm_jax.errors import DataError

_DAYS_IN_MONTH = 365.25 / 12.0
WEEK = re.compile(r"\b(?:(W)|w)eek(s|ly|)\b")  # in texts that are written for weeks
_EDGE = 5  # days at the beginning or the end of a month in which its first or last working day lies
LEAST_MONTH = 26  # days between the last working days of two months, at least


class Cadence(StrEnum):
    """How far apart the steps of a panel are: days, weeks, months or quarters of the calendar."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"

    @property
    def unit(self) -> str:
        """One step in words: `day`, `week`, `month` or `quarter`."""
        return {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter"}[self.value]

    @property
    def weeks(self) -> float:
        """Mean length of a step, weeks."""
        days = {"daily": 1.0, "weekly": 7.0, "monthly": _DAYS_IN_MONTH, "quarterly": 3.0 * _DAYS_IN_MONTH}
        return days[self.value] / 7.0

    def steps(self, weeks: float) -> int:
        """Whole steps nearest to a number of weeks, 1 at least: 52 weeks are 364 days, 12 months or 4 quarters."""
        return max(1, round(weeks / self.weeks))

    def lags(self, weeks: int) -> int:
        """Lags of a kernel that is this many weeks long; two at least where steps are not weeks."""
        return weeks if self is Cadence.WEEKLY else max(2, int(np.ceil(weeks / self.weeks)))

    def worded(self, text: str, names: Iterable[str]) -> str:
        """A text that is written for weeks, in the unit of the steps: `week`, `weeks` and `weekly` as whole words.

        Args:
            text: sentence, title or label.
            names: that it may hold, and that stay as they are; see `Wording` for those of a panel.
        """
        if self is Cadence.WEEKLY:
            return text
        words = {"": self.unit, "s": f"{self.unit}s", "ly": self.value}

        def instead(found: re.Match[str]) -> str:
            word = words[found[2]]
            return word.capitalize() if found[1] else word

        return replaced(text, WEEK, instead, names)

    def several(self, count: int) -> str:
        """A number of steps in words, e.g. `3 months`."""
        return f"{count} {self.unit}{'' if count == 1 else 's'}"

    def step_of(self, days: np.ndarray) -> np.ndarray:
        """Number of the step that contains each day; consecutive steps have consecutive numbers.

        Weeks are numbered from the weekday of 1970-01-01; those of a panel begin on its own weekday.

        Args:
            days: since 1970-01-01.
        """
        if self is Cadence.DAILY:
            return days
        if self is Cadence.WEEKLY:
            return days // 7
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return months if self is Cadence.MONTHLY else months // 3

    def apart(self, first: Any, second: Any) -> tuple[int, int]:
        """Whole steps from one label to another, and the days or months that are left over."""
        if not isinstance(first, pd.Timestamp):
            return int(second) - int(first), 0
        days = np.array([first, second], "datetime64[D]").astype(np.int64)
        if self in (Cadence.DAILY, Cadence.WEEKLY):
            return divmod(int(days[1] - days[0]), 1 if self is Cadence.DAILY else 7)
        months = Cadence.MONTHLY.step_of(days)
        return divmod(int(months[1] - months[0]), 1 if self is Cadence.MONTHLY else 3)

    def later(self, labels: pd.Index, n_steps: int) -> pd.Index:
        """Labels of the `n_steps` steps after those of a panel."""
        if not isinstance(labels, pd.DatetimeIndex):
            return pd.Index(int(labels[-1]) + 1 + np.arange(n_steps))
        months = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3}.get(self)
        if months is None:
            step = pd.Timedelta(days=1 if self is Cadence.DAILY else 7)
            return pd.DatetimeIndex([labels[-1] + step * (i + 1) for i in range(n_steps)])
        return pd.DatetimeIndex([labels[-1] + pd.DateOffset(months=months * (i + 1)) for i in range(n_steps)])

    def label(self, step: object) -> str:
        """A step as text: the day, the first day of the week, `2024-01` or `2024Q1`; a number as it is."""
        if not isinstance(step, pd.Timestamp):
            return str(step)
        if self is Cadence.MONTHLY:
            return f"{step:%Y-%m}"
        if self is Cadence.QUARTERLY and step.month % 3 == 1:
            return f"{step.year}Q{(step.month + 2) // 3}"
        return str(step.date())


def cadence_named(name: object) -> Cadence:
    """The cadence of a name as users write it.

    Raises:
        DataError: there is no such cadence.
    """
    if isinstance(name, str) and name in tuple(Cadence):
        return Cadence(name)
    raise DataError(f"cadence must be one of {', '.join(Cadence)}, got {name!r}.")


def decay_per_step(decay: float, cadence: Cadence) -> float:
    r"""The geometric decay a step, of one a week, that has the same mean lag in time.

    The mean lag $\alpha / (1 - \alpha)$ of a carry-over survives adding days up to weeks or weeks to months exactly;
    half-lives do not. In logits the two decays differ by the log of a step's length.

    Args:
        decay: share that is left a week later, from 0 to below 1.
        cadence: of the steps.
    """
    if cadence is Cadence.WEEKLY:
        return decay
    return decay / (decay + cadence.weeks * (1.0 - decay))


def decay_per_week(decay: np.ndarray, cadence: Cadence) -> np.ndarray:
    """The inverse of `decay_per_step`, for an array."""
    if cadence is Cadence.WEEKLY:
        return decay
    return np.asarray(decay * cadence.weeks / (1.0 - decay + decay * cadence.weeks))


def cadence_of(days: np.ndarray) -> Cadence | None:
    """The cadence of dates; None where they follow none, or where there are too few to tell.

    Args:
        days: since 1970-01-01, ascending and distinct.
    """
    apart = np.diff(days)
    if len(apart) == 0:
        return None
    if apart.min() >= LEAST_MONTH and keeps_its_place(days):
        months = np.diff(Cadence.MONTHLY.step_of(days))
        return Cadence.MONTHLY if (months % 3).any() else Cadence.QUARTERLY
    if not (apart % 7).any():
        return Cadence.WEEKLY
    return Cadence.DAILY if (apart == 1).mean() > 0.5 else None


def keeps_its_place(days: np.ndarray) -> bool:
    """Whether dates lie at one place of their months: one day, the first days, or the last ones."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    place = days - month.astype("datetime64[D]").astype(np.int64)
    left = (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - days
    return bool((place == place[0]).all() or (place < _EDGE).all() or (left <= _EDGE).all())


def ends_its_months(days: np.ndarray) -> bool:
    """Whether dates are the last days, or working days, of their months."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    left = (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - days
    return bool((left <= _EDGE).all())
