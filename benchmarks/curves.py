"""Panels of known truth with their curves, so that a figure can be taken as if these were known."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
from harness import SHARED
from panels import GEO, RECOVERY, geo_truth, on_grid, recovery
from scipy.optimize import least_squares
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm

Known = tuple[dcm.Panel, pd.DataFrame, pd.DataFrame]
NAMES = ("decay", "slope", "half_saturation")
_STARTS = [(decay, 0.3, half) for decay in (-2.0, 0.0, 2.0) for half in (-1.0, 0.0, 1.0)]  # logit, log, log


def activity(exposure: np.ndarray, decay: float, slope: float, half: float) -> np.ndarray:
    """Adstock and Hill, `[region, week]`."""
    carried = lfilter([1 - decay], [1, -decay], exposure, axis=1)
    return carried**slope / (carried**slope + half**slope)


def relative_exposure(panel: dcm.Panel) -> np.ndarray:
    """`[region, week, channel]`, over the region's mean week: the unit of a half-saturation."""
    return panel.exposure / panel.exposure.mean(axis=1, keepdims=True)


def geo(name: str) -> Known:
    """A geo_truth panel, its true contributions and curves by channel."""
    panel, true = geo_truth(name)
    said = json.loads((SHARED / "geo_truth" / f"{name}_truth.json").read_text())
    names = {"decay": "adstock_alpha", "slope": "hill_slope", "half_saturation": "hill_half_saturation"}
    return panel, true, pd.DataFrame({to: said[key] for to, key in names.items()}, index=list(panel.channels))


def drawn(seed: int) -> Known:
    """A panel of our own generator, its true contributions and curves."""
    panel, truth = dcm.simulate(seed=seed)
    true = truth.contributions.to_series().unstack("channel")[list(panel.channels)]
    return panel, true, truth.parameters


def recovered(name: str) -> Known:
    """A recovery panel, its true contributions, and the curves these follow: not told, but without noise."""
    panel, true = recovery(name)
    exposure, contributions = relative_exposure(panel), on_grid(panel, true)
    rows = [_curve_of(exposure[:, :, m], contributions[:, :, m]) for m in range(len(panel.channels))]
    return panel, true, pd.DataFrame(rows, index=list(panel.channels), columns=list(NAMES))


def _curve_of(exposure: np.ndarray, contribution: np.ndarray) -> tuple[float, float, float]:
    """Decay, slope and half-saturation for which activity by region is nearest the contributions `[region, week]`."""

    def curve(at: np.ndarray) -> tuple[float, float, float]:
        return float(1 / (1 + np.exp(-at[0]))), float(np.exp(at[1])), float(np.exp(at[2]))

    def missing(at: np.ndarray) -> np.ndarray:
        active = activity(exposure, *curve(at))
        worth = (active * contribution).sum(axis=1) / np.maximum((active**2).sum(axis=1), 1e-12)
        return ((worth[:, None] * active - contribution) / contribution.std()).ravel()

    return curve(min((least_squares(missing, start) for start in _STARTS), key=lambda found: found.cost).x)


def known_panels(simulated: int) -> list[tuple[str, Callable[..., Known], object]]:
    """Name, how to load it, and which: geo_truth, recovery and `simulated` panels of ours, as far as they are there."""
    panels: list[tuple[str, Callable[..., Known], object]] = []
    if SHARED.is_dir():
        panels += [(name, geo, name) for name in GEO] + [(name, recovered, name) for name in RECOVERY]
    return panels + [(f"simulated_{seed}", drawn, seed) for seed in range(100, 100 + simulated)]
