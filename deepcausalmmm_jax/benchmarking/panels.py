"""Panels of any size, made quickly: times depend only on their shapes."""

import dataclasses

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.simulation.simulate import simulate

Shape = tuple[int, int, int, int]
_SIMULATED = 20  # regions; a simulation computes its truth, at a cost of channels squared per region


def panel_of(shape: Shape) -> Panel:
    """A panel of a given shape: some simulated regions, repeated with different sizes and noise."""
    n_regions = shape[0]
    panel = simulate(min(n_regions, _SIMULATED), *shape[1:], seed=0)[0]
    if n_regions <= _SIMULATED:
        return panel
    rng = np.random.default_rng(0)
    row = np.arange(n_regions) % _SIMULATED

    def noisy(array: np.ndarray) -> np.ndarray:
        return array[row] * np.exp(rng.normal(0.0, 0.1, (n_regions, *array.shape[1:])))

    return dataclasses.replace(
        panel,
        regions=pd.RangeIndex(n_regions),
        kpi=noisy(panel.kpi),
        weights=panel.weights[row],
        present=panel.present[row],
        exposure=noisy(panel.exposure),
        control=panel.control[row],
        spend=None,
        revenue_per_kpi=None,
        population=None,
    )
