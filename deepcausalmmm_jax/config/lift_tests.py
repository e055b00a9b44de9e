"""Lift tests: measured effects of a channel, which a fit takes as evidence beside the KPI."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Self, get_args

from deepcausalmmm_jax.checks import closest, is_number, shown
from deepcausalmmm_jax.config.entries import entries_from
from deepcausalmmm_jax.config.slips import names_slips
from deepcausalmmm_jax.errors import ConfigError

TestKind = Literal["holdback", "go_dark", "heavy_up"]
LiftUnit = Literal["kpi", "revenue", "roi"]

_KINDS, _UNITS = get_args(TestKind), get_args(LiftUnit)
_LARGEST, _SMALLEST = 1e30, 1e-30
_TIGHTEST = 1e-4  # of the lift: single precision cannot tell a lift from one that differs by less
_MOST_SPEND_CHANGE = 1000.0


@names_slips
@dataclass(frozen=True)
class LiftTest:
    """An experiment on one channel: the lift that was measured, and its standard error.

    Attributes:
        channel: name of the channel.
        start: first day of the test, ISO date, or the number of the week in a panel whose weeks are numbers; weeks
            that begin from `start` to `end` belong to the test.
        end: last day of the test, likewise.
        lift: KPI with the higher exposure less KPI with the lower one, positive where media raised the KPI; summed
            over the regions under test and over the weeks of the test and all training weeks after them, in which
            carry-over arrives; see `unit`.
        standard_error: of `lift`, in its unit.
        regions: names of the regions under test; None for all.
        kind: `holdback`: the panel shows the exposure that ran, and the test compares with people or regions that were
            held back; `go_dark`: the panel shows the exposure switched off or reduced; `heavy_up`: raised.
        spend_change: change of spend under test, as a share of what would have run without it: -1 for all of it, 0.5
            for half as much again; None for -1 in `holdback` and `go_dark`; `heavy_up` needs it.
        unit: of `lift`: `kpi`, `revenue`, or `roi` (incremental revenue per unit of the spend that differs).
        name: shown in tables; None for channel and dates.

    Raises:
        ConfigError: a value of the wrong kind or out of range, an end before the start, or a change of spend that does
            not match the kind.
    """

    channel: str
    start: str
    end: str
    lift: float
    standard_error: float
    regions: tuple[str | int, ...] | None = None
    kind: TestKind = "holdback"
    spend_change: float | None = None
    unit: LiftUnit = "kpi"
    name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.channel, str) or not self.channel.strip():
            raise ConfigError(f"A lift test needs the name of a channel, got {shown(self.channel)}.")
        if self.name is not None and (not isinstance(self.name, str) or not self.name.strip()):
            raise ConfigError(f"The name of a lift test on {self.channel!r} must be text, got {shown(self.name)}.")
        for field in ("start", "end"):
            object.__setattr__(self, field, self._day(field))
        _, first = day_or_number(self.start)
        _, last = day_or_number(self.end)
        if self.start_is_date != day_or_number(self.end)[0]:
            self._refuse(f"has start {self.start} and end {self.end}; give two dates or two numbers of weeks")
        if last < first:
            self._refuse(f"ends on {self.end}, before its start on {self.start}; swap the two")
        for field, known in (("kind", _KINDS), ("unit", _UNITS)):
            self._require_one_of(field, known)
        self._check_numbers()
        object.__setattr__(self, "regions", self._checked_regions())

    @property
    def label(self) -> str:
        """Name in tables and messages."""
        return self.name if self.name is not None else f"{self.channel}, {self.start} to {self.end}"

    @property
    def change(self) -> float:
        """Change of spend under test, as a share of what would have run without it."""
        return -1.0 if self.spend_change is None else self.spend_change

    @property
    def start_is_date(self) -> bool:
        """Whether start and end are dates; else they are numbers of weeks."""
        return day_or_number(self.start)[0]

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """A test from a table of its fields, as in a TOML file.

        Raises:
            ConfigError: an unknown or missing field, or an invalid value.
        """
        known = [item.name for item in dataclasses.fields(cls)]
        for name in table:
            if name not in known:
                near = closest(name, known)
                hint = f"; known are {', '.join(known)}." if near is None else f"; did you mean {near!r}?"
                raise ConfigError(f"A lift test has no field {shown(name)}{hint}")
        missing = [name for name in ("channel", "start", "end", "lift", "standard_error") if name not in table]
        if missing:
            raise ConfigError(f"A lift test needs {', '.join(missing)}, but {shown(dict(table))} does not give it.")
        return cls(**table)

    def _check_numbers(self) -> None:
        for field in ("lift", "standard_error", "spend_change"):
            value = getattr(self, field)
            if value is None and field == "spend_change":
                continue
            if not is_number(value) or abs(value) > _LARGEST:
                self._refuse(f"has {field} {shown(value)}; it must be a finite number")
            object.__setattr__(self, field, float(value))
        if not self.standard_error >= _SMALLEST:
            self._refuse(f"has standard_error {self.standard_error:g}; it must be above 0")
        if self.standard_error < _TIGHTEST * abs(self.lift):
            self._refuse(
                f"has a standard_error of {self.standard_error:g} for a lift of {self.lift:g}; it must be at least "
                f"{_TIGHTEST:g} times the lift, since no experiment is more precise"
            )
        change = self.spend_change
        if self.kind == "heavy_up":
            if change is None:
                self._refuse("is of the kind heavy_up, which needs spend_change, such as 0.5 for half as much again")
            elif not 0 < change <= _MOST_SPEND_CHANGE:
                self._refuse(f"has spend_change {change:g}; heavy_up needs one above 0 and at most 1000")
        elif change is not None and not -1 <= change < 0:
            self._refuse(f"has spend_change {change:g}; {self.kind} needs one from -1, all of the spend, to below 0")

    def _checked_regions(self) -> tuple[str | int, ...] | None:
        if self.regions is None:
            return None
        given = () if isinstance(self.regions, str) or not isinstance(self.regions, Iterable) else tuple(self.regions)
        plain = tuple(int(r) if is_number(r) and not isinstance(r, str) and r == int(r) else r for r in given)
        if not plain or not all(isinstance(region, str | int) and region != "" for region in plain):
            self._refuse(f"has regions {shown(self.regions)}; it must be a list of names of regions, or None for all")
        twice = [region for region in plain if [str(other) for other in plain].count(str(region)) > 1]
        if twice:
            self._refuse(f"names the region {twice[0]!r} twice; keep one")
        return plain

    def _day(self, field: str) -> str:
        value = getattr(self, field)
        if isinstance(value, datetime):
            value = value.date()
        text = value.isoformat() if isinstance(value, date) else str(value).strip()
        whole = is_number(value) and value == int(value)
        if (isinstance(value, str | date) or whole) and day_or_number(text) is not _NEITHER:
            is_date, number = day_or_number(text)
            return date.fromordinal(number).isoformat() if is_date else str(number)
        raise ConfigError(
            f"The lift test on {self.channel!r} has {field} {shown(value)}; write a date as 2024-01-29, or the number "
            "of a week."
        )

    def _require_one_of(self, field: str, known: tuple[str, ...]) -> None:
        value = getattr(self, field)
        if not isinstance(value, str) or value not in known:
            self._refuse(f"has {field} {shown(value)}; it must be one of {', '.join(known)}")

    def _refuse(self, what: str) -> None:
        raise ConfigError(f"The lift test {self.label!r} {what}.")


_NEITHER = (False, -1)


def day_or_number(text: str) -> tuple[bool, int]:
    """Whether text is a date, and its number of days; or the number of a week; `_NEITHER` where it is nothing of both.

    Eight digits are a date where they can be one, as in panels.
    """
    try:
        return True, date.fromisoformat(text).toordinal()
    except ValueError:
        return (False, int(text)) if text.isascii() and text.isdecimal() and len(text) <= 9 else _NEITHER


def lift_tests_from(value: object) -> tuple[LiftTest, ...]:
    """The setting `experiments`: a list of tests, or of tables with their fields.

    Raises:
        ConfigError: something else, or an invalid test.
    """
    return entries_from("experiments", value, LiftTest, "lift tests")


def refuse_repeats(tests: Sequence[LiftTest]) -> None:
    """Refuse a test that is given twice, before a fit: a saved fit may hold one.

    Raises:
        ConfigError: a copy of a test, which would count as a second measurement.
    """
    twice = [test.label for at, test in enumerate(tests) if test in tests[:at]]
    if twice:
        raise ConfigError(
            f"The lift test {twice[0]!r} is given twice, and would count as two measurements; keep one, or give each a "
            "name where both were measured."
        )
