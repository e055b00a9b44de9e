"""Panels of any size, soon made: times depend on their shapes alone."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.simulation.simulate import simulate

Shape = tuple[int, int, int, int]
_SIMULATED = 20  # regions; a simulation knows its truth, which costs channels squared a region


def panel_of(shape: Shape) -> Panel:
    """A panel of regions, weeks, channels and controls: some simulated regions, repeated with other sizes and noise."""
    n_regions = shape[0]
    panel = simulate(min(n_regions, _SIMULATED), *shape[1:], seed=0)[0]
    if n_regions <= _SIMULATED:
        return panel
    rng = np.random.default_rng(0)
    row = np.arange(n_regions) % _SIMULATED

    def noisy(array: np.ndarray) -> np.ndarray:
        return array[row] * np.exp(rng.normal(0.0, 0.1, (n_regions, *array.shape[1:])))

    arrays: dict[str, Any] = {name: getattr(panel, name)[row] for name in ("weights", "present", "control")}
    arrays |= {name: noisy(getattr(panel, name)) for name in ("kpi", "exposure")}
    return dataclasses.replace(
        panel, regions=pd.RangeIndex(n_regions), spend=None, revenue_per_kpi=None, population=None, **arrays
    )
