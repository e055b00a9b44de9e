"""The KPI as the model reads it: as a share of its scale, or the log of that share."""

import numpy as np

from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.data.kpi_scale import describing, kpi_means, kpi_scales
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.stated_priors import StatedPriors
from deepcausalmmm_jax.errors import DataError

_LEAST_LEFT = 0.01  # of the KPI without a channel: a share of all of it has no log


def scales_of_kpi(panel: Panel, weights: np.ndarray, link: LinkKind) -> np.ndarray:
    """What a region's KPI is divided by, `[region]`, KPI units: under a log link the geometric mean.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.
        link: of the settings.

    Raises:
        DataError: a log link, and a KPI of 0 or less in a week that is learned from.
    """
    counted = describing(panel, weights)
    if link == "identity":
        return kpi_scales(panel.kpi, counted)
    return np.asarray(np.exp(kpi_means(_logs(panel, counted), counted)))


def scaled_kpi(panel: Panel, weights: np.ndarray, scale: np.ndarray, link: LinkKind) -> np.ndarray:
    """The KPI that the model adds up, `[region, week]`: around 1, and any number in weeks without weight.

    Under a log link it is 1 + log(KPI / scale), so that a change by 0.01 is one percent of the KPI in either link, and
    the same priors suit both.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not read.
        scale: `[region]`, KPI units, from `scales_of_kpi`.
        link: of the settings.

    Raises:
        DataError: a log link, and a KPI of 0 or less in a week with weight.
    """
    if link == "identity":
        return np.asarray(panel.kpi / scale[:, None])
    return np.asarray(1.0 + _logs(panel, weights) - np.log(scale)[:, None])


def scaled_level(panel: Panel, weights: np.ndarray, scale: np.ndarray, link: LinkKind) -> np.ndarray:
    """Mean of `scaled_kpi` over the weeks with weight, `[region]`; arguments as there."""
    if link == "identity":
        return np.asarray(kpi_means(panel.kpi, weights) / scale)
    return kpi_means(scaled_kpi(panel, weights, scale, link), weights)


def as_log_effects(stated: StatedPriors[np.ndarray]) -> StatedPriors[np.ndarray]:
    """Stated shares of the KPI as effects on its log: without the channel, or without all, that share is lost."""
    share, precision = _as_log(stated.share, stated.share_precision)
    made = stated._replace(share=share, share_precision=precision)
    if stated.total is None or stated.total_precision is None:
        return made
    total, of_total = _as_log(stated.total, stated.total_precision)
    return made._replace(total=total, total_precision=of_total)


def _as_log(share: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-log(1 - share), with the precision to first order."""
    left = np.maximum(1.0 - share, _LEAST_LEFT)
    return -np.log(left), precision * left**2


def _logs(panel: Panel, counted: np.ndarray) -> np.ndarray:
    """Logs of the KPI, `[region, week]`; 0 where it does not count."""
    used = counted > 0
    bad = used & ~(panel.kpi > 0)
    if bad.any():
        region, week = np.argwhere(bad)[0]
        raise DataError(
            f"The KPI of region {panel.regions[region]} is {panel.kpi[region, week]:g} in {panel.cadence.unit} "
            f'{panel.week_label(int(week))}, and link="log" needs a KPI above 0; take link="identity", leave the KPI '
            "of that row empty if nothing was counted, or add small regions up."
        )
    return np.log(np.where(used, panel.kpi, 1.0))
