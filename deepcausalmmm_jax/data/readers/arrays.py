"""`panel_from_arrays`: plain arrays, such as LightweightMMM's, -> a panel."""

import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.data.panel import MissingKpi, Panel
from deepcausalmmm_jax.errors import DataError

_TIME, _REGION, _KPI = "week", "region", "kpi"
_SPEND = "{} (spend)"
_YEAR_LAST = re.compile(r"\d{1,2}[-./]\d{1,2}[-./]\d{2,4}")


def panel_from_arrays(
    media_data: object,
    target: object,
    *,
    media_prior: object = None,
    extra_features: object = None,
    media_names: Sequence[str] | None = None,
    extra_features_names: Sequence[str] | None = None,
    regions: Sequence[object] | None = None,
    start: str | date | pd.Timestamp | None = None,
    revenue_per_kpi: float | None = None,
    missing_kpi: MissingKpi = "error",
) -> Panel:
    """Panel from the arrays that LightweightMMM takes, under its own names for them; unscaled.

    Args:
        media_data: `[week, channel]`, or `[week, channel, region]`: exposure, 0 or more.
        target: `[week]`, or `[week, region]`: the KPI.
        media_prior: `[channel]`, what each channel cost in total, currency. It is divided among weeks and regions in
            proportion to exposure, as if a unit had one price. None: no spend data.
        extra_features: `[week, feature]`, or `[week, feature, region]`: controls. None: none.
        media_names: of the channels; `media_1`, `media_2` and so on when None.
        extra_features_names: of the controls; `feature_1` and so on when None.
        regions: names of the regions, in the order of the last axis; `region_1` and so on when None.
        start: first day of the first week, such as `2024-01-01`; None numbers the weeks from 0, so that the time of
            year is unknown and the yearly season begins at an arbitrary week.
        revenue_per_kpi: revenue per KPI unit, one number; None where it is unknown.
        missing_kpi: whether a week without a target (NaN) is an error or, with "mask", gets weight 0.

    Returns:
        The panel, as `Panel.from_dataframe` would make it of the same figures.

    Raises:
        DataError: arrays whose sizes do not match, a wrong number of names, scaled or negative exposure, a start that
            is not a date, or what `Panel.from_dataframe` refuses.
    """
    kpi = _regional(_numbers("target", target, (1, 2)), "target", 2)
    media = _regional(_numbers("media_data", media_data, (2, 3)), "media_data", 3)
    features = _features(extra_features, kpi.shape)
    n_weeks, n_channels, n_regions = media.shape
    if kpi.shape != (n_weeks, n_regions):
        raise DataError(
            f"target has {_size(kpi.shape, 'region')} but media_data {_size((n_weeks, n_regions), 'region')}; both "
            "need the same weeks and regions, in the same order."
        )
    channels = _names("media_names", media_names, "media", n_channels, "channel")
    controls = _names("extra_features_names", extra_features_names, "feature", features.shape[1], "feature")
    places = _names("regions", regions, "region", n_regions, "region")
    if (media < 0).any():
        at = channels[int(np.argwhere(media < 0)[0][1])]
        raise DataError(f"media_data is negative for {at!r}; give exposure before it is scaled or centred.")
    table: dict[str, object] = {
        _TIME: np.repeat(_weeks(start, n_weeks), n_regions),
        _REGION: np.tile(np.array(places, dtype=object), n_weeks),
        _KPI: kpi.reshape(-1),
    }
    table |= {name: media[:, m].reshape(-1) for m, name in enumerate(channels)}
    table |= {name: features[:, c].reshape(-1) for c, name in enumerate(controls)}
    costs = None if media_prior is None else _costs(media_prior, media, channels)
    if costs is not None:
        table |= {_SPEND.format(name): costs[:, m].reshape(-1) for m, name in enumerate(channels)}
    return Panel.from_dataframe(
        pd.DataFrame(table),
        time=_TIME,
        region=None if n_regions == 1 and regions is None else _REGION,
        kpi=_KPI,
        media=channels,
        spend=None if costs is None else {name: _SPEND.format(name) for name in channels},
        controls=controls,
        revenue_per_kpi=revenue_per_kpi,
        missing_kpi=missing_kpi,
    )


