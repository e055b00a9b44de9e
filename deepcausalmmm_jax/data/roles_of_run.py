"""A later panel takes over the roles that its columns had in the panel of a fit."""

import dataclasses
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from deepcausalmmm_jax.data.event_columns import with_events_of
from deepcausalmmm_jax.data.regions import region_positions
from deepcausalmmm_jax.errors import DataError

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.panel import Panel

_P = TypeVar("_P", bound="Panel")


def with_roles_of(history: "Panel", asked: _P) -> _P:
    """A panel with the treatments, organic channels, events and national weights of the panel of a fit.

    Roles that it does not state are those of the fit. National channels must be stated again, since their figures are
    divided among the regions only then.

    Args:
        history: the panel of a fit.
        asked: weeks that continue it, or that replace it.

    Raises:
        DataError: other treatments, organic channels or national columns than those of the fit.
    """
    asked = with_events_of(history, asked)
    for field, what in (("treatments", "treatments"), ("organic", "organic channels")):
        own, given = getattr(history, field), getattr(asked, field)
        if not given:
            asked = dataclasses.replace(asked, **{field: own})
        elif set(given) != set(own):
            raise DataError(f"The {what} of the panel differ from those of the fit; use the same ones, or fit again.")
    _refuse_other_reach(history, asked)
    known, given = set(history.national) & set(history.channels), set(asked.national) & set(asked.channels)
    if known != given:
        names = ", ".join(sorted(known ^ given))
        other = "in the panel of the fit" if known - given else "in this panel"
        raise DataError(f"{names}: national only {other}; name the same national channels in both.")
    return _divided_like(history, dataclasses.replace(asked, national=history.national)) if known else asked


def _refuse_other_reach(history: "Panel", asked: "Panel") -> None:
    """Reach and frequency must be stated again: impressions alone do not tell one from the other."""
    before, now = (
        {name for name, known in zip(panel.channels, panel.has_reach, strict=True) if known}
        for panel in (history, asked)
    )
    if before - now:
        name = sorted(before - now)[0]
        raise DataError(
            f"The fit has reach and frequency of {name!r}, but this panel does not; name their columns in reach= and "
            "frequency=."
        )
    if now - before:
        name = sorted(now - before)[0]
        raise DataError(
            f"This panel has reach and frequency of {name!r}, but the fit does not; name its impressions in media=, or "
            "fit again."
        )


def _divided_like(history: "Panel", asked: _P) -> _P:
    """The panel with its national figures divided among the regions by the weights of the fit."""
    rows = region_positions(history.regions, asked.regions)
    if history.national_weights is None or asked.national_weights is None or (rows < 0).any():
        return asked
    wanted, own = history.national_weights[rows], asked.national_weights
    factor = np.where(own > 0, wanted / np.where(own > 0, own, 1.0), 1.0)
    if ((own == 0) & (wanted > 0)).any():
        region = asked.regions[int(((own == 0) & (wanted > 0)).argmax())]
        raise DataError(f"Region {region} has a national weight of 0, but not in the fit; give the weights of the fit.")
    if np.allclose(factor, 1.0, rtol=1e-6, atol=0.0):
        return asked
    exposure, spend = asked.exposure.copy(), None if asked.spend is None else asked.spend.copy()
    for m in [m for m, name in enumerate(asked.channels) if name in history.national]:
        exposure[:, :, m] *= factor[:, None]
        if spend is not None:
            spend[:, :, m] *= factor[:, None]
    return dataclasses.replace(asked, exposure=exposure, spend=spend, national_weights=wanted)
