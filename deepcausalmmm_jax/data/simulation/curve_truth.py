"""True curves: drawn, and applied in plain NumPy, so that the truth does not share the errors of the model's code."""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.stats import poisson, weibull_min

from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.config.curves import AdstockKind, CurveKind, SaturationKind
from deepcausalmmm_jax.data.simulation.request import channel_index
from deepcausalmmm_jax.errors import DataError


class CurveRequest(NamedTuple):
    """Kinds of curves that are asked for."""

    kinds: tuple[CurveKind, ...]  # by channel
    draws: np.random.Generator  # of what Hill curves with geometric carry-over lack; separate, so that those stay
    n_reached: int = 0  # channels with reach and frequency, the first ones
    reaches: np.random.Generator | None = None  # draws what they have; separate likewise


PLAIN = CurveKind("geometric", "hill")
_LAGS = 60  # of kernels that have no last lag
_MOST_LAGS = 13  # of the others, as in `Config.max_lag`


def asked_kinds(
    adstock: str | Sequence[str] | None, saturation: str | Sequence[str] | None, saturation_first: bool, n_channels: int
) -> tuple[CurveKind, ...]:
    """Kinds by channel, as asked for.

    Args:
        adstock: kind of all channels, or of each; None for geometric.
        saturation: likewise; None for Hill curves.
        saturation_first: whether exposure saturates before it carries over.
        n_channels: number of channels.

    Raises:
        DataError: an unknown kind, or kinds of another number of channels.
    """
    adstocks = _each("adstock", adstock or "geometric", get_args(AdstockKind), n_channels)
    saturations = _each("saturation", saturation or "hill", get_args(SaturationKind), n_channels)
    if not isinstance(saturation_first, bool):
        raise DataError(f"saturation_first must be True or False, got {shown(saturation_first)}.")
    return tuple(
        CurveKind(carried, bent, saturation_first)  # type: ignore[arg-type]
        for carried, bent in zip(adstocks, saturations, strict=True)
    )


def _each(name: str, asked: str | Sequence[str], known: tuple[str, ...], n_channels: int) -> tuple[str, ...]:
    if not isinstance(asked, str | Sequence):
        raise DataError(f"{name} must be a kind, or one for each channel, got {shown(asked)}; known are {known}.")
    kinds = (asked,) * n_channels if isinstance(asked, str) else tuple(asked)
    for kind in kinds:
        if kind not in known:
            raise DataError(f"There is no {name} {kind!r}{did_you_mean(kind, known, f'; known are {known}.')}")
    if len(kinds) != n_channels:
        raise DataError(f"{name} names {len(kinds)} kinds for {n_channels} channels; give one, or one for each.")
    return kinds


def drawn_curves(rng: np.random.Generator, asked: CurveRequest) -> pd.DataFrame:
    """Random parameters by channel, missing where the kind has no such parameter.

    Args:
        rng: of what every panel has.
        asked: kinds by channel.

    Returns:
        Columns `decay`, `slope` and `half_saturation` (in mean weeks of the region); with kinds other than geometric
        carry-over and Hill curves also `delay`, `scale`, `shape`, `exponent`, `adstock`, `saturation` and
        `saturation_first`.
    """
    kinds, n_channels = asked.kinds, len(asked.kinds)
    table = pd.DataFrame(
        {
            "decay": rng.uniform(0.2, 0.8, n_channels),
            "slope": rng.uniform(1.0, 2.5, n_channels),
            "half_saturation": rng.uniform(0.7, 2.0, n_channels),
        },
        index=channel_index(n_channels),
    )
    if set(kinds) == {PLAIN}:
        return table
    ranges = {"delay": (0.5, 3.0), "scale": (1.0, 4.0), "shape": (0.7, 2.2), "exponent": (0.3, 0.8)}
    table = table.assign(**{name: asked.draws.uniform(*span, n_channels) for name, span in ranges.items()})
    for name in table:
        table[name] = np.where([name in kind.parameters for kind in kinds], table[name], np.nan)
    return table.assign(
        **{name: [getattr(kind, name) for kind in kinds] for name in ("adstock", "saturation", "saturation_first")}
    )


def true_activity(relative: np.ndarray, parameters: pd.DataFrame) -> np.ndarray:
    """Activity `[region, week, channel]` of exposure in mean weeks of the region.

    Args:
        relative: `[region, week, channel]`.
        parameters: as `drawn_curves` returns them.
    """
    active = np.zeros_like(relative)
    for m, (_, row) in enumerate(parameters.iterrows()):
        own, first = relative[:, :, m], bool(row.get("saturation_first", False))
        active[:, :, m] = _carried(_bent(own, row), row) if first else _bent(_carried(own, row), row)
    return active


def _carried(exposure: np.ndarray, row: pd.Series) -> np.ndarray:
    kind, decay = row.get("adstock", "geometric"), row["decay"]
    if kind == "geometric":
        return np.asarray(lfilter([1.0 - decay], [1.0, -decay], exposure, axis=1))
    lag = np.arange(_LAGS if kind == "delayed_geometric" else _MOST_LAGS)
    if kind == "none":
        weights = np.ones(1)
    elif kind == "delayed_geometric":
        weights = np.convolve(poisson.pmf(lag, row["delay"]), decay**lag)[:_LAGS]
    elif kind == "delayed":
        weights = decay ** ((lag - row["delay"]) ** 2)
    elif kind == "binomial":
        weights = (1.0 - lag / _MOST_LAGS) ** (1.0 / decay - 1.0)
    elif kind == "weibull_pdf":
        weights = weibull_min.pdf(lag + 0.5, row["shape"], scale=row["scale"])
    else:
        weights = weibull_min.sf(lag, row["shape"], scale=row["scale"])
    return np.asarray(lfilter(weights / weights.sum(), [1.0], exposure, axis=1))


def _bent(x: np.ndarray, row: pd.Series) -> np.ndarray:
    kind, half = row.get("saturation", "hill"), row["half_saturation"]
    if kind == "hill":
        return np.asarray(x ** row["slope"] / (x ** row["slope"] + half ** row["slope"]))
    if kind == "michaelis_menten":
        return np.asarray(x / (x + half))
    if kind == "logistic":
        return np.asarray(2.0 / (1.0 + np.exp(-np.log(3.0) * x / half)) - 1.0)
    if kind == "log":
        return np.asarray(np.log1p(x / half) / np.log(4.0))
    return np.asarray(0.5 * x ** row["exponent"] if kind == "root" else 0.5 * x)
