"""Refusal of panels that no model can be fitted to, before any time is spent on them."""

import numpy as np

from deepcausalmmm_jax.data.kpi_scale import is_constant, kpi_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError


def refuse_unfit(panel: Panel, weights: np.ndarray) -> None:
    """Check that the effects of channels can be identified from the training weeks.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.

    Raises:
        DataError: a region without a KPI, or with a constant one of 0 or less; a KPI that is constant in every region,
            or nowhere above 0; a channel that is zero throughout, never varies, or is proportional to another.
    """
    _refuse_unusable_kpi(panel, weights)
    last = int(np.nonzero(weights.sum(axis=0))[0][-1]) + 1
    exposure = panel.exposure[:, :last]
    _refuse_constant(panel, exposure)
    _refuse_identical(panel, exposure)


def _refuse_unusable_kpi(panel: Panel, weights: np.ndarray) -> None:
    seen = weights.sum(axis=1)
    if (seen == 0).any():
        region = panel.regions[int((seen == 0).argmax())]
        raise DataError(f"Region {region} has no observed KPI in the training weeks; remove it or shorten the holdout.")
    mean, constant = kpi_means(panel.kpi, weights), is_constant(panel.kpi, weights)
    if (constant & (mean <= 0)).any():
        region = int((constant & (mean <= 0)).argmax())
        raise DataError(
            f"The KPI of region {panel.regions[region]} is {mean[region]:g} in all training weeks, so nothing can be "
            "learned from it; remove the region."
        )
    if constant.all():
        raise DataError(
            f"The KPI {panel.kpi_name!r} is the same in all training weeks{_of_each(panel)}, so nothing can be "
            "learned from it; check that it is the right column."
        )
    if not (panel.kpi[weights > 0] > 0).any():
        raise DataError(
            f"The KPI of region {panel.regions[0]} averages {mean[0]:g} over the training weeks, and no region has a "
            "KPI above 0; reverse its sign if that is wrong, or add a constant to every week, which changes no effect."
        )


def _of_each(panel: Panel) -> str:
    return " of each region" if len(panel.regions) > 1 else ""


def _refuse_constant(panel: Panel, exposure: np.ndarray) -> None:
    for i, channel in enumerate(panel.channels):
        values = exposure[:, :, i]
        if not values.any():
            raise DataError(f"Channel {channel!r} is zero in all training weeks; remove it.")
        rows = [values[r][panel.present[r, : values.shape[1]]] for r in range(len(panel.regions))]
        if all(row.size == 0 or np.ptp(row) == 0 for row in rows):
            raise DataError(
                f"Channel {channel!r} never varies over the training weeks of any region, so its effect cannot be "
                "separated from the baseline; remove it."
            )


def _refuse_identical(panel: Panel, exposure: np.ndarray) -> None:
    flat = exposure.reshape(-1, exposure.shape[-1])
    scaled = flat / flat.max(axis=0)
    for j in range(flat.shape[1]):
        for i in range(j):
            if np.allclose(scaled[:, i], scaled[:, j], rtol=1e-9, atol=1e-12):
                same = "identical" if np.allclose(flat[:, i], flat[:, j]) else "multiples of each other"
                raise DataError(
                    f"Channels {panel.channels[i]!r} and {panel.channels[j]!r} are {same}, so their effects cannot be "
                    "separated; remove one or add them up."
                )
