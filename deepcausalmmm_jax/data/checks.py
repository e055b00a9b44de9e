"""Refusal of panels that no model can be fitted to, before any time is spent on them."""

from collections.abc import Iterator

import numpy as np

from deepcausalmmm_jax.data.holdout import fewest_steps
from deepcausalmmm_jax.data.kpi_scale import informative, is_constant, kpi_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError


def refuse_unfit(panel: Panel, weights: np.ndarray) -> None:
    """Check that the effects of channels can be identified from the weeks that have a KPI.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.

    Raises:
        DataError: a region without a KPI, or with a constant one of 0 or less; a KPI that is constant in every region,
            or nowhere above 0; fewer than 12 weeks with a KPI in every region; a channel that, in the weeks with a KPI,
            is zero throughout, varies in no region, or is proportional to another.
    """
    _refuse_unusable_kpi(panel, weights)
    used = informative(panel, weights) > 0
    _refuse_short(panel, used)
    _refuse_constant(panel, used)
    _refuse_identical(panel, used)


def _refuse_short(panel: Panel, used: np.ndarray) -> None:
    """Weeks of different regions do not add up: what a region adds shows in changes within it."""
    count = used.sum(axis=1)
    fewest, unit = fewest_steps(panel), panel.cadence.unit
    if count.max() < fewest:
        most = int(count.argmax())
        raise DataError(
            f"No region has a KPI in {fewest} training {unit}s; region {panel.regions[most]} has the "
            f"most, {count[most]}; add {unit}s, or shorten the holdout."
        )


def _refuse_unusable_kpi(panel: Panel, weights: np.ndarray) -> None:
    seen, unit = weights.sum(axis=1), panel.cadence.unit
    if (seen == 0).any():
        region = panel.regions[int((seen == 0).argmax())]
        raise DataError(
            f"Region {region} has no observed KPI in the training {unit}s; remove it or shorten the holdout."
        )
    mean, constant = kpi_means(panel.kpi, weights), is_constant(panel.kpi, weights)
    if (constant & (mean <= 0)).any():
        region = int((constant & (mean <= 0)).argmax())
        raise DataError(
            f"The KPI of region {panel.regions[region]} is {mean[region]:g} in all training {unit}s, so nothing can be "
            "learned from it; remove the region."
        )
    if constant.all():
        raise DataError(
            f"The KPI {panel.kpi_name!r} is the same in all training {unit}s{_of_each(panel)}, so nothing can be "
            "learned from it; check that it is the right column."
        )
    if not (panel.kpi[weights > 0] > 0).any():
        raise DataError(
            f"The KPI of region {panel.regions[0]} averages {mean[0]:g} over the training {unit}s, and no region has a "
            f"KPI above 0; reverse its sign if that is wrong, or add a constant to every {unit}, which leaves all "
            "effects unchanged."
        )


def _of_each(panel: Panel) -> str:
    return " of each region" if len(panel.regions) > 1 else ""


def _refuse_constant(panel: Panel, used: np.ndarray) -> None:
    unit = panel.cadence.unit
    for i, channel in enumerate(panel.channels):
        values = panel.exposure[:, :, i]
        if not values[used].any():
            raise DataError(f"Channel {channel!r} is zero in all training {unit}s that have a KPI; remove it.")
        if not varies_within_regions(values, used):
            raise DataError(
                f"Channel {channel!r} never varies over the training {unit}s with a KPI of any region, so its effect "
                "cannot be separated from the baseline; remove it."
            )


def varies_within_regions(values: np.ndarray, used: np.ndarray) -> bool:
    """Whether a series changes over the weeks used in at least one region.

    Args:
        values: `[region, week]`.
        used: `[region, week]`, whether the KPI of the week is learned from.
    """
    return any(row[seen].size and np.ptp(row[seen]) > 0 for row, seen in zip(values, used, strict=True))


def identical_channels(panel: Panel, used: np.ndarray) -> Iterator[tuple[int, int]]:
    """Positions of pairs of channels that are multiples of each other, the earlier channel first.

    Args:
        panel: the panel.
        used: `[region, week]`, whether the KPI of the week is learned from.
    """
    flat = panel.exposure[used]
    scaled = flat / np.where(flat.any(axis=0), flat.max(axis=0, initial=0.0), 1.0)
    for j in range(flat.shape[1]):
        for i in range(j):
            if np.allclose(scaled[:, i], scaled[:, j], rtol=1e-9, atol=1e-12):
                yield i, j


def _refuse_identical(panel: Panel, used: np.ndarray) -> None:
    flat, unit = panel.exposure[used], panel.cadence.unit
    for i, j in identical_channels(panel, used):
        same = "identical" if np.allclose(flat[:, i], flat[:, j]) else "multiples of each other"
        raise DataError(
            f"Channels {panel.channels[i]!r} and {panel.channels[j]!r} are {same} in the {unit}s with a KPI, so "
            "their effects cannot be separated; remove one or add them up."
        )
