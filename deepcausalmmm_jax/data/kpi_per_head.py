"""A KPI per head, such as sales per thousand people, as the totals that contributions of regions add up to."""

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from deepcausalmmm_jax.checks import is_number, shown
from deepcausalmmm_jax.errors import DataError

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.panel import Panel

POPULATION = "population"  # column of a panel's table
_PanelT = TypeVar("_PanelT", bound="Panel")


def with_total_kpi(panel: _PanelT, people: object, population: np.ndarray | None) -> _PanelT:
    """The panel with its KPI times the population of each region, that of each week where the table has it.

    The model is the same either way: a region's KPI is divided by its mean, so that a large region says no more than a
    small one, and exposure is compared per head. What differs are sums over regions, in which a rate would count every
    region alike, whatever its size.

    Args:
        panel: whose KPI is per head.
        people: how many heads the KPI is per, such as 1000; None where it is a total, which stays as it is.
        population: `[region, week]`, NaN in weeks without a row; None where it is unknown.

    Raises:
        DataError: no number above 0, or a panel without population.
    """
    if people is None:
        return panel
    if not is_number(people) or float(people) <= 0:  # type: ignore[arg-type]
        raise DataError(f"kpi_per must be a number of people above 0, such as 1000, got {shown(people)}.")
    if population is None:
        raise DataError(
            f"kpi_per says that the KPI {panel.kpi_name!r} is per head, but no population is known; name its column "
            "with population=..., or give totals."
        )
    per = float(people)  # type: ignore[arg-type]
    # Of the mean population, growth of a region would be missing from its totals.
    total = np.where(panel.weights > 0, panel.kpi * population / per, 0.0)
    return dataclasses.replace(panel, kpi=total, kpi_per=per)


def kpi_of_table(panel: "Panel") -> np.ndarray:
    """The KPI of the panel's table, `[region, week]`: per head where it was; NaN where it is not observed.

    Heads are those that the table has beside it: the region's mean, or the population by week where that is a control.

    Args:
        panel: the panel, whose KPI is in totals.
    """
    kpi = np.where(panel.weights > 0, panel.kpi, np.nan)
    if panel.kpi_per is None or panel.population is None:
        return kpi
    weekly = weekly_population(panel)
    heads = panel.population[:, None] if weekly is None else np.where(panel.present, weekly, np.nan)
    return np.asarray(kpi / (heads / panel.kpi_per))


def weekly_population(panel: "Panel") -> np.ndarray | None:
    """The control of that name that has the population week by week, `[region, week]`; None where there is none.

    Its mean by region is then the panel's population.
    """
    if panel.population is None or POPULATION not in panel.controls:
        return None
    weekly = panel.control[:, :, panel.controls.index(POPULATION)]
    mean = np.mean(weekly, axis=1, where=panel.present)
    return weekly if np.allclose(mean, panel.population, rtol=1e-6) else None
