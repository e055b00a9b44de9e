"""Wording: texts that are written for weeks, in the calendar of a panel."""

from collections.abc import Callable, Iterable

from deepcausalmmm_jax.data.cadence import WEEK
from deepcausalmmm_jax.data.panel import Panel


class Wording:
    """Says days, months or quarters in place of weeks; names of the panel stay as they are.

    Args:
        panel: whose calendar is wanted.
        shown: a name in the forms in which texts may hold it, where they do not hold it as the panel does.
    """

    def __init__(self, panel: Panel, shown: Callable[[str], Iterable[str]] = lambda name: [name]) -> None:
        self.cadence = panel.cadence
        own = {panel.kpi_name, panel.region_name, *panel.channels, *panel.controls, *map(str, panel.regions)}
        self._names = tuple(form for name in own if WEEK.search(name) for form in (name, *shown(name)))

    def __call__(self, text: str) -> str:
        """A text in the unit of the panel's steps."""
        return self.cadence.worded(text, self._names)
