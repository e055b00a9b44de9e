"""Treatments: causes other than media that someone sets, credited against a stated baseline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from deepcausalmmm_jax.checks import is_number, shown
from deepcausalmmm_jax.errors import DataError

TreatmentBaseline = Literal["min", "max"] | float


@dataclass(frozen=True)
class Treatment:
    """A price, promotion or distribution whose effect is counted as a contribution of its own.

    Its contribution is the prediction less the prediction with the treatment at its baseline in every week. The default
    baseline is Meridian's, the lowest value observed; here it is that of the region, since effects are learned from
    changes within regions. A value of Meridian's over all regions is stated as a number.

    Attributes:
        name: column of the treatment.
        baseline: `min` or `max`, the lowest or highest value of each region up to the last week with a KPI; or a value
            in the unit of the column, for all regions. A promotion has `min`, no promotion; for a price `max`, the list
            price, says what discounts brought.

    Raises:
        DataError: any other baseline.
    """

    name: str
    baseline: TreatmentBaseline = "min"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise DataError(f"A treatment needs the name of a column, got {shown(self.name)}.")
        if self.baseline not in ("min", "max") and not is_number(self.baseline):
            raise DataError(
                f"The baseline of treatment {self.name!r} must be 'min', 'max' or a number in the unit of its column, "
                f"got {shown(self.baseline)}."
            )
        if not isinstance(self.baseline, str):
            object.__setattr__(self, "baseline", float(self.baseline))

    @property
    def baseline_in_words(self) -> str:
        """The baseline as tables show it."""
        return self.baseline if isinstance(self.baseline, str) else f"{self.baseline:g}"


def treatments_from(given: object) -> tuple[Treatment, ...]:
    """Treatments in the order given.

    Args:
        given: names of columns and `Treatment`s, or a mapping from column to baseline; None for none.

    Raises:
        DataError: anything else, or a treatment that is given twice.
    """
    if given is None:
        return ()
    if isinstance(given, str | Treatment):
        name = given if isinstance(given, str) else given.name
        raise DataError(f"treatments must be a list, got the single {name!r}; write [{name!r}].")
    if isinstance(given, set | frozenset) or not isinstance(given, Iterable):
        raise DataError(f"treatments must be a list of columns or of Treatment(column, baseline), got {shown(given)}.")
    if isinstance(given, Mapping):
        found = [Treatment(name, baseline) for name, baseline in given.items()]
    else:
        found = [entry if isinstance(entry, Treatment) else Treatment(entry) for entry in given]
    names = [entry.name.strip() for entry in found]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"The treatment {name!r} is given twice; keep one.")
    return tuple(Treatment(entry.name.strip(), entry.baseline) for entry in found)