def _numbers(name: str, given: object, axes: tuple[int, ...]) -> np.ndarray:
    """An array of finite numbers; a target may have NaN."""
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{name} must be an array of numbers, got {shown(given)}.") from None
    if array.ndim not in axes or array.size == 0:
        wanted = " or ".join(str(n) for n in axes)
        raise DataError(f"{name} must have {wanted} axes and not be empty, got the shape {array.shape}.")
    return array


def _regional(array: np.ndarray, name: str, axes: int) -> np.ndarray:
    """The array with an axis of regions at the end, of length 1 where it had none."""
    return array if array.ndim == axes else array[..., None]


def _features(given: object, kpi_shape: tuple[int, ...]) -> np.ndarray:
    """Controls, `[week, feature, region]`; the same for all regions where they have no such axis."""
    n_weeks, n_regions = kpi_shape
    if given is None:
        return np.zeros((n_weeks, 0, n_regions))
    array = _numbers("extra_features", given, (2, 3))
    array = np.repeat(array[..., None], n_regions, axis=2) if array.ndim == 2 else array
    if array.shape[0] != n_weeks or array.shape[2] != n_regions:
        own = _size((array.shape[0], array.shape[2]), "region")
        raise DataError(
            f"extra_features has {own} but target {_size(kpi_shape, 'region')}; both need the same weeks and regions."
        )
    return array


def _costs(given: object, media: np.ndarray, channels: list[str]) -> np.ndarray:
    """Spend `[week, channel, region]`, in proportion to exposure."""
    total = _numbers("media_prior", given, (1,))
    if total.shape != (len(channels),):
        raise DataError(f"media_prior has {len(total)} entries for {len(channels)} channels; give each its total cost.")
    exposure = media.sum(axis=(0, 2))
    for name, cost, units in zip(channels, total, exposure, strict=True):
        if not np.isfinite(cost) or cost < 0:
            raise DataError(f"media_prior is {cost:g} for {name!r}; give what the channel cost in total, 0 or more.")
        if cost > 0 and units == 0:
            raise DataError(f"media_prior is {cost:g} for {name!r}, which has no exposure; leave the channel out.")
    return media * (total / np.where(exposure > 0, exposure, 1.0))[None, :, None]


def _names(option: str, given: Sequence[object] | None, stem: str, count: int, what: str) -> list[str]:
    if given is None:
        return [f"{stem}_{number}" for number in range(1, count + 1)]
    if isinstance(given, str) or len(list(given)) != count:
        several = "the text" if isinstance(given, str) else f"{len(list(given))} names in"
        raise DataError(
            f"{option} is {several} {shown(given)}, but there {'is' if count == 1 else 'are'} {count} "
            f"{what}{'' if count == 1 else 's'}; give a list of {count}."
        )
    return [str(name) for name in given]


def _weeks(start: str | date | pd.Timestamp | None, count: int) -> np.ndarray:
    if start is None:
        return np.arange(count)
    first = _day(start)
    if first is None or pd.isna(first):
        raise DataError(f"start must be the first day of the first week, such as 2024-01-01, got {shown(start)}.")
    return (first.normalize() + pd.to_timedelta(7 * np.arange(count), unit="D")).to_numpy()


def _day(start: object) -> pd.Timestamp | None:
    """A date, or text of one; in numbers with the year last, day and month may be taken for one another."""
    if isinstance(start, str):
        found = pd.NaT if _YEAR_LAST.match(start.strip()) else pd.to_datetime(start, errors="coerce")
        return found if isinstance(found, pd.Timestamp) else None
    return pd.Timestamp(start) if isinstance(start, date) else None  # a Timestamp is a date


def _size(shape: tuple[int, ...], what: str) -> str:
    weeks, count = shape
    return f"{weeks} weeks and {count} {what}{'' if count == 1 else 's'}"
