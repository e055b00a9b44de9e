"""A short text that two panels share if and only if they hold the same data."""

import hashlib

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel

_ARRAYS = ("kpi", "weights", "present", "exposure", "control", "spend", "revenue_per_kpi", "population")


def fingerprint(panel: Panel) -> str:
    """SHA-256 over labels, names and arrays of a panel, the same on every machine.

    Numbers count as little-endian double precision, every missing one alike, and minus zero as zero; labels count as
    their text, dates as their day.

    Args:
        panel: the panel.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()

    def add(*parts: object) -> None:
        for part in parts:
            text = str(part).encode(errors="surrogatepass")
            digest.update(len(text).to_bytes(8, "little") + text)

    add(panel.kpi_name, panel.region_name, panel.time_name, panel.trailing_zeros)
    for names in (_labels(panel.regions), _labels(panel.weeks), panel.channels, panel.controls):
        add(len(names), *names)
    for name in _ARRAYS:
        array = getattr(panel, name)
        add(name, "none" if array is None else array.shape)
        if array is not None:
            digest.update(_plain(array).tobytes())
    if panel.cadence is not Cadence.WEEKLY:  # as before where a panel is weekly
        add(panel.cadence.value)
    if any((panel.treatments, panel.organic, panel.national, panel.events)):  # as before where a panel has none
        for part in (panel.treatments, panel.organic, panel.national, panel.events):
            add(part)
        add("none" if panel.national_weights is None else panel.national_weights.tolist())
    if panel.frequency is not None:
        add("frequency")
        digest.update(_plain(panel.frequency).tobytes())
    return digest.hexdigest()


def _plain(array: np.ndarray) -> np.ndarray:
    numbers = np.ascontiguousarray(array, dtype="<f8") + 0.0  # minus zero becomes zero
    return np.where(np.isnan(numbers), np.nan, numbers).astype("<f8")


def _labels(index: pd.Index) -> list[str]:
    if isinstance(index, pd.DatetimeIndex):
        return [str(week.date()) for week in index]
    return [str(label) for label in index]
