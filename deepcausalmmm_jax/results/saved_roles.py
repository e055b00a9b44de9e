"""Roles of a panel's columns as a saved fit holds them: treatments, organic and national columns, events."""

from collections.abc import Mapping
from typing import Any, Final

from deepcausalmmm_jax.data.events import Events, Occurrence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.treatments import Treatment

# Of panels that state none, which are all panels of earlier schemas.
WITHOUT_ROLES: Final[Mapping[str, object]] = {"treatments": [], "organic": [], "national": [], "events": None}


def roles_as_json(panel: Panel) -> dict[str, Any]:
    """Roles in the form of a manifest."""
    events = panel.events
    return {
        "treatments": [[entry.name, entry.baseline] for entry in panel.treatments],
        "organic": list(panel.organic),
        "national": list(panel.national),
        "kpi_per": panel.kpi_per,
        "population_moves": panel.population_moves,
        "events": None
        if events is None
        else {
            "until": events.until,
            "week_labels": events.week_labels,
            "occurrences": [[e.name, e.day, _plain(e.region), e.before, e.after] for e in events.occurrences],
        },
    }


def roles_from_json(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Panel that `roles_as_json` wrote."""
    events = manifest["events"]
    return {
        "treatments": tuple(Treatment(name, baseline) for name, baseline in manifest["treatments"]),
        "organic": tuple(manifest["organic"]),
        "national": tuple(manifest["national"]),
        "kpi_per": manifest.get("kpi_per"),  # of runs saved before it was kept nobody knows
        "population_moves": manifest.get("population_moves", False),
        "events": None
        if events is None
        else Events(
            tuple(Occurrence(*entry) for entry in events["occurrences"]), events["until"], events["week_labels"]
        ),
    }


def _plain(region: object) -> object:
    """A region's label as JSON holds it."""
    return region if region is None or isinstance(region, str | int) else str(region)
