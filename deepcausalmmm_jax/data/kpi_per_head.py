"""A KPI per head, such as sales per thousand people, as the totals that contributions of regions add up to."""

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from deepcausalmmm_jax.checks import is_number, shown
from deepcausalmmm_jax.errors import DataError

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.panel import Panel

_PanelT = TypeVar("_PanelT", bound="Panel")


def with_total_kpi(panel: _PanelT, people: object) -> _PanelT:
    """The panel with its KPI times the population of each region.

    The model is the same either way: a region's KPI is divided by its mean, so that a large region says no more than a
    small one, and exposure is compared per head. What differs are sums over regions, in which a rate would count every
    region alike, whatever its size.

    Args:
        panel: whose KPI is per head.
        people: how many heads the KPI is per, such as 1000; None where it is a total, which stays as it is.

    Raises:
        DataError: no number above 0, or a panel without population.
    """
    if people is None:
        return panel
    if not is_number(people) or float(people) <= 0:  # type: ignore[arg-type]
        raise DataError(f"kpi_per must be a number of people above 0, such as 1000, got {shown(people)}.")
    if panel.population is None:
        raise DataError(
            f"kpi_per says that the KPI {panel.kpi_name!r} is per head, but no population is known; name its column "
            "with population=..., or give totals."
        )
    heads = panel.population[:, None] / float(people)  # type: ignore[arg-type]
    return dataclasses.replace(panel, kpi=panel.kpi * heads, kpi_per=float(people))  # type: ignore[arg-type]


def kpi_of_table(panel: "Panel") -> np.ndarray:
    """The KPI as the table of the panel had it, `[region, week]`: per head where it was; NaN where it is not observed.

    Args:
        panel: the panel, whose KPI is in totals.
    """
    kpi = np.where(panel.weights > 0, panel.kpi, np.nan)
    if panel.kpi_per is None or panel.population is None:
        return kpi
    return np.asarray(kpi / (panel.population[:, None] / panel.kpi_per))
