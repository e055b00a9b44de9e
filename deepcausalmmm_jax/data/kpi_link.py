"""The KPI as the model reads it: as a share of its scale, the log of that share, or counts around such a log."""

import numpy as np

from deepcausalmmm_jax.config.kpi_link import KpiReading
from deepcausalmmm_jax.data.kpi_levels import kpi_scales
from deepcausalmmm_jax.data.kpi_scale import describing, kpi_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.stated_priors import StatedPriors
from deepcausalmmm_jax.errors import DataError

_AROUND = 4.0  # weeks
_USUAL, _TIMES, _MORE = (
    0.9,
    3.0,
    3.0,
)  # quantile of a region's counts; larger ones count up to so many times it, and more
_LEAST_LEFT = 0.01  # of the KPI without a channel: a share of all of it has no log


def scales_of_kpi(panel: Panel, weights: np.ndarray, reading: KpiReading) -> np.ndarray:
    """What a region's KPI is divided by, `[region]`, KPI units: under a log link the geometric mean; counts, the mean.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks outside training.
        reading: `Config.reading`.

    Raises:
        DataError: a log link, and a KPI of 0 or less in a week that is learned from; or counts that are none.
    """
    counted = describing(panel, weights)
    if reading == "identity":
        return kpi_scales(panel.kpi, counted)
    if reading == "counts":
        refuse_no_counts(panel, counted)
        return kpi_means(panel.kpi, counted)
    return np.asarray(np.exp(kpi_means(_logs(panel, counted), counted)))


def scaled_kpi(panel: Panel, weights: np.ndarray, scale: np.ndarray, reading: KpiReading) -> np.ndarray:
    """The KPI that the model adds up, `[region, week]`: around 1, and any number in weeks without weight.

    Under a log link it is 1 + log(KPI / scale), so that a change by 0.01 is one percent of the KPI in either link, and
    the same priors suit both. Counts are divided by their scale: the log is that of their mean, which is not seen.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not read.
        scale: `[region]`, KPI units, from `scales_of_kpi`.
        reading: `Config.reading`.

    Raises:
        DataError: a log link, and a KPI of 0 or less in a week with weight; or counts that are none.
    """
    if reading == "counts":
        refuse_no_counts(panel, weights)
    if reading in ("identity", "counts"):
        return np.asarray(panel.kpi / scale[:, None])
    return np.asarray(1.0 + _logs(panel, weights) - np.log(scale)[:, None])


def scaled_level(panel: Panel, weights: np.ndarray, scale: np.ndarray, reading: KpiReading) -> np.ndarray:
    """Mean of `scaled_kpi` over the weeks with weight, `[region]`; of counts, of the log of their local mean.

    Arguments as for `scaled_kpi`.
    """
    if reading == "identity":
        return np.asarray(kpi_means(panel.kpi, weights) / scale)
    if reading == "counts":
        return kpi_means(1.0 + np.log(local_means(panel.kpi, weights) / scale[:, None]), weights)
    return kpi_means(scaled_kpi(panel, weights, scale, reading), weights)


def local_means(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean count of the weeks around each week, `[region, week]`, above 0 in a region with any count.

    Weeks count by a normal curve with a standard deviation of four weeks; the mean of the whole region counts as one
    week more, so that no mean is zero. Of a week far above nine tenths of the others a part counts: a single slip of
    the pen would lift two months.

    Args:
        counts: `[region, week]`.
        weights: `[region, week]`, 0 in weeks that are not read.
    """
    week = np.arange(counts.shape[1])
    near = np.exp(-0.5 * ((week[:, None] - week) / _AROUND) ** 2)
    seen = weights > 0
    usual = [np.quantile(own[used], _USUAL) if used.any() else 0.0 for own, used in zip(counts, seen, strict=True)]
    counts = np.where(seen, np.minimum(counts, _TIMES * np.array(usual)[:, None] + _MORE), 0.0)
    around = counts @ near + kpi_means(counts, weights)[:, None]
    return np.asarray(around / (seen @ near + 1.0))


def refuse_no_counts(panel: Panel, counted: np.ndarray) -> None:
    """Refuse a KPI that is no count.

    Args:
        panel: the panel.
        counted: `[region, week]`, 0 in weeks that are not read.

    Raises:
        DataError: a KPI below 0 or with a fraction.
    """
    used = counted > 0
    for bad, what, way_out in (
        (used & (panel.kpi < 0), "below 0", "correct it, or set counts=False"),
        (
            used & (panel.kpi != np.round(panel.kpi)),
            "not a whole number",
            "give the number counted, or set counts=False",
        ),
    ):
        if bad.any():
            region, week = np.argwhere(bad)[0]
            raise DataError(
                f"The KPI of region {panel.regions[region]} is {panel.kpi[region, week]:g} in {panel.cadence.unit} "
                f"{panel.week_label(int(week))}, which is {what}, but counts=True says that the KPI counts something; "
                f"{way_out}."
            )


def as_log_effects(stated: StatedPriors[np.ndarray]) -> StatedPriors[np.ndarray]:
    """Stated shares of the KPI as effects on its log that are the same in all weeks, for priors without a panel."""
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
            f'{panel.week_label(int(week))}, and link="log" needs a KPI above 0; set link="identity", or counts=True '
            "if the KPI is a count of something, leave the KPI of that row empty if it is not known, or add up small "
            "regions."
        )
    return np.log(np.where(used, panel.kpi, 1.0))
